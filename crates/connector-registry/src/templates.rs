//! A tenant's own templates, and which of them a message gets.

use std::collections::HashMap;

use connector_kit::{EmailTemplate, Message, UsageType};
use oxilangtag::LanguageTag;
use serde::{Deserialize, Serialize};

use crate::TenantSettings;

/// A template for one usage type in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocalizedTemplate {
    /// The language tag (BCP 47), in its usual case: `pt-BR`.
    pub language: String,
    /// What it is for.
    pub usage_type: UsageType,
    /// The template.
    #[serde(flatten)]
    pub template: EmailTemplate,
}

/// A text that is no language tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is no language tag: use one like en, pt-BR or zh-Hans (BCP 47)", given = given.escape_debug())]
pub struct InvalidLanguage {
    /// What was given.
    pub given: String,
}

/// A language tag in its usual case (RFC 5646, 2.1.1), so that `PT-br` finds what was stored as `pt-BR`.
///
/// # Errors
/// When `tag` is not well-formed.
pub fn language_tag(tag: &str) -> Result<String, InvalidLanguage> {
    LanguageTag::parse_and_normalize(tag.trim())
        .map(LanguageTag::into_inner)
        .map_err(|_| InvalidLanguage { given: tag.to_owned() })
}

/// A tenant's templates, ready to be chosen from.
#[derive(Debug, Default)]
pub(crate) struct Templates {
    by_language: HashMap<String, HashMap<UsageType, EmailTemplate>>,
    fallback: Option<String>,
}

impl Templates {
    pub(crate) fn of(settings: &TenantSettings) -> Self {
        let mut by_language: HashMap<String, HashMap<UsageType, EmailTemplate>> = HashMap::new();
        for LocalizedTemplate { language, usage_type, template } in &settings.templates {
            by_language.entry(language.clone()).or_default().insert(usage_type.clone(), template.clone());
        }
        Self { by_language, fallback: settings.fallback_language.clone() }
    }

    /// The template for `message`: for its usage type in its own language (`locale` in the payload, as in Logto), in that
    /// language's parents (`pt` for `pt-BR`), in the fallback language and its parents; then the same for Generic. None
    /// leaves it to the connector's own.
    pub(crate) fn choose(&self, message: &Message) -> Option<&EmailTemplate> {
        if self.by_language.is_empty() {
            return None;
        }
        let locale = message.payload.get("locale").and_then(|locale| locale.as_str());
        let locale = locale.and_then(|locale| language_tag(locale).ok());
        let languages: Vec<&str> =
            [locale.as_deref(), self.fallback.as_deref()].into_iter().flatten().flat_map(lookup_range).collect();
        let find = |usage_type: &UsageType| {
            languages.iter().find_map(|language| self.by_language.get(*language)?.get(usage_type))
        };
        find(&message.usage_type).or_else(|| find(&UsageType::Generic))
    }
}

/// A language and its parents, the nearest first (RFC 4647, 3.4): a subtag of one character goes with the one before it.
fn lookup_range(tag: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(tag), |tag| {
        let (parent, _) = tag.rsplit_once('-')?;
        match parent.rsplit_once('-') {
            Some((shorter, single)) if single.len() == 1 => Some(shorter),
            _ => Some(parent),
        }
    })
}
