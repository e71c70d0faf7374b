//! The context group: what several channels say together, and what else is known of the room.
//!
//! Trap: the model promises that more smoke, carbon monoxide or heat never lowers its score. So the water
//! in the air is reckoned at the room's usual temperature (heat alone must not look like steam), and what
//! channels say together is the lesser of the two, which no rise can lower. The two ratios do fall when
//! their second channel rises; a model that keeps the promise gives them no weight between fire and the
//! rest.

use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};

use super::PER_GROUP;
use super::channel::Channel;
use super::hours::hour_of_week;
use super::state::{ChannelState, Time, local, narrow, squash};

/// Names of the context features, in order.
pub const CONTEXT_NAMES: [&str; PER_GROUP] = [
    "absolute_humidity",
    "smoke_co_ratio",
    "smoke_voc_ratio",
    "smoke_and_co",
    "smoke_and_heat",
    "hour_sin",
    "hour_cos",
    "occupancy_expected",
    "door_opened",
    "camera_fire",
];
/// An opened door counts for so long.
const DOOR_MS: Time = 300_000;
/// What a camera saw counts for so long.
const CAMERA_MS: Time = 60_000;
/// An expectation of people holds for so long without a new one.
const OCCUPANCY_MS: Time = 2 * 3_600_000;

/// What else is known of a room, told by the caller.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Observation {
    /// A door or window of the room was opened.
    DoorOpened,
    /// How likely people are there at this time, 0 to 1, from the counts of other weeks.
    OccupancyExpected(f64),
    /// A camera's score for a label such as smoke or fire, 0 to 1.
    CameraFire(f64),
}

/// What is known besides the channels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Context {
    door: Option<Timestamp>,
    occupancy: Option<(Timestamp, f64)>,
    camera: Option<(Timestamp, f64)>,
}

/// The context as a person would describe it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ContextView {
    /// Water in the air above what is usual, g/kg at the usual temperature.
    pub absolute_humidity: Option<f64>,
    /// Seconds since a door was opened, up to 300.
    pub door_opened_s: Option<f64>,
    /// How likely people are there, 0 to 1.
    pub occupancy_expected: Option<f64>,
    /// The highest score of a camera for smoke or fire in the last minute.
    pub camera_fire: Option<f64>,
}

impl Context {
    /// Takes what was observed; `false` when its number is not finite.
    pub(super) fn observe(&mut self, at: Timestamp, observation: Observation) -> bool {
        match observation {
            Observation::DoorOpened => self.door = Some(at),
            Observation::OccupancyExpected(p) | Observation::CameraFire(p) if !p.is_finite() => {
                return false;
            }
            Observation::OccupancyExpected(p) => self.occupancy = Some((at, p.clamp(0.0, 1.0))),
            Observation::CameraFire(score) => {
                let score = score.clamp(0.0, 1.0);
                let held = fresh(self.camera, at, CAMERA_MS);
                if held.is_none_or(|held| score >= held) {
                    self.camera = Some((at, score));
                }
            }
        }
        true
    }

    /// Moves all times with a clock step.
    pub(super) fn shift(&mut self, step: Time) {
        self.door = self.door.map(|at| at.plus_ms(step));
        self.occupancy = self.occupancy.map(|(at, p)| (at.plus_ms(step), p));
        self.camera = self.camera.map(|(at, p)| (at.plus_ms(step), p));
    }

    pub(super) fn view(&self, channels: &Channels, now: Timestamp) -> ContextView {
        let door = fresh(self.door.map(|at| (at, at)), now, DOOR_MS);
        ContextView {
            absolute_humidity: channels.absolute_humidity_change(now),
            door_opened_s: door.map(|at| super::state::seconds(now.ms_since(at).max(0))),
            occupancy_expected: fresh(self.occupancy, now, OCCUPANCY_MS),
            camera_fire: fresh(self.camera, now, CAMERA_MS),
        }
    }

