//! The loop told as stories: what each rule is for, one test each.

use gridwatch_protocol::{Kind, Severity, Timestamp};

use super::actions::{self, Decided, Refusal};
use super::desk::{Desk, Known, Outcome, Rules};
use super::progress::evolve;
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
        let shipped = Shipped::new();
        let rules = Rules {
            catalogue: &shipped.catalogue,
            fire_group_ms: 10 * MINUTE,
            utc_offset_minutes: 480,
        };
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

#[test]
fn whole_way_is_nine_steps_and_the_officer_needs_three() {
    let mut story = Story::leak();
    let (duty, checker) = (duty(), person("li", Role::Checker));
    assert_eq!(
        story.go(&duty, Action::Acknowledge, none()),
        State::Reported
    );
    assert_eq!(
        story.go(&duty, Action::File, condition("alarm_stands")),
        State::Filed
    );
    assert_eq!(
        story.go(&duty, Action::Dispatch, unit(PROPERTY)),
        State::Dispatched
    );
    assert_eq!(story.go(&worker(), Action::Handle, none()), State::Handling);
    assert_eq!(
        story.go(&worker(), Action::Feedback, none()),
        State::Feedback
    );
    assert_eq!(story.go(&duty, Action::Check, none()), State::PostCheck);
    assert_eq!(
        story.missing(&duty, Action::Close, ticked("stopped")),
        ["check"]
    );
    assert_eq!(
        story.go(&checker, Action::Checked, yes(true)),
        State::PostCheck
    );
    assert_eq!(
        story.go(&duty, Action::Close, ticked("stopped")),
        State::Closed
    );
    let score = Details {
        score: Some(4),
        ..none()
    };
    assert_eq!(
        story.go(&person("wu", Role::Supervisor), Action::Evaluate, score),
        State::Evaluated
    );
    let noted = story.act(&duty, Action::Note, none());
    assert!(
        matches!(noted, Err(Refusal::WrongState { .. })),
        "an archived case is read-only"
    );
    assert_eq!(
        story.case.progress.filed_as.as_deref(),
        Some("alarm_stands")
    );
    assert_eq!(story.case.progress.closed_as, ["stopped"]);
}

#[test]
fn filing_acknowledges_and_dispatch_suggests_the_unit_whose_duty_it_is() {
    let mut story = Story::leak();
    story.go(&duty(), Action::File, condition("alarm_stands"));
    assert_eq!(story.case.acknowledged_by.as_deref(), Some("wang"));
    let context = story.shipped.context(&story.case, None, at(9_000));
    let allowed = actions::allowed(&story.case, &duty(), &context, at(9_000));
    let dispatch = allowed
        .iter()
        .find(|a| a.action == Action::Dispatch)
        .unwrap();
    assert_eq!(dispatch.blocked, None);
    assert_eq!(dispatch.fields[0].suggested.as_deref(), Some(PROPERTY));
}

#[test]
fn conditions_come_from_the_categorys_list() {
    let mut story = Story::leak();
    assert_eq!(story.missing(&duty(), Action::File, none()), ["condition"]);
    assert_eq!(
        story.missing(&duty(), Action::File, condition("because_i_say_so")),
        ["condition"]
    );
    assert_eq!(
        story.missing(&duty(), Action::Reject, condition("no_idea")),
        ["condition"]
    );
    let foreign = Details {
        score: Some(5),
        ..condition("alarm_stands")
    };
    assert_eq!(story.missing(&duty(), Action::File, foreign), ["score"]);
}

#[test]
fn urgent_cases_are_dispatched_with_their_filing_when_one_unit_owns_them() {
    let mut story = Story::new("kitchen", Kind::Smoke, Severity::P1);
    let decided = story
        .act(&duty(), Action::File, condition("alarm_stands"))
        .unwrap();
    let names: Vec<&str> = decided.rows.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(names, ["file", "dispatch"]);
    assert_eq!(decided.rows[1].actor, SYSTEM);
    assert_eq!(story.case.state, State::Dispatched);
    assert_eq!(story.case.progress.unit.as_deref(), Some(PROPERTY));
    assert!(story.case.progress.urgent);
}

