//! Answers as long as they may be, and longer: read or refused in time, and told in a sentence.

use connector_kit::{Delivery, SendContext};

use super::{
    Peer, Subject,
    peer::{Server, script_of},
    redaction::{assert_clean, shown},
    sample::{config, message},
};
use crate::{Answer, conformance::Behaviour};

/// The longest answer that is read.
const LONGEST: usize = 1024 * 1024;
/// No error is longer than this, in bytes: a sentence of the provider's, one of ours, and some names.
const ERROR_MAX: usize = 4096;

/// What a provider or whatever stands in its place may fill an answer with.
fn bodies() -> Vec<(&'static str, String)> {
    let text = |before: &str, repeated: &str, after: &str| {
        let count = (LONGEST - before.len() - after.len()) / repeated.len();
        format!("{before}{}{after}", repeated.repeat(count))
    };
    vec![
        ("one line", text("", "x", "")),
        ("one bracket after the other", text("", "[", "")),
        ("one JSON text", text("\"", "x", "\"")),
        ("one message", text("{\"message\":\"", "ann.recipient@example.org ", "\",\"code\":1}")),
        ("many errors", text("{\"errors\":[", "{\"message\":\"no\"},", "{}]}")),
        ("nested errors", text("", "{\"errors\":[", "")),
        ("markup", text("<html>", "<a", "")),
        ("authorizations", text("{\"message\":\"", "Authorization: Basic ", "\"}")),
        ("links", text("{\"Message\":\"", "https://", "\"}")),
    ]
}

/// The error names who answered and with what status, whatever the answer is made of.
pub async fn an_answer_of_a_mebibyte_is_told_in_a_sentence(subject: &Subject) {
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    let connector = peer.connector_of(subject, &config(subject));
    for (what, body) in bodies() {
        let status = match peer.server() {
            Server::Http(..) => {
                let answer =
                    Answer::status(422).text("application/json", &body).header("x-request-id", &"i".repeat(9000));
                peer.answer_messages(move |_| answer.clone());
                Some("422")
            }
            Server::Smtp(recorder, provider) => {
                recorder.set_script(script_of(*provider).answer("END", &[&format!("550 5.7.1 {body}")]));
                // A line as long is no reply, and one that is cut may be: the session says which.
                None
            }
        };
        let error = connector.send(&message("SignIn"), &SendContext::new()).await.expect_err(what);
        let told = shown(&error);
        assert!(told.len() < ERROR_MAX, "{what}: {} bytes", told.len());
        assert!(status.is_none_or(|status| error.to_string().contains(status)), "{what}: {error}");
        assert_clean(subject, &told, what);
    }
}

/// A success that cannot be read is one that may have been, and nothing that ends the process.
pub async fn a_success_of_a_mebibyte_is_read_or_unknown(subject: &Subject) {
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    if matches!(peer.server(), Server::Smtp(..)) {
        return;
    }
    let connector = peer.connector_of(subject, &config(subject));
    for (what, body) in bodies() {
        let answer = Answer::status(200).text("application/json", &body);
        peer.answer_messages(move |_| answer.clone());
        match connector.send(&message("SignIn"), &SendContext::new()).await {
            Ok(receipt) => assert!(receipt.message_id.is_none_or(|id| id.len() < ERROR_MAX), "{what}"),
            Err(error) => {
                assert_eq!(error.delivery(), Delivery::Unknown, "{what}: {error}");
                assert!(shown(&error).len() < ERROR_MAX, "{what}");
            }
        }
    }
}
