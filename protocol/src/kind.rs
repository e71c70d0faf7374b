//! The closed list of what a reading or an alert can be about.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What a reading or an alert is about. A closed list; what has no kind of its own is `other`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum Kind {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
            /// Anything without a kind of its own, and kinds that a newer sender knows.
            #[serde(other)]
            Other,
        }

        impl Kind {
            /// Every kind, `other` last.
            pub const ALL: &'static [Kind] = &[$(Kind::$variant,)* Kind::Other];

            /// The name on the wire and in configuration files.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Kind::$variant => $name,)*
                    Kind::Other => "other",
                }
            }
        }
    };
}

kinds! {
    /// Smoke: true = alarm; or obscuration in %/m.
    Smoke = "smoke",
    /// Heat alarm of a detector: true = alarm.
    Heat = "heat",
    /// Combustible gas: true = alarm; or a concentration in ppm or %LEL.
    Gas = "gas",
    /// Carbon monoxide: true = alarm; or a concentration in ppm.
    CarbonMonoxide = "carbon_monoxide",
    /// Carbon dioxide, ppm.
    Co2 = "co2",
    /// Volatile organic compounds, ppb or an index.
    Voc = "voc",
    /// Fine dust, µg/m³.
    Pm25 = "pm25",
    /// Temperature, °C.
    Temperature = "temperature",
    /// Relative humidity, %RH.
    Humidity = "humidity",
    /// Water where there should be none: true = leak.
    WaterLeak = "water_leak",
    /// Water level, m.
    WaterLevel = "water_level",
    /// Door or window: true = OPEN.
    Door = "door",
    /// Lock: `locked`, `unlocked`, `jammed`, `not_fully_locked`.
    Lock = "lock",
    /// Door opened without release: true.
    DoorForced = "door_forced",
    /// Door held open too long: true.
    DoorHeld = "door_held",
    /// Access granted; the value is the hashed credential or the method.
    AccessGranted = "access_granted",
    /// Access denied; the value is the hashed credential or the reason.
    AccessDenied = "access_denied",
    /// Housing opened or device moved: true.
    Tamper = "tamper",
    /// Movement: true = detected.
    Motion = "motion",
    /// Presence: true = occupied; or a count.
    Occupancy = "occupancy",
    /// Object seen by a camera; the value is its label, false = gone.
    CameraObject = "camera_object",
    /// Movement in a camera's picture: true.
    CameraMotion = "camera_motion",
    /// A line or zone border was crossed.
    LineCrossing = "line_crossing",
    /// Camera picture lost: true.
    VideoLoss = "video_loss",
    /// Vibration: true, or m/s².
    Vibration = "vibration",
    /// Mains or electrical power: true = present; or W.
    Power = "power",
    /// Battery: %, V, or `low` / `ok`.
    Battery = "battery",
    /// Quality of a radio link, in the device's own unit.
    LinkQuality = "link_quality",
    /// Whether a device can be reached: true = online.
    Availability = "availability",
    /// A self-test or a pressed test button: true. Never a hazard.
    AlarmTest = "alarm_test",
}

impl Kind {
    /// Whether an alert of this kind concerns life safety: it is sent first, is never evicted from a
    /// full disk before telemetry, and is never hidden by a silence.
    #[must_use]
    pub fn is_life_safety(self) -> bool {
        matches!(
            self,
            Kind::Smoke | Kind::Heat | Kind::Gas | Kind::CarbonMonoxide
        )
    }

    /// The kind with this name, if it is in the list.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
