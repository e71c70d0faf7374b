use super::called::{Desk, called, leaders};
use super::duty::{DutyRole, on_duty};
use super::ical::{self, OwnShift};
use super::model::{Absence, Days, Roster, Substitution};
use super::sample::{at, calendar, crew, local, nobody_gone, shift, two_shifts};
use super::timeline::{gap_began, gaps, hand_overs};
use super::{check, duty::Duty};
use crate::api::words::chinese;

fn officers(roster: &Roster, time: &str) -> Vec<String> {
    let (calendar, gone) = (calendar(), nobody_gone());
    let duty = on_duty(roster, &local(&calendar, &gone), at(time));
    duty.officers.into_iter().map(|one| one.username).collect()
}

/// Whoever reads Chinese is told every problem in Chinese.
fn in_chinese(told: &str) {
    for line in told.lines() {
        let words = chinese(line).unwrap_or_else(|| panic!("no Chinese for: {line}"));
        let english = [
            "shift",
            "crew",
            "substitut",
            "absen",
            " is ",
            " are ",
            " it ",
        ];
        let left = english.iter().find(|word| words.contains(*word));
        assert_eq!(left, None, "{words}");
    }
}

fn problems(roster: &Roster) -> String {
    let (calendar, gone) = (calendar(), nobody_gone());
    check::problems(roster, &local(&calendar, &gone)).join("\n")
}

#[test]
fn night_shift_passes_midnight_and_new_year_and_the_leap_day() {
    let mut roster = two_shifts();
    for shift in &mut roster.shifts {
        shift.first_day = "2023-12-30".parse().unwrap();
    }
    for (time, expected) in [
        ("2023-12-29T12:00", vec![]),
        ("2023-12-30T07:59", vec![]),
        ("2023-12-30T08:00", vec!["a1", "a2"]),
        ("2023-12-30T19:59", vec!["a1", "a2"]),
        ("2023-12-30T20:00", vec!["b1"]),
        ("2023-12-31T00:00", vec!["b1"]),
        ("2023-12-31T07:59", vec!["b1"]),
        ("2023-12-31T08:00", vec!["b1"]),
        ("2023-12-31T23:59", vec!["a1", "a2"]),
        ("2024-01-01T00:00", vec!["a1", "a2"]),
        // 61 days after the first one: the second crew has its turn by day.
        ("2024-02-29T12:00", vec!["b1"]),
        ("2024-02-29T23:00", vec!["a1", "a2"]),
        ("2024-03-01T03:00", vec!["a1", "a2"]),
        ("2024-03-01T12:00", vec!["a1", "a2"]),
    ] {
        assert_eq!(officers(&roster, time), expected, "{time}");
    }
}

#[test]
fn weekly_turn_changes_crews_every_seven_days() {
    let mut roster = two_shifts();
    roster.shifts = vec![shift(
        "all day",
        "08:00",
        "08:00",
        vec![crew(&["a"], None), crew(&["b"], None), crew(&["c"], None)],
    )];
    roster.shifts[0].turn_days = 7;
    for (time, expected) in [
        ("2026-01-01T09:00", "a"),
        ("2026-01-08T07:59", "a"),
        ("2026-01-08T08:00", "b"),
        ("2026-01-15T12:00", "c"),
        ("2026-01-22T12:00", "a"),
    ] {
        assert_eq!(officers(&roster, time), [expected], "{time}");
    }
}

#[test]
fn holidays_and_make_up_days_use_the_rotation_of_their_kind() {
    let mut roster = two_shifts();
    let mut work = shift("work", "00:00", "00:00", vec![crew(&["w"], None)]);
    work.days = Days::WorkingDays;
    let mut off = shift("off", "00:00", "00:00", vec![crew(&["h"], None)]);
    off.days = Days::DaysOff;
    roster.shifts = vec![work, off];
    assert_eq!(problems(&roster), "");
    for (time, expected) in [
        ("2026-09-30T23:59", "w"),
        ("2026-10-01T00:00", "h"),
        ("2026-10-07T23:59", "h"),
        ("2026-10-08T00:00", "w"),
        ("2026-10-10T12:00", "w"),
        ("2026-10-11T12:00", "h"),
    ] {
        assert_eq!(officers(&roster, time), [expected], "{time}");
    }
}

#[test]
fn substitute_comes_in_the_place_of_one_person_alone() {
    let mut roster = two_shifts();
    roster.substitutions.push(Substitution {
        of: "a1".into(),
        by: "x".into(),
        from: at("2026-01-01T10:00"),
        until: at("2026-01-01T12:00"),
        note: None,
    });
    assert_eq!(problems(&roster), "");
    assert_eq!(officers(&roster, "2026-01-01T09:59"), ["a1", "a2"]);
    assert_eq!(officers(&roster, "2026-01-01T10:00"), ["x", "a2"]);
    assert_eq!(officers(&roster, "2026-01-01T12:00"), ["a1", "a2"]);
}

