//! Silences and maintenance windows. Pure.
//!
//! A silence hides cases from lists, sounds, escalation and notifications until it ends. It never deletes:
//! every alert still becomes a case and is counted. It survives flapping: whatever clears and raises again
//! stays silenced until the end. It never hides life safety: a P1, or a category with `life_safety`; a silence
//! that asks for nothing else is refused, and a broader one does not apply to them.

use gridwatch_protocol::{DeviceId, Kind, Severity, SiteId, Text, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::weekly::{self, Weekly, Written};
use crate::cases::{Case, text};
use crate::catalogue::{Catalogue, Category};
use crate::clocks::Calendar;

/// A silence lasts at most 30 days: what is wrong for longer is repaired or taken out of service.
pub const LENGTH_MAX_MS: i64 = 30 * 86_400_000;
/// Hours of the week that one silence names.
pub const WEEKLY_MAX: usize = 28;
/// Longest reason, in bytes.
pub const WHY_BYTES_MAX: usize = 1_000;
/// It may begin so far ahead: a year.
const AHEAD_MAX_MS: i64 = 366 * 86_400_000;

/// What a silence is about; absent fields fit everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Matcher {
    /// Code of an area: it and everything below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area: Option<String>,
    /// A site.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub site: Option<SiteId>,
    /// A device; needs the site, because devices are only known there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub device: Option<DeviceId>,
    /// Code of a category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// What alerts are about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub kind: Option<Kind>,
}

/// A silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Its number.
    pub id: i64,
    /// Grows with every change.
    pub version: i64,
    /// Sign-in name of who made it.
    pub by: String,
    /// Their name for people.
    pub by_name: String,
    /// Why.
    pub why: String,
    /// What it is about.
    pub matcher: Matcher,
    /// Where that is in the area tree, such as `/990100/990101/`; empty: everywhere.
    pub path: String,
    /// From when.
    pub from: Timestamp,
    /// Until when at most.
    pub until: Timestamp,
    /// Within that only in these hours; empty: all the time.
    #[serde(default)]
    pub weekly: Vec<Weekly>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When somebody ended it early.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// Who did.
    #[serde(default)]
    pub ended_by: Option<String>,
}

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Why; people read it beside every case that is silenced.
    pub why: String,
    /// What it is about.
    #[serde(default)]
    pub matcher: Matcher,
    /// From when; now when left out.
    #[serde(default)]
    pub from: Option<Timestamp>,
    /// Until when, at most 30 days after its begin.
    pub until: Timestamp,
    /// Within that only in these hours of the week, local time; left out: all the time.
    #[serde(default)]
    pub weekly: Vec<Written>,
}

/// A case that a silence may apply to, seen by its alert.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Where it is in the area tree; empty when its place is not known.
    pub path: &'a str,
    /// The site.
    pub site: &'a SiteId,
    /// The device.
    pub device: &'a DeviceId,
    /// What it is about.
    pub kind: Kind,
    /// Its category.
    pub category: &'a Category,
    /// Its severity.
    pub severity: Severity,
}

/// Whether no silence ever hides this: life safety.
#[must_use]
pub fn is_protected(severity: Severity, category: &Category) -> bool {
    severity == Severity::P1 || category.life_safety
}

/// The same of a case as it is; what has no category any more is protected by its severity alone.
#[must_use]
pub fn is_protected_case(case: &Case, catalogue: &Catalogue) -> bool {
    let category = catalogue.get(&case.category);
    case.severity == Severity::P1 || category.is_some_and(|category| category.life_safety)
}

impl Matcher {
    /// Whether it fits, apart from the place in the area tree.
    fn fits(&self, target: &Target<'_>) -> bool {
        fn is<T: PartialEq>(wanted: Option<&T>, found: &T) -> bool {
            wanted.is_none_or(|wanted| wanted == found)
        }
        is(self.site.as_ref(), target.site)
            && is(self.device.as_ref(), target.device)
            && is(self.kind.as_ref(), &target.kind)
            && is(self.category.as_ref(), &target.category.code)
    }
}

