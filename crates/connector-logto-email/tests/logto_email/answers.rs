//! The service's answers as data: what each must become. The service is not documented in public beyond Logto's own
//! source and guides; where those are silent, a row rests on the recordings or on HTTP.

use std::time::Duration;

use connector_kit::{Delivery, ErrorKind};
use connector_testkit::{Answer, Fault};
use serde_json::json;

use crate::provider::{ACCESS_TOKEN, APP_SECRET, Logto, accepted, message, refused};

const RECORDINGS: &str = "connector-testkit/recordings/logto-email.json";
const ERRORS: &str =
    "https://github.com/logto-io/logto/blob/master/packages/connectors/connector-logto-email/src/index.ts";
const LIMITS: &str = "https://docs.logto.io/logto-cloud/system-limit";
const HTTP: &str = "https://www.rfc-editor.org/rfc/rfc9110#section-15";
const OAUTH: &str = "https://www.rfc-editor.org/rfc/rfc6749#section-5.2";
const RESOURCES: &str = "https://www.rfc-editor.org/rfc/rfc8707#section-2";

/// An answer, and what must come of it.
struct Row {
    source: &'static str,
    answer: Answer,
    kind: ErrorKind,
    delivery: Delivery,
    wait: Option<u64>,
    code: Option<&'static str>,
    /// What of the service's own words the error must say.
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

    fn check(&self, what: &str, error: &connector_kit::Error) {
        assert_eq!((error.kind(), error.delivery()), (self.kind, self.delivery), "{what}: {error}");
        assert!(error.to_string().contains(self.says), "{what}: {error}");
        assert_eq!(error.retry_after(), self.wait.map(Duration::from_secs), "{what}");
        let provider = error.provider().unwrap_or_else(|| panic!("{what}: nothing of the provider"));
        assert_eq!(provider.status, Some(self.answer.status), "{what}");
        assert_eq!(provider.code.as_deref(), self.code, "{what}");
        match self.hint {
            "" => assert_eq!(error.hint(), None, "{what}"),
            part => assert!(error.hint().is_some_and(|hint| hint.contains(part)), "{what}: {:?}", error.hint()),
        }
        assert!(!error.to_string().contains('<'), "{what}: a page shows in {error}");
    }
}

fn page(status: u16, title: &str) -> Answer {
    Answer::status(status).html(&format!("<html><body><h1>{title}</h1></body></html>"))
}

fn of_the_service() -> Vec<Row> {
    use ErrorKind::{InvalidResponse, QuotaExceeded, Rejected, Unauthorized, Unavailable};
    let odd = |answer| Row::new(RECORDINGS, answer, InvalidResponse).unknown().hint("provider's log");
    vec![
        Row::new(ERRORS, refused(400, "guard.invalid_input", "The request is invalid"), Rejected)
            .code("guard.invalid_input")
            .says("The request is invalid"),
        Row::new(RECORDINGS, refused(401, "request.general", "cloud says 401"), Unauthorized)
            .code("request.general")
            .says("cloud says 401")
            .hint("neither the token nor a new one"),
        Row::new(HTTP, Answer::status(401), Unauthorized).hint("check `resource`"),
        Row::new(RECORDINGS, refused(403, "request.general", "cloud says 403"), Unauthorized)
            .code("request.general")
            .says("cloud says 403")
            .hint("send:email"),
        Row::new(HTTP, page(404, "Not Found"), Rejected).says("404 Not Found").hint("check `endpoint`"),
        Row::new(HTTP, Answer::status(413), Rejected).says("413 Payload Too Large"),
        Row::new(RECORDINGS, refused(422, "request.general", "cloud says 422"), Rejected)
            .code("request.general")
            .says("cloud says 422"),
        Row::new(RECORDINGS, refused(429, "connector.usage_limit_exceeded", "usage limit"), QuotaExceeded)
            .code("connector.usage_limit_exceeded")
            .says("usage limit")
            .hint("amount of mail is used up"),
        Row::new(RECORDINGS, refused(429, "request.general", "x").header("retry-after", "1"), QuotaExceeded)
            .code("request.general")
            .waits(1)
            .hint("amount of mail is used up"),
        Row::new(LIMITS, Answer::status(429), QuotaExceeded).hint("another provider"),
        Row::new(RECORDINGS, refused(500, "request.general", "cloud says 500"), Unavailable)
            .code("request.general")
            .says("cloud says 500"),
        Row::new(RECORDINGS, page(502, "502 Bad Gateway"), Unavailable).says("502 Bad Gateway"),
        Row::new(HTTP, Answer::status(503).header("retry-after", "3"), Unavailable).waits(3),
        // The gateway has passed the message on, and does not know what became of it.
        Row::new(HTTP, page(504, "Gateway Timeout"), Unavailable).unknown(),
        Row::new(RECORDINGS, Answer::redirect(302, "https://evil.example.net/"), InvalidResponse)
            .hint("never followed"),
        odd(Answer::status(200).html("<h1>Welcome to the hotel</h1>")),
        odd(Answer::status(200).text("application/json", "{\"oops")),
        odd(Answer::status(200).bytes(b"hello".to_vec())),
    ]
}

