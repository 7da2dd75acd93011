//! The time that AWS's SDK signs with.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_async::time::TimeSource;

/// The last second of the year 9999, after which the SDK's dates end, and the SDK with a panic.
const LAST: Duration = Duration::from_secs(253_402_300_799);

/// The system's clock, kept within the years that a signature can name. AWS refuses a signature that far off with an error
/// that says so.
#[derive(Debug)]
pub(crate) struct Clock;

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        SystemTime::now().clamp(UNIX_EPOCH, UNIX_EPOCH + LAST)
    }
}