impl Silence {
    /// Until when it counts, if it counts at `now`.
    #[must_use]
    pub fn covers(&self, calendar: &Calendar, now: Timestamp) -> Option<Timestamp> {
        if now < self.from || now >= self.until || self.ended_at.is_some() {
            return None;
        }
        if self.weekly.is_empty() {
            return Some(self.until);
        }
        weekly::covered_until(&self.weekly, calendar, now).map(|end| end.min(self.until))
    }

    /// Whether it hides this while it counts.
    #[must_use]
    pub fn hides(&self, target: &Target<'_>) -> bool {
        !is_protected(target.severity, target.category)
            && target.path.starts_with(&self.path)
            && self.matcher.fits(target)
    }
}

/// The silence that hides a case for the longest time, and until when.
#[must_use]
pub fn longest<'a>(
    silences: &'a [Silence],
    target: &Target<'_>,
    calendar: &Calendar,
    now: Timestamp,
) -> Option<(&'a Silence, Timestamp)> {
    silences
        .iter()
        .filter(|silence| silence.hides(target))
        .filter_map(|silence| Some((silence, silence.covers(calendar, now)?)))
        .max_by_key(|(silence, until)| (*until, silence.id))
}

/// What is wrong with a wish, all of it.
#[must_use]
pub fn problems(wanted: &Wanted, catalogue: &Catalogue, now: Timestamp) -> Vec<Text> {
    let mut problems = Vec::new();
    let mut tell = |zh: String, en: String| problems.push(text(zh, en));
    let why = wanted.why.trim();
    if why.is_empty() || why.len() > WHY_BYTES_MAX {
        tell(
            format!("须说明原因（最多 {WHY_BYTES_MAX} 字节）"),
            format!("`why` is 1 to {WHY_BYTES_MAX} bytes"),
        );
    }
    let from = wanted.from.unwrap_or(now);
    if wanted.until <= from.max(now) {
        tell(
            "结束时间须在开始时间和现在之后".into(),
            "`until` must lie after `from` and after now".into(),
        );
    } else if wanted.until.ms_since(from) > LENGTH_MAX_MS {
        tell(
            "静默最长 30 天；更久的故障应维修或停用设备".into(),
            "a silence lasts at most 30 days; what is wrong for longer is repaired or taken out of service".into(),
        );
    }
    if from.ms_since(now) > AHEAD_MAX_MS {
        tell(
            "开始时间最多提前一年".into(),
            "`from` lies more than a year ahead".into(),
        );
    }
    if wanted.weekly.len() > WEEKLY_MAX {
        tell(
            format!("每周时段最多 {WEEKLY_MAX} 个"),
            format!("`weekly` has more than {WEEKLY_MAX} entries"),
        );
    }
    for written in wanted.weekly.iter().take(WEEKLY_MAX) {
        if let Err(wrong) = Weekly::try_from(written.clone()) {
            tell(format!("每周时段：{wrong}"), format!("`weekly`: {wrong}"));
        }
    }
    let matcher = &wanted.matcher;
    if *matcher == Matcher::default() {
        tell(
            "须指定区域、地点、类别或类型".into(),
            "`matcher` names nothing: give an area, a site, a category or a kind".into(),
        );
    }
    if matcher.device.is_some() && matcher.site.is_none() {
        tell(
            "指定设备时须指定地点".into(),
            "`matcher.device` needs `matcher.site`: devices are only known at their site".into(),
        );
    }
    let category = matcher
        .category
        .as_deref()
        .map(|code| (code, catalogue.get(code)));
    match category {
        Some((code, None)) => {
            let code: String = code.chars().take(60).collect();
            tell(
                format!("没有类别 `{code}`"),
                format!("there is no category `{code}`"),
            );
        }
        Some((_, Some(category))) if category.life_safety => tell(
            format!("{} 属于生命安全，不得静默", category.name.zh),
            format!(
                "`{}` is life safety, which is never silenced",
                category.code
            ),
        ),
        _ => {}
    }
    if let Some(kind) = matcher.kind.filter(|kind| kind.is_life_safety()) {
        tell(
            format!("{kind} 属于生命安全，不得静默"),
            format!("alerts of the kind `{kind}` are life safety, which is never silenced"),
        );
    }
    problems
}

