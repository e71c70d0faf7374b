//! Notifications: what happens to cases, told to people and programs outside the hub.
//!
//! ```text
//! events in the store ─ cursor ─ policy (pure) ─ rows ─ quota (pure) ─ claim ─ sender ─ receipt
//! ```
//!
//! The task follows the numbered events of the store with a cursor that is stored beside them, and
//! writes one row for each message that is due, in the transaction that moves the cursor: a row is
//! made exactly once. Rows are claimed by lease within the quota of their channel and sent; what
//! became of it is written to the row. So sending is at least once: a hub that is killed between a
//! send and its receipt sends again, under the same message id.
//!
//! - Never drops anything without a row that says why; never sends more than a provider's published
//!   limit; never lets a P1 wait behind anything less.
//! - Never connects to an address inside the hub's own network that the administrator did not list
//!   (see [`guard`]); never follows a redirect.
//! - Never logs, stores or shows a secret: addresses of robots count as secrets.
//! - `policy`, `quota`, `retry`, `text` and `template` are pure.

mod called;
pub mod config;
pub mod facts;
pub mod guard;
pub mod heads;
pub mod people;
pub mod plan;
pub mod policy;
pub mod quota;
pub mod retry;
pub mod rows;
pub mod secret;
pub mod send;
pub mod template;
pub mod text;
pub mod worker;
