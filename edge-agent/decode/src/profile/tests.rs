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
    assert_eq!(problems.len(), 7, "{problems:#?}");
}

#[test]
fn shipped_profiles_read_their_golden_samples() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/devices");
    let mut samples = 0;
    for entry in std::fs::read_dir(folder).expect("the folder of shipped profiles") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a readable profile");
        let profile = Profile::parse(&text).unwrap_or_else(|why| panic!("{path:?}: {why:#?}"));
        check_golden(&profile).unwrap_or_else(|why| panic!("{path:?}: {why:#?}"));
        assert!(profile.golden_count() > 0, "{path:?} has no golden sample");
        samples += profile.golden_count();
    }
    assert!(samples >= 10, "only {samples} golden samples were run");
}

#[test]
fn a_golden_sample_that_comes_out_otherwise_is_refused() {
    let text = include_str!("../../../../configs/devices/zigbee2mqtt-contact.toml")
        .replace("invert = true", "invert = false");
    let profile = Profile::parse(&text).expect("well-formed");
    let problems = check_golden(&profile).expect_err("refused");
    assert!(
        problems[0].contains("contact false is an open door"),
        "{problems:?}"
    );
}
