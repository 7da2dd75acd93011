//! What becomes of a code whose delivery failed.

use connector_kit::{Delivery, Error, ErrorKind};

/// What becomes of a code whose delivery failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settlement {
    /// It may have arrived: the code stays good, and the send counts.
    Keep,
    /// It was refused for good or for its address: the code ends, and the send counts. Else anyone with an address that is
    /// refused could have any number of codes.
    Revoke,
    /// It was certainly not sent, for a reason that has nothing to do with its address: the code ends, and the send does not
    /// count. Else a provider that is down would lock people out.
    Withdraw,
}

impl Settlement {
    /// What becomes of a code whose delivery failed with `error`. What was refused for good counts as refused for its address:
    /// few providers say why.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        if error.delivery() == Delivery::Unknown {
            Self::Keep
        } else if error.kind() == ErrorKind::Rejected || error.is_of_recipient() {
            Self::Revoke
        } else {
            Self::Withdraw
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_arrived_is_kept() {
        for kind in ErrorKind::ALL {
            let error = Error::new(kind, "no").delivery_is(Delivery::Unknown);
            assert_eq!(Settlement::of(&error), Settlement::Keep, "{kind:?}");
            assert_eq!(Settlement::of(&error.of_recipient()), Settlement::Keep, "{kind:?}");
        }
    }

    #[test]
    fn what_was_refused_for_good_or_for_its_address_counts() {
        assert_eq!(Settlement::of(&Error::new(ErrorKind::Rejected, "no").not_sent()), Settlement::Revoke);
        assert_eq!(Settlement::of(&Error::invalid_message("/to", "it is no address")), Settlement::Revoke);
        for kind in ErrorKind::ALL {
            let error = Error::new(kind, "no").not_sent().of_recipient();
            assert_eq!(Settlement::of(&error), Settlement::Revoke, "{kind:?}");
        }
    }

    #[test]
    fn a_provider_that_is_down_locks_nobody_out() {
        for kind in ErrorKind::ALL.into_iter().filter(|kind| *kind != ErrorKind::Rejected) {
            assert_eq!(Settlement::of(&Error::new(kind, "no").not_sent()), Settlement::Withdraw, "{kind:?}");
        }
        assert_eq!(Settlement::of(&Error::invalid_message("/payload", "no")), Settlement::Withdraw);
    }
}
