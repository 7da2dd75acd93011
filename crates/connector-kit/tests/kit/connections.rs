//! How many connections the HTTP client opens.

use std::{sync::Arc, time::Duration};

use connector_kit::{
    ConnectTo, Context, Egress, SendContext,
    http::{HeaderMap, HttpRequest, Url},
};
use connector_testkit::{Answer, Fault, HttpRecorder, RecorderOptions, TestCa};
use tokio::{task::JoinSet, time::timeout};

/// How long anything here may take before it counts as hanging.
const HANGS: Duration = Duration::from_secs(30);

struct Server {
    recorder: HttpRecorder,
    context: Arc<Context>,
}

async fn server(answer: Answer) -> Server {
    let ca = TestCa::new();
    let tls = Some(ca.server_config(&["api.example.com"]));
    let recorder = HttpRecorder::start(RecorderOptions { tls, answers: vec![answer] }).await;
    let egress = Egress {
        connect_to: vec![ConnectTo::new("api.example.com", 443, "127.0.0.1", recorder.port())],
        extra_roots: vec![ca.root_der()],
        ..Egress::default()
    };
    Server { recorder, context: Arc::new(Context::new(egress).unwrap()) }
}

async fn post(context: &Context) {
    let url = Url::parse("https://api.example.com/send").unwrap();
    let request = HttpRequest::post(url, HeaderMap::new(), "x");
    let response = timeout(HANGS, context.http().execute(request, &SendContext::new())).await.unwrap().unwrap();
    assert!(response.status.is_success());
    response.body.unwrap();
}

/// Sends `count` requests, `at_once` at a time.
async fn post_many(context: &Arc<Context>, count: usize, at_once: usize) {
    let mut workers = JoinSet::new();
    for _ in 0..at_once {
        let context = Arc::clone(context);
        workers.spawn(async move {
            for _ in 0..count / at_once {
                post(&context).await;
            }
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn never_more_than_requests_at_once() {
    let server = server(Answer::status(202).text("text/plain", "thanks")).await;
    post_many(&server.context, 1008, 16).await;
    let connections = server.recorder.connections();
    assert!((1..=16).contains(&connections), "{connections} connections for 16 requests at once");
    post_many(&server.context, 64, 4).await;
    assert_eq!(server.recorder.connections(), connections, "those that are there do");
}

#[tokio::test]
async fn a_server_that_hangs_up_after_every_answer_is_served_by_others() {
    let server = server(Answer::status(202).header("connection", "close").closes()).await;
    post_many(&server.context, 40, 4).await;
    assert_eq!(server.recorder.connections(), 40);
}

#[tokio::test]
async fn connections_that_the_server_has_closed_are_replaced() {
    let server = server(Answer::status(202)).await;
    for _ in 0..3 {
        post_many(&server.context, 8, 4).await;
        server.recorder.close_connections().await;
    }
    let connections = server.recorder.connections();
    assert!((3..=12).contains(&connections), "{connections}");
}

#[tokio::test]
async fn a_request_given_up_takes_nothing_from_the_next() {
    let server = server(Answer::fault(Fault::Silent)).await;
    for number in 1..=3 {
        tokio::select! {
            () = post(&server.context) => panic!("it is never answered"),
            () = server.recorder.wait_for_requests(number) => {}
        }
    }
    server.recorder.set_answers(vec![Answer::status(202)]);
    let connections = server.recorder.connections();
    post_many(&server.context, 8, 4).await;
    assert!(server.recorder.connections() <= connections + 4);
}
