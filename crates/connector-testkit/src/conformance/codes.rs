//! The codes under which callers know the kinds of error.

use connector_kit::ErrorKind;

use super::Subject;

/// Every kind has the code that Logto gives it.
pub async fn are_those_of_the_design(_: &Subject) {
    for (kind, code) in [
        (ErrorKind::InvalidConfig, "invalid_config"),
        (ErrorKind::TemplateNotFound, "template_not_found"),
        (ErrorKind::InvalidMessage, "invalid_request_parameters"),
        (ErrorKind::Unauthorized, "authorization_failed"),
        (ErrorKind::Rejected, "general"),
        (ErrorKind::RateLimited, "rate_limit_exceeded"),
        (ErrorKind::QuotaExceeded, "usage_limit_exceeded"),
        (ErrorKind::Unavailable, "general"),
        (ErrorKind::InvalidResponse, "invalid_response"),
        (ErrorKind::NotImplemented, "not_implemented"),
    ] {
        assert_eq!(kind.code(), code, "{}", kind.name());
    }
}