    /// The context features; `hour` is left out (0) before there is a time.
    pub(super) fn features(
        &self,
        channels: &Channels,
        now: Option<Timestamp>,
        offset_ms: Time,
    ) -> [f32; PER_GROUP] {
        let Some(now) = now else {
            return [0.0; PER_GROUP];
        };
        let view = self.view(channels, now);
        let rise = |channel| channels.rise(channel, now);
        let smoke = match (rise(Channel::Smoke), rise(Channel::Pm25)) {
            (Some(smoke), Some(dust)) => Some(smoke.max(dust)),
            (smoke, dust) => smoke.or(dust),
        };
        let ratio = |other: Option<f64>| match (smoke, other) {
            (Some(smoke), Some(other)) => ((1.0 + smoke) / (1.0 + other)).ln(),
            _ => 0.0,
        };
        let both = |other: Option<f64>| match (smoke, other) {
            (Some(smoke), Some(other)) => squash(smoke.min(other)),
            _ => 0.0,
        };
        let angle = hour_of_week(local(now, offset_ms)) / 24.0 * std::f64::consts::TAU;
        [
            squash(view.absolute_humidity.unwrap_or(0.0)),
            ratio(rise(Channel::CarbonMonoxide)),
            ratio(rise(Channel::Voc)),
            both(rise(Channel::CarbonMonoxide)),
            both(rise(Channel::Temperature)),
            angle.sin(),
            angle.cos(),
            view.occupancy_expected.map_or(0.0, |p| 2.0 * p - 1.0),
            f64::from(u8::from(view.door_opened_s.is_some())),
            view.camera_fire.unwrap_or(0.0),
        ]
        .map(narrow)
    }

    /// Whether every number is one that observations can lead to.
    pub(super) fn is_sound(&self) -> bool {
        [self.occupancy, self.camera]
            .into_iter()
            .flatten()
            .all(|(_, p)| (0.0..=1.0).contains(&p))
    }
}

/// What is no older than `limit`. What comes from the future is taken as new.
fn fresh<T>(seen: Option<(Timestamp, T)>, now: Timestamp, limit: Time) -> Option<T> {
    seen.filter(|(at, _)| now.ms_since(*at) <= limit)
        .map(|(_, what)| what)
}

/// The channels of a room, as the context sees them.
pub(super) struct Channels<'a>(pub(super) &'a [Option<ChannelState>; Channel::ALL.len()]);

impl Channels<'_> {
    fn present(&self, channel: Channel, now: Timestamp) -> Option<&ChannelState> {
        self.0[channel.index()]
            .as_ref()
            .filter(|state| state.is_present(now))
    }

    /// How far a channel is above its level, in steps that matter; never below 0.
    fn rise(&self, channel: Channel, now: Timestamp) -> Option<f64> {
        let (value, level) = self.present(channel, now)?.value_and_level();
        Some(((value - level) / channel.constants().step).max(0.0))
    }

    /// g of water per kg of dry air, now less usual, both at the room's usual temperature.
    fn absolute_humidity_change(&self, now: Timestamp) -> Option<f64> {
        let (_, usual_c) = self.present(Channel::Temperature, now)?.value_and_level();
        let (humidity, usual) = self.present(Channel::Humidity, now)?.value_and_level();
        Some(mixing_ratio(usual_c, humidity) - mixing_ratio(usual_c, usual))
    }
}

/// g of water per kg of dry air at 1013.25 hPa. Saturation pressure after Magnus with the constants of
/// Sonntag (1990); held to −40 to 60 °C, where the formula is fit and pressure stays far above it.
fn mixing_ratio(celsius: f64, humidity_percent: f64) -> f64 {
    let t = celsius.clamp(-40.0, 60.0);
    let saturation = 6.112 * (17.62 * t / (243.12 + t)).exp();
    let vapour = humidity_percent.clamp(0.0, 100.0) / 100.0 * saturation;
    622.0 * vapour / (1013.25 - vapour)
}
