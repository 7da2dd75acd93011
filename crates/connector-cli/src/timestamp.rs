//! Times as they are shown: RFC 3339, in UTC, with milliseconds.

use std::time::{Duration, SystemTime};

/// The last second that has a four-digit year.
const LAST: Duration = Duration::from_secs(253_402_300_799);

/// `2026-01-02T03:04:05.678Z`. What was stored beyond the years that this can show is shown as the nearest one.
pub fn rfc3339(time: SystemTime) -> String {
    let time = time.clamp(SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + LAST);
    humantime::format_rfc3339_millis(time).to_string()
}
