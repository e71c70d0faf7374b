//! Shapes from Frigate's documentation (integrations/mqtt), its source and users' logs.

use expect_test::expect;

use super::Frigate;
use crate::formats::testing::check;

fn event(kind: &str, id: &str, label: &str, more: &str) -> String {
    format!(
        r#"{{"type":"{kind}","before":{{"label":"other","false_positive":true}},"after":{{"id":"{id}",
        "camera":"yard","label":"{label}","start_time":1700000000.5,{more}}}}}"#
    )
}

#[test]
fn an_object_is_one_incident_from_new_to_end_and_each_zone_is_a_point_of_its_own() {
    let more = r#""end_time":null,"false_positive":false,"entered_zones":["gate","bins"]"#;
    let end = r#""end_time":1700000009.25,"false_positive":false,"entered_zones":["gate"]"#;
    check(
        &mut Frigate::default(),
        &[
            ("frigate/events", &event("new", "1.a", "person", more)),
            ("frigate/events", &event("update", "1.a", "person", more)),
            ("frigate/events", &event("end", "1.a", "person", end)),
        ],
        &expect![[r#"
            frigate/yard camera_object `person` @2023-11-14T22:13:20.5Z #1.a
            frigate/yard/gate camera_object `person` @2023-11-14T22:13:20.5Z #1.a/gate
            frigate/yard/bins camera_object `person` @2023-11-14T22:13:20.5Z #1.a/bins
            frigate/yard camera_object `person` @2023-11-14T22:13:20.5Z #1.a
            frigate/yard/gate camera_object `person` @2023-11-14T22:13:20.5Z #1.a/gate
            frigate/yard/bins camera_object `person` @2023-11-14T22:13:20.5Z #1.a/bins
            frigate/yard camera_object false @2023-11-14T22:13:29.25Z #1.a/end
        "#]],
    );
}

#[test]
fn a_false_positive_gives_nothing_not_even_its_end() {
    let more = r#""end_time":null,"false_positive":true,"entered_zones":["gate"]"#;
    check(
        &mut Frigate::default(),
        &[
            ("frigate/events", &event("update", "1.a", "car", more)),
            ("frigate/events", &event("end", "1.a", "car", more)),
        ],
        &expect![[r#"
            nothing
        "#]],
    );
}

const REVIEW: &str = r#"{"type": "new", "before": {}, "after": {"id": "1731024645.346571-601ud4",
    "camera": "Doorbell", "start_time": 1731024645.346571, "end_time": null, "severity": "alert",
    "data": {"detections": ["1.a", "2.b"], "objects": ["person", "person-verified"],
    "sub_labels": ["Bob"], "zones": ["front_yard"], "audio": []}}}"#;

fn tracked(id: &str) -> String {
    format!(
        r#"{{"type":"new","before":{{}},"after":{{"id":"{id}","camera":"Doorbell","label":"person",
        "start_time":1731024643.5,"false_positive":false,"entered_zones":["front_yard"]}}}}"#
    )
}

