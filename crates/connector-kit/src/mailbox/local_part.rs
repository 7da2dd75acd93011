//! What may stand before the `@` (RFC 5321 and 6531, narrowed to what is delivered where the domain says).

use std::borrow::Cow;

use icu_normalizer::{ComposingNormalizerBorrowed, properties::CanonicalCombiningClassMapBorrowed};
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory, IndicSyllabicCategory, JoiningType, VariationSelector},
};

use super::{MailboxFault, address::LOCAL_PART_MAX, fault};

/// Longest local part that is looked at, in octets: NFC makes a text shorter, but never sixteen times.
const GIVEN_MAX: usize = 16 * LOCAL_PART_MAX;
/// What means something in a list of addresses, or to SMTP (RFC 5322, 3.2.3). A local part holds it only in quotes, which
/// not everybody reads: `"x@evil.example y"@example.com` went to evil.example in nodemailer (GHSA-mm7p-fcc7-pg87).
const SPECIAL: [char; 14] = ['(', ')', '<', '>', '[', ']', ':', ';', '@', '\\', ',', '"', ' ', '\t'];
/// What sends a message on from the domain's host to another: `user%host@relay` (sendmail's and Postfix's percent hack)
/// and `host!user@relay` (UUCP). Stock Postfix, as relay for the domain, follows both.
const ROUTING: [char; 2] = ['%', '!'];
/// What begins an encoded word (RFC 2047), of which a reader makes any text, an `@` included.
const ENCODED_WORD: &str = "=?";

const ZWNJ: char = '\u{200c}';
const ZWJ: char = '\u{200d}';
const BRAILLE_BLANK: char = '\u{2800}';
/// The canonical combining class of a virama.
const VIRAMA: u8 = 9;

/// What stands between quotes, where there are any: `"user"` is `user` (RFC 5321, 4.1.2).
fn inside_quotes(given: &str) -> Option<&str> {
    given.strip_prefix('"')?.strip_suffix('"')
}

/// Refuses a quoted local part that not everybody reads as one.
pub(super) fn check_quotes(given: &str) -> Result<(), MailboxFault> {
    if inside_quotes(given).is_some_and(|inside| inside.contains(SPECIAL)) {
        return fault(
            "not an email address that can be sent to: a quoted part before the '@' that holds punctuation or spaces is \
             read as several addresses by some services",
        );
    }
    Ok(())
}

/// The local part in its one form: NFC, in quotes only where dots require them.
pub(super) fn parse(given: &str) -> Result<Cow<'_, str>, MailboxFault> {
    const TOO_LONG: &str = "not an email address: the part before the '@' is longer than 64 octets";
    if given.len() > GIVEN_MAX {
        return fault(TOO_LONG);
    }
    let local = ComposingNormalizerBorrowed::new_nfc().normalize(inside_quotes(given).unwrap_or(given));
    if local.chars().all(|char| char == '.') {
        return fault("not an email address: the part before the '@' is missing");
    }
    check_characters(&local)?;
    check_host(&local)?;
    // Only in quotes does RFC 5322 allow dots at an end or side by side: `a..b` and `a.`, as Japanese mobile carriers gave
    // them out for years.
    let loose = local.starts_with('.') || local.ends_with('.') || local.contains("..");
    let local = if loose { format!("\"{local}\"").into() } else { local };
    if local.len() > LOCAL_PART_MAX {
        return fault(TOO_LONG);
    }
    Ok(local)
}

/// Letters, marks, digits and symbols of every script; nothing that cannot be seen.
fn check_characters(local: &str) -> Result<(), MailboxFault> {
    let chars: Vec<char> = local.chars().collect();
    for (index, &char) in chars.iter().enumerate() {
        if char.is_ascii() {
            if !char.is_ascii_alphanumeric() && !"!#$%&'*+-/=?^_`{|}~.".contains(char) {
                return fault("not an email address: the part before the '@' holds a character that none can have");
            }
        } else if matches!(char, ZWNJ | ZWJ) {
            if !joins(&chars[..index], char, &chars[index + 1..]) {
                return fault(
                    "not an email address: the part before the '@' holds an invisible joiner where no word has one",
                );
            }
        } else if !is_visible(char) {
            return fault("not an email address: the part before the '@' holds a blank or an invisible character");
        }
    }
    // A mark belongs to the character before it, and that would be the bracket or quote around the address.
    if chars.first().copied().is_some_and(is_mark) {
        return fault("not an email address: it begins with a combining mark");
    }
    Ok(())
}

