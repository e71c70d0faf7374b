//! Counters of every stage, the present faults, and the loopback page that shows them.
//!
//! Every drop has a counter here; a counter that nobody can see does not exist.

mod http;
mod modbus;
mod models;

pub use http::{Status, serve};
pub use modbus::{ModbusHealth, ModbusUnitStatus, UnitHealth};

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use gridwatch_protocol::{Fault, ModelStatus, QuarantineSample, Text, Timestamp};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn inc(&self) {
        self.add(1);
    }

    /// Some more.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// The present number.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// Sets it.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// The present number.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! counters {
    ($($name:ident: $help:literal,)*) => {
        /// What every stage counts and what is wrong at present.
        #[derive(Debug, Default)]
        pub struct Health {
            $(#[doc = $help] pub $name: Counter,)*
            /// Alert messages on disk that the hub has not accepted.
            pub backlog_alerts: Gauge,
            /// Readings on disk that the hub has not accepted.
            pub backlog_readings: Gauge,
            /// Frames waiting for the pipeline.
            pub frames_waiting: Gauge,
            /// Devices heard or configured.
            pub devices: Gauge,
            /// Devices that are silent or offline.
            pub devices_lost: Gauge,
            /// Modbus units, one by one.
            pub modbus: ModbusHealth,
            models: Mutex<Vec<ModelStatus>>,
            faults: Mutex<BTreeMap<(String, String), Fault>>,
            quarantine: Mutex<Vec<QuarantineSample>>,
        }

        impl Health {
            /// All counters with their help texts.
            pub fn counters(&self) -> Vec<(&'static str, &'static str, u64)> {
                vec![$((stringify!($name), $help, self.$name.get()),)*]
            }
        }
    };
}

counters! {
    mqtt_in: "MQTT messages received",
    mqtt_rebuilds: "MQTT clients built anew because they made no progress",
    modbus_in: "Modbus polls answered",
    modbus_failed: "Modbus polls without a usable answer",
    decode_unknown: "messages that no device profile reads",
    decode_refused: "messages that are broken",
    decode_problems: "fields that could not be read",
    profiles_applied: "times that changed device profiles were applied",
    readings: "readings decoded",
    readings_bad: "readings that the device or its range says are not usable",
    alerts_raised: "alerts raised",
    alerts_cleared: "alerts cleared",
    alerts_repeated: "events told again that had already raised their alert",
    alerts_held: "raisings held back because the point chatters",
    alerts_sent: "alert messages accepted by the hub",
    alerts_rejected: "alert messages that the hub will not take",
    readings_stored: "readings kept for the hub's history",
    readings_thinned: "readings not kept for the history because one was kept shortly before",
    readings_evicted: "readings given up because the disk budget was full",
    readings_sent: "readings accepted by the hub",
    batches_sent: "batches answered by the hub",
    batches_failed: "batches that failed or were refused",
    heartbeats_sent: "heartbeats answered by the hub",
    heartbeats_failed: "heartbeats that failed or were refused",
    outbox_commits: "transactions committed",
    outbox_failed: "transactions that failed and were tried again",
    model_scored: "rows scored by the anomaly models",
    model_skipped: "rows not scored because a model was busy, missing or broken",
    model_refused: "readings that no model looked at because too many rooms or doors are watched",
    model_shadow_rows: "rows that a candidate model scored too",
    model_shadow_differs: "rows on which a candidate model's level was another one",
}

impl Health {
    /// Notes that something is wrong; the first time counts as its beginning.
    pub fn raise_fault(&self, code: &str, subject: &str, now: Timestamp, detail: Text) {
        let mut faults = self
            .faults
            .lock()
            .expect("no code panics while it holds the faults");
        let key = (code.to_owned(), subject.to_owned());
        match faults.get_mut(&key) {
            Some(fault) => fault.detail = detail,
            None => {
                tracing::warn!(code, subject, "fault: {}", detail.en);
                let fault = Fault {
                    code: code.to_owned(),
                    subject: subject.to_owned(),
                    since: now,
                    detail,
                };
                faults.insert(key, fault);
            }
        }
    }

    /// Notes that it is right again.
    pub fn clear_fault(&self, code: &str, subject: &str) {
        let removed = self
            .faults
            .lock()
            .expect("no code panics while it holds the faults")
            .remove(&(code.to_owned(), subject.to_owned()));
        if removed.is_some() {
            tracing::info!(code, subject, "fault is over");
        }
    }

    /// Shows how the anomaly models are.
    pub fn set_models(&self, models: Vec<ModelStatus>) {
        *self
            .models
            .lock()
            .expect("no code panics while it holds the models") = models;
    }

    /// How the anomaly models are; empty without any.
    pub fn models(&self) -> Vec<ModelStatus> {
        self.models
            .lock()
            .expect("no code panics while it holds the models")
            .clone()
    }

    /// Shows samples of what nobody understood.
    pub fn set_quarantine(&self, samples: Vec<QuarantineSample>) {
        *self
            .quarantine
            .lock()
            .expect("no code panics while it holds the samples") = samples;
    }

    /// Samples of what nobody understood, the newest first.
    pub fn quarantine(&self) -> Vec<QuarantineSample> {
        self.quarantine
            .lock()
            .expect("no code panics while it holds the samples")
            .clone()
    }

    /// What is wrong at present.
    pub fn faults(&self) -> Vec<Fault> {
        self.faults
            .lock()
            .expect("no code panics while it holds the faults")
            .values()
            .cloned()
            .collect()
    }
}

/// A text in both languages.
#[must_use]
pub fn text(zh: impl Into<String>, en: impl Into<String>) -> Text {
    Text {
        zh: zh.into(),
        en: en.into(),
    }
}
