//! Counters of the hub, as Prometheus text. Never labelled with data from outside: no counter grows
//! with the number of gateways, devices or officers.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper ends of the commit histogram, in milliseconds.
const COMMIT_MS: [u64; 10] = [1, 2, 5, 10, 20, 50, 100, 250, 1_000, 5_000];

/// Upper ends of the histogram of late timers, in milliseconds.
const LATE_MS: [u64; 8] = [50, 100, 250, 500, 1_000, 2_000, 10_000, 60_000];

macro_rules! counters {
    ($($name:ident: $kind:literal $help:literal,)*) => {
        /// Counters since the start, and a few present values.
        #[derive(Debug, Default)]
        pub struct Metrics {
            $(#[doc = $help] pub $name: AtomicU64,)*
            commit_buckets: [AtomicU64; COMMIT_MS.len()],
            commit_count: AtomicU64,
            commit_us: AtomicU64,
            commit_jobs: AtomicU64,
            late_buckets: [AtomicU64; LATE_MS.len()],
            late_count: AtomicU64,
            late_ms: AtomicU64,
        }

        impl Metrics {
            fn plain(&self) -> Vec<(&'static str, &'static str, &'static str, u64)> {
                vec![$((stringify!($name), $kind, $help, self.$name.load(Relaxed)),)*]
            }
        }
    };
}

counters! {
    batches: "counter" "Batches answered after their commit.",
    batches_refused: "counter" "Bodies of gateways refused as a whole.",
    batches_shed: "counter" "Requests of gateways told to come again because the hub was busy.",
    alerts_accepted: "counter" "Alert messages stored with their case.",
    alerts_duplicate: "counter" "Alert messages that were stored before.",
    alerts_rejected: "counter" "Alert messages that will never be accepted.",
    heartbeats: "counter" "Heartbeats answered.",
    commissionings: "counter" "Records of walk tests taken.",
    gateway_keys_refused: "counter" "Requests with a wrong, revoked or missing gateway key.",
    gateways_silent: "counter" "Gateways found silent.",
    timers_fired: "counter" "Timers of cases that have fired.",
    timers_failed: "counter" "Timers of cases that could not be fired and were put off.",
    cases_opened: "counter" "Cases opened.",
    actions: "counter" "Actions of officers on cases.",
    sign_ins: "counter" "Sign-ins.",
    sign_ins_refused: "counter" "Sign-ins with wrong credentials.",
    sign_ins_limited: "counter" "Sign-ins refused because there were too many.",
    requests_limited: "counter" "Requests told to come again because a budget was used up.",
    store_reconnects: "counter" "Times that the line to the store was broken while committing.",
    rows_let_go: "counter" "Old rows that were let go.",
    parent_cases: "counter" "Cases that the parent hub has answered for.",
    parent_heartbeats: "counter" "Heartbeats that the parent hub has answered.",
    parent_failures: "counter" "Times that the parent hub was not reached.",
    child_batches: "counter" "Batches of child hubs answered after their commit.",
    child_keys_refused: "counter" "Requests with a wrong, revoked or missing key of a child hub.",
    evidence_let_go: "counter" "Files of evidence that were taken away.",
    live_feeds: "gauge" "Open live feeds.",
    live_events: "counter" "Events sent on live feeds.",
    live_resyncs: "counter" "Times that a live feed was told to load its lists again.",
    connections_cut: "counter" "Connections cut because they took no bytes for too long.",
    readings: "counter" "Readings taken for the history.",
    readings_refused: "counter" "Readings that could not be read.",
    readings_dropped: "counter" "Readings not kept in the history: its queue was full, it failed, or they were too old.",
    influx_sent: "counter" "Readings sent to the InfluxDB server.",
    influx_dropped: "counter" "Readings given up for the InfluxDB server.",
    influx_failures: "counter" "Failed writes to the InfluxDB server.",
    notifications: "counter" "Rows of notifications made.",
    notifications_delivered: "counter" "Messages that a provider took.",
    notifications_limited: "counter" "Messages held back because a provider said that there were too many.",
    notifications_failed: "counter" "Tries of messages that failed.",
}

/// Adds one.
pub fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

/// Adds many.
pub fn add(counter: &AtomicU64, n: usize) {
    counter.fetch_add(n as u64, Relaxed);
}

impl Metrics {
    /// Notes a commit and how many jobs were in it.
    pub fn commit(&self, took: Duration, jobs: usize) {
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        for (bucket, end) in self.commit_buckets.iter().zip(COMMIT_MS) {
            if ms <= end {
                count(bucket);
            }
        }
        count(&self.commit_count);
        self.commit_us
            .fetch_add(u64::try_from(took.as_micros()).unwrap_or(0), Relaxed);
        add(&self.commit_jobs, jobs);
    }

    /// Notes how late a timer was when its effect was committed.
    pub fn timer_late(&self, late: Duration) {
        let ms = u64::try_from(late.as_millis()).unwrap_or(u64::MAX);
        for (bucket, end) in self.late_buckets.iter().zip(LATE_MS) {
            if ms <= end {
                count(bucket);
            }
        }
        count(&self.late_count);
        self.late_ms.fetch_add(ms, Relaxed);
    }

    /// The Prometheus text format, version 0.0.4.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        let mut line = |args: std::fmt::Arguments<'_>| {
            text.write_fmt(args)
                .expect("writing to a String does not fail");
            text.push('\n');
        };
        for (name, kind, help, value) in self.plain() {
            let suffix = if kind == "counter" { "_total" } else { "" };
            line(format_args!("# HELP gridwatch_hub_{name}{suffix} {help}"));
            line(format_args!("# TYPE gridwatch_hub_{name}{suffix} {kind}"));
            line(format_args!("gridwatch_hub_{name}{suffix} {value}"));
        }
        let name = "gridwatch_hub_timer_late_seconds";
        line(format_args!(
            "# HELP {name} Time from a timer's due time to the commit of its effect."
        ));
        line(format_args!("# TYPE {name} histogram"));
        for (bucket, end) in self.late_buckets.iter().zip(LATE_MS) {
            let (s, ms) = (end / 1_000, end % 1_000);
            line(format_args!(
                "{name}_bucket{{le=\"{s}.{ms:03}\"}} {}",
                bucket.load(Relaxed)
            ));
        }
        let total = self.late_count.load(Relaxed);
        line(format_args!("{name}_bucket{{le=\"+Inf\"}} {total}"));
        let ms = self.late_ms.load(Relaxed);
        line(format_args!("{name}_sum {}.{:03}", ms / 1_000, ms % 1_000));
        line(format_args!("{name}_count {total}"));
        let name = "gridwatch_hub_commit_seconds";
        line(format_args!(
            "# HELP {name} Time from the beginning of a transaction to its commit on disk."
        ));
        line(format_args!("# TYPE {name} histogram"));
        for (bucket, end) in self.commit_buckets.iter().zip(COMMIT_MS) {
            let (s, ms) = (end / 1_000, end % 1_000);
            line(format_args!(
                "{name}_bucket{{le=\"{s}.{ms:03}\"}} {}",
                bucket.load(Relaxed)
            ));
        }
        let total = self.commit_count.load(Relaxed);
        line(format_args!("{name}_bucket{{le=\"+Inf\"}} {total}"));
        let us = self.commit_us.load(Relaxed);
        line(format_args!(
            "{name}_sum {}.{:06}",
            us / 1_000_000,
            us % 1_000_000
        ));
        line(format_args!("{name}_count {total}"));
        line(format_args!(
            "# HELP gridwatch_hub_commit_jobs_total Jobs in committed transactions."
        ));
        line(format_args!(
            "# TYPE gridwatch_hub_commit_jobs_total counter"
        ));
        line(format_args!(
            "gridwatch_hub_commit_jobs_total {}",
            self.commit_jobs.load(Relaxed)
        ));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_counters_gauges_and_a_cumulative_histogram() {
        let metrics = Metrics::default();
        count(&metrics.batches);
        metrics.commit(Duration::from_millis(4), 3);
        let text = metrics.render();
        for line in [
            "gridwatch_hub_batches_total 1",
            "gridwatch_hub_live_feeds 0",
            "gridwatch_hub_commit_seconds_bucket{le=\"0.002\"} 0",
            "gridwatch_hub_commit_seconds_bucket{le=\"0.005\"} 1",
            "gridwatch_hub_commit_seconds_bucket{le=\"+Inf\"} 1",
            "gridwatch_hub_commit_seconds_sum 0.004000",
            "gridwatch_hub_commit_jobs_total 3",
        ] {
            assert!(
                text.lines().any(|l| l == line),
                "`{line}` is not in\n{text}"
            );
        }
    }
}
