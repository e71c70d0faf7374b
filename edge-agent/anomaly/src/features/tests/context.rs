//! What several channels say together, and what else is known of the room.

use super::*;

/// A quiet room with smoke, CO, VOC, temperature and humidity; readings every ten seconds for an hour.
fn full_room() -> (RoomFeatures, f64) {
    let mut room = RoomFeatures::new();
    let mut time = 0.0;
    for step in 0..360 {
        time = f64::from(step) * 10.0;
        let noise = if step % 2 == 0 { 0.1 } else { -0.1 };
        for (channel, value) in [
            (Channel::Smoke, 0.2 + noise),
            (Channel::CarbonMonoxide, 1.0 + noise),
            (Channel::Voc, 100.0 + noise),
            (Channel::Temperature, 21.0 + noise),
            (Channel::Humidity, 45.0 + noise),
        ] {
            room.update(channel, at(time), value);
        }
    }
    (room, time)
}

#[test]
fn steam_brings_water_into_the_air_and_heat_does_not() {
    let (mut room, time) = full_room();
    room.update(Channel::Temperature, at(time + 10.0), 60.0);
    let heat = room.context_view().absolute_humidity.expect("both there");
    assert!(heat.abs() < 0.1, "heat alone: {heat} g/kg");
    room.update(Channel::Humidity, at(time + 10.0), 85.0);
    let steam = room.context_view().absolute_humidity.expect("both there");
    // At 21 °C and 1013 hPa, 45 % are 6.9 g/kg and 85 % are 13.2 g/kg.
    assert!((steam - 6.3).abs() < 0.2, "{steam} g/kg");
}

#[test]
fn smoke_alone_and_smoke_with_carbon_monoxide_differ() {
    let (mut room, time) = full_room();
    room.update(Channel::Smoke, at(time + 10.0), 10.2);
    let alone = room.row();
    assert!(feature(&alone, "context.smoke_co_ratio") > 1.0);
    assert!(feature(&alone, "context.smoke_and_co") < 0.1);
    room.update(Channel::CarbonMonoxide, at(time + 10.0), 61.0);
    let both = room.row();
    assert!(feature(&both, "context.smoke_co_ratio").abs() < 0.1);
    assert!(feature(&both, "context.smoke_and_co") > 1.5);
}

#[test]
fn fine_dust_stands_in_for_smoke() {
    let mut room = RoomFeatures::new();
    for (channel, quiet, now) in [
        (Channel::Pm25, 8.0, 308.0),
        (Channel::CarbonMonoxide, 0.0, 60.0),
    ] {
        room.update(channel, at(0.0), quiet);
        room.update(channel, at(10.0), now);
    }
    assert!(feature(&room.row(), "context.smoke_and_co") > 1.0);
}

#[test]
fn door_camera_and_people_count_for_their_time() {
    let (mut room, time) = full_room();
    let now = at(time);
    assert_eq!(room.observe(now, Observation::DoorOpened), Update::Taken);
    room.observe(now, Observation::CameraFire(0.8));
    room.observe(now, Observation::CameraFire(0.3));
    room.observe(now, Observation::OccupancyExpected(0.25));
    let told = room.observe(now, Observation::CameraFire(f64::NAN));
    assert_eq!(told, Update::NotFinite);
    let row = room.row_at(at(time + 50.0));
    assert_eq!(feature(&row, "context.door_opened"), 1.0);
    assert_eq!(feature(&row, "context.camera_fire"), 0.8);
    assert_eq!(feature(&row, "context.occupancy_expected"), -0.5);
    let row = room.row_at(at(time + 61.0));
    assert_eq!(feature(&row, "context.camera_fire"), 0.0);
    let row = room.row_at(at(time + 301.0));
    assert_eq!(feature(&row, "context.door_opened"), 0.0);
}

#[test]
fn recording_may_tell_of_doors_cameras_people_and_the_local_time() {
    let recording = "time,utc_offset_s,door_opened,camera_fire,occupancy_expected,temperature\n\
                     0,3600,1,0.5,1,21\n10,,,,,21\n";
    let mut out = Vec::new();
    features_csv(recording.as_bytes(), &mut out).expect("readable");
    let text = String::from_utf8(out).expect("text");
    let last: Vec<&str> = text.lines().last().expect("a row").split(',').collect();
    let tail = &last[last.len() - 3..];
    assert_eq!(tail, ["1", "1", "0.5"]);
    let error =
        features_csv("time,camera_fire\n0,x\n".as_bytes(), std::io::sink()).expect_err("refused");
    assert_eq!(
        error.to_string(),
        "line 2, column `camera_fire`: `x` is not a number"
    );
}

proptest! {
    /// With the readings of everything else the same, no feature that speaks for fire falls when smoke,
    /// CO or heat is more, and no feature of the context does but the two ratios.
    #[test]
    fn more_smoke_carbon_monoxide_or_heat_lowers_no_feature_that_speaks_for_fire(
        which in 0..3_usize,
        low in 0.0..50.0_f64,
        more in 0.0..50.0_f64,
    ) {
        let channel = [Channel::Smoke, Channel::CarbonMonoxide, Channel::Temperature][which];
        let (mut room, time) = full_room();
        let mut other = room.clone();
        room.update(channel, at(time + 10.0), low);
        other.update(channel, at(time + 10.0), low + more);
        let ratios = ["context.smoke_co_ratio", "context.smoke_voc_ratio"];
        for ((name, less), more) in feature_names().zip(room.row()).zip(other.row()) {
            // What the value teaches the usual temperature moves the water in the air by a hair.
            let hair = if name == "context.absolute_humidity" { 1e-3 } else { 0.0 };
            if !ratios.contains(&name.as_str()) {
                prop_assert!(more >= less - hair, "{} falls from {} to {}", name, less, more);
            }
        }
    }
}
