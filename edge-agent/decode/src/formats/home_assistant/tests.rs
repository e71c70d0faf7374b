//! Senders that are not among the recorded cases.

mod descriptions;
mod hostile;
mod templates;

use gridwatch_protocol::{Kind, Timestamp, Value};
use serde_json::{Value as Json, json};

use super::HomeAssistant;
use crate::formats::{Format, Verdict};
use crate::frame::Message;
use crate::observation::{Observation, Output};

const NOW: i64 = 1_800_000_000_000;

fn raw(f: &mut HomeAssistant, topic: &str, payload: &[u8], retained: bool) -> (Verdict, Output) {
    let mut output = Output::explaining();
    let now = Timestamp::from_unix_ms(NOW);
    let verdict = f.read(&Message::new(topic, payload, retained, now), &mut output);
    (verdict, output)
}

fn read(format: &mut HomeAssistant, topic: &str, payload: &Json) -> (Verdict, Output) {
    let text = match payload {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    raw(format, topic, text.as_bytes(), false)
}

fn line(o: &Observation) -> String {
    let value = match &o.value {
        Value::Bool(state) => state.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => text.clone(),
    };
    format!("{} {value} {}", o.kind, o.unit.as_deref().unwrap_or(""))
        .trim_end()
        .to_owned()
}

fn lines(output: &Output) -> Vec<String> {
    output.observations.iter().map(line).collect()
}

/// A format that was told descriptions under `homeassistant/<path>/config`.
fn told(descriptions: &[(&str, Json)]) -> HomeAssistant {
    let mut format = HomeAssistant::default();
    for (path, description) in descriptions {
        let topic = format!("homeassistant/{path}/config");
        let (verdict, output) = read(&mut format, &topic, description);
        assert_eq!(verdict, Verdict::Taken, "{path}");
        assert!(output.problems.is_empty(), "{path}: {:?}", output.problems);
        assert!(output.observations.is_empty(), "a description is no state");
    }
    format
}

/// What a message says, all of which must be readable.
fn says(format: &mut HomeAssistant, topic: &str, payload: &Json) -> Vec<String> {
    let (verdict, output) = read(format, topic, payload);
    assert_eq!(verdict, Verdict::Taken, "{topic}");
    assert!(output.problems.is_empty(), "{:?}", output.problems);
    lines(&output)
}

#[test]
fn every_binary_class_has_its_polarity() {
    for (class, on) in [
        ("battery", "battery low"),
        ("lock", "lock unlocked"),
        ("door", "door true"),
        ("garage_door", "door true"),
        ("window", "door true"),
        ("opening", "door true"),
        ("moisture", "water_leak true"),
        ("smoke", "smoke true"),
        ("gas", "gas true"),
        ("carbon_monoxide", "carbon_monoxide true"),
        ("heat", "heat true"),
        ("tamper", "tamper true"),
        ("motion", "motion true"),
        ("occupancy", "occupancy true"),
        ("presence", "occupancy true"),
        ("vibration", "vibration true"),
        ("power", "power true"),
        ("connectivity", "availability true"),
        ("problem", "other true"),
        ("safety", "other true"),
    ] {
        let mut format = told(&[(
            "binary_sensor/x",
            json!({"state_topic": "x/s", "device_class": class}),
        )]);
        assert_eq!(says(&mut format, "x/s", &json!("ON")), [on], "{class}");
    }
}

#[test]
fn zwave_lock_class_of_a_binary_sensor_is_inverted_by_its_payloads() {
    // zwave-js-ui hass/configurations.js: payload_on false, true is locked
    let mut format = told(&[(
        "binary_sensor/node5/lock",
        json!({"payload_on": false, "payload_off": true, "device_class": "lock",
            "value_template": "{{ value_json.value }}", "state_topic": "zwave/door/98/0/locked"}),
    )]);
    let topic = "zwave/door/98/0/locked";
    let time = 1_755_955_213_235_i64;
    assert_eq!(
        says(&mut format, topic, &json!({"time": time, "value": true})),
        ["lock locked"]
    );
    assert_eq!(
        says(&mut format, topic, &json!({"value": false})),
        ["lock unlocked"]
    );
}

#[test]
fn ring_contact_reads_its_door_and_its_own_availability() {
    // ring-mqtt issues 91 and 251
    let base = "ring/38274077/alarm/binary_sensor/e7538e27";
    let mut format = told(&[
        (
            "binary_sensor/38274077/e7538e27",
            json!({
            "name": "Front Door", "unique_id": "e7538e27", "device_class": "door",
            "availability_topic": format!("{base}/status"),
            "payload_available": "online", "payload_not_available": "offline",
            "state_topic": format!("{base}/contact_state"),
            "json_attributes_topic": format!("{base}/attributes"),
            "device": {"ids": ["e7538e27"], "name": "Front Door", "mf": "Ring"}}),
        ),
        (
            "binary_sensor/38274077/e7538e27_tamper",
            json!({
            "device_class": "tamper", "entity_category": "diagnostic",
            "state_topic": format!("{base}/info/state"),
            "value_template": "{{ \"ON\" if value_json[\"tamperStatus\"] == \"tamper\" else \"OFF\" }}",
            "device": {"ids": ["e7538e27"], "name": "Front Door"}}),
        ),
    ]);
    assert_eq!(
        says(&mut format, &format!("{base}/contact_state"), &json!("OFF")),
        ["door false"]
    );
    assert_eq!(
        says(&mut format, &format!("{base}/status"), &json!("offline")),
        ["availability false"]
    );
    let info = json!({"batteryLevel": 100, "lastCommTime": "2021-09-07T23:38:15Z",
        "tamperStatus": "tamper"});
    assert_eq!(
        says(&mut format, &format!("{base}/info/state"), &info),
        ["tamper true"]
    );
    let (others, _) = read(&mut format, &format!("{base}/attributes"), &info);
    assert!(matches!(others, Verdict::NotMine(_)), "{others:?}");
}

#[test]
fn theengs_formaldehyde_box_gives_its_battery_over_any_gateway() {
    // theengs/gateway pull request 17
    let mut format = told(&[(
        "sensor/48X-batt",
        json!({
        "stat_t": "+/+/BTtoMQTT/48XXXXXXXA", "name": "JQJCY01YM-batt", "uniq_id": "48XXXXXXXA-batt",
        "dev_cla": "battery", "val_tpl": "{{ value_json.batt | is_defined }}", "unit_of_meas": "%",
        "device": {"identifiers": ["48XXXXXXXA"], "connections": [["mac", "48XXXXXXXA"]]}}),
    )]);
    let topic = "home/OMG_GAT/BTtoMQTT/48XXXXXXXA";
    assert_eq!(
        says(&mut format, topic, &json!({"batt": 87})),
        ["battery 87 %"]
    );
    assert_eq!(
        says(&mut format, topic, &json!({"for": 0.02})),
        Vec::<String>::new()
    );
}

#[test]
fn remote_433_mhz_sensor_keeps_its_state_when_another_code_comes() {
    // home-assistant/core issue 37347
    let template = "{% if value_json.RfReceived.Data == '545CE9' %}\n  {{'ON'}}\n{% else %}\n  \
        {{states('binary_sensor.garage_main_motion_sensor') | upper}}\n{% endif %}";
    let mut format = told(&[(
        "binary_sensor/garage",
        json!({
        "state_topic": "sonoff/rf_bridge/tele/RESULT", "value_template": template,
        "off_delay": 9, "device_class": "motion"}),
    )]);
    let topic = "sonoff/rf_bridge/tele/RESULT";
    let code = |code: &str| json!({"RfReceived": {"Data": code}});
    assert_eq!(says(&mut format, topic, &code("545CE9")), ["motion true"]);
    assert_eq!(
        says(&mut format, topic, &code("AAAAAA")),
        Vec::<String>::new()
    );
    let mut early = Output::default();
    format.tick(Timestamp::from_unix_ms(NOW + 8_999), &mut early);
    assert!(early.observations.is_empty());
    let mut late = Output::default();
    format.tick(Timestamp::from_unix_ms(NOW + 9_000), &mut late);
    format.tick(Timestamp::from_unix_ms(NOW + 20_000), &mut late);
    assert_eq!(lines(&late), ["motion false"]);
}

#[test]
fn payloads_without_a_template_are_compared_as_they_are() {
    let mut format = told(&[(
        "binary_sensor/a",
        json!({"stat_t": "a", "dev_cla": "door",
        "pl_on": "open", "pl_off": "closed"}),
    )]);
    assert_eq!(says(&mut format, "a", &json!("open")), ["door true"]);
    let (_, output) = read(&mut format, "a", &json!("ajar"));
    assert!(output.observations.is_empty());
    assert_eq!(output.problems.len(), 1);
    // ESP firmwares that configure JSON true and send `true`
    let mut format = told(&[(
        "binary_sensor/b",
        json!({"stat_t": "b", "dev_cla": "moisture",
        "pl_on": true, "pl_off": false}),
    )]);
    assert_eq!(says(&mut format, "b", &json!("true")), ["water_leak true"]);
}

#[test]
fn availability_of_several_topics_follows_its_mode() {
    let list = json!([{"t": "gw", "pl_avail": "up", "pl_not_avail": "down"},
        {"topic": "dev", "value_template": "{{ value_json.state }}"}]);
    for (mode, expected) in [
        ("all", vec!["availability false"]),
        ("any", vec!["availability true"]),
        ("latest", vec!["availability false"]),
    ] {
        let mut format = told(&[(
            "binary_sensor/a",
            json!({"stat_t": "a", "avty": list,
            "avty_mode": mode}),
        )]);
        says(&mut format, "gw", &json!("up"));
        let seen = says(&mut format, "dev", &json!({"state": "offline"}));
        assert_eq!(seen, expected, "{mode}");
    }
    let mut format = told(&[(
        "binary_sensor/a",
        json!({"stat_t": "a", "avty": list,
        "avty_mode": "all"}),
    )]);
    assert_eq!(says(&mut format, "gw", &json!("up")), Vec::<String>::new());
}

#[test]
fn numbers_come_in_the_unit_of_their_kind_and_meters_are_no_alarms() {
    for (description, payload, expected) in [
        (
            json!({"dev_cla": "temperature", "unit_of_meas": "°F"}),
            "212",
            "temperature 100 °C",
        ),
        (
            json!({"unit_of_meas": "°C", "name": "Cellar"}),
            "7.5",
            "temperature 7.5 °C",
        ),
        (
            json!({"dev_cla": "gas", "unit_of_meas": "m³"}),
            "1250.5",
            "other 1250.5 m³",
        ),
        (
            json!({"dev_cla": "moisture", "unit_of_meas": "%"}),
            "44",
            "other 44 %",
        ),
        (
            json!({"dev_cla": "carbon_monoxide", "unit_of_meas": "ppm"}),
            "3",
            "carbon_monoxide 3 ppm",
        ),
        (
            json!({"dev_cla": "carbon_dioxide", "unit_of_meas": "ppm"}),
            "612",
            "co2 612 ppm",
        ),
        (
            json!({"dev_cla": "pm25", "unit_of_meas": "µg/m³"}),
            "9",
            "pm25 9 µg/m³",
        ),
        (
            json!({"dev_cla": "power", "unit_of_meas": "kW"}),
            "0.31",
            "power 310 W",
        ),
        (
            json!({"unit_of_meas": "Ω", "name": "Bedroom Gas"}),
            "35000",
            "other 35000 Ω",
        ),
        (json!({"name": "mode"}), "eco", "other eco"),
        (json!({"name": "count"}), "5", "other 5"),
    ] {
        let mut described = description.clone();
        described["stat_t"] = json!("x");
        let mut format = told(&[("sensor/x", described)]);
        assert_eq!(
            says(&mut format, "x", &json!(payload)),
            [expected],
            "{description}"
        );
    }
    let mut format = told(&[("sensor/x", json!({"stat_t": "x", "dev_cla": "temperature"}))]);
    for nothing in ["nan", "None", "unknown", "unavailable", ""] {
        assert_eq!(
            says(&mut format, "x", &json!(nothing)),
            Vec::<String>::new(),
            "{nothing}"
        );
    }
}

#[test]
fn cover_position_and_words_are_a_door_and_stopped_says_nothing() {
    let mut format = told(&[(
        "cover/gate",
        json!({"dev_cla": "gate", "stat_t": "gate/state",
        "pos_t": "gate/pos", "pos_open": 0, "pos_clsd": 100}),
    )]);
    assert_eq!(
        says(&mut format, "gate/state", &json!("closing")),
        ["door true"]
    );
    assert_eq!(
        says(&mut format, "gate/state", &json!("stopped")),
        Vec::<String>::new()
    );
    assert_eq!(says(&mut format, "gate/pos", &json!("100")), ["door false"]);
    assert_eq!(says(&mut format, "gate/pos", &json!("40")), ["door true"]);
    let mut blind = told(&[("cover/blind", json!({"dev_cla": "blind", "stat_t": "b"}))]);
    assert_eq!(says(&mut blind, "b", &json!("open")), ["other open"]);
}

#[test]
fn locks_alarm_panels_events_and_thermostats_are_read() {
    let mut format = told(&[
        (
            "lock/l",
            json!({"stat_t": "l", "state_locked": true, "state_unlocked": false,
            "value_template": "{{ value_json.value }}"}),
        ),
        ("alarm_control_panel/p", json!({"stat_t": "p"})),
        (
            "event/bell",
            json!({"stat_t": "bell", "evt_typ": ["press", "hold"]}),
        ),
        (
            "climate/t",
            json!({"curr_temp_t": "t", "curr_temp_tpl": "{{ value_json.local }}",
            "temp_unit": "F"}),
        ),
        ("siren/s", json!({"stat_t": "s", "command_topic": "s/set"})),
    ]);
    assert_eq!(
        says(&mut format, "l", &json!({"value": true})),
        ["lock locked"]
    );
    assert_eq!(
        says(&mut format, "p", &json!("triggered")),
        ["other triggered"]
    );
    let press = json!({"event_type": "press"});
    assert_eq!(says(&mut format, "bell", &press), ["other press"]);
    let (_, retained) = raw(&mut format, "bell", press.to_string().as_bytes(), true);
    assert!(retained.observations.is_empty());
    assert_eq!(
        says(&mut format, "t", &json!({"local": 50})),
        ["temperature 10 °C"]
    );
    assert_eq!(
        says(&mut format, "s", &json!({"state": "ON"})),
        ["other true"]
    );
}
