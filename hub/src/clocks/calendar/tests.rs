use super::*;
use crate::clocks::{ClockType, Limit};

const SHIPPED: &str = include_str!("../../../../configs/calendar.toml");

/// A plain week, with more text behind it.
pub(in crate::clocks) fn with(zone: &str, years: &str) -> Calendar {
    Calendar::parse(&text(zone, years)).expect("the calendar of a test is right")
}

fn text(zone: &str, years: &str) -> String {
    let head = SHIPPED.split("[[year]]").next().unwrap();
    format!(
        "{}\n{years}",
        head.replace("+08:00\"\n", &format!("{zone}\"\n"))
    )
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// 2026 as a test: not the official calendar.
const YEARS: &str = r#"
[[year]]
year = 2026
notice = "a test"
holidays = [{ name = "a", from = "2026-10-01", until = "2026-10-07" }]
makeup = [{ date = "2026-10-10", like = "friday" }]
[[year]]
year = 2027
notice = "a test"
holidays = [{ name = "b", from = "2027-01-01" }]
"#;

#[test]
fn shipped_calendar_is_right_and_says_that_it_must_be_checked() {
    let calendar = Calendar::parse(SHIPPED).unwrap();
    let warnings = |now: &str| -> Vec<(String, i16)> {
        let all = calendar.warnings(at(now));
        all.into_iter().map(|w| (w.code, w.year)).collect()
    };
    let unconfirmed = |year| ("calendar_year_unconfirmed".to_owned(), year);
    let missing = |year| ("calendar_year_missing".to_owned(), year);
    assert_eq!(warnings("2026-06-01T00:00:00Z"), [unconfirmed(2026)]);
    assert_eq!(
        warnings("2026-12-20T00:00:00Z"),
        [unconfirmed(2026), unconfirmed(2027)]
    );
    assert_eq!(
        warnings("2027-12-20T00:00:00Z"),
        [unconfirmed(2027), missing(2028)]
    );
}

#[test]
fn year_that_is_missing_is_told_a_month_ahead_by_local_time() {
    let calendar = with("+08:00", YEARS);
    assert_eq!(calendar.warnings(at("2027-11-30T15:59:59Z")), []);
    let warnings = calendar.warnings(at("2027-11-30T16:00:00Z"));
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].year, 2028);
}

#[test]
fn limits_end_where_people_expect() {
    let calendar = with("+08:00", YEARS);
    let check = |start: &str, amount: u32, clock: ClockType, due: &str| {
        assert_eq!(
            calendar.due(at(start), Limit::new(amount, clock)),
            at(due),
            "{amount} {clock:?} from {start}"
        );
    };
    // Friday 17:00 local, two hours: one on Friday, one on Monday.
    check(
        "2026-11-20T09:00:00Z",
        2,
        ClockType::WorkingHours,
        "2026-11-23T01:00:00Z",
    );
    // Over lunch.
    check(
        "2026-11-23T03:30:00Z",
        1,
        ClockType::WorkingHours,
        "2026-11-23T06:30:00Z",
    );
    // Ends with the day, not with the morning after it.
    check(
        "2026-11-23T00:00:00Z",
        1,
        ClockType::WorkingDays,
        "2026-11-23T10:00:00Z",
    );
    // Wednesday 30 September noon: the holiday week does not count, the Thursday after it does.
    check(
        "2026-09-30T04:00:00Z",
        1,
        ClockType::WorkingDays,
        "2026-10-08T04:00:00Z",
    );
    // Friday 9 October 17:00: the Saturday is a make-up day.
    check(
        "2026-10-09T09:00:00Z",
        2,
        ClockType::WorkingHours,
        "2026-10-10T01:00:00Z",
    );
    // Over new year, the first of January off: Thursday 31 December 17:00 to Monday.
    check(
        "2026-12-31T09:00:00Z",
        2,
        ClockType::WorkingHours,
        "2027-01-04T01:00:00Z",
    );
    check(
        "2026-10-01T00:00:00Z",
        2,
        ClockType::UrgentHours,
        "2026-10-01T02:00:00Z",
    );
    check(
        "2026-10-01T00:00:00Z",
        2,
        ClockType::CalendarDays,
        "2026-10-03T00:00:00Z",
    );
    check(
        "2026-10-01T00:00:00Z",
        90,
        ClockType::Seconds,
        "2026-10-01T00:01:30Z",
    );
}