#[test]
fn case_of_an_unknown_site_is_filed_and_waits_for_a_dispatcher() {
    let mut story = Story::new("kitchen", Kind::Smoke, Severity::P1);
    story.case.site = SiteId::new("nowhere").unwrap();
    assert_eq!(
        story.go(&duty(), Action::File, condition("alarm_stands")),
        State::Filed
    );
}

#[test]
fn who_has_handled_a_case_neither_checks_nor_closes_it() {
    let mut story = Story::new("pump", Kind::Battery, Severity::P4);
    let duty = duty();
    story.go(&duty, Action::File, condition("alarm_stands"));
    assert_eq!(
        story.go(&duty, Action::Settle, none()),
        State::Feedback,
        "handled at once by the office"
    );
    assert_eq!(
        story.missing(&duty, Action::Close, ticked("replaced")),
        ["handler"]
    );
    assert_eq!(story.missing(&duty, Action::Check, none()), ["handler"]);
    let other = person("li", Role::ShiftLeader);
    assert_eq!(
        story.go(&other, Action::Close, ticked("replaced")),
        State::Closed
    );
}

#[test]
fn only_what_is_simple_is_settled_by_the_office() {
    let mut story = Story::leak();
    story.go(&duty(), Action::File, condition("alarm_stands"));
    assert_eq!(story.missing(&duty(), Action::Settle, none()), ["mode"]);
    story.go(&duty(), Action::Dispatch, unit(PROPERTY));
    let told = story.go(&duty(), Action::Settle, none());
    assert_eq!(
        told,
        State::Feedback,
        "the unit has told its result by phone"
    );
}

#[test]
fn unit_acts_only_on_its_own_cases() {
    let mut story = Story::leak();
    story.go(&duty(), Action::File, condition("alarm_stands"));
    story.go(&duty(), Action::Dispatch, unit(PROPERTY));
    let stranger = of_unit("x", Role::Handler, GRID);
    assert_eq!(story.missing(&stranger, Action::Handle, none()), ["unit"]);
    let nobody = person("y", Role::Handler);
    assert_eq!(story.missing(&nobody, Action::Handle, none()), ["unit"]);
    let named = Details {
        handler: Some("zhao".into()),
        ..none()
    };
    story.go(&chief(), Action::Handle, named);
    let colleague = of_unit("zhou", Role::Handler, PROPERTY);
    assert_eq!(
        story.missing(&colleague, Action::Feedback, none()),
        ["handler"]
    );
    assert_eq!(
        story.go(&worker(), Action::Feedback, none()),
        State::Feedback
    );
}

#[test]
fn evidence_is_asked_for_and_its_hash_is_kept() {
    let mut story = Story::new("underpass", Kind::WaterLevel, Severity::P2);
    story.go(
        &duty(),
        Action::File,
        Details {
            mode: Some(Mode::Study),
            ..condition("seen_on_site")
        },
    );
    story.go(&duty(), Action::Dispatch, unit("donghu-drainage"));
    let pump = of_unit("pump", Role::Handler, "donghu-drainage");
    story.go(&pump, Action::Handle, none());
    assert_eq!(story.missing(&pump, Action::Feedback, none()), ["evidence"]);
    let mut bad = photo();
    bad.sha256 = "xyz".into();
    let bad = Details {
        evidence: vec![bad],
        ..none()
    };
    assert_eq!(story.missing(&pump, Action::Feedback, bad), ["evidence"]);
    let good = Details {
        evidence: vec![photo()],
        ..none()
    };
    let decided = story.act(&pump, Action::Feedback, good).unwrap();
    let hash = decided.rows[0].evidence_hash.as_deref().unwrap();
    assert_eq!(Some(hash.to_owned()), actions::evidence_hash(&[photo()]));
    assert_eq!(hash.len(), 64);
}

