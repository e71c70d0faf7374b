//! What is usual for an hour of the week, and that an episode teaches nothing.

use super::*;

const DAY_S: f64 = 86_400.0;

/// CO2 of an office: 900 ppm from 8 to 18 local time on weekdays, 450 ppm otherwise, a reading a minute.
/// `at(0)` is Tuesday 2023-11-14 22:13:20 UTC.
fn office_co2(seconds: f64) -> f64 {
    let local_h = (seconds / 3600.0 + 22.0 + 13.0 / 60.0) % 168.0 + 24.0;
    let (day, hour) = ((local_h / 24.0).floor() % 7.0, local_h % 24.0);
    let wobble = (seconds / 60.0) % 7.0;
    if day < 5.0 && (8.0..18.0).contains(&hour) {
        900.0 + wobble
    } else {
        450.0 + wobble
    }
}

fn office(days: f64) -> (RoomFeatures, f64) {
    let mut room = RoomFeatures::new();
    let mut time = 0.0;
    while time < days * DAY_S {
        room.update(Channel::Co2, at(time), office_co2(time));
        time += 60.0;
    }
    (room, time)
}

#[test]
fn usual_range_follows_the_hour_of_the_week_after_some_weeks() {
    let (mut room, mut time) = office(27.5);
    // On to Tuesday 11:00: people are there as every week.
    while (time / 3600.0 + 22.0 + 13.0 / 60.0) % 24.0 < 11.0 || office_co2(time) < 800.0 {
        room.update(Channel::Co2, at(time), office_co2(time));
        time += 60.0;
    }
    let view = room.view(Channel::Co2).expect("present");
    assert!(view.usual_high > 850.0, "by day: {view:?}");
    let by_day = feature(&room.row(), "co2.hour_z");
    // The same value at 03:00 is far from usual.
    while !(3.0..3.1).contains(&((time / 3600.0 + 22.0 + 13.0 / 60.0) % 24.0)) {
        room.update(Channel::Co2, at(time), office_co2(time));
        time += 60.0;
    }
    room.update(Channel::Co2, at(time), 905.0);
    let view = room.view(Channel::Co2).expect("present");
    assert!(view.usual_high < 800.0, "by night: {view:?}");
    let by_night = feature(&room.row(), "co2.hour_z");
    assert!(
        by_night > by_day.abs() + 1.5,
        "{by_night} by night, {by_day} by day"
    );
}

#[test]
fn hours_are_local_ones() {
    let mut room = RoomFeatures::new();
    room.set_utc_offset_s(8 * 3600);
    room.update(Channel::Temperature, at(0.0), 21.0);
    // 22:13:20 UTC is 06:13:20 in Beijing.
    let angle = (6.0 + 13.0 / 60.0 + 20.0 / 3600.0) / 24.0 * std::f32::consts::TAU;
    assert!((feature(&room.row(), "context.hour_sin") - angle.sin()).abs() < 1e-5);
    assert!((feature(&room.row(), "context.hour_cos") - angle.cos()).abs() < 1e-5);
    room.set_utc_offset_s(i32::MAX);
    assert!(feature(&room.row(), "context.hour_sin").is_finite());
}

#[test]
fn episode_held_by_the_caller_teaches_nothing() {
    let (mut room, mut time) = quiet_room(120);
    let before = serde_json::to_value(&room).expect("serializable");
    room.set_episode(true);
    for _ in 0..600 {
        time += 10.0;
        room.update(Channel::Temperature, at(time), 21.6);
    }
    let after = serde_json::to_value(&room).expect("serializable");
    let index = Channel::Temperature.index();
    for learned in ["level", "mean_abs", "learned_s", "hours"] {
        assert_eq!(
            before["channels"][index][learned], after["channels"][index][learned],
            "{learned}"
        );
    }
}
