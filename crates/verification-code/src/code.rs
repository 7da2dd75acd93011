//! The code itself, and how one is drawn.

use std::fmt;

use crate::{Randomness, RandomnessError};

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
    fn it_does_not_show() {
        let code = Code::draw("0123456789", 6, &SystemRandomness).unwrap();
        assert_eq!(format!("{code:?}"), "Code(******)");
    }
}