#[test]
fn condition_that_wants_quiet_sensors_cannot_be_ticked_before() {
    let mut story = Story::new("underpass", Kind::WaterLevel, Severity::P2);
    let duty = duty();
    story.go(
        &duty,
        Action::File,
        Details {
            mode: Some(Mode::Immediate),
            ..condition("seen_on_site")
        },
    );
    let evidence = Details {
        evidence: vec![photo()],
        ..none()
    };
    story.go(&duty, Action::Settle, evidence);
    let li = person("li", Role::ShiftLeader);
    assert_eq!(
        story.missing(&li, Action::Close, ticked("water_gone")),
        ["alerts"]
    );
    story.case.alerts_active = 0;
    assert_eq!(
        story.go(&li, Action::Close, ticked("water_gone")),
        State::Closed
    );
}

#[test]
fn cleared_alarm_shortens_the_check_and_closes_nothing() {
    let mut story = Story::leak();
    story.handled();
    story.case.alerts_active = 0;
    story.go(&worker(), Action::Feedback, none());
    assert_eq!(
        story.missing(&duty(), Action::Close, ticked("stopped")),
        ["check"]
    );
    story.go(&duty(), Action::Check, none());
    assert_eq!(
        story.go(&duty(), Action::Close, ticked("stopped")),
        State::Closed
    );
}

#[test]
fn work_that_was_not_good_enough_goes_back_to_its_unit() {
    let mut story = Story::leak();
    story.handled();
    story.go(&worker(), Action::Feedback, none());
    story.go(&duty(), Action::Check, none());
    story.go(&person("li", Role::Checker), Action::Checked, yes(false));
    assert_eq!(
        story.missing(&duty(), Action::Close, ticked("stopped")),
        ["check"]
    );
    assert_eq!(story.go(&duty(), Action::Rework, none()), State::Returned);
    assert_eq!(story.case.progress.reworks, 1);
    assert_eq!(story.go(&worker(), Action::Handle, none()), State::Handling);
}

#[test]
fn second_time_that_a_unit_sends_it_back_leads_to_a_consultation() {
    let mut story = Story::leak();
    let (duty, sl) = (duty(), person("li", Role::ShiftLeader));
    story.go(&duty, Action::File, condition("alarm_stands"));
    story.go(&duty, Action::Dispatch, unit(PROPERTY));
    assert_eq!(
        story.go(&chief(), Action::SendBack, none()),
        State::Returned
    );
    assert_eq!(
        story.missing(&duty, Action::Dispatch, unit(PROPERTY)),
        ["unit"]
    );
    assert!(matches!(
        story.act(&worker(), Action::Handle, none()),
        Err(Refusal::Incomplete { .. })
    ));
    story.go(&duty, Action::Dispatch, unit(GRID));
    let grid = of_unit("g", Role::Unit, GRID);
    assert_eq!(story.go(&grid, Action::SendBack, none()), State::Consulting);
    assert_eq!(story.missing(&duty, Action::Dispatch, unit(GRID)), ["lead"]);
    story.go(&sl, Action::Consult, consult(STREET, &[STREET, GRID]));
    let street = of_unit("s", Role::Unit, STREET);
    story.go(&street, Action::Answer, yes(true));
    assert_eq!(
        story.missing(&sl, Action::Dispatch, unit(GRID)),
        ["unit"],
        "it goes to the one that leads"
    );
    assert_eq!(
        story.go(&sl, Action::Dispatch, unit(STREET)),
        State::Dispatched
    );
}

