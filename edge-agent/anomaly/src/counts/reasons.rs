//! Why a stream got its score, in words for a duty officer, Chinese and English.
//!
//! First the count with what is usual at this hour, then at most two more things that stand out, the most
//! surprising first. Says what was counted and when, never who: credentials do not come here.

use std::fmt::Write;

use gridwatch_protocol::{Text, Timestamp};

use super::stream::CountView;
use super::{CountRow, at};

/// At most so many reasons.
const REASONS_MAX: usize = 3;
/// A surprise below this (one in ten) is no reason.
const SURPRISE_MIN: f32 = 1.0;
/// A duration below this z is no reason.
const Z_MIN: f32 = 2.0;
/// Watched for less than this, "usually" is not said of a weekday.
const WEEKDAY_DAYS_MIN: f64 = 21.0;

/// What is counted, for the sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noun {
    /// Openings of a door.
    Openings,
    /// Persons let in.
    Entries,
    /// Persons refused.
    Refusals,
    /// Sightings of a camera.
    Sightings,
    /// Persons that crossed a line.
    Crossings,
    /// Anything else.
    Counts,
}

impl Noun {
    fn zh(self) -> &'static str {
        match self {
            Noun::Openings => "开门 {} 次",
            Noun::Entries => "进入 {} 人次",
            Noun::Refusals => "拒绝 {} 次",
            Noun::Sightings => "目标出现 {} 次",
            Noun::Crossings => "通过 {} 人次",
            Noun::Counts => "计数 {}",
        }
    }

    fn en(self, count: f64) -> &'static str {
        let (one, many) = match self {
            Noun::Openings => ("opening", "openings"),
            Noun::Entries => ("entry", "entries"),
            Noun::Refusals => ("refusal", "refusals"),
            Noun::Sightings => ("sighting", "sightings"),
            Noun::Crossings => ("crossing", "crossings"),
            Noun::Counts => ("count", "counts"),
        };
        if (count - 1.0).abs() < 0.5 { one } else { many }
    }
}

const WEEKDAYS_ZH: [&str; 7] = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"];
const WEEKDAYS_EN: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// The reasons in words, such as "12 entries between 02:00 and 02:30, usually 0 to 1 at this hour on a
/// Tuesday; 4 times longer open than usual".
#[must_use]
pub fn reasons(noun: Noun, view: Option<&CountView>, row: &CountRow) -> Text {
    let mut found: Vec<(f32, Text)> = Vec::new();
    if let Some(view) = view {
        found.push((
            f32::max(row[at::UPPER], row[at::LOWER]),
            count_words(noun, view),
        ));
    }
    found.extend(others(row));
    found.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    found.truncate(REASONS_MAX);
    let mut text = Text {
        zh: String::new(),
        en: String::new(),
    };
    for (index, (_, reason)) in found.iter().enumerate() {
        if index > 0 {
            text.zh.push('；');
            text.en.push_str("; ");
        }
        text.zh.push_str(&reason.zh);
        text.en.push_str(&reason.en);
    }
    text
}

fn count_words(noun: Noun, view: &CountView) -> Text {
    let (from, to) = (
        clock(view.from, view.offset_s),
        clock(view.to, view.offset_s),
    );
    let (count, low, high) = (view.count, view.usual_low, view.usual_high);
    let counted_zh = noun.zh().replace("{}", &format!("{count:.0}"));
    let counted_en = noun.en(count);
    let (usual_zh, usual_en) = if low == high {
        (format!("{high:.0}"), format!("{high:.0}"))
    } else {
        (
            format!("{low:.0}～{high:.0}"),
            format!("{low:.0} to {high:.0}"),
        )
    };
    let weekday = view.hour.weekday;
    let (when_zh, when_en) = if view.watched_days >= WEEKDAY_DAYS_MIN {
        (
            WEEKDAYS_ZH[weekday],
            format!(" on a {}", WEEKDAYS_EN[weekday]),
        )
    } else if view.hour.is_weekend() {
        ("周末", " at the weekend".to_owned())
    } else {
        ("工作日", " on a workday".to_owned())
    };
    let mut text = Text {
        zh: format!("{from} 至 {to} {counted_zh}，{when_zh}该时段通常 {usual_zh}"),
        en: format!(
            "{count:.0} {counted_en} between {from} and {to}, usually {usual_en} at this hour{when_en}"
        ),
    };
    if view.watched_days < 7.0 {
        text.zh.push_str("（仍在学习）");
        text.en.push_str(" (still learning)");
    }
    text
}