#[test]
fn absence_without_a_substitute_leaves_a_gap_when_nobody_else_is_there() {
    let mut roster = two_shifts();
    roster.absences.push(Absence {
        who: "b1".into(),
        from: at("2026-01-01T22:00"),
        until: at("2026-01-02T10:00"),
        note: None,
    });
    let (calendar, gone) = (calendar(), nobody_gone());
    let local = local(&calendar, &gone);
    let found = gaps(
        &roster,
        &local,
        at("2026-01-01T00:00"),
        at("2026-01-03T00:00"),
    );
    // Before 08:00 on the first day nobody had begun; b1 works the night and the next day.
    let spans: Vec<_> = found.iter().map(|gap| (gap.from, gap.until)).collect();
    assert_eq!(
        spans,
        [
            (at("2026-01-01T00:00"), at("2026-01-01T08:00")),
            (at("2026-01-01T22:00"), at("2026-01-02T10:00")),
        ]
    );
    assert_eq!(
        gap_began(&roster, &local, at("2026-01-02T09:00")),
        Some(at("2026-01-01T22:00"))
    );
    assert_eq!(gap_began(&roster, &local, at("2026-01-02T10:00")), None);
}

#[test]
fn who_has_no_account_any_more_leaves_their_place_empty() {
    let roster = two_shifts();
    let calendar = calendar();
    let gone = ["b1".to_owned()].into();
    let local = local(&calendar, &gone);
    assert!(!on_duty(&roster, &local, at("2026-01-01T21:00")).is_manned());
    assert!(on_duty(&roster, &local, at("2026-01-01T12:00")).is_manned());
}

#[test]
fn hand_overs_name_who_comes() {
    let roster = two_shifts();
    let (calendar, gone) = (calendar(), nobody_gone());
    let local = local(&calendar, &gone);
    let found = hand_overs(
        &roster,
        &local,
        at("2026-01-01T08:00"),
        at("2026-01-02T08:00"),
    );
    let told: Vec<_> = found
        .iter()
        .map(|one| (one.at, one.shift.as_str(), one.officers.join(",")))
        .collect();
    assert_eq!(
        told,
        [
            (at("2026-01-01T20:00"), "night", "b1".to_owned()),
            (at("2026-01-02T08:00"), "day", "b1".to_owned()),
        ]
    );
}

fn desk(roster: &Roster, area: &str, time: &str) -> Desk {
    let (calendar, gone) = (calendar(), nobody_gone());
    let duty = on_duty(roster, &local(&calendar, &gone), at(time));
    (area.to_owned(), duty)
}

#[test]
fn levels_go_from_officer_to_officer_to_shift_leader_to_leader() {
    let roster = two_shifts();
    let desks = [desk(&roster, "street", "2026-01-01T12:00")];
    let names: Vec<_> = (0..5)
        .map(|level| called(level, &desks).unwrap().username)
        .collect();
    assert_eq!(names, ["a1", "a2", "sl-a", "boss", "boss"]);
}

#[test]
fn empty_places_are_looked_for_in_wider_desks_first() {
    let mut narrow = two_shifts();
    narrow.leader = None;
    narrow.shifts[0].crews = vec![crew(&["only"], None)];
    let wide = two_shifts();
    let time = "2026-01-01T12:00";
    let desks = [desk(&narrow, "street", time), desk(&wide, "district", time)];
    let told: Vec<_> = (0..4)
        .map(|level| called(level, &desks).unwrap())
        .map(|one| (one.username, one.area))
        .collect();
    assert_eq!(
        told,
        [
            ("only".to_owned(), "street".to_owned()),
            ("a1".to_owned(), "district".to_owned()),
            ("sl-a".to_owned(), "district".to_owned()),
            ("boss".to_owned(), "district".to_owned()),
        ]
    );
    // In a gap the wider desk is called at once.
    let empty: Desk = ("street".to_owned(), Duty::default());
    let desks = [empty.clone(), desk(&wide, "district", time)];
    assert_eq!(called(0, &desks).unwrap().username, "a1");
    assert!(called(0, &[empty]).is_none());
    assert!(called(3, &[]).is_none());
}

#[test]
fn lonely_officer_is_followed_by_the_shift_leader() {
    let mut roster = two_shifts();
    roster.shifts[0].crews = vec![crew(&["only"], Some("sl"))];
    let desks = [desk(&roster, "street", "2026-01-01T12:00")];
    assert_eq!(called(1, &desks).unwrap().role, DutyRole::ShiftLeader);
    let told: Vec<_> = leaders(&desks)
        .into_iter()
        .map(|one| one.username)
        .collect();
    assert_eq!(told, ["sl", "boss"]);
}

