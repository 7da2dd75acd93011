//! Faults, from the refused connection to the endless answer: what comes of each is the same for every connector, or an
//! exception with a reason.
//!
//! What is expected is data: `faults.json` at the root of this crate for all, `tests/faults.json` of a connector for its
//! exceptions. `cargo xtask docs` makes a page of both. Each fault is a test of its own, and strikes a connector as users
//! have it, with deadline and retry around it.

mod http;
mod network;
mod peak;
mod scene;
mod smtp;
mod table;

use std::time::{Duration, Instant};

use connector_kit::{EmailConnector, SendContext, layered};

use self::{peak::Peak, scene::Scene};
use super::{
    Subject,
    redaction::{assert_clean, shown},
    sample::{TRACES, message},
};
use crate::LogCapture;

pub use table::names;

/// Makes a test of every fault that the protocol can have, for the subject that the function `$subject` makes.
#[doc(hidden)]
#[macro_export]
macro_rules! fault_tests {
    ($subject:ident, http) => {
        $crate::fault_tests! { and those of both, $subject:
            headers_stalled,
            headers_cut,
            body_stalled,
            body_cut,
            body_of_1_gib,
            invalid_json,
            html,
            json_as_html,
            json_as_text,
            byte_order_mark,
            gzip,
            redirect,
            redirect_after_the_work,
            status_429_with_seconds,
            status_429_with_a_date,
            status_500,
            status_502,
            status_503,
            status_503_of_a_gateway,
            status_503_of_a_gateway_that_reached_nobody,
            status_503_with_seconds,
            status_503_body_stalled,
            status_504,
            http_1_0_acceptance,
            http_1_0_refusal,
            status_100_first,
            status_103_first,
        }
    };
    ($subject:ident, smtp) => {
        $crate::fault_tests! { and those of both, $subject:
            greeting_stalled,
            reply_stalled,
            reset_in_the_envelope,
            reset_in_the_message,
            closed_at_the_greeting,
            closed_in_the_envelope,
            closed_after_the_message,
            reply_cut,
            last_reply_cut,
            greeting_of_1_gib,
            line_of_1_gib,
            last_line_of_1_gib,
            reply_of_1_gib,
            last_reply_of_1_gib,
            greeting_is_no_smtp,
            reply_is_no_smtp,
            last_reply_is_no_smtp,
            reply_421_to_greeting,
            reply_421_to_rcpt,
            reply_421_to_message,
            reply_4xx_to_ehlo,
            reply_4xx_to_starttls,
            reply_4xx_to_auth,
            reply_4xx_to_mail,
            reply_4xx_to_rcpt,
            reply_4xx_to_data,
            reply_4xx_to_message,
            reply_5xx_to_greeting,
            reply_5xx_to_ehlo,
            reply_5xx_to_starttls,
            reply_5xx_to_auth,
            reply_5xx_to_mail,
            reply_5xx_to_rcpt,
            reply_5xx_to_data,
            reply_5xx_to_message,
        }
    };
    (and those of both, $subject:ident: $($own:ident,)+) => {
        $crate::fault_tests! { $subject:
            connection_refused,
            unknown_host,
            connect_stalled,
            certificate_untrusted,
            certificate_expired,
            certificate_for_another_host,
            tls_stalled,
            reset_before_the_message,
            reset_between_messages,
            reset_after_the_message,
            no_answer,
            $($own,)+
        }
    };
    ($subject:ident: $($fault:ident,)+) => {
        mod faults {
            $(#[tokio::test]
            async fn $fault() {
                $crate::conformance::faults::strike(&super::$subject(), stringify!($fault)).await;
            })+
        }
    };
}

/// How much later than its deadline a send may end on a busy machine: longer is hanging.
const SLACK: Duration = Duration::from_secs(5);
/// By how much a date, which has whole seconds, may be nearer than the seconds it stands for.
const NEARER: u64 = 5;

/// Lets a fault strike, and looks at what comes of it.
///
/// # Panics
///
/// When it is not what is expected.
pub async fn strike(subject: &Subject, name: &str) {
    strike_through(subject, name, |connector| connector).await;
}

/// Lets a fault strike a connector that `wrap` has put something around.
pub(super) async fn strike_through(
    subject: &Subject,
    name: &str,
    wrap: impl FnOnce(Box<dyn EmailConnector>) -> Box<dyn EmailConnector>,
) {
    let (what, expected) = table::expected(subject, name);
    let log = LogCapture::start();
    let scene = Scene::of(subject, name).await;
    let before = scene.peer.arrived().len();
    let peak = scene.floods.then(Peak::watch);
    let started = Instant::now();
    let outcome = layered(wrap(scene.connector), scene.policy).send(&message("SignIn"), &SendContext::new()).await;
    let took = started.elapsed();
    if let Some(peak) = peak {
        peak.assert_flat();
    }
    assert!(took < scene.policy.max_time + SLACK, "it took {took:?} with {:?}", scene.policy);

    let (found, attempts, retry_after) = match &outcome {
        Ok(receipt) => (None, receipt.attempts, None),
        Err(error) => {
            assert_clean(subject, &shown(error), name);
            let named = |name: &&str| error.to_string().contains(name);
            assert!(scene.names.is_empty() || scene.names.iter().any(named), "{:?} is not named: {error}", scene.names);
            (Some((error.kind().name(), error.delivery())), error.attempts(), error.retry_after())
        }
    };
    assert_eq!(found, expected.kind.as_deref().zip(expected.outcome.delivery()), "{what} {outcome:?}");
    assert_eq!(attempts, expected.attempts, "attempts. {what} {outcome:?}");
    match expected.retry_after_seconds {
        None => assert_eq!(retry_after, None, "{what} {outcome:?}"),
        Some(seconds) => {
            let told = retry_after.map(|wait| wait.as_secs());
            assert!(told.is_some_and(|told| (seconds - NEARER..=seconds).contains(&told)), "{what} {outcome:?}");
        }
    }
    // What may have been accepted is never said twice.
    let arrived = scene.peer.arrived().len() - before;
    let most = if scene.arrives { expected.attempts as usize } else { 0 };
    assert_eq!(arrived, most, "messages with the provider. {what} {outcome:?}");
    assert_eq!(scene.bystander.as_ref().map_or(0, crate::HttpRecorder::connections), 0, "somebody else was asked");

    assert_clean(subject, &log.text(), &format!("the log of {name}"));
    log.assert_free_of(&subject.secret_values());
    log.assert_free_of(&TRACES);
}
