//! Reads a site's sensors, detects alarms, and delivers them durably to the Gridwatch hub.

pub mod detection;
