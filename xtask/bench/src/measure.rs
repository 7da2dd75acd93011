//! What a stretch of work took: CPU by getrusage, peak memory by the kernel's count.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use nix::{
    sched::{CpuSet, sched_setaffinity},
    sys::{
        resource::{Usage, UsageWho, getrusage},
        time::TimeValLike,
    },
    unistd::Pid,
};
use serde::{Deserialize, Serialize};

/// What one client measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sample {
    /// User and system time per message, in microseconds.
    pub cpu_micros: f64,
    /// Messages per second.
    pub per_second: f64,
    /// Median latency, in microseconds.
    pub p50_micros: f64,
    /// 99th percentile of the latency, in microseconds.
    pub p99_micros: f64,
    /// Peak resident memory of the process, in MiB.
    pub peak_mib: f64,
}

/// Runs the current process on one core.
pub fn pin_to(core: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(core)?;
    sched_setaffinity(Pid::from_raw(0), &set).context("cannot pin to a core; are there two?")
}

/// User and system time of this process so far.
pub fn cpu_time() -> Result<Duration> {
    time_of(UsageWho::RUSAGE_SELF)
}

/// User and system time so far of all children that have ended, and of theirs.
pub fn children() -> Result<Duration> {
    time_of(UsageWho::RUSAGE_CHILDREN)
}

fn time_of(who: UsageWho) -> Result<Duration> {
    let usage = getrusage(who)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(Duration::from_micros(u64::try_from(micros)?))
}

/// The largest resident memory of `who` so far, in MiB.
pub fn peak_mib(who: UsageWho) -> Result<f64> {
    let usage: Usage = getrusage(who)?;
    Ok(usage.max_rss() as f64 / 1024.0)
}

/// Runs `command` and prints the most memory that it held. The kernel counts the largest of all children, so this
/// process must have had no other.
pub fn print_peak_of(command: &[String]) -> Result<()> {
    let (program, arguments) = command.split_first().context("a command is missing")?;
    let output = Command::new(program).args(arguments).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("{program} failed: {}", String::from_utf8_lossy(&output.stdout));
    }
    println!("{}", peak_mib(UsageWho::RUSAGE_CHILDREN)?);
    Ok(())
}

/// The value below which `share` of `sorted` lies.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or_default()
}

/// The middle of `values`.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    percentile(&values, 0.5)
}
