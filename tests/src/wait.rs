//! Waiting for a condition instead of for a time.

use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// Asks `ready` again and again until it gives something; `what` names it in the error.
///
/// # Errors
///
/// When `ready` fails, or `limit` has passed.
pub fn until<T>(limit: Duration, what: &str, mut ready: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(value) = ready()? {
            return Ok(value);
        }
        if start.elapsed() > limit {
            bail!("waited {limit:?} for {what}, in vain");
        }
        pause();
    }
}

#[allow(clippy::disallowed_methods, reason = "between two looks at the condition; this is the one place that sleeps")]
fn pause() {
    std::thread::sleep(Duration::from_millis(5));
}
