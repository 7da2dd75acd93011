//! Amazon SES's answers as data: what each must become. Every row says where the answer comes from: AWS's
//! documentation, or somebody's log of it.

use std::time::Duration;

use connector_kit::{Delivery, ErrorKind};
use connector_testkit::{Answer, Fault};
use serde_json::{Value, json};

use crate::provider::{Aws, accepted, message};

const SEND_EMAIL: &str = "https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html";
const COMMON: &str = "https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html";
const QUOTAS: &str = "https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html";
const TROUBLESHOOT: &str = "https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-error-messages.html";
const NOT_VERIFIED: &str = "https://repost.aws/knowledge-center/ses-554-400-message-rejected-error";
const CODES: &str = "https://docs.aws.amazon.com/ses/latest/DeveloperGuide/api-error-codes.html";
const SIGNATURES: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html";
const MAUTIC: &str = "https://github.com/pm-pmaas/etailors_amazon_ses/issues/117";

/// An answer, and what must come of it.
struct Row {
    source: &'static str,
    answer: Answer,
    kind: ErrorKind,
    delivery: Delivery,
    wait: Option<Duration>,
    code: Option<&'static str>,
    /// What of the provider's own words the error must say.
    says: &'static str,
    /// A part of the hint; empty for no hint.
    hint: &'static str,
}

impl Row {
    fn new(source: &'static str, answer: Answer, kind: ErrorKind) -> Self {
        Self { source, answer, kind, delivery: Delivery::NotSent, wait: None, code: None, says: "", hint: "" }
    }

    /// The usual answer: the code in a header, the words in JSON.
    fn of(source: &'static str, status: u16, code: &'static str, says: &'static str, kind: ErrorKind) -> Self {
        let answer = Answer::status(status).header("x-amzn-errortype", code).json(json!({ "message": says }));
        Self { code: Some(code), says, ..Self::new(source, answer, kind) }
    }

    fn says(self, says: &'static str) -> Self {
        Self { says, ..self }
    }

