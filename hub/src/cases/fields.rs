//! Which fields each action takes, and the choices that there are for them: so that a console needs to
//! know the kinds of fields, not the rules.

use gridwatch_protocol::Text;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::conditions::{Context, Lack, lack};
use super::labels::{cards, causes, choice, evidence_name, levels, mode_name, scores};
use super::progress::Details;
use super::{Action, Actor, Case, EvidenceKind, Mode, State, text};
use crate::catalogue::Condition;
use crate::directory::Unit;

/// How a field is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// One of the choices.
    OneOf,
    /// Some of the choices, as a list.
    ManyOf,
    /// `true` or `false`.
    YesNo,
    /// A point in time.
    Time,
    /// Number of a case.
    Case,
    /// A list of pieces of evidence.
    Evidence,
    /// A name.
    Name,
}

/// A choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Choice {
    /// What is sent; a number is sent as a number.
    pub value: String,
    /// What is shown.
    pub label: Text,
}

/// A field of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Field {
    /// Its name in the request.
    pub name: String,
    /// What is shown.
    pub label: Text,
    /// How it is asked for.
    pub kind: FieldKind,
    /// Whether the action needs it.
    pub required: bool,
    /// The choices, where there are some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// What the hub would choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggested: Option<String>,
}

/// Names of the fields that an action takes.
fn names(action: Action) -> &'static [&'static str] {
    match action {
        Action::File => &["condition", "category", "mode"],
        Action::Reject => &["condition"],
        Action::Dispatch | Action::CallUp => &["unit"],
        Action::Consult => &["units", "unit"],
        Action::Handle => &["handler"],
        Action::Feedback | Action::Settle | Action::FinishTask => &["evidence"],
        Action::Close => &["conditions"],
        Action::AskSuspension => &["until"],
        Action::Answer | Action::Checked | Action::Decide | Action::Review | Action::SetUrgent => {
            &["yes"]
        }
        Action::Merge => &["case"],
        Action::Evaluate => &["score"],
        Action::SetCard => &["card"],
        Action::SetLevel => &["level"],
        Action::AnswerCall => &["call"],
        _ => &[],
    }
}

/// A complaint for every field that the action does not take.
pub(super) fn foreign(action: Action, details: &Details) -> Vec<Lack> {
    let taken = names(action);
    let given = [
        ("condition", details.condition.is_some()),
        ("conditions", !details.conditions.is_empty()),
        ("category", details.category.is_some()),
        ("mode", details.mode.is_some()),
        ("unit", details.unit.is_some()),
        ("units", !details.units.is_empty()),
        ("handler", details.handler.is_some()),
        ("evidence", !details.evidence.is_empty()),
        ("until", details.until.is_some()),
        ("yes", details.yes.is_some()),
        ("card", details.card.is_some()),
        ("level", details.level.is_some()),
        ("case", details.case.is_some()),
        ("call", details.call.is_some()),
        ("score", details.score.is_some()),
        ("due", details.due.is_some()),
        ("unacknowledged", details.unacknowledged),
        ("called", !details.called.is_empty()),
    ];
    given
        .into_iter()
        .filter(|(name, given)| *given && !taken.contains(name))
        .map(|(name, _)| {
            lack(
                name,
                format!("{} 不接受 {name}", action.as_str()),
                format!("`{}` takes no `{name}`", action.as_str()),
            )
        })
        .collect()
}

/// The fields of an action on this case, with their choices.
#[must_use]
pub fn fields(case: &Case, action: Action, actor: &Actor, context: &Context<'_>) -> Vec<Field> {
    match action {
        Action::File => file(case, context),
        Action::Reject => vec![one_of("condition", ("原因", "Cause"), true, causes(), None)],
        Action::Dispatch => vec![unit_to_dispatch(case, context)],
        Action::Consult => consult(case, context),
        Action::Handle => vec![field(
            "handler",
            ("处置人员（登录名）", "Who does it (sign-in name)"),
            FieldKind::Name,
            false,
        )],
        Action::Feedback | Action::Settle => vec![evidence(case, context)],
        Action::FinishTask => vec![field(
            "evidence",
            ("证据", "Evidence"),
            FieldKind::Evidence,
            false,
        )],
        Action::Close => close(case, context),
        Action::AskSuspension => vec![field("until", ("恢复日期", "Until"), FieldKind::Time, true)],
        Action::Answer => vec![yes(("受领任务", "Take the task"))],
        Action::Checked => vec![yes(("核查通过", "The result is right"))],
        Action::Decide => vec![yes(("同意", "Grant it"))],
        Action::Review => vec![yes(("支持申诉", "The unit is right"))],
        Action::SetUrgent => vec![yes(("加急", "Urgent"))],
        Action::Merge => vec![field(
            "case",
            ("主事件编号", "Case that takes it in"),
            FieldKind::Case,
            true,
        )],
        Action::Evaluate => vec![one_of("score", ("评分", "Score"), true, scores(), None)],
        Action::SetCard => vec![one_of("card", ("督办牌", "Card"), true, cards(case), None)],
        Action::SetLevel => vec![one_of(
            "level",
            ("响应级别", "Level of response"),
            true,
            levels(),
            None,
        )],
        Action::CallUp => {
            let units = context.directory.callable(&context.path(case));
            vec![units_field(
                "unit",
                ("被呼叫部门", "Unit to call"),
                &units,
                context,
                None,
            )]
        }
        Action::AnswerCall => vec![calls(case, actor)],
        _ => Vec::new(),
    }
}

