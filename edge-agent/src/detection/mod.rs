//! From readings to alerts.

pub mod features;
