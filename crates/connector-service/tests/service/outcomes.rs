//! What becomes of a code, by what became of its delivery.

use std::sync::{Arc, atomic::Ordering};

use connector_kit::{Delivery, ErrorKind, UsageType};
use connector_service::{CodeRequest, SendCodeError, VerifyCodeError};
use verification_code::{Error, Verdict};

use crate::{Codes, Does, request, service, service_over};

/// How often a code can be asked for before the recipient's limit fires, up to 20 times.
async fn sends(name: &str, does: Does) -> usize {
    let (service, _, script) = service(name).await;
    script.does(does);
    for sent in 0..20 {
        if let Err(SendCodeError::NotIssued(Error::Limited(_))) = service.send(&request()).await {
            return sent;
        }
    }
    20
}

#[tokio::test]
async fn a_code_that_was_sent_is_right_once_and_counts() {
    let (service, _, script) = service("sent").await;
    let sent = service.send(&request()).await.unwrap();
    assert_eq!((sent.connector.as_str(), sent.receipt.message_id.as_deref()), ("scripted", Some("1")));
    let spelt = CodeRequest::new("acme", UsageType::SignIn, "<ADA@example.com>");
    assert_eq!(service.verify(&spelt, &script.code()).await.unwrap(), Verdict::Right);
    assert_eq!(service.verify(&spelt, &script.code()).await.unwrap(), Verdict::Wrong);
    assert_eq!(sends("sent, counted", Does::Sends).await, 5);
}

#[tokio::test]
async fn what_was_refused_for_its_address_counts() {
    for does in [
        Does::Fails(ErrorKind::Rejected, Delivery::NotSent),
        Does::FailsForItsRecipient(ErrorKind::Unavailable),
        Does::FailsForItsRecipient(ErrorKind::RateLimited),
    ] {
        assert_eq!(sends(&format!("refused {does:?}"), does).await, 5, "{does:?}");
    }
}

#[tokio::test]
async fn a_provider_that_is_down_locks_nobody_out() {
    for kind in [ErrorKind::Unavailable, ErrorKind::RateLimited, ErrorKind::Unauthorized, ErrorKind::QuotaExceeded] {
        let does = Does::Fails(kind, Delivery::NotSent);
        assert_eq!(sends(&format!("down {kind:?}"), does).await, 20, "{kind:?}");
    }
}

#[tokio::test]
async fn what_may_have_arrived_counts_and_is_good() {
    let does = Does::Fails(ErrorKind::Unavailable, Delivery::Unknown);
    assert_eq!(sends("unknown", does).await, 5);
    let (service, _, script) = service("unknown, good").await;
    script.does(does);
    let failed = service.send(&request()).await.unwrap_err();
    assert_eq!(failed.delivery(), Delivery::Unknown);
    assert_eq!(service.verify(&request(), &script.code()).await.unwrap(), Verdict::Right);
}

/// The case of the full mailbox, and of the provider that is down: guesses are bounded either way.
#[tokio::test]
async fn guesses_while_mails_fail_are_bounded() {
    for (name, does) in [
        ("guesses, full", Does::Fails(ErrorKind::Rejected, Delivery::NotSent)),
        ("guesses, down", Does::Waits { written: false }),
    ] {
        let (service, _, script) = service(name).await;
        script.does(does);
        let mut compared = 0;
        for _ in 0..40 {
            let sending = tokio::spawn({
                let service = service.clone();
                async move { service.send(&request()).await }
            });
            if matches!(does, Does::Waits { .. }) {
                script.arrival().await;
            }
            for _ in 0..12 {
                compared += u32::from(service.verify(&request(), "wrong").await.unwrap() == Verdict::Wrong);
            }
            script.open.add_permits(1);
            sending.await.unwrap().unwrap_err();
        }
        // Ten more where there was no code yet, or none any more.
        assert!(compared <= 60, "{name}: {compared}");
    }
}

/// A store that is away for a moment must not cost a person a send.
#[tokio::test]
async fn a_code_is_taken_back_even_if_the_store_fails_at_first() {
    let codes = Arc::new(Codes::default());
    let (service, _, script) = service_over("settled at last", Arc::clone(&codes)).await;
    script.does(Does::Fails(ErrorKind::Unavailable, Delivery::NotSent));
    for _ in 0..2 {
        codes.failures.store(2, Ordering::SeqCst);
        service.send(&request()).await.unwrap_err();
        assert_eq!(codes.failures.load(Ordering::SeqCst), 0);
    }
    for _ in 0..10 {
        let failed = service.send(&request()).await.unwrap_err();
        assert!(matches!(failed, SendCodeError::NotDelivered { .. }), "{failed:?}");
    }
}

/// Guesses leave rows behind, too.
#[tokio::test]
async fn what_has_expired_is_deleted_whatever_is_asked() {
    let codes = Arc::new(Codes::default());
    let (service, tasks, _) = service_over("pruned", Arc::clone(&codes)).await;
    for _ in 0..20 {
        let _ = service.verify(&request(), "wrong").await.unwrap();
    }
    tasks.finish().await;
    assert_eq!(codes.prunings.load(Ordering::SeqCst), 1, "once a minute");
}

#[tokio::test]
async fn nothing_is_issued_where_nothing_can_be_sent() {
    let (service, ..) = service("nothing").await;
    let elsewhere = CodeRequest::new("umbrella", UsageType::SignIn, crate::TO);
    assert!(matches!(service.send(&elsewhere).await, Err(SendCodeError::NotReady(_))));
    let nobody = CodeRequest::new("acme", UsageType::SignIn, "nobody");
    assert!(matches!(service.send(&nobody).await, Err(SendCodeError::InvalidRecipient(_))));
    assert!(matches!(service.verify(&nobody, "123456").await, Err(VerifyCodeError::InvalidRecipient(_))));
    assert!(!format!("{nobody:?} {service:?}").contains("nobody"));
}

/// Nine wrong tries by others leave the code to the one who asked for it.
#[tokio::test]
async fn strangers_leave_the_code_alone() {
    let (service, _, script) = service("strangers").await;
    let own = request().with_ip("192.0.2.1".parse().unwrap());
    service.send(&own).await.unwrap();
    for number in 0..30 {
        let stranger = request().with_ip([198, 51, number, 1].into());
        assert!(!service.verify(&stranger, "wrong").await.unwrap().is_right());
    }
    assert_eq!(service.verify(&own, &script.code()).await.unwrap(), Verdict::Right);
}
