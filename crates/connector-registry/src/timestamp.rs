//! Times in JSON: RFC 3339, in UTC, with milliseconds.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

/// The last second that has a four-digit year.
const LAST: Duration = Duration::from_secs(253_402_300_799);

/// `2026-01-02T03:04:05.678Z`. What was stored beyond the years that this can show is shown as the nearest one: before 1970,
/// as its beginning; after 9999, as its end.
#[must_use]
pub fn rfc3339(time: SystemTime) -> String {
    let time = time.clamp(SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + LAST);
    humantime::format_rfc3339_millis(time).to_string()
}

pub(crate) fn serialize<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*time))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_rfc3339(&text).map_err(|_| D::Error::custom("is no time like 2026-01-02T03:04:05.678Z"))
}
