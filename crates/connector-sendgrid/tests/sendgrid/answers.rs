//! SendGrid's answers as data: what each must become. Every row says where the answer comes from: SendGrid's
//! documentation, or somebody's log of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use connector_kit::{Delivery, ErrorKind};
use connector_testkit::Answer;
use serde_json::{Value, json};

use crate::provider::{MESSAGE_ID, SendGrid, accepted, config, message};

const ERRORS: &str = "https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/errors";
const RESPONSES: &str = "https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/responses";
const RATE_LIMITS: &str =
    "https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/rate-limits";
const MAIL_ERRORS: &str = "https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors";
const STATUS_CODES: &str = "https://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html";
const TROUBLESHOOTING: &str =
    "https://support.sendgrid.com/hc/en-us/articles/18322114821403-4XX-API-Errors-and-Troubleshooting-Suggestions";
const VALIDATION: &str = "https://support.sendgrid.com/hc/en-us/articles/34677918767131";

/// An answer, and what must come of it.
struct Row {
    source: &'static str,
    answer: Answer,
    kind: ErrorKind,
    delivery: Delivery,
    wait: Option<Duration>,
    code: Option<&'static str>,
    request_id: Option<&'static str>,
    /// What of SendGrid's own words the error must say.
    says: &'static str,
    /// A part of the hint; empty for no hint.
    hint: &'static str,
}

impl Row {
    fn new(source: &'static str, answer: Answer, kind: ErrorKind) -> Self {
        let delivery = Delivery::NotSent;
        Self { source, answer, kind, delivery, wait: None, code: None, request_id: None, says: "", hint: "" }
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
        Self { wait: Some(Duration::from_secs(seconds)), ..self }
    }

    fn unknown(self) -> Self {
        Self { delivery: Delivery::Unknown, ..self }
    }
}

/// SendGrid's usual answer to what it refuses.
fn refusal(status: u16, message: &str, field: Value, help: Value) -> Answer {
    Answer::status(status).json(json!({ "errors": [{ "message": message, "field": field, "help": help }] }))
}

fn page(status: u16, title: &str) -> Answer {
    let page = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
         <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    );
    Answer::status(status).html(&page)
}

/// Seconds since 1970, so far from now.
fn reset(in_seconds: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    now.saturating_add_signed(in_seconds).to_string()
}

/// The request is at fault: the same one never succeeds.
fn bad_requests() -> Vec<Row> {
    use ErrorKind::Rejected;
    let help =
        |anchor: &str| json!(format!("http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html{anchor}"));
    let no_recipient = "The to array is required for all personalization objects, and must have at least one email \
                        object with a valid email address.";
    let two = json!({ "errors": [
        { "message": "Invalid type. Expected: object, given: string.", "field": "from", "help": help("#message.from") },
        { "message": "Invalid type. Expected: object, given: string.", "field": "personalizations.0.to.0",
          "help": help("#message.personalizations.to") },
    ] });
    let no_content = "The content value must be a string at least one character in length.";
    vec![
        Row::new(
            "https://github.com/sendgrid/sendgrid-nodejs/issues/1362",
            refusal(400, no_recipient, json!("personalizations.0.to"), help("#message.personalizations.to")),
            Rejected,
        )
        .code("personalizations.0.to")
        .says("must have at least one email object"),
        Row::new(
            MAIL_ERRORS,
            refusal(
                400,
                "The from email does not contain a valid address.",
                json!("from.email"),
                help("#message.from"),
            ),
            Rejected,
        )
        .code("from.email")
        .says("The from email does not contain a valid address."),
        Row::new("https://github.com/sendgrid/sendgrid-ruby/issues/138", Answer::status(400).json(two), Rejected)
            .code("from")
            .says("given: string.; Invalid type."),
        Row::new(VALIDATION, refusal(400, no_content, json!("content.0.value"), help("#message.content")), Rejected)
            .code("content.0.value")
            .says("at least one character"),
        Row::new(TROUBLESHOOTING, refusal(400, "Bad Request", Value::Null, Value::Null), Rejected).says("Bad Request"),
        Row::new(RESPONSES, refusal(404, "not found", Value::Null, Value::Null), Rejected).says("404 Not Found"),
        Row::new(STATUS_CODES, Answer::status(405), Rejected).says("405 Method Not Allowed"),
        Row::new(ERRORS, Answer::status(406), Rejected).says("406 Not Acceptable"),
        Row::new(
            "https://github.com/sendgrid/sendgrid-nodejs/issues/370",
            page(413, "413 Request Entity Too Large"),
            Rejected,
        )
        .says("413 Payload Too Large")
        .hint("30 MB"),
        Row::new(STATUS_CODES, Answer::status(415), Rejected).says("415 Unsupported Media Type"),
        Row::new(ERRORS, Answer::status(451), Rejected).hint("set `region` to `eu`"),
    ]
}

