//! The log capture.

use connector_testkit::LogCapture;

#[test]
fn everything_on_this_thread_is_collected() {
    let logs = LogCapture::start();
    let span = tracing::trace_span!("sending", host = "smtp.example.com");
    span.in_scope(|| tracing::debug!(attempt = 2, "retrying"));
    log::trace!(target: "somebody", "old-fashioned {}", 7);
    let text = logs.text();
    assert!(text.contains("sending{host=\"smtp.example.com\"}"), "{text}");
    assert!(text.contains("retrying attempt=2"), "{text}");
    assert!(text.contains("old-fashioned 7"), "{text}");
    logs.assert_free_of(&["s3cret", ""]);
}

#[test]
#[should_panic(expected = "secret number 1 was logged")]
fn a_logged_secret_is_found() {
    let logs = LogCapture::start();
    tracing::trace!(code = "123456");
    logs.assert_free_of(&["s3cret", "123456"]);
}

#[test]
#[should_panic(expected = "secret number 0 was logged in base64")]
fn a_secret_in_base64_is_found() {
    let logs = LogCapture::start();
    tracing::trace!("AUTH c210cC1wYXNzd29yZA");
    logs.assert_free_of(&["smtp-password"]);
}

#[test]
fn it_ends_with_the_capture() {
    let first = LogCapture::start();
    tracing::info!("one");
    let text = first.text();
    drop(first);
    let second = LogCapture::start();
    tracing::info!("two");
    assert!(text.contains("one") && !second.text().contains("one"));
}
