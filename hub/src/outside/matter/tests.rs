use super::*;
use crate::cases::sample::{START_MS, Shipped, alert};
use crate::cases::{Action, desk, table};
use gridwatch_protocol::{Kind, Place};
use proptest::prelude::*;

fn now() -> Timestamp {
    Timestamp::from_unix_ms(START_MS)
}

fn good() -> Given {
    Given {
        category: Some("water_leak".into()),
        description: Some(" 楼道漏水 ".into()),
        site: Some(SiteId::new("xinghe-garden").unwrap()),
        photos: vec![Photo {
            sha256: "AB".repeat(32),
            name: None,
            at: None,
        }],
        ..Given::default()
    }
}

fn checked(given: Given) -> Result<Matter, Vec<Lack>> {
    let shipped = Shipped::load();
    check(given, &shipped.catalogue, &shipped.directory, now())
}

fn teller() -> Teller {
    Teller {
        name: "zhou".into(),
        display_name: "ZHOU".into(),
        role: Some(Role::Checker),
    }
}

fn opened(matter: &Matter) -> (Case, Transition) {
    let number = (7, "20261122-000007".to_owned());
    open(matter, &teller(), number, &Shipped::load().catalogue, now())
}

#[test]
fn everything_that_is_missing_is_told_at_once() {
    let lacks = checked(Given::default()).unwrap_err();
    let codes: Vec<&str> = lacks.iter().map(|lack| lack.code.as_str()).collect();
    assert_eq!(codes, ["category", "description", "site"]);
    let wrong = Given {
        category: Some("no such".into()),
        description: Some("x".repeat(4_001)),
        site: Some(SiteId::new("nowhere").unwrap()),
        area: Some("77".into()),
        position: Some(Position {
            lat: 1e9,
            lon: 0.0,
            system: crate::outside::place::System::Wgs84,
        }),
        place: Place {
            room: Some("r".repeat(201)),
            ..Place::default()
        },
        address: Some("a".repeat(201)),
        photos: vec![Photo {
            sha256: "no".into(),
            name: None,
            at: None,
        }],
        reporter: Person {
            phone: Some("no".into()),
            ..Person::default()
        },
        ..Given::default()
    };
    let lacks = checked(wrong).unwrap_err();
    let codes: Vec<&str> = lacks.iter().map(|lack| lack.code.as_str()).collect();
    assert_eq!(
        codes,
        [
            "category",
            "description",
            "position",
            "site",
            "area",
            "place.room",
            "address",
            "photos",
            "reporter.phone"
        ]
    );
}

#[test]
fn case_of_a_matter_is_as_urgent_as_its_category_and_has_no_alert() {
    let matter = checked(good()).unwrap();
    assert_eq!(matter.description, "楼道漏水");
    let (case, row) = opened(&matter);
    let shipped = Shipped::load();
    let category = shipped.catalogue.get("water_leak").unwrap();
    assert_eq!(case.severity, category.severity);
    assert_eq!((case.alert_count, case.alerts_active), (0, 0));
    let wait = shipped
        .catalogue
        .acknowledge_ms("water_leak", case.severity);
    assert_eq!(case.ack_due_at.ms_since(now()), wait);
    assert!(table::permits(&row.action, row.from, row.to));
    assert_eq!((row.seq, row.actor.as_str()), (1, "zhou"));
    assert_eq!(row.reason, None, "free text stays out of the history");
    let evidence = &row.details.as_ref().unwrap().evidence;
    assert_eq!(evidence[0].sha256, "ab".repeat(32));
    assert_eq!(row.evidence_hash, evidence_hash(evidence));
}

#[test]
fn case_of_a_matter_goes_the_whole_way_to_its_end() {
    let shipped = Shipped::load();
    let (mut case, _) = opened(&checked(good()).unwrap());
    let officer = crate::cases::sample::person("duty", Role::DutyOfficer);
    let filing = shipped.catalogue.get("water_leak").unwrap().filing[0]
        .code
        .clone();
    let details = Details {
        condition: Some(filing),
        ..Details::default()
    };
    let done = shipped.act(&mut case, Action::File, &officer, details, now().plus_ms(1));
    assert!(done.is_ok(), "{done:?}");
    assert_eq!(case.acknowledged_by.as_deref(), Some("duty"));
}

#[test]
fn signs_of_fire_told_by_people_and_by_detectors_share_their_group() {
    let given = Given {
        category: Some("fire_suspected".into()),
        place: Place {
            building: Some("3".into()),
            ..Place::default()
        },
        ..good()
    };
    let (case, _) = opened(&checked(given).unwrap());
    let shipped = Shipped::load();
    let category = shipped.catalogue.get("fire_suspected").unwrap();
    let smoke = alert(1, "kitchen", Kind::Smoke);
    assert_eq!(case.group_key, desk::group_key(&smoke, category));
    assert!(case.group_key.is_some());
}

#[test]
fn another_report_is_a_row_and_changes_nothing_that_a_decision_rests_on() {
    let matter = checked(good()).unwrap();
    let (mut case, _) = opened(&matter);
    let decided_on = case.decision_version;
    let row = join(&mut case, &matter, &teller(), now().plus_ms(5));
    assert!(table::permits(&row.action, row.from, row.to));
    assert_eq!((row.seq, case.transitions, case.version), (2, 2, 2));
    assert_eq!(case.decision_version, decided_on);
}

proptest! {
    #[test]
    fn any_text_is_taken_or_refused_and_kept_as_it_is(description in ".{0,200}", address in ".{0,100}", room in "\\PC{0,50}") {
        let given = Given {
            description: Some(description.clone()),
            address: Some(address.clone()),
            place: Place { room: Some(room), ..Place::default() },
            ..good()
        };
        match checked(given) {
            Ok(matter) => prop_assert_eq!(matter.description.as_str(), description.trim()),
            Err(lacks) => prop_assert!(!lacks.is_empty()),
        }
    }
}
