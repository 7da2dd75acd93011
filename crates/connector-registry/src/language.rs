//! Language tags: read as systems really write them, in one canonical form, and how near one is to another.

mod relatives;
mod subtags;

use std::{fmt, str::FromStr};

use icu_locale::{
    LanguageIdentifier, Locale, LocaleCanonicalizer, LocaleExpander, LocaleFallbacker,
    subtags::{Script, script},
};
use serde::{Serialize, Serializer};

/// Longest tag that is read, in octets. RFC 5646, 4.4.1, asks for room for 35.
const TAG_MAX: usize = 128;
/// Subtags that are tried of a locale that is not a valid tag: language, script and region.
const LONGEST_BEGINNING: usize = 3;
/// How much of a text that is not a tag is shown, in characters.
const SHOWN: usize = 40;
/// Tags that RFC 5646 (2.2.8) keeps from before its grammar, and two of early .NET, with what they mean today. No others
/// will be added: CLDR knows all that fit the grammar.
const IRREGULAR: [(&str, &str); 18] = [
    ("en-gb-oed", "en-GB-oxendict"),
    ("i-ami", "ami"),
    ("i-bnn", "bnn"),
    ("i-hak", "hak"),
    ("i-klingon", "tlh"),
    ("i-lux", "lb"),
    ("i-navajo", "nv"),
    ("i-pwn", "pwn"),
    ("i-tao", "tao"),
    ("i-tay", "tay"),
    ("i-tsu", "tsu"),
    ("no-bok", "nb"),
    ("no-nyn", "nn"),
    ("sgn-be-fr", "sfb"),
    ("zh-chs", "zh-Hans"),
    ("zh-cht", "zh-Hant"),
    ("zh-min", "zh"),
    ("zh-min-nan", "nan"),
];
/// What POSIX calls the locale of no language.
const NO_LANGUAGE: [&str; 2] = ["c", "posix"];

/// A language tag in its canonical form (BCP 47, by the data of CLDR): `pt-BR`, `zh-Hant`, `he` for `iw`.
///
/// ```
/// use connector_registry::LanguageTag;
///
/// assert_eq!(LanguageTag::parse("pt_BR.UTF-8")?.as_str(), "pt-BR");
/// assert_eq!(LanguageTag::parse("iw")?.as_str(), "he");
/// assert!(LanguageTag::parse("German").is_err());
/// # Ok::<(), connector_registry::InvalidLanguage>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct LanguageTag {
    text: String,
    /// With the script and region that it most likely means: `zh-Hant-TW` for `zh-TW`.
    likely: LanguageIdentifier,
    /// Itself and its parents in CLDR, the nearest first, without a script that goes without saying: `es-MX`, `es-419`, `es`.
    line: Vec<String>,
}

/// A text that is not a language tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a language tag: use one such as en, pt-BR or zh-Hans (BCP 47)", shown(given))]
pub struct InvalidLanguage {
    /// What was given.
    pub given: String,
}

/// The beginning of a text, in printable characters.
fn shown(given: &str) -> String {
    let begins: String = given.chars().take(SHOWN).collect();
    let more = if begins.len() < given.len() { "…" } else { "" };
    format!("{}{more}", begins.escape_debug())
}

impl LanguageTag {
    /// Reads a tag of BCP 47, in any case, with `_` for `-`, as POSIX writes it (`pt_BR.UTF-8`, `sr_RS@latin`), as Java does
    /// (`zh_TW_#Hant`), or as Android does (`pt-rBR`, `b+sr+Latn`). A region may have three letters (`zh-CHN`). Deprecated tags
    /// become those that replace them.
    ///
    /// # Errors
    /// When the text is not a tag, or its language is not one that a tag can name: a name such as `German`, or two letters
    /// that no language has (`jp`).
    pub fn parse(text: &str) -> Result<Self, InvalidLanguage> {
        Self::read(text.trim()).ok_or_else(|| InvalidLanguage { given: text.to_owned() })
    }

