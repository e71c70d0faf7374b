//! What the public reads: services, definitions, requests. Pure.
//!
//! Never a name, a number, or anything that somebody typed: free text holds what people should not have
//! written. A report's own sender gets back what it sent, apart from who reported.

use gridwatch_protocol::Timestamp;

use super::ATTRIBUTES;
use super::format::{Document, Field, Record};
use crate::cases::{Case, RejectCause, State};
use crate::catalogue::{Catalogue, Category};
use crate::directory::Directory;
use crate::notify::text::Language;
use crate::outside::place::Point;
use crate::outside::rows::Report;

/// What the specification calls itself.
const SPECIFICATION: &str = "http://wiki.open311.org/GeoReport_v2";

/// A report with the case that has it now.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The report.
    pub report: Report,
    /// Its case.
    pub case: Case,
}

/// The list of services.
#[must_use]
pub fn services<'a>(list: impl Iterator<Item = &'a Category>, language: Language) -> Document {
    let record = |category: &Category| {
        let name = language.of(&category.name).to_owned();
        vec![
            ("service_code", Field::Text(category.code.clone())),
            ("service_name", Field::Text(name.clone())),
            ("description", Field::Text(name)),
            ("metadata", Field::Yes(true)),
            ("type", Field::Text("realtime".into())),
            (
                "keywords",
                Field::Text(format!("{}, {}", category.name.zh, category.name.en)),
            ),
            ("group", Field::maybe(category.unit_kind.clone())),
        ]
    };
    Document::List {
        root: "services",
        item: "service",
        records: list.map(record).collect(),
    }
}

/// The definition of a service: the attributes that it takes.
#[must_use]
pub fn definition(code: &str, language: Language) -> Document {
    let attributes = (1_i64..).zip(ATTRIBUTES).map(|(order, (code, zh, en))| {
        let description = match language {
            Language::Zh => zh,
            Language::En => en,
        };
        vec![
            ("variable", Field::Yes(true)),
            ("code", Field::Text(code.to_owned())),
            ("datatype", Field::Text("string".to_owned())),
            ("required", Field::Yes(false)),
            ("datatype_description", Field::Nothing),
            ("order", Field::Whole(order)),
            ("description", Field::Text(description.to_owned())),
        ]
    });
    Document::One {
        root: "service_definition",
        record: vec![
            ("service_code", Field::Text(code.to_owned())),
            (
                "attributes",
                Field::Records("attribute", attributes.collect()),
            ),
        ],
    }
}

/// The answer to a new request.
#[must_use]
pub fn created(report: &str, language: Language) -> Document {
    let notice = match language {
        Language::Zh => "已受理，将由值班人员核实。",
        Language::En => "Received. It will be looked into.",
    };
    requests(vec![vec![
        ("service_request_id", Field::Text(report.to_owned())),
        ("service_notice", Field::Text(notice.to_owned())),
        ("account_id", Field::Nothing),
    ]])
}

/// The request behind a token; here the two are the same.
#[must_use]
pub fn token(report: &str) -> Document {
    requests(vec![vec![
        ("service_request_id", Field::Text(report.to_owned())),
        ("token", Field::Text(report.to_owned())),
    ]])
}

/// A list of requests.
#[must_use]
pub fn requests(records: Vec<Record>) -> Document {
    Document::List {
        root: "service_requests",
        item: "request",
        records,
    }
}

