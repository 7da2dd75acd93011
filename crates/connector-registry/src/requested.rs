//! Which languages a message's recipient reads, as its payload says it.

use connector_kit::Payload;
use serde_json::Value;

use crate::LanguageTag;

/// Longest list of languages that is read, in octets, and how many of them.
const LIST_MAX: usize = 512;
const LANGUAGES_MAX: usize = 16;

impl LanguageTag {
    /// The languages that a payload asks for, the most wanted first: `locale`, then `uiLocales`, as Logto fills them in.
    ///
    /// `locale` may also be the value of an Accept-Language header (`de-CH, fr;q=0.7`); `uiLocales` is a list with spaces
    /// (OpenID Connect's `ui_locales`). Of what is not a tag as a whole, the language counts with which it begins, as `zh` of
    /// `zh-XYZ`. A member that names no language at all is warned of, without its value.
    #[must_use]
    pub fn requested_by(payload: &Payload) -> Vec<Self> {
        let mut requested = Vec::new();
        for (member, separators) in [("locale", &[','][..]), ("uiLocales", &[',', ' ', '\t'][..])] {
            let readable = match payload.get(member) {
                None | Some(Value::Null) => true,
                Some(Value::String(list)) if list.len() <= LIST_MAX => read(list, separators, &mut requested),
                Some(_) => false,
            };
            if !readable {
                tracing::warn!(
                    "/payload/{member}: not a language tag such as en, pt-BR or zh-Hans, so it chooses no template"
                );
            }
        }
        requested
    }
}

/// Adds the languages of a list, those of higher weight first, and tells whether it could be read.
fn read(list: &str, separators: &[char], requested: &mut Vec<LanguageTag>) -> bool {
    let (mut weighted, mut readable) = (Vec::new(), list.trim().is_empty());
    for entry in list.split(separators).map(str::trim).filter(|entry| !entry.is_empty()).take(LANGUAGES_MAX) {
        let (tag, parameters) = entry.split_once(';').unwrap_or((entry, ""));
        let weight = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("q="));
        let weight = weight.and_then(|weight| weight.trim().parse::<f32>().ok()).unwrap_or(1.0);
        match LanguageTag::of_locale(tag) {
            Ok(language) => {
                readable = true;
                weighted.extend(language.filter(|_| weight > 0.0).map(|language| (weight, language)));
            }
            // Any language.
            Err(_) if tag.trim() == "*" => readable = true,
            Err(_) => {
                let beginning = LanguageTag::beginning_of_locale(tag);
                readable |= beginning.is_some();
                weighted.extend(beginning.filter(|_| weight > 0.0).map(|language| (weight, language)));
            }
        }
    }
    weighted.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    requested.extend(weighted.into_iter().map(|(_, language)| language));
    readable
}
