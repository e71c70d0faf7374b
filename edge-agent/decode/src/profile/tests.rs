//! Topic patterns, templates and the checks of a profile file.

use serde_json::json;

use super::*;

#[test]
fn topic_pattern_takes_names_with_slashes() {
    let pattern = TopicPattern::parse("zigbee2mqtt/{name...}/availability").expect("valid");
    let captures = pattern
        .captures("zigbee2mqtt/3号楼/厨房/availability")
        .expect("fits");
    assert_eq!(captures.get("name"), Some("3号楼/厨房"));
    assert!(pattern.captures("zigbee2mqtt/availability").is_none());
    assert!(pattern.captures("zigbee2mqtt/a/b").is_none());
    assert!(TopicPattern::parse("a/{b...}/{c...}").is_err());
    assert!(TopicPattern::parse("a/x{b}").is_err());
}

#[test]
fn filters_match_as_mqtt_says() {
    for (filter, topic, expected) in [
        ("a/#", "a/b/c", true),
        ("a/#", "a", true),
        ("a/+/c", "a/b/c", true),
        ("a/+", "a/b/c", false),
        ("a/b", "a/b/c", false),
        ("a/b/c", "a/b", false),
        ("+/+", "/b", true),
    ] {
        assert_eq!(filter_matches(filter, topic), expected, "{filter} {topic}");
    }
}

#[test]
fn template_needs_every_hole_filled() {
    let template = Template::parse("frigate/{/after/camera}/{item}", &[]).expect("valid");
    let body = json!({"after": {"camera": "gate"}});
    let item = json!("yard");
    assert_eq!(
        template.fill(&Captures::default(), &body, Some(&item)),
        Some("frigate/gate/yard".to_owned())
    );
    assert_eq!(
        template.fill(&Captures::default(), &json!({}), Some(&item)),
        None
    );
    assert!(Template::parse("{nobody}", &["name"]).is_err());
}

#[test]
fn every_mistake_of_a_profile_is_named_at_once() {
    let problems = Profile::parse(
        r#"
        schema = 2
        id = "a b"
        name = { zh = "", en = "" }
        source = ""
        [match]
        transport = "mqtt"
        topic = "a/{x}"
        payload = "json"
        has = ["smoke"]
        [device]
        id = "{y}"
        [[channels]]
        path = "/a"
        kind = "radiation"
        type = "bool"
        [[channels]]
        path = "/a"
        kind = "smoke"
        type = "bool"
        scale = 2.0
        "#,
    )
    .expect_err("refused");
    assert_eq!(problems.len(), 8, "{problems:#?}");
}

