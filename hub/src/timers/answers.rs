//! What happens to a case when a unit that was called or consulted does not answer. Pure.
//!
//! At half of its time the unit is reminded; then the step above is called: the leader of the unit's
//! area by its roster, and the unit of the same kind in the next wider area, which gets a call of its own
//! with the same right to see the case. At twice the time the unit gets a yellow card, which is its own:
//! the card of the case is held against the unit that has it.

use gridwatch_protocol::{Text, Timestamp};

use super::effects::{Effect, ToCall, who};
use crate::cases::steps::{call_ms, own_step};
use crate::cases::{Card, Case, Change, Details, State, TaskState, text};
use crate::clocks::answers::{AnswerStep, Asked, Question};
use crate::directory::{Directory, Unit};
use crate::roster::called;
use crate::roster::known::Office;

/// Who was asked and has not answered; nobody of a case that has ended.
pub(super) fn asked(case: &Case) -> Vec<Asked> {
    if !case.state.is_open() {
        return Vec::new();
    }
    let progress = &case.progress;
    let calls = progress
        .calls
        .iter()
        .filter(|call| call.answered_at.is_none())
        .map(|call| Asked {
            question: Question::Call(call.number),
            at: call.at,
            due: Some(call.due),
        });
    let consulting = case.state == State::Consulting;
    let tasks = (0..).zip(&progress.tasks);
    let tasks = tasks
        .filter(|(_, task)| consulting && task.state == TaskState::Asked)
        .map(|(place, task)| Asked {
            question: Question::Task(place),
            at: task.since,
            due: None,
        });
    calls.chain(tasks).collect()
}

/// Does what is due; nothing when the question is gone.
pub(super) fn apply(
    case: &mut Case,
    question: Question,
    step: AnswerStep,
    office: &Office<'_>,
    now: Timestamp,
) -> Option<Effect> {
    let (unit, call) = unit_of(case, question)?;
    case.touch(now, false);
    Some(match step {
        AnswerStep::Remind => remind(case, unit, call, office, now),
        AnswerStep::Escalate => escalate(case, unit, call, office, now),
        AnswerStep::Card => card(case, unit, call, office, now),
    })
}

/// The unit that was asked, and the number of its call.
fn unit_of(case: &Case, question: Question) -> Option<(String, Option<u32>)> {
    let progress = &case.progress;
    match question {
        Question::Call(number) => {
            let call = progress.calls.iter().find(|call| call.number == number)?;
            Some((call.unit.clone(), Some(number)))
        }
        Question::Task(place) => {
            let task = progress.tasks.get(usize::try_from(place).ok()?)?;
            Some((task.unit.clone(), None))
        }
    }
}

fn name(unit: &str, office: &Office<'_>) -> Text {
    let known = office.directory.unit(unit);
    known.map_or_else(|| text(unit, unit), |unit| unit.name.clone())
}

fn what(call: Option<u32>) -> (&'static str, &'static str) {
    match call {
        Some(_) => ("呼叫", "the call"),
        None => ("会商", "the consultation"),
    }
}

fn remind(
    case: &mut Case,
    unit: String,
    call: Option<u32>,
    office: &Office<'_>,
    now: Timestamp,
) -> Effect {
    let (name, (zh, en)) = (name(&unit, office), what(call));
    let note = text(
        format!("{} 尚未答复{zh}，时限已过半", name.zh),
        format!(
            "{} has not answered {en}; half of its time is used",
            name.en
        ),
    );
    let details = Details {
        unit: Some(unit.clone()),
        call,
        ..Details::default()
    };
    let row = own_step(case, "remind_answer", case.state, details, note, now);
    Effect {
        row,
        change: Change::Reminder,
        calls: vec![ToCall::Unit(unit)],
    }
}

fn escalate(
    case: &mut Case,
    unit: String,
    call: Option<u32>,
    office: &Office<'_>,
    now: Timestamp,
) -> Effect {
    let asked = name(&unit, office);
    let wider = wider_unit(office.directory, &unit).map(|wider| wider.code.clone());
    let waits = |code: &String| {
        let calls = case.progress.calls.iter();
        calls
            .clone()
            .any(|call| call.unit == *code && call.answered_at.is_none())
    };
    // A unit that has been called already has its own clock.
    let wider = wider.filter(|code| !waits(code));
    let area = office.directory.unit(&unit).map(|unit| unit.area.as_str());
    let leader = area.and_then(|area| called(3, &office.desks_of_area(area, now)));
    let mut to = Vec::new();
    if let Some(leader) = &leader {
        to.push(who(leader, office));
    }
    if let Some(code) = &wider {
        let name = name(code, office);
        to.push((name.zh, name.en));
    }
    let note = escalated(&asked, what(call), &to);
    let details = Details {
        due: wider.as_ref().map(|_| now.plus_ms(call_ms(case.severity))),
        unit: wider.clone(),
        call,
        called: leader.iter().map(|one| one.username.clone()).collect(),
        ..Details::default()
    };
    let row = own_step(case, "escalate_answer", case.state, details, note, now);
    let mut calls = vec![ToCall::Unit(unit)];
    calls.extend(wider.map(ToCall::Unit));
    calls.extend(leader.map(ToCall::Person));
    Effect {
        row,
        change: Change::Escalated,
        calls,
    }
}

fn escalated(asked: &Text, (zh, en): (&str, &str), to: &[(String, String)]) -> Text {
    if to.is_empty() {
        return text(
            format!("{} 未按时答复{zh}，没有可通知的上级", asked.zh),
            format!(
                "{} did not answer {en} in time; there is nobody above to call",
                asked.en
            ),
        );
    }
    let zh_names: Vec<&str> = to.iter().map(|(zh, _)| zh.as_str()).collect();
    let en_names: Vec<&str> = to.iter().map(|(_, en)| en.as_str()).collect();
    text(
        format!("{} 未按时答复{zh}，通知{}", asked.zh, zh_names.join("、")),
        format!(
            "{} did not answer {en} in time; goes to {}",
            asked.en,
            en_names.join(" and ")
        ),
    )
}

fn card(
    case: &mut Case,
    unit: String,
    call: Option<u32>,
    office: &Office<'_>,
    now: Timestamp,
) -> Effect {
    let (name, (zh, en)) = (name(&unit, office), what(call));
    let note = text(
        format!("{} 逾期两倍时限未答复{zh}，黄牌预警", name.zh),
        format!(
            "yellow card for {}: {en} is unanswered at twice its time",
            name.en
        ),
    );
    let details = Details {
        unit: Some(unit.clone()),
        call,
        card: Some(Card::Yellow),
        ..Details::default()
    };
    let row = own_step(case, "card_answer", case.state, details, note, now);
    Effect {
        row,
        change: Change::YellowCard,
        calls: vec![ToCall::Unit(unit)],
    }
}

/// The unit of the same kind in the next wider area that has one; none when two could be meant.
fn wider_unit<'a>(directory: &'a Directory, code: &str) -> Option<&'a Unit> {
    let unit = directory.unit(code)?;
    let path = directory.area_path(&unit.area);
    let above = path
        .split('/')
        .filter(|code| !code.is_empty())
        .rev()
        .skip(1);
    let of_area = |area: &str| {
        let units = directory.units().iter();
        let mut there = units.filter(|one| one.area == area && one.kind == unit.kind);
        there.next().map(|first| (first, there.next().is_some()))
    };
    let (found, another) = above.filter_map(of_area).next()?;
    (!another).then_some(found)
}
