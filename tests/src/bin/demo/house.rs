//! The simulated building: building 3 of Xinghe Garden with its sensors.

use anyhow::Result;
use e2e::paths::repository;
use e2e::{Building, FrigateSim, ModbusSim, ZigbeeSim};
use toml::toml;

/// Smoke detector with a thermometer in the kitchen of flat 302 (Zigbee).
pub(crate) const KITCHEN: &str = "3号楼/302厨房烟感";
/// Smoke detector in flat 303, where the fire is (Zigbee).
pub(crate) const BEDROOM: &str = "3号楼/303卧室烟感";
/// Smoke detector on the fifth floor that falls silent (Zigbee).
pub(crate) const FIFTH_FLOOR: &str = "3号楼/501烟感";
/// Entrance door (Zigbee).
pub(crate) const ENTRANCE: &str = "3号楼/大门";
/// Smoke and temperature transmitter in the corridor of the third floor (Modbus).
pub(crate) const TRANSMITTER: &str = "riser-3/corridor-3f";
/// Door controller of the bicycle cellar (Modbus).
pub(crate) const CELLAR_DOOR: &str = "riser-3/cellar-door";
/// Camera, and the zone that nobody should enter.
pub(crate) const CAMERA: &str = "roof_3";
/// That zone.
pub(crate) const ZONE: &str = "restricted_roof";

/// Modbus unit of the transmitter.
pub(crate) const TRANSMITTER_UNIT: u8 = 1;
/// Modbus unit of the door controller.
pub(crate) const DOOR_UNIT: u8 = 2;

/// Temperature of a quiet corridor, °C.
pub(crate) const QUIET_C: f32 = 24.0;
/// Obscuration of clean air as a real sensor shows it, %/m.
pub(crate) const QUIET_OBSCURATION: f64 = 0.05;

/// The fifth floor's detector counts as silent after this long, in seconds of the story (NFPA 72: 200 s).
const SILENT_AFTER_S: u32 = 200;

/// The agent's configuration of the building.
pub(crate) fn building(modbus_port: u16, speed: f64) -> Building {
    let bundles = repository().join("models").display().to_string();
    let poll_ms = if speed > 2.0 { 100 } else { 500 };
    let id = e2e::zigbee::device_id;
    Building::new()
        .device(&id(KITCHEN), "3", "302 厨房", 0)
        .device(&id(BEDROOM), "3", "303 卧室", 0)
        .device(&id(FIFTH_FLOOR), "3", "501 过道", SILENT_AFTER_S)
        .device(&id(ENTRANCE), "3", "大门", 0)
        .device(TRANSMITTER, "3", "三层走廊", 0)
        .device(CELLAR_DOOR, "3", "自行车库", 0)
        .device(&format!("frigate/{CAMERA}"), "3", "天台", 0)
        .device(&format!("frigate/{CAMERA}/{ZONE}"), "3", "天台禁区", 0)
        .line("riser-3", modbus_port, 500, "per_unit")
        .unit(
            TRANSMITTER_UNIT,
            TRANSMITTER,
            "modbus-smoke-temperature-transmitter",
            poll_ms,
        )
        .unit(DOOR_UNIT, CELLAR_DOOR, "modbus-door-controller", poll_ms)
        .with(toml! {
            rehearsal = { speed = speed }
            model = { bundles = bundles }
        })
}

/// What the Modbus units show when nothing happens.
pub(crate) fn quiet(modbus: &ModbusSim) {
    modbus.set_transmitter(TRANSMITTER_UNIT, QUIET_C, QUIET_OBSCURATION);
    modbus.set_door(DOOR_UNIT, false, false, false);
}

/// The sensors that publish.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) zigbee: ZigbeeSim,
    pub(crate) frigate: FrigateSim,
}

impl House {
    pub(crate) async fn open(broker_port: u16) -> Result<Self> {
        Ok(Self {
            zigbee: ZigbeeSim::connect(broker_port).await?,
            frigate: FrigateSim::connect(broker_port).await?,
        })
    }
}
