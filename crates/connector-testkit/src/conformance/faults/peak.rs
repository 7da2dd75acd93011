//! How much memory a send takes at its peak.

use std::fs;

/// More than any send needs, less than what is sent to see whether it is kept.
const MOST: u64 = 16 * 1024;

/// Watches the memory of this process, in KiB. Where the system does not tell, nothing is watched.
pub(super) struct Peak {
    before: Option<u64>,
}

impl Peak {
    /// Starts watching.
    pub(super) fn watch() -> Self {
        // Forgets an earlier peak, under which a later one could hide (proc(5), clear_refs).
        let _ = fs::write("/proc/self/clear_refs", "5");
        Self { before: highest() }
    }

    /// Asserts that the memory has not grown by what was received since.
    pub(super) fn assert_flat(&self) {
        if let (Some(before), Some(after)) = (self.before, highest()) {
            let grown = after.saturating_sub(before);
            assert!(grown < MOST, "memory grew by {grown} KiB, more than {MOST}");
        }
    }
}

/// The most memory this process has had in RAM.
fn highest() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
