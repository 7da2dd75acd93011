//! The kit's own tests: what it promises to the tests of the connectors.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod answers;
mod certificates;
mod conformance;
mod http;
mod http_faults;
mod logs;
mod mime;
mod readme;
mod recordings;
mod reference;
mod replay;
mod smtp;
mod smtp_faults;
mod toy;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use connector_testkit::{Answer, HttpRecorder, RecorderOptions, TestCa};

/// The host the tests' HTTP clients believe to talk to.
const HOST: &str = "api.example.com";

/// An HTTPS recorder for [`HOST`] and a client whose connections for it end there.
async fn https(answers: Vec<Answer>) -> (HttpRecorder, reqwest::Client) {
    let ca = TestCa::new();
    let tls = Some(ca.server_config(&[HOST]));
    let recorder = HttpRecorder::start(RecorderOptions { tls, answers }).await;
    let client = client(&ca, recorder.port());
    (recorder, client)
}

fn client(ca: &TestCa, port: u16) -> reqwest::Client {
    reqwest::Client::builder()
        .tls_backend_preconfigured(ca.client_config())
        .resolve(HOST, SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(8))
        .build()
        .unwrap()
}

fn url(path: &str) -> String {
    format!("https://{HOST}{path}")
}
