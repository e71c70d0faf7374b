//! Words of messages.

use super::*;
use crate::cases::text;
use crate::notify::policy::{Due, Facts};

/// News of a suspected fire in building 3.
#[must_use]
pub fn sample(severity: Severity, change: &str) -> News {
    News {
        said: None,
        head: None,
        seq: 7,
        at: "2026-11-22T02:20:33Z".parse().unwrap(),
        change: change.into(),
        earlier: vec![],
        first: true,
        case: Facts {
            id: 12,
            number: "20261122-000012".into(),
            severity,
            category: "fire_suspected".into(),
            category_name: text("疑似火警", "suspected fire"),
            site: gridwatch_protocol::SiteId::new("xinghe-garden").unwrap(),
            title: text(
                "疑似火警 · 星河花园 3栋",
                "suspected fire · Xinghe Garden, building 3",
            ),
            place: text("星河花园 3栋", "Xinghe Garden, building 3"),
            areas: vec!["99".into(), "9901".into(), "990101".into()],
            state: "reported".into(),
            is_drill: false,
            in_flood: false,
            opened_at: "2026-11-22T02:20:33Z".parse().unwrap(),
            due: Some(Due {
                what: text("确认", "acknowledge"),
                at: "2026-11-22T02:21:33Z".parse().unwrap(),
            }),
        },
    }
}

fn style(language: Language) -> Style {
    Style {
        language,
        public_url: "https://hub.example/".into(),
        utc_offset_minutes: 480,
    }
}

#[test]
fn message_names_case_severity_category_place_time_due_and_link_in_both_languages() {
    let mut news = sample(Severity::P1, "closed");
    news.earlier = vec!["opened".into()];
    let zh = one(&news, &style(Language::Zh));
    assert_eq!(zh.title, "【特急（P1）】结案：疑似火警 · 星河花园 3栋");
    assert_eq!(
        zh.lines(),
        [
            "事件：20261122-000012",
            "级别：特急（P1）",
            "类别：疑似火警",
            "地点：星河花园 3栋",
            "时间：2026-11-22 10:20:33",
            "变化：新事件，结案",
            "时限：2026-11-22 10:21:33 前确认",
            "https://hub.example/cases/12",
        ]
    );
    let en = one(&news, &style(Language::En));
    assert_eq!(
        en.title,
        "[Critical (P1)] closed: suspected fire · Xinghe Garden, building 3"
    );
    assert_eq!(
        en.lines()[6..],
        [
            "Due: acknowledge by 2026-11-22 10:21:33",
            "https://hub.example/cases/12"
        ]
    );
}

#[test]
fn drill_is_marked_in_the_title_and_a_digest_of_drills_too() {
    let mut news = sample(Severity::P2, "opened");
    news.case.is_drill = true;
    let title = one(&news, &style(Language::En)).title;
    assert!(title.starts_with("[DRILL] [Urgent (P2)]"), "{title}");
    let title = digest(&[news.clone(), news], &style(Language::Zh)).title;
    assert_eq!(title, "【演练】【紧急（P2）】2 起事件的汇总");
}

#[test]
fn digest_that_does_not_fit_says_how_many_it_leaves_out() {
    let many = vec![sample(Severity::P3, "opened"); 40];
    let words = digest(&many, &style(Language::En));
    let form = words
        .fit(|w| w.lines().join("\n"), |text| text.len() <= 1_000)
        .unwrap();
    let shown = form
        .lines()
        .filter(|line| line.contains("20261122-000012"))
        .count();
    assert!(shown > 0);
    let rest = format!("and {} more, on the board", 40 - shown);
    assert!(form.contains(&rest), "{form}");
    assert!(words.fit(|w| w.lines().join("\n"), |_| false).is_err());
}

#[test]
fn values_lose_control_characters_and_what_turns_text_around() {
    assert_eq!(plain("a\r\nb\u{202e}c\u{2028}d"), "a  b c d");
    assert_eq!(plain(&"x".repeat(300)).chars().count(), 201);
}

#[test]
fn completion_tells_number_and_category_and_nothing_of_the_place() {
    let words = completion(&sample(Severity::P3, "completed"), &style(Language::Zh));
    assert!(words.title.contains("20261122-000012") && words.title.contains("已办结"));
    assert!(!words.title.contains("3栋") && words.lines().is_empty());
}

#[test]
fn change_that_is_not_known_keeps_its_code() {
    assert_eq!(change("brand_new", Language::Zh), "brand_new");
}