/// The key, the sender, the plan or the machine may not send.
fn not_allowed() -> Vec<Row> {
    use ErrorKind::{QuotaExceeded, Rejected, Unauthorized, Unavailable};
    let revoked = "The provided authorization grant is invalid, expired, or revoked";
    let unverified = "The from address does not match a verified Sender Identity. Mail cannot be sent until this error \
                      is resolved. Visit https://sendgrid.com/docs/for-developers/sending-email/sender-identity/ to see \
                      the Sender Identity requirements";
    let blocked = "You are temporarily blocked from sending emails due to repeated bad requests.";
    let limits = |answer: Answer| {
        answer
            .header("x-ratelimit-limit", "3")
            .header("x-ratelimit-remaining", "2")
            .header("x-ratelimit-reset", &reset(60))
    };
    let forbidden = json!({ "errors": [{ "field": null, "message": "access forbidden" }] });
    vec![
        Row::new(
            "https://github.com/sendgrid/sendgrid-php/issues/793",
            refusal(401, revoked, Value::Null, Value::Null),
            Unauthorized,
        )
        .says(revoked)
        .hint("an EU key needs region `eu`"),
        Row::new(
            "https://www.twilio.com/docs/api/errors/60604",
            refusal(401, "Authenticated user is not authorized to send mail", Value::Null, Value::Null),
            Unauthorized,
        )
        .hint("Mail Send permission"),
        Row::new(TROUBLESHOOTING, refusal(401, "Maximum credits exceeded", Value::Null, Value::Null), QuotaExceeded)
            .says("Maximum credits exceeded")
            .hint("upgrade the plan"),
        // As the older API says the same.
        Row::new(
            "https://github.com/openwhyd/openwhyd/issues/178",
            Answer::status(401).json(json!({ "errors": ["Maximum credits exceeded"], "message": "error" })),
            QuotaExceeded,
        )
        .says("Maximum credits exceeded")
        .hint("upgrade the plan"),
        Row::new(
            "https://github.com/sendgrid/sendgrid-ruby/pull/489",
            refusal(403, unverified, json!("from"), Value::Null),
            Rejected,
        )
        .code("from")
        .says("does not match a verified Sender Identity")
        .hint("Sender Authentication"),
        // Its rate limit headers are there as always, and mean nothing here.
        Row::new(
            "https://github.com/sendgrid/sendgrid-nodejs/issues/957",
            limits(Answer::status(403)).json(forbidden),
            Unauthorized,
        )
        .says("access forbidden")
        .hint("IP Access Management"),
        Row::new(RESPONSES, refusal(403, blocked, Value::Null, Value::Null), Unavailable)
            .says("temporarily blocked")
            .hint("find out what made them bad"),
        // A company's proxy: nothing here is SendGrid's.
        Row::new(ERRORS, page(403, "Access to this site is blocked"), Unauthorized)
            .says("SendGrid answered 403 Forbidden")
            .hint("proxy or firewall"),
        Row::new(ERRORS, page(401, "401 Authorization Required"), Unauthorized).hint("proxy or firewall"),
    ]
}

/// Later it may do.
fn for_now() -> Vec<Row> {
    use ErrorKind::{RateLimited, Unavailable};
    let busy = || Answer::status(429).json(json!({ "errors": [{ "field": null, "message": "too many requests" }] }));
    let limited = |reset: &str| busy().header("x-ratelimit-remaining", "0").header("x-ratelimit-reset", reset);
    vec![
        Row::new(RATE_LIMITS, limited(&reset(30)), RateLimited).says("too many requests").waits(30),
        Row::new(RATE_LIMITS, limited(&reset(-30)), RateLimited).waits(0),
        Row::new(RATE_LIMITS, busy(), RateLimited),
        // Retry-After is HTTP's own word for it, and goes first.
        Row::new(RATE_LIMITS, limited(&reset(30)).header("retry-after", "7"), RateLimited).waits(7),
        // Nobody means these; they must not do harm.
        Row::new(RATE_LIMITS, limited("18446744073709551615"), RateLimited),
        Row::new(RATE_LIMITS, limited("soon"), RateLimited),
        Row::new(ERRORS, refusal(500, "Internal Server Error", Value::Null, Value::Null), Unavailable)
            .says("500 Internal Server Error"),
        Row::new("https://github.com/sendgrid/sendgrid-php/issues/858", page(502, "502 Bad Gateway"), Unavailable)
            .says("502 Bad Gateway"),
        Row::new(STATUS_CODES, Answer::status(503).header("retry-after", "3"), Unavailable).waits(3),
        // A gateway that gave up waiting knows nothing of the message.
        Row::new(
            "https://www.rfc-editor.org/rfc/rfc9110#section-15.6.5",
            page(504, "504 Gateway Time-out"),
            Unavailable,
        )
        .unknown(),
    ]
}

