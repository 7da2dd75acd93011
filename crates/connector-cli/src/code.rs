//! The one-time code of the quickstart: six digits, three tries.

/// How many codes there are.
const CODES: u32 = 1_000_000;
/// How often a person may be wrong.
const TRIES: u8 = 3;

/// A code that has been sent and waits to be typed.
pub struct OneTimeCode {
    digits: String,
    tries_left: u8,
}

/// What became of a code that was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the code.
    Right,
    /// It is not; so many tries are left.
    Wrong(u8),
}

impl OneTimeCode {
    /// A new one, from the system's randomness.
    ///
    /// # Errors
    /// When the system has none.
    pub fn new() -> Result<Self, getrandom::Error> {
        // The numbers above the last whole multiple would make the low codes likelier: drawn again.
        let fair = u32::MAX - u32::MAX % CODES;
        loop {
            let drawn = getrandom::u32()?;
            if drawn < fair {
                return Ok(Self { digits: format!("{:06}", drawn % CODES), tries_left: TRIES });
            }
        }
    }

    /// The digits, for the message.
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// Checks what was typed. Once the tries are used up, nothing is right any more.
    pub fn check(&mut self, typed: &str) -> Verdict {
        if self.tries_left == 0 {
            return Verdict::Wrong(0);
        }
        self.tries_left -= 1;
        // Every byte is compared, so that the time taken does not tell how many were right.
        let typed = typed.trim().as_bytes();
        let differing = self.digits.bytes().zip(typed).fold(0, |differing, (a, b)| differing | (a ^ b));
        if typed.len() == self.digits.len() && differing == 0 {
            Verdict::Right
        } else {
            Verdict::Wrong(self.tries_left)
        }
    }
}
