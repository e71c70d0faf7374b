//! Whole recordings through the scorer.

use std::fmt::Write as _;

use super::*;
use crate::features::FeatureRow;
use crate::model::{About, Fuser, StatisticsOnly, Verdict};

fn options(channels: &[&str]) -> ScoreOptions {
    ScoreOptions {
        time: "time".to_owned(),
        channels: channels
            .iter()
            .map(|text| text.parse().expect("a channel"))
            .collect(),
        language: Language::English,
    }
}

fn run(
    file: &str,
    options: &ScoreOptions,
    models: &mut dyn Models,
) -> (Vec<Vec<String>>, ScoreSummary) {
    let mut out = Vec::new();
    let summary = score_recording(file.as_bytes(), &mut out, options, models).expect("it scores");
    let mut reader = csv::Reader::from_reader(out.as_slice());
    let rows = reader
        .records()
        .map(|record| record.expect("a row").iter().map(str::to_owned).collect())
        .collect();
    (rows, summary)
}

/// A saw tooth with a little scatter, the same on every machine.
fn quiet(row: u32) -> f64 {
    f64::from(row.wrapping_mul(2_654_435_761) >> 20) / 4096.0
}

fn minutes(rows: u32, value: impl Fn(u32) -> f64) -> String {
    let mut file = "time,x\n".to_owned();
    for row in 0..rows {
        writeln!(file, "{},{}", 60 * row, value(row)).expect("a string");
    }
    file
}

#[test]
fn every_row_comes_out_in_order_with_a_score_or_a_reason_for_none() {
    let file = "time,x\n60,1\nnever,2\n120,\n100,3\n180,4\n180,4\n";
    let (rows, summary) = run(file, &options(&["x=other"]), &mut StatisticsOnly);
    let times: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(times, ["60", "never", "120", "100", "180", "180"]);
    for row in &rows {
        match row[1].as_str() {
            "" => assert!(row[3].starts_with("no score"), "{row:?}"),
            score => assert!((0.0..=1.0).contains(&score.parse::<f64>().expect("a number"))),
        }
    }
    assert_eq!((summary.rows, summary.scored), (6, 4));
}

#[test]
fn an_episode_is_scored_and_said_in_both_languages() {
    let file = minutes(6000, |row| {
        quiet(row) + if row >= 5900 { 40.0 } else { 0.0 }
    });
    let mut options = options(&["x=other:bar"]);
    let (english, _) = run(&file, &options, &mut StatisticsOnly);
    options.language = Language::Chinese;
    let (chinese, _) = run(&file, &options, &mut StatisticsOnly);
    let onset = &english[5900];
    assert!(
        onset[1].parse::<f64>().expect("a number") > 0.95,
        "{onset:?}"
    );
    assert!(
        onset[3].contains("x 40") && onset[3].contains("bar, usually"),
        "{onset:?}"
    );
    assert_eq!(english[5910][2], "alarm");
    assert!(chinese[5900][3].contains("通常"), "{:?}", chinese[5900]);
    assert_eq!(english[5000][3], "nothing unusual");
    assert_eq!(chinese[5000][3], "无异常");
}

#[test]
fn there_is_no_look_ahead() {
    let whole = minutes(3000, |row| {
        quiet(row) + if row > 2000 { f64::from(row) } else { 0.0 }
    });
    let part = minutes(2500, |row| {
        quiet(row) + if row > 2000 { f64::from(row) } else { 0.0 }
    });
    let options = options(&["x=other"]);
    let (whole, _) = run(&whole, &options, &mut StatisticsOnly);
    let (part, _) = run(&part, &options, &mut StatisticsOnly);
    assert_eq!(whole[..2500], part[..]);
}

#[test]
fn half_hourly_counts_are_compared_with_their_hour_of_the_week() {
    let mut file = "time,x\n".to_owned();
    for row in 0..48 * 7 * 5_u32 {
        let is_day = (16..40).contains(&(row % 48));
        let usual = if is_day {
            5.0 + (12.0 * quiet(row)).floor()
        } else {
            0.0
        };
        let night_visit = row == 48 * 7 * 4 + 48 + 6;
        let count = if night_visit { 6.0 } else { usual };
        writeln!(file, "{},{count}", 1800 * row).expect("a string");
    }
    for kind in ["other", "line_crossing"] {
        let (rows, _) = run(
            &file,
            &options(&[&format!("x={kind}")]),
            &mut StatisticsOnly,
        );
        let score = |row: usize| rows[row][1].parse::<f64>().expect("a number");
        let visit = 48 * 7 * 4 + 48 + 6;
        let quieter = (48 * 7 * 3..rows.len())
            .filter(|row| !(visit..visit + 6).contains(row))
            .filter(|row| score(*row) >= score(visit))
            .count();
        assert_eq!(quieter, 0, "{kind}");
        assert!(rows[visit][3].contains("usually"), "{:?}", rows[visit]);
    }
}

