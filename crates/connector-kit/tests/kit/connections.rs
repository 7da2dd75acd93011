//! How many connections the HTTP client opens.

use std::{
    io::{Read, Write},
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use connector_kit::{
    ConnectTo, Context, Delivery, Egress, SendContext,
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
async fn there_are_as_many_as_requests_at_once_need_and_not_as_requests() {
    let server = server(Answer::status(202).text("text/plain", "thanks")).await;
    post_many(&server.context, 1008, 16).await;
    let connections = server.recorder.connections();
    assert!((1..=32).contains(&connections), "{connections} connections for 16 requests at once");
    post_many(&server.context, 64, 4).await;
    assert_eq!(server.recorder.connections(), connections, "those that are there do");
}

/// Answers a request on each connection with these bytes, and closes it.
fn closes_after(answer: &'static str) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut request) = (stream.unwrap(), Vec::new());
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\nx") && stream.read_exact(&mut byte).is_ok() {
                request.push(byte[0]);
            }
            // A client that has gone away already is no trouble.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

/// RFC 9112, 6.3 and 9.3: CGI scripts and endpoints made by hand do all of these.
#[tokio::test]
async fn a_connection_that_does_not_come_back_is_not_waited_for() {
    for answer in [
        "HTTP/1.1 200 OK\r\n\r\nto the end",
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nto the end",
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\nto the end",
        "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok",
    ] {
        let url = Url::parse(&format!("http://{}/send", closes_after(answer))).unwrap();
        let context = Context::new(Egress::default()).unwrap();
        let started = Instant::now();
        for _ in 0..40 {
            let request = HttpRequest::post(url.clone(), HeaderMap::new(), "x");
            let outcome = timeout(HANGS, context.http().execute(request, &SendContext::new())).await.unwrap();
            // One that was closed just as the next request was written may have had it.
            if let Err(error) = outcome {
                assert_eq!(error.delivery(), Delivery::Unknown, "{answer}: {error}");
            }
        }
        let took = started.elapsed();
        assert!(took < Duration::from_secs(5), "{answer}: {took:?}");
    }
}

/// Each test of a host's has a runtime of its own, and a script starts one per message.
#[test]
fn runtimes_that_come_and_go_share_a_context() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let lasting = runtime();
    let server = lasting.block_on(server(Answer::status(202)));
    let started = Instant::now();
    for _ in 0..30 {
        lasting.block_on(post(&server.context));
        let passing = runtime();
        // Its connection stands still from here on, and then ends.
        passing.block_on(post(&server.context));
        lasting.block_on(post(&server.context));
        passing.block_on(post(&server.context));
    }
    let (took, connections) = (started.elapsed(), server.recorder.connections());
    assert_eq!(connections, 31, "each runtime has one of its own, and keeps it");
    assert!(took < Duration::from_secs(10), "{took:?}");
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
    assert!((3..=3 * 8).contains(&connections), "{connections}");
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
    assert!(server.recorder.connections() <= connections + 8);
}
