//! The side of the child.
//!
//! Two tasks: the **uplink** sends case documents, the **line** sends heartbeats, which the parent holds
//! until it asks for something. With several hubs on one store one of them holds the link by a lease; what
//! two of them send at once is harmless.
//!
//! What survives a crash: the place in the events and the commands that were applied are rows of the store,
//! written with what they are about. Memory holds one batch, however long the parent was away.

pub mod client;
pub mod command;
pub mod document;
pub mod line;
pub mod link;
pub mod page;
pub mod rows;
pub mod state;
pub mod uplink;
