//! What a code is for, and by which hashes a store knows it.

use std::{fmt, net::IpAddr};

use crate::{
    CodeId, Digest, HashKeys, LimitKind, Subject,
    keys::{HashKey, Label},
    network::Networks,
};

/// What a code is for. It counts for this and for nothing else.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Scope<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// What the person wants to do, in the host's own words: `SignIn`, say. Exact, case and all.
    pub usage_type: &'a str,
    /// Whom the code is sent to: a bare email address with its domain in ASCII, or whatever the host delivers to.
    /// Surrounding white space and the case of ASCII letters make no difference; every other spelling is a recipient of
    /// its own.
    pub recipient: &'a str,
}

/// Shows everything but the recipient.
impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("tenant", &self.tenant)
            .field("usage_type", &self.usage_type)
            .finish_non_exhaustive()
    }
}

impl Scope<'_> {
    /// The name under which its code is stored.
    pub(crate) fn code(&self, keys: &HashKeys) -> Subject {
        let recipient = normalised(self.recipient);
        let fields = [self.tenant, self.usage_type, &recipient].map(str::as_bytes);
        keys.subject(Label::CodeSubject, &fields)
    }

    /// The name under which sends are counted; none where there is nothing to count by.
    pub(crate) fn sends(&self, keys: &HashKeys, kind: LimitKind, ip: Option<IpAddr>) -> Option<Subject> {
        let tenant = self.tenant.as_bytes();
        Some(match kind {
            LimitKind::Recipient => {
                keys.subject(Label::SendsPerRecipient, &[tenant, normalised(self.recipient).as_bytes()])
            }
            LimitKind::Ip => keys.subject(Label::SendsPerIp, &[tenant, &Networks::of(ip?).client]),
            LimitKind::Network => keys.subject(Label::SendsPerNetwork, &[tenant, &Networks::of(ip?).site]),
            LimitKind::Tenant => keys.subject(Label::SendsPerTenant, &[tenant]),
            LimitKind::Share => keys.subject(Label::ShareOfTenant, &[tenant, &Networks::of(ip?).site]),
            LimitKind::HoldersShare => keys.subject(Label::HoldersShareOfTenant, &[tenant, &Networks::of(ip?).holder]),
            LimitKind::Guesses => return None,
        })
    }

    /// The name under which guesses are counted.
    pub(crate) fn guesses(&self, keys: &HashKeys) -> Subject {
        let recipient = normalised(self.recipient);
        keys.subject(Label::GuessesPerRecipient, &[self.tenant.as_bytes(), recipient.as_bytes()])
    }

    /// The name of the client that asks for or tries a code.
    pub(crate) fn client(&self, keys: &HashKeys, ip: IpAddr) -> Subject {
        keys.subject(Label::Client, &[self.tenant.as_bytes(), &Networks::of(ip).client])
    }

    /// The hash of a code, bound to the scope and to the code's id.
    pub(crate) fn hash(&self, key: &HashKey, label: Label, id: CodeId, code: &str) -> Digest {
        key.hash(label, &self.hashed(&normalised(self.recipient), &id, code))
    }

    /// Whether this is the hash of this code; the time it takes tells nothing.
    pub(crate) fn is_hash(&self, key: &HashKey, id: CodeId, code: &str, hash: &Digest) -> bool {
        key.verify(Label::Code, &self.hashed(&normalised(self.recipient), &id, code), hash)
    }

    fn hashed<'b>(&'b self, recipient: &'b str, id: &'b CodeId, code: &'b str) -> [&'b [u8]; 5] {
        [self.tenant.as_bytes(), self.usage_type.as_bytes(), recipient.as_bytes(), id.as_bytes(), code.as_bytes()]
    }
}

/// Mail servers tell apart neither `User@example.com` from `user@EXAMPLE.com`, nor do people.
///
/// Only ASCII letters are folded. Beyond ASCII, different mailboxes would become the same one (`\u{212a}`, the Kelvin
/// sign, is a `k` in lower case), and a code sent to one of them would be good for the other.
fn normalised(recipient: &str) -> String {
    recipient.trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    #[test]
    fn a_recipient_is_the_same_however_it_is_written() {
        assert_eq!(normalised(" User@Example.COM\n"), "user@example.com");
        assert_ne!(normalised("mi\u{212a}e@example.com"), normalised("mike@example.com"));
    }
}
