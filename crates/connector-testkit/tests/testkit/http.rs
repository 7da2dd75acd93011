//! The HTTP recorder while all goes well: what it records and how it answers.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use connector_testkit::{Answer, Framing, HttpRecorder, RecorderOptions};
use serde_json::json;

use crate::{HOST, https, url};

async fn plain(answers: Vec<Answer>) -> HttpRecorder {
    HttpRecorder::start(RecorderOptions { tls: None, answers }).await
}

/// Sends bytes and reads to the end of the connection. It blocks the test's thread: the recorder has its own.
fn exchange(recorder: &HttpRecorder, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", recorder.port())).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test]
async fn a_request_is_recorded_exactly() {
    let (recorder, client) = https(vec![Answer::status(202).header("x-message-id", "abc")]).await;
    let answer = client
        .post(url("/v3/mail/send?q=1&q=%20a+b"))
        .header("authorization", "Bearer key")
        .body(json!({"to": "user@example.com"}).to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 202);
    assert_eq!(answer.headers()["x-message-id"], "abc");
    assert_eq!(answer.headers()["content-length"], "0");

    let request = recorder.only_request();
    assert_eq!((request.method.as_str(), request.scheme.as_str(), request.host.as_str()), ("POST", "https", HOST));
    assert_eq!(request.target, "/v3/mail/send?q=1&q=%20a+b");
    assert_eq!(request.path, "/v3/mail/send");
    assert_eq!(request.query.as_deref(), Some("q=1&q=%20a+b"));
    assert_eq!(request.query_pairs(), [("q".to_owned(), "1".to_owned()), ("q".to_owned(), " a b".to_owned())]);
    assert_eq!(request.header("Authorization"), Some("Bearer key"));
    assert_eq!(request.json(), json!({"to": "user@example.com"}));
    assert!(request.raw_head.starts_with(b"POST /v3/mail/send?q=1&q=%20a+b HTTP/1.1\r\n"));
    assert!(request.raw_head.ends_with(b"\r\n\r\n"));
    assert_eq!(recorder.errors(), Vec::<String>::new());
}

#[tokio::test]
async fn header_order_and_case_and_repeats_are_kept() {
    let recorder = plain(Vec::new()).await;
    exchange(&recorder, b"GET / HTTP/1.1\r\nB: 2\r\nhost: a\r\nB: 1\r\nConnection: close\r\n\r\n");
    let request = recorder.only_request();
    let names: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["B", "host", "B", "Connection"]);
    assert_eq!(request.header_values("b"), ["2", "1"]);
    assert_eq!((request.scheme.as_str(), request.host.as_str()), ("http", "a"));
}

#[tokio::test]
async fn answers_come_in_turn_and_the_last_is_repeated() {
    let (recorder, client) = https(vec![Answer::status(500), Answer::status(200).json(json!({"id": 1}))]).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        let answer = client.get(url("/")).send().await.unwrap();
        seen.push((answer.status().as_u16(), answer.text().await.unwrap()));
    }
    assert_eq!(seen, [(500, String::new()), (200, "{\"id\":1}".to_owned()), (200, "{\"id\":1}".to_owned())]);
    recorder.set_answers(vec![Answer::status(204)]);
    assert_eq!(client.get(url("/")).send().await.unwrap().status(), 204);
    assert_eq!(recorder.requests().len(), 4);
    assert_eq!(recorder.connections(), 1, "keep-alive");
    assert!(recorder.requests().iter().all(|request| request.connection == 0));
    recorder.clear();
    assert_eq!(recorder.requests(), []);
}

#[tokio::test]
async fn a_responder_sees_the_request() {
    let (recorder, client) = https(Vec::new()).await;
    recorder.respond_with(|request| match request.path.as_str() {
        "/token" => Answer::default().json(json!({"access_token": "t"})),
        _ => Answer::status(401),
    });
    assert_eq!(client.get(url("/token")).send().await.unwrap().status(), 200);
    assert_eq!(client.get(url("/mail")).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn chunked_and_pipelined_requests_are_read() {
    let recorder = plain(Vec::new()).await;
    let answer = exchange(
        &recorder,
        b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\
          4\r\nWiki\r\n5;x=y\r\npedia\r\n0\r\nTrailer: t\r\n\r\n\
          POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\nConnection: close\r\n\r\na=%20+b",
    );
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2);
    let requests = recorder.requests();
    assert_eq!((requests[0].path.as_str(), requests[0].text()), ("/a", "Wikipedia"));
    assert_eq!((requests[1].path.as_str(), requests[1].text()), ("/b", "a=%20+b"));
    assert_eq!(requests[1].form(), [("a".to_owned(), "  b".to_owned())]);
}

#[tokio::test]
async fn expect_continue_is_answered_before_the_body() {
    let recorder = plain(vec![Answer::status(201)]).await;
    let mut stream = TcpStream::connect(("127.0.0.1", recorder.port())).unwrap();
    let head = b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\n";
    stream.write_all(head).unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"ok").unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert!(rest.starts_with("HTTP/1.1 201 Created\r\n"), "{rest}");
    assert_eq!(recorder.only_request().text(), "ok");
}