/// Of the token endpoint: the message is never on its way.
fn of_the_token_endpoint() -> Vec<Row> {
    use ErrorKind::{InvalidResponse, RateLimited, Rejected, Unauthorized, Unavailable};
    let no = |status, error: &str| {
        Answer::status(status).json(json!({ "error": error, "error_description": format!("{APP_SECRET} is not it") }))
    };
    let hint = "no access token is granted";
    vec![
        Row::new(OAUTH, no(401, "invalid_client"), Unauthorized).code("invalid_client").hint(hint),
        Row::new(OAUTH, no(400, "invalid_scope"), Unauthorized).code("invalid_scope").hint(hint),
        Row::new(OAUTH, no(400, "invalid_request"), Unauthorized).code("invalid_request").hint(hint),
        Row::new(OAUTH, no(400, "unauthorized_client"), Unauthorized).code("unauthorized_client").hint(hint),
        Row::new(RESOURCES, no(400, "invalid_target"), Unauthorized).code("invalid_target").hint("`resource`"),
        Row::new(HTTP, page(404, "Not Found"), Rejected).says("auth.logto.io").hint("`tokenEndpoint`"),
        Row::new(HTTP, page(403, "Forbidden"), Unauthorized).hint(hint),
        Row::new(HTTP, Answer::status(429).header("retry-after", "2"), RateLimited).waits(2),
        Row::new(HTTP, Answer::status(503), Unavailable),
        // Whatever the token endpoint does, the message is not sent.
        Row::new(HTTP, Answer::status(504), Unavailable),
        Row::new(OAUTH, Answer::status(200).html("<h1>Sign in</h1>"), InvalidResponse)
            .says("without an access token")
            .hint("check the token endpoint's URL"),
    ]
}

#[tokio::test]
async fn every_answer_of_the_service_becomes_what_it_means() {
    for row in of_the_service() {
        let what = format!("{} {:?} ({})", row.answer.status, row.answer.body, row.source);
        let logto = Logto::usual().await;
        logto.answers(vec![row.answer.clone()]);
        row.check(&what, &logto.connector.send(&message()).await.expect_err(&what));
    }
}

#[tokio::test]
async fn every_answer_of_the_token_endpoint_becomes_what_it_means() {
    for row in of_the_token_endpoint() {
        let what = format!("token: {} {:?} ({})", row.answer.status, row.answer.body, row.source);
        let logto = Logto::usual().await;
        logto.grants(vec![row.answer.clone()]);
        let error = logto.connector.send(&message()).await.expect_err(&what);
        row.check(&what, &error);
        assert!(!format!("{error:?}").contains(APP_SECRET), "{what}");
        assert!(logto.requests().1.is_empty(), "{what}: the message went out");
    }
}

#[tokio::test]
async fn accepted_is_a_2xx_with_json_or_nothing() {
    let logto = Logto::usual().await;
    for answer in [
        accepted(),
        Answer::status(200),
        Answer::status(204),
        Answer::status(200).json(json!({})),
        Answer::status(201).json(json!({ "id": "x" })),
        Answer::status(200).json(json!({ "zipped": true })).gzip(),
    ] {
        logto.answers(vec![answer]);
        assert_eq!(logto.connector.send(&message()).await.unwrap().message_id, None);
    }
    logto.answers(vec![Answer::status(200).json(json!({ "id": "x" })).with_fault(Fault::CutBody)]);
    let error = logto.connector.send(&message()).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::InvalidResponse, Delivery::Unknown), "{error}");
}

#[tokio::test]
async fn neither_the_secret_nor_the_token_shows() {
    let logto = Logto::usual().await;
    for secret in [APP_SECRET, ACCESS_TOKEN] {
        logto.answers(vec![refused(403, secret, &format!("{secret} may not"))]);
        let error = logto.connector.send(&message()).await.unwrap_err();
        assert!(
            error.to_string().contains("[redacted] may not") && !format!("{error:?}").contains(secret),
            "{error:?}"
        );
        let error = logto.connector.usage(std::time::UNIX_EPOCH).await.unwrap_err();
        assert!(!format!("{error:?}").contains(secret), "{error:?}");
    }
}
