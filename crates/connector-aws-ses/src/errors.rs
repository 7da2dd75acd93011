//! The one place that reads what AWS answers when it does not accept a message.

use std::error::Error as StdError;

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse as SdkResponse, result::SdkError};
use connector_kit::{Delivery, Error, ErrorKind, ProviderAnswer, Redactor, http::HttpResponse};
use serde_json::Value;

use crate::http::from_sdk;

pub(crate) const NAME: &str = "Amazon SES";

/// The error of a send; without an answer, `delivery` says what is known of the message.
pub(crate) fn of_sdk<E: StdError + 'static>(
    error: &SdkError<E, SdkResponse>,
    delivery: Delivery,
    redactor: &Redactor,
) -> Error {
    if let Some(answer) = error.raw_response() {
        let response = from_sdk(answer);
        if response.status.is_success() {
            return response.unreadable(NAME, "not with what the API promises");
        }
        return refusal(NAME, &response, redactor);
    }
    // From below the SDK: the HTTP client's, or that of the credentials.
    if let Some(error) = causes(error).find_map(|cause| cause.downcast_ref::<Error>()) {
        return error.clone();
    }
    let kind = match error {
        SdkError::ConstructionFailure(_) => ErrorKind::InvalidConfig,
        _ => ErrorKind::Unavailable,
    };
    let cause = causes(error).last().map(ToString::to_string).unwrap_or_default();
    Error::new(kind, format!("{NAME}: {}", redactor.clean(&cause))).delivery_is(delivery)
}

/// An error and the chain of its causes.
pub(crate) fn causes<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |cause| StdError::source(*cause))
}

/// The error of a service that was asked for credentials, such as STS: whatever it says, the message is not sent.
pub(crate) fn of_credential_service(host: &str, response: &HttpResponse, redactor: &Redactor) -> Error {
    let error = refusal(host, response, redactor);
    let kind = match error.kind() {
        kind @ (ErrorKind::RateLimited | ErrorKind::Unavailable | ErrorKind::InvalidResponse) => kind,
        _ => ErrorKind::Unauthorized,
    };
    let hint = error.hint().map(str::to_owned);
    let base = Error::new(kind, format!("getting AWS credentials: {error}"))
        .with_retry_after(error.retry_after())
        .with_provider(error.provider().cloned().unwrap_or_default());
    match hint {
        // What sending needs, and how fast it may go, is another matter.
        Some(hint) if kind == ErrorKind::InvalidResponse => base.with_hint(hint),
        Some(hint) if kind == ErrorKind::Unauthorized && !hint.contains("ses:SendEmail") => base.with_hint(hint),
        _ if kind == ErrorKind::Unauthorized => base.with_hint(
            "the role's trust policy must name these credentials (and externalId, if it asks for one), and their own \
             policy must allow sts:AssumeRole",
        ),
        _ => base,
    }
}

/// What an AWS service says of a failure, in JSON or (STS) in XML.
struct Says {
    code: Option<String>,
    message: String,
}

impl Says {
    fn of(response: &HttpResponse) -> Self {
        let body = response.body.as_deref().unwrap_or_default();
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = std::str::from_utf8(body).unwrap_or_default();
        let member = |names: &[&str]| names.iter().find_map(|name| json[*name].as_str()).map(str::to_owned);
        let header = response.header("x-amzn-errortype").map(str::to_owned);
        let code = header.or_else(|| member(&["__type", "code", "Code"])).or_else(|| element(text, "Code"));
        // Some services put a namespace before the name, or a URL behind it.
        let code = code.map(|code| {
            let name = code.split(':').next().unwrap_or_default();
            name.rsplit('#').next().unwrap_or_default().trim().to_owned()
        });
        let message = member(&["message", "Message", "errorMessage"]).or_else(|| element(text, "Message"));
        let mut message = message.unwrap_or_default();
        // What follows repeats the request, a session token among its headers.
        if let Some(at) = message.to_ascii_lowercase().find("the canonical string") {
            message.truncate(at);
        }
        Self { code: code.filter(|code| !code.is_empty()), message }
    }
}

/// The text of the first element of this name. The answers it is for are flat and have no attributes.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(
        text.replace("&quot;", "\"")
            .replace("&apos;", "'")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&"),
    )
}

