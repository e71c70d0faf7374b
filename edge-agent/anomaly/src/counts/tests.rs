//! What a stream does with good and bad input.

use gridwatch_protocol::Timestamp;
use proptest::prelude::*;

use super::*;

const HALF_HOUR: i64 = 1_800_000;
/// A Monday, 00:00 UTC.
const MONDAY: i64 = 1_772_409_600_000;

fn time(half_hours: i64) -> Timestamp {
    Timestamp::from_unix_ms(MONDAY + half_hours * HALF_HOUR)
}

/// A fixed scatter between 0 and 1.
fn scatter(i: i64) -> f64 {
    let mixed = u32::try_from(i.rem_euclid(1 << 20))
        .expect("20 bits")
        .wrapping_mul(2_654_435_761);
    f64::from(mixed >> 8) / f64::from(1u32 << 24)
}

/// People through an office door: 6 to 17 each half-hour of a workday, a late one now and then.
fn office(i: i64) -> f64 {
    let (day, slot) = (i.div_euclid(48) % 7, i % 48);
    if day < 5 && (18..36).contains(&slot) {
        (6.0 + 12.0 * scatter(i)).floor()
    } else {
        f64::from(u8::from(scatter(i) > 0.97))
    }
}

fn weeks(stream: &mut CountStream, from: i64, weeks: i64) {
    for i in from..from + weeks * 336 {
        assert_eq!(
            stream.update(time(i), office(i), 0, Learning::On),
            Update::Taken
        );
    }
}

#[test]
fn the_same_four_people_are_nothing_by_day_and_much_by_night() {
    let mut stream = CountStream::new();
    weeks(&mut stream, 0, 4);
    let (night, noon) = (4 * 336 + 5, 4 * 336 + 24);
    for i in 4 * 336..night {
        stream.update(time(i), office(i), 0, Learning::On);
    }
    let mut by_night = stream.clone();
    by_night.update(time(night), 4.0, 0, Learning::On);
    for i in night..noon {
        stream.update(time(i), office(i), 0, Learning::On);
    }
    stream.update(time(noon), 12.0, 0, Learning::On);
    let (night, noon) = (by_night.row(), stream.row());
    assert!(
        night[at::UPPER] > 3.5 && night[at::OFF_HOURS] > 0.8,
        "{night:?}"
    );
    assert!(
        noon[at::UPPER] < 1.5 && noon[at::OFF_HOURS] < 0.1,
        "{noon:?}"
    );
    assert!(evidence(&night) > evidence(&noon));
}

#[test]
fn a_door_that_nobody_passes_on_a_workday_is_missed() {
    let mut stream = CountStream::new();
    weeks(&mut stream, 0, 4);
    for i in 4 * 336..4 * 336 + 24 {
        let count = if i % 48 >= 20 { 0.0 } else { office(i) };
        stream.update(time(i), count, 0, Learning::On);
    }
    assert!(stream.row()[at::LOWER] > 6.0);
    let view = stream.view().expect("counted");
    assert_eq!(view.count, 0.0);
    assert!(view.usual_low > 10.0, "four half-hours together: {view:?}");
}

#[test]
fn an_anomaly_hardly_teaches_and_during_an_episode_not_at_all() {
    let expected_after = |learning| {
        let mut stream = CountStream::new();
        weeks(&mut stream, 0, 4);
        stream.update(time(4 * 336 + 5), 500.0, 0, learning);
        stream.expected(time(5 * 336 + 5), HALF_HOUR, 0)
    };
    assert!(
        expected_after(Learning::On) < 1.5,
        "{}",
        expected_after(Learning::On)
    );
    assert!(expected_after(Learning::Held) < 0.2);
}

#[test]
fn a_stream_that_is_another_one_is_learned_anew() {
    let mut stream = CountStream::new();
    weeks(&mut stream, 0, 6);
    for i in 6 * 336..8 * 336 {
        stream.update(time(i), office(i) * 40.0 + 100.0, 0, Learning::Held);
    }
    let noon = 8 * 336 + 24;
    let expected = stream.expected(time(noon), HALF_HOUR, 0);
    assert!((300.0..900.0).contains(&expected), "{expected}");
    // And one that dies is not missed for ever.
    for i in 8 * 336..12 * 336 {
        stream.update(time(i), 0.0, 0, Learning::On);
    }
    assert!(stream.row()[at::LOWER] < 3.0);
}

