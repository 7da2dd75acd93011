//! Questions to whoever sits at the terminal.

use std::io::{self, BufRead, Read};

use crate::output;

/// Asks `question`, on standard error as it is no result, and returns what is typed: a line of up to `longest` bytes.
/// None at the end of the input (Ctrl-D), or when it cannot be read: nobody is there.
pub async fn ask(question: &str, longest: u64) -> Option<String> {
    output::note(question);
    // On a thread of its own, so that an interruption is heard of meanwhile.
    let typed = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        let read = io::stdin().lock().take(longest).read_line(&mut line);
        matches!(read, Ok(1..)).then_some(line)
    });
    typed.await.ok().flatten()
}
