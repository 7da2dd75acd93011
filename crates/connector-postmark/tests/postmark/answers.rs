//! Postmark's answers as data: what each must become. Every row says where the answer comes from: Postmark's
//! documentation, or somebody's log of it.

use std::time::Duration;

use connector_kit::{Delivery, ErrorKind};
use connector_testkit::{Answer, Fault};
use serde_json::json;

use crate::provider::{MESSAGE_ID, Postmark, accepted, message, refused};

const STATUSES: &str = "https://postmarkapp.com/developer/api/overview#response-codes";
const CODES: &str = "https://postmarkapp.com/developer/api/overview#error-codes";
const UNPROCESSABLE: &str = "https://postmarkapp.com/support/article/troubleshooting-422-unprocessable-entity-errors";

/// An answer, and what must come of it.
struct Row {
    source: &'static str,
    answer: Answer,
    kind: ErrorKind,
    delivery: Delivery,
    wait: Option<u64>,
    code: Option<&'static str>,
    /// What of Postmark's own words the error must say.
    says: &'static str,
    /// A part of the hint; empty for no hint.
    hint: &'static str,
}

impl Row {
    fn new(source: &'static str, answer: Answer, kind: ErrorKind) -> Self {
        Self { source, answer, kind, delivery: Delivery::NotSent, wait: None, code: None, says: "", hint: "" }
    }

    fn code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    fn says(self, says: &'static str) -> Self {
        Self { says, ..self }
    }

    fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    fn waits(self, seconds: u64) -> Self {
        Self { wait: Some(seconds), ..self }
    }

    fn unknown(self) -> Self {
        Self { delivery: Delivery::Unknown, ..self }
    }
}

fn page(status: u16, title: &str) -> Answer {
    Answer::status(status).html(&format!("<html><head><title>{title}</title></head><body>{title}</body></html>"))
}

/// The same message never succeeds.
fn for_good() -> Vec<Row> {
    use ErrorKind::Rejected;
    let inactive = "You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses: \
                    user@example.com. Inactive recipients are ones that have generated a hard bounce, a spam \
                    complaint, or a manual suppression.";
    let pending = "While your account is pending approval, all recipient addresses must share the same domain as the \
                   'From' address. The domain of the 'From' address is 'sender.example', but you are attempting to \
                   send email to the following domain: 'example.com'.";
    let unsigned = "The 'From' address you supplied (Example <no-reply@sender.example>) is not a Sender Signature on \
                    your account. Please add and confirm this address in order to be able to use it in the 'From' \
                    field of your messages.";
    let stream = "The stream provided: 'nonsense' does not exist on this server.";
    vec![
        Row::new("https://github.com/ActiveCampaign/postmark-gem/issues/128", refused(422, 406, inactive), Rejected)
            .code("406")
            .says("Found inactive addresses: [redacted].")
            .hint("reactivate it"),
        // Under a success status it is a failure all the same.
        Row::new(CODES, refused(200, 406, "Inactive recipient"), Rejected)
            .code("406")
            .says("error code 406: Inactive recipient")
            .hint("reactivate it"),
        Row::new(CODES, refused(200, 300, "Invalid email request"), Rejected).code("300"),
        Row::new(
            "https://github.com/craigpaul/laravel-postmark/pull/8",
            refused(422, 300, "Error parsing 'To': Illegal email address 'Doe'. It must contain the '@' symbol."),
            Rejected,
        )
        .code("300")
        .says("Error parsing 'To'"),
        Row::new(
            UNPROCESSABLE,
            refused(422, 300, "Invalid 'From' address: 'sender@example.com' is not a verified sender signature."),
            Rejected,
        )
        .code("300")
        .hint("Sender Signature"),
        Row::new("https://github.com/feedadoc/feedadoc/pull/110", refused(422, 400, unsigned), Rejected)
            .code("400")
            .says("is not a Sender Signature on your account")
            .hint("Sender Signature"),
        Row::new(CODES, refused(422, 401, "Sender signature not confirmed"), Rejected)
            .code("401")
            .hint("verify its domain"),
        Row::new(
            "https://github.com/pablo-co/bamboo_postmark/pull/40",
            refused(422, 402, "Received invalid JSON input."),
            Rejected,
        )
        .code("402")
        .says("Received invalid JSON input."),
        Row::new(
            "https://github.com/ActiveCampaign/postmark.js/issues/137",
            refused(422, 403, "Received valid, but incompatible JSON input."),
            Rejected,
        )
        .code("403")
        .says("incompatible JSON"),
        Row::new(CODES, refused(422, 409, "JSON required"), Rejected).code("409").hint("Content-Type"),
        Row::new("https://github.com/edenlabllc/ehealth.api/issues/151", refused(422, 412, pending), Rejected)
            .code("412")
            .says("While your account is pending approval")
            .hint("own domain only"),
        Row::new(
            "https://github.com/libscie/ResearchEquals.com/issues/1017",
            refused(422, 1101, "The Template's 'Alias' associated with this request is not valid or was not found."),
            Rejected,
        )
        .code("1101")
        .says("The Template's 'Alias'")
        .hint("no template of this alias"),
        Row::new(
            "https://github.com/ActiveCampaign/postmark-php/issues/75",
            refused(422, 1109, "No template data received."),
            Rejected,
        )
        .code("1109")
        .hint("check the template"),
        Row::new("https://github.com/eventaservo/eventaservo/issues/419", refused(422, 1235, stream), Rejected)
            .code("1235")
            .says("does not exist on this server")
            .hint("`messageStream`"),
        Row::new(STATUSES, page(404, "Not Found"), Rejected).says("Postmark answered 404 Not Found"),
        Row::new(STATUSES, Answer::status(413), Rejected).hint("10 MB"),
        Row::new(STATUSES, Answer::status(422), Rejected).says("422 Unprocessable Entity"),
        // Nobody has seen this one; it says no all the same.
        Row::new(CODES, refused(200, -1, ""), Rejected).code("-1").says("error code -1"),
    ]
}

