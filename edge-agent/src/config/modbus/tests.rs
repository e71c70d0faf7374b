//! Transports and their mistakes.

use super::*;

fn check(text: &str) -> Lines {
    let table: toml::Table = toml::from_str(text).expect("TOML");
    let files = table["modbus"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|entry| entry.clone().try_into().expect("an entry"))
        .collect();
    let profile = include_str!("../../../../configs/devices/modbus-door-controller.toml");
    lines(files, &[Profile::parse(profile).expect("a profile")])
}

const UNITS: &str = r#"units = [
    { unit = 1, device = "a", profile = "modbus-door-controller" },
    { unit = 2, device = "b", profile = "modbus-door-controller" },
]"#;

#[test]
fn each_transport_has_its_defaults() {
    let Lines {
        lines, problems, ..
    } = check(&format!(
        r#"
        [[modbus]]
        name = "net"
        host = "127.0.0.1"
        {UNITS}
        [[modbus]]
        name = "server"
        transport = "rtu_over_tcp"
        host = "127.0.0.1"
        port = 4001
        {UNITS}
        [[modbus]]
        name = "riser"
        transport = "rtu"
        device = "/dev/ttyUSB0"
        parity = "even"
        {UNITS}
        "#
    ));
    assert_eq!(problems, Vec::<String>::new());
    // Units of Modbus TCP have connections of their own; a serial line has one queue.
    let shown: Vec<(&str, usize)> = lines
        .iter()
        .map(|line| (line.name.as_str(), line.units.len()))
        .collect();
    assert_eq!(shown, [("net", 1), ("net", 1), ("server", 2), ("riser", 2)]);
    assert_eq!(
        lines[2].transport,
        ModbusTransport::RtuOverTcp {
            host: "127.0.0.1".to_owned(),
            port: 4001,
            baud_rate: 9600
        }
    );
    assert_eq!(
        lines[3].transport,
        ModbusTransport::Rtu(SerialConfig {
            device: "/dev/ttyUSB0".into(),
            baud_rate: 9600,
            data_bits: 8,
            parity: Parity::Even,
            stop_bits: 1
        })
    );
}

#[test]
fn every_mistake_of_a_line_is_named() {
    let problems = check(&format!(
        r#"
        [[modbus]]
        name = "riser"
        transport = "rtu"
        host = "192.0.2.1"
        baud_rate = 10
        data_bits = 7
        stop_bits = 3
        timeout_ms = 1
        pause_ms = 20000
        connection = "per_unit"
        units = [{{ unit = 0, device = "a", profile = "none", interval_ms = 5 }}]
        [[modbus]]
        name = "net"
        device = "/dev/ttyUSB0"
        {UNITS}
        [[modbus]]
        name = "one"
        transport = "rtu_over_tcp"
        host = "192.0.2.1"
        {UNITS}
        [[modbus]]
        name = "two"
        host = "192.0.2.1"
        allow_plaintext = true
        {UNITS}
        "#
    ))
    .problems;
    for wanted in [
        "[[modbus]] `riser`: host goes with the network",
        "baud_rate 10: must be 300 to 1000000",
        "data_bits 7: RTU sends whole bytes",
        "stop_bits 3: must be 1 or 2",
        "device is missing",
        "timeout_ms must be 10 to 60000",
        "pause_ms must be 0 to 10000",
        "connection = \"per_unit\"",
        "unit 0: `none` is not a loaded Modbus profile",
        "unit 0: interval_ms must be 20",
        "unit 0: on a serial line",
        "[[modbus]] `net`: device goes with a serial port",
        "[[modbus]] `net`: host is missing",
        "[[modbus]] `one`: Modbus knows no protection",
        "[[modbus]] `two`: `192.0.2.1:502` is already the line `one`",
    ] {
        assert!(
            problems.iter().any(|p| p.contains(wanted)),
            "{wanted} not among {problems:#?}"
        );
    }
    assert_eq!(problems.len(), 15, "{problems:#?}");
}