/// Reads an answer that is no success.
fn refusal(who: &str, response: &HttpResponse, redactor: &Redactor) -> Error {
    let Says { code, message } = Says::of(response);
    let base = response.failure(who);
    let lower = message.to_ascii_lowercase();
    let kind = kind(code.as_deref().unwrap_or_default(), &lower).unwrap_or(base.kind());
    let code = code.map(|code| redactor.clean(&code));
    let words = match (&code, redactor.clean(&message)) {
        (None, says) if says.is_empty() => base.to_string(),
        (None, says) => format!("{base}: {says}"),
        (Some(code), says) if says.is_empty() => format!("{base}: {code}"),
        (Some(code), says) => format!("{base}: {code}: {says}"),
    };
    let own = || hint(kind, code.as_deref().unwrap_or_default(), &lower);
    let hint = response.interception(NOT_US).or_else(own).or(base.hint());
    let error = Error::new(kind, words)
        .delivery_is(base.delivery())
        .with_retry_after(response.retry_after())
        .with_provider(ProviderAnswer {
            status: Some(response.status.as_u16()),
            code,
            request_id: response.header("x-amzn-requestid").map(|id| redactor.clean(id)),
        });
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// What a code means, where it says more than the status.
fn kind(code: &str, says: &str) -> Option<ErrorKind> {
    Some(match code {
        // SES counts per second and per day, and says both with the same code.
        "TooManyRequestsException" | "ThrottlingException" | "Throttling" | "LimitExceededException" => {
            if says.contains("daily") || (code == "LimitExceededException" && !says.contains("rate")) {
                ErrorKind::QuotaExceeded
            } else {
                ErrorKind::RateLimited
            }
        }
        "RequestThrottled" | "RequestThrottledException" | "RequestLimitExceeded" => ErrorKind::RateLimited,
        "AccessDenied" | "AccessDeniedException" | "NotAuthorized" | "OptInRequired" => ErrorKind::Unauthorized,
        "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException" => ErrorKind::Unauthorized,
        "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "RequestExpired"
        | "RequestTimeTooSkewed" => ErrorKind::Unauthorized,
        "ExpiredToken" | "ExpiredTokenException" => ErrorKind::Unauthorized,
        "AccountSuspendedException"
        | "SendingPausedException"
        | "MailFromDomainNotVerifiedException"
        | "MessageRejected"
        | "BadRequestException"
        | "NotFoundException" => ErrorKind::Rejected,
        _ => return None,
    })
}

/// AWS speaks JSON or XML; a page in HTML is somebody else's.
const NOT_US: &str = "this is not how AWS answers: look for a proxy or firewall between this machine and AWS";

fn hint(kind: ErrorKind, code: &str, says: &str) -> Option<&'static str> {
    let about_time = says.contains("signature expired")
        || says.contains("signature not yet current")
        || matches!(code, "RequestExpired" | "RequestTimeTooSkewed");
    Some(match (kind, code) {
        (ErrorKind::Unauthorized, _) if about_time => {
            "this machine's clock is wrong, and AWS's signatures carry the time: set it, and keep it right with NTP"
        }
        (_, "InvalidClientTokenId" | "UnrecognizedClientException") => {
            "AWS does not know the access key: check accessKeyId, that the key is active, and that the region belongs \
             to its partition"
        }
        (
            _,
            "SignatureDoesNotMatch"
            | "InvalidSignatureException"
            | "IncompleteSignature"
            | "IncompleteSignatureException",
        ) => "check accessKeySecret and this machine's clock, and that no proxy changes requests on their way",
        (_, "ExpiredToken" | "ExpiredTokenException") => {
            "temporary credentials ran out: renew them where they come from, and check this machine's clock"
        }
        (ErrorKind::Unauthorized, _) => {
            "give the key or role an IAM policy that allows ses:SendEmail on the sender's identity and, where one is \
             used, on the configuration set"
        }
        (ErrorKind::QuotaExceeded, _) => {
            "the account's sending quota in this region is used up: wait, or ask AWS to raise it"
        }
        (ErrorKind::RateLimited, _) => "the account's sending rate is exceeded: send slower, or ask AWS to raise it",
        (_, "AccountSuspendedException") => "AWS has shut sending down for this account: open a case with AWS Support",
        (_, "SendingPausedException") => {
            "sending is paused for the account or the configuration set: see the account dashboard and reputation \
             metrics in the SES console"
        }
        (_, "MailFromDomainNotVerifiedException") => {
            "SES cannot read the MX record of the identity's custom MAIL FROM domain: publish it as the SES console shows"
        }
        (_, "NotFoundException") => "check configurationSetName: the configuration set must exist in this region",
        _ if says.contains("not verified") => {
            "verify the sender in this region; while the account is in the sandbox, SES takes verified recipients only: \
             request production access"
        }
        _ => return None,
    })
}