/// The token, the account or the machine may not send, or no more.
fn not_allowed() -> Vec<Row> {
    use ErrorKind::{QuotaExceeded, Unauthorized};
    vec![
        Row::new(
            "https://github.com/PipedreamHQ/pipedream/issues/10254",
            refused(401, 10, "Request does not contain a valid Server token."),
            Unauthorized,
        )
        .code("10")
        .says("Request does not contain a valid Server token.")
        .hint("an account token does not send"),
        Row::new(
            "https://github.com/keighl/postmark/issues/1",
            refused(422, 10, "Please do not include Account API Token for Server API Token calls."),
            Unauthorized,
        )
        .code("10")
        .hint("`serverToken`"),
        Row::new(CODES, refused(422, 405, "Not allowed to send"), QuotaExceeded)
            .code("405")
            .says("Not allowed to send")
            .hint("credits are used up"),
        Row::new(CODES, refused(200, 405, "Not allowed to send"), QuotaExceeded).code("405").hint("credits"),
        Row::new(CODES, refused(422, 413, "Account May Not Send"), Unauthorized).code("413").hint("its support"),
        // A page comes from a network layer in front of the API.
        Row::new(STATUSES, page(403, "Request blocked"), Unauthorized)
            .says("Postmark answered 403 Forbidden")
            .hint("this is not how Postmark's API answers"),
        Row::new(STATUSES, Answer::status(401), Unauthorized).hint("this is not how Postmark's API answers"),
    ]
}

