//! An endpoint's answers as data: what each must become. Every row says what the meaning rests on: an endpoint is
//! anybody's, so that is the specification of webhooks, of HTTP, or of the shape of the answer.

use std::time::Duration;

use connector_kit::{Delivery, ErrorKind};
use connector_testkit::{Answer, Fault};
use serde_json::json;

use crate::provider::{AUTHORIZATION, Endpoint, SECRETS, config, message};

const WEBHOOKS: &str = "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#delivery-success-and-failure";
const HTTP: &str = "https://www.rfc-editor.org/rfc/rfc9110#section-15";
const TOO_MANY: &str = "https://www.rfc-editor.org/rfc/rfc6585#section-4";
const PROBLEMS: &str = "https://www.rfc-editor.org/rfc/rfc9457#section-3";
const OAUTH: &str = "https://www.rfc-editor.org/rfc/rfc6750#section-3.1";
const LOGTO: &str = "https://docs.logto.io/integrations/http-email";

/// An answer, and what must come of it.
struct Row {
    source: &'static str,
    answer: Answer,
    kind: ErrorKind,
    delivery: Delivery,
    wait: Option<u64>,
    code: Option<&'static str>,
    request_id: Option<&'static str>,
    /// What of the endpoint's own words the error must say.
    says: &'static str,
    /// A part of the hint; empty for no hint.
    hint: &'static str,
}

impl Row {
    fn new(source: &'static str, answer: Answer, kind: ErrorKind) -> Self {
        let delivery = Delivery::NotSent;
        Self { source, answer, kind, delivery, wait: None, code: None, request_id: None, says: "", hint: "" }
    }
}

fn rows() -> Vec<Row> {
    use ErrorKind::{InvalidResponse, QuotaExceeded, RateLimited, Rejected, Unauthorized, Unavailable};
    let plain = |status, text| Answer::status(status).text("text/plain; charset=utf-8", text);
    let page = |status, title: &str| Answer::status(status).html(&format!("<html><h1>{title}</h1></html>"));
    let problem =
        json!({ "type": "about:blank", "title": "Bad address", "detail": "the mailbox is full", "status": 422 });
    let problem = Answer::status(422).text("application/problem+json", &problem.to_string());
    let nested = json!({ "error": { "code": "mail.invalid", "message": "no such template" } });
    vec![
        Row {
            says: "recipient is blocked",
            ..Row::new(HTTP, Answer::status(400).json(json!({ "message": "recipient is blocked" })), Rejected)
        },
        Row { says: "the mailbox is full", ..Row::new(PROBLEMS, problem, Rejected) },
        Row {
            says: "no such template",
            code: Some("mail.invalid"),
            ..Row::new(HTTP, Answer::status(400).json(nested), Rejected)
        },
        Row { says: "try somebody else", ..Row::new(HTTP, plain(400, "try\r\nsomebody else"), Rejected) },
        Row { says: "just text", ..Row::new(HTTP, Answer::status(409).json(json!("just text")), Rejected) },
        Row { says: "400 Bad Request", ..Row::new(HTTP, Answer::status(400).json(json!(["?"])), Rejected) },
        Row {
            says: "401 Unauthorized",
            hint: "check `authorization` and `signingSecrets`",
            ..Row::new(HTTP, Answer::status(401).header("www-authenticate", "Bearer"), Unauthorized)
        },
        Row {
            says: "The access token expired",
            code: None,
            hint: "check `authorization` and `signingSecrets`",
            ..Row::new(
                OAUTH,
                Answer::status(401)
                    .json(json!({ "error": "invalid_token", "error_description": "The access token expired" })),
                Unauthorized,
            )
        },
        Row {
            says: "403 Forbidden",
            hint: "both clocks",
            ..Row::new(HTTP, page(403, "Forbidden by the firewall"), Unauthorized)
        },
        Row { says: "402 Payment Required", ..Row::new(HTTP, Answer::status(402), QuotaExceeded) },
        Row { says: "404 Not Found", hint: "check `endpoint`", ..Row::new(LOGTO, page(404, "Not Found"), Rejected) },
        Row { hint: "check `endpoint`", ..Row::new(HTTP, Answer::status(405).header("allow", "GET"), Rejected) },
        Row { says: "408 Request Timeout", ..Row::new(HTTP, Answer::status(408), Unavailable) },
        Row { hint: "gone for good", ..Row::new(WEBHOOKS, Answer::status(410), Rejected) },
        Row { says: "413 Payload Too Large", ..Row::new(HTTP, Answer::status(413), Rejected) },
        Row { hint: "application/json", ..Row::new(HTTP, Answer::status(415), Rejected) },
        Row {
            says: "slow down",
            wait: Some(7),
            ..Row::new(TOO_MANY, plain(429, "slow down").header("retry-after", "7"), RateLimited)
        },
        Row { says: "429 Too Many Requests", ..Row::new(WEBHOOKS, Answer::status(429), RateLimited) },
        Row {
            says: "500 Internal Server Error",
            request_id: Some("f81d4fae"),
            ..Row::new(HTTP, Answer::status(500).header("x-request-id", "f81d4fae"), Unavailable)
        },
        Row { says: "501 Not Implemented", ..Row::new(HTTP, Answer::status(501), Rejected) },
        Row { says: "502 Bad Gateway", ..Row::new(WEBHOOKS, page(502, "Bad Gateway"), Unavailable) },
        Row {
            says: "503 Service Unavailable",
            wait: Some(3),
            ..Row::new(WEBHOOKS, Answer::status(503).header("retry-after", "3"), Unavailable)
        },
        // The gateway has passed the message on, and does not know what became of it.
        Row { delivery: Delivery::Unknown, ..Row::new(HTTP, page(504, "Gateway Timeout"), Unavailable) },
        Row {
            hint: "never followed",
            ..Row::new(WEBHOOKS, Answer::redirect(302, "https://evil.example.net/"), InvalidResponse)
        },
        Row {
            hint: "never followed",
            ..Row::new(WEBHOOKS, Answer::redirect(307, "https://evil.example.net/"), InvalidResponse)
        },
        Row {
            says: "400 Bad Request",
            ..Row::new(
                HTTP,
                Answer::status(400).bytes(vec![b'x'; 2_000_000]).header("content-type", "text/plain"),
                Rejected,
            )
        },
        Row {
            says: "400 Bad Request",
            ..Row::new(HTTP, plain(400, "half of this").with_fault(Fault::CutBody), Rejected)
        },
    ]
}

