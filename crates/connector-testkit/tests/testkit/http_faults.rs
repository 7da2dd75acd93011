//! The HTTP recorder's faults, as a client meets them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use connector_testkit::{Answer, Fault, Framing, HttpRecorder, RecorderOptions};
use serde_json::json;

use crate::{https, url};

/// Short, because the client is to run into it.
const SOON: Duration = Duration::from_millis(500);

async fn failing(fault: Fault) -> (HttpRecorder, Result<(u16, Result<String, reqwest::Error>), reqwest::Error>) {
    let (recorder, client) = https(vec![Answer::fault(fault)]).await;
    let outcome = match client.post(url("/")).body("{}").timeout(SOON).send().await {
        Ok(answer) => Ok((answer.status().as_u16(), answer.text().await)),
        Err(error) => Err(error),
    };
    drop(client);
    recorder.wait_for_open_connections(0).await;
    (recorder, outcome)
}

#[tokio::test]
async fn stalls_let_the_client_time_out() {
    for (fault, requests) in [(Fault::StallTls, 0), (Fault::Silent, 1), (Fault::StallHeaders, 1)] {
        let (recorder, outcome) = failing(fault).await;
        assert!(outcome.unwrap_err().is_timeout(), "{fault:?}");
        assert_eq!(recorder.requests().len(), requests, "{fault:?}");
        assert_eq!(recorder.connections(), 1, "{fault:?}");
    }
    let (recorder, outcome) = failing(Fault::StallBody).await;
    let (status, body) = outcome.unwrap();
    assert_eq!(status, 200);
    assert!(body.unwrap_err().is_timeout());
    assert_eq!(recorder.requests().len(), 1);
}

#[tokio::test]
async fn a_trickle_defeats_timeouts_of_single_reads_only() {
    let (recorder, outcome) = failing(Fault::Trickle(Duration::from_millis(20))).await;
    assert!(outcome.unwrap_err().is_timeout());
    assert_eq!(recorder.requests().len(), 1);
    let (_recorder, client) = https(vec![Answer::fault(Fault::Trickle(Duration::from_micros(1)))]).await;
    let answer = client.get(url("/")).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), r#"{"message":"half of this may arrive"}"#);
}

#[tokio::test]
async fn resets_come_before_or_after_the_request_is_read() {
    for (fault, requests) in [(Fault::ResetTls, 0), (Fault::ResetBeforeRead, 0), (Fault::ResetAfterRead, 1)] {
        let (recorder, outcome) = failing(fault).await;
        let error = outcome.unwrap_err();
        assert!(format!("{error:?}").contains("ConnectionReset"), "{fault:?}: {error:?}");
        assert_eq!(error.is_connect(), fault == Fault::ResetTls, "{fault:?}: {error:?}");
        assert_eq!(recorder.requests().len(), requests, "{fault:?}");
    }
}

#[tokio::test]
async fn a_reset_can_hit_a_reused_connection() {
    let (recorder, client) = https(vec![Answer::status(200), Answer::fault(Fault::ResetBeforeRead)]).await;
    assert_eq!(client.get(url("/first")).send().await.unwrap().status(), 200);
    assert!(client.post(url("/second")).body("{}").send().await.is_err());
    assert_eq!(recorder.only_request().path, "/first");
    assert_eq!(recorder.connections(), 1);
}

#[tokio::test]
async fn an_idle_connection_can_be_reset() {
    let (recorder, client) = https(vec![Answer::status(200)]).await;
    for _ in 0..2 {
        assert_eq!(client.get(url("/")).send().await.unwrap().status(), 200);
        recorder.reset_connections().await;
    }
    assert_eq!(recorder.connections(), 2);
}

#[tokio::test]
async fn hanging_up_and_cutting_headers_leave_no_answer() {
    for fault in [Fault::HangUp, Fault::CutHeaders] {
        let (recorder, outcome) = failing(fault).await;
        let error = outcome.unwrap_err();
        assert!(!error.is_timeout() && !error.is_connect(), "{fault:?}: {error:?}");
        assert_eq!(recorder.requests().len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_cut_body_is_an_answer_that_cannot_be_read() {
    for (fault, framing) in
        [(Fault::CutBody, Framing::Length), (Fault::CutBody, Framing::Chunked), (Fault::ResetBody, Framing::Length)]
    {
        let answer = Answer::status(202).json(json!({"id": "cut"})).framing(framing).with_fault(fault);
        let (_recorder, client) = https(vec![answer]).await;
        let answer = client.post(url("/")).body("{}").send().await.unwrap();
        assert_eq!(answer.status(), 202);
        let error = answer.bytes().await.unwrap_err();
        assert!(error.is_body() || error.is_decode(), "{fault:?} {framing:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_cut_empty_body_promised_something() {
    let (_recorder, client) = https(vec![Answer::status(202).with_fault(Fault::CutBody)]).await;
    let answer = client.post(url("/")).body("{}").send().await.unwrap();
    assert_eq!(answer.headers()["content-length"], "1000");
    assert!(answer.bytes().await.is_err());
}

#[tokio::test]
async fn an_endless_body_ends_when_the_client_leaves() {
    let gigabyte = 1 << 30;
    for framing in [Framing::Chunked, Framing::Length, Framing::Close] {
        let (recorder, client) = https(vec![Answer::endless(gigabyte).framing(framing)]).await;
        let mut answer = client.get(url("/")).send().await.unwrap();
        let mut read = 0;
        while read < 1 << 20 {
            read += answer.chunk().await.unwrap().unwrap().len();
        }
        drop(answer);
        recorder.wait_for_open_connections(0).await;
        assert!(recorder.body_bytes_sent() < gigabyte / 8, "{framing:?}: {}", recorder.body_bytes_sent());
    }
}

#[tokio::test]
async fn an_unannounced_close_leaves_a_dead_connection_behind() {
    let (recorder, client) = https(vec![Answer::status(200).closes()]).await;
    for _ in 0..2 {
        let answer = client.get(url("/")).send().await.unwrap();
        assert!(!answer.headers().contains_key("connection"));
        recorder.wait_for_open_connections(0).await;
    }
    assert_eq!(recorder.connections(), 2);
}

#[tokio::test]
async fn raw_bytes_are_sent_as_they_are() {
    let (_recorder, client) =
        https(vec![Answer::raw("SSH-2.0-OpenSSH\r\n"), Answer::raw("HTTP/1.1 200 OK\r\n\r\nhi")]).await;
    assert!(client.get(url("/")).send().await.is_err());
    assert_eq!(client.get(url("/")).send().await.unwrap().text().await.unwrap(), "hi");
}

#[tokio::test]
async fn what_the_client_does_wrong_is_told() {
    let recorder = HttpRecorder::start(RecorderOptions::default()).await;
    let send = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(("127.0.0.1", recorder.port())).unwrap();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        // The recorder closes without an answer.
        assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
    };
    send(b"GET / HTTP/1.1\r\nBad Header: x\r\n\r\n");
    send(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf");
    send(b"GET / HT");
    recorder.wait_for_open_connections(0).await;
    let errors = recorder.errors();
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert!(errors[0].contains("head") && errors[1].contains("body") && errors[2].contains("head"), "{errors:?}");
    assert_eq!(recorder.requests(), []);
}
