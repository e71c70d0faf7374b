//! Sensors behind a Zigbee2MQTT bridge, as that bridge publishes them: one JSON object per device on
//! `zigbee2mqtt/<friendly name>`, QoS 1.

use anyhow::Result;
use serde_json::json;

use crate::mqtt::Publisher;

/// A bridge with its devices.
#[derive(Debug)]
pub struct ZigbeeSim {
    publisher: Publisher,
}

impl ZigbeeSim {
    /// Connects the bridge to the broker.
    ///
    /// # Errors
    /// When the broker is not there.
    pub async fn connect(port: u16) -> Result<Self> {
        let publisher = Publisher::connect(port, "zigbee2mqtt").await?;
        Ok(Self { publisher })
    }

    /// State of a smoke detector, as HEIMAN HS1SA and others report it.
    ///
    /// # Errors
    /// When the broker is lost.
    pub async fn smoke(&mut self, name: &str, alarm: bool) -> Result<()> {
        self.publish(name, smoke_payload(alarm).as_bytes(), false)
            .await
    }

    /// The same, retained by the broker.
    ///
    /// # Errors
    /// When the broker is lost.
    pub async fn smoke_retained(&mut self, name: &str, alarm: bool) -> Result<()> {
        self.publish(name, smoke_payload(alarm).as_bytes(), true)
            .await
    }

    /// State of a door contact.
    ///
    /// # Errors
    /// When the broker is lost.
    pub async fn contact(&mut self, name: &str, open: bool) -> Result<()> {
        let payload = json!({"contact": !open, "battery": 97, "linkquality": 156, "voltage": 3000});
        self.publish(name, payload.to_string().as_bytes(), false)
            .await
    }

    /// A kitchen detector that also measures temperature.
    ///
    /// # Errors
    /// When the broker is lost.
    pub async fn smoke_and_temperature(
        &mut self,
        name: &str,
        alarm: bool,
        temperature_c: f64,
    ) -> Result<()> {
        let rounded = (temperature_c * 10.0).round() / 10.0;
        let payload = json!({
            "smoke": alarm, "temperature": rounded, "battery": 91, "linkquality": 120,
        });
        self.publish(name, payload.to_string().as_bytes(), false)
            .await
    }

    /// Any payload on a device's topic; waits for the broker's acknowledgement.
    ///
    /// # Errors
    /// When the broker is lost.
    pub async fn publish(&mut self, name: &str, payload: &[u8], retain: bool) -> Result<()> {
        self.publisher.publish(&topic(name), payload, retain).await
    }

    /// The connection itself, for everything else.
    pub fn publisher(&mut self) -> &mut Publisher {
        &mut self.publisher
    }
}

/// The payload of a smoke detector.
#[must_use]
pub fn smoke_payload(alarm: bool) -> String {
    json!({"smoke": alarm, "battery": 100, "battery_low": false, "linkquality": 134, "tamper": false})
        .to_string()
}

/// The topic of a device.
#[must_use]
pub fn topic(name: &str) -> String {
    format!("zigbee2mqtt/{name}")
}

/// The device's id in alerts and at the hub.
#[must_use]
pub fn device_id(name: &str) -> String {
    format!("zigbee2mqtt/{name}")
}