#[test]
fn consultation_gives_each_unit_its_own_part() {
    let mut story = Story::leak();
    let sl = person("li", Role::ShiftLeader);
    story.go(
        &duty(),
        Action::File,
        Details {
            mode: Some(Mode::Consult),
            ..condition("alarm_stands")
        },
    );
    assert_eq!(
        story.missing(&duty(), Action::Dispatch, unit(PROPERTY)),
        ["consultation"]
    );
    assert_eq!(
        story.missing(&sl, Action::Consult, consult(PROPERTY, &[PROPERTY])),
        ["units"]
    );
    assert_eq!(
        story.missing(&sl, Action::Consult, consult(STREET, &[PROPERTY, GRID])),
        ["unit"]
    );
    story.go(
        &sl,
        Action::Consult,
        consult(PROPERTY, &[PROPERTY, GRID, STREET]),
    );
    let (grid, street) = (
        of_unit("g", Role::Unit, GRID),
        of_unit("s", Role::Unit, STREET),
    );
    story.go(&chief(), Action::Answer, yes(true));
    story.go(&grid, Action::Answer, yes(true));
    story.go(&street, Action::Answer, yes(false));
    story.go(&sl, Action::Dispatch, unit(PROPERTY));
    story.go(&worker(), Action::Handle, none());
    assert_eq!(
        story.missing(&worker(), Action::Feedback, none()),
        ["tasks"]
    );
    assert_eq!(story.missing(&street, Action::FinishTask, none()), ["task"]);
    assert_eq!(
        story.missing(&chief(), Action::FinishTask, none()),
        ["task"],
        "the lead feeds back"
    );
    story.go(&grid, Action::FinishTask, none());
    let states: Vec<TaskState> = story
        .case
        .progress
        .tasks
        .iter()
        .map(|task| task.state)
        .collect();
    assert_eq!(
        states,
        [TaskState::Accepted, TaskState::Done, TaskState::Declined]
    );
    assert_eq!(
        story.go(&worker(), Action::Feedback, none()),
        State::Feedback
    );
}

#[test]
fn lead_that_declines_must_be_replaced() {
    let mut story = Story::leak();
    let sl = person("li", Role::ShiftLeader);
    story.go(&duty(), Action::File, condition("alarm_stands"));
    story.go(&sl, Action::Consult, consult(PROPERTY, &[PROPERTY, GRID]));
    story.go(&chief(), Action::Answer, yes(false));
    assert_eq!(
        story.missing(&sl, Action::Dispatch, unit(PROPERTY)),
        ["lead"]
    );
    story.go(&sl, Action::Consult, consult(GRID, &[PROPERTY, GRID]));
    assert_eq!(
        story.go(&sl, Action::Dispatch, unit(GRID)),
        State::Dispatched
    );
}

#[test]
fn high_level_of_response_must_be_consulted_on() {
    let mut story = Story::leak();
    story.go(&duty(), Action::File, condition("alarm_stands"));
    let level = Details {
        level: Some(Level::II),
        ..none()
    };
    story.go(&dispatcher(), Action::SetLevel, level);
    assert_eq!(
        story.missing(&dispatcher(), Action::Dispatch, unit(PROPERTY)),
        ["consultation"]
    );
}

#[test]
fn suspended_once_with_leave_and_resumed_by_itself_with_the_time_that_was_left() {
    let mut story = Story::leak();
    story.handled();
    let due = story.case.progress.due_at.unwrap();
    let until = |ms| Details {
        until: Some(at(ms)),
        ..none()
    };
    assert_eq!(
        story.missing(&worker(), Action::AskSuspension, until(0)),
        ["until"]
    );
    assert_eq!(
        story.missing(&worker(), Action::AskSuspension, until(400 * DAY)),
        ["until"]
    );
    story.go(&worker(), Action::AskSuspension, until(2 * DAY));
    assert!(matches!(
        story.act(&worker(), Action::Decide, yes(true)),
        Err(Refusal::NotAllowed { .. })
    ));
    assert_eq!(
        story.go(&dispatcher(), Action::Decide, yes(true)),
        State::Suspended
    );
    let suspended = story.now;
    assert_eq!(timers::next(&story.case), Some(at(2 * DAY)));
    assert_eq!(timers::fire(&mut story.case, at(2 * DAY - 1)), None);
    let (row, _) = timers::fire(&mut story.case, at(2 * DAY)).unwrap();
    story.rows.push(row);
    assert_eq!(
        timers::fire(&mut story.case, at(2 * DAY)),
        None,
        "fires once"
    );
    assert_eq!(story.case.state, State::Handling);
    let left = due.plus_ms(2 * DAY - suspended);
    assert_eq!(story.case.progress.due_at, Some(left));
    story.now = 2 * DAY;
    assert_eq!(
        story.missing(&worker(), Action::AskSuspension, until(3 * DAY)),
        ["suspended"]
    );
}