/// Whether a character beyond ASCII is one that people see, and that this version of Unicode knows. Variation selectors only
/// change how the character before them looks.
fn is_visible(char: char) -> bool {
    use GeneralCategory as Is;
    let hidden = matches!(
        CodePointMapData::<GeneralCategory>::new().get(char),
        Is::Control
            | Is::Format
            | Is::LineSeparator
            | Is::ParagraphSeparator
            | Is::PrivateUse
            | Is::SpaceSeparator
            | Is::Surrogate
            | Is::Unassigned
    );
    let ignored = CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(char)
        && !CodePointSetData::new::<VariationSelector>().contains(char);
    !hidden && !ignored && !matches!(char, BRAILLE_BLANK | char::REPLACEMENT_CHARACTER)
}

/// Whether a zero-width joiner or non-joiner stands where people write one: beside a letter or mark of a script that has them.
///
/// That is wider than in domains (RFC 5892, A.1 and A.2), which lack words that are written so: Bengali `র‍্যাব` has its joiner
/// before the virama, Persian a non-joiner after digits. At the end, only a joiner and what follows a virama change what is seen.
fn joins(before: &[char], joiner: char, after: &[char]) -> bool {
    match before.last() {
        None | Some(&(ZWJ | ZWNJ)) => false,
        Some(&last) if CanonicalCombiningClassMapBorrowed::new().get_u8(last) == VIRAMA => true,
        _ if after.is_empty() => joiner == ZWJ && has_joiners(before.iter().rev()),
        _ => has_joiners(before.iter().rev()) || has_joiners(after.iter()),
    }
}

/// Whether what stands beside a joiner, the nearest first, is a letter or mark of a script that has joiners: one of India's
/// kind, or one whose letters are joined.
fn has_joiners<'c>(beside: impl Iterator<Item = &'c char> + Clone) -> bool {
    let syllabic = CodePointMapData::<IndicSyllabicCategory>::new();
    let is_of_india = |char: &char| is_letter_or_mark(*char) && syllabic.get(*char) != IndicSyllabicCategory::Other;
    if beside.clone().next().is_some_and(is_of_india) {
        return true;
    }
    // Vowel signs of Arabic are marks that other scripts have, too: the letter below them counts.
    let types = CodePointMapData::<JoiningType>::new();
    let shaped = beside.map(|char| types.get(*char)).find(|found| *found != JoiningType::Transparent);
    matches!(shaped, Some(JoiningType::LeftJoining | JoiningType::RightJoining | JoiningType::DualJoining))
}

fn is_mark(char: char) -> bool {
    use GeneralCategory as Is;
    let category = CodePointMapData::<GeneralCategory>::new().get(char);
    matches!(category, Is::NonspacingMark | Is::SpacingMark | Is::EnclosingMark)
}

fn is_letter_or_mark(char: char) -> bool {
    char.is_alphabetic() || is_mark(char)
}

/// Refuses what some servers or readers take for a mailbox at another host than the domain's, also where they first turn
/// compatibility characters such as the full-width `％` into ASCII (NFKC).
fn check_host(local: &str) -> Result<(), MailboxFault> {
    let compatible =
        if local.is_ascii() { local.into() } else { ComposingNormalizerBorrowed::new_nfkc().normalize(local) };
    if compatible.contains(ROUTING) {
        return fault(
            "not an email address that can be sent to: a '%' or '!' before the '@' names another host to some mail servers",
        );
    }
    if compatible.contains(ENCODED_WORD) {
        return fault(
            "not an email address that can be sent to: '=?' before the '@' begins an encoded word, which is read as \
             another address",
        );
    }
    // Punctuation in ASCII is refused by now: what is left was made by NFKC.
    if compatible.contains(SPECIAL) {
        return fault(
            "not an email address that can be sent to: the part before the '@' holds a character that some services read \
             as punctuation",
        );
    }
    Ok(())
}
