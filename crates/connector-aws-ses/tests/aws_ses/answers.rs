//! What becomes of an answer beyond the rows of `answers.json`.

use connector_kit::{Delivery, ErrorKind, SendContext};
use connector_testkit::{Answer, Fault};
use serde_json::json;

use crate::provider::{Aws, accepted, message};

/// What SES quotes of a wrong signature is the whole request, a session token among its headers.
#[tokio::test]
async fn a_quoted_request_does_not_show() {
    let aws = Aws::usual().await;
    let says = "The request signature we calculated does not match the signature you provided.\n\nThe Canonical String \
                for this request should have been\n'POST\n/v2/email/outbound-emails\n\n\
                x-amz-security-token:a-session-token'";
    let answer = Answer::status(403).header("x-amzn-errortype", "InvalidSignatureException");
    aws.recorder.set_answers(vec![answer.json(json!({ "message": says }))]);
    let error = aws.connector.send(&message(), &SendContext::new()).await.unwrap_err();
    assert!(error.to_string().contains("does not match the signature you provided"), "{error}");
    assert!(!format!("{error:?}").contains("session-token"), "{error:?}");
}

#[tokio::test]
async fn a_cut_success_is_unknown_and_never_repeated() {
    for fault in [Fault::CutBody, Fault::ResetBody] {
        let aws = Aws::usual().await;
        aws.recorder.set_answers(vec![accepted().with_fault(fault)]);
        let error = aws.connector.send(&message(), &SendContext::new()).await.unwrap_err();
        assert_eq!((error.kind(), error.delivery()), (ErrorKind::InvalidResponse, Delivery::Unknown), "{fault:?}");
        assert_eq!(aws.recorder.request_count(), 1, "{fault:?}");
    }
}