fn others(row: &CountRow) -> Vec<(f32, Text)> {
    let mut found = Vec::new();
    let mut add = |surprise: f32, zh: String, en: String| found.push((surprise, Text { zh, en }));
    if row[at::DENIED] >= SURPRISE_MIN {
        add(
            row[at::DENIED],
            format!("拒绝次数异常，{}", rarity_zh(row[at::DENIED])),
            format!("more refusals than usual, {}", rarity_en(row[at::DENIED])),
        );
    }
    if row[at::TAILGATING] >= SURPRISE_MIN {
        add(
            row[at::TAILGATING],
            format!("通过人数多于刷卡人数，{}", rarity_zh(row[at::TAILGATING])),
            format!(
                "more persons seen than let in, {}",
                rarity_en(row[at::TAILGATING])
            ),
        );
    }
    if row[at::LABEL_RARITY] >= SURPRISE_MIN {
        add(
            row[at::LABEL_RARITY],
            "该时段此处少见的目标类型".to_owned(),
            "an object that is rare here at this time of day".to_owned(),
        );
    }
    if row[at::FIRST_SEEN] >= SURPRISE_MIN {
        add(
            row[at::FIRST_SEEN],
            "首次出现的凭证".to_owned(),
            "a credential that is new at this door".to_owned(),
        );
    }
    for (feature, zh, en) in [
        (
            at::HELD_OPEN,
            "门开启时间远长于平时",
            "open far longer than usual",
        ),
        (
            at::DWELL,
            "停留时间远长于平时",
            "stayed far longer than usual",
        ),
    ] {
        if row[feature] >= Z_MIN {
            add(
                row[feature] * row[feature] / 4.6,
                zh.to_owned(),
                en.to_owned(),
            );
        }
    }
    if row[at::FIRE] > 0.0 {
        // Never the first reason: it explains the others.
        add(
            0.0,
            "现场有火警或刚解除，人员流动可能因此".to_owned(),
            "a fire alarm stands or stood within the hour, which may be why".to_owned(),
        );
    }
    found
}

/// A surprise as "one in so many", rounded to a power of ten.
fn rarity_en(surprise: f32) -> String {
    format!("about 1 in {}", power(surprise))
}

fn rarity_zh(surprise: f32) -> String {
    format!("约 {} 分之一的概率", power(surprise))
}

fn power(surprise: f32) -> String {
    let mut text = String::from("1");
    let mut left = surprise.clamp(1.0, 6.0);
    while left >= 1.0 {
        text.push('0');
        left -= 1.0;
    }
    text
}

/// Local time of day.
fn clock(at: Timestamp, offset_s: i32) -> String {
    let minutes = at
        .plus_ms(i64::from(offset_s) * 1000)
        .unix_ms()
        .div_euclid(60_000)
        .rem_euclid(1440);
    let mut text = String::new();
    let written = write!(text, "{:02}:{:02}", minutes / 60, minutes % 60);
    debug_assert!(written.is_ok(), "writing to a String cannot fail");
    text
}

#[cfg(test)]
mod tests {
    use super::super::week::LocalHour;
    use super::*;
    use crate::counts::COUNT_FEATURES;

    fn night_view() -> CountView {
        // A Tuesday, 02:00 in China.
        let from: Timestamp = "2026-11-23T18:00:00Z".parse().expect("a time");
        CountView {
            from,
            to: from.plus_ms(1_800_000),
            offset_s: 8 * 3600,
            hour: LocalHour::of(from, 8 * 3600),
            count: 12.0,
            expected: 0.2,
            usual_low: 0.0,
            usual_high: 1.0,
            upper: 11.0,
            lower: 0.0,
            watched_days: 40.0,
        }
    }

    #[test]
    fn a_night_visit_is_told_with_its_hour_and_what_is_usual() {
        let mut row = [0.0; COUNT_FEATURES];
        row[at::UPPER] = 11.0;
        let text = reasons(Noun::Entries, Some(&night_view()), &row);
        assert_eq!(
            text.en,
            "12 entries between 02:00 and 02:30, usually 0 to 1 at this hour on a Tuesday"
        );
        assert_eq!(text.zh, "02:00 至 02:30 进入 12 人次，周二该时段通常 0～1");
    }

    #[test]
    fn the_most_surprising_comes_first_and_a_fire_last() {
        let mut row = [0.0; COUNT_FEATURES];
        row[at::UPPER] = 2.0;
        row[at::DENIED] = 5.2;
        row[at::FIRE] = 1.0;
        let text = reasons(Noun::Openings, Some(&night_view()), &row);
        assert!(
            text.en
                .starts_with("more refusals than usual, about 1 in 100000; 12 openings"),
            "{}",
            text.en
        );
        assert!(text.en.ends_with("which may be why"));
        assert!(text.zh.starts_with("拒绝次数异常"));
    }

    #[test]
    fn nothing_known_says_nothing() {
        let text = reasons(Noun::Counts, None, &[0.0; COUNT_FEATURES]);
        assert!(text.zh.is_empty() && text.en.is_empty());
    }
}
