//! Routing, quiet hours and merging.

use proptest::prelude::*;

use super::*;
use crate::cases::text;
use crate::notify::text::sample;

fn now() -> Timestamp {
    "2026-11-22T02:30:00Z".parse().unwrap()
}

fn plan(filter: &Filter, news: &News, told: Option<Severity>) -> Option<String> {
    filter.plan(news, told, now(), 480).map(|plan| plan.change)
}

#[test]
fn opened_and_closed_are_told_and_routine_is_not() {
    let filter = Filter::default();
    for (change, told) in [
        ("opened", true),
        ("filed", true),
        ("closed", true),
        ("yellow_card", true),
        ("joined", false),
        ("noted", false),
        ("acknowledged", false),
    ] {
        let news = sample(Severity::P2, change);
        let planned = plan(&filter, &news, Some(Severity::P2));
        assert_eq!(planned.is_some(), told, "{change}");
    }
}

#[test]
fn routine_that_makes_a_case_more_urgent_is_told_as_that() {
    let filter = Filter {
        severities: vec![Severity::P1],
        ..Filter::default()
    };
    let news = sample(Severity::P1, "joined");
    let told = |severity| plan(&filter, &news, severity);
    assert_eq!(told(Some(Severity::P3)).as_deref(), Some(MORE_URGENT));
    assert_eq!(told(None).as_deref(), Some(MORE_URGENT));
    assert_eq!(told(Some(Severity::P1)), None);
}

#[test]
fn every_part_of_the_filter_can_keep_news_out() {
    let news = sample(Severity::P2, "opened");
    let all = Filter::default();
    assert!(plan(&all, &news, None).is_some());
    let out = [
        Filter {
            severities: vec![Severity::P1],
            ..all.clone()
        },
        Filter {
            categories: vec!["other".into()],
            ..all.clone()
        },
        Filter {
            areas: vec!["123".into()],
            ..all.clone()
        },
        Filter {
            sites: vec![SiteId::new("elsewhere").unwrap()],
            ..all.clone()
        },
        Filter {
            changes: vec!["closed".into()],
            ..all.clone()
        },
    ];
    for filter in out {
        assert_eq!(plan(&filter, &news, None), None, "{filter:?}");
    }
    let district = Filter {
        areas: vec![news.case.areas[1].clone()],
        ..all.clone()
    };
    assert!(plan(&district, &news, None).is_some());
}

#[test]
fn drill_goes_only_to_channels_that_want_drills() {
    let mut news = sample(Severity::P1, "opened");
    news.case.is_drill = true;
    assert_eq!(plan(&Filter::default(), &news, None), None);
    let wanting = Filter {
        drills: true,
        ..Filter::default()
    };
    assert!(plan(&wanting, &news, None).is_some());
}

#[test]
fn quiet_hours_hold_everything_but_p1_until_they_end() {
    // 10:30 local time.
    let filter = Filter {
        quiet: Quiet::parse("10:00-12:15"),
        ..Filter::default()
    };
    let at = |severity| {
        let news = sample(severity, "opened");
        filter.plan(&news, None, now(), 480).unwrap().not_before
    };
    assert_eq!(at(Severity::P1), now());
    assert_eq!(at(Severity::P2), "2026-11-22T04:15:00Z".parse().unwrap());
}

#[test]
fn quiet_hours_go_over_midnight_and_need_two_times_that_differ() {
    let quiet = Quiet::parse("22:00-07:00").unwrap();
    let ends = |text: &str| quiet.ends(text.parse().unwrap(), 0);
    let morning = |text: &str| Some(text.parse().unwrap());
    assert_eq!(
        ends("2026-11-22T22:00:00Z"),
        morning("2026-11-23T07:00:00Z")
    );
    assert_eq!(
        ends("2026-11-22T06:59:59Z"),
        morning("2026-11-22T07:00:00Z")
    );
    assert_eq!(ends("2026-11-22T07:00:00Z"), None);
    assert_eq!(ends("2026-11-22T21:59:59Z"), None);
    for text in [
        "",
        "22:00",
        "24:00-07:00",
        "7-8",
        "07:00-07:00",
        "07:60-08:00",
        "+7:00-08:00",
    ] {
        assert_eq!(Quiet::parse(text), None, "{text}");
    }
}

#[test]
fn merged_news_names_what_it_took_in_and_stays_first() {
    let mut older = sample(Severity::P3, "opened");
    older.first = true;
    let newer = News {
        seq: 2,
        first: false,
        ..sample(Severity::P3, "closed")
    };
    let merged = merge(&older, newer.clone());
    assert_eq!(merged.earlier, ["opened"]);
    assert!(merged.first && merged.seq == 2);
    let many = (0..50).fold(merged, |older, _| merge(&older, newer.clone()));
    assert_eq!(many.earlier.len(), EARLIER_MAX);
}

#[test]
fn title_of_the_sample_is_what_lists_show() {
    let news = sample(Severity::P1, "opened");
    assert_eq!(news.case.category_name, text("疑似火警", "suspected fire"));
}

proptest! {
    #[test]
    fn p1_is_never_held_and_the_rest_never_longer_than_a_day(
        from in 0i64..1_440, length in 1i64..1_440, at in 0i64..4_000_000_000_000, offset in -840i32..=840,
        rank in 0usize..4,
    ) {
        let quiet = Quiet { from, until: (from + length) % 1_440 };
        let filter = Filter { quiet: Some(quiet), ..Filter::default() };
        let severity = [Severity::P1, Severity::P2, Severity::P3, Severity::P4][rank];
        let now = Timestamp::from_unix_ms(at);
        let plan = filter.plan(&sample(severity, "opened"), None, now, offset).unwrap();
        let held = plan.not_before.ms_since(now);
        prop_assert!((0..86_400_000).contains(&held));
        if severity == Severity::P1 {
            prop_assert_eq!(held, 0);
        }
        // When it is let go, the quiet time is over.
        prop_assert!(held == 0 || quiet.ends(plan.not_before, offset).is_none());
    }
}
