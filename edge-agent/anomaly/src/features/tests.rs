//! The feature engine: exact where it is exact, defined where input is bad, never NaN.

use gridwatch_protocol::Kind;
use proptest::prelude::*;

use super::*;

mod context;
mod faults;
mod hours;

#[expect(clippy::cast_possible_truncation, reason = "small test times")]
fn at(seconds: f64) -> Timestamp {
    Timestamp::from_unix_ms((1_700_000_000_000.0 + seconds * 1000.0) as i64)
}

fn feature(row: &FeatureRow, name: &str) -> f32 {
    let index = feature_names().position(|n| n == name).expect("a feature");
    row[index]
}

/// A quiet room at 21 °C, a reading each 10 s, for `minutes`.
fn quiet_room(minutes: u32) -> (RoomFeatures, f64) {
    let mut room = RoomFeatures::new();
    let mut time = 0.0;
    for step in 0..minutes * 6 {
        time = f64::from(step) * 10.0;
        let noise = if step % 2 == 0 { 0.1 } else { -0.1 };
        room.update(Channel::Temperature, at(time), 21.0 + noise);
    }
    (room, time)
}

#[test]
fn quiet_room_has_features_near_zero_and_no_other_channel() {
    let (room, _) = quiet_room(60);
    let row = room.row();
    for name in [
        "level_z", "fast_z", "slope_1m", "slope_5m", "rise", "cusum", "hour_z", "fault",
    ] {
        let value = feature(&row, &format!("temperature.{name}"));
        assert!(value.abs() < 0.5, "{name} is {value}");
    }
    assert_eq!(feature(&row, "temperature.present"), 1.0);
    for channel in Channel::ALL {
        if channel != Channel::Temperature {
            let start = channel.index() * PER_GROUP;
            assert_eq!(row[start..start + PER_GROUP], [0.0; PER_GROUP]);
        }
    }
}

#[test]
fn slope_of_a_ramp_is_exact_at_irregular_sampling() {
    let (mut room, start) = quiet_room(30);
    // 16 °C/min is twice the rate constant of 8 °C/min, at uneven steps, for 10 minutes.
    let mut time = start;
    for step in 0..200 {
        time += if step % 3 == 0 { 5.0 } else { 2.0 };
        room.update(
            Channel::Temperature,
            at(time),
            21.0 + (time - start) * 16.0 / 60.0,
        );
    }
    // The averages' start fades as exp(-t/70 s): 0.02 % are left after 10 minutes.
    let expected = 2.0 / (1.0 + 2.0 / 8.0);
    let slope = feature(&room.row(), "temperature.slope_1m");
    assert!(
        (slope - expected).abs() < 0.005,
        "{slope} against {expected}"
    );
    let view = room.view(Channel::Temperature).expect("present");
    assert!((view.per_minute - 16.0).abs() < 0.1, "{view:?}");
}

#[test]
fn burst_does_not_move_what_is_usual() {
    let (mut room, start) = quiet_room(120);
    let before = room.view(Channel::Temperature).expect("present");
    for step in 1..60 {
        room.update(
            Channel::Temperature,
            at(start + f64::from(step) * 10.0),
            60.0,
        );
    }
    let after = room.view(Channel::Temperature).expect("present");
    // The usual range goes on with the hour; the burst adds nothing to it.
    assert!((after.usual_high - before.usual_high).abs() < 0.05);
    assert!(feature(&room.row(), "temperature.level_z") > 6.0);
}

#[test]
fn replaced_sensor_becomes_the_new_normal_after_two_hours() {
    let (mut room, start) = quiet_room(120);
    let mut time = start;
    while time < start + 3.0 * 3600.0 {
        time += 60.0;
        room.update(Channel::Temperature, at(time), 70.0);
    }
    assert!(feature(&room.row(), "temperature.level_z").abs() < 0.5);
}

#[test]
fn not_a_number_is_refused_and_changes_nothing() {
    let (mut room, time) = quiet_room(10);
    let before = room.clone();
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let update = room.update(Channel::Temperature, at(time + 10.0), bad);
        assert_eq!(update, Update::NotFinite);
    }
    assert_eq!(room, before);
}