#[cfg(test)]
mod tests {
    use gridwatch_protocol::Severity;

    use super::*;
    use crate::cases::sample::Shipped;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_795_316_400_000 + hours * 3_600_000)
    }

    fn wanted(matcher: Matcher) -> Wanted {
        Wanted {
            why: "lift works".into(),
            matcher,
            from: None,
            until: at(8),
            weekly: Vec::new(),
        }
    }

    fn of_category(code: &str) -> Matcher {
        Matcher {
            category: Some(code.into()),
            ..Matcher::default()
        }
    }

    fn silence(matcher: Matcher, path: &str) -> Silence {
        Silence {
            id: 1,
            version: 1,
            by: "li".into(),
            by_name: "LI".into(),
            why: "lift works".into(),
            matcher,
            path: path.into(),
            from: at(0),
            until: at(8),
            weekly: Vec::new(),
            created_at: at(0),
            ended_at: None,
            ended_by: None,
        }
    }

    fn told(wanted: &Wanted) -> String {
        let all = problems(wanted, &Shipped::load().catalogue, at(0));
        all.into_iter()
            .map(|text| text.en)
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        assert_eq!(told(&wanted(of_category("door_held"))), "");
        let mut wrong = wanted(Matcher {
            device: Some(DeviceId::new("d").unwrap()),
            ..of_category("nothing")
        });
        wrong.why = " ".into();
        wrong.until = at(31 * 24);
        let told = told(&wrong);
        for part in ["`why`", "30 days", "`nothing`", "`matcher.site`"] {
            assert!(told.contains(part), "{part} is not in {told}");
        }
        assert!(super::tests::told(&wanted(Matcher::default())).contains("names nothing"));
        let past = Wanted {
            until: at(0),
            ..wanted(of_category("door_held"))
        };
        assert!(super::tests::told(&past).contains("after now"));
    }

    #[test]
    fn life_safety_is_refused_with_the_reason() {
        let catalogue = Shipped::load().catalogue;
        for category in catalogue.categories().iter().filter(|c| c.life_safety) {
            assert!(told(&wanted(of_category(&category.code))).contains("life safety"));
        }
        let smoke = Matcher {
            kind: Some(Kind::Smoke),
            ..Matcher::default()
        };
        assert!(told(&wanted(smoke)).contains("life safety"));
    }

    #[test]
    fn broad_silence_does_not_apply_to_life_safety() {
        let shipped = Shipped::load();
        let site = SiteId::new("xinghe-garden").unwrap();
        let device = DeviceId::new("d").unwrap();
        let all = silence(Matcher::default(), "");
        for severity in [Severity::P1, Severity::P2, Severity::P3, Severity::P4] {
            for category in shipped.catalogue.categories() {
                let target = Target {
                    path: "/990100/",
                    site: &site,
                    device: &device,
                    kind: Kind::DoorHeld,
                    category,
                    severity,
                };
                let hidden = longest(
                    std::slice::from_ref(&all),
                    &target,
                    &shipped.calendar,
                    at(1),
                );
                let may = severity != Severity::P1 && !category.life_safety;
                assert_eq!(hidden.is_some(), may, "{} {severity}", category.code);
            }
        }
    }

    #[test]
    fn silence_counts_within_its_area_and_time_until_it_is_ended() {
        let shipped = Shipped::load();
        let site = SiteId::new("xinghe-garden").unwrap();
        let device = DeviceId::new("d").unwrap();
        let target = |path| Target {
            path,
            site: &site,
            device: &device,
            kind: Kind::DoorHeld,
            category: shipped.catalogue.get("door_held").unwrap(),
            severity: Severity::P3,
        };
        let mut one = silence(of_category("door_held"), "/990100/990101/");
        assert!(one.hides(&target("/990100/990101/990101001/")));
        assert!(!one.hides(&target("/990100/")) && !one.hides(&target("")));
        let until = |silence: &Silence, hour| silence.covers(&shipped.calendar, at(hour));
        assert_eq!(until(&one, -1), None);
        assert_eq!(until(&one, 0), Some(at(8)));
        assert_eq!(until(&one, 8), None);
        one.ended_at = Some(at(1));
        assert_eq!(until(&one, 2), None);
    }
}
