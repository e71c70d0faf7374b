//! The defaults are complete, and mistakes are reported all at once.

use std::fs;

use super::*;

fn write(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temp dir");
    let path = dir.path().join("edge.toml");
    fs::create_dir(dir.path().join("devices")).expect("a folder");
    for name in ["xy-md02", "modbus-door-controller"] {
        let from = format!(
            "{}/../configs/devices/{name}.toml",
            env!("CARGO_MANIFEST_DIR")
        );
        fs::copy(from, dir.path().join(format!("devices/{name}.toml"))).expect("copied");
    }
    fs::write(&path, text).expect("written");
    (dir, path)
}

const SOURCE: &str = "[[mqtt]]\nname = \"zigbee\"\nsubscribe = [\"zigbee2mqtt/#\"]\n";

#[test]
fn a_file_with_one_source_is_enough() {
    let (_dir, path) = write(SOURCE);
    let loaded = load(&path);
    assert_eq!(loaded.problems, Vec::<String>::new());
    let config = loaded.config.expect("a configuration");
    assert_eq!(config.mqtt[0].port, 1883);
    assert!(
        config
            .detection
            .rules
            .iter()
            .any(|rule| rule.name == "smoke")
    );
    assert_eq!(config.profiles.len(), 2);
}

#[test]
fn every_mistake_is_reported_at_once() {
    let (_dir, path) = write(
        r#"
        [agent]
        state_dirr = "/tmp"
        [health]
        listen = "0.0.0.0:9470"
        [outbox]
        reserve_mib = "four"
        [telemetry]
        interval_s = -1
        [mqqt]
        [[mqtt]]
        name = "zigbee"
        host = "192.0.2.1"
        subscribe = ["a/#/b"]
        [[modbus]]
        name = "riser"
        host = "127.0.0.1"
        [[modbus.units]]
        unit = 1
        device = "door"
        profile = "no-such-profile"
        [[devices]]
        id = "zigbee2mqtt/a"
        plaace = {}
        [[more_rules]]
        name = "odd"
        kind = "smoke"
        when = { above = 5.0, clear_below = 9.0, hold_s = 0 }
        severity = "P1"
        "#,
    );
    let loaded = load(&path);
    assert!(loaded.config.is_none());
    for wanted in [
        "[agent] state_dirr: no such key",
        "[health] listen `0.0.0.0:9470`: must be a loopback address",
        "[outbox] reserve_mib: expected integer, got string",
        "is not this machine",
        "`a/#/b` is not a topic filter",
        "`no-such-profile` is not a loaded Modbus profile",
        "[[devices]] number 1",
        "rule `odd`",
    ] {
        assert!(
            loaded.problems.iter().any(|p| p.contains(wanted)),
            "{wanted} not among {:#?}",
            loaded.problems
        );
    }
    assert_eq!(loaded.problems.len(), 10, "{:#?}", loaded.problems);
}

#[test]
fn a_missing_file_and_broken_toml_are_one_clear_problem() {
    let loaded = load(std::path::Path::new("/nonexistent/edge.toml"));
    assert!(loaded.problems[0].contains("reading `/nonexistent/edge.toml`"));
    let (_dir, path) = write("[agent\n");
    assert_eq!(load(&path).problems.len(), 1);
}

#[test]
fn join_file_without_a_certificate_authority_is_refused() {
    let (dir, path) = write(&format!("[hub]\njoin = \"join.toml\"\n{SOURCE}"));
    let join = "[hub]\nurl = \"https://hub:8443\"\ngateway = \"gw 1\"\nsite = \"s\"\nkey = \"k\"\n";
    fs::write(dir.path().join("join.toml"), join).expect("written");
    let problems = load(&path).problems;
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(problems.iter().any(|p| p.contains("ca is missing")));
}
