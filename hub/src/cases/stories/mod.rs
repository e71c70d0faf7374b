//! The loop told as stories: what each rule is for, one test each.

mod ends;
mod office;
mod units;

use gridwatch_protocol::{Kind, Severity, Timestamp};

use super::actions::{self, Decided, Refusal};
use super::desk::{Desk, Known, Outcome};
use super::evolve::evolve;
use super::sample::{START_MS, Shipped, alert, arrival, next, of_unit, person};
use super::*;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(START_MS + ms)
}

/// A case and what has happened to it.
struct Story {
    shipped: Shipped,
    case: Case,
    rows: Vec<Transition>,
    now: i64,
}

impl Story {
    fn new(device: &str, kind: Kind, severity: Severity) -> Self {
        let shipped = Shipped::load();
        let rules = shipped.rules();
        let known = Known {
            next_case: 1,
            ..Known::default()
        };
        let mut desk = Desk::new(rules, known);
        let mut raised = alert(1, device, kind);
        raised.severity = severity;
        assert_eq!(
            desk.receive(&arrival(raised), None, at(0)),
            Outcome::Accepted(1)
        );
        let case = desk.known.cases.remove(&1).unwrap();
        let rows = desk
            .changes
            .transitions
            .into_iter()
            .map(|(_, row)| row)
            .collect();
        Self {
            shipped,
            case,
            rows,
            now: 1_000,
        }
    }

    /// A P3 case that goes the whole way.
    fn leak() -> Self {
        Self::new("cellar", Kind::WaterLeak, Severity::P3)
    }

    fn act(&mut self, who: &Actor, action: Action, details: Details) -> Result<Decided, Refusal> {
        self.now += 1_000;
        let decided = self
            .shipped
            .act(&mut self.case, action, who, details, at(self.now))?;
        self.rows.extend(decided.rows.clone());
        Ok(decided)
    }

    fn go(&mut self, who: &Actor, action: Action, details: Details) -> State {
        self.act(who, action, details)
            .unwrap_or_else(|refusal| panic!("{} by {}: {refusal}", action.as_str(), who.username));
        self.case.state
    }

    /// The codes of what is missing.
    fn missing(&mut self, who: &Actor, action: Action, details: Details) -> Vec<String> {
        let before = self.case.clone();
        let refused = self.act(who, action, details);
        assert_eq!(self.case, before, "a refused action changes nothing");
        match refused {
            Err(Refusal::Incomplete { missing, .. }) => {
                missing.into_iter().map(|l| l.code).collect()
            }
            other => panic!("{}: {other:?}", action.as_str()),
        }
    }

    /// Up to a unit that has begun.
    fn handled(&mut self) {
        let (duty, worker) = (duty(), worker());
        self.go(&duty, Action::File, condition("alarm_stands"));
        self.go(&duty, Action::Dispatch, unit(PROPERTY));
        self.go(&worker, Action::Handle, none());
    }
}

const PROPERTY: &str = "xinghe-property";
const GRID: &str = "xinghe-grid";
const STREET: &str = "xinghe-street-office";

fn duty() -> Actor {
    person("wang", Role::DutyOfficer)
}
fn worker() -> Actor {
    of_unit("zhao", Role::Handler, PROPERTY)
}
fn chief() -> Actor {
    of_unit("qian", Role::Unit, PROPERTY)
}
fn dispatcher() -> Actor {
    person("sun", Role::Dispatcher)
}
fn none() -> Details {
    Details::default()
}
fn condition(code: &str) -> Details {
    Details {
        condition: Some(code.into()),
        ..none()
    }
}
fn ticked(code: &str) -> Details {
    Details {
        conditions: vec![code.into()],
        ..none()
    }
}
fn unit(code: &str) -> Details {
    Details {
        unit: Some(code.into()),
        ..none()
    }
}
fn yes(yes: bool) -> Details {
    Details {
        yes: Some(yes),
        ..none()
    }
}
fn consult(lead: &str, units: &[&str]) -> Details {
    Details {
        unit: Some(lead.into()),
        units: units.iter().map(|&u| u.to_owned()).collect(),
        ..none()
    }
}
fn photo() -> progress::Evidence {
    progress::Evidence {
        kind: EvidenceKind::Photo,
        sha256: "ab".repeat(32),
        name: "street.jpg".into(),
        at: at(0),
        place: None,
    }
}