/// A request as `asker` sees it: the name of its key, if it sent one.
#[must_use]
pub fn request(
    request: &Request,
    asker: Option<&str>,
    (directory, catalogue): (&Directory, &Catalogue),
    language: Language,
) -> Record {
    let Request { report, case } = request;
    let own = asker.is_some_and(|asker| teller(asker) == report.teller);
    let written = |text: &Option<String>| Field::maybe(text.clone().filter(|_| own));
    let is_open = case.state.is_open();
    let updated = case
        .ended_at
        .filter(|_| !is_open)
        .unwrap_or(case.updated_at);
    let agency = case
        .progress
        .unit
        .as_deref()
        .and_then(|unit| directory.unit(unit));
    let point = report
        .point
        .map(|point| if own { point } else { coarse(point) });
    let number = |value: Option<f64>| value.map_or(Field::Nothing, Field::Number);
    let service = language.of(&catalogue.name(&report.category)).to_owned();
    let time = |at: Timestamp| Field::Text(at.to_string());
    vec![
        ("service_request_id", Field::Text(report.id.clone())),
        (
            "status",
            Field::Text(if is_open { "open" } else { "closed" }.to_owned()),
        ),
        ("status_notes", Field::Text(notes(case, language))),
        ("service_name", Field::Text(service)),
        ("service_code", Field::Text(report.category.clone())),
        (
            "description",
            written(&Some(report.body.description.clone())),
        ),
        (
            "agency_responsible",
            Field::maybe(agency.map(|unit| language.of(&unit.name).to_owned())),
        ),
        ("service_notice", Field::Nothing),
        ("requested_datetime", time(report.at)),
        ("updated_datetime", time(updated)),
        (
            "expected_datetime",
            case.progress
                .due_at
                .filter(|_| is_open)
                .map_or(Field::Nothing, time),
        ),
        ("address", written(&report.body.address)),
        ("address_id", Field::Nothing),
        ("zipcode", Field::Nothing),
        ("lat", number(point.map(|point| point.lat))),
        ("long", number(point.map(|point| point.lon))),
        ("media_url", written(&report.body.media_url)),
    ]
}

/// The name under which a key tells of matters.
#[must_use]
pub fn teller(key: &str) -> String {
    format!("open311:{key}")
}

/// To about 100 m: enough for a map of a district, too little for a door.
fn coarse(point: Point) -> Point {
    let rounded = |degrees: f64| (degrees * 1_000.0).round() / 1_000.0;
    Point {
        lat: rounded(point.lat),
        lon: rounded(point.lon),
    }
}

/// Where a case is, in words for everybody.
fn notes(case: &Case, language: Language) -> String {
    let (zh, en) = match case.state {
        State::Reported => ("已受理", "received"),
        State::PreVerify => ("核实中", "being looked into"),
        State::Filed | State::Consulting | State::Returned => ("已立案", "filed"),
        State::Dispatched => ("已派遣", "assigned"),
        State::Handling => ("处置中", "being worked on"),
        State::Suspended => ("暂缓处理", "put off"),
        State::Feedback | State::PostCheck => ("核查中", "being checked"),
        State::Closed | State::Evaluated => ("已办结", "done"),
        State::ForcedClosed => ("已结束", "ended"),
        State::Merged => (
            "已并入同一事项",
            "joined with another report of the same matter",
        ),
        State::Rejected => rejected(case),
    };
    match language {
        Language::Zh => zh,
        Language::En => en,
    }
    .to_owned()
}

fn rejected(case: &Case) -> (&'static str, &'static str) {
    let cause = case.progress.rejected_as.as_deref();
    match cause.and_then(RejectCause::from_name) {
        Some(RejectCause::Duplicate) => ("不予立案：重复反映", "no action: reported before"),
        Some(RejectCause::OutOfScope) => (
            "不予立案：不属于受理范围",
            "no action: not within our responsibility",
        ),
        Some(RejectCause::NotFound) => ("不予立案：现场未发现", "no action: not found on site"),
        Some(RejectCause::FalseAlarm | RejectCause::Test) | None => ("不予立案", "no action"),
    }
}

