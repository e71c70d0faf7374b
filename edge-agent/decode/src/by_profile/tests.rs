//! Payload forms, conditions, limits and sub-devices, on profiles written for the purpose.

use gridwatch_protocol::{Quality, Timestamp, Value};

use super::*;
use crate::frame::RegisterBlock;
use crate::observation::Observation;
use crate::profile::Table;

fn mqtt(matching: &str, channels: &str) -> Profile {
    let text = format!(
        "schema = 1\nid = \"p\"\nname = {{ zh = \"一\", en = \"a\" }}\nsource = \"this test\"\n\
         [match]\ntransport = \"mqtt\"\ntopic = \"home/{{room}}/{{what}}\"\n{matching}\n\
         [device]\nid = \"{{room}}\"\n{channels}"
    );
    Profile::parse(&text).unwrap_or_else(|why| panic!("{}", why.join("\n")))
}

fn modbus(rest: &str) -> Profile {
    let text = format!(
        "schema = 1\nid = \"p\"\nname = {{ zh = \"一\", en = \"a\" }}\nsource = \"this test\"\n\
         [match]\ntransport = \"modbus\"\n{rest}"
    );
    Profile::parse(&text).unwrap_or_else(|why| panic!("{}", why.join("\n")))
}

fn read(profile: &Profile, topic: &str, payload: &str) -> (Vec<(String, Value)>, Vec<String>) {
    let now = Timestamp::from_unix_ms(1_800_000_000_000);
    let mut output = Output::default();
    let message = Message::new(topic, payload.as_bytes(), false, now);
    if let Err(why) = read_mqtt(profile, &message, &mut output) {
        output.problem(why.to_string());
    }
    (told(output.observations), output.problems)
}

fn told(observations: Vec<Observation>) -> Vec<(String, Value)> {
    observations
        .into_iter()
        .map(|o| (format!("{} {}", o.device, o.kind), o.value))
        .collect()
}

fn poll(profile: &Profile, values: &[(Table, u16, &[u16])]) -> (Vec<Observation>, Vec<String>) {
    let registers = Registers {
        device: DeviceId::new("unit").expect("an id"),
        profile: "p".into(),
        blocks: values
            .iter()
            .map(|(table, address, values)| RegisterBlock {
                table: *table,
                address: *address,
                values: values.to_vec(),
            })
            .collect(),
    };
    let mut output = Output::default();
    read_registers(profile, &registers, &mut output);
    (output.observations, output.problems)
}

fn number(name: &str, value: f64) -> (String, Value) {
    (name.to_owned(), Value::Number(value))
}

const TEMPERATURE: &str =
    "[[channels]]\npath = \"/t\"\nkind = \"temperature\"\ntype = \"number\"\nunit = \"°C\"\n";

#[test]
fn csv_with_a_header_is_read_line_by_line() {
    let profile = mqtt(
        "payload = \"csv\"\nheader = true\nseparator = \";\"",
        TEMPERATURE,
    );
    let (readings, problems) = read(
        &profile,
        "home/hall/log",
        "when;t;note\n1;21.5;\"a;b\"\n2;;x\n\n3;\"22\";\"say \"\"hi\"\"\"\n",
    );
    assert_eq!(
        readings,
        [
            number("hall temperature", 21.5),
            number("hall temperature", 22.0)
        ]
    );
    assert!(problems.is_empty(), "{problems:?}");
}

#[test]
fn csv_columns_go_by_number_or_by_the_names_that_the_profile_gives() {
    let by_number = TEMPERATURE.replace("/t", "/1");
    let profile = mqtt("payload = \"csv\"", &by_number);
    assert_eq!(
        read(&profile, "home/hall/log", "9,21.5,7").0,
        [number("hall temperature", 21.5)]
    );
    let profile = mqtt("payload = \"csv\"\ncolumns = [\"\", \"t\"]", TEMPERATURE);
    assert_eq!(
        read(&profile, "home/hall/log", "9,21.5,7").0,
        [number("hall temperature", 21.5)]
    );
}

#[test]
fn a_flood_of_lines_is_cut_and_told() {
    let profile = mqtt("payload = \"csv\"", &TEMPERATURE.replace("/t", "/0"));
    let (readings, problems) = read(&profile, "home/hall/log", &"20\n".repeat(1000));
    assert_eq!(readings.len(), 256);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].contains("744 lines were left out"),
        "{problems:?}"
    );
}

#[test]
fn key_value_pairs_are_read_with_either_sign() {
    let profile = mqtt("payload = \"key_value\"", TEMPERATURE);
    for payload in ["t=21.5 rh=40", "rh:40,t:21.5", "rh=\"40\";t=\"21.5\"\n"] {
        assert_eq!(
            read(&profile, "home/hall/log", payload).0,
            [number("hall temperature", 21.5)],
            "{payload}"
        );
    }
    let (readings, problems) = read(&profile, "home/hall/log", "nothing here");
    assert!(readings.is_empty() && problems.len() == 1, "{problems:?}");
}

#[test]
fn a_part_of_the_topic_can_say_what_a_text_means() {
    let profile = mqtt(
        "payload = \"text\"",
        "[[channels]]\npath = \"\"\nkind = \"smoke\"\ntype = \"enum\"\n\
         values = [{ from = \"ALARM\", to = true }, { from = \"OK\", to = false }]\n\
         when = [{ topic = \"what\", equals = [\"smoke\"] }]\n",
    );
    let alarm = ("hall smoke".to_owned(), Value::Bool(true));
    assert_eq!(read(&profile, "home/hall/smoke", "ALARM\n").0, [alarm]);
    assert!(read(&profile, "home/hall/mode", "ALARM").0.is_empty());
    assert!(read(&profile, "home/hall/smoke", "starting").0.is_empty());
}

