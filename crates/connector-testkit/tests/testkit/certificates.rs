//! The test CA: good certificates are accepted, each faulty one is refused for its own reason.

use std::error::Error as _;

use connector_testkit::{HttpRecorder, RecorderOptions, RefusedPort, TestCa};
use rustls::ServerConfig;

use crate::{HOST, client, url};

async fn refusal(trusted: &TestCa, tls: ServerConfig) -> String {
    let recorder = HttpRecorder::start(RecorderOptions { tls: Some(tls), answers: Vec::new() }).await;
    let error = client(trusted, recorder.port()).get(url("/")).send().await.unwrap_err();
    recorder.wait_for_open_connections(0).await;
    assert_eq!(recorder.requests(), []);
    assert_eq!(recorder.connections(), 1);
    assert!(recorder.errors()[0].starts_with("TLS handshake: "), "{:?}", recorder.errors());
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[tokio::test]
async fn a_good_certificate_is_accepted() {
    let ca = TestCa::new();
    for tls in [ca.server_config(&["other.example.com", HOST]), ca.server_config_tls12(&[HOST])] {
        let recorder = HttpRecorder::start(RecorderOptions { tls: Some(tls), answers: Vec::new() }).await;
        let answer = client(&ca, recorder.port()).get(url("/")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(recorder.only_request().server_name.as_deref(), Some(HOST));
    }
}

#[tokio::test]
async fn any_host_can_be_certified() {
    let ca = TestCa::new();
    let tls = Some(ca.server_config_for_any_host());
    let recorder = HttpRecorder::start(RecorderOptions { tls, answers: Vec::new() }).await;
    assert_eq!(client(&ca, recorder.port()).get(url("/")).send().await.unwrap().status(), 200);
    let untrusted = refusal(&ca, TestCa::new().server_config_for_any_host()).await;
    assert!(untrusted.contains("UnknownIssuer") || untrusted.contains("BadSignature"), "{untrusted}");
}

#[tokio::test]
async fn an_address_can_be_certified() {
    let ca = TestCa::new();
    let tls = Some(ca.server_config(&["127.0.0.1"]));
    let recorder = HttpRecorder::start(RecorderOptions { tls, answers: Vec::new() }).await;
    assert_eq!(client(&ca, 1).get(recorder.url()).send().await.unwrap().status(), 200);
    assert_eq!(recorder.only_request().server_name, None);
}

#[tokio::test]
async fn faulty_certificates_are_refused() {
    let ca = TestCa::new();
    let expired = refusal(&ca, ca.expired(&[HOST])).await;
    assert!(expired.contains("expired"), "{expired}");
    let early = refusal(&ca, ca.not_yet_valid(&[HOST])).await;
    assert!(early.contains("not valid yet"), "{early}");
    let wrong = refusal(&ca, ca.wrong_host()).await;
    assert!(wrong.contains("not valid for name"), "{wrong}");
    let untrusted = refusal(&ca, TestCa::new().server_config(&[HOST])).await;
    assert!(untrusted.contains("UnknownIssuer") || untrusted.contains("BadSignature"), "{untrusted}");
}

#[tokio::test]
async fn the_root_is_given_in_pem() {
    let pem = TestCa::new().root_pem();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "{pem}");
    assert_eq!(pem.matches("BEGIN").count(), 1);
}

#[tokio::test]
async fn a_refused_port_refuses_again_and_again() {
    let port = RefusedPort::new();
    for _ in 0..2 {
        let error = tokio::net::TcpStream::connect(("127.0.0.1", port.port())).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    }
}

/// However many try, and however soon one after the other.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_stalled_port_leaves_connections_unanswered() {
    let port = connector_testkit::StalledPort::new();
    let mut attempts = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let connect = tokio::net::TcpStream::connect(("127.0.0.1", port.port()));
        attempts.spawn(tokio::time::timeout(std::time::Duration::from_millis(300), connect));
    }
    let outcomes = attempts.join_all().await;
    assert!(outcomes.iter().all(Result::is_err), "{outcomes:?}");
}
