//! Faults of an HTTP answer. They strike the request that carries the message.

use std::time::{Duration, SystemTime};

use connector_kit::{ConnectTo, Egress};

use super::scene::{GIBIBYTE, Scene};
use crate::conformance::{Behaviour, HttpProvider, Peer, Subject, peer::connector_over, sample::config};
use crate::{Answer, Body, Fault, HttpRecorder, RecordedRequest, RecorderOptions};

/// Longer than the deadline.
const RETRY_AFTER: u64 = 30;
const ELSEWHERE: &str = "elsewhere.example";

/// Sets up the fault of this name.
pub(super) async fn scene(subject: &Subject, provider: HttpProvider, name: &str) -> Scene {
    let scene = match name {
        "redirect" | "redirect_after_the_work" => redirected(subject).await,
        "no_answer" | "headers_stalled" | "body_stalled" => Scene::warm(subject).await.stalling(subject),
        // The error is the provider's, not the deadline's.
        "status_503_body_stalled" => Scene { names: Vec::new(), ..Scene::warm(subject).await.stalling(subject) },
        "body_of_1_gib" => Scene { floods: true, ..Scene::warm(subject).await },
        _ => Scene::cold(subject).await,
    };
    let name = name.to_owned();
    scene.peer.answer_messages(move |request| answer(&name, request, provider));
    scene
}

/// What the provider, or somebody on the way, answers to a message.
fn answer(name: &str, request: &RecordedRequest, provider: HttpProvider) -> Answer {
    let accepted = (provider.accepts)(request);
    let retry_after = RETRY_AFTER.to_string();
    // The worst that a page can do: it repeats everything.
    let page = format!("<!doctype html><title>Sorry</title><pre>{}\n{}</pre>", request.target, request.text());
    let page = |status: u16| Answer::status(status).html(&page);
    match name {
        "no_answer" => accepted.with_fault(Fault::Silent),
        "reset_after_the_message" => accepted.with_fault(Fault::ResetAfterRead),
        "headers_stalled" => accepted.with_fault(Fault::StallHeaders),
        "headers_cut" => accepted.with_fault(Fault::CutHeaders),
        "body_stalled" => with_body(accepted).with_fault(Fault::StallBody),
        "body_cut" => with_body(accepted).with_fault(Fault::CutBody),
        "body_of_1_gib" => Answer { body: Body::Filler(GIBIBYTE), ..with_body(accepted) },
        "invalid_json" => with_body(accepted).bytes(r#"{"id": "half of"#),
        "html" => Answer { headers: Vec::new(), ..with_body(accepted) }.html("<!doctype html><title>Welcome</title>"),
        "json_as_html" => typed(with_body(accepted), "text/html; charset=utf-8"),
        "json_as_text" => typed(with_body(accepted), "text/plain"),
        "byte_order_mark" => marked(with_body(accepted)),
        "gzip" => with_body(accepted).gzip(),
        "redirect" => Answer::redirect(307, &format!("https://{ELSEWHERE}{}", request.target)),
        "redirect_after_the_work" => Answer::redirect(303, &format!("https://{ELSEWHERE}/jobs/17")),
        "status_429_with_seconds" => page(429).header("retry-after", &retry_after),
        "status_429_with_a_date" => {
            let date = SystemTime::now() + Duration::from_secs(RETRY_AFTER);
            page(429).header("retry-after", &httpdate::fmt_http_date(date))
        }
        "status_500" => page(500),
        "status_502" => page(502),
        "status_503" => page(503),
        "status_503_of_a_gateway" => envoy("connection termination"),
        "status_503_of_a_gateway_that_reached_nobody" => envoy("connection failure"),
        "status_503_with_seconds" => page(503).header("retry-after", &retry_after),
        "status_503_body_stalled" => page(503).header("retry-after", &retry_after).with_fault(Fault::StallBody),
        "status_504" => page(504),
        "http_1_0_acceptance" => accepted.http10(),
        "http_1_0_refusal" => (provider.refuses)("no").http10(),
        "status_100_first" => accepted.interim(100, &[]),
        "status_103_first" => accepted.interim(103, &[("link", "</style.css>; rel=preload")]),
        _ => panic!("nothing strikes under the name {name}"),
    }
}

/// An answer that can have a body.
fn with_body(answer: Answer) -> Answer {
    if answer.status == 204 { Answer { status: 200, ..answer } } else { answer }
}

/// With a byte order mark before the body (RFC 8259, 8.1).
fn marked(mut answer: Answer) -> Answer {
    if let Body::Bytes(bytes) = &mut answer.body {
        bytes.splice(..0, *b"\xef\xbb\xbf");
    }
    answer
}

/// What Envoy says of an upstream that it has no answer of (envoyproxy/envoy#2990, istio/istio#41826).
fn envoy(reason: &str) -> Answer {
    let words = "upstream connect error or disconnect/reset before headers. reset reason: ";
    Answer::status(503).header("server", "envoy").text("text/plain", &format!("{words}{reason}"))
}

fn typed(mut answer: Answer, content_type: &str) -> Answer {
    answer.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
    answer.header("content-type", content_type)
}

/// A provider that sends the client on to somebody who is there, and whom the client would trust.
async fn redirected(subject: &Subject) -> Scene {
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    let tls = Some(peer.authority().server_config(&[ELSEWHERE]));
    let bystander = HttpRecorder::start(RecorderOptions { tls, answers: Vec::new() }).await;
    let mut egress: Egress = peer.egress();
    egress.connect_to.insert(0, ConnectTo::new(ELSEWHERE, 443, "127.0.0.1", bystander.port()));
    let connector = connector_over(subject, &config(subject), egress);
    Scene { bystander: Some(bystander), ..Scene::new(peer, connector) }
}