/// Where the door is, for programs.
#[must_use]
pub fn discovery(config: &crate::outside::config::Open311, base: &str, version: &str) -> Document {
    let formats = ["text/xml", "application/json"].map(str::to_owned).to_vec();
    let text = |text: &str| Field::Text(text.to_owned());
    let endpoint = vec![
        ("specification", text(SPECIFICATION)),
        ("url", Field::Text(format!("{base}/open311/v2"))),
        ("changeset", text(version)),
        ("type", text("production")),
        ("formats", Field::Texts("format", formats)),
    ];
    Document::One {
        root: "discovery",
        record: vec![
            ("changeset", text(version)),
            ("contact", text(&config.contact)),
            ("key_service", text(&config.key_service)),
            ("endpoints", Field::Records("endpoint", vec![endpoint])),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::sample::{START_MS, Shipped};
    use crate::cases::{Role, progress::Progress};
    use crate::outside::matter::{self, Matter, Source, Teller};
    use crate::outside::person::Person;
    use crate::outside::rows::Body;

    fn example(state: State) -> Request {
        let shipped = Shipped::load();
        let matter = Matter {
            category: "water_leak".into(),
            severity: gridwatch_protocol::Severity::P3,
            description: "my name is SECRET".into(),
            site: gridwatch_protocol::SiteId::new("xinghe-garden").unwrap(),
            place: gridwatch_protocol::Place::default(),
            point: Some(Point {
                lat: 23.02087,
                lon: 113.15214,
            }),
            address: Some("SECRET street 1".into()),
            media_url: Some("https://x/SECRET.jpg".into()),
            photos: vec![],
            reporter: Person::default(),
            source: Source::Open311,
            is_drill: false,
        };
        let teller = Teller {
            name: "open311:app".into(),
            display_name: "app".into(),
            role: None::<Role>,
        };
        let now = Timestamp::from_unix_ms(START_MS);
        let number = (1, "n".to_owned());
        let (mut case, _) = matter::open(&matter, &teller, number, &shipped.catalogue, now);
        case.state = state;
        case.progress = Progress {
            handler: Some("SECRET".into()),
            unit: Some("xinghe-property".into()),
            ..Progress::default()
        };
        let report = Report {
            id: "r1".into(),
            case: 1,
            current_case: 1,
            opened: true,
            source: "open311".into(),
            teller: "open311:app".into(),
            at: now,
            category: "water_leak".into(),
            point: matter.point,
            rating: None,
            request_hash: String::new(),
            body: Body {
                description: matter.description,
                site: matter.site,
                place: matter.place,
                address: matter.address,
                media_url: matter.media_url,
                photos: vec![],
                told_by: "SECRET".into(),
            },
        };
        Request { report, case }
    }

    fn shown(state: State, asker: Option<&str>) -> String {
        let shipped = Shipped::load();
        let names = (&shipped.directory, &shipped.catalogue);
        let record = request(&example(state), asker, names, Language::En);
        requests(vec![record]).xml()
    }

    #[test]
    fn public_reads_nothing_that_anybody_wrote_and_the_place_to_a_hundred_metres() {
        for state in State::ALL {
            for asker in [None, Some("another")] {
                let xml = shown(*state, asker);
                assert!(!xml.contains("SECRET"), "{state:?}: {xml}");
                assert!(
                    xml.contains("<lat>23.021</lat><long>113.152</long>"),
                    "{xml}"
                );
            }
        }
    }

    #[test]
    fn sender_gets_back_what_it_sent() {
        let xml = shown(State::Reported, Some("app"));
        assert!(
            xml.contains("<description>my name is SECRET</description>"),
            "{xml}"
        );
        assert!(xml.contains("<lat>23.02087</lat>"), "{xml}");
        assert_eq!(xml.matches("SECRET").count(), 3, "{xml}");
    }

    #[test]
    fn status_is_open_until_the_case_has_ended() {
        for state in State::ALL {
            let expected = if state.is_open() { "open" } else { "closed" };
            let xml = shown(*state, None);
            assert!(
                xml.contains(&format!("<status>{expected}</status>")),
                "{xml}"
            );
        }
    }
}