#[test]
fn a_golden_sample_that_comes_out_otherwise_is_refused() {
    let text = r#"
        schema = 1
        id = "contact"
        name = { zh = "门磁", en = "contact" }
        source = "this test"
        [match]
        transport = "mqtt"
        topic = "home/{name}"
        payload = "json"
        [device]
        id = "{name}"
        [[channels]]
        path = "/contact"
        kind = "door"
        type = "bool"
        [[golden]]
        name = "contact false is an open door"
        topic = "home/front"
        payload = '{"contact":false}'
        expect = [{ device = "front", kind = "door", value = true }]
        "#;
    let profile = Profile::parse(text).expect("well-formed");
    let problems = check_golden(&profile).expect_err("refused");
    assert_eq!(
        problems,
        ["golden sample `contact false is an open door`: 1 readings expected, 1 came out; correct the channel, or `expect` if the reading is right
  missing: { device = \"front\", kind = \"door\", value = true }
  not expected: { device = \"front\", kind = \"door\", value = false }"]
    );
}

fn mqtt_profile(channels: &str) -> String {
    format!(
        "schema = 1\nid = \"p\"\nname = {{ zh = \"一\", en = \"a\" }}\nsource = \"this test\"\n\
         [match]\ntransport = \"mqtt\"\ntopic = \"home/{{name}}\"\npayload = \"json\"\n\
         [device]\nid = \"{{name}}\"\n{channels}"
    )
}

fn modbus_profile(rest: &str) -> String {
    format!(
        "schema = 1\nid = \"p\"\nname = {{ zh = \"一\", en = \"a\" }}\nsource = \"this test\"\n\
         [match]\ntransport = \"modbus\"\n{rest}"
    )
}

#[track_caller]
fn refused(text: &str, expected: &[&str]) {
    let problems = Profile::parse(text).expect_err("refused").join("\n");
    for part in expected {
        assert!(problems.contains(part), "`{part}` is not in: {problems}");
    }
}

#[test]
fn a_mistyped_key_is_told_with_its_line_and_the_key_that_was_meant() {
    refused(
        &mqtt_profile("[[channels]]\npaht = \"/a\"\nkind = \"smoke\"\ntype = \"bool\""),
        &[
            "line 12, column 1",
            "unknown field `paht`",
            "did you mean `path`?",
        ],
    );
    refused(
        &modbus_profile(
            "[[channels]]\nregister = { table = \"holdin\", address = 1, type = \"bit\" }\nkind = \"smoke\"\ntype = \"bool\"",
        ),
        &["line 8", "did you mean `holding`?"],
    );
}

#[test]
fn a_mistyped_kind_is_told_with_its_line_and_the_kind_that_was_meant() {
    refused(
        &mqtt_profile("[[channels]]\npath = \"/t\"\nkind = \"temprature\"\ntype = \"number\""),
        &[
            "line 11: channel 1 (temprature)",
            "did you mean `temperature`?",
        ],
    );
}

#[test]
fn keys_of_another_transport_are_refused_by_name() {
    refused(
        &modbus_profile(
            "topic = \"a/b\"\n[[channels]]\nregister = { table = \"coil\", address = 1, type = \"bit\" }\nkind = \"smoke\"\ntype = \"bool\"",
        ),
        &["match.topic goes with transport `mqtt`, not with `modbus`"],
    );
    refused(
        &mqtt_profile(
            "[modbus]\nmax_gap = 0\n[[channels]]\npath = \"/a\"\nkind = \"smoke\"\ntype = \"bool\"",
        ),
        &["[modbus] goes with transport `modbus`"],
    );
}

#[test]
fn registers_that_cannot_be_are_refused() {
    let channel = |register: &str| {
        modbus_profile(&format!(
            "[[channels]]\nregister = {{ {register} }}\nkind = \"other\"\ntype = \"number\""
        ))
    };
    for (register, why) in [
        (
            "table = \"coil\", address = 1, type = \"uint16\"",
            "of type `bit`",
        ),
        (
            "table = \"input\", address = 65535, type = \"uint32\"",
            "past address 65535",
        ),
        (
            "table = \"input\", address = 1, type = \"bit\", bit = 16",
            "bits 0 to 15",
        ),
        (
            "table = \"input\", address = 1, type = \"uint16\", bit = 3",
            "`bit` goes with type `bit`",
        ),
        (
            "table = \"input\", address = 1, type = \"string\"",
            "needs `length`",
        ),
        (
            "table = \"input\", address = 1, type = \"uint16\", length = 2",
            "goes with type `string`",
        ),
        (
            "table = \"input\", address = 1, type = \"uint16\", bits = { from = 12, count = 8 }",
            "bits 0 to 15",
        ),
        (
            "table = \"input\", address = 1, type = \"float32\", mask = 3",
            "`mask` and `shift` go with",
        ),
        (
            "table = \"input\", address = 1, type = \"uint16\", shift = 16",
            "16 bits",
        ),
    ] {
        refused(&channel(register), &[why]);
    }
}

#[test]
fn a_repeated_channel_moves_its_registers_its_conditions_and_its_device() {
    let profile = Profile::parse(&modbus_profile(
        r#"
        [[channels]]
        register = { table = "input", address = 70, type = "uint16" }
        repeat = { count = 3, from = 1, step = 2 }
        device = "zone{n}"
        kind = "water_leak"
        type = "bool"
        when = [
            { register = { table = "holding", address = 20, type = "uint16" }, equals = [7] },
            { register = { table = "holding", address = 5, type = "uint16" }, step = 0, equals = [1] },
        ]
        [[channels]]
        register = { table = "holding", address = 100, type = "bit", bit = 15 }
        repeat = { count = 2, from = 1, bit_step = 1 }
        device = "bit{n}"
        kind = "motion"
        type = "bool"
        "#,
    ))
    .expect("valid");
    let spans: Vec<(Table, u16, u16)> = profile
        .registers()
        .into_iter()
        .map(|span| (span.table, span.address, span.count))
        .collect();
    let holding = |address| (Table::Holding, address, 1);
    let input = |address| (Table::Input, address, 1);
    assert_eq!(
        spans,
        [
            holding(5),
            holding(20),
            holding(22),
            holding(24),
            holding(100),
            holding(101),
            input(70),
            input(72),
            input(74),
        ]
    );
    assert_eq!(profile.channels.len(), 5);
    assert!(matches!(
        profile.channels[4].origin,
        Origin::Register(Register {
            address: 101,
            bit: 0,
            ..
        })
    ));
}

#[test]
fn a_text_and_a_64_bit_number_are_read_whole() {
    let profile = Profile::parse(&modbus_profile(
        r#"
        [[channels]]
        register = { table = "holding", address = 10, type = "string", length = 8 }
        kind = "other"
        type = "text"
        [[channels]]
        register = { table = "holding", address = 20, type = "uint64" }
        kind = "other"
        type = "number"
        "#,
    ))
    .expect("valid");
    let counts: Vec<u16> = profile.registers().iter().map(|span| span.count).collect();
    assert_eq!(counts, [8, 4]);
}

#[test]
fn a_repeated_channel_that_runs_past_the_end_or_names_one_device_is_refused() {
    let channel = |repeat: &str, device: &str| {
        modbus_profile(&format!(
            "[[channels]]\nregister = {{ table = \"input\", address = 65530, type = \"uint16\" }}\n\
             repeat = {{ {repeat} }}\n{device}\nkind = \"other\"\ntype = \"number\""
        ))
    };
    refused(
        &channel("count = 10", "device = \"z{n}\""),
        &["number 7 of them runs past"],
    );
    refused(&channel("count = 3", ""), &["needs a `device` with `{n}`"]);
    refused(
        &channel("count = 5000", "device = \"z{n}\""),
        &["give 1 to 1000"],
    );
    refused(
        &channel("count = 3, bit_step = 1", "device = \"z{n}\""),
        &["bit_step goes with"],
    );
}

#[test]
fn supervision_and_bus_values_have_their_defaults_and_limits() {
    let channel = "[[channels]]\nregister = { table = \"coil\", address = 1, type = \"bit\" }\nkind = \"smoke\"\ntype = \"bool\"\n";
    let profile = Profile::parse(&modbus_profile(channel)).expect("valid");
    assert_eq!(profile.bus, BusQuirks::default());
    assert_eq!(profile.silent_after_ms, None);
    let profile = Profile::parse(&modbus_profile(&format!(
        "{channel}[supervision]\nreport_interval_s = 600\nbattery_low_volts = 2.5\n[modbus]\nmax_registers_per_request = 1\ntimeout_ms = 3000"
    )))
    .expect("valid");
    assert_eq!(profile.supervision.report_interval_ms, Some(600_000));
    assert_eq!(profile.silent_after_ms, Some(1_800_000));
    assert_eq!(profile.supervision.battery_low_volts, Some(2.5));
    assert_eq!(
        (
            profile.bus.max_registers_per_request,
            profile.bus.timeout_ms
        ),
        (1, Some(3000))
    );
    refused(
        &modbus_profile(&format!(
            "{channel}[modbus]\nmax_registers_per_request = 126"
        )),
        &["give 1 to 125"],
    );
    refused(
        &modbus_profile(&format!(
            "{channel}[supervision]\nreport_interval_s = 60\nsilent_after_s = 60"
        )),
        &["must be greater than report_interval_s"],
    );
}

#[test]
fn a_profile_for_a_format_takes_its_devices_and_nothing_else() {
    let text = |rest: &str| {
        modbus_profile("").replace(
            "transport = \"modbus\"",
            &format!("transport = \"format\"\n{rest}"),
        )
    };
    let profile = Profile::parse(&text(
        "format = \"zigbee2mqtt\"\nvendor = \"Heiman\"\nmodel = [\"HS1SA\", \"HS3SA\"]\nkinds = [\"smoke\"]",
    ))
    .expect("valid");
    assert!(profile.is_life_safety());
    let Matcher::Format(format) = &profile.matcher else {
        panic!("{:?}", profile.matcher);
    };
    assert!(format.takes("zigbee2mqtt", Some("HEIMAN"), Some("HS3SA")));
    assert!(!format.takes("zigbee2mqtt", Some("HEIMAN"), Some("HS1CA")));
    assert!(!format.takes("zigbee2mqtt", None, Some("HS1SA")));
    assert!(!format.takes("tasmota", Some("HEIMAN"), Some("HS1SA")));
    refused(&text("vendor = \"X\""), &["match.format is missing"]);
    refused(
        &text(
            "format = \"tasmota\"\n[[channels]]\npath = \"/a\"\nkind = \"smoke\"\ntype = \"bool\"",
        ),
        &["only supervises it"],
    );
}
