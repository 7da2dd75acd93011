//! The message of a test.

use connector_kit::{Mailbox, Message, Payload, UsageType};
use connector_registry::{Error, LanguageTag};

use crate::{failure::Failure, usage_type};

/// The code that a test shows. Nobody can verify it.
const CODE: &str = "000000";

/// What a test is like.
#[derive(Debug, clap::Args)]
pub struct SampleArgs {
    /// What the test is for: SignIn, Register, ForgotPassword, … Generic unless given.
    #[arg(long, value_name = "T", value_parser = usage_type::parse)]
    usage_type: Option<UsageType>,
    /// The recipient's language, which chooses among the tenant's own templates: en, pt-BR, pt_BR.UTF-8, …
    #[arg(long, value_name = "L")]
    locale: Option<String>,
}

impl SampleArgs {
    /// Whether anything was said of it.
    pub fn is_given(&self) -> bool {
        self.usage_type.is_some() || self.locale.is_some()
    }

    /// The message to `address`.
    ///
    /// # Errors
    /// When that is not an address, or `--locale` not a language tag.
    pub fn message(&self, address: &str) -> Result<Message, Failure> {
        let usage_type = self.usage_type.clone().unwrap_or(UsageType::Generic);
        usage_type::warn_of_unknown(&usage_type);
        message(address, usage_type, CODE, self.locale.as_deref())
    }
}

/// The mailbox that `address` names.
///
/// # Errors
/// When that is no address.
pub fn mailbox(address: &str) -> Result<Mailbox, Failure> {
    Mailbox::parse(address).map_err(|fault| Failure::invalid_recipient(&fault))
}

/// The language that a `--locale` names; `C` and `POSIX` name none.
///
/// # Errors
/// When it is not a language tag.
pub fn language(locale: Option<&str>) -> Result<Option<LanguageTag>, Failure> {
    let language = locale.map(LanguageTag::of_locale).transpose().map_err(Error::from)?;
    Ok(language.flatten())
}

/// The message that brings `code` to `address`.
///
/// # Errors
/// When that is not an address, or `locale` not a language tag.
pub fn message(address: &str, usage_type: UsageType, code: &str, locale: Option<&str>) -> Result<Message, Failure> {
    mailbox(address)?;
    let language = language(locale)?;
    let locale = language.as_ref().map(LanguageTag::as_str);
    let members = [("code", Some(code)), ("locale", locale)];
    let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
    Ok(Message::new(address, usage_type, Payload::from_iter(members)))
}
