//! The hub on real sockets, real files and, where it matters, as a real process.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cases_api;
mod closed_loop;
mod command_line;
mod commissioning;
mod harness;
mod history;
mod intake;
mod live;
mod process;
mod sign_in;
mod silence;
mod tls;
