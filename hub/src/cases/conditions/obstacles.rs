//! What stands in the way of an action whatever a request brings. Pure.

use gridwatch_protocol::{Severity, Timestamp};

use super::ended::{evaluate, part, reopen, review};
use super::{CALLS_MAX, Context, EXTENSIONS_MAX, Lack, lack};
use crate::cases::progress::{AskFor, Call};
use crate::cases::{Action, Actor, Case, Level, Mode, Role, State, TaskState};

/// What stands in the way of an action whatever the request brings.
#[must_use]
pub fn obstacles(
    case: &Case,
    action: Action,
    actor: &Actor,
    context: &Context<'_>,
    now: Timestamp,
) -> Vec<Lack> {
    let mut lacks = Vec::new();
    let progress = &case.progress;
    if speaks_for_its_unit(action) {
        own_unit(case, action, actor, &mut lacks);
    }
    let worked = progress.handlers.contains(&actor.username);
    if worked
        && matches!(
            action,
            Action::Check | Action::Checked | Action::Close | Action::Evaluate
        )
    {
        lacks.push(lack(
            "handler",
            "处置人员不得核查、结案或评价自己处置的事件",
            "who has handled the case neither checks, closes nor scores it",
        ));
    }
    match action {
        Action::Acknowledge if case.acknowledged_at.is_some() => lacks.push(lack(
            "acknowledged",
            "已经确认",
            "it is acknowledged already",
        )),
        Action::Dispatch => dispatch(case, context, &mut lacks),
        Action::Handle if case.state == State::Returned => rework_goes_on(case, &mut lacks),
        Action::Feedback => unfinished_tasks(case, &mut lacks),
        Action::Settle if case.state == State::Filed && !settles(context.mode(case)) => {
            lacks.push(lack(
                "mode",
                "只有立即办、移交办的事件可不经派遣就地办结",
                "only what is handled immediately or transferred is settled without a unit",
            ));
        }
        Action::Settle => unfinished_tasks(case, &mut lacks),
        Action::Contain => contain(case, context, &mut lacks),
        Action::Close => close(case, context, &mut lacks),
        Action::Answer | Action::FinishTask => task(case, action, actor, &mut lacks),
        Action::AskExtension | Action::AskSuspension => ask(case, action, context, now, &mut lacks),
        Action::Decide => decide(case, now, &mut lacks),
        Action::Reopen => reopen(case, now, &mut lacks),
        Action::UndoMerge => part(context, &mut lacks),
        Action::Appeal if progress.appeal.is_some() => {
            lacks.push(lack(
                "appeal",
                "只能申诉一次",
                "there is one appeal and it was made",
            ));
        }
        Action::Review => review(case, actor, &mut lacks),
        Action::Evaluate => evaluate(case, &mut lacks),
        Action::SetCard => {
            let others = progress
                .card_by
                .as_deref()
                .is_some_and(|by| by != actor.username);
            if others && actor.role != Role::Leader {
                lacks.push(lack(
                    "card",
                    "只有发牌人或领导可以变更督办牌",
                    "only who gave the card or a leader changes it",
                ));
            }
        }
        Action::AnswerCall => {
            let open = |call: &&Call| {
                call.answered_at.is_none() && Some(&call.unit) == actor.unit.as_ref()
            };
            if !progress.calls.iter().any(|call| open(&call)) {
                lacks.push(lack(
                    "call",
                    "没有对本部门的未答呼叫",
                    "no call for this unit waits for an answer",
                ));
            }
        }
        Action::CallUp if progress.calls.len() >= CALLS_MAX => {
            lacks.push(lack(
                "calls",
                "呼叫次数已满",
                "there are too many calls already",
            ));
        }
        _ => {}
    }
    lacks
}

/// Whether the office may settle a case that is handled in this way.
pub(in crate::cases) fn settles(mode: Option<Mode>) -> bool {
    matches!(mode, Some(Mode::Immediate | Mode::Transfer))
}

