//! Direct Mail's answers as data: what each must become. Every row says where the answer comes from: Alibaba Cloud's
//! documentation, mostly.

use std::time::Duration;

use connector_kit::{Delivery, ErrorKind, Message};
use connector_testkit::Answer;
use serde_json::json;

use crate::provider::{DirectMail, ENV_ID, REQUEST_ID, accepted, message, refusal};

const ERRORS: &str = "https://www.alibabacloud.com/help/doc-detail/29447.htm";
const PUBLIC_ERRORS: &str = "https://help.aliyun.com/zh/direct-mail/api-dm-2015-11-23-errorcodes";
const SINGLE_SEND_MAIL: &str = "https://www.alibabacloud.com/help/en/directmail/latest/singlesendmail";
const CLIENT_ERRORS: &str = "https://developer.aliyun.com/ask/278330";
/// The gateway before every product's API answers alike; these pages of other products say how.
const GATEWAY: &str = "https://help.aliyun.com/document_detail/48054.html";
const GATEWAY_CODES: &str = "https://help.aliyun.com/document_detail/51132.html";

/// An answer, and what must come of it.
struct Row {
    source: &'static str,
    answer: Answer,
    kind: ErrorKind,
    delivery: Delivery,
    wait: Option<Duration>,
    code: Option<&'static str>,
    request_id: Option<&'static str>,
    /// What of Direct Mail's own words the error must say.
    says: &'static str,
    /// A part of the hint; empty for no hint.
    hint: &'static str,
}

impl Row {
    /// An answer in Direct Mail's own shape.
    fn said(source: &'static str, status: u16, code: &'static str, says: &'static str, kind: ErrorKind) -> Self {
        let row = Self::new(source, refusal(status, code, says), kind);
        Self { code: Some(code), request_id: Some(REQUEST_ID), says, ..row }
    }

    fn new(source: &'static str, answer: Answer, kind: ErrorKind) -> Self {
        let delivery = Delivery::NotSent;
        Self { source, answer, kind, delivery, wait: None, code: None, request_id: None, says: "", hint: "" }
    }

    fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    fn unknown(self) -> Self {
        Self { delivery: Delivery::Unknown, ..self }
    }
}

fn page(status: u16, title: &str) -> Answer {
    Answer::status(status).html(&format!("<html><body><h1>{title}</h1></body></html>"))
}

/// The request is at fault: the same one never succeeds.
fn bad_requests() -> Vec<Row> {
    use ErrorKind::Rejected;
    let no_such = "The specified mailAddress does not exist.";
    let said = |source, status, code, says| Row::said(source, status, code, says, Rejected);
    vec![
        said(SINGLE_SEND_MAIL, 400, "InvalidMailAddress.NotFound", no_such).hint("regionId"),
        said(CLIENT_ERRORS, 404, "InvalidMailAddress.NotFound", no_such).hint("accountName"),
        said(
            SINGLE_SEND_MAIL,
            400,
            "InvalidMailAddressStatus.Malformed",
            "The specified mailAddress status is wrongly formed.",
        )
        .hint("not usable"),
        said(
            CLIENT_ERRORS,
            400,
            "InvalidMailAddressDomain.Malformed",
            "The specified mailAddress domain does not exist.",
        )
        .hint("not set up in this region"),
        said(SINGLE_SEND_MAIL, 400, "InvalidToAddress", "The specified toAddress is wrongly formed."),
        said(CLIENT_ERRORS, 400, "InvalidToAddress.Spam", "Sendmail rejected by invalid address.")
            .hint("invalid addresses"),
        said(CLIENT_ERRORS, 400, "InvalidBody", "The specified textBody or htmlBody is wrongly formed."),
        said(CLIENT_ERRORS, 400, "InvalidSendMail.Spam", "Sendmail rejected by spam filter.").hint("took it for spam"),
        said(CLIENT_ERRORS, 400, "InvalidSubject.Malformed", "The specified subject is wrongly formed.")
            .hint("100 characters"),
        said(CLIENT_ERRORS, 400, "InvalidFromAlias.Malformed", "The specified fromAlias is wrongly formed.")
            .hint("15 characters"),
        said(
            ERRORS,
            400,
            "MissingParameter",
            "The input parameter AccountName that is mandatory for processing this request is not supplied",
        ),
        said(PUBLIC_ERRORS, 400, "EmailLengthError", "The maximum length of Email is 192 characters."),
        Row::new("https://www.rfc-editor.org/rfc/rfc9110#section-15.5.14", page(413, "413"), Rejected).hint("too long"),
    ]
}