#[test]
fn late_reading_is_refused_and_the_third_in_a_row_is_a_clock_step() {
    let (mut room, time) = quiet_room(10);
    let late = |room: &mut RoomFeatures| room.update(Channel::Temperature, at(time - 20.0), 21.0);
    assert_eq!(late(&mut room), Update::Late);
    assert_eq!(late(&mut room), Update::Late);
    assert_eq!(late(&mut room), Update::Taken);
    assert_eq!(room.now(), Some(at(time - 20.0)));
}

#[test]
fn clock_set_back_by_years_keeps_what_was_learned_in_every_channel() {
    let (mut room, time) = quiet_room(60);
    room.update(Channel::Co2, at(time), 500.0);
    let before = room.view(Channel::Temperature).expect("present");
    let years = 20.0 * 365.0 * 86_400.0;
    assert_eq!(
        room.update(Channel::Temperature, at(time - years), 21.0),
        Update::Taken
    );
    let after = room.view(Channel::Temperature).expect("present");
    assert!((after.usual_high - before.usual_high).abs() < 0.2);
    assert!(room.view(Channel::Co2).is_some());
    assert!(feature(&room.row(), "temperature.level_z").abs() < 1.0);
}

#[test]
fn gap_starts_the_averages_anew_and_keeps_the_level() {
    let (mut room, time) = quiet_room(60);
    room.update(Channel::Temperature, at(time + 7200.0), 24.0);
    let row = room.row();
    assert_eq!(feature(&row, "temperature.slope_1m"), 0.0);
    assert_eq!(feature(&row, "temperature.cusum"), 0.0);
    assert!(feature(&row, "temperature.level_z") > 3.0);
}

#[test]
fn stale_channel_is_absent() {
    let (mut room, time) = quiet_room(60);
    room.update(Channel::Co2, at(time + 400.0), 500.0);
    let row = room.row();
    assert_eq!(feature(&row, "temperature.present"), 0.0);
    assert_eq!(feature(&row, "temperature.level_z"), 0.0);
    assert!(room.view(Channel::Temperature).is_none());
}

#[test]
fn saved_state_of_another_version_or_with_impossible_numbers_is_refused() {
    let (room, _) = quiet_room(1);
    let mut json = serde_json::to_value(&room).expect("serializable");
    json["features_version"] = 99.into();
    let error = serde_json::from_value::<RoomFeatures>(json).expect_err("refused");
    assert_eq!(
        error.to_string(),
        "saved features are of version 99, this agent has version 2"
    );
    let mut json = serde_json::to_value(&room).expect("serializable");
    json["channels"][Channel::Temperature.index()]["level"] = 1e9.into();
    let error = serde_json::from_value::<RoomFeatures>(json).expect_err("refused");
    assert!(error.to_string().contains("temperature"), "{error}");
}

#[test]
fn state_saved_by_version_1_is_told_by_its_version() {
    let saved = r#"{"features_version":1,"now":"2026-11-22T03:00:00Z","late_in_row":0,
        "channels":[null,null,null,null,null,null]}"#;
    let error = serde_json::from_str::<RoomFeatures>(saved).expect_err("refused");
    assert!(
        error
            .to_string()
            .starts_with("saved features are of version 1, this agent has version 2"),
        "{error}"
    );
}

#[test]
fn units_are_converted_and_unknown_ones_are_no_measurement() {
    let check = |kind, unit: &str, value, channel, expected: f64| {
        let (got, converted) = measure(kind, Some(unit), value).expect("known");
        assert_eq!(got, channel);
        assert!((converted - expected).abs() < 0.01, "{unit}: {converted}");
    };
    check(Kind::Smoke, "1/m", 0.14, Channel::Smoke, 27.56);
    check(Kind::Smoke, "dB/m", 1.4, Channel::Smoke, 27.56);
    check(Kind::Smoke, "%/ft", 4.0, Channel::Smoke, 12.53);
    check(Kind::Temperature, "°F", 136.4, Channel::Temperature, 58.0);
    check(
        Kind::CarbonMonoxide,
        "%",
        0.01,
        Channel::CarbonMonoxide,
        100.0,
    );
    check(Kind::Humidity, "1", 0.45, Channel::Humidity, 45.0);
    check(Kind::Pm25, "mg/m³", 0.05, Channel::Pm25, 50.0);
    assert_eq!(measure(Kind::Smoke, Some("V"), 1.0), None);
    assert_eq!(measure(Kind::Door, None, 1.0), None);
}