#[test]
fn a_gap_is_no_zero() {
    let mut with_gap = CountStream::new();
    weeks(&mut with_gap, 0, 4);
    let before = with_gap.expected(time(8 * 336 + 24), HALF_HOUR, 0);
    weeks(&mut with_gap, 6 * 336, 1);
    let after = with_gap.expected(time(8 * 336 + 24), HALF_HOUR, 0);
    assert!((after / before - 1.0).abs() < 0.3, "{before} {after}");
    let view = with_gap.view().expect("counted");
    assert!(
        (34.0..=35.1).contains(&view.watched_days),
        "{}",
        view.watched_days
    );
}

#[test]
fn bad_counts_are_refused_and_change_nothing() {
    let mut stream = CountStream::new();
    weeks(&mut stream, 0, 1);
    let before = stream.clone();
    for bad in [f64::NAN, f64::INFINITY, -1.0, 0.5, 1e12] {
        assert_eq!(
            stream.update(time(336), bad, 0, Learning::On),
            Update::NotACount
        );
    }
    assert_eq!(
        stream.update(time(335), 3.0, 0, Learning::On),
        Update::Duplicate
    );
    assert_eq!(stream, before);
    assert_eq!(stream.update(time(300), 3.0, 0, Learning::On), Update::Late);
    assert_eq!(stream.row(), before.row());
}

#[test]
fn after_a_clock_step_of_years_the_weeks_are_still_known() {
    let mut stream = CountStream::new();
    weeks(&mut stream, 0, 4);
    let years = -52 * 10 * 336;
    let mut taken = 0;
    for i in 0..48 {
        let update = stream.update(time(years + i), office(i), 0, Learning::On);
        taken += i64::from(update == Update::Taken);
    }
    assert_eq!(taken, 46, "two are late, the third is a clock step");
    assert!((5.0..20.0).contains(&stream.expected(time(24), HALF_HOUR, 0)));
    assert_eq!(
        stream.update(time(years * -2), 3.0, 0, Learning::On),
        Update::Taken
    );
}

#[test]
fn a_new_reporting_interval_is_followed() {
    let mut stream = CountStream::new();
    weeks(&mut stream, 0, 3);
    let start = time(3 * 336 + 20);
    for i in 0..12 {
        stream.update(start.plus_ms(i * 300_000), 2.0, 0, Learning::On);
    }
    let view = stream.view().expect("counted");
    assert_eq!(view.to.ms_since(view.from) % 300_000, 0);
    assert!(view.to.ms_since(view.from) <= 4 * 300_000);
    assert!(stream.row()[at::UPPER] < 2.0, "{:?}", stream.row());
}

#[test]
fn local_hours_make_the_difference() {
    let mut stream = CountStream::new();
    for i in 0..4 * 336 {
        stream.update(time(i), office(i + 16), 8 * 3600, Learning::On);
    }
    // 02:00 UTC is 10:00 in China.
    assert!(stream.expected(time(4), HALF_HOUR, 8 * 3600) > 6.0);
    assert!(stream.expected(time(4), HALF_HOUR, 0) < 2.0);
}

#[test]
fn a_saved_stream_goes_on_exactly_where_it_stood() {
    let mut stream = CountStream::new();
    weeks(&mut stream, 0, 2);
    let saved = serde_json::to_string(&stream).expect("serialisable");
    assert!(saved.len() < 20_000, "{}", saved.len());
    let mut loaded: CountStream = serde_json::from_str(&saved).expect("just saved");
    weeks(&mut stream, 2 * 336, 1);
    weeks(&mut loaded, 2 * 336, 1);
    assert_eq!(stream, loaded);
    let other = saved.replacen("\"counts_version\":1", "\"counts_version\":9", 1);
    let error = serde_json::from_str::<CountStream>(&other).expect_err("another version");
    assert!(error.to_string().contains("version 9"), "{error}");
    let damaged = saved.replacen("\"phi\":", "\"phi\":-", 1);
    assert!(serde_json::from_str::<CountStream>(&damaged).is_err());
}

#[test]
fn a_stale_stream_is_absent() {
    let mut stream = CountStream::new();
    weeks(&mut stream, 0, 1);
    assert_eq!(stream.row_at(time(336))[at::PRESENT], 1.0);
    assert_eq!(stream.row_at(time(341)), [0.0; COUNT_FEATURES]);
    assert_eq!(CountStream::new().row(), [0.0; COUNT_FEATURES]);
}