#[tokio::test]
async fn every_answer_becomes_what_it_means() {
    let endpoint = Endpoint::start(&config(), Answer::status(204)).await;
    for Row { source, answer, kind, delivery, wait, code, request_id, says, hint } in rows() {
        let what = format!("{} ({source})", answer.status);
        endpoint.recorder.set_answers(vec![answer.clone()]);
        let error = endpoint.connector.send(&message()).await.expect_err(&what);
        assert_eq!((error.kind(), error.delivery()), (kind, delivery), "{what}: {error}");
        assert!(error.to_string().starts_with("the endpoint at hooks.example.com answered "), "{what}: {error}");
        assert!(error.to_string().contains(says), "{what}: {error}");
        assert_eq!(error.retry_after(), wait.map(Duration::from_secs), "{what}");
        let provider = error.provider().unwrap_or_else(|| panic!("{what}: nothing of the endpoint"));
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

/// Logto's guide: the endpoint must return a 2xx. What else it says is its own business.
#[tokio::test]
async fn any_2xx_is_accepted_whatever_the_body() {
    let endpoint = Endpoint::start(&config(), Answer::status(204)).await;
    for answer in [
        Answer::status(200),
        Answer::status(201).json(json!({ "ok": false, "error": "not today" })),
        Answer::status(202).html("<h1>502 Bad Gateway</h1>"),
        Answer::status(204),
        Answer::status(299).text("application/json", "{\"oops"),
        Answer::status(200).bytes(vec![0xff; 100]),
        Answer::status(200).json(json!({ "zipped": true })).gzip(),
        Answer::endless(2_000_000),
        Answer::fault(Fault::CutBody),
        Answer::fault(Fault::ResetBody),
    ] {
        let what = format!("{} {:?}", answer.status, answer.fault);
        endpoint.recorder.set_answers(vec![answer]);
        let receipt = endpoint.connector.send(&message()).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(receipt.message_id.is_some_and(|id| id.starts_with("msg_")), "{what}");
    }
}

/// An endpoint may quote what it was sent in any piece, a key in the URL among them.
#[tokio::test]
async fn keys_never_show() {
    let mut config = config();
    config["endpoint"] = json!("https://hooks.example.com/mail?key=url-secret&x=1");
    let endpoint = Endpoint::start(&config, Answer::status(204)).await;
    let token = AUTHORIZATION.trim_start_matches("Bearer ");
    for secret in [AUTHORIZATION, token, SECRETS[0], SECRETS[1], "url-secret", "123456", "user@example.com"] {
        let says = json!({ "message": format!("what is {secret}?"), "code": secret });
        endpoint.recorder.set_answers(vec![Answer::status(400).header("x-request-id", secret).json(says)]);
        let error = endpoint.connector.send(&message()).await.unwrap_err();
        assert!(error.to_string().contains("what is [redacted]?"), "{error}");
        assert!(!format!("{error:?}").contains(secret), "{error:?}");
    }
}
