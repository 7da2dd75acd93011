//! What an answer means beyond the rows of `answers.json`.

use connector_kit::{ErrorKind, Message, SendContext};

use crate::provider::{DirectMail, message, refusal};

/// Words of the recipient's do not say what went wrong.
#[tokio::test]
async fn a_recipient_called_quota_is_no_quota() {
    let direct_mail = DirectMail::usual().await;
    let says = "The specified toAddress quota@example.com is wrongly formed.";
    direct_mail.recorder.set_answers(vec![refusal(400, "InvalidToAddress", says)]);
    let to_quota = Message { to: "quota@example.com".to_owned(), ..message() };
    let error = direct_mail.connector.send(&to_quota, &SendContext::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(!error.to_string().contains("quota@"), "{error}");
}