#[test]
fn an_incident_that_events_told_is_not_told_by_reviews() {
    check(
        &mut Frigate::default(),
        &[
            ("frigate/events", &tracked("2.b")),
            ("frigate/reviews", REVIEW),
            ("frigate/reviews", &REVIEW.replace("\"new\"", "\"end\"")),
        ],
        &expect![[r#"
            frigate/Doorbell camera_object `person` @2024-11-08T00:10:43.5Z #2.b
            frigate/Doorbell/front_yard camera_object `person` @2024-11-08T00:10:43.5Z #2.b/front_yard
        "#]],
    );
}

#[test]
fn an_incident_that_reviews_told_is_not_told_by_events_but_its_zones_are() {
    let end = REVIEW
        .replace("\"new\"", "\"end\"")
        .replace("\"end_time\": null", "\"end_time\": 1731024659.165603");
    check(
        &mut Frigate::default(),
        &[
            ("frigate/reviews", REVIEW),
            ("frigate/events", &tracked("1.a")),
            ("frigate/reviews", &REVIEW.replace("\"new\"", "\"update\"")),
            ("frigate/reviews", &end),
        ],
        &expect![[r#"
            frigate/Doorbell camera_object `person` @2024-11-08T00:10:45.346571Z #1731024645.346571-601ud4/person
            frigate/Doorbell/front_yard camera_object `person` @2024-11-08T00:10:43.5Z #1.a/front_yard
            frigate/Doorbell camera_object `person` @2024-11-08T00:10:45.346571Z #1731024645.346571-601ud4/person
            frigate/Doorbell camera_object false @2024-11-08T00:10:59.165603Z #1731024645.346571-601ud4/person/end
        "#]],
    );
}

#[test]
fn what_is_found_out_later_is_no_news() {
    check(
        &mut Frigate::default(),
        &[
            (
                "frigate/tracked_object_update",
                r#"{"type":"description","id":"1.a","description":"A red car leaves."}"#,
            ),
            (
                "frigate/tracked_object_update",
                r#"{"type":"face","id":"1.a","name":"unknown","score":0.4,"camera":"yard","timestamp":1700000001.5}"#,
            ),
            (
                "frigate/tracked_object_update",
                r#"{"type":"lpr","id":"1.a","name":null,"plate":"粤A12345","score":0.9,"camera":"gate","timestamp":1700000001.5}"#,
            ),
        ],
        &expect![[r#"
            frigate/gate camera_object `粤A12345` @2023-11-14T22:13:21.5Z #1.a (replayed)
        "#]],
    );
}

#[test]
fn recorder_cameras_movement_and_sounds() {
    check(
        &mut Frigate::default(),
        &[
            ("frigate/available", "online"),
            ("frigate/available", "offline"),
            ("frigate/yard/status/detect", "online"),
            ("frigate/yard/status/audio", "offline"),
            ("frigate/yard/status/detect", "disabled"),
            ("frigate/yard/motion", "ON"),
            ("frigate/yard/motion", "OFF"),
            ("frigate/yard/audio/fire_alarm", "ON"),
            ("frigate/yard/audio/smoke_detector", "OFF"),
            ("frigate/yard/audio/speech", "ON"),
            ("frigate/yard/audio/speech", "OFF"),
            ("frigate/yard/motion", "MAYBE"),
        ],
        &expect![[r#"
            frigate availability true
            bridge frigate/ up
            frigate availability false
            bridge frigate/ down
            frigate/yard availability true
            frigate/yard/audio availability false
            frigate/yard camera_motion true
            frigate/yard camera_motion false
            frigate/yard/audio/fire_alarm smoke true
            frigate/yard/audio/smoke_detector smoke false
            frigate/yard/audio/speech other `speech`
            frigate/yard/audio/speech other false
            problem: `frigate/yard/motion` is neither ON nor OFF
        "#]],
    );
}

#[test]
fn switches_counts_pictures_and_levels_are_no_readings() {
    check(
        &mut Frigate::default(),
        &[
            ("frigate/yard/motion/state", "ON"),
            ("frigate/yard/motion/set", "ON"),
            ("frigate/yard/detect/state", "ON"),
            ("frigate/yard/audio/state", "ON"),
            ("frigate/yard/audio/dBFS", "-39.5"),
            ("frigate/yard/audio/rms", "120.1"),
            ("frigate/yard/person", "2"),
            ("frigate/yard/person/active", "1"),
            ("frigate/yard/all", "2"),
            ("frigate/yard/person/snapshot", "\u{fffd}JFIF"),
            ("frigate/stats", "{\"cameras\":{}}"),
            ("frigate/notifications/state", "ON"),
        ],
        &expect![[r#"
            nothing
        "#]],
    );
}

#[test]
fn a_recorder_with_another_prefix_is_known_by_its_events_and_stays_apart() {
    let more = r#""end_time":null,"false_positive":false,"entered_zones":["gate"]"#;
    check(
        &mut Frigate::default(),
        &[
            ("site/nvr2/available", "online"),
            ("site/nvr2/events", &event("new", "1.a", "dog", more)),
            ("site/nvr2/available", "stopped"),
            ("site/nvr2/yard/motion", "ON"),
        ],
        &expect![[r#"
            not mine: no topic of a known recorder
            frigate/site.nvr2.yard camera_object `dog` @2023-11-14T22:13:20.5Z #1.a
            frigate/site.nvr2.yard/gate camera_object `dog` @2023-11-14T22:13:20.5Z #1.a/gate
            frigate.site.nvr2 availability false
            bridge frigate/site.nvr2. down
            frigate/site.nvr2.yard camera_motion true
        "#]],
    );
}

#[test]
fn events_of_others_and_broken_ones_are_told_apart() {
    check(
        &mut Frigate::default(),
        &[
            ("home/events", r#"{"type":"new","after":{"id":"1"}}"#),
            ("home/events", "not json"),
            ("frigate/events", "{\"type\":\"new\",\"after\":{"),
            ("frigate/events", r#"{"type":"new","after":{"id":"1"}}"#),
            ("frigate/reviews", "[]"),
            ("other/available", "online"),
        ],
        &expect![[r#"
            not mine: an event has `type`, `after.id`, `after.camera`
            not mine: the payload is not JSON
            broken: the payload is not JSON: EOF while parsing an object at line 1 column 23
            broken: an event has `type`, `after.id`, `after.camera`
            broken: a review has `type`, `after.id`, `after.camera`
            not mine: no topic of a known recorder
        "#]],
    );
}

#[test]
fn plates_and_names_leave_the_gateway_as_pseudonyms_only() {
    let mut decoder = crate::formats::testing::formats_only();
    let now = gridwatch_protocol::Timestamp::from_unix_ms(1_800_000_000_000);
    for (payload, secret) in [
        (
            r#"{"type":"lpr","id":"1.a","plate":"123ABC","camera":"drive","timestamp":1607123958.7}"#,
            "123ABC",
        ),
        (
            r#"{"type":"face","id":"1.a","name":"John","camera":"drive","timestamp":1607123958.7}"#,
            "John",
        ),
    ] {
        let message = crate::Message::new(
            "frigate/tracked_object_update",
            payload.as_bytes(),
            false,
            now,
        );
        let decoded = decoder.message(&message).expect("read");
        assert_eq!(decoded.readings.len(), 1);
        assert!(!format!("{:?}", decoded.readings).contains(secret));
    }
}
