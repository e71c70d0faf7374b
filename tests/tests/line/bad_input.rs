//! Input that no sensor should send: counted, shown, and nothing else stops.

use anyhow::{Result, ensure};
use e2e::building::{Building, GATEWAY, detector};
use e2e::line::PATIENCE;
use e2e::zigbee::device_id;
use e2e::{Line, LineOptions, eventually};

/// One bad message: topic, payload, and the counter that must notice it.
struct Bad {
    topic: &'static str,
    payload: Vec<u8>,
    counter: &'static str,
}

fn bad(topic: &'static str, payload: impl AsRef<[u8]>, counter: &'static str) -> Bad {
    Bad {
        topic,
        payload: payload.as_ref().to_vec(),
        counter,
    }
}

fn bad_messages() -> Vec<Bad> {
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let mut mebibyte = br#"{"smoke":false,"filler":""#.to_vec();
    mebibyte.resize(1024 * 1024 - 2, b'x');
    let mut whole = mebibyte.clone();
    whole.extend(b"\"}");
    vec![
        bad("zigbee2mqtt/d0000", br#"{"smoke":tr"#, "decode_refused"),
        bad("zigbee2mqtt/d0000", b"", "mqtt_in"),
        bad("zigbee2mqtt/d0000", b"\xff\xfe\x00\x01", "decode_"),
        bad(
            "zigbee2mqtt/d0000",
            br#"{"smoke":"perhaps"}"#,
            "decode_problems",
        ),
        bad(
            "zigbee2mqtt/d0000",
            br#"{"smoke":[1,2,3]}"#,
            "decode_problems",
        ),
        bad(
            "zigbee2mqtt/d0000",
            br#"{"smoke":false,"battery":"full"}"#,
            "decode_problems",
        ),
        bad(
            "zigbee2mqtt/d0000",
            br#"{"smoke":false,"temperature":NaN}"#,
            "decode_refused",
        ),
        bad(
            "zigbee2mqtt/d0000",
            br#"{"smoke":false,"temperature":1e999}"#,
            "decode_refused",
        ),
        bad("zigbee2mqtt/d0000", deep, "decode_refused"),
        bad("zigbee2mqtt/d0000", mebibyte, "decode_refused"),
        bad("zigbee2mqtt/d0000", whole, "mqtt_in"),
        bad(
            "zigbee2mqtt/weather",
            br#"{"pressure":1013}"#,
            "decode_unknown",
        ),
        bad("plant/pump", br#"{"flow":{}}"#, "decode_unknown"),
        bad(
            "frigate/events",
            camera_event(r#""camera":{},"label":"person""#),
            "decode_",
        ),
        bad(
            "frigate/events",
            camera_event(r#""camera":"yard","label":{}"#),
            "decode_",
        ),
    ]
}

/// An event of Frigate with these fields in it.
fn camera_event(fields: &str) -> String {
    format!(
        r#"{{"type":"new","after":{{"id":"1.5-a",{fields},"false_positive":false,"start_time":1.5,"entered_zones":[]}}}}"#
    )
}

#[tokio::test]
async fn bad_messages_are_counted_and_stop_nothing() -> Result<()> {
    let options = LineOptions {
        building: Building::new().smoke_detectors("d", 2),
        ..LineOptions::default()
    };
    let line = Line::start("bad-input", options).await?;
    let mut zigbee = line.zigbee().await?;
    zigbee.smoke(&detector("d", 0), false).await?;
    for (number, bad) in bad_messages().into_iter().enumerate() {
        let before = counted(&line, bad.counter).await?;
        zigbee
            .publisher()
            .publish(bad.topic, &bad.payload, false)
            .await?;
        let what = format!(
            "`{}` to count bad message {number} ({:?})",
            bad.counter,
            String::from_utf8_lossy(&bad.payload[..bad.payload.len().min(60)])
        );
        eventually(&what, PATIENCE, async || {
            (counted(&line, bad.counter).await.ok()? > before).then_some(())
        })
        .await?;
    }
    ensure!(
        line.officer.cases("all").await?.is_empty(),
        "a bad message made a case"
    );
    zigbee.smoke(&detector("d", 1), true).await?;
    line.wait_cases(1).await?;
    line.check_one_case_each(&[device_id(&detector("d", 1))])
        .await?;

    let path = format!("/gateways/{GATEWAY}/quarantine");
    eventually(
        "samples of what nobody understood at the hub",
        PATIENCE,
        async || {
            let samples = line.officer.get(&path).await.ok()?;
            samples["items"]
                .as_array()
                .is_some_and(|items| !items.is_empty())
                .then_some(())
        },
    )
    .await?;
    line.passed()
}

/// A counter, or the sum of those with this prefix that count bad input.
async fn counted(line: &Line, counter: &str) -> Result<f64> {
    let metrics = line.agent.metrics().await?;
    if counter != "decode_" {
        return metrics.get(counter);
    }
    let all = ["decode_unknown", "decode_refused", "decode_problems"];
    all.iter().map(|name| metrics.get(name)).sum()
}

#[tokio::test]
async fn numbers_that_are_none_on_modbus_raise_nothing() -> Result<()> {
    let modbus = e2e::ModbusSim::start().await?;
    modbus.set_registers(1, &[0x7FC0, 0, 65_535, 0]);
    let building = Building::new()
        .device("riser/1", "1", "hall", 0)
        .line("riser", modbus.port(), 300, "per_unit")
        .unit(1, "riser/1", "modbus-smoke-temperature-transmitter", 50);
    let options = LineOptions {
        building,
        ..LineOptions::default()
    };
    let line = Line::start("nan", options).await?;
    eventually("the unit to be asked", PATIENCE, async || {
        (modbus.requests(1) >= 20).then_some(())
    })
    .await?;
    ensure!(
        line.officer.cases("all").await?.is_empty(),
        "not a number made a case"
    );
    modbus.set_transmitter(1, 90.0, 0.0);
    let cases = line.wait_cases(1).await?;
    ensure!(cases[0].devices == ["riser/1"], "{cases:?}");
    line.passed()
}
