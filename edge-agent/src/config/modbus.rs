//! `[[modbus]]` entries: checked, and split into lines. A line is what is asked one request at a time:
//! a serial port, a shared connection, or the connection of one unit.
//!
//! Every mistake of an entry is reported, not only the first. Nothing is opened here.

use std::collections::BTreeMap;

use gridwatch_decode::profile::{Matcher, Profile};

use super::file::{Connection, ModbusFile, Transport, UnitFile};
use super::load::host_is_loopback;
use super::{ModbusConfig, ModbusTransport, ModbusUnit, Parity, SerialConfig};

/// Speed of a serial line that names none: what most devices are delivered with.
const BAUD_RATE: u32 = 9_600;
/// Port of Modbus TCP (IANA).
const PORT: u16 = 502;

/// The lines of a file, and what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) lines: Vec<ModbusConfig>,
    pub(super) problems: Vec<String>,
    /// Who uses a serial port or host and port, and whether alone.
    taken: BTreeMap<String, (String, bool)>,
}

/// Checks all entries.
pub(super) fn lines(files: Vec<ModbusFile>, profiles: &[Profile]) -> Lines {
    let mut lines = Lines::default();
    for file in files {
        lines.take(file, profiles);
    }
    lines
}

impl Lines {
    fn take(&mut self, file: ModbusFile, profiles: &[Profile]) {
        let at = format!("[[modbus]] `{}`", file.name);
        let before = self.problems.len();
        let transport = transport(&file, &mut self.problems);
        if !(10..=60_000).contains(&file.timeout_ms) {
            self.problems
                .push("timeout_ms must be 10 to 60000 (milliseconds)".to_owned());
        }
        if file.pause_ms > 10_000 {
            self.problems
                .push("pause_ms must be 0 to 10000 (milliseconds)".to_owned());
        }
        if file.units.is_empty() {
            self.problems.push("has no [[modbus.units]]".to_owned());
        }
        let is_rtu = file.transport != Transport::Tcp;
        let shared = match file.connection {
            Some(Connection::PerUnit) if is_rtu => {
                self.problems.push(
                    "connection = \"per_unit\": units on one serial line cannot be asked at the same time; leave the key out"
                        .to_owned(),
                );
                true
            }
            Some(Connection::PerUnit) | None => is_rtu,
            Some(Connection::Shared) => true,
        };
        if let Some(transport) = &transport {
            self.claim(&file.name, transport, shared);
        }
        let units: Vec<ModbusUnit> = file
            .units
            .into_iter()
            .map(|unit| checked_unit(unit, is_rtu, profiles, &mut self.problems))
            .collect();
        for problem in &mut self.problems[before..] {
            *problem = format!("{at}: {problem}");
        }
        let Some(transport) = transport else { return };
        let groups: Vec<Vec<ModbusUnit>> = if shared {
            vec![units]
        } else {
            units.into_iter().map(|unit| vec![unit]).collect()
        };
        self.lines
            .extend(groups.into_iter().map(|units| ModbusConfig {
                name: file.name.clone(),
                transport: transport.clone(),
                timeout_ms: file.timeout_ms,
                pause_ms: file.pause_ms,
                units,
            }));
    }

    /// Two schedulers on one serial line would talk into each other's answers.
    fn claim(&mut self, name: &str, transport: &ModbusTransport, shared: bool) {
        let what = match transport {
            ModbusTransport::Rtu(serial) => serial.device.display().to_string(),
            ModbusTransport::Tcp { host, port }
            | ModbusTransport::RtuOverTcp { host, port, .. } => {
                format!("{host}:{port}")
            }
        };
        match self.taken.get(&what) {
            Some((other, other_shared)) if shared || *other_shared => {
                self.problems.push(format!(
                    "`{what}` is already the line `{other}`: put all its units under one [[modbus]]"
                ));
            }
            Some(_) => {}
            None => {
                self.taken.insert(what, (name.to_owned(), shared));
            }
        }
    }
}

