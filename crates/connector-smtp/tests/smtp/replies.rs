//! What servers say, and what each of it must become: a table, every row with the page it rests on.

use connector_kit::{
    Delivery,
    ErrorKind::{self, QuotaExceeded, RateLimited, Rejected, Unauthorized, Unavailable},
};
use serde_json::json;

use crate::support::{Relay, message, outcome, to, usual};

/// Where it is said.
#[derive(Debug, Clone, Copy)]
enum Source {
    /// RFC 5321, section 4.2.3: reply codes.
    Rfc5321,
    /// RFC 4954, section 6: authentication.
    Rfc4954,
    /// RFC 3463: enhanced codes. RFC 1870 for sizes.
    Rfc3463,
    /// RFC 6647: greylisting.
    Rfc6647,
    /// support.google.com/a/answer/3726730: Gmail SMTP errors and codes.
    Gmail,
    /// learn.microsoft.com/exchange/troubleshoot/send-emails/smtp-submission-improvements and
    /// learn.microsoft.com/troubleshoot/exchange/email-delivery/ndr/non-delivery-reports-in-exchange-online.
    Microsoft,
    /// docs.aws.amazon.com/ses/latest/dg/troubleshoot-smtp.html and manage-sending-quotas-errors.html.
    Ses,
    /// Postfix: the texts of smtpd(8), postconf(5) `smtpd_client_*_limit`, `smtpd_relay_restrictions`.
    Postfix,
    /// sendgrid.com/docs/for-developers/sending-email/smtp-errors-and-troubleshooting.
    SendGrid,
    /// emailit.com/docs/smtp/troubleshooting.
    Emailit,
}
use Source::{Emailit, Gmail, Microsoft, Postfix, Rfc3463, Rfc4954, Rfc5321, Rfc6647, SendGrid, Ses};

