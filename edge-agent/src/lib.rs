//! The Gridwatch edge agent: reads a site's sensors over MQTT and Modbus, detects alarms by rules and
//! a small anomaly model, and delivers them durably to the hub.
//!
//! Data flows one way; the modules stand in its order:
//! [`sources`] → [`gridwatch_decode`] → [`detection`] → [`outbox`] → [`uplink`], joined by
//! [`pipeline`]. `gridwatch_decode` and `detection` are pure: values and `now` in, values out.
//! Only [`agent`] starts tasks; only [`clock`] reads a clock.

pub mod agent;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod detection;
pub mod fault_output;
pub mod health;
pub mod outbox;
pub mod pipeline;
pub mod profiles;
pub mod pseudonym_key;
pub mod quarantine;
pub mod sources;
pub mod telemetry;
pub mod uplink;
