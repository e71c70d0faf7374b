//! Whom timers call: by the roster, and above a unit that does not answer.

use super::*;
use crate::directory::Directory;
use crate::roster::model::Roster;
use crate::roster::tasks::{By, Save, Saved};
use crate::store::accounts::UserRow;

/// The street office, and one of its kind in the district.
fn with_district_office() -> EngineSettings {
    let areas = include_str!("../../../../configs/areas.toml");
    let more = "\n[[unit]]\ncode = \"donghu-office\"\nname = { zh = \"东湖区综治办\", en = \"Donghu office\" }\nkind = \"street_office\"\narea = \"990101\"\n";
    let sites = include_str!("../../../../configs/sites.toml");
    let directory = Directory::parse(&format!("{areas}{more}"), sites).unwrap();
    EngineSettings {
        directory: Arc::new(directory),
        ..settings()
    }
}

async fn add_users(dir: &TempDir, users: &[(&str, Role, Option<&str>)]) {
    let url = store::StoreUrl::parse("sqlite:hub.db", dir.path()).unwrap();
    let (_, mut writer) = store::open(&url).await.unwrap();
    for (name, role, unit) in users {
        let user = UserRow {
            actor: Actor {
                username: (*name).to_owned(),
                display_name: name.to_uppercase(),
                role: *role,
                unit: unit.map(str::to_owned),
            },
            area: None,
            password_hash: String::new(),
            language: None,
            created_at: at(0),
            disabled_at: None,
        };
        writer.add_user(&user).await.unwrap();
    }
}

impl Hub {
    async fn save(&self, roster: &str, now: Timestamp) {
        let roster = Roster::from_toml(roster).unwrap();
        let save = Save {
            area: roster.area.clone(),
            roster: Some(roster),
            version: 0,
            by: By {
                actor: "root".to_owned(),
                address: String::new(),
            },
        };
        let saved = self.engine.run(save, now).await.unwrap();
        assert!(matches!(saved, Saved::Done(_)), "{saved:?}");
    }

    async fn called(&self) -> Vec<String> {
        let rows = crate::store::database::query(
            "SELECT e.change, c.role, c.username FROM duty_calls c JOIN events e ON e.seq = c.event_seq ORDER BY c.event_seq, c.username",
        );
        let rows = rows.fetch_all(&self.store.readers).await.unwrap();
        let part = |row: &sqlx::any::AnyRow, at: usize| sqlx::Row::get::<String, _>(row, at);
        rows.iter()
            .map(|row| format!("{} {} {}", part(row, 0), part(row, 1), part(row, 2)))
            .collect()
    }

    /// Fires everything that is due, one after the other.
    async fn drain(&self, now: Timestamp) {
        while !self.fire(now).await.due.is_empty() {}
    }

    async fn answers(&self, id: CaseId) -> Vec<String> {
        let history = self.history(id).await;
        let steps = history.into_iter();
        steps.filter(|step| step.ends_with("_answer")).collect()
    }
}

const ROSTER: &str = r#"
area = "990101"
leader = "boss"
[[shift]]
name = "day"
from = "00:00"
until = "11:05"
first_day = "2026-01-01"
[[shift.crew]]
officers = ["a1", "a2"]
shift_leader = "sl-a"
[[shift]]
name = "late"
from = "11:05"
until = "00:00"
first_day = "2026-01-01"
[[shift.crew]]
officers = ["b1", "b2"]
shift_leader = "sl-b"
"#;

const PEOPLE: [(&str, Role, Option<&str>); 7] = [
    ("a1", Role::DutyOfficer, None),
    ("a2", Role::DutyOfficer, None),
    ("b1", Role::DutyOfficer, None),
    ("b2", Role::DutyOfficer, None),
    ("sl-a", Role::ShiftLeader, None),
    ("sl-b", Role::ShiftLeader, None),
    ("boss", Role::Leader, None),
];

