//! What a profile says about the device itself: how often it reports, when it is lost, and what its
//! Modbus side can bear. Nothing here acts; supervision and the bus do.

use schemars::JsonSchema;
use serde::Deserialize;

/// Reports that may be missed before a device is lost, where only `report_interval_s` is given.
const REPORTS_MISSED: i64 = 3;

/// How a device is supervised. `None` means that it is not.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Supervision {
    /// How often it reports by itself, in milliseconds.
    pub report_interval_ms: Option<i64>,
    /// Silent for longer than this means lost, in milliseconds.
    pub silent_after_ms: Option<i64>,
    /// Battery low at and below this, in percent.
    pub battery_low_percent: Option<f64>,
    /// Battery low at and below this, in volts.
    pub battery_low_volts: Option<f64>,
    /// A measured number that has not changed at all for so long is a stuck sensor, in milliseconds.
    pub stuck_after_ms: Option<i64>,
}

/// How the device is supervised.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SupervisionFile {
    /// How often the device reports by itself, in seconds. For what is polled leave it out.
    report_interval_s: Option<u32>,
    /// Silent for longer than so many seconds means lost. 0 = not supervised. Left out: three times
    /// `report_interval_s`, or not supervised without it. For smoke, heat and gas at most 200 s where
    /// the device is wired (NFPA 72), whatever its battery bears where it is not.
    silent_after_s: Option<u32>,
    /// The battery is low at and below so many percent.
    battery_low_percent: Option<f64>,
    /// The battery is low at and below so many volts.
    battery_low_volts: Option<f64>,
    /// A measured number that has not changed at all for so many seconds is a stuck sensor. Take it
    /// large: still air at night does not change a coarse thermometer for hours.
    stuck_after_s: Option<u32>,
}

impl SupervisionFile {
    pub(super) fn check(&self) -> Result<Supervision, String> {
        if let Some(percent) = self.battery_low_percent
            && !(0.0..=100.0).contains(&percent)
        {
            return Err(format!(
                "supervision.battery_low_percent = {percent}: give 0 to 100"
            ));
        }
        if let Some(volts) = self.battery_low_volts
            && !(0.0..=1000.0).contains(&volts)
        {
            return Err(format!(
                "supervision.battery_low_volts = {volts}: give 0 to 1000"
            ));
        }
        let ms = |seconds: Option<u32>| {
            seconds
                .filter(|s| *s > 0)
                .map(|s| i64::from(s).saturating_mul(1000))
        };
        let report = ms(self.report_interval_s);
        let silent = ms(self.silent_after_s);
        if let (Some(report), Some(silent)) = (report, silent)
            && silent <= report
        {
            return Err(
                "supervision.silent_after_s must be greater than report_interval_s: a device is silent between two reports"
                    .to_owned(),
            );
        }
        Ok(Supervision {
            report_interval_ms: report,
            silent_after_ms: match self.silent_after_s {
                Some(_) => silent,
                None => report.map(|report| report.saturating_mul(REPORTS_MISSED)),
            },
            battery_low_percent: self.battery_low_percent,
            battery_low_volts: self.battery_low_volts,
            stuck_after_ms: ms(self.stuck_after_s),
        })
    }
}

/// What the device's Modbus side can bear. Every key may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BusQuirks {
    /// Most registers in one request, 1 to 125 (Modbus application protocol 1.1b3, section 6.3).
    pub max_registers_per_request: u16,
    /// Most coils or discrete inputs in one request, 1 to 2000 (section 6.1).
    pub max_bits_per_request: u16,
    /// Registers without meaning that are read along rather than making a second request. 0 where the
    /// device refuses addresses that it does not have.
    pub max_gap: u16,
    /// Pause before each further request to the unit, in milliseconds.
    pub pause_between_requests_ms: u32,
    /// Pause after the connection is made and before the first request, in milliseconds.
    pub pause_after_connect_ms: u32,
    /// Every channel's registers in a request of their own, none together with others.
    pub read_one_by_one: bool,
    /// How long an answer may take, in milliseconds. Left out: what the bus is set to.
    pub timeout_ms: Option<u32>,
}

impl Default for BusQuirks {
    fn default() -> Self {
        Self {
            max_registers_per_request: 125,
            max_bits_per_request: 2000,
            max_gap: 8,
            pause_between_requests_ms: 0,
            pause_after_connect_ms: 0,
            read_one_by_one: false,
            timeout_ms: None,
        }
    }
}

impl BusQuirks {
    /// Says what is wrong, one sentence each.
    pub(super) fn check(&self) -> Vec<String> {
        /// Longer pauses and time-outs are mistakes: a whole bus would wait.
        const LONGEST_MS: u32 = 60_000;
        let mut problems = Vec::new();
        let mut within = |key: &str, value: u32, least: u32, most: u32| {
            if !(least..=most).contains(&value) {
                problems.push(format!("modbus.{key} = {value}: give {least} to {most}"));
            }
        };
        let registers = u32::from(self.max_registers_per_request);
        within("max_registers_per_request", registers, 1, 125);
        within(
            "max_bits_per_request",
            u32::from(self.max_bits_per_request),
            1,
            2000,
        );
        within("max_gap", u32::from(self.max_gap), 0, 124);
        within(
            "pause_between_requests_ms",
            self.pause_between_requests_ms,
            0,
            LONGEST_MS,
        );
        within(
            "pause_after_connect_ms",
            self.pause_after_connect_ms,
            0,
            LONGEST_MS,
        );
        if let Some(timeout) = self.timeout_ms {
            within("timeout_ms", timeout, 1, LONGEST_MS);
        }
        problems
    }
}