/// The step that is answered, the reply, its kind, a word of the hint, and the source.
type Row = (&'static str, &'static str, ErrorKind, Option<&'static str>, Source);

const TABLE: &[Row] = &[
    // Temporary, without a reason that a caller could use.
    ("MAIL", "451 Requested action aborted: local error in processing", Unavailable, None, Rfc5321),
    ("MAIL", "452 4.3.1 Insufficient system storage", Unavailable, None, Rfc5321),
    ("RCPT", "450 Requested mail action not taken: mailbox unavailable", Unavailable, None, Rfc5321),
    ("RCPT", "451 4.3.0 Mail server temporarily rejected message.", Unavailable, None, Gmail),
    ("MAIL", "421 4.4.5 Server busy, try again later.", Unavailable, None, Gmail),
    ("END", "451 Temporary service failure", Unavailable, None, Ses),
    (
        "RCPT",
        "450 4.2.0 <user@example.com>: Recipient address rejected: Greylisted, see http://postgrey.example/",
        Unavailable,
        Some("some minutes later"),
        Rfc6647,
    ),
    // Too fast.
    (
        "RCPT",
        "450 4.2.1 The user you are trying to contact is receiving mail too quickly. Please resend your message at a later time.",
        RateLimited,
        None,
        Gmail,
    ),
    (
        "RCPT",
        "450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered.",
        RateLimited,
        None,
        Gmail,
    ),
    ("RCPT", "450 4.2.1 Peak SMTP relay limit exceeded for customer.", RateLimited, None, Gmail),
    (
        "END",
        "421 4.7.28 Our system has detected an unusual rate of unsolicited mail originating from your IP address.",
        RateLimited,
        None,
        Gmail,
    ),
    ("END", "454 Throttling failure: Maximum sending rate exceeded.", RateLimited, None, Ses),
    ("MAIL", "450 4.7.1 Error: too much mail from 203.0.113.9", RateLimited, None, Postfix),
    (
        "GREETING",
        "421 4.7.0 mx.example.com Error: too many connections from 203.0.113.9",
        RateLimited,
        Some("fewer connections"),
        Postfix,
    ),
    (
        "MAIL",
        "432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information.",
        RateLimited,
        Some("fewer connections"),
        Microsoft,
    ),
    (
        "END",
        "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded",
        RateLimited,
        Some("fewer connections"),
        Microsoft,
    ),
    ("MAIL", "452 4.4.5 Messages per second limit exceeded", RateLimited, None, Emailit),
    // Used up: no use in trying again.
    (
        "END",
        "550 5.4.5 Daily user sending limit exceeded. For more information on Gmail sending limits go to https://support.google.com/a/answer/166852",
        QuotaExceeded,
        Some("quota"),
        Gmail,
    ),
    ("END", "454 Throttling failure: Daily message quota exceeded.", QuotaExceeded, Some("quota"), Ses),
    (
        "END",
        "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message due to a permanent exception with message Cannot submit message.",
        QuotaExceeded,
        Some("quota"),
        Microsoft,
    ),
    (
        "END",
        "550 5.7.233 Your message can't be sent because your tenant exceeded its daily limit for sending email to external recipients",
        QuotaExceeded,
        Some("quota"),
        Microsoft,
    ),
    (
        "END",
        "554 5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded",
        QuotaExceeded,
        Some("own mailbox"),
        Microsoft,
    ),
    ("AUTH", "451 Authentication failed: Maximum credits exceeded", QuotaExceeded, Some("quota"), SendGrid),
    ("MAIL", "452 4.5.3 Daily message limit exceeded", QuotaExceeded, Some("quota"), Emailit),
    // The recipient's mailbox.
    (
        "RCPT",
        "452 4.2.2 The email account that you tried to reach is over quota.",
        Unavailable,
        Some("mailbox is full"),
        Gmail,
    ),
    (
        "RCPT",
        "552 5.2.2 The email account that you tried to reach is over quota.",
        Rejected,
        Some("mailbox is full"),
        Gmail,
    ),
    ("END", "552 5.2.2 Mailbox full", Rejected, Some("mailbox is full"), Rfc3463),
    (
        "RCPT",
        "550 5.1.1 <user@dailymail.example>: Recipient address rejected: User unknown",
        Rejected,
        Some("this recipient"),
        Postfix,
    ),
    (
        "RCPT",
        "550 5.2.1 The email account that you tried to reach is disabled.",
        Rejected,
        Some("this recipient"),
        Gmail,
    ),
    (
        "RCPT",
        "553 5.1.3 The recipient address is not a valid RFC 5321 address.",
        Rejected,
        Some("this recipient"),
        Gmail,
    ),
    ("RCPT", "554 5.7.1 <user@example.com>: Relay access denied", Rejected, Some("auth"), Postfix),
    // The message.
    ("MAIL", "552 5.3.4 Message size exceeds fixed limit", Rejected, Some("larger"), Rfc3463),
    ("END", "552 5.2.3 Your message exceeded Google's message size limits.", Rejected, Some("larger"), Gmail),
    ("END", "552 Message size exceeds maximum permitted", Rejected, Some("larger"), Rfc5321),
    (
        "END",
        "550 5.7.26 This mail has been blocked because the sender is unauthenticated.",
        Rejected,
        Some("sender"),
        Gmail,
    ),
    ("END", "550 5.7.1 The message contains a virus or spam", Rejected, Some("DMARC"), Gmail),
    ("END", "554 Transaction failed", Rejected, None, Rfc5321),
    // The sender.
    (
        "END",
        "554 Message rejected: Email address is not verified. The following identities failed the check in region US-EAST-1: noreply@example.com",
        Rejected,
        Some("verified"),
        Ses,
    ),
    (
        "END",
        "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
        Rejected,
        Some("fromEmail"),
        Microsoft,
    ),
    (
        "MAIL",
        "553 5.7.1 <noreply@example.com>: Sender address rejected: not owned by user mailer",
        Rejected,
        Some("fromEmail"),
        Postfix,
    ),
    ("MAIL", "501 5.1.7 Bad sender address syntax", Rejected, Some("fromEmail"), Rfc3463),
    // Who may send.
    ("AUTH", "535 Authentication Credentials Invalid", Unauthorized, Some("user and password"), Ses),
    (
        "AUTH",
        "535 5.7.8 Username and Password not accepted. For more information, go to https://support.google.com/mail/?p=BadCredentials",
        Unauthorized,
        Some("app password"),
        Gmail,
    ),
    ("AUTH", "534 5.7.9 Application-specific password required.", Unauthorized, Some("app password"), Gmail),
    (
        "AUTH",
        "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
        Unauthorized,
        Some("SMTP AUTH"),
        Microsoft,
    ),
    (
        "AUTH",
        "550 5.7.30 Basic authentication is not supported for Client Submission.",
        Unauthorized,
        Some("OAuth2"),
        Microsoft,
    ),
    ("AUTH", "432 4.7.12 A password transition is needed", Unauthorized, Some("password changed"), Rfc4954),
    ("AUTH", "454 4.7.0 Temporary authentication failure", Unavailable, None, Rfc4954),
    (
        "AUTH",
        "538 5.7.11 Encryption required for requested authentication mechanism",
        Unauthorized,
        Some("requireTLS"),
        Rfc4954,
    ),
    ("MAIL", "530 5.7.0 Must issue a STARTTLS command first.", Unauthorized, Some("requireTLS"), Gmail),
    ("MAIL", "530 5.7.57 Client not authenticated to send mail.", Unauthorized, Some("auth"), Microsoft),
    ("MAIL", "530 Authentication required", Unauthorized, Some("auth"), Ses),
    (
        "GREETING",
        "554 5.7.1 Service unavailable; client [203.0.113.9] blocked using zen.example.org",
        Rejected,
        Some("address"),
        Postfix,
    ),
];

#[tokio::test]
async fn every_reply_becomes_what_a_caller_can_act_on() {
    for (step, reply, kind, hint, source) in TABLE {
        let relay = Relay::start(usual().answer(step, &[reply])).await;
        let error = relay.send(json!({}), &message()).await.unwrap_err();
        let row = format!("{step} {reply} ({source:?}): {error:?}, {:?}", error.hint());
        assert_eq!(outcome(&error), (*kind, Delivery::NotSent), "{row}");
        match (hint, error.hint()) {
            (Some(word), Some(hint)) => assert!(hint.contains(word), "{row}"),
            (None, None) => {}
            _ => panic!("{row}"),
        }
        let answer = error.provider().unwrap_or_else(|| panic!("{row}"));
        assert_eq!(answer.status, reply[..3].parse().ok(), "{row}");
        let enhanced = reply.split(' ').nth(1).filter(|word| word.starts_with(['4', '5']) && word.contains('.'));
        assert_eq!(answer.code.as_deref(), enhanced, "{row}");
        assert_eq!(error.is_retryable(), matches!(kind, Unavailable | RateLimited), "{row}");
    }
}

#[tokio::test]
async fn what_only_looks_like_an_enhanced_code_is_none() {
    for text in ["5.1 short", "5.1.1.1 long", "1234.1.1 what", "10.0.0.1 is listed", "v5.1.1 text"] {
        let relay = Relay::start(usual().answer("RCPT", &[&format!("550 {text}")])).await;
        let error = relay.send(json!({}), &message()).await.unwrap_err();
        assert_eq!(error.provider().unwrap().code, None, "{text}");
    }
}

#[tokio::test]
async fn the_words_of_an_address_mean_nothing() {
    // In quotes, an address may say anything.
    let recipient = "\"credits exceeded, too many\"@example.com";
    let relay = Relay::start(usual().answer("RCPT", &[&format!("450 4.2.1 <{recipient}>: not now")])).await;
    let error = relay.send(json!({}), &to(recipient)).await.unwrap_err();
    assert_eq!(outcome(&error), (Unavailable, Delivery::NotSent), "{error}");
}