#[test]
fn urgent_cases_are_never_suspended() {
    let mut story = Story::new("underpass", Kind::WaterLeak, Severity::P2);
    story.handled();
    let until = Details {
        until: Some(at(2 * DAY)),
        ..none()
    };
    assert_eq!(
        story.missing(&worker(), Action::AskSuspension, until),
        ["severity"]
    );
}

#[test]
fn extended_twice_at_most_before_it_is_due_and_refusals_do_not_count() {
    let mut story = Story::leak();
    story.handled();
    let due = story.case.progress.due_at.unwrap();
    story.go(&chief(), Action::AskExtension, none());
    assert_eq!(
        story.missing(&chief(), Action::AskExtension, none()),
        ["ask"]
    );
    story.go(&dispatcher(), Action::Decide, yes(false));
    assert_eq!(
        (story.case.progress.extended, story.case.progress.due_at),
        (0, Some(due))
    );
    for count in 1..=2 {
        story.go(&chief(), Action::AskExtension, none());
        story.go(&dispatcher(), Action::Decide, yes(true));
        assert_eq!(story.case.progress.extended, count);
    }
    assert_eq!(story.case.progress.due_at, Some(due.plus_ms(2 * HOUR)));
    assert_eq!(
        story.missing(&chief(), Action::AskExtension, none()),
        ["extended"]
    );
    let mut late = Story::leak();
    late.handled();
    late.now = 2 * HOUR;
    assert_eq!(
        late.missing(&chief(), Action::AskExtension, none()),
        ["due"]
    );
}

#[test]
fn p1_is_ended_by_two_persons_one_of_them_a_senior() {
    let mut story = Story::new("kitchen", Kind::Smoke, Severity::P1);
    let (wang, zhang) = (duty(), person("zhang", Role::DutyOfficer));
    story.go(&wang, Action::Reject, condition("false_alarm"));
    assert_eq!(story.case.state, State::Reported);
    for who in [&wang, &zhang] {
        let refused = story.act(who, Action::Reject, none());
        assert!(
            matches!(refused, Err(Refusal::SecondPersonNeeded { .. })),
            "{refused:?}"
        );
    }
    let li = person("li", Role::ShiftLeader);
    assert_eq!(
        story.go(&li, Action::Reject, none()),
        State::Rejected,
        "the cause is the first one's"
    );
    assert_eq!(
        story.case.progress.rejected_as.as_deref(),
        Some("false_alarm")
    );
}

#[test]
fn closing_by_force_takes_a_leader_and_a_second_person() {
    let mut story = Story::leak();
    story.handled();
    let (leader, li) = (
        person("boss", Role::Leader),
        person("li", Role::ShiftLeader),
    );
    assert!(matches!(
        story.act(&li, Action::ForceClose, none()),
        Err(Refusal::NotAllowed { .. })
    ));
    assert_eq!(
        story.go(&leader, Action::ForceClose, none()),
        State::Handling
    );
    assert!(matches!(
        story.act(&leader, Action::ForceClose, none()),
        Err(Refusal::SecondPersonNeeded { .. })
    ));
    assert_eq!(
        story.go(&li, Action::ForceClose, none()),
        State::ForcedClosed
    );
    assert!(story.case.ended_at.is_some());
}

fn closed() -> Story {
    let mut story = Story::leak();
    story.handled();
    story.case.alerts_active = 0;
    story.go(&worker(), Action::Feedback, none());
    story.go(&duty(), Action::Check, none());
    story.go(&duty(), Action::Close, ticked("stopped"));
    story
}

#[test]
fn closed_case_is_opened_again_within_three_days() {
    let mut story = closed();
    story.now += 3 * DAY;
    assert_eq!(story.missing(&duty(), Action::Reopen, none()), ["reopen"]);
    let mut story = closed();
    story.now += 3 * DAY - HOUR;
    assert_eq!(story.go(&duty(), Action::Reopen, none()), State::Reported);
    assert_eq!(story.case.progress.reopened, 1);
    assert_eq!(
        (story.case.ended_at, story.case.progress.unit.clone()),
        (None, None)
    );
    assert!(
        story.case.progress.handlers.contains(&"zhao".to_owned()),
        "he still may not close it"
    );
}