/// The key, the clock, the account or the machine may not send.
fn not_allowed() -> Vec<Row> {
    use ErrorKind::{QuotaExceeded, Unauthorized};
    let said = |source, status, code, says| Row::said(source, status, code, says, Unauthorized);
    let mismatch = "Specified signature is not matched with our calculation.";
    let echo = format!(
        "{mismatch} server string to sign is:POST&%2F&AccessKeyId%3DLTAIconformance%26ToAddress%3Duser%2540example.com\
         %26HtmlBody%3D%253Cp%253E123456%253C%252Fp%253E"
    );
    vec![
        said(GATEWAY, 400, "InvalidAccessKeyId.NotFound", "Specified access key is not found.").hint("accessKeyId"),
        said(
            GATEWAY_CODES,
            404,
            "InvalidAccessKeyId.NotFound",
            "The Access Key ID provided does not exist in our records.",
        )
        .hint("accessKeyId"),
        said(GATEWAY, 400, "SignatureDoesNotMatch", mismatch).hint("accessKeySecret"),
        // Some answers quote what was signed, encoded twice.
        Row {
            answer: refusal(400, "SignatureDoesNotMatch", &echo),
            ..said(ERRORS, 400, "SignatureDoesNotMatch", mismatch).hint("accessKeySecret")
        },
        said(ERRORS, 400, "Signature", "Specified signature is not matched with our calculation").hint("clock"),
        said(GATEWAY_CODES, 400, "IncompleteSignature", "The request signature does not conform to Aliyun standards.")
            .hint("proxy"),
        said(GATEWAY, 400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.").hint("clock"),
        said(GATEWAY, 400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.")
            .hint("clock"),
        said(ERRORS, 400, "Forbidden", "User not authorized to operate on the specified resource.")
            .hint("AliyunDirectMailFullAccess"),
        said(
            GATEWAY_CODES,
            403,
            "Forbidden.RAM",
            "User not authorized to operate on the specified resource, or this API doesn't support RAM.",
        )
        .hint("dm:SingleSendMail"),
        Row::said(
            GATEWAY_CODES,
            400,
            "InsufficientBalance",
            "Your account does not have enough balance.",
            QuotaExceeded,
        )
        .hint("used up"),
        Row::said("shared rule", 403, "SomethingNew", "What no version of this connector has seen.", Unauthorized),
        // The words are those of the service's SMTP side (https://yiyisoft.com/news/2786.html); of this code the
        // documentation says that it stands for quotas, too.
        Row::said(
            CLIENT_ERRORS,
            400,
            "InvalidSendMail.Spam",
            "Main Account Daily sending quota exceeded [@ud020104]",
            QuotaExceeded,
        )
        .hint("used up"),
        // A company's proxy: nothing here is Direct Mail's.
        Row::new(ERRORS, page(403, "Access to this site is blocked"), Unauthorized).hint("proxy or firewall"),
    ]
}

/// Words of the recipient's do not say what went wrong.
#[tokio::test]
async fn a_recipient_called_quota_is_no_quota() {
    let direct_mail = DirectMail::usual().await;
    let says = "The specified toAddress quota@example.com is wrongly formed.";
    direct_mail.recorder.set_answers(vec![refusal(400, "InvalidToAddress", says)]);
    let to_quota = Message { to: "quota@example.com".to_owned(), ..message() };
    let error = direct_mail.connector.send(&to_quota).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(!error.to_string().contains("quota@"), "{error}");
}

/// Later it may do.
fn for_now() -> Vec<Row> {
    use ErrorKind::{RateLimited, Unavailable};
    let header = Answer::status(503).header("retry-after", "3").header("x-acs-request-id", "from-the-header");
    vec![
        Row::said(GATEWAY, 400, "Throttling.User", "Request was denied due to user flow control.", RateLimited),
        Row::said(GATEWAY, 400, "Throttling.Api", "Request was denied due to api flow control.", RateLimited),
        Row::said(GATEWAY_CODES, 400, "Throttling", "Request was denied due to request throttling.", RateLimited),
        Row {
            wait: Some(Duration::from_secs(7)),
            ..Row::new(
                "https://www.rfc-editor.org/rfc/rfc6585#section-4",
                Answer::status(429).header("retry-after", "7"),
                RateLimited,
            )
        },
        Row::said(
            ERRORS,
            503,
            "ServiceUnavailable",
            "The request has failed due to a temporary failure of the server.",
            Unavailable,
        ),
        Row::said(
            ERRORS,
            500,
            "InternalError",
            "The request processing has failed due to some unknown error, exception or failure.",
            Unavailable,
        ),
        Row::said(
            PUBLIC_ERRORS,
            500,
            "InternalServiceError",
            "Failed to call the internal service. Please try again later.",
            Unavailable,
        ),
        Row {
            wait: Some(Duration::from_secs(3)),
            request_id: Some("from-the-header"),
            ..Row::new(ERRORS, header, Unavailable)
        },
        Row::new(ERRORS, page(502, "502 Bad Gateway"), Unavailable),
        // The same request came before, and may have been accepted then.
        Row::said(GATEWAY, 400, "SignatureNonceUsed", "Specified signature nonce was used already.", Unavailable)
            .unknown()
            .hint("came twice"),
        // A gateway that gave up waiting knows nothing of the message.
        Row::new("https://www.rfc-editor.org/rfc/rfc9110#section-15.6.5", page(504, "504"), Unavailable).unknown(),
    ]
}

/// Answers that are neither yes nor no.
fn unreadable() -> Vec<Row> {
    use ErrorKind::InvalidResponse;
    let odd = |answer: Answer| Row::new(SINGLE_SEND_MAIL, answer, InvalidResponse).unknown().hint("provider's log");
    vec![
        odd(Answer::status(200)),
        odd(page(200, "Welcome to the hotel")),
        odd(Answer::status(200).json(json!({ "RequestId": REQUEST_ID }))),
        odd(Answer::status(200).json(json!({ "EnvId": "", "RequestId": REQUEST_ID }))),
        odd(Answer { status: 200, ..refusal(400, "InvalidToAddress", "The specified toAddress is wrongly formed.") }),
        Row::new("shared rule", Answer::redirect(302, "https://evil.example.net/"), InvalidResponse)
            .hint("never followed"),
    ]
}

#[tokio::test]
async fn every_answer_becomes_what_it_means() {
    let direct_mail = DirectMail::usual().await;
    for Row { source, answer, kind, delivery, wait, code, request_id, says, hint } in
        [bad_requests(), not_allowed(), for_now(), unreadable()].into_iter().flatten()
    {
        let what = format!("{} {:?} ({source})", answer.status, answer.body);
        direct_mail.recorder.set_answers(vec![answer.clone()]);
        let error = direct_mail.connector.send(&message()).await.expect_err(&what);
        assert_eq!((error.kind(), error.delivery()), (kind, delivery), "{what}: {error}");
        assert!(error.to_string().contains(says), "{what}: {error}");
        assert_eq!(error.retry_after(), wait, "{what}");
        let provider = error.provider().unwrap_or_else(|| panic!("{what}: nothing of the provider"));
        assert_eq!(provider.status, Some(answer.status), "{what}");
        assert_eq!(provider.code.as_deref(), code, "{what}");
        assert_eq!(provider.request_id.as_deref(), request_id, "{what}");
        match hint {
            "" => assert_eq!(error.hint(), None, "{what}"),
            part => assert!(error.hint().is_some_and(|hint| hint.contains(part)), "{what}: {:?}", error.hint()),
        }
        for shown in ["<", "user%", "123456", "string to sign"] {
            assert!(!error.to_string().contains(shown), "{what}: {shown} shows in {error}");
        }
    }
}

#[tokio::test]
async fn accepted_is_an_answer_with_an_id() {
    let direct_mail = DirectMail::usual().await;
    for answer in [accepted(), Answer { status: 201, ..accepted() }] {
        direct_mail.recorder.set_answers(vec![answer]);
        let receipt = direct_mail.connector.send(&message()).await.unwrap();
        assert_eq!((receipt.message_id.as_deref(), receipt.attempts), (Some(ENV_ID), 1));
    }
}