#[test]
fn contradictions_are_refused_all_at_once() {
    let mut roster = two_shifts();
    let mut extra = shift("evening", "19:00", "21:00", vec![crew(&["e"], None)]);
    extra.days = Days::DaysOff;
    roster.shifts.push(extra);
    let change = |of: &str, by: &str, from: &str, until: &str| Substitution {
        of: of.into(),
        by: by.into(),
        from: at(from),
        until: at(until),
        note: None,
    };
    roster.substitutions = vec![
        change("a1", "a1", "2026-02-01T00:00", "2026-02-02T00:00"),
        change("a1", "a2", "2026-03-01T00:00", "2026-03-05T00:00"),
        change("a1", "x", "2026-03-04T00:00", "2026-03-06T00:00"),
        change("x", "y", "2026-03-05T00:00", "2026-03-06T00:00"),
        change("b1", "y", "2026-04-02T00:00", "2026-04-01T00:00"),
        change("b1", "z", "2026-05-01T00:00", "2026-05-02T00:00"),
    ];
    let absence = |from: &str, until: &str| Absence {
        who: "z".into(),
        from: at(from),
        until: at(until),
        note: None,
    };
    roster.absences = vec![
        absence("2026-05-01T12:00", "2026-05-03T00:00"),
        absence("2026-05-02T12:00", "2026-05-04T00:00"),
    ];
    let told = problems(&roster);
    for expected in [
        "shifts `day` (08:00-20:00) and `evening` (19:00-21:00)",
        "`evening` (19:00-21:00)",
        "nobody is their own substitute",
        "`a2` is on duty in the same shift (`night`)",
        "`x` is named for the same time",
        "`x` is substituted in that time",
        "it ends before it begins",
        "`z` is absent in that time",
        "absences of `z`",
    ] {
        assert!(told.contains(expected), "{expected} is not in:\n{told}");
    }
    in_chinese(&told);
}

#[test]
fn shapes_that_are_wrong_are_told_with_their_place() {
    let mut roster = two_shifts();
    roster.shifts[0].turn_days = 0;
    roster.shifts[0].crews.push(crew(&[], None));
    roster.shifts[1].crews = vec![crew(&["a", "a"], Some("no way"))];
    roster.shifts[1].name = "day".into();
    let told = problems(&roster);
    for expected in [
        "shift `day`: turn_days = 0",
        "crew 3 has 0 officers",
        "crew 1 names an officer twice",
        "`no way` is not a sign-in name",
        "two shifts are named `day`",
    ] {
        assert!(told.contains(expected), "{expected} is not in:\n{told}");
    }
    in_chinese(&told);
}

#[test]
fn file_says_what_is_wrong_and_where() {
    let text = "area = \"1\"\n[[shift]]\nname = \"day\"\nfrom = \"8:00\"\n";
    let told = Roster::from_toml(text).unwrap_err();
    assert!(told.contains("`8:00` is not a time of day"), "{told}");
    let told = Roster::from_toml("area = \"1\"\nleadr = \"x\"\n").unwrap_err();
    assert!(told.contains("leadr") && told.contains("line 2"), "{told}");
}

#[test]
fn shipped_example_is_right() {
    let text = include_str!("../../../configs/roster.example.toml");
    let roster = Roster::from_toml(text).unwrap();
    assert_eq!(problems(&roster), "");
    let json = serde_json::to_string(&roster).unwrap();
    assert_eq!(serde_json::from_str::<Roster>(&json).unwrap(), roster);
}

#[test]
fn calendar_file_has_short_lines_and_escaped_texts() {
    let shifts = [OwnShift {
        area: "990101001".into(),
        area_name: "星河街道综合治理中心值班台一号席位，东湖区;滨海市".into(),
        shift: "夜班, 第一组".into(),
        role: DutyRole::Officer,
        from: at("2026-12-31T20:00"),
        until: at("2027-01-01T08:00"),
    }];
    let text = ical::calendar("wang", &shifts, at("2026-12-01T00:00"));
    assert!(text.contains("DTSTART:20261231T120000Z\r\nDTEND:20270101T000000Z\r\n"));
    assert!(text.lines().all(|line| line.len() <= 75), "{text}");
    let unfolded = text.replace("\r\n ", "");
    assert!(
        unfolded
            .contains("SUMMARY:星河街道综合治理中心值班台一号席位，东湖区\\;滨海市 夜班\\, 第一组"),
        "{unfolded}"
    );
    assert_eq!(
        text,
        ical::calendar("wang", &shifts, at("2026-12-01T00:00"))
    );
}
