//! Templates as they are in the field, and as nobody should write them.

use super::*;
use crate::formats::home_assistant::template::{Failure, Input, Templates};

fn render(template: &str, payload: &str) -> Result<String, Failure> {
    let mut templates = Templates::default();
    let template = templates.add(template).map_err(Failure::Fault)?;
    let now = Timestamp::from_unix_ms(NOW);
    let message = Message::new("t", payload.as_bytes(), false, now);
    templates.render(Some(&template), &Input::new(&message))
}

#[test]
fn templates_give_what_home_assistant_gives() {
    for (template, payload, expected) in [
        ("{{ value_json.a.b[0] }}", r#"{"a":{"b":[4]}}"#, "4"),
        ("{{ value_json['x y'] }}", r#"{"x y":true}"#, "True"),
        ("{{value_json.a}}", r#"{"a":null}"#, "None"),
        ("{{ value }}", " 12 ", "12"),
        ("{{ value_json.a | float * 0.1 }}", r#"{"a":"235"}"#, "23.5"),
        ("{{ value_json.a | round(1) }}", r#"{"a":23.456}"#, "23.5"),
        ("{{ (value | float / 10) | round }}", "117", "12"),
        ("{{ value | int(0) }}", "x", "0"),
        ("{{ value_json.a | int(default=7) }}", "{}", "7"),
        (
            "{{ value_json.bits | int | bitwise_and(4) > 0 }}",
            r#"{"bits":5}"#,
            "True",
        ),
        (
            "{{ iif(value_json.a == 1, 'ON', 'OFF') }}",
            r#"{"a":1}"#,
            "ON",
        ),
        ("{{ value_json.a | default('OFF') }}", "{}", "OFF"),
        (
            r"{{ value | regex_replace('^T:(\d+).*', '\\1') }}",
            "T:21C",
            "21",
        ),
        (
            r"{{ value | regex_findall_index('(\d+)%') }}",
            "bat 55% ok",
            "55",
        ),
        (
            "{{ 'ON' if value is match('AL') else 'OFF' }}",
            "ALARM",
            "ON",
        ),
        ("{{ value.split(',')[1] }}", "1,2,3", "2"),
        ("{{ value_json.get('a', 5) }}", "{}", "5"),
        ("{{ '%.1f' | format(value | float) }}", "2.345", "2.3"),
        ("{{ '{:.2f}'.format(value | float) }}", "2.5", "2.50"),
        ("{{ (value | from_json).k }}", r#"{"k":"v"}"#, "v"),
        ("{{ value_json.on | bool }}", r#"{"on":"yes"}"#, "True"),
        (
            "{{ value_json.at | timestamp_custom('%Y', true) }}",
            r#"{"at":1600000000}"#,
            "2020",
        ),
        (
            "{% set m = {'0':'OFF','1':'ON'} %}{{ m[value] }}",
            "1",
            "ON",
        ),
        (
            "{% for z in value_json.zones if z.open %}{{ z.n }}{% endfor %}",
            r#"{"zones":[{"n":1,"open":false},{"n":2,"open":true}]}"#,
            "2",
        ),
        ("{{ value_json['v'] | float * 2 }}", r#"{"v":3}"#, "6.0"),
        ("{{ max(value_json.a, 3) }}", r#"{"a":2}"#, "3"),
        (
            "{{ value_json.state | lower }}",
            r#"{"state":"OPEN"}"#,
            "open",
        ),
    ] {
        assert_eq!(
            render(template, payload).as_deref(),
            Ok(expected),
            "{template}"
        );
    }
}

#[test]
fn what_is_missing_is_no_value_and_no_fault() {
    for (template, payload) in [
        ("{{ value_json.a.b }}", "{}"),
        ("{{ value_json.a.b | float }}", "{}"),
        ("{{ value_json.a | float }}", "{}"),
        ("{{ value_json.a | is_defined }}", "{}"),
        ("{{ value_json.a }}", "no json"),
        ("{{ is_state(entity_id, 'on') }}", "1"),
        ("{{ states('sensor.x') }}", "1"),
    ] {
        let failure = render(template, payload).expect_err(template);
        assert!(
            matches!(failure, Failure::Missing(_)),
            "{template}: {failure:?}"
        );
    }
}

#[test]
fn templates_that_would_cost_too_much_fail_and_stop() {
    let doubling =
        "{% set a = value ~ value %}".to_owned() + &"{% set a = a ~ a %}".repeat(30) + "{{ a }}";
    for template in [
        doubling.as_str(),
        "{% macro f(s) %}{{ f(s) }}{% endmacro %}{{ f(value) }}",
        "{% for a in value_json.l recursive %}{{ loop(value_json.l) }}{% endfor %}",
        "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}",
        "{{ 'x' * 10000000 }}",
        "{{ 10000000 * value }}",
        "{{ {'a': {}}, 'x' * 10000000 }}",
        "{{ '}}' ~ '{#' ~ 'x' * 10000000 }}",
        "{% raw %}{{ ' {% endraw %}{{ 'x' * 10000000 }}",
        "{{ '%999999999d' | format(1) }}",
        "{{ value | replace('', value) }}",
        "{{ value | list | join(value) }}",
        "{{ value | regex_replace('x', value) }}",
        "{% include 'x' %}",
        "{{ unheard_of(value) }}",
        "{{ (((((((",
    ] {
        let payload = "x".repeat(5_000);
        assert!(render(template, &payload).is_err(), "{template}");
    }
}

#[test]
fn template_is_kept_as_long_as_an_entity_uses_it() {
    let template = "{{ value_json.a | float }}";
    let description = |topic: &str| {
        json!({"stat_t": topic, "dev_cla": "temperature",
        "val_tpl": template})
    };
    let mut format = told(&[
        ("sensor/a", description("a")),
        ("sensor/b", description("b")),
    ]);
    raw(&mut format, "homeassistant/sensor/a/config", b"", true);
    assert_eq!(says(&mut format, "b", &json!({"a": 4})), ["temperature 4"]);
    raw(&mut format, "homeassistant/sensor/b/config", b"", true);
    assert!(format!("{format:?}").contains("in_use: 0"));
}
