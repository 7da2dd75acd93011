//! What becomes of a code whose delivery failed.

use connector_kit::{Delivery, Error, ErrorKind};

/// What becomes of a code whose delivery failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settlement {
    /// It may have arrived: the code stays good, and the send counts.
    Keep,
    /// It was refused for good or for its address: the code ends, and the send counts. Else whoever has an address that is
    /// refused could have any number of codes.
    Revoke,
    /// It was certainly not sent, for a reason that has nothing to do with its address: the code ends, and the send does not
    /// count. Else a provider that is down would lock people out.
    Withdraw,
}

impl Settlement {
    /// What becomes of a code whose delivery failed with `error`. In doubt whether it was refused for its address, it counts.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        if error.delivery() == Delivery::Unknown {
            Self::Keep
        } else if error.kind() == ErrorKind::Rejected || is_for_its_address(error) {
            Self::Revoke
        } else {
            Self::Withdraw
        }
    }
}

fn is_for_its_address(error: &Error) -> bool {
    let code = error.provider().and_then(|provider| provider.code.as_deref());
    error.problems().iter().any(|problem| problem.pointer == "/to") || code.is_some_and(is_status_of_recipient)
}

/// Whether an enhanced status code is of the recipient's address or mailbox (RFC 3463, 3.2 and 3.3; RFC 7505, 4.1), rather
/// than of the sender's.
fn is_status_of_recipient(code: &str) -> bool {
    let mut parts = code.split('.');
    let status = [parts.next(), parts.next(), parts.next(), parts.next()];
    match status {
        [Some("4" | "5"), Some("1"), Some(detail), None] => matches!(detail, "0" | "1" | "2" | "3" | "4" | "6" | "10"),
        // 4.2.0 says nothing of the mailbox (RFC 3463, 3.3): greylisting is commonly reported so.
        [Some("4"), Some("2"), Some(detail), None] => matches!(detail, "1" | "2" | "3" | "4"),
        [Some("5"), Some("2"), Some(detail), None] => detail.bytes().all(|byte| byte.is_ascii_digit()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use connector_kit::ProviderAnswer;

    use super::*;

    fn of(kind: ErrorKind, code: Option<&str>) -> Settlement {
        let provider = ProviderAnswer { code: code.map(str::to_owned), ..ProviderAnswer::default() };
        Settlement::of(&Error::new(kind, "no").not_sent().with_provider(provider))
    }

    #[test]
    fn greylisting_is_no_refusal_of_the_address() {
        assert_eq!(of(ErrorKind::Unavailable, Some("4.2.0")), Settlement::Withdraw);
        assert_eq!(of(ErrorKind::Unavailable, Some("4.2.2")), Settlement::Revoke);
    }

    #[test]
    fn what_may_have_arrived_is_kept() {
        for kind in ErrorKind::ALL {
            let error = Error::new(kind, "no").delivery_is(Delivery::Unknown);
            assert_eq!(Settlement::of(&error), Settlement::Keep, "{kind:?}");
        }
    }

    #[test]
    fn what_was_refused_for_good_counts() {
        for code in [None, Some("5.7.1"), Some("406"), Some("MessageRejected")] {
            assert_eq!(of(ErrorKind::Rejected, code), Settlement::Revoke, "{code:?}");
        }
        let error = Error::invalid_message("/to", "it is no address");
        assert_eq!(Settlement::of(&error), Settlement::Revoke);
    }

    #[test]
    fn a_temporary_refusal_of_the_mailbox_counts() {
        for code in ["4.2.2", "4.2.1", "4.1.1", "4.1.2", "4.1.10", "5.2.2"] {
            for kind in [ErrorKind::Unavailable, ErrorKind::RateLimited, ErrorKind::QuotaExceeded] {
                assert_eq!(of(kind, Some(code)), Settlement::Revoke, "{code} {kind:?}");
            }
        }
    }

    #[test]
    fn a_provider_that_is_down_locks_nobody_out() {
        for kind in ErrorKind::ALL.into_iter().filter(|kind| *kind != ErrorKind::Rejected) {
            for code in [None, Some("4.7.1"), Some("4.3.2"), Some("4.1.8"), Some("4.1.7"), Some("4.2.2 "), Some("4.2")]
            {
                assert_eq!(of(kind, code), Settlement::Withdraw, "{code:?} {kind:?}");
            }
        }
        assert_eq!(Settlement::of(&Error::invalid_message("/payload", "no")), Settlement::Withdraw);
    }
}