    fn code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
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

fn with_body(status: u16, body: Value) -> Answer {
    Answer::status(status).json(body)
}

fn page(status: u16, title: &str) -> Answer {
    Answer::status(status).html(&format!("<html><head><title>{title}</title></head><body>{title}</body></html>"))
}

/// Rate and quota come as the same exception, and as several: only the words tell them apart.
fn too_many() -> Vec<Row> {
    use ErrorKind::{QuotaExceeded, RateLimited};
    let (rate, daily) = ("Maximum sending rate exceeded.", "Daily message quota exceeded.");
    vec![
        Row::of(MAUTIC, 429, "TooManyRequestsException", rate, RateLimited).hint("sending rate"),
        Row::of(QUOTAS, 400, "ThrottlingException", rate, RateLimited).hint("sending rate"),
        Row::of(
            "https://github.com/awsdocs/amazon-ses-developer-guide/issues/60",
            400,
            "Throttling",
            rate,
            RateLimited,
        )
        .hint("sending rate"),
        Row::of(QUOTAS, 429, "TooManyRequestsException", daily, QuotaExceeded).hint("sending quota"),
        Row::of(QUOTAS, 400, "ThrottlingException", daily, QuotaExceeded).hint("sending quota"),
        Row::of(
            "https://repost.aws/knowledge-center/ses-sending-rate-quota-exceeded",
            400,
            "ThrottlingException",
            "Daily sending quota exceeded",
            QuotaExceeded,
        )
        .hint("sending quota"),
        Row::of(SEND_EMAIL, 400, "LimitExceededException", "There are too many instances", QuotaExceeded)
            .hint("sending quota"),
        // An API's own throttle names no quota at all.
        Row::of(COMMON, 400, "ThrottlingException", "Rate exceeded", RateLimited).hint("send slower"),
        Row::new(COMMON, with_body(429, json!({})).header("retry-after", "7"), RateLimited)
            .waits(7)
            .hint("send slower"),
    ]
}

/// The message, the sender or the account is at fault: the same request never succeeds.
fn refused() -> Vec<Row> {
    use ErrorKind::Rejected;
    let not_verified = "Email address is not verified. The following identities failed the check in region US-EAST-1: \
                        no-reply@sender.example";
    vec![
        Row::of(SEND_EMAIL, 400, "AccountSuspendedException", "Sending is suspended", Rejected).hint("AWS Support"),
        Row::of(SEND_EMAIL, 400, "SendingPausedException", "Sending paused for this account.", Rejected)
            .hint("reputation"),
        Row::of(SEND_EMAIL, 400, "MailFromDomainNotVerifiedException", "MAIL FROM is not verified", Rejected)
            .hint("MX record"),
        // The code may stand in the body, with a namespace in front.
        Row::new(
            SEND_EMAIL,
            with_body(400, json!({ "__type": "com.amazonaws.ses#MailFromDomainNotVerifiedException" })),
            Rejected,
        )
        .code("MailFromDomainNotVerifiedException")
        .hint("MX record"),
        Row::of(NOT_VERIFIED, 400, "MessageRejected", not_verified, Rejected).hint("sandbox"),
        Row::of(TROUBLESHOOT, 400, "MessageRejected", "Address is blacklisted.", Rejected),
        Row::of(SEND_EMAIL, 404, "NotFoundException", "Configuration set <codes> does not exist.", Rejected)
            .hint("configurationSetName"),
        Row::of(TROUBLESHOOT, 400, "BadRequestException", "Missing final '@domain'", Rejected),
        // A URL behind the name, as some of AWS's front ends write it.
        Row::new(
            "https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization",
            Answer::status(400)
                .header("x-amzn-errortype", "BadRequestException:http://internal.amazon.com/coral/com.amazonaws.ses/")
                .json(json!({ "Message": "Illegal address" })),
            Rejected,
        )
        .code("BadRequestException")
        .says("Illegal address"),
        Row::new(COMMON, Answer::status(400), Rejected).says("400 Bad Request"),
    ]
}

/// The credentials, their policy or the clock.
fn not_allowed() -> Vec<Row> {
    use ErrorKind::Unauthorized;
    let denied = "User: arn:aws:iam::111122223333:user/mail is not authorized to perform: ses:SendEmail on resource: \
                  arn:aws:ses:us-east-1:111122223333:identity/sender.example";
    let expired =
        "Signature expired: 20260102T030405Z is now earlier than 20260102T033000Z (20260102T033500Z - 5 min.)";
    let early = "Signature not yet current: 20260102T040000Z is still later than 20260102T033500Z";
    let mismatch = "The request signature we calculated does not match the signature you provided. Check your AWS \
                    Secret Access Key and signing method. Consult the service documentation for details.\n\nThe \
                    Canonical String for this request should have been\n'POST\n/v2/email/outbound-emails\n\n\
                    x-amz-security-token:a-session-token'";
    vec![
        Row::of(TROUBLESHOOT, 403, "AccessDeniedException", denied, Unauthorized).hint("ses:SendEmail"),
        Row::of(
            COMMON,
            403,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            Unauthorized,
        )
        .hint("accessKeyId"),
        Row::of(
            CODES,
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid",
            Unauthorized,
        )
        .hint("accessKeyId"),
        Row::of(SIGNATURES, 403, "InvalidSignatureException", expired, Unauthorized).hint("clock"),
        Row::of(SIGNATURES, 403, "SignatureDoesNotMatch", early, Unauthorized).hint("clock is wrong"),
        Row::of(SIGNATURES, 403, "InvalidSignatureException", mismatch, Unauthorized)
            .says("does not match the signature you provided")
            .hint("check accessKeySecret and this machine's clock"),
        Row::of(
            COMMON,
            400,
            "IncompleteSignature",
            "The request signature does not conform to AWS standards.",
            Unauthorized,
        )
        .hint("accessKeySecret"),
        Row::of(
            COMMON,
            403,
            "ExpiredTokenException",
            "The security token included in the request is expired",
            Unauthorized,
        )
        .hint("temporary credentials ran out"),
        Row::of(
            COMMON,
            400,
            "RequestExpired",
            "The request reached the service more than 15 minutes after",
            Unauthorized,
        )
        .hint("clock"),
        Row::of(
            COMMON,
            403,
            "OptInRequired",
            "The AWS access key ID needs a subscription for the service.",
            Unauthorized,
        )
        .hint("policy"),
        // A company's proxy: nothing here is AWS's.
        Row::new("shared rule", page(403, "Access to this site is blocked"), Unauthorized).hint("proxy or firewall"),
        Row::new("shared rule", page(407, "Proxy Authentication Required"), Unauthorized).hint("proxy or firewall"),
    ]
}

/// Later it may do.
fn for_now() -> Vec<Row> {
    use ErrorKind::Unavailable;
    vec![
        Row::of(COMMON, 500, "InternalFailure", "The request processing has failed", Unavailable),
        Row::of(COMMON, 503, "ServiceUnavailable", "Service is unavailable", Unavailable),
        Row::new(COMMON, Answer::status(503).header("retry-after", "3"), Unavailable).waits(3),
        Row::new("shared rule", page(502, "502 Bad Gateway"), Unavailable).says("502 Bad Gateway"),
        // The status is there, the rest is not: a no all the same.
        Row::new("shared rule", with_body(500, json!({ "message": "m" })).with_fault(Fault::CutBody), Unavailable),
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
    let log = "provider's log";
    vec![
        Row::new("shared rule", page(200, "Welcome to the hotel"), InvalidResponse).unknown().hint(log),
        Row::new("shared rule", Answer::status(200).text("application/json", "{\"oops"), InvalidResponse)
            .unknown()
            .hint(log),
        Row::new(SEND_EMAIL, with_body(200, json!({})), InvalidResponse).unknown().hint(log),
        Row::new(SEND_EMAIL, Answer::status(204), InvalidResponse).unknown().hint(log),
        Row::new("shared rule", Answer::redirect(307, "https://evil.example.net/"), InvalidResponse)
            .hint("never followed"),
    ]
}

#[tokio::test]
async fn every_answer_becomes_what_it_means() {
    let aws = Aws::usual().await;
    for Row { source, answer, kind, delivery, wait, code, says, hint } in
        [too_many(), refused(), not_allowed(), for_now(), unreadable()].into_iter().flatten()
    {
        let what = format!("{} {:?} ({source})", answer.status, answer.body);
        let answer = answer.header("x-amzn-requestid", "c1a2");
        let before = aws.recorder.request_count();
        aws.recorder.set_answers(vec![answer.clone()]);
        let error = aws.connector.send(&message()).await.expect_err(&what);
        assert_eq!(aws.recorder.request_count(), before + 1, "{what}: the SDK tried again");
        assert_eq!((error.kind(), error.delivery()), (kind, delivery), "{what}: {error}");
        assert!(error.to_string().contains(says.lines().next().unwrap_or_default()), "{what}: {error}");
        assert_eq!(error.retry_after(), wait, "{what}");
        let provider = error.provider().unwrap_or_else(|| panic!("{what}: nothing of the provider"));
        assert_eq!(provider.status, Some(answer.status), "{what}");
        assert_eq!(provider.code.as_deref(), code, "{what}");
        if kind != ErrorKind::InvalidResponse {
            assert_eq!(provider.request_id.as_deref(), Some("c1a2"), "{what}");
        }
        match hint {
            "" => assert_eq!(error.hint(), None, "{what}"),
            part => assert!(error.hint().is_some_and(|hint| hint.contains(part)), "{what}: {:?}", error.hint()),
        }
        let shown = format!("{error:?}");
        assert!(!shown.contains("<html") && !shown.contains("session-token"), "{what}: {shown}");
    }
}

#[tokio::test]
async fn a_cut_success_is_unknown_and_never_repeated() {
    for fault in [Fault::CutBody, Fault::ResetBody] {
        let aws = Aws::usual().await;
        aws.recorder.set_answers(vec![accepted().with_fault(fault)]);
        let error = aws.connector.send(&message()).await.unwrap_err();
        assert_eq!((error.kind(), error.delivery()), (ErrorKind::InvalidResponse, Delivery::Unknown), "{fault:?}");
        assert_eq!(aws.recorder.request_count(), 1, "{fault:?}");
    }
}
