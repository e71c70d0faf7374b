//! A Frigate camera recorder: tracked-object events on `frigate/events`, the same id over `new`,
//! `update` and `end`.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use serde_json::{Value, json};

use crate::mqtt::Publisher;

const TOPIC: &str = "frigate/events";

/// A recorder with its cameras.
#[derive(Debug)]
pub struct FrigateSim {
    publisher: Publisher,
}

/// One tracked object.
#[derive(Debug, Clone)]
pub struct Tracked {
    id: String,
    camera: String,
    label: String,
    zones: Vec<String>,
    start: f64,
}

impl FrigateSim {
    /// Connects the recorder to the broker.
    ///
    /// # Errors
    /// When the broker is not there.
    pub async fn connect(port: u16) -> Result<Self> {
        let publisher = Publisher::connect(port, "frigate").await?;
        Ok(Self { publisher })
    }

    /// An object appears, in the zones that it has entered.
    ///
    /// # Errors
    /// When the broker is lost.
    pub async fn appears(&mut self, camera: &str, label: &str, zones: &[&str]) -> Result<Tracked> {
        let start = now_s();
        let tracked = Tracked {
            id: format!("{start:.6}-{:06x}", rand::random::<u32>() & 0x00ff_ffff),
            camera: camera.to_owned(),
            label: label.to_owned(),
            zones: zones.iter().map(|zone| (*zone).to_owned()).collect(),
            start,
        };
        self.tell("new", &tracked, None).await?;
        Ok(tracked)
    }

    /// The same object is told again, as Frigate does whenever its picture gets better.
    ///
    /// # Errors
    /// When the broker is lost.
    pub async fn updates(&mut self, tracked: &Tracked) -> Result<()> {
        self.tell("update", tracked, None).await
    }

    /// The object is gone.
    ///
    /// # Errors
    /// When the broker is lost.
    pub async fn ends(&mut self, tracked: &Tracked) -> Result<()> {
        self.tell("end", tracked, Some(now_s())).await
    }

    async fn tell(&mut self, kind: &str, tracked: &Tracked, end: Option<f64>) -> Result<()> {
        let payload = event(kind, tracked, end).to_string();
        self.publisher
            .publish(TOPIC, payload.as_bytes(), false)
            .await
    }
}

fn event(kind: &str, tracked: &Tracked, end: Option<f64>) -> Value {
    let after = json!({
        "id": tracked.id, "camera": tracked.camera, "frame_time": now_s(),
        "snapshot_time": tracked.start, "label": tracked.label, "sub_label": null,
        "top_score": 0.958_984_375, "score": 0.878_906_25, "false_positive": false,
        "start_time": tracked.start, "end_time": end, "box": [424, 500, 536, 712],
        "area": 23744, "region": [264, 450, 667, 853], "stationary": false,
        "current_zones": tracked.zones, "entered_zones": tracked.zones,
        "has_clip": false, "has_snapshot": true, "motionless_count": 0, "position_changes": 2,
        "attributes": {}, "current_attributes": [],
    });
    json!({"type": kind, "before": after, "after": after})
}

fn now_s() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}