#[test]
fn recording_becomes_one_feature_row_per_line_and_each_room_starts_anew() {
    let recording = "recording,time,temperature:°C,smoke:1/m\n\
                     a,0,21.0,\na,5,21.5,0.001\nb,2026-11-22T03:00:00Z,21.5,NaN\n";
    let mut out = Vec::new();
    let rows = features_csv(recording.as_bytes(), &mut out).expect("readable");
    assert_eq!(rows, 3);
    let text = String::from_utf8(out).expect("text");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[0].starts_with("recording,time,smoke.level_z,"));
    assert_eq!(lines[0].split(',').count(), 2 + FEATURE_COUNT);
    assert!(lines[3].starts_with("b,2026-11-22T03:00:00Z,0,0,"));
}

#[test]
fn bad_recordings_say_where_and_what() {
    let check = |text: &str| {
        features_csv(text.as_bytes(), std::io::sink())
            .expect_err("refused")
            .to_string()
    };
    assert!(check("a,b\n1,2\n").starts_with("column `a` is not a channel: name it KIND"));
    assert!(check("smoke\n1\n").starts_with("the recording has no column `time`"));
    assert_eq!(
        check("time,smoke\n0,1\n5,x\n"),
        "line 3, column `smoke`: `x` is not a number"
    );
    assert_eq!(
        check("time,smoke\nnoon,1\n"),
        "line 2, column `time`: `noon` is not a time in seconds or RFC 3339"
    );
    assert_eq!(
        check("time,smoke,smoke:1/m\n"),
        "column `smoke:1/m` is a second column for the channel smoke"
    );
}

fn any_reading() -> impl Strategy<Value = (usize, i64, f64)> {
    let time = prop_oneof![
        4 => 0..120_000_i64,
        1 => -120_000..0_i64,
        1 => any::<i64>().prop_map(|ms| ms / 2),
    ];
    let value = prop_oneof![
        4 => -100.0..1000.0_f64,
        1 => any::<f64>(),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
    ];
    (0..Channel::ALL.len(), time, value)
}

/// Feeds readings whose times are steps from the one before.
fn feed(room: &mut RoomFeatures, time: &mut i64, readings: &[(usize, i64, f64)]) {
    for (channel, step, value) in readings {
        *time = time.saturating_add(*step);
        room.update(
            Channel::ALL[*channel],
            Timestamp::from_unix_ms(*time),
            *value,
        );
    }
}

proptest! {
    #[test]
    fn any_input_gives_finite_bounded_features(readings in prop::collection::vec(any_reading(), 0..200)) {
        let mut room = RoomFeatures::new();
        let mut time = 1_700_000_000_000;
        for reading in &readings {
            feed(&mut room, &mut time, &[*reading]);
            prop_assert!(room.row().iter().all(|f| f.is_finite() && f.abs() <= 8.0));
        }
    }

    #[test]
    fn saved_and_restored_engine_goes_on_to_the_last_bit(
        before in prop::collection::vec(any_reading(), 0..100),
        after in prop::collection::vec(any_reading(), 1..100),
    ) {
        let mut room = RoomFeatures::new();
        let mut time = 1_700_000_000_000;
        feed(&mut room, &mut time, &before);
        let json = serde_json::to_string(&room).expect("serializable");
        let mut restored: RoomFeatures = serde_json::from_str(&json).expect("sound");
        prop_assert_eq!(&restored, &room);
        let mut time_again = time;
        feed(&mut room, &mut time, &after);
        feed(&mut restored, &mut time_again, &after);
        prop_assert_eq!(room.row().map(f32::to_bits), restored.row().map(f32::to_bits));
    }
}
