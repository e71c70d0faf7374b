//! Hubs above and below: district → city → province.
//!
//! [`up`] is the side of the child: it tells its parent of its cases as one more reader of its own events, and
//! does what the parent asks for. [`children`] is the side of the parent: it keeps what its children tell,
//! apart from its own cases, and hands down what its officers ask for. One hub may be both.
//!
//! Connections are only opened upward, so a child needs no address that its parent can reach. What makes the
//! way exactly once: `gridwatch_protocol::UpwardBatch`.

pub mod children;
pub mod config;
pub mod up;

pub use config::ParentSettings;