    /// Reads the locale of a person or system, which may name no language: `C` and `POSIX` do not.
    ///
    /// # Errors
    /// As [`LanguageTag::parse`].
    pub fn of_locale(text: &str) -> Result<Option<Self>, InvalidLanguage> {
        let name = text.trim().split(['.', '@']).next().unwrap_or_default();
        if NO_LANGUAGE.iter().any(|none| name.eq_ignore_ascii_case(none)) {
            return Ok(None);
        }
        Self::parse(text).map(Some)
    }

    /// The language that the locale of a person or system begins with, where the rest is not understood: `zh` of `zh-XYZ`.
    pub(crate) fn beginning_of_locale(text: &str) -> Option<Self> {
        let name = text.trim().split(['.', '@']).next()?;
        let ends = name.match_indices(['-', '_']).map(|(at, _)| at).chain([name.len()]);
        let ends: Vec<usize> = ends.take(LONGEST_BEGINNING).collect();
        ends.into_iter().rev().find_map(|end| Self::parse(&name[..end]).ok())
    }

    /// What its readers can do with where there is nothing in the language itself, the nearest first: `de-CH` of `gsw`.
    pub(crate) fn relatives(&self) -> impl Iterator<Item = Self> {
        self.primaries().flat_map(relatives::of).filter_map(|language| {
            let relative = LanguageIdentifier { language: language.parse().ok()?, ..self.likely.clone() };
            Self::read(&relative.to_string())
        })
    }

    /// The tag in its canonical form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn read(text: &str) -> Option<Self> {
        if text.len() > TAG_MAX {
            return None;
        }
        let (tag, script) = in_bcp47(text)?;
        let mut locale = Locale::try_from_str(&tag).ok()?;
        locale.id.script = locale.id.script.or(script);
        LocaleCanonicalizer::new_extended().canonicalize(&mut locale);
        let language = locale.id.language;
        let expander = LocaleExpander::new_extended();
        // CLDR knows every language of two letters. Of three there are thousands, private ones among them.
        let mut alone = LanguageIdentifier::from(language);
        expander.maximize(&mut alone);
        if language.is_unknown() || (language.as_str().len() == 2 && alone.script.is_none()) {
            return None;
        }
        let mut likely = locale.id.clone();
        expander.maximize(&mut likely);
        let mut line = Vec::new();
        let mut ancestors = LocaleFallbacker::new().for_config(Default::default()).fallback_for((&locale.id).into());
        while !ancestors.get().is_unknown() {
            line.push(ancestors.get().to_string());
            ancestors.step();
        }
        Some(Self { text: locale.to_string(), likely, line })
    }

    /// The primary languages of the tag and its parents: `nb`, `no` for `nb-NO`.
    pub(crate) fn primaries(&self) -> impl Iterator<Item = &str> {
        let mut primaries: Vec<&str> = self.line.iter().filter_map(|tag| tag.split('-').next()).collect();
        primaries.dedup();
        primaries.into_iter()
    }

    pub(crate) fn is_latin(&self) -> bool {
        self.likely.script == Some(script!("Latn"))
    }

    pub(crate) fn is_cyrillic(&self) -> bool {
        self.likely.script == Some(script!("Cyrl"))
    }

    /// How far `other` is from this one, which was asked for; none where they have nothing in common.
    pub(crate) fn distance(&self, other: &Self) -> Option<Distance> {
        if self.text == other.text {
            return Some(Distance(Kinship::Same, 0, 0));
        }
        if self.likely == other.likely {
            return Some(Distance(Kinship::Likely, 0, 0));
        }
        // Where the two lines meet: `en-AU` and `en-GB` in `en-001`, before `en`.
        let meet = self.line.iter().enumerate().find_map(|(here, tag)| {
            let there = other.line.iter().position(|theirs| theirs == tag)?;
            Some((here, there))
        });
        let (here, there) = meet.unwrap_or((usize::MAX, usize::MAX));
        let kinship = match (self.likely.language == other.likely.language, meet) {
            (true, Some((_, 0))) => Kinship::Parent,
            (true, _) if self.likely.script == other.likely.script => Kinship::Elsewhere,
            (true, _) => Kinship::OtherScript,
            (false, Some(_)) => Kinship::Related,
            (false, None) => return None,
        };
        Some(Distance(kinship, here, there))
    }
}

