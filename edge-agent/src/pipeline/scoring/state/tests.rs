//! What was learned comes back after a restart; what cannot be used is dropped and nothing else.

use gridwatch_anomaly::features::Channel;
use gridwatch_protocol::{DeviceId, Kind, Place, Timestamp};

use super::super::subject::{Key, What};
use super::*;

fn device(name: &str) -> DeviceId {
    name.parse().expect("a device id")
}

fn learned_room() -> Subject {
    let place = Place {
        room: Some("kitchen".into()),
        ..Place::default()
    };
    let mut subject = Subject::room(Key::Place(place));
    if let What::Room { features, owners } = &mut subject.kept.what {
        owners[Channel::Temperature.index()] = Some(device("zigbee2mqtt/kitchen"));
        for step in 0..500_u16 {
            let at = Timestamp::from_unix_ms(1_790_000_000_000 + i64::from(step) * 10_000);
            features.update(Channel::Temperature, at, 21.0 + f64::from(step % 7) * 0.1);
        }
    }
    for step in 0..500 {
        let at = Timestamp::from_unix_ms(1_790_000_000_000 + step * 10_000);
        subject.kept.statistics.update(at, 0.1);
    }
    subject.kept.told = Some(Timestamp::from_unix_ms(1_790_000_000_000));
    subject
}

fn lines(subjects: &[&Subject]) -> Vec<u8> {
    let mut lines = Vec::new();
    for subject in subjects {
        push_line(&mut lines, &subject.kept);
    }
    lines
}

#[test]
fn state_comes_back_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(FILE);
    let (room, stream) = (
        learned_room(),
        Subject::stream(device("door/1"), Kind::Door),
    );
    write(&path, &lines(&[&room, &stream])).expect("written");
    let (kept, dropped) = read(&path).expect("readable");
    assert_eq!((kept.len(), dropped), (2, None));
    let (a, b) = (Subject::restored(kept[0].clone()), &room);
    assert_eq!(a.row(), b.row());
    assert_eq!(a.kept.statistics, b.kept.statistics);
    assert_eq!((a.kept.told, &a.kept.key), (b.kept.told, &b.kept.key));
    assert_eq!(a.devices(), vec![&device("zigbee2mqtt/kitchen")]);
    assert!(
        !path.with_extension("new").exists(),
        "nothing is left behind"
    );
}

#[test]
fn line_of_another_version_or_damaged_is_dropped_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(FILE);
    let room = learned_room();
    let good = String::from_utf8(lines(&[&room])).expect("text");
    let other = good.replace("\"features_version\":2", "\"features_version\":1");
    assert_ne!(other, good, "the version stands in the state");
    let half = &good[..good.len() / 2];
    write(&path, format!("{other}{good}{half}\n").as_bytes()).expect("written");
    let (kept, dropped) = read(&path).expect("readable");
    assert_eq!(kept.len(), 1);
    let (count, why) = dropped.expect("told");
    assert_eq!(count, 2);
    assert!(why.contains("version 1"), "{why}");
}

#[test]
fn large_state_is_written_less_often() {
    let now = Moment::at_ms(0);
    let mut saver = Saver::new(Path::new("/nonexistent"), now);
    assert_eq!(saver.pause_ms(100_000), EVERY_MS);
    assert!(saver.pause_ms(20_000_000) > 2 * EVERY_MS);
}