#[test]
fn conditions_look_at_values_limits_and_presence() {
    let channel = |when: &str| {
        mqtt(
            "payload = \"json\"",
            &format!("{TEMPERATURE}when = [{when}]"),
        )
    };
    let comes =
        |when: &str, payload: &str| !read(&channel(when), "home/hall/x", payload).0.is_empty();
    let mode = r#"{ path = "/mode", equals = [1, "auto"] }"#;
    assert!(comes(mode, r#"{"t":1,"mode":1}"#));
    assert!(comes(mode, r#"{"t":1,"mode":"1"}"#));
    assert!(comes(mode, r#"{"t":1,"mode":"auto"}"#));
    assert!(!comes(mode, r#"{"t":1,"mode":2}"#));
    assert!(!comes(mode, r#"{"t":1}"#));
    let other = r#"{ path = "/mode", not_equals = [255] }"#;
    assert!(comes(other, r#"{"t":1,"mode":0}"#) && !comes(other, r#"{"t":1,"mode":255}"#));
    assert!(!comes(other, r#"{"t":1}"#), "what is missing does not hold");
    let range = r#"{ path = "/mode", at_least = 1, at_most = 3 }"#;
    assert!(comes(range, r#"{"t":1,"mode":3}"#) && !comes(range, r#"{"t":1,"mode":4}"#));
    let absent = r#"{ path = "/mode", present = false }"#;
    assert!(comes(absent, r#"{"t":1}"#) && comes(absent, r#"{"t":1,"mode":null}"#));
    assert!(!comes(absent, r#"{"t":1,"mode":0}"#));
}

#[test]
fn a_limit_that_stands_in_a_register_is_obeyed_with_its_hysteresis() {
    let profile = modbus(
        r#"
        [[channels]]
        register = { table = "input", address = 0, type = "uint16" }
        kind = "gas"
        type = "bool"
        above = { register = { table = "holding", address = 0, type = "uint16" } }
        clear = 80
        "#,
    );
    let state = |value: u16| {
        let values: &[u16] = &[value];
        poll(
            &profile,
            &[(Table::Input, 0, values), (Table::Holding, 0, &[100])],
        )
        .0
        .first()
        .map(|reading| reading.value.clone())
    };
    assert_eq!(state(100), Some(Value::Bool(true)));
    assert_eq!(state(90), None);
    assert_eq!(state(80), Some(Value::Bool(false)));
    let without_limit = poll(&profile, &[(Table::Input, 0, &[500])]).0;
    assert!(without_limit.is_empty(), "an unknown limit says nothing");
}

#[test]
fn numbers_come_in_the_unit_of_their_kind_and_without_noise() {
    let profile = modbus(
        r#"
        [[channels]]
        register = { table = "input", address = 0, type = "int16" }
        kind = "temperature"
        type = "number"
        unit = "°F"
        scale = 0.1
        max = 212
        "#,
    );
    let readings = poll(&profile, &[(Table::Input, 0, &[680])]).0;
    assert_eq!(readings[0].value, Value::Number(20.0));
    assert_eq!(readings[0].unit.as_deref(), Some("°C"));
    let readings = poll(&profile, &[(Table::Input, 0, &[9000])]).0;
    assert_eq!(readings[0].quality, Quality::Bad);
}

#[test]
fn a_unit_of_another_kind_gives_no_readings_and_is_told() {
    let profile = modbus(
        r#"
        identity = [{ register = { table = "holding", address = 9, type = "uint16" }, equals = [42] }]
        [[channels]]
        register = { table = "input", address = 0, type = "bit", bit = 0 }
        kind = "smoke"
        type = "bool"
        "#,
    );
    assert_eq!(profile.registers().len(), 2);
    let smoke: (Table, u16, &[u16]) = (Table::Input, 0, &[1]);
    assert_eq!(
        poll(&profile, &[smoke, (Table::Holding, 9, &[42])]).0.len(),
        1
    );
    assert_eq!(
        poll(&profile, &[smoke]).0.len(),
        1,
        "what was not read is not looked at"
    );
    let (readings, problems) = poll(&profile, &[smoke, (Table::Holding, 9, &[7])]);
    assert!(readings.is_empty());
    assert_eq!(
        problems,
        ["the unit is no `p`: Holding register 9 holds 7; check its unit number and its profile"]
    );
}

#[test]
fn of_several_profiles_for_a_format_the_one_that_demands_most_is_taken() {
    let format = |id: &str, rest: &str| {
        let text = format!(
            "schema = 1\nid = \"{id}\"\nname = {{ zh = \"一\", en = \"a\" }}\nsource = \"this test\"\n\
             [match]\ntransport = \"format\"\nformat = \"tasmota\"\n{rest}"
        );
        Profile::parse(&text).expect("valid")
    };
    let profiles = ByProfile::new(
        vec![
            format("any", ""),
            format("model", "model = \"S1\""),
            format("vendor", "vendor = \"V\""),
        ],
        [],
        [],
    );
    let of = |vendor: Option<&str>, model: Option<&str>| {
        let announced = Announcement {
            vendor: vendor.map(str::to_owned),
            model: model.map(str::to_owned),
            ..Announcement::default()
        };
        profiles
            .profile_for("tasmota", &announced)
            .map(|p| p.id.as_str())
    };
    assert_eq!(of(Some("v"), Some("s1")), Some("model"));
    assert_eq!(of(Some("V"), Some("S2")), Some("vendor"));
    assert_eq!(of(None, None), Some("any"));
    assert!(
        profiles
            .profile_for("esphome", &Announcement::default())
            .is_none()
    );
}
