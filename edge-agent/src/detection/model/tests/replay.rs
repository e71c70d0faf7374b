//! Engine and model together, on a real fire and on what is no fire.

use super::*;
use gridwatch_protocol::{Kind, Timestamp};

use gridwatch_anomaly::features::measure;

/// Feeds the room and returns the highest level and when each level was first reached.
struct Watch {
    model: Model,
    room: RoomFeatures,
    first: Vec<(Level, f64)>,
    last: Option<Scored>,
}

impl Watch {
    fn new() -> Self {
        Self {
            model: model(),
            room: RoomFeatures::new(),
            first: Vec::new(),
            last: None,
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "small test times")]
    fn read(&mut self, seconds: f64, kind: Kind, unit: &str, value: f64) {
        let at = Timestamp::from_unix_ms((1_700_000_000_000.0 + seconds * 1000.0) as i64);
        let (channel, value) = measure(kind, Some(unit), value).expect("a channel");
        self.room.update(channel, at, value);
        let scored = self.model.score(&[self.room.row()]).expect("scored")[0];
        let level = self.model.manifest().thresholds.level(scored.score);
        if self
            .first
            .last()
            .is_none_or(|(highest, _)| level > *highest)
        {
            self.first.push((level, seconds));
        }
        self.last = Some(scored);
    }

    fn reached(&self, level: Level) -> Option<f64> {
        self.first
            .iter()
            .find(|(l, _)| *l >= level)
            .map(|(_, at)| *at)
    }

    /// A quiet room at 22 °C, a reading each 5 s, up to time 0.
    fn quiet(minutes: i32) -> Self {
        let mut watch = Self::new();
        for step in -minutes * 12..0 {
            let noise = f64::from((step.unsigned_abs() % 5) as u16) - 2.0;
            let at = f64::from(step) * 5.0;
            watch.read(at, Kind::Temperature, "°C", 22.0 + noise * 0.05);
            watch.read(at, Kind::Smoke, "1/m", 0.001 + noise * 0.0004);
        }
        watch
    }
}

#[test]
fn real_fire_reaches_warning_before_the_fixed_threshold_and_says_why() {
    let mut watch = Watch::quiet(10);
    let quiet = watch.reached(Level::Notice);
    assert_eq!(quiet, None, "a quiet room is no notice");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/data/nist/SDC05.csv");
    let mut reader = csv::Reader::from_path(path).expect("readable");
    let headers = reader.headers().expect("a header").clone();
    let column = |name: &str| headers.iter().position(|h| h == name).expect("a column");
    let (time, smoke, heat) = (column("TIME"), column("SMC_1"), column("TCC_1"));
    let mut fixed = None;
    for record in reader.records() {
        let record = record.expect("a row");
        let number = |index: usize| record[index].parse::<f64>().expect("a number");
        watch.read(number(time), Kind::Temperature, "°C", number(heat));
        watch.read(number(time), Kind::Smoke, "1/m", number(smoke));
        if fixed.is_none() && number(smoke) >= 0.058 {
            fixed = Some(number(time));
        }
    }
    let warning = watch.reached(Level::Warning).expect("the fire is seen");
    let fixed = fixed.expect("the fixed threshold is reached");
    assert!(
        warning > 60.0 && warning + 10.0 <= fixed,
        "warning {warning} s, fixed {fixed} s"
    );
    assert!(watch.reached(Level::Alarm).expect("alarm") <= fixed);
    let why = explain(&watch.last.expect("scored"), &watch.room.views());
    assert!(
        why.en.contains("temperature 58.6 °C (usually 21."),
        "{}",
        why.en
    );
    assert!(why.zh.contains("烟雾 83.8 %/m（平时"), "{}", why.zh);
}

#[test]
fn slow_short_warming_is_no_warning() {
    let mut watch = Watch::quiet(60);
    for step in 0..240_u16 {
        let seconds = f64::from(step) * 5.0;
        // Up by 4 °C in 10 minutes and down again, without smoke.
        let warming = 4.0 - (seconds - 600.0).abs() / 150.0;
        watch.read(seconds, Kind::Temperature, "°C", 22.0 + warming);
        watch.read(seconds, Kind::Smoke, "1/m", 0.001);
    }
    assert_eq!(watch.reached(Level::Warning), None, "{:?}", watch.first);
}

#[test]
fn smoke_sensor_alone_is_enough() {
    let mut watch = Watch::new();
    for step in 0..360_u16 {
        let noise = f64::from(step % 3) * 0.0004;
        watch.read(f64::from(step) * 10.0, Kind::Smoke, "1/m", noise);
    }
    assert_eq!(watch.reached(Level::Notice), None);
    for step in 1..13_u16 {
        let at = 3600.0 + f64::from(step) * 10.0;
        watch.read(at, Kind::Smoke, "1/m", f64::from(step) * 0.01);
    }
    assert!(watch.reached(Level::Warning).is_some(), "{:?}", watch.last);
}