#[test]
fn appeal_is_made_once_and_takes_two_reviews_by_two_people() {
    let mut story = closed();
    let (wu, boss) = (person("wu", Role::Supervisor), person("boss", Role::Leader));
    story.go(&chief(), Action::Appeal, none());
    assert_eq!(story.missing(&chief(), Action::Appeal, none()), ["appeal"]);
    assert_eq!(
        timers::next(&story.case),
        None,
        "an appeal holds the archiving back"
    );
    story.go(&wu, Action::Review, yes(true));
    assert_eq!(
        story.missing(&wu, Action::Review, yes(true)),
        ["second_person"]
    );
    let score = Details {
        score: Some(3),
        ..none()
    };
    assert_eq!(
        story.missing(&wu, Action::Evaluate, score.clone()),
        ["appeal"]
    );
    story.go(&boss, Action::Review, yes(false));
    assert_eq!(
        story.case.progress.appeal.as_ref().unwrap().succeeded(),
        Some(false)
    );
    assert_eq!(story.go(&wu, Action::Evaluate, score), State::Evaluated);
}

#[test]
fn closed_case_is_archived_after_a_week() {
    let mut story = closed();
    let due = timers::next(&story.case).unwrap();
    assert_eq!(due, story.case.ended_at.unwrap().plus_ms(7 * DAY));
    timers::fire(&mut story.case, due).unwrap();
    assert_eq!(story.case.state, State::Evaluated);
    assert_eq!(timers::next(&story.case), None);
}

#[test]
fn whistle_calls_units_above_and_waits_for_their_answer() {
    let mut story = Story::leak();
    story.handled();
    assert_eq!(
        story.missing(&chief(), Action::CallUp, unit(GRID)),
        ["unit"],
        "not above"
    );
    story.go(&chief(), Action::CallUp, unit(STREET));
    let call = story.case.progress.calls[0].clone();
    assert_eq!((call.number, call.unit.as_str()), (1, STREET));
    assert!(call.due > call.at);
    story.case.alerts_active = 0;
    story.go(&worker(), Action::Feedback, none());
    story.go(&duty(), Action::Check, none());
    assert_eq!(
        story.missing(&duty(), Action::Close, ticked("stopped")),
        ["call"]
    );
    let number = Details {
        call: Some(1),
        ..none()
    };
    assert_eq!(
        story.missing(&chief(), Action::AnswerCall, number.clone()),
        ["call", "call"]
    );
    story.go(
        &of_unit("s", Role::Unit, STREET),
        Action::AnswerCall,
        number,
    );
    assert_eq!(
        story.go(&duty(), Action::Close, ticked("stopped")),
        State::Closed
    );
}

#[test]
fn card_is_taken_back_by_who_gave_it_or_by_a_leader() {
    let mut story = Story::leak();
    let card = |card| Details {
        card: Some(card),
        ..none()
    };
    let (wu, he) = (
        person("wu", Role::Supervisor),
        person("he", Role::Supervisor),
    );
    assert_eq!(
        story.missing(&wu, Action::SetCard, card(Card::None)),
        ["card"]
    );
    story.go(&wu, Action::SetCard, card(Card::Yellow));
    assert_eq!(
        story.missing(&he, Action::SetCard, card(Card::None)),
        ["card"]
    );
    story.go(
        &person("boss", Role::Leader),
        Action::SetCard,
        card(Card::None),
    );
    assert_eq!(
        (
            story.case.progress.card,
            story.case.progress.card_by.as_deref()
        ),
        (Card::None, None)
    );
}