/// Later it may do.
fn for_now() -> Vec<Row> {
    use ErrorKind::{RateLimited, Unavailable};
    vec![
        Row::new(STATUSES, refused(429, 429, "Rate Limit Exceeded").header("retry-after", "7"), RateLimited)
            .code("429")
            .says("Rate Limit Exceeded")
            .waits(7),
        Row::new(CODES, refused(422, 429, "Rate Limit Exceeded"), RateLimited).code("429"),
        Row::new(STATUSES, Answer::status(429), RateLimited),
        // Its own code is beside the point when the status says when to come back.
        Row::new(STATUSES, refused(429, 300, "slow down"), RateLimited).code("300").says("slow down"),
        Row::new(STATUSES, Answer::status(500), Unavailable).says("500 Internal Server Error"),
        Row::new(STATUSES, refused(503, 100, "Maintenance").header("retry-after", "3"), Unavailable)
            .code("100")
            .says("Maintenance")
            .waits(3),
        Row::new(CODES, refused(422, 100, "Maintenance"), Unavailable).code("100"),
        Row::new(STATUSES, page(502, "Bad Gateway"), Unavailable).says("502 Bad Gateway"),
        // A gateway that gave up waiting knows nothing of the message.
        Row::new("https://www.rfc-editor.org/rfc/rfc9110#section-15.6.5", page(504, "Gateway Time-out"), Unavailable)
            .unknown(),
    ]
}

/// Answers that are neither yes nor no.
fn unreadable() -> Vec<Row> {
    use ErrorKind::InvalidResponse;
    let without_code = json!({ "MessageID": MESSAGE_ID, "Message": "OK" });
    let as_text = json!({ "MessageID": MESSAGE_ID, "ErrorCode": "0" });
    let odd = |answer| Row::new(STATUSES, answer, InvalidResponse).unknown().hint("provider's log");
    vec![
        odd(Answer::status(200)),
        odd(Answer::status(204)),
        odd(Answer::status(200).html("<h1>Welcome to the hotel</h1>")),
        odd(Answer::status(200).json(without_code)),
        odd(Answer::status(200).json(as_text)),
        odd(Answer::status(200).json(json!([0]))),
        Row::new("shared rule", Answer::redirect(307, "https://evil.example.net/"), InvalidResponse)
            .hint("never followed"),
    ]
}

#[tokio::test]
async fn every_answer_becomes_what_it_means() {
    let postmark = Postmark::usual().await;
    for Row { source, answer, kind, delivery, wait, code, says, hint } in
        [for_good(), not_allowed(), for_now(), unreadable()].into_iter().flatten()
    {
        let what = format!("{} {:?} ({source})", answer.status, answer.body);
        postmark.recorder.set_answers(vec![answer.clone()]);
        let error = postmark.connector.send(&message()).await.expect_err(&what);
        assert_eq!((error.kind(), error.delivery()), (kind, delivery), "{what}: {error}");
        assert!(error.to_string().contains(says), "{what}: {error}");
        assert_eq!(error.retry_after(), wait.map(Duration::from_secs), "{what}");
        let provider = error.provider().unwrap_or_else(|| panic!("{what}: nothing of the provider"));
        assert_eq!(provider.status, Some(answer.status), "{what}");
        assert_eq!(provider.code.as_deref(), code, "{what}");
        match hint {
            "" => assert_eq!(error.hint(), None, "{what}"),
            part => assert!(error.hint().is_some_and(|hint| hint.contains(part)), "{what}: {:?}", error.hint()),
        }
        assert!(!error.to_string().contains("<h"), "{what}: a page shows in {error}");
    }
}

#[tokio::test]
async fn accepted_is_error_code_0_and_its_id() {
    let postmark = Postmark::usual().await;
    let receipt = postmark.connector.send(&message()).await.unwrap();
    assert_eq!((receipt.message_id.as_deref(), receipt.attempts), (Some(MESSAGE_ID), 1));
    let test = json!({ "ErrorCode": 0, "Message": "Test job accepted", "MessageID": "t", "To": "user@example.com" });
    postmark.recorder.set_answers(vec![Answer::status(200).json(test)]);
    assert_eq!(postmark.connector.send(&message()).await.unwrap().message_id.as_deref(), Some("t"));
    postmark.recorder.set_answers(vec![Answer::status(200).json(json!({ "ErrorCode": 0 }))]);
    assert_eq!(postmark.connector.send(&message()).await.unwrap().message_id, None);
}

#[tokio::test]
async fn an_acceptance_that_breaks_off_is_unknown() {
    let postmark = Postmark::start(&crate::provider::config(), accepted().with_fault(Fault::CutBody)).await;
    let error = postmark.connector.send(&message()).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::InvalidResponse, Delivery::Unknown), "{error}");
}
