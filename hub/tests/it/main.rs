//! The hub on real sockets, real files and real databases and, where it matters, as a real process.
//!
//! Every test that touches the store runs twice: under `sqlite::` and under `postgres::`. A test file is
//! named once, in `on_every_store!`, and finds the hub of its store in `super::harness`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::duplicate_mod, reason = "every test runs on both stores")]

mod command_line;
mod postgres_server;
mod postgres_tls;

macro_rules! on_every_store {
    ($($file:ident)*) => {
        /// One file for each test.
        #[path = "."]
        mod sqlite {
            pub(crate) const STORE: super::Kind = super::Kind::Sqlite;
            mod failing_disk;
            mod measured_city;
            $(mod $file;)*
        }

        /// One database on one real server for each test.
        #[path = "."]
        mod postgres {
            pub(crate) const STORE: super::Kind = super::Kind::Postgres;
            mod directory_several;
            mod notify_several;
            mod plans;
            mod several_hubs;
            $(mod $file;)*
        }
    };
}

/// Which store a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

on_every_store! {
    areas
    audit
    audit_verify
    backup
    cases_api
    closed_loop
    commissioning
    correlation
    deliveries
    evidence
    directory
    gateways
    harness
    history
    intake
    live
    manners
    map
    notify
    parent
    outside
    people
    process
    reports
    retention
    rights
    roster
    sign_in
    silence
    timers
    tls
}
