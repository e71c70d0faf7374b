//! From readings to alerts.

pub mod features;
pub mod model;
