//! Which readings go to the hub's history: states when they change, numbers now and then, everything
//! around an alert. Pure.

use std::collections::HashMap;

use gridwatch_protocol::{DeviceId, Kind, Reading, Value};

use crate::config::TelemetryConfig;
use crate::detection::DEVICES_MAX;

/// Thins out readings.
#[derive(Debug)]
pub struct Thinning {
    config: TelemetryConfig,
    /// A device may tell one kind both as a state and as a number.
    last: HashMap<(DeviceId, Kind, bool), (i64, Value)>,
    /// Buildings around which nothing is thinned, until when. `None` = devices without a building.
    unthinned: HashMap<Option<String>, i64>,
}

impl Thinning {
    /// By configuration.
    #[must_use]
    pub fn new(config: TelemetryConfig) -> Self {
        Self {
            config,
            last: HashMap::new(),
            unthinned: HashMap::new(),
        }
    }

    /// From now on nothing of this building is thinned for a while.
    pub fn alert_in(&mut self, building: Option<String>, now_ms: i64) {
        self.unthinned
            .insert(building, now_ms + self.config.unthinned_after_alert_ms);
    }

    /// Whether a reading is kept.
    pub fn keeps(&mut self, reading: &Reading, building: Option<&str>, now_ms: i64) -> bool {
        if reading.retained {
            return false;
        }
        let is_number = matches!(reading.value, Value::Number(_));
        let key = (reading.device.clone(), reading.kind, is_number);
        let Some((last_ms, last)) = self.last.get_mut(&key) else {
            if self.last.len() < DEVICES_MAX * 4 {
                self.last.insert(key, (now_ms, reading.value.clone()));
            }
            return true;
        };
        let elapsed = now_ms - *last_ms;
        let due = elapsed >= self.config.interval_ms;
        let keeps = match (&reading.value, &*last) {
            (Value::Number(_), _) => due || self.is_unthinned(building, now_ms),
            // States that stay the same are told now and then, so that a chart has something to hold on to.
            (value, last) => value != last || elapsed >= self.config.interval_ms * 6,
        };
        if keeps {
            let entry = self.last.get_mut(&key).expect("found above");
            *entry = (now_ms, reading.value.clone());
        }
        keeps
    }

    fn is_unthinned(&self, building: Option<&str>, now_ms: i64) -> bool {
        self.unthinned
            .iter()
            .any(|(unthinned, until)| unthinned.as_deref() == building && now_ms < *until)
    }
}

#[cfg(test)]
mod tests {
    use gridwatch_protocol::{Quality, Timestamp};

    use super::*;

    fn reading(value: Value) -> Reading {
        let at = Timestamp::from_unix_ms(0);
        Reading {
            device: DeviceId::new("d").expect("valid"),
            kind: Kind::Temperature,
            value,
            unit: None,
            quality: Quality::Good,
            at,
            received_at: at,
            source_event: None,
            retained: false,
            is_test: false,
        }
    }

    #[test]
    fn numbers_are_thinned_states_are_kept_on_change_and_alerts_lift_the_limit() {
        let mut thinning = Thinning::new(TelemetryConfig {
            interval_ms: 10_000,
            unthinned_after_alert_ms: 60_000,
        });
        let number = |n: f64| reading(Value::Number(n));
        assert!(thinning.keeps(&number(1.0), None, 0));
        assert!(!thinning.keeps(&number(2.0), None, 5_000));
        assert!(thinning.keeps(&number(2.0), None, 10_000));
        thinning.alert_in(Some("3".into()), 10_000);
        assert!(!thinning.keeps(&number(3.0), None, 11_000));
        assert!(thinning.keeps(&number(3.0), Some("3"), 11_000));
        let mut smoke = reading(Value::Bool(false));
        assert!(thinning.keeps(&smoke, None, 12_000), "the first state");
        assert!(
            !thinning.keeps(&smoke, None, 13_000),
            "beside numbers of its kind"
        );
        smoke.value = Value::Bool(true);
        assert!(thinning.keeps(&smoke, None, 14_000));
        let mut door = reading(Value::Bool(true));
        door.kind = Kind::Door;
        assert!(thinning.keeps(&door, None, 0));
        assert!(!thinning.keeps(&door, None, 20_000));
        door.value = Value::Bool(false);
        assert!(thinning.keeps(&door, None, 20_001));
    }
}
