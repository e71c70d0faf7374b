//! The channels of a room and the fixed numbers of each: what is physically possible, what a common
//! sensor resolves, which rise and which rate matter.
//!
//! Fine dust is a channel of its own and is never added to the smoke channel: dust and smoke of the same
//! obscuration differ several times over in mass.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the model knows of a room's air. The order is that of the features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Obscuration by smoke, %/m.
    Smoke,
    /// Fine dust, PM2.5, µg/m³.
    Pm25,
    /// Carbon monoxide, ppm.
    CarbonMonoxide,
    /// Volatile organic compounds, ppb or the sensor's index.
    Voc,
    /// Air temperature, °C.
    Temperature,
    /// Relative humidity, %.
    Humidity,
    /// Carbon dioxide, ppm.
    Co2,
}

impl Channel {
    /// All channels, in the order of the features.
    pub const ALL: [Channel; 7] = [
        Channel::Smoke,
        Channel::Pm25,
        Channel::CarbonMonoxide,
        Channel::Voc,
        Channel::Temperature,
        Channel::Humidity,
        Channel::Co2,
    ];

    /// The name in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Channel::Smoke => "smoke",
            Channel::Pm25 => "pm25",
            Channel::CarbonMonoxide => "carbon_monoxide",
            Channel::Voc => "voc",
            Channel::Temperature => "temperature",
            Channel::Humidity => "humidity",
            Channel::Co2 => "co2",
        }
    }

    /// The unit that values are given in.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Channel::Smoke => "%/m",
            Channel::Pm25 => "µg/m³",
            Channel::CarbonMonoxide | Channel::Co2 => "ppm",
            Channel::Voc => "",
            Channel::Temperature => "°C",
            Channel::Humidity => "%",
        }
    }

    /// Its fixed numbers.
    #[must_use]
    pub fn constants(self) -> Constants {
        let of = |min, max, scale_min, step, rate_per_min| Constants {
            min,
            max,
            scale_min,
            step,
            rate_per_min,
        };
        match self {
            // 12.5 %/m is the least sensitive alarm point of UL 217 (4 %/ft).
            Channel::Smoke => of(-5.0, 100.0, 0.3, 5.0, 2.0),
            // 150 µg/m³ is about where the US air quality index becomes "very unhealthy".
            Channel::Pm25 => of(0.0, 10_000.0, 5.0, 150.0, 50.0),
            // 30 ppm is where EN 50291-1 allows no alarm before 120 min.
            Channel::CarbonMonoxide => of(-50.0, 10_000.0, 2.0, 30.0, 10.0),
            Channel::Voc => of(0.0, 100_000.0, 10.0, 200.0, 50.0),
            // 8 °C/min is about where rate-of-rise heat detectors of EN 54-5 respond.
            Channel::Temperature => of(-60.0, 600.0, 0.3, 10.0, 8.0),
            Channel::Humidity => of(0.0, 105.0, 1.5, 15.0, 5.0),
            Channel::Co2 => of(0.0, 50_000.0, 30.0, 600.0, 100.0),
        }
    }

    /// Whether clean air reads 0, so that a value that stays there is no fault, and nothing less is usual.
    #[must_use]
    pub fn rests_at_zero(self) -> bool {
        matches!(
            self,
            Channel::Smoke | Channel::Pm25 | Channel::CarbonMonoxide | Channel::Voc
        )
    }

    /// Its place in [`Channel::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The fixed numbers of a channel, in its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Constants {
    /// Least value that is physically possible.
    pub min: f64,
    /// Greatest value that is physically possible.
    pub max: f64,
    /// The scale is never taken as less: resolution and noise of a common sensor.
    pub scale_min: f64,
    /// A rise that matters.
    pub step: f64,
    /// A rate per minute that matters.
    pub rate_per_min: f64,
}

impl Constants {
    /// The value, held to what is physically possible.
    #[must_use]
    pub fn hold(&self, value: f64) -> f64 {
        value.clamp(self.min, self.max)
    }

    /// Whether the value is physically possible.
    #[must_use]
    pub fn allows(&self, value: f64) -> bool {
        (self.min..=self.max).contains(&value)
    }
}
