//! The harness of the end-to-end tests and of the demo: starts the built `hub` and `edge-agent` and a
//! real Mosquitto, simulates the sensors in their own protocols, breaks links on purpose, and looks at
//! the result through the officers' API.
//!
//! It must never link the agent or the hub: what is tested is what is shipped. Everything listens on
//! loopback and on free ports, lives in temporary folders, and is killed when its handle is dropped.

pub mod agent;
pub mod broker;
pub mod building;
pub mod eventually;
pub mod fault_proxy;
pub mod fire;
pub mod frigate;
pub mod hub;
pub mod inventory;
pub mod line;
pub mod metrics;
pub mod modbus;
pub mod mqtt;
pub mod officer;
pub mod paths;
pub mod power_cut;
pub mod process;
pub mod small_disk;
pub mod sse;
pub mod statistics;
pub mod storm;
pub mod workspace;
pub mod zigbee;

pub use agent::Agent;
pub use broker::Broker;
pub use building::Building;
pub use eventually::{eventually, within};
pub use fault_proxy::FaultProxy;
pub use fire::FireReplay;
pub use frigate::FrigateSim;
pub use hub::Hub;
pub use line::{Line, LineOptions};
pub use modbus::ModbusSim;
pub use mqtt::Publisher;
pub use officer::Officer;
pub use sse::LiveFeed;
pub use workspace::Workspace;
pub use zigbee::ZigbeeSim;