#[tokio::test]
async fn who_is_on_duty_when_a_step_is_due_is_called() {
    let dir = TempDir::new().unwrap();
    let hub = open(&dir).await;
    add_users(&dir, &PEOPLE).await;
    // 11:00 local time: the shift changes between the first and the second level.
    hub.save(ROSTER, at(0)).await;
    hub.open_cases(0..1, Kind::DoorForced, Severity::P2, at(0))
        .await;
    hub.drain(at(3 * MINUTE)).await;
    hub.drain(at(6 * MINUTE)).await;
    hub.drain(at(9 * MINUTE)).await;
    assert_eq!(
        hub.called().await,
        [
            "opened officer a1",
            "escalated officer a2",
            "escalated shift_leader sl-b",
            "escalated leader boss",
        ]
    );
    hub.close().await;
}

async fn called_up(hub: &Hub, severity: Severity) {
    hub.open_cases(0..1, Kind::DoorForced, severity, at(0))
        .await;
    hub.act(1, Action::Acknowledge, at(0)).await;
    hub.act(1, Action::CallUp, at(0)).await;
}

#[tokio::test]
async fn call_that_nobody_answers_goes_to_the_leader_and_the_wider_unit_and_gives_a_card() {
    let dir = TempDir::new().unwrap();
    let hub = open_with(&dir, with_district_office()).await;
    let units = [
        ("street", Role::Unit, Some("xinghe-street-office")),
        ("district", Role::Unit, Some("donghu-office")),
    ];
    add_users(&dir, &PEOPLE).await;
    add_users(&dir, &units).await;
    hub.save(ROSTER, at(0)).await;
    called_up(&hub, Severity::P2).await;
    // A quarter of an hour for a P2; the halves are not due before.
    hub.drain(at(15 * MINUTE / 2 - 1)).await;
    assert_eq!(hub.answers(1).await, [""; 0]);
    hub.drain(at(15 * MINUTE / 2)).await;
    assert_eq!(hub.answers(1).await, ["remind_answer"]);
    hub.drain(at(15 * MINUTE)).await;
    assert_eq!(hub.answers(1).await, ["remind_answer", "escalate_answer"]);
    let case = hub.case(1).await;
    let wider = &case.progress.calls[1];
    assert_eq!(
        (wider.unit.as_str(), wider.by.as_str(), wider.due),
        ("donghu-office", "system", at(30 * MINUTE))
    );
    let called = hub.called().await;
    for expected in [
        "reminder unit street",
        "escalated unit street",
        "escalated unit district",
        "escalated leader boss",
    ] {
        assert!(
            called.iter().any(|call| call == expected),
            "{expected}: {called:?}"
        );
    }
    // At twice the time the first unit gets its card, and the wider one's own time is over.
    hub.drain(at(30 * MINUTE)).await;
    let case = hub.case(1).await;
    assert_eq!(case.progress.calls[0].card, Card::Yellow);
    assert_eq!(case.progress.calls[1].card, Card::None);
    assert_eq!(case.progress.card, Card::None);
    let steps = hub.answers(1).await;
    assert_eq!(
        steps.iter().filter(|step| *step == "card_answer").count(),
        1
    );
    hub.drain(at(24 * 60 * MINUTE)).await;
    let once = hub.answers(1).await;
    hub.drain(at(48 * 60 * MINUTE)).await;
    assert_eq!(hub.answers(1).await, once, "each step once");
    hub.close().await;
}

#[tokio::test]
async fn answered_call_is_neither_escalated_nor_carded() {
    let dir = TempDir::new().unwrap();
    let hub = open(&dir).await;
    called_up(&hub, Severity::P2).await;
    hub.drain(at(8 * MINUTE)).await;
    assert_eq!(hub.answers(1).await, ["remind_answer"]);
    let version = hub.case(1).await.version;
    let request = actions::Request {
        action: Action::AnswerCall,
        reason: Some("on our way".into()),
        version,
        details: Details {
            call: Some(1),
            ..Details::default()
        },
    };
    let act = Act {
        case: 1,
        request,
        actor: Actor {
            username: "street".into(),
            display_name: "STREET".into(),
            role: Role::Unit,
            unit: Some("xinghe-street-office".into()),
        },
        scope: Scope::whole(),
        key: None,
    };
    hub.engine.act(act, at(9 * MINUTE)).await.unwrap();
    hub.drain(at(24 * 60 * MINUTE)).await;
    assert_eq!(hub.answers(1).await, ["remind_answer"]);
    assert_eq!(hub.case(1).await.progress.calls[0].card, Card::None);
    hub.close().await;
}
