//! How a code that was typed or pasted is read.

use unicode_normalization::UnicodeNormalization as _;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory as _};

use crate::settings::LENGTH_MAX;

/// Characters that are looked at: a longer text is no code.
const TYPED_MAX: usize = 256;

/// What was typed, as a code of this alphabet: with the digits of every script as ASCII digits, full-width letters as
/// ASCII letters, in the alphabet's case where it has a letter in only one, and without what does not show or only
/// separates: white space, dashes, marks, controls and format characters. Empty where it is too long to be a code.
pub(crate) fn read(alphabet: &str, typed: &str) -> String {
    let mut looked_at = 0;
    // One more than any code has, so that a longer text is never taken for its beginning.
    let most = usize::from(LENGTH_MAX) + 1;
    let counted = typed.chars().take(TYPED_MAX + 1).inspect(|_| looked_at += 1);
    let read: String = counted
        .nfkd()
        .filter(|char| !is_dropped(*char))
        .map(|char| in_case_of(alphabet, ascii_digit(char)))
        .take(most)
        .collect();
    if looked_at > TYPED_MAX && read.len() < most { String::new() } else { read }
}

/// Whether a person who types or pastes it does not mean it as part of a code.
fn is_dropped(char: char) -> bool {
    if char.is_ascii() {
        return char.is_ascii_whitespace() || char.is_ascii_control() || char == '-';
    }
    let category = char.general_category();
    char.is_whitespace()
        || matches!(category, GeneralCategory::Format | GeneralCategory::Control | GeneralCategory::DashPunctuation)
        || char.general_category_group() == GeneralCategoryGroup::Mark
        || is_dash_by_use(char)
        || is_blank_by_looks(char)
}

/// Dashes that Unicode files elsewhere: the hyphenation point, hyphen bullet, swung dash and minus sign, and the Japanese
/// prolonged sound mark, which is what the key with the hyphen gives in kana.
const fn is_dash_by_use(char: char) -> bool {
    matches!(char, '\u{2027}' | '\u{2043}' | '\u{2053}' | '\u{2212}' | '\u{30fc}')
}

/// Letters and symbols that show as nothing: the Hangul fillers and the empty Braille pattern.
const fn is_blank_by_looks(char: char) -> bool {
    matches!(char, '\u{115f}' | '\u{1160}' | '\u{2800}')
}

/// The ASCII digit that a digit of another script stands for. Unicode keeps the ten digits of a script together, in
/// their order (chapter 4.6); those that come in several adjoining rows are compatibility characters, which are ASCII
/// digits already when they get here.
fn ascii_digit(char: char) -> char {
    if char.is_ascii() || char.general_category() != GeneralCategory::DecimalNumber {
        return char;
    }
    let is_digit =
        |point| char::from_u32(point).is_some_and(|char| char.general_category() == GeneralCategory::DecimalNumber);
    let before = (1..10).take_while(|distance| is_digit(u32::from(char) - distance)).count();
    u32::try_from(before).ok().and_then(|value| char::from_digit(value, 10)).unwrap_or(char)
}

fn in_case_of(alphabet: &str, char: char) -> char {
    if alphabet.contains(char) {
        return char;
    }
    let other = if char.is_ascii_lowercase() { char.to_ascii_uppercase() } else { char.to_ascii_lowercase() };
    if alphabet.contains(other) { other } else { char }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Alphabet;

    const DIGITS: &str = "0123456789";

    #[test]
    fn what_was_typed_is_read_as_a_person_means_it() {
        assert_eq!(read(DIGITS, " 123 456\r\n"), "123456");
        assert_eq!(read(DIGITS, "123-456"), "123456");
        assert_eq!(read(DIGITS, "12\u{2011}34\u{2013}56\u{a0}"), "123456");
        assert_eq!(read(Alphabet::Unambiguous.characters(), "bcd-fgh"), "BCDFGH");
        assert_eq!(read("0123456789abcdef", "ABC DEF"), "abcdef");
        // With letters in both cases, case is part of the code.
        assert_eq!(read("0123456789aAbB", "aAbB"), "aAbB");
    }

    #[test]
    fn the_digits_of_every_script_are_digits() {
        let mut scripts = 0;
        for zero in ('\u{80}'..=char::MAX).filter(|char| char.general_category() == GeneralCategory::DecimalNumber) {
            let nine = char::from_u32(u32::from(zero) + 9).unwrap_or(zero);
            let typed: String = (zero..=nine).collect();
            if read(DIGITS, &zero.to_string()) == "0" {
                assert_eq!(read(DIGITS, &typed), DIGITS, "{zero:?}");
                scripts += 1;
            }
        }
        // 64 in Unicode 10, and none is ever taken away.
        assert!(scripts >= 60, "only {scripts}");
        for typed in ["１２３４５６", "١٢٣٤٥٦", "۱۲۳۴۵۶", "१२३४५६", "๑๒๓๔๕๖", "၁၂၃၄၅၆", "𝟏𝟐𝟑𝟒𝟓𝟔", "1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣"]
        {
            assert_eq!(read(DIGITS, typed), "123456", "{typed}");
        }
    }

    #[test]
    fn what_does_not_show_or_only_separates_is_dropped() {
        for between in [
            '\u{200e}',
            '\u{200f}',
            '\u{202a}',
            '\u{202c}',
            '\u{2066}',
            '\u{2069}',
            '\u{61c}',
            '\u{feff}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{2060}',
            '\u{ad}',
            '\u{180e}',
            '\u{e0020}',
            '\u{fe0f}',
            '\u{34f}',
            '\u{3000}',
            '\u{2007}',
            '\u{202f}',
            '\u{2028}',
            '\u{85}',
            '\u{7f}',
            '\u{0}',
            '\u{3164}',
            '\u{ffa0}',
            '\u{2800}',
            '\u{2012}',
            '\u{2015}',
            '\u{2212}',
            '\u{fe63}',
            '\u{ff0d}',
            '\u{58a}',
            '\u{5be}',
            '\u{1806}',
            '\u{301c}',
            '\u{30a0}',
            '\u{30fc}',
            '\u{ff70}',
            '\u{2e3a}',
            '\u{207b}',
            '\u{10ead}',
        ] {
            let typed = format!("{between}123{between}{between}456{between}");
            assert_eq!(read(DIGITS, &typed), "123456", "{between:?}");
        }
        for other in ['.', '/', 'x', '_', '\u{b7}', 'é', '一'] {
            assert_ne!(read(DIGITS, &format!("123{other}456")), "123456", "{other:?}");
        }
    }

    #[test]
    fn letters_come_in_full_width_too() {
        assert_eq!(read(Alphabet::Unambiguous.characters(), "ｂｃＤ－ｆｇＨ"), "BCDFGH");
        assert_eq!(read("0123456789aAbB", "ａＡｂＢ"), "aAbB");
    }

    #[test]
    fn a_long_text_is_not_its_beginning() {
        assert_eq!(read(DIGITS, &"1".repeat(1_000_000)).len(), 13);
        assert_eq!(read(DIGITS, &format!("{}1", " ".repeat(1_000_000))), "");
        assert_eq!(read(DIGITS, &format!("123456{}7", "\u{200b}".repeat(300))), "");
        assert_eq!(read(DIGITS, &format!("123456{}", "\u{301}".repeat(1_000_000))), "");
        assert_eq!(read(DIGITS, &format!("123{}456", " ".repeat(250))), "123456");
        assert_eq!(read(DIGITS, &"\u{fdfa}".repeat(100_000)).chars().count(), 13);
    }
}
