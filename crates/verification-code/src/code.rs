//! The code itself: how one is drawn, and how one that was typed is read.

use std::fmt;

use crate::{Randomness, RandomnessError, settings::LENGTH_MAX};

/// A code for one person's eyes. It never shows in `Debug`, and there is no `Display`.
pub struct Code(String);

impl Code {
    /// The code itself, for the one place that delivers it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A random one: each character independent, and every one of the alphabet equally likely.
    pub(crate) fn draw(alphabet: &str, length: u8, randomness: &dyn Randomness) -> Result<Self, RandomnessError> {
        let characters = alphabet.as_bytes();
        // What lies above the last whole multiple would make the first characters likelier: it is drawn again.
        let fair = 256 - 256 % characters.len();
        let length = usize::from(length);
        let mut code = String::with_capacity(length);
        let mut drawn = [0; 32];
        for _ in 0..DRAWS_MAX {
            randomness.fill(&mut drawn)?;
            let fair = drawn.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < fair);
            code.extend(fair.take(length - code.len()).map(|byte| char::from(characters[byte % characters.len()])));
            if code.len() == length {
                return Ok(Self(code));
            }
        }
        Err(RandomnessError::new("it gives the same values over and over"))
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(******)")
    }
}

/// Of 32 bytes at least 24 are fair on average: whoever needs more than a hundred draws has no randomness.
const DRAWS_MAX: usize = 100;

/// Characters that are read of what was typed, so that an endless text costs nothing.
const TYPED_MAX: usize = 256;

/// What was typed, as a code of this alphabet: without spaces and hyphens, and in the alphabet's case where it has a
/// letter in only one.
pub(crate) fn read(alphabet: &str, typed: &str) -> String {
    typed
        .chars()
        .take(TYPED_MAX)
        .filter(|char| !char.is_whitespace() && !is_hyphen(*char))
        .map(|char| in_case_of(alphabet, char))
        // One more than any code has, so that a longer text is never taken for its beginning.
        .take(usize::from(LENGTH_MAX) + 1)
        .collect()
}

fn is_hyphen(char: char) -> bool {
    // The hyphens and dashes that keyboards, mail programs and phones put between groups.
    matches!(char, '-' | '\u{ad}' | '\u{2010}'..='\u{2015}' | '\u{2212}')
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
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;
    use crate::{Alphabet, SystemRandomness};

    /// Gives the same byte for ever.
    struct Stuck(u8);

    impl Randomness for Stuck {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessError> {
            bytes.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn every_character_is_equally_likely() {
        for alphabet in [Alphabet::Digits, Alphabet::Unambiguous] {
            let characters = alphabet.characters();
            let mut seen = vec![0_u32; characters.len()];
            for _ in 0..20_000 {
                let code = Code::draw(characters, 12, &SystemRandomness).unwrap();
                for char in code.expose().chars() {
                    seen[characters.find(char).unwrap()] += 1;
                }
            }
            let expected = 240_000 / u32::try_from(characters.len()).unwrap();
            // Seven standard deviations: once in some hundred thousand million runs by chance. Without drawing again,
            // the likelier ones would be off by far more.
            let allowed = 7.0 * f64::from(expected).sqrt();
            for count in seen {
                assert!((f64::from(count) - f64::from(expected)).abs() < allowed, "{count} of about {expected}");
            }
        }
    }

    #[test]
    fn a_byte_beyond_the_fair_ones_is_never_used() {
        assert_eq!(Code::draw("0123456789", 6, &Stuck(249)).unwrap().expose(), "999999");
        let error = Code::draw("0123456789", 6, &Stuck(250)).unwrap_err();
        assert_eq!(error.to_string(), "no randomness for a code: it gives the same values over and over");
    }

    #[test]
    fn what_was_typed_is_read_as_a_person_means_it() {
        assert_eq!(read("0123456789", " 123 456\r\n"), "123456");
        assert_eq!(read("0123456789", "123-456"), "123456");
        assert_eq!(read("0123456789", "12\u{2011}34\u{2013}56\u{a0}"), "123456");
        assert_eq!(read(Alphabet::Unambiguous.characters(), "bcd-fgh"), "BCDFGH");
        assert_eq!(read("0123456789abcdef", "ABC DEF"), "abcdef");
        // With letters in both cases, case is part of the code.
        assert_eq!(read("0123456789aAbB", "aAbB"), "aAbB");
    }

    #[test]
    fn a_long_text_is_not_its_beginning() {
        assert_eq!(read("0123456789", &"1".repeat(1_000_000)).len(), 13);
        assert_eq!(read("0123456789", &format!("{}1", " ".repeat(1_000_000))), "");
    }

    #[test]
    fn it_does_not_show() {
        let code = Code::draw("0123456789", 6, &SystemRandomness).unwrap();
        assert_eq!(format!("{code:?}"), "Code(******)");
    }
}
