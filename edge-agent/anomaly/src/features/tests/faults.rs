//! When a sensor is taken for broken, and when not.

use super::*;

fn fault(room: &RoomFeatures) -> Option<Fault> {
    room.view(Channel::Temperature).expect("present").fault
}

/// Feeds the same value every ten seconds; returns the time after.
fn hold(room: &mut RoomFeatures, channel: Channel, from: f64, value: f64, seconds: f64) -> f64 {
    let mut time = from;
    while time < from + seconds {
        time += 10.0;
        room.update(channel, at(time), value);
    }
    time
}

#[test]
fn value_that_stands_still_longer_than_ever_is_flat_and_alive_again_when_it_moves() {
    let (mut room, time) = quiet_room(37 * 60);
    assert_eq!(fault(&room), None);
    let time = hold(&mut room, Channel::Temperature, time, 21.1, 1700.0);
    assert_eq!(fault(&room), None, "half an hour is not enough");
    let time = hold(&mut room, Channel::Temperature, time, 21.1, 1000.0);
    assert_eq!(fault(&room), Some(Fault::Flat));
    assert_eq!(feature(&room.row(), "temperature.fault"), 1.0);
    room.update(Channel::Temperature, at(time + 10.0), 21.0);
    assert_eq!(fault(&room), None);
}

#[test]
fn sensor_that_stands_still_every_night_is_not_taken_for_broken() {
    let mut room = RoomFeatures::new();
    let (mut time, mut told) = (0.0, Vec::new());
    for _day in 0..6 {
        for step in 0..960_i32 {
            time += 60.0;
            room.update(
                Channel::Temperature,
                at(time),
                21.0 + f64::from(step % 2) * 0.1,
            );
        }
        let mut flat = false;
        for _night in 0..480_i32 {
            time += 60.0;
            room.update(Channel::Temperature, at(time), 21.0);
            flat |= fault(&room).is_some();
        }
        told.push(flat);
    }
    assert_eq!(told, [false; 6]);
}

#[test]
fn spike_and_the_way_back_to_usual_are_no_step() {
    let (mut room, time) = quiet_room(120);
    room.update(Channel::Temperature, at(time + 10.0), 35.0);
    hold(&mut room, Channel::Temperature, time + 10.0, 21.1, 1500.0);
    assert_eq!(fault(&room), None);
}

#[test]
fn constant_from_the_start_is_no_fault() {
    let mut room = RoomFeatures::new();
    hold(&mut room, Channel::Temperature, 0.0, 21.0, 86_400.0);
    assert_eq!(fault(&room), None);
}

#[test]
fn clean_air_that_reads_zero_for_days_is_no_fault() {
    let mut room = RoomFeatures::new();
    for step in 0..200 {
        let value = if step % 2 == 0 { 0.0 } else { 0.1 };
        room.update(Channel::Smoke, at(f64::from(step) * 10.0), value);
    }
    hold(&mut room, Channel::Smoke, 2000.0, 0.0, 3.0 * 86_400.0);
    assert_eq!(feature(&room.row(), "smoke.fault"), 0.0);
}

#[test]
fn jump_that_then_stands_still_is_a_step_until_it_is_the_new_normal() {
    let (mut room, time) = quiet_room(120);
    let mut time = hold(&mut room, Channel::Temperature, time, 35.0, 200.0);
    assert_eq!(fault(&room), None, "too early to tell");
    for step in 0..60 {
        time += 10.0;
        let noise = if step % 2 == 0 { 0.1 } else { -0.1 };
        room.update(Channel::Temperature, at(time), 35.0 + noise);
    }
    assert_eq!(fault(&room), Some(Fault::Step));
    for step in 0..900 {
        time += 10.0;
        let noise = if step % 2 == 0 { 0.1 } else { -0.1 };
        room.update(Channel::Temperature, at(time), 35.0 + noise);
    }
    assert_eq!(fault(&room), None);
}

#[test]
fn fire_that_keeps_growing_after_a_jump_is_no_step() {
    let (mut room, mut time) = quiet_room(120);
    let mut value = 30.0;
    for _ in 0..120 {
        time += 10.0;
        value += 1.0;
        room.update(Channel::Temperature, at(time), value);
        assert_eq!(fault(&room), None);
    }
}

#[test]
fn impossible_value_is_held_and_a_fault_while_it_lasts() {
    let (mut room, time) = quiet_room(60);
    room.update(Channel::Temperature, at(time + 10.0), 5000.0);
    assert_eq!(fault(&room), Some(Fault::OutOfRange));
    let view = room.view(Channel::Temperature).expect("present");
    assert_eq!(view.value, 600.0);
    room.update(Channel::Temperature, at(time + 20.0), 21.0);
    assert_eq!(fault(&room), None);
}