fn transport(file: &ModbusFile, problems: &mut Vec<String>) -> Option<ModbusTransport> {
    let serial_keys = [
        ("data_bits", file.data_bits.is_some()),
        ("parity", file.parity.is_some()),
        ("stop_bits", file.stop_bits.is_some()),
        ("device", file.device.is_some()),
    ];
    let net_keys = [
        ("host", file.host.is_some()),
        ("port", file.port.is_some()),
        ("allow_plaintext", file.allow_plaintext),
    ];
    let (strange, what): (Vec<&str>, &str) = match file.transport {
        Transport::Tcp => {
            let speed = ("baud_rate", file.baud_rate.is_some());
            let keys = serial_keys.iter().chain(std::iter::once(&speed));
            (given(keys), "a serial port; set transport = \"rtu\"")
        }
        Transport::RtuOverTcp => (
            given(serial_keys.iter()),
            "a serial port of this machine; the device server has its own settings",
        ),
        Transport::Rtu => (
            given(net_keys.iter()),
            "the network; set transport = \"tcp\" or \"rtu_over_tcp\"",
        ),
    };
    for key in strange {
        problems.push(format!("{key} goes with {what}"));
    }
    let baud_rate = file.baud_rate.unwrap_or(BAUD_RATE);
    if !(300..=1_000_000).contains(&baud_rate) {
        problems.push(format!(
            "baud_rate {baud_rate}: must be 300 to 1000000 (bits a second)"
        ));
    }
    if file.transport == Transport::Rtu {
        return serial(file, baud_rate, problems).map(ModbusTransport::Rtu);
    }
    let Some(host) = file.host.clone().filter(|host| !host.is_empty()) else {
        problems.push("host is missing: the address of the unit or gateway".to_owned());
        return None;
    };
    if !host_is_loopback(&host) && !file.allow_plaintext {
        problems.push(format!(
            "Modbus knows no protection; set allow_plaintext = true once `{host}` is on its own network segment"
        ));
    }
    let port = file.port.unwrap_or(PORT);
    if port == 0 {
        problems.push("port must be 1 to 65535".to_owned());
    }
    Some(if file.transport == Transport::Tcp {
        ModbusTransport::Tcp { host, port }
    } else {
        ModbusTransport::RtuOverTcp {
            host,
            port,
            baud_rate,
        }
    })
}

fn given<'a>(keys: impl Iterator<Item = &'a (&'static str, bool)>) -> Vec<&'static str> {
    keys.filter(|(_, given)| *given)
        .map(|(key, _)| *key)
        .collect()
}

fn serial(file: &ModbusFile, baud_rate: u32, problems: &mut Vec<String>) -> Option<SerialConfig> {
    let data_bits = file.data_bits.unwrap_or(8);
    if data_bits != 8 {
        problems.push(format!(
            "data_bits {data_bits}: RTU sends whole bytes, so it must be 8"
        ));
    }
    let stop_bits = file.stop_bits.unwrap_or(1);
    if !(1..=2).contains(&stop_bits) {
        problems.push(format!("stop_bits {stop_bits}: must be 1 or 2"));
    }
    let Some(device) = file.device.clone().filter(|d| !d.as_os_str().is_empty()) else {
        problems.push(
            "device is missing: the serial port, such as /dev/ttyUSB0 or a stable name under /dev/serial/by-id"
                .to_owned(),
        );
        return None;
    };
    Some(SerialConfig {
        device,
        baud_rate,
        data_bits,
        parity: file.parity.unwrap_or(Parity::None),
        stop_bits,
    })
}

fn checked_unit(
    unit: UnitFile,
    is_rtu: bool,
    profiles: &[Profile],
    problems: &mut Vec<String>,
) -> ModbusUnit {
    let mut wrong = |why: String| problems.push(format!("unit {}: {why}", unit.unit));
    let profile = profiles.iter().find(|p| p.id == unit.profile);
    if !profile.is_some_and(|p| matches!(p.matcher, Matcher::Modbus)) {
        wrong(format!("`{}` is not a loaded Modbus profile", unit.profile));
    }
    if !(20..=3_600_000).contains(&unit.interval_ms) {
        wrong("interval_ms must be 20 to 3600000 (milliseconds)".to_owned());
    }
    // Modbus over serial line 1.02, section 2.2: 0 is broadcast, 248 to 255 are reserved.
    if is_rtu && !(1..=247).contains(&unit.unit) {
        wrong("on a serial line units have the numbers 1 to 247".to_owned());
    }
    ModbusUnit {
        unit: unit.unit,
        device: unit.device,
        profile: unit.profile,
        interval_ms: unit.interval_ms,
    }
}

#[cfg(test)]
mod tests;