#[test]
fn what_cannot_be_scored_is_refused_with_a_reason() {
    let error = |file: &str, channels: &[&str]| {
        score_recording(
            file.as_bytes(),
            Vec::new(),
            &options(channels),
            &mut StatisticsOnly,
        )
        .expect_err("refused")
        .to_string()
    };
    assert!(error("", &["x=other"]).contains("empty"));
    assert!(error("time,x\n", &["x=other"]).contains("no rows"));
    assert!(error("time,y\n1,2\n", &["x=other"]).contains("no column `x`"));
    assert!(error("time,x\n1,2\n", &[]).contains("no channel"));
    assert!(error("time,x\n1,2\n", &["x=other"; 65]).contains("at most 64"));
}

/// A room model that says what it is told to.
struct Told {
    about: About,
    score: f32,
    fails: bool,
}

impl Told {
    fn new(score: f32) -> Self {
        let about = About {
            id: "env-fuser".to_owned(),
            build: 1,
            enabled: true,
            classes: crate::reasons::ROOM_CLASSES.map(str::to_owned).to_vec(),
            groups: crate::features::group_names().map(str::to_owned).collect(),
            bias: vec![0.0; 4],
            thresholds: [0.5, 0.7, 0.9],
        };
        Self {
            about,
            score,
            fails: false,
        }
    }
}

impl Models for Told {
    fn env(&mut self, rows: &[FeatureRow]) -> Result<Vec<Verdict>, ModelProblem> {
        if self.fails {
            return Err(ModelProblem::Failed("told to".to_owned()));
        }
        let verdict = Verdict {
            score: self.score,
            prob: vec![0.1, 0.7, 0.1, 0.1],
            contributions: vec![0.0; self.about.groups.len() * 4],
        };
        Ok(vec![verdict; rows.len()])
    }

    fn counts(&mut self, _rows: &[f32]) -> Result<Vec<Verdict>, ModelProblem> {
        Err(ModelProblem::Absent)
    }

    fn about(&self, fuser: Fuser) -> Option<&About> {
        (fuser == Fuser::Env).then_some(&self.about)
    }
}

#[test]
fn a_model_adds_and_never_takes_away() {
    let file = minutes(1500, |row| {
        20.0 + quiet(row) + if row >= 1400 { 9.0 } else { 0.0 }
    });
    let options = options(&["x=temperature"]);
    let score = |row: &Vec<String>| row[1].parse::<f64>().expect("a number");
    let (alone, _) = run(&file, &options, &mut StatisticsOnly);
    for told in [0.0, 0.49, 0.6, 0.8, 0.95, f32::NAN] {
        let (with, _) = run(&file, &options, &mut Told::new(told));
        assert!(
            with.iter()
                .zip(&alone)
                .all(|(with, alone)| score(with) >= score(alone))
        );
        assert_eq!(
            score(&with[1000]) > score(&alone[1000]),
            told >= 0.5,
            "{told}"
        );
    }
    let (alarmed, _) = run(&file, &options, &mut Told::new(0.95));
    assert_eq!(alarmed[10][2], "alarm");
}

#[test]
fn a_model_that_fails_is_told_and_the_statistics_go_on() {
    let file = minutes(1000, |row| 20.0 + quiet(row));
    let options = options(&["x=temperature"]);
    let mut broken = Told::new(0.95);
    broken.fails = true;
    let (rows, summary) = run(&file, &options, &mut broken);
    let (alone, _) = run(&file, &options, &mut StatisticsOnly);
    assert_eq!(rows, alone);
    assert!(matches!(
        summary.problems.first(),
        Some(ModelProblem::Failed(_))
    ));
    let mut switched_off = Told::new(0.95);
    switched_off.about.enabled = false;
    assert_eq!(run(&file, &options, &mut switched_off).0, alone);
}
