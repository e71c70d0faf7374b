//! Retained inventories as bridges leave them at a broker: many devices that nobody configured.

use anyhow::Result;
use serde_json::{Value, json};

use crate::line::Line;
use crate::mqtt::Publisher;

/// What stands in an inventory.
#[derive(Debug, Clone, Copy)]
pub struct Inventory {
    /// Smoke detectors in Zigbee2MQTT's `bridge/devices`.
    pub zigbee: usize,
    /// Water detectors with a Home Assistant discovery message each.
    pub home_assistant: usize,
}

impl Inventory {
    /// Devices in it.
    #[must_use]
    pub fn devices(&self) -> usize {
        self.zigbee + self.home_assistant
    }

    /// Stops a line's agent, makes the broker forget the agent's session, and leaves the inventory there:
    /// what the agent then finds is retained state, not messages that were kept for it.
    ///
    /// # Errors
    /// When the broker does not come back or does not take it.
    pub async fn leave_before(&self, line: &mut Line) -> Result<()> {
        line.agent.kill()?;
        line.broker.kill()?;
        std::fs::remove_file(line.broker_state()).ok();
        line.broker.start_again().await?;
        self.leave(line.broker.port()).await
    }

    /// Leaves it at a broker, retained, with a last state of each device that would be an alarm if it
    /// were new.
    ///
    /// # Errors
    /// When the broker does not take it.
    pub async fn leave(&self, broker_port: u16) -> Result<()> {
        let mut publisher = Publisher::connect(broker_port, "inventory").await?;
        let devices: Vec<Value> = (0..self.zigbee).map(zigbee_device).collect();
        let all = Value::from(devices).to_string();
        let mut send = async |topic: String, payload: String| {
            publisher.send(&topic, payload.as_bytes(), true).await
        };
        send("zigbee2mqtt/bridge/devices".into(), all).await?;
        for number in 0..self.zigbee {
            let state = r#"{"smoke":true,"battery":97,"linkquality":80}"#;
            send(format!("zigbee2mqtt/hall {number}"), state.into()).await?;
        }
        for number in 0..self.home_assistant {
            let (topic, config) = leak_config(number);
            send(topic, config.to_string()).await?;
            send(format!("leak/{number}/state"), "ON".into()).await?;
        }
        publisher.settle().await
    }
}

/// An entry of `bridge/devices`, in the shape that Zigbee2MQTT documents.
fn zigbee_device(number: usize) -> Value {
    json!({
        "ieee_address": format!("0x{:016x}", 0x0015_8d00_0000_0000_u64 + number as u64),
        "type": "EndDevice",
        "network_address": 1 + number % 65_000,
        "supported": true,
        "disabled": false,
        "friendly_name": format!("hall {number}"),
        "definition": {
            "source": "native",
            "model": "HS1SA",
            "vendor": "HEIMAN",
            "description": "Smoke detector",
            "exposes": [
                expose("binary", "smoke", "Indicates whether the device detected smoke", true),
                expose("binary", "battery_low", "Indicates if the battery is almost empty", true),
                expose("numeric", "battery", "Remaining battery in %", false),
                expose("numeric", "linkquality", "Link quality (signal strength)", false),
            ],
            "options": [],
        },
        "power_source": "Battery",
        "interviewing": false,
        "interview_completed": true,
    })
}

fn expose(form: &str, name: &str, description: &str, is_binary: bool) -> Value {
    let mut expose = json!({
        "type": form, "name": name, "property": name, "label": name, "access": 1,
        "description": description,
    });
    if is_binary {
        expose["value_on"] = true.into();
        expose["value_off"] = false.into();
    } else {
        expose["unit"] = "%".into();
    }
    expose
}

fn leak_config(number: usize) -> (String, Value) {
    let config = json!({
        "name": null,
        "unique_id": format!("leak{number}"),
        "device_class": "moisture",
        "state_topic": format!("leak/{number}/state"),
        "device": {
            "identifiers": [format!("leak{number}")],
            "name": format!("Leak {number}"),
            "manufacturer": "Example",
            "model": "L1",
        },
    });
    let topic = format!("homeassistant/binary_sensor/leak{number}/config");
    (topic, config)
}