/// Actions that a unit does to a case that it has.
fn speaks_for_its_unit(action: Action) -> bool {
    matches!(
        action,
        Action::Handle
            | Action::Feedback
            | Action::SendBack
            | Action::Contain
            | Action::AskExtension
            | Action::AskSuspension
            | Action::Appeal
    )
}

fn own_unit(case: &Case, action: Action, actor: &Actor, lacks: &mut Vec<Lack>) {
    let own = actor.unit.is_some() && actor.unit == case.progress.unit;
    if !own {
        let holder = case.progress.unit.as_deref().unwrap_or("—");
        lacks.push(lack(
            "unit",
            format!("事件不在本部门（现由 {holder} 处置）"),
            format!("the case is not with your unit (it is with {holder})"),
        ));
    }
    let named = case.progress.handler.as_deref();
    if action == Action::Feedback
        && actor.role == Role::Handler
        && named.is_some_and(|name| name != actor.username)
    {
        lacks.push(lack(
            "handler",
            "处置人员是另一位",
            "somebody else of the unit handles it",
        ));
    }
}

fn dispatch(case: &Case, context: &Context<'_>, lacks: &mut Vec<Lack>) {
    let must_consult = context.mode(case) == Some(Mode::Consult)
        || matches!(case.progress.level, Some(Level::I | Level::II));
    match case.state {
        State::Filed if must_consult => lacks.push(lack(
            "consultation",
            "须先会商再派遣",
            "it must be consulted on before it is dispatched",
        )),
        State::Consulting => match case.progress.lead() {
            None => lacks.push(lack(
                "lead",
                "须先确定会商部门和牵头部门",
                "units and the one that leads must be named first",
            )),
            Some(lead) if lead.state == TaskState::Declined => lacks.push(lack(
                "lead",
                "牵头部门已谢绝，须另定牵头部门",
                "the leading unit has declined; name another one",
            )),
            Some(_) => {}
        },
        _ => {}
    }
}

fn contain(case: &Case, context: &Context<'_>, lacks: &mut Vec<Lack>) {
    if !contains(case, context) {
        lacks.push(lack(
            "contain",
            "该类别没有止险时限",
            "cases of this category have no limit for stopping the hazard",
        ));
    } else if case.progress.contained_at.is_some() {
        lacks.push(lack(
            "contained",
            "险情已控制",
            "the hazard is stopped already",
        ));
    }
}

/// Whether stopping the hazard has a limit of its own.
pub(in crate::cases) fn contains(case: &Case, context: &Context<'_>) -> bool {
    let limits = context.catalogue.limits.of(&case.category, case.severity);
    limits.contain.is_some()
}

fn rework_goes_on(case: &Case, lacks: &mut Vec<Lack>) {
    let rework = matches!(
        case.progress.returned_from,
        Some(State::Feedback | State::PostCheck)
    );
    if !rework {
        lacks.push(lack(
            "dispatch",
            "部门退回的事件须重新派遣",
            "what a unit has sent back must be dispatched anew",
        ));
    }
}

fn unfinished_tasks(case: &Case, lacks: &mut Vec<Lack>) {
    let open = |state| matches!(state, TaskState::Asked | TaskState::Accepted);
    let waiting: Vec<&str> = case
        .progress
        .tasks
        .iter()
        .filter(|task| !task.leads && open(task.state))
        .map(|task| task.unit.as_str())
        .collect();
    if !waiting.is_empty() {
        let units = waiting.join("、");
        lacks.push(lack(
            "tasks",
            format!("子任务未完成：{units}"),
            format!(
                "these units have not done their part: {}",
                waiting.join(", ")
            ),
        ));
    }
}

