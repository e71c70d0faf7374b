//! `probe`: looks at what is out there, before anything is configured. Read-only.

use std::process::ExitCode;

use super::common::runtime;
use super::probe_mqtt::{self, ProbeMqttArgs};

#[derive(clap::Subcommand)]
pub(super) enum Probe {
    /// Listen to a broker: what is published, which devices are recognised, which are not.
    Mqtt(ProbeMqttArgs),
    // `probe modbus` belongs here: `Modbus(super::probe_modbus::ProbeModbusArgs)`.
}

pub(super) fn run(probe: &Probe) -> anyhow::Result<ExitCode> {
    match probe {
        Probe::Mqtt(args) => runtime()?.block_on(probe_mqtt::run(args)),
        // And here: `Probe::Modbus(args) => runtime()?.block_on(super::probe_modbus::run(args))`.
    }
}