#[tokio::test]
async fn interim_answers_come_first() {
    let hints = Answer::status(202).interim(103, &[("link", "</a>; rel=preload")]).interim(100, &[]);
    let (_recorder, client) = https(vec![hints.clone()]).await;
    assert_eq!(client.get(url("/")).send().await.unwrap().status(), 202);

    let recorder = plain(vec![hints]).await;
    let answer = exchange(&recorder, b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    assert!(
        answer.starts_with(
            "HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 "
        ),
        "{answer}"
    );
}

#[tokio::test]
async fn every_framing_is_understood() {
    let body = "x".repeat(100_000);
    for framing in [Framing::Length, Framing::Chunked, Framing::Close] {
        let (recorder, client) = https(vec![Answer::default().text("text/plain", &body).framing(framing)]).await;
        for _ in 0..2 {
            assert_eq!(client.get(url("/")).send().await.unwrap().text().await.unwrap(), body, "{framing:?}");
        }
        let expected = if framing == Framing::Close { 2 } else { 1 };
        assert_eq!(recorder.connections(), expected, "{framing:?}");
    }
}

#[tokio::test]
async fn http_10_closes_after_each_answer() {
    let (recorder, client) = https(vec![Answer::default().json(json!({"old": true})).http10()]).await;
    for _ in 0..2 {
        let answer = client.get(url("/")).send().await.unwrap();
        assert_eq!(answer.version(), reqwest::Version::HTTP_10);
        assert_eq!(answer.text().await.unwrap(), "{\"old\":true}");
    }
    assert_eq!(recorder.connections(), 2);
}

#[tokio::test]
async fn content_types_are_filled_in_but_not_overridden() {
    let (_recorder, client) = https(vec![
        Answer::default().json(json!({})),
        Answer::default().html("<p>"),
        Answer::status(502).header("Content-Type", "text/weird").html("<p>"),
        Answer::redirect(307, "/elsewhere"),
    ])
    .await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        let answer = client.get(url("/")).send().await.unwrap();
        let header = |name| answer.headers().get(name).map(|value: &_| format!("{value:?}"));
        seen.push((answer.status().as_u16(), header("content-type").or_else(|| header("location")).unwrap()));
    }
    assert_eq!(
        seen,
        [
            (200, "\"application/json\"".to_owned()),
            (200, "\"text/html; charset=utf-8\"".to_owned()),
            (502, "\"text/weird\"".to_owned()),
            (307, "\"/elsewhere\"".to_owned())
        ]
    );
}

#[tokio::test]
async fn a_compressed_body_says_so() {
    let (_recorder, client) = https(vec![Answer::default().json(json!({"id": "zipped"})).gzip()]).await;
    let answer = client.get(url("/")).send().await.unwrap();
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    assert!(answer.bytes().await.unwrap().starts_with(&[0x1f, 0x8b]));
}

#[tokio::test]
async fn held_answers_wait_for_their_release() {
    let (recorder, client) = https(vec![Answer::status(200).held()]).await;
    let sends: Vec<_> = (0..3).map(|_| tokio::spawn(client.get(url("/")).send())).collect();
    recorder.wait_for_requests(3).await;
    assert_eq!(recorder.connections(), 3);
    assert!(sends.iter().all(|send| !send.is_finished()));
    recorder.release(3);
    for send in sends {
        assert_eq!(send.await.unwrap().unwrap().status(), 200);
    }
}

#[tokio::test]
async fn idle_connections_can_be_closed_from_this_side() {
    let (recorder, client) = https(Vec::new()).await;
    client.get(url("/")).send().await.unwrap();
    recorder.close_connections().await;
    assert_eq!(recorder.open_connections(), 0);
    client.get(url("/")).send().await.unwrap();
    assert_eq!(recorder.connections(), 2);
    assert_eq!(recorder.errors(), Vec::<String>::new());
}

#[tokio::test]
async fn dropping_stops_everything() {
    let (recorder, client) = https(vec![Answer::status(200).held()]).await;
    let port = recorder.port();
    let waiting = tokio::spawn(client.get(url("/")).send());
    recorder.wait_for_requests(1).await;
    drop(recorder);
    assert!(waiting.await.unwrap().is_err());
    let error = TcpStream::connect(("127.0.0.1", port)).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_sink_counts_and_keeps_nothing() {
    let sink = HttpRecorder::sink(RecorderOptions::default()).await;
    exchange(&sink, b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert_eq!((sink.request_count(), sink.requests().len()), (2, 0));
}