/// Everyday life of a door with a reader and a camera, for so many days.
fn everyday(door: &mut EventStream, days: std::ops::Range<i64>) {
    for half_hour in days.start * 48..days.end * 48 {
        let start = time(half_hour);
        door.tick(start, 0, Learning::On);
        let people = if (18..36).contains(&(half_hour % 48)) {
            6
        } else {
            0
        };
        for person in 0..people {
            let moment = start.plus_ms(60_000 + person * 240_000);
            let credential = Some(u64::try_from((half_hour + person) % 20).expect("positive"));
            let mut take = |after: i64, what| {
                let event = Event {
                    at: moment.plus_ms(after),
                    what,
                };
                assert_eq!(door.take(event, 0, Learning::On), Update::Taken);
            };
            if person == 0 && half_hour % 5 == 0 {
                take(0, What::Denied { credential });
            }
            take(1000, What::Granted { credential });
            take(2000, What::Opened);
            take(
                4000,
                What::Seen {
                    label: 1,
                    score: 0.7,
                    is_person: true,
                },
            );
            take(9000 + person * 500, What::Closed);
        }
    }
    door.tick(time(days.end * 48), 0, Learning::On);
}

fn door_after_weeks() -> EventStream {
    let mut door = EventStream::new(Counted::Entries);
    everyday(&mut door, 0..28);
    door
}

fn at_night(door: &mut EventStream, seconds: i64, what: What) -> Update {
    let event = Event {
        at: time(28 * 48).plus_ms(seconds * 1000),
        what,
    };
    door.take(event, 0, Learning::On)
}

#[test]
fn a_night_entry_is_told_while_its_half_hour_still_runs() {
    let mut door = door_after_weeks();
    assert!(evidence(&door.row()) < 0.2, "{:?}", door.row());
    for i in 0..4 {
        at_night(
            &mut door,
            60 + i,
            What::Granted {
                credential: Some(900),
            },
        );
    }
    let row = door.row();
    assert!(row[at::UPPER] > 4.0, "{row:?}");
    assert!(
        row[at::FIRST_SEEN] < 0.1,
        "the newest is known since a second: {row:?}"
    );
    let view = door.view().expect("counted");
    assert_eq!((view.count, view.to.ms_since(view.from)), (4.0, HALF_HOUR));
}

#[test]
fn each_thing_that_only_events_tell_stands_out_by_itself() {
    let check = |whats: &[What], feature: usize, least: f32| {
        let mut door = door_after_weeks();
        for (second, what) in (0i64..).zip(whats) {
            at_night(&mut door, 1 + 600 * second / 10, *what);
        }
        let row = door.row();
        assert!(
            row[feature] >= least,
            "{}: {row:?}",
            COUNT_FEATURE_NAMES[feature]
        );
    };
    let person = What::Seen {
        label: 1,
        score: 0.9,
        is_person: true,
    };
    check(
        &[What::Granted {
            credential: Some(901),
        }],
        at::FIRST_SEEN,
        1.0,
    );
    check(
        &[What::Denied {
            credential: Some(3),
        }; 6],
        at::DENIED,
        3.0,
    );
    check(
        &[
            What::Granted {
                credential: Some(3),
            },
            person,
            person,
            person,
            person,
            person,
            person,
            person,
        ],
        at::TAILGATING,
        2.0,
    );
    check(&[What::Fire { active: true }, What::Opened], at::FIRE, 1.0);
    check(&[person], at::DETECTOR, 0.9);

    let mut door = door_after_weeks();
    at_night(&mut door, 1, What::Opened);
    at_night(&mut door, 1500, What::Closed);
    assert!(door.row()[at::HELD_OPEN] > 6.0, "{:?}", door.row());
}

#[test]
fn silence_that_was_listened_to_is_zeros_and_silence_that_was_not_is_a_gap() {
    let mut listened = door_after_weeks();
    let mut away = listened.clone();
    for half_hour in 28 * 48..28 * 48 + 30 {
        listened.tick(time(half_hour), 0, Learning::On);
    }
    assert!(listened.row()[at::LOWER] > 3.0, "{:?}", listened.row());
    away.tick(time(28 * 48 + 29), 0, Learning::On);
    assert!(away.row()[at::LOWER] < 0.1, "{:?}", away.row());
    assert!(listened.counts().watched_days() > away.counts().watched_days());
}

