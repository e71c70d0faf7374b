//! What somebody can do to a case now, what it takes, and what is missing for it. Pure.

use gridwatch_protocol::{Text, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::actions::{Refusal, needs_reason, needs_two, second_person};
use super::conditions::{self, Context, Lack, lack};
use super::fields::{self, Field};
use super::{Action, Actor, Case, Role, State, table, text};

/// What somebody can do now, for the console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AllowedAction {
    /// The action.
    pub action: Action,
    /// Whether it must say why.
    pub needs_reason: bool,
    /// Why not now, if not: what is missing, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<Text>,
    /// What is missing for it that the request cannot bring.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Lack>,
    /// What the request takes beside the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// Whether it takes two persons: the first proposes, a second one confirms.
    #[serde(default)]
    pub second_person: bool,
}

/// What somebody can do to a case now.
#[must_use]
pub fn allowed(
    case: &Case,
    actor: &Actor,
    context: &Context<'_>,
    now: Timestamp,
) -> Vec<AllowedAction> {
    table::TABLE
        .iter()
        .filter(|row| row.roles.contains(&actor.role) && row.from.contains(&case.state))
        .filter(|row| concerns(case, row.action, actor, context))
        .map(|row| {
            let action = row.action;
            let mut missing = conditions::obstacles(case, action, actor, context, now);
            if let Err(Refusal::SecondPersonNeeded { by, .. }) = second_person(case, action, actor)
            {
                missing.push(lack(
                    "second_person",
                    format!("等待第二人确认（{by} 已提出）"),
                    format!("waits for a second person ({by} has proposed it)"),
                ));
            }
            AllowedAction {
                action,
                needs_reason: needs_reason(case, action, context),
                blocked: blocked(&missing),
                fields: if missing.is_empty() {
                    fields::fields(case, action, actor, context)
                } else {
                    Vec::new()
                },
                missing,
                second_person: needs_two(case, action),
            }
        })
        .collect()
}

/// Whether an action means anything for this person and case: what never can is not shown.
fn concerns(case: &Case, action: Action, actor: &Actor, context: &Context<'_>) -> bool {
    let progress = &case.progress;
    match action {
        Action::Acknowledge => case.acknowledged_at.is_none(),
        Action::Contain => conditions::contains(case, context),
        Action::Decide => progress.ask.is_some(),
        Action::Settle => case.state != State::Filed || conditions::settles(context.mode(case)),
        Action::Review => progress
            .appeal
            .as_ref()
            .is_some_and(|a| a.succeeded().is_none()),
        Action::Answer | Action::FinishTask => progress
            .tasks
            .iter()
            .any(|task| Some(&task.unit) == actor.unit.as_ref()),
        Action::AnswerCall => progress
            .calls
            .iter()
            .any(|call| call.answered_at.is_none() && Some(&call.unit) == actor.unit.as_ref()),
        Action::ForceClose => actor.role == Role::Leader || case.proposal.is_some(),
        _ => true,
    }
}

fn blocked(missing: &[Lack]) -> Option<Text> {
    let zh: Vec<&str> = missing.iter().map(|lack| lack.text.zh.as_str()).collect();
    let en: Vec<&str> = missing.iter().map(|lack| lack.text.en.as_str()).collect();
    (!missing.is_empty()).then(|| text(zh.join("；"), en.join("; ")))
}
