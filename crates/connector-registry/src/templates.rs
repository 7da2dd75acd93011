//! A tenant's own templates, and which of them a message gets.

use std::collections::HashMap;

use connector_kit::{EmailTemplate, Message, UsageType};
use serde::{Deserialize, Serialize};

use crate::{InvalidLanguage, LanguageTag, TenantSettings, template_set::StoredTemplate};

/// A template for one usage type in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocalizedTemplate {
    /// The language tag, as [`LanguageTag`] reads it; in its canonical form where it was stored.
    pub language: String,
    /// What it is for.
    pub usage_type: UsageType,
    /// The template.
    #[serde(flatten)]
    pub template: EmailTemplate,
}

impl TenantSettings {
    /// The template that is stored for this language, in any spelling of it, and this usage type.
    ///
    /// # Errors
    /// When `language` is neither a language tag nor what a template is stored under.
    pub fn template(
        &self,
        language: &str,
        usage_type: &UsageType,
    ) -> Result<Option<&LocalizedTemplate>, InvalidLanguage> {
        let mut stored = self.templates.iter().filter(|known| known.usage_type == *usage_type);
        let tag = LanguageTag::parse(language);
        let canonical = tag.as_ref().map_or(language, LanguageTag::as_str);
        // An earlier version stored more than this one takes, and not all of it in today's form.
        let exactly = |spelling: &str| stored.clone().find(|known| known.language == spelling);
        if let Some(found) = exactly(canonical).or_else(|| exactly(language)) {
            return Ok(Some(found));
        }
        let tag = tag?;
        Ok(stored.find(|known| LanguageTag::parse(&known.language).is_ok_and(|known| known == tag)))
    }
}

/// A tenant's templates, ready to be chosen from.
#[derive(Debug, Default)]
pub(crate) struct Templates {
    by_usage: HashMap<UsageType, ByLanguage<StoredTemplate>>,
    fallback: Option<LanguageTag>,
}

impl Templates {
    pub(crate) fn of(settings: &TenantSettings) -> Self {
        let mut by_usage: HashMap<UsageType, ByLanguage<StoredTemplate>> = HashMap::new();
        for LocalizedTemplate { language, usage_type, template } in &settings.templates {
            match LanguageTag::parse(language) {
                Ok(tag) => by_usage.entry(usage_type.clone()).or_default().put(
                    tag,
                    language,
                    StoredTemplate::new(template.clone()),
                ),
                Err(cause) => tracing::warn!("a template for {usage_type} is never used: {cause}"),
            }
        }
        let fallback = settings.fallback_language.as_deref().and_then(|language| LanguageTag::parse(language).ok());
        Self { by_usage, fallback }
    }

    /// The template for `message`: for its usage type in the nearest of the languages that its payload asks for, in one that
    /// their readers can do with, or in the fallback language; then the same for Generic. None leaves it to the connector's own.
    pub(crate) fn choose(&self, message: &Message) -> Option<&StoredTemplate> {
        let requested = LanguageTag::requested_by(&message.payload);
        let find = |usage_type: &UsageType| {
            let templates = self.by_usage.get(usage_type)?;
            let own = requested.iter().find_map(|language| templates.nearest(language));
            own.or_else(|| {
                let relatives = requested.iter().flat_map(LanguageTag::relatives);
                relatives.filter_map(|language| templates.nearest_readable(&language)).next()
            })
            .or_else(|| self.fallback.as_ref().and_then(|language| templates.nearest(language)))
        };
        find(&message.usage_type).or_else(|| {
            let generic = find(&UsageType::Generic)?;
            message.usage_type.warn_of_generic();
            Some(generic)
        })
    }
}

/// What there is in several languages.
#[derive(Debug)]
struct ByLanguage<T> {
    all: Vec<(LanguageTag, T)>,
    /// Where each stands, by its tag.
    by_tag: HashMap<String, usize>,
    /// Where they stand, by the primary languages of themselves and their parents.
    by_primary: HashMap<String, Vec<usize>>,
}

impl<T> Default for ByLanguage<T> {
    fn default() -> Self {
        Self { all: Vec::new(), by_tag: HashMap::new(), by_primary: HashMap::new() }
    }
}

impl<T> ByLanguage<T> {
    /// Adds what is stored as `spelling`. Of two spellings of a tag, the canonical one counts.
    fn put(&mut self, tag: LanguageTag, spelling: &str, item: T) {
        if let Some(&index) = self.by_tag.get(tag.as_str()) {
            if let Some(entry) = self.all.get_mut(index).filter(|_| spelling == tag.as_str()) {
                *entry = (tag, item);
            }
            return;
        }
        let index = self.all.len();
        for primary in tag.primaries() {
            self.by_primary.entry(primary.to_owned()).or_default().push(index);
        }
        self.by_tag.insert(tag.as_str().to_owned(), index);
        self.all.push((tag, item));
    }

    /// What is nearest to `language`, among what has anything in common with it. Of two that are equally near, the first in
    /// alphabetical order.
    fn nearest(&self, language: &LanguageTag) -> Option<&T> {
        if let Some((_, item)) = self.by_tag.get(language.as_str()).and_then(|&index| self.all.get(index)) {
            return Some(item);
        }
        self.nearest_of(language, |_| true)
    }

    /// The same among what readers of a close language can read: those of Croatian read Serbian in Latin letters.
    fn nearest_readable(&self, language: &LanguageTag) -> Option<&T> {
        self.nearest_of(language, |tag| !(language.is_latin() && tag.is_cyrillic()))
    }

    fn nearest_of(&self, language: &LanguageTag, is_wanted: impl Fn(&LanguageTag) -> bool) -> Option<&T> {
        let indices = language.primaries().filter_map(|primary| self.by_primary.get(primary)).flatten();
        let related = indices.filter_map(|&index| self.all.get(index));
        let related = related.filter(|(tag, _)| is_wanted(tag));
        let near = related.filter_map(|(tag, item)| Some(((language.distance(tag)?, tag.as_str()), item)));
        near.min_by_key(|(distance, _)| *distance).map(|(_, item)| item)
    }
}
