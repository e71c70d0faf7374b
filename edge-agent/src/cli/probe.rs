//! `probe`: looks at what is out there, before anything is configured. Read-only.

use std::process::ExitCode;

use super::common::runtime;
use super::probe_modbus::{self, ProbeModbusArgs};
use super::probe_mqtt::{self, ProbeMqttArgs};

#[derive(clap::Subcommand)]
pub(super) enum Probe {
    /// Listen to a broker: what is published, which devices are recognised, which are not.
    Mqtt(ProbeMqttArgs),
    /// Read a block of a Modbus unit and show every way to understand it.
    Modbus(ProbeModbusArgs),
}

pub(super) fn run(probe: &Probe) -> anyhow::Result<ExitCode> {
    match probe {
        Probe::Mqtt(args) => runtime()?.block_on(probe_mqtt::run(args)),
        Probe::Modbus(args) => runtime()?.block_on(probe_modbus::run(args)),
    }
}
