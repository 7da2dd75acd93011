//! Mailgun's answers as data: what each must become. Every row says where the answer comes from: Mailgun's
//! documentation, or somebody's log of it.

use std::time::{Duration, SystemTime};

use connector_kit::{Delivery, ErrorKind};
use connector_testkit::Answer;
use serde_json::json;

use crate::provider::{MESSAGE_ID, Mailgun, accepted, message};

const RESPONSES: &str = "https://documentation.mailgun.com/docs/mailgun/quickstart-guide/responses";
const SEND_HTTP: &str = "https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-http";
const ERROR_LIST: &str = "https://help.audatemedia.com/en/articles/11074543-error-codes-library-mailgun";
/// Words that Mailgun gave a club's account, as the tests of the club's own software keep them.
const LOG: &str = "a log of October 2026";

/// An answer, and what must come of it.
struct Row {
    source: &'static str,
    answer: Answer,
    kind: ErrorKind,
    delivery: Delivery,
    wait: Option<Duration>,
    /// What of Mailgun's own words the error must say.
    says: &'static str,
    /// A part of the hint; empty for no hint.
    hint: &'static str,
}

impl Row {
    fn new(source: &'static str, answer: Answer, kind: ErrorKind) -> Self {
        Self { source, answer, kind, delivery: Delivery::NotSent, wait: None, says: "", hint: "" }
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

/// Mailgun's usual answer to what it refuses.
fn refusal(status: u16, message: &str) -> Answer {
    Answer::status(status).json(json!({ "message": message }))
}

fn page(status: u16, title: &str) -> Answer {
    let page = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body bgcolor=\"white\">\r\n<center><h1>{title}</h1></center>\
         \r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    );
    Answer::status(status).html(&page)
}

/// The request is at fault: the same one never succeeds.
fn bad_requests() -> Vec<Row> {
    use ErrorKind::Rejected;
    vec![
        Row::new(
            "https://github.com/anymail/django-anymail/issues/44",
            refusal(400, "'from' parameter is not a valid address. please check documentation"),
            Rejected,
        )
        .says("'from' parameter is not a valid address"),
        Row::new(
            SEND_HTTP,
            refusal(400, "'to' parameter is not a valid address. please check documentation"),
            Rejected,
        )
        .says("not a valid address"),
        Row::new(ERROR_LIST, refusal(400, "Need at least one of 'text' or 'html' parameters specified"), Rejected)
            .says("Need at least one of"),
        Row::new(
            ERROR_LIST,
            refusal(400, "Send options (parameters starting with o:, h:, or v:) are limited to 16 kB total"),
            Rejected,
        )
        .says("limited to 16 kB"),
        Row::new(
            "https://github.com/LaravelRUS/laravel.ru/issues/74",
            refusal(
                400,
                "Sandbox subdomains are for test purposes only. Please add your own domain or add the address to \
                 authorized recipients in Account Settings.",
            ),
            Rejected,
        )
        .says("Sandbox subdomains")
        .hint("authorized recipients only"),
        Row::new(
            "https://github.com/mailgun/mailgun-ruby/issues/171",
            refusal(404, "Domain not found: mg.sender.example"),
            Rejected,
        )
        .says("Domain not found: mg.sender.example")
        .hint("https://api.eu.mailgun.net"),
        Row::new("https://github.com/mailgun/mailgun-js-boland/issues/118", page(404, "404 Not Found"), Rejected)
            .says("404 Not Found")
            .hint("check endpoint and domain"),
        Row::new(RESPONSES, Answer::status(404), Rejected).hint("check endpoint and domain"),
        Row::new(SEND_HTTP, page(413, "413 Request Entity Too Large"), Rejected).hint("25 MB"),
    ]
}

/// The key, the domain, the account or the machine may not send.
fn not_allowed() -> Vec<Row> {
    use ErrorKind::{QuotaExceeded, Rejected, Unauthorized};
    let domain = |what: &str| format!("Domain mg.sender.example is not allowed to send: {what}");
    let forbidden = |status: u16| Answer::status(status).text("text/plain", "Forbidden");
    vec![
        // With a key of the other region, too.
        Row::new("https://github.com/mailgun/mailgun.js/issues/64", forbidden(401), Unauthorized)
            .says("Mailgun answered 401 Unauthorized")
            .hint("https://api.eu.mailgun.net"),
        Row::new(
            "https://github.com/theoomoregbee/US-visa-appointment-notifier/issues/5",
            Answer::status(401).json(json!({ "message": "Forbidden" })),
            Unauthorized,
        )
        .says("Forbidden")
        .hint("sending key"),
        Row::new(RESPONSES, forbidden(403), Unauthorized).hint("sending key"),
        Row::new(
            "https://github.com/theoomoregbee/US-visa-appointment-notifier/issues/5",
            refusal(
                403,
                &domain(
                    "Sandbox subdomains are for test purposes only. Please add your own domain or add the address to \
                     authorized recipients in Account Settings.",
                ),
            ),
            Rejected,
        )
        .says("authorized recipients")
        .hint("authorized recipients only"),
        Row::new(
            "https://github.com/Monstarrrr/rebutify/issues/162",
            refusal(
                403,
                &domain(
                    "Please activate your Mailgun account. Check your inbox or log in to your control panel to resend \
                     the activation email.",
                ),
            ),
            Unauthorized,
        )
        .says("Please activate")
        .hint("control panel"),
        Row::new(
            "https://github.com/glotcode/glot/issues/65",
            refusal(403, &domain("You've reached the message limit you set on account")),
            QuotaExceeded,
        )
        .says("message limit")
        .hint("used up"),
        Row::new(LOG, refusal(403, &domain("domain disabled")), Unauthorized)
            .says("domain disabled")
            .hint("control panel"),
        Row::new("https://www.rfc-editor.org/rfc/rfc9110#section-15.5.3", Answer::status(402), QuotaExceeded)
            .hint("used up"),
        // A company's proxy: nothing here is Mailgun's.
        Row::new(RESPONSES, page(403, "Access to this site is blocked"), Unauthorized)
            .says("Mailgun answered 403 Forbidden")
            .hint("proxy or firewall"),
    ]
}

/// Later it may do.
fn for_now() -> Vec<Row> {
    use ErrorKind::{RateLimited, Unavailable};
    let limit = "Domain mg.sender.example is not allowed to send: recipient limit exceeded";
    // As Mailgun writes it: `Mon, 25 Aug 2025 07:00:31 UTC`.
    let in_half_an_hour = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(1800)).replace("GMT", "UTC");
    vec![
        Row::new(
            "https://github.com/mailgun/mailgun-java/issues/50",
            refusal(420, &format!("{limit}, try again after {in_half_an_hour}")),
            RateLimited,
        )
        .says("recipient limit exceeded")
        .waits(1800)
        .hint("recipients the domain may reach per hour"),
        Row::new(
            "https://github.com/TryGhost/Ghost/issues/15725",
            refusal(420, &format!("{limit}, try again after Wed, 22 Feb 2023 10:04:01 UTC")),
            RateLimited,
        )
        .waits(0)
        .hint("per hour"),
        Row::new(
            "https://github.com/TryGhost/Ghost/issues/24494",
            refusal(420, &format!("{limit}, try again after a while")),
            RateLimited,
        )
        .hint("per hour"),
        Row::new(LOG, refusal(400, limit), RateLimited).hint("per hour"),
        Row::new(
            LOG,
            refusal(
                400,
                "Domain mg.sender.example is not allowed to send: You are sending too fast. Your account is on \
                 probation and the account has been temporarily disabled.",
            ),
            RateLimited,
        )
        .says("too fast")
        .hint("per hour"),
        Row::new(RESPONSES, refusal(429, "Too many requests").header("retry-after", "7"), RateLimited)
            .says("Too many requests")
            .waits(7),
        Row::new(RESPONSES, Answer::status(429), RateLimited),
        Row::new(RESPONSES, refusal(500, "Internal Server Error"), Unavailable).says("Internal Server Error"),
        Row::new(RESPONSES, page(502, "502 Bad Gateway"), Unavailable).says("502 Bad Gateway"),
        Row::new(RESPONSES, Answer::status(503).header("retry-after", "3"), Unavailable).waits(3),
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
    let greeting = "https://github.com/anymail/django-anymail/issues/144";
    vec![
        Row::new(greeting, Answer::status(200).text("text/plain", "Mailgun Magnificent API"), InvalidResponse)
            .unknown()
            .hint("check endpoint and domain"),
        Row::new(SEND_HTTP, Answer::status(200), InvalidResponse).unknown().hint("provider's log"),
        Row::new(SEND_HTTP, page(200, "Welcome to the hotel"), InvalidResponse).unknown().hint("provider's log"),
        Row::new(SEND_HTTP, Answer::status(200).json(json!({ "message": "Queued. Thank you." })), InvalidResponse)
            .unknown()
            .hint("provider's log"),
        Row::new(SEND_HTTP, Answer::status(200).json(json!({ "id": "" })), InvalidResponse)
            .unknown()
            .hint("provider's log"),
        Row::new(SEND_HTTP, Answer::status(200).json(json!(["id"])), InvalidResponse).unknown().hint("provider's log"),
        Row::new(SEND_HTTP, Answer { status: 202, ..accepted() }, InvalidResponse).unknown().hint("provider's log"),
        Row::new("shared rule", Answer::redirect(302, "https://evil.example.net/"), InvalidResponse)
            .hint("never followed"),
    ]
}

#[tokio::test]
async fn every_answer_becomes_what_it_means() {
    let mailgun = Mailgun::usual().await;
    for Row { source, answer, kind, delivery, wait, says, hint } in
        [bad_requests(), not_allowed(), for_now(), unreadable()].into_iter().flatten()
    {
        let what = format!("{} {:?} ({source})", answer.status, answer.body);
        mailgun.recorder.set_answers(vec![answer.clone()]);
        let error = mailgun.connector.send(&message()).await.expect_err(&what);
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
        // Mailgun has neither codes of its own nor an id of a refused request.
        assert_eq!(
            (provider.status, &provider.code, &provider.request_id),
            (Some(answer.status), &None, &None),
            "{what}"
        );
        match hint {
            "" => assert_eq!(error.hint(), None, "{what}"),
            part => assert!(error.hint().is_some_and(|hint| hint.contains(part)), "{what}: {:?}", error.hint()),
        }
        assert!(!error.to_string().contains('<'), "{what}: a page shows in {error}");
    }
}

#[tokio::test]
async fn accepted_is_a_200_with_an_id() {
    let mailgun = Mailgun::usual().await;
    let receipt = mailgun.connector.send(&message()).await.unwrap();
    assert_eq!((receipt.message_id.as_deref(), receipt.attempts), (Some(MESSAGE_ID), 1));
}