fn close(case: &Case, context: &Context<'_>, lacks: &mut Vec<Lack>) {
    let progress = &case.progress;
    let short = settles(context.mode(case));
    // An alarm that has cleared shortens the check, it never closes the case.
    let cleared = case.alerts_active == 0;
    match (&progress.check, case.state) {
        (Some(check), State::PostCheck) if !check.agrees => lacks.push(lack(
            "check",
            "核查未通过，须返工",
            "the check did not agree; it must be worked on again",
        )),
        (None, State::PostCheck) if !cleared && !short => lacks.push(lack(
            "check",
            "尚无核查结果",
            "nobody has checked the result yet",
        )),
        (_, State::Feedback) if !short => lacks.push(lack(
            "check",
            "须先核查",
            "the result must be checked first",
        )),
        _ => {}
    }
    let mut waiting = progress.calls.iter().rev();
    if let Some(call) = waiting.find(|call| call.answered_at.is_none()) {
        lacks.push(lack(
            "call",
            format!("呼叫 {} 尚未应答", call.unit),
            format!("the call for {} has not been answered", call.unit),
        ));
    }
}

fn task(case: &Case, action: Action, actor: &Actor, lacks: &mut Vec<Lack>) {
    let own = case
        .progress
        .tasks
        .iter()
        .find(|task| Some(&task.unit) == actor.unit.as_ref());
    let problem = match own {
        None => Some(("会商不涉及本部门", "your unit has no part in this")),
        Some(task) if action == Action::FinishTask && task.leads => Some((
            "牵头部门以反馈完成",
            "the leading unit finishes with its feedback",
        )),
        Some(task) if action == Action::FinishTask && task.state != TaskState::Accepted => Some((
            "子任务未受领或已完成",
            "your part is not taken, or is done already",
        )),
        Some(_) => None,
    };
    if let Some((zh, en)) = problem {
        lacks.push(lack("task", zh, en));
    }
}

fn ask(case: &Case, action: Action, context: &Context<'_>, now: Timestamp, lacks: &mut Vec<Lack>) {
    let progress = &case.progress;
    if progress.ask.is_some() {
        lacks.push(lack(
            "ask",
            "已有申请待批",
            "another request waits for its decision",
        ));
    }
    let urgent = context.mode(case) == Some(Mode::Urgent);
    if action == Action::AskSuspension {
        if urgent || case.severity <= Severity::P2 {
            lacks.push(lack(
                "severity",
                "紧急事件不得挂账",
                "urgent cases (P1, P2) are never suspended",
            ));
        }
        if progress.was_suspended {
            lacks.push(lack(
                "suspended",
                "只能挂账一次",
                "a case is suspended once at most",
            ));
        }
        return;
    }
    if urgent {
        lacks.push(lack(
            "mode",
            "紧急办的事件不得延期",
            "what is handled as urgent is not extended",
        ));
    }
    if progress.extended >= EXTENSIONS_MAX {
        lacks.push(lack(
            "extended",
            "最多延期两次",
            "it has been extended twice already",
        ));
    }
    not_expired(case, now, lacks);
}

fn not_expired(case: &Case, now: Timestamp, lacks: &mut Vec<Lack>) {
    match case.progress.due_at {
        None => lacks.push(lack(
            "due",
            "没有处置时限",
            "it has no limit that could be extended",
        )),
        Some(due) if due <= now => {
            lacks.push(lack(
                "due",
                "时限已过，不得延期",
                "its limit has passed; it can no longer be extended",
            ));
        }
        Some(_) => {}
    }
}

fn decide(case: &Case, now: Timestamp, lacks: &mut Vec<Lack>) {
    let Some(ask) = &case.progress.ask else {
        lacks.push(lack("ask", "没有待批申请", "nothing waits for a decision"));
        return;
    };
    // Asked in time counts: the unit is not made to pay for a slow decision.
    if ask.what == AskFor::Suspension && ask.until.is_some_and(|until| until <= now) {
        lacks.push(lack(
            "until",
            "挂账期限已过",
            "the date that was asked for has passed",
        ));
    }
}