/// How far one language is from another, the nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Distance(Kinship, usize, usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kinship {
    Same,
    /// The same, if each has the script and the region that it most likely means: `zh-CN` and `zh-Hans`.
    Likely,
    /// `es-419` for `es-MX`.
    Parent,
    /// The same language as it is written in another region: `pt-PT` for `pt-BR`.
    Elsewhere,
    /// `zh-Hans` for `zh-TW`: harder to read, but nearer than another language.
    OtherScript,
    /// Another language with a parent in common: `nb` for `nn`.
    Related,
}

/// A tag as BCP 47 writes it, and the script that POSIX or Java names apart from it; none where neither writes so.
fn in_bcp47(text: &str) -> Option<(String, Option<Script>)> {
    let (text, modifier) = text.split_once('@').map_or((text, None), |(text, modifier)| (text, Some(modifier)));
    let (text, charset) = text.split_once('.').map_or((text, None), |(text, charset)| (text, Some(charset)));
    let is_name = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=' | b';'))
    };
    if ![modifier, charset].into_iter().flatten().all(is_name) {
        return None;
    }
    let tag = match text.strip_prefix("b+") {
        Some(android) => android.replace('+', "-"),
        None => text.replace('_', "-"),
    };
    let (tag, java) = tag.split_once("-#").map_or((tag.as_str(), None), |(tag, java)| (tag, Some(java)));
    let script = match (modifier, java) {
        (_, Some(java)) => java.split('-').next().and_then(|script| script.parse().ok()),
        (Some("latin"), _) => Some(script!("Latn")),
        (Some("cyrillic"), _) => Some(script!("Cyrl")),
        (Some("devanagari"), _) => Some(script!("Deva")),
        _ => None,
    };
    // Java leaves the place of a region empty: `sr__#Latn`.
    let tag = if java.is_some() { tag.trim_end_matches('-') } else { tag };
    if let Some((_, meant)) = IRREGULAR.iter().find(|(old, _)| tag.eq_ignore_ascii_case(old)) {
        return Some(((*meant).to_owned(), script));
    }
    let variant = if modifier == Some("valencia") { "-valencia" } else { "" };
    Some((format!("{}{variant}", in_short(tag)), script))
}

/// A tag without the language that an extended one follows (`zh-yue` is `yue`), and with two letters for a region of three.
fn in_short(tag: &str) -> String {
    let mut subtags: Vec<&str> = tag.split('-').collect();
    if let [language, extended, ..] = subtags[..]
        && subtags::is_extended(&language.to_ascii_lowercase(), extended)
    {
        subtags.remove(0);
    }
    let is_word =
        |subtag: &str, length: usize| subtag.len() == length && subtag.bytes().all(|byte| byte.is_ascii_alphabetic());
    let after_script = 1 + usize::from(subtags.get(1).is_some_and(|script| is_word(script, 4)));
    if let Some(region) = subtags.get_mut(after_script).filter(|region| is_word(region, 3)) {
        *region = subtags::region(region).unwrap_or(region);
    }
    subtags.join("-")
}

impl FromStr for LanguageTag {
    type Err = InvalidLanguage;

    fn from_str(text: &str) -> Result<Self, InvalidLanguage> {
        Self::parse(text)
    }
}

impl fmt::Display for LanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for LanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LanguageTag").field(&self.text).finish()
    }
}

impl Serialize for LanguageTag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}