#[test]
fn merged_case_leaves_its_alerts_with_the_other_one_and_takes_them_back() {
    let mut story = Story::leak();
    let mut master = Story::new("kitchen", Kind::WaterLeak, Severity::P4).case;
    master.id = 2;
    let into = Details {
        case: Some(2),
        ..none()
    };
    assert_eq!(
        story.missing(&duty(), Action::Merge, into.clone()),
        ["case"],
        "there is none"
    );
    let mut drill = master.clone();
    drill.is_drill = true;
    for (other, fits) in [(&drill, false), (&master, true)] {
        let request = actions::Request {
            action: Action::Merge,
            reason: Some("same leak".into()),
            details: into.clone(),
            version: story.case.version,
        };
        let context = story.shipped.context(&story.case, Some(other), at(2_000));
        let decided = actions::apply(&mut story.case, &request, &duty(), &context, at(2_000));
        assert_eq!(decided.is_ok(), fits, "{decided:?}");
    }
    merge::take_in(&mut master, &mut story.case, at(2_000));
    assert_eq!(story.case.state, State::Merged);
    assert_eq!(
        (
            story.case.alert_count,
            master.alert_count,
            master.alerts_active
        ),
        (0, 2, 2)
    );
    assert_eq!(
        (master.severity, master.devices.len()),
        (Severity::P3, 2),
        "no urgency is lost"
    );
    let undo = actions::Request {
        action: Action::UndoMerge,
        reason: Some("two leaks".into()),
        details: none(),
        version: story.case.version,
    };
    let copy = master.clone();
    let context = story.shipped.context(&story.case, Some(&copy), at(3_000));
    actions::apply(&mut story.case, &undo, &duty(), &context, at(3_000)).unwrap();
    let moving = merge::Counts {
        alerts: 1,
        active: 0,
    };
    merge::give_back(&mut master, &mut story.case, moving, at(3_000));
    assert_eq!(
        (story.case.state, story.case.ended_at),
        (State::Reported, None)
    );
    assert_eq!(
        (
            story.case.alert_count,
            master.alert_count,
            master.alerts_active
        ),
        (1, 1, 2)
    );
    assert!(master.progress.took_in.is_empty());
}

#[test]
fn drill_travels_the_whole_path_as_a_drill() {
    let mut story = Story::leak();
    story.case.is_drill = true;
    story.handled();
    story.go(&worker(), Action::Feedback, none());
    story.go(&duty(), Action::Check, none());
    story.go(&person("li", Role::Checker), Action::Checked, yes(true));
    assert_eq!(
        story.go(&duty(), Action::Close, ticked("stopped")),
        State::Closed
    );
    assert!(story.case.is_drill);
}

#[test]
fn row_of_an_older_hub_reads_as_acknowledged_and_reported() {
    let old = r#"{"seq":2,"at":"2026-11-22T03:00:01.000Z","actor":"wang","actor_name":"Wang","action":"acknowledge","from":"reported","to":"acknowledged","reason":null}"#;
    let row: Transition = serde_json::from_str(old).unwrap();
    let mut case = Story::leak().case;
    evolve(&mut case, &row);
    assert_eq!(
        (case.state, case.acknowledged_by.as_deref()),
        (State::Reported, Some("wang"))
    );
}

#[test]
fn more_urgent_alert_makes_the_officer_look_again_and_not_the_unit() {
    let shipped = Shipped::new();
    let rules = Rules {
        catalogue: &shipped.catalogue,
        fire_group_ms: 10 * MINUTE,
        utc_offset_minutes: 480,
    };
    let mut desk = Desk::new(
        rules,
        Known {
            next_case: 1,
            ..Known::default()
        },
    );
    let mut mild = alert(1, "cellar", Kind::WaterLeak);
    mild.severity = Severity::P3;
    desk.receive(&arrival(mild.clone()), None, at(0));
    let case = desk.known.cases.get_mut(&1).unwrap();
    shipped
        .act(
            case,
            Action::File,
            &duty(),
            condition("alarm_stands"),
            at(1),
        )
        .unwrap();
    let mut worse = next(&mild, gridwatch_protocol::Phase::Updated);
    worse.severity = Severity::P1;
    desk.receive(&arrival(worse), None, at(2));
    let case = &desk.known.cases[&1];
    assert_eq!((case.state, case.severity), (State::Filed, Severity::P1));
    assert!(case.acknowledged_at.is_some(), "what was filed stays so");
}