#[test]
fn hours_that_the_zone_skips_do_not_count_and_doubled_ones_count_once_begun() {
    let week = "[hours]\nmonday = []\ntuesday = []\nwednesday = []\nthursday = []\nfriday = []\nsaturday = [\"00:00-10:00\"]\nsunday = [\"01:00-02:30\", \"02:45-04:00\"]\n";
    let text = format!("version = \"t\"\ntime_zone = \"Europe/Berlin\"\n{week}");
    let calendar = Calendar::parse(&text).unwrap();
    let hours = |from: &str, to: &str| {
        calendar.elapsed_ms(at(from), at(to), ClockType::WorkingHours) / 60_000
    };
    // 2026-03-29 has no 02:00 to 03:00: 01:00-02:00 and 03:00-04:00 are left.
    assert_eq!(hours("2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z"), 120);
    assert_eq!(
        calendar.due(
            at("2026-03-29T00:00:00Z"),
            Limit::new(2, ClockType::WorkingHours)
        ),
        at("2026-03-29T02:00:00Z")
    );
    // 2026-10-25 has 02:00 to 03:00 twice: 90 min, then from 02:45 of the first pass to 04:00.
    assert_eq!(
        hours("2026-10-24T22:00:00Z", "2026-10-25T12:00:00Z"),
        90 + 135
    );
}

#[test]
fn every_problem_of_a_calendar_is_told_at_once() {
    let text = r#"
version = "x"
time_zone = "+25:00"
[hours]
monday = ["08:00-12:00", "11:00-13:00"]
tuesday = ["8-12"]
wednesday = []
thursday = ["10:00-24:01"]
friday = []
saturday = []
feiertag = []
[[year]]
year = 2026
holidays = [{ name = "a", from = "2026-10-03", until = "2026-10-01" }, { name = "b", from = "2027-01-01" }, { name = "c", from = "2026-13-01" }]
makeup = [{ date = "2026-10-05", like = "monday" }, { date = "2026-10-10", like = "freitag" }, { date = "2026-10-11", like = "sunday" }]
[[year]]
year = 2026
"#;
    let problems = Calendar::parse(text).unwrap_err().join("\n");
    for expected in [
        "time_zone = \"+25:00\"",
        "monday: `11:00-13:00` begins before",
        "tuesday: `8-12`",
        "thursday: `10:00-24:01`",
        "`sunday` is missing",
        "`feiertag` is no day",
        "holiday `a`: ends on 2026-10-01, before",
        "holiday `b`: 2027-01-01 is not in 2026",
        "holiday `c`: `2026-13-01` is not a day",
        "make-up day `2026-10-05`: it is a working monday anyway",
        "`2026-10-10`: like = \"freitag\"",
        "`2026-10-11`: sunday has no working hours",
        "year 2026 stands twice",
    ] {
        assert!(
            problems.contains(expected),
            "{expected} is not in:\n{problems}"
        );
    }
}

#[test]
fn calendar_without_working_hours_is_refused() {
    let days = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ];
    let hours: String = days.iter().map(|day| format!("{day} = []\n")).collect();
    let text = format!("version = \"x\"\ntime_zone = \"+08:00\"\n[hours]\n{hours}");
    let problems = Calendar::parse(&text).unwrap_err();
    assert!(problems[0].contains("0 working minutes"), "{problems:?}");
}

#[test]
fn unknown_zone_says_what_to_do() {
    let problems = Calendar::parse(&text("Mars/Olympus", "")).unwrap_err();
    assert!(problems[0].contains("give an offset"), "{problems:?}");
}
