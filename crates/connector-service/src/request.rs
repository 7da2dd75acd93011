//! What is asked for.

use std::{fmt, net::IpAddr};

use connector_kit::{Mailbox, MailboxFault, Message, Payload, UsageType};

/// A code that is asked for or typed: what it is for, and by whom.
#[derive(Clone)]
#[non_exhaustive]
pub struct CodeRequest {
    /// The tenant.
    pub tenant: String,
    /// What the code is for.
    pub usage_type: UsageType,
    /// Whom it is sent to: an address, with or without a name.
    pub to: String,
    /// The recipient's language, which chooses among the tenant's own templates.
    pub locale: Option<String>,
    /// The address of the client that asks or types.
    pub ip: Option<IpAddr>,
}

impl CodeRequest {
    /// For a code of this tenant, for this use, to this address.
    pub fn new(tenant: impl Into<String>, usage_type: UsageType, to: impl Into<String>) -> Self {
        Self { tenant: tenant.into(), usage_type, to: to.into(), locale: None, ip: None }
    }

    /// In the recipient's language.
    #[must_use]
    pub fn with_locale(self, locale: impl Into<String>) -> Self {
        Self { locale: Some(locale.into()), ..self }
    }

    /// From a client at this address.
    #[must_use]
    pub fn with_ip(self, ip: IpAddr) -> Self {
        Self { ip: Some(ip), ..self }
    }

    /// The mailbox, written in the one way that every spelling comes to: another one would have limits of its own.
    pub(crate) fn recipient(&self) -> Result<String, MailboxFault> {
        Ok(Mailbox::parse(&self.to)?.address().to_owned())
    }

    /// The message that brings `code`.
    pub(crate) fn message(&self, code: &str) -> Message {
        let members = [("code", Some(code)), ("locale", self.locale.as_deref())];
        let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
        let mut message = Message::new(&self.to, self.usage_type.clone(), Payload::from_iter(members));
        message.ip = self.ip.map(|ip| ip.to_string());
        message
    }
}

/// Shows neither the recipient nor the client.
impl fmt::Debug for CodeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodeRequest")
            .field("tenant", &self.tenant)
            .field("usage_type", &self.usage_type)
            .field("locale", &self.locale)
            .finish_non_exhaustive()
    }
}