#[test]
fn events_twice_or_late_are_refused_and_a_clock_step_is_followed() {
    let mut door = door_after_weeks();
    let granted = What::Granted {
        credential: Some(3),
    };
    assert_eq!(at_night(&mut door, 10, granted), Update::Taken);
    assert_eq!(at_night(&mut door, 10, granted), Update::Duplicate);
    assert_eq!(at_night(&mut door, -3600, granted), Update::Late);
    assert_eq!(at_night(&mut door, -3601, granted), Update::Late);
    assert_eq!(at_night(&mut door, -3602, granted), Update::Taken);
    assert!(door.counts().expected(time(24), HALF_HOUR, 0) > 4.0);
}

#[test]
fn a_saved_door_goes_on_exactly_where_it_stood() {
    let mut door = door_after_weeks();
    at_night(
        &mut door,
        10,
        What::Granted {
            credential: Some(3),
        },
    );
    let saved = serde_json::to_string(&door).expect("serialisable");
    assert!(saved.len() < 30_000, "{}", saved.len());
    let loaded: EventStream = serde_json::from_str(&saved).expect("just saved");
    assert_eq!(door, loaded);
    assert_eq!(door.row(), loaded.row());
    let damaged = saved.replacen("\"late_in_row\":0", "\"late_in_row\":200", 1);
    assert!(serde_json::from_str::<EventStream>(&damaged).is_err());
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        (0u32..50).prop_map(f64::from),
        Just(f64::NAN),
        Just(f64::NEG_INFINITY),
        Just(1e9),
        any::<f64>(),
    ]
}

fn any_what() -> impl Strategy<Value = What> {
    prop_oneof![
        Just(What::Opened),
        Just(What::Closed),
        proptest::option::of(0u64..50).prop_map(|credential| What::Granted { credential }),
        proptest::option::of(0u64..50).prop_map(|credential| What::Denied { credential }),
        (0u64..40, any_number(), any::<bool>()).prop_map(|(label, score, is_person)| What::Seen {
            label,
            score,
            is_person
        }),
        any_number().prop_map(|stayed_s| What::Left { stayed_s }),
        any::<bool>().prop_map(|active| What::Fire { active }),
    ]
}

fn check_row(row: &CountRow) {
    for (name, feature) in COUNT_FEATURE_NAMES.iter().zip(row) {
        assert!((0.0..=12.0).contains(feature), "{name}: {feature}");
    }
    assert!((0.0..1.0).contains(&evidence(row)));
}

proptest! {
    #[test]
    fn whatever_comes_the_rows_stay_in_range(
        counts in proptest::collection::vec((-1_000_000_000_000i64..1_000_000_000_000, any_number(), any::<bool>()), 1..60)
    ) {
        let mut stream = CountStream::new();
        for (ms, count, held) in counts {
            let learning = if held { Learning::Held } else { Learning::On };
            let near = ms % 4 != 0;
            let at = stream.newest().filter(|_| near).map_or(time(0).plus_ms(ms), |newest| newest.plus_ms(ms % 10_000_000));
            stream.update(at, count, i32::try_from(ms % 50_000).expect("small"), learning);
            check_row(&stream.row());
            if let Some(view) = stream.view() {
                prop_assert!(view.usual_low <= view.usual_high);
            }
        }
        let saved = serde_json::to_string(&stream).expect("serialisable");
        prop_assert_eq!(serde_json::from_str::<CountStream>(&saved).expect("sound"), stream);
    }

    #[test]
    fn whatever_happens_at_a_door_the_rows_stay_in_range(
        events in proptest::collection::vec((-5_000_000i64..20_000_000, any_what(), any::<bool>()), 1..80)
    ) {
        let mut door = EventStream::new(Counted::Sightings);
        let mut now = time(0);
        for (ms, what, tick) in events {
            now = now.plus_ms(ms);
            if tick {
                door.tick(now, 3600, Learning::On);
            } else {
                door.take(Event { at: now, what }, 3600, Learning::On);
            }
            check_row(&door.row());
        }
        let saved = serde_json::to_string(&door).expect("serialisable");
        prop_assert_eq!(serde_json::from_str::<EventStream>(&saved).expect("sound"), door);
    }
}