fn field(name: &str, (zh, en): (&str, &str), kind: FieldKind, required: bool) -> Field {
    Field {
        name: name.to_owned(),
        label: text(zh, en),
        kind,
        required,
        choices: Vec::new(),
        suggested: None,
    }
}

fn one_of(
    name: &str,
    label: (&str, &str),
    required: bool,
    choices: Vec<Choice>,
    suggested: Option<String>,
) -> Field {
    Field {
        choices,
        suggested,
        ..field(name, label, FieldKind::OneOf, required)
    }
}

fn yes(label: (&str, &str)) -> Field {
    field("yes", label, FieldKind::YesNo, true)
}

fn conditions(list: &[Condition]) -> Vec<Choice> {
    list.iter()
        .map(|condition| choice(&condition.code, condition.name.clone()))
        .collect()
}

fn file(case: &Case, context: &Context<'_>) -> Vec<Field> {
    let filing = context
        .category(case)
        .map(|category| conditions(&category.filing))
        .unwrap_or_default();
    let required = !filing.is_empty();
    let only = (filing.len() == 1).then(|| filing[0].value.clone());
    let mode = context.mode(case).map(|mode| mode.as_str().to_owned());
    let modes = Mode::ALL
        .iter()
        .map(|mode| choice(mode.as_str(), mode_name(*mode)))
        .collect();
    vec![
        one_of(
            "condition",
            ("立案条件", "Filing condition"),
            required,
            filing,
            only,
        ),
        one_of("mode", ("处理方式", "Way of handling"), false, modes, mode),
    ]
}

fn unit_to_dispatch(case: &Case, context: &Context<'_>) -> Field {
    let units: Vec<&Unit> = context.directory.units().iter().collect();
    let lead = case
        .progress
        .lead()
        .filter(|_| case.state == State::Consulting)
        .map(|task| task.unit.clone());
    let owner = context
        .owner(case, &case.category)
        .map(|unit| unit.code.clone());
    units_field(
        "unit",
        ("处置部门", "Unit"),
        &units,
        context,
        lead.or(owner),
    )
}

fn units_field(
    name: &str,
    label: (&str, &str),
    units: &[&Unit],
    context: &Context<'_>,
    suggested: Option<String>,
) -> Field {
    if context.directory.units().is_empty() {
        return field(name, label, FieldKind::Name, true);
    }
    let choices = units
        .iter()
        .map(|unit| choice(&unit.code, unit.name.clone()))
        .collect();
    one_of(name, label, true, choices, suggested)
}

fn consult(case: &Case, context: &Context<'_>) -> Vec<Field> {
    let units: Vec<&Unit> = context.directory.units().iter().collect();
    let owner = context
        .owner(case, &case.category)
        .map(|unit| unit.code.clone());
    let asked = Field {
        kind: FieldKind::ManyOf,
        ..units_field("units", ("会商部门", "Units to ask"), &units, context, None)
    };
    vec![
        asked,
        units_field(
            "unit",
            ("牵头部门", "Unit that leads"),
            &units,
            context,
            owner,
        ),
    ]
}

fn evidence(case: &Case, context: &Context<'_>) -> Field {
    let needed = context
        .category(case)
        .map(|category| category.evidence.as_slice())
        .unwrap_or_default();
    let kinds = EvidenceKind::ALL
        .iter()
        .map(|kind| choice(kind.as_str(), evidence_name(*kind)))
        .collect();
    Field {
        choices: kinds,
        suggested: needed.first().map(|kind| kind.as_str().to_owned()),
        ..field(
            "evidence",
            ("证据", "Evidence"),
            FieldKind::Evidence,
            !needed.is_empty(),
        )
    }
}

fn close(case: &Case, context: &Context<'_>) -> Vec<Field> {
    let closing = context
        .category(case)
        .map(|category| conditions(&category.closing))
        .unwrap_or_default();
    if closing.is_empty() {
        return Vec::new();
    }
    vec![Field {
        choices: closing,
        ..field(
            "conditions",
            ("结案条件", "Closing conditions"),
            FieldKind::ManyOf,
            true,
        )
    }]
}

fn calls(case: &Case, actor: &Actor) -> Field {
    let open = case
        .progress
        .calls
        .iter()
        .filter(|call| call.answered_at.is_none() && Some(&call.unit) == actor.unit.as_ref());
    let choices: Vec<Choice> = open
        .map(|call| {
            let number = call.number.to_string();
            choice(
                &number,
                text(format!("第 {number} 次呼叫"), format!("call {number}")),
            )
        })
        .collect();
    let first = choices.first().map(|choice| choice.value.clone());
    one_of("call", ("呼叫", "Call"), true, choices, first)
}