/// Answers that are neither yes nor no.
fn unreadable() -> Vec<Row> {
    use ErrorKind::InvalidResponse;
    let redirect = Answer::redirect(302, "https://evil.example.net/").header("x-message-id", "seen");
    vec![
        // Valid, but not queued: sandbox mode, which nobody asked for here.
        Row::new(STATUS_CODES, Answer::status(200), InvalidResponse).unknown().hint("provider's log"),
        Row::new(STATUS_CODES, accepted().html("<h1>Welcome to the hotel</h1>"), InvalidResponse)
            .unknown()
            .hint("provider's log"),
        Row::new(STATUS_CODES, Answer::status(204), InvalidResponse).unknown().hint("provider's log"),
        Row { request_id: Some("seen"), ..Row::new("shared rule", redirect, InvalidResponse).hint("never followed") },
        Row {
            request_id: Some("abc"),
            ..Row::new(STATUS_CODES, Answer::status(500).header("x-message-id", "abc"), ErrorKind::Unavailable)
        },
    ]
}

#[tokio::test]
async fn every_answer_becomes_what_it_means() {
    let sendgrid = SendGrid::usual().await;
    for Row { source, answer, kind, delivery, wait, code, request_id, says, hint } in
        [bad_requests(), not_allowed(), for_now(), unreadable()].into_iter().flatten()
    {
        let what = format!("{} {:?} ({source})", answer.status, answer.body);
        sendgrid.recorder.set_answers(vec![answer.clone()]);
        let error = sendgrid.connector.send(&message()).await.expect_err(&what);
        assert_eq!((error.kind(), error.delivery()), (kind, delivery), "{what}: {error}");
        assert!(error.to_string().contains(says), "{what}: {error}");
        match wait {
            // The clock goes on while the answer is on its way.
            Some(wait) => {
                let found = error.retry_after().unwrap_or_else(|| panic!("{what}: no wait"));
                assert!(found <= wait && found + Duration::from_secs(10) >= wait, "{what}: {found:?}");
            }
            None => assert_eq!(error.retry_after(), None, "{what}"),
        }
        let provider = error.provider().unwrap_or_else(|| panic!("{what}: nothing of the provider"));
        assert_eq!(provider.status, Some(answer.status), "{what}");
        assert_eq!(provider.code.as_deref(), code, "{what}");
        assert_eq!(provider.request_id.as_deref(), request_id, "{what}");
        match hint {
            "" => assert_eq!(error.hint(), None, "{what}"),
            part => assert!(error.hint().is_some_and(|hint| hint.contains(part)), "{what}: {:?}", error.hint()),
        }
        assert!(!error.to_string().contains('<'), "{what}: a page shows in {error}");
    }
}

#[tokio::test]
async fn accepted_is_a_202_without_a_body_and_its_id() {
    let sendgrid = SendGrid::usual().await;
    let receipt = sendgrid.connector.send(&message()).await.unwrap();
    assert_eq!((receipt.message_id.as_deref(), receipt.attempts), (Some(MESSAGE_ID), 1));
    sendgrid.recorder.set_answers(vec![Answer::status(202)]);
    assert_eq!(sendgrid.connector.send(&message()).await.unwrap().message_id, None);
}

#[tokio::test]
async fn in_sandbox_mode_a_200_says_that_the_message_would_do() {
    let mut config = config();
    config["sandbox"] = json!(true);
    let sendgrid = SendGrid::start("api.sendgrid.com", &config, Answer::status(200)).await;
    sendgrid.connector.send(&message()).await.unwrap();
    assert_eq!(sendgrid.recorder.only_request().json()["mail_settings"], json!({ "sandbox_mode": { "enable": true } }));
}
