//! What a program counts (Prometheus text) and what it takes from the machine (`/proc`).

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::process::run_ok;

/// Counters by name, summed over their labels.
#[derive(Debug, Clone, Default)]
pub struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    /// Reads the Prometheus text format.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut sums = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, value)) = line.rsplit_once(' ') else {
                continue;
            };
            let name = name.split('{').next().unwrap_or(name);
            if let Ok(value) = value.parse::<f64>() {
                *sums.entry(name.to_owned()).or_insert(0.0) += value;
            }
        }
        Self(sums)
    }

    /// A counter or gauge of the agent, without the prefix and without `_total`: `mqtt_in`.
    ///
    /// # Errors
    /// When there is none of that name: a test must not pass because a counter was renamed.
    pub fn get(&self, name: &str) -> Result<f64> {
        let full = format!("gridwatch_edge_{name}");
        let found = self.0.get(&full);
        let found = found.or_else(|| self.0.get(&format!("{full}_total")));
        found
            .copied()
            .with_context(|| format!("no metric `{name}` among {:?}", self.0.keys()))
    }
}

/// What a process has taken so far.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// CPU time of all of its threads, user and system.
    pub cpu: Duration,
    /// Resident memory now, in KiB.
    pub rss_kib: u64,
    /// Resident memory at most, in KiB.
    pub rss_peak_kib: u64,
}

/// Reads what a process has taken.
///
/// # Errors
/// When it is gone.
pub fn usage(pid: u32) -> Result<Usage> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).context("reading stat")?;
    // The program's name stands in brackets and may hold spaces; the fields follow it.
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .context("reading stat")?
        .1
        .split_whitespace()
        .collect();
    let ticks = |index: usize| -> Result<u64> {
        fields
            .get(index)
            .context("reading stat")?
            .parse()
            .context("reading stat")
    };
    // Fields 14 and 15 of proc(5); the first here is field 3.
    let cpu_ticks = ticks(11)? + ticks(12)?;
    let status =
        std::fs::read_to_string(format!("/proc/{pid}/status")).context("reading status")?;
    Ok(Usage {
        cpu: Duration::from_millis(cpu_ticks * 1000 / ticks_per_second()?),
        rss_kib: status_kib(&status, "VmRSS:")?,
        rss_peak_kib: status_kib(&status, "VmHWM:")?,
    })
}

fn ticks_per_second() -> Result<u64> {
    let said = run_ok(Path::new("/usr/bin/getconf"), &["CLK_TCK"], "")?;
    said.trim().parse().context("reading CLK_TCK")
}

fn status_kib(status: &str, key: &str) -> Result<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(key))
        .with_context(|| format!("no `{key}` in the status of a process"))?;
    line.trim()
        .trim_end_matches("kB")
        .trim()
        .parse()
        .context("reading the status of a process")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_found_by_its_whole_name() {
        let text =
            "# HELP x y\ngridwatch_edge_backlog_readings 7\ngridwatch_edge_readings_total 40\n";
        let metrics = Metrics::parse(text);
        assert_eq!(metrics.get("readings").ok(), Some(40.0));
        assert_eq!(metrics.get("backlog_readings").ok(), Some(7.0));
        assert!(metrics.get("mqtt_in").is_err());
    }
}
