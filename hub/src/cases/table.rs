//! The loop as one table: which action, from which states, to which state, by whom.
//!
//! The engine asks this table and no other; the tests walk through every cell of it. What an action
//! needs beside state and role (a condition, evidence, a second person) is in [`super::conditions`].
//! The hub's own steps stand at the end: nobody can ask for them.
//!
//! Source: the closed loop of GB/T 30428 and its successor GB/T 47678 as run by city centres; where the
//! standards leave a choice open, ours.

use super::{Action, Role, State};

/// What becomes of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// It stays.
    Stay,
    /// It becomes this.
    Become(State),
    /// It becomes one of these, or stays when the case's own state is among them.
    OneOf(&'static [State]),
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The action.
    pub action: Action,
    /// From these states.
    pub from: &'static [State],
    /// To this one.
    pub to: To,
    /// By these roles.
    pub roles: &'static [Role],
    /// Whether it must say why.
    pub reason: bool,
}

mod short {
    pub(super) use super::super::Action::*;
    pub(super) use super::super::Role::{
        Administrator as AD, Checker as CK, Dispatcher as DI, DutyOfficer as DO, Handler as HN,
        Leader as LD, ShiftLeader as SL, Supervisor as SU, Unit as DU,
    };
    pub(super) use super::super::State::{
        Closed, Consulting, Dispatched, Evaluated, Feedback as FedBack, Filed, ForcedClosed,
        Handling, Merged, PostCheck, PreVerify, Rejected, Reported, Returned, Suspended,
    };
    pub(super) use super::To::{Become, OneOf, Stay};
}
use short::*;

/// Every state in which people still have to work on a case.
pub const OPEN: &[State] = &[
    Reported, PreVerify, Filed, Dispatched, Handling, FedBack, PostCheck, Consulting, Suspended,
    Returned,
];
const FILED_AND_OPEN: &[State] = &[
    Filed, Dispatched, Handling, FedBack, PostCheck, Consulting, Suspended, Returned,
];
const NOT_ARCHIVED: &[State] = &[
    Reported,
    PreVerify,
    Filed,
    Dispatched,
    Handling,
    FedBack,
    PostCheck,
    Consulting,
    Suspended,
    Returned,
    Closed,
    Rejected,
    Merged,
    ForcedClosed,
];

const OFFICE: &[Role] = &[DO, SL, SU, AD];
const OFFICE_AND_CHECKER: &[Role] = &[DO, SL, SU, AD, CK];
const OFFICE_AND_DISPATCH: &[Role] = &[DO, SL, SU, AD, DI];
const DISPATCH: &[Role] = &[DI, DO, SL, AD];
const APPROVE: &[Role] = &[DI, SL, AD];
const UNIT: &[Role] = &[DU];
const UNIT_AND_HANDLER: &[Role] = &[DU, HN];
const WATCH: &[Role] = &[DI, SL, SU, LD, AD];
const ALL_BUT_AUDITOR: &[Role] = &[DO, SL, DI, DU, HN, CK, SU, LD, AD];

const fn row(
    action: Action,
    from: &'static [State],
    to: To,
    roles: &'static [Role],
    reason: bool,
) -> Row {
    Row {
        action,
        from,
        to,
        roles,
        reason,
    }
}

/// The table, in the order in which consoles show the actions.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    //  action         from                                   to                              by                   reason
    row(Acknowledge,   OPEN,                                  Stay,                           OFFICE,              false),
    row(Verify,        &[Reported],                           Become(PreVerify),              OFFICE_AND_CHECKER,  false),
    row(Verified,      &[PreVerify],                          Become(Reported),               OFFICE_AND_CHECKER,  true),
    row(File,          &[Reported, PreVerify],                Become(Filed),                  OFFICE,              false),
    row(Dispatch,      &[Filed, Consulting, Returned],        Become(Dispatched),             DISPATCH,            false),
    row(Handle,        &[Dispatched, Returned],               Become(Handling),               UNIT_AND_HANDLER,    false),
    row(Feedback,      &[Handling],                           Become(FedBack),                UNIT_AND_HANDLER,    true),
    row(Settle,        &[Filed, Dispatched, Handling],        Become(FedBack),                OFFICE_AND_DISPATCH, true),
    row(Check,         &[FedBack],                            Become(PostCheck),              OFFICE_AND_DISPATCH, false),
    row(Checked,       &[PostCheck],                          Stay,                           OFFICE_AND_CHECKER,  true),
    row(Close,         &[FedBack, PostCheck],                 Become(Closed),                 OFFICE,              false),
    row(Reject,        &[Reported, PreVerify],                Become(Rejected),               OFFICE,              true),
    row(Rework,        &[FedBack, PostCheck],                 Become(Returned),               OFFICE_AND_DISPATCH, true),
    row(SendBack,      &[Dispatched],                         OneOf(&[Returned, Consulting]), UNIT,                true),
    row(Consult,       &[Filed, Dispatched, Consulting, Returned], Become(Consulting),        &[DI, SL, LD, AD],   true),
    row(Answer,        &[Consulting],                         Stay,                           UNIT,                true),
    row(Contain,       &[Dispatched, Handling],               Stay,                           UNIT_AND_HANDLER,    true),
    row(FinishTask,    &[Dispatched, Handling],               Stay,                           UNIT_AND_HANDLER,    true),
    row(AskExtension,  &[Dispatched, Handling],               Stay,                           UNIT,                true),
    row(AskSuspension, &[Handling],                           Stay,                           UNIT_AND_HANDLER,    true),
    row(Decide,        &[Dispatched, Handling],               OneOf(&[Dispatched, Handling, Suspended]), APPROVE,  true),
    row(Resume,        &[Suspended],                          Become(Handling),               APPROVE,             true),
    row(Merge,         OPEN,                                  Become(Merged),                 OFFICE_AND_DISPATCH, true),
    row(UndoMerge,     &[Merged],                             OneOf(OPEN),                    OFFICE_AND_DISPATCH, true),
    row(Reopen,        &[Closed, Rejected],                   Become(Reported),               OFFICE,              true),
    row(ForceClose,    FILED_AND_OPEN,                        Become(ForcedClosed),           &[LD, SL, SU],       true),
    row(Appeal,        &[Closed],                             Stay,                           UNIT,                true),
    row(Review,        &[Closed],                             Stay,                           &[SU, LD],           true),
    row(Evaluate,      &[Closed, ForcedClosed],               Become(Evaluated),              &[SU, LD],           false),
    row(CallUp,        OPEN,                                  Stay,                           &[DO, SL, DI, CK, DU, HN, AD], true),
    row(AnswerCall,    OPEN,                                  Stay,                           UNIT,                true),
    row(SetUrgent,     OPEN,                                  Stay,                           WATCH,               true),
    row(SetCard,       OPEN,                                  Stay,                           &[SU, LD],           true),
    row(SetLevel,      OPEN,                                  Stay,                           &[DI, SL, LD, AD],   true),
    row(Note,          NOT_ARCHIVED,                          Stay,                           ALL_BUT_AUDITOR,     true),
];

/// One of the hub's own steps: its name in the history, from where, to where.
pub type OwnStep = (&'static str, &'static [State], To);

/// What the hub itself does to a case.
#[rustfmt::skip]
pub const OWN: &[OwnStep] = &[
    ("report",           &[],                      Become(Reported)),
    ("join",             OPEN,                     Stay),
    ("report_joined",    OPEN,                     Stay),
    ("rated",            State::ALL,               Stay),
    ("clear",            State::ALL,               Stay),
    ("escalate",         State::ALL,               Stay),
    ("report_again",     &[Reported, PreVerify],   Stay),
    ("remind_answer",    OPEN,                     Stay),
    ("escalate_answer",  OPEN,                     Stay),
    ("card_answer",      OPEN,                     Stay),
    ("proposal_lapsed",  OPEN,                     Stay),
    ("take_in",          OPEN,                     Stay),
    ("give_back",        State::ALL,               Stay),
    ("file",             &[Reported, PreVerify],   Become(Filed)),
    ("reopen",           &[Closed],                Become(Reported)),
    ("silence",          OPEN,                     Stay),
    ("unsilence",        OPEN,                     Stay),
    ("latch",            OPEN,                     Stay),
    ("raise_level",      OPEN,                     Stay),
    ("split_off",        OPEN,                     Stay),
    ("relate",           State::ALL,               Stay),
    ("dispatch",         &[Filed],                 Become(Dispatched)),
    ("resume",           &[Suspended],             Become(Handling)),
    ("evaluate",         &[Closed, ForcedClosed],  Become(Evaluated)),
    ("set_card",         OPEN,                     Stay),
];

/// The line of an action.
#[must_use]
pub fn line(action: Action) -> &'static Row {
    TABLE
        .iter()
        .find(|row| row.action == action)
        .expect("every action has a line; a test counts them")
}

/// Whether a step from one state to another is in the table, by people or by the hub itself.
#[must_use]
pub fn permits(name: &str, from: Option<State>, to: State) -> bool {
    // The first of two persons only proposes: nothing moves.
    if let Some(action) = name.strip_prefix("propose_").and_then(Action::from_name) {
        return from == Some(to) && line(action).from.contains(&to);
    }
    let Some(from) = from else {
        return name == "report" && to == State::Reported;
    };
    let fits = |sources: &[State], target: To| {
        sources.contains(&from)
            && match target {
                To::Stay => to == from,
                To::Become(state) => to == state,
                To::OneOf(states) => states.contains(&to),
            }
    };
    let by_people = Action::from_name(name).is_some_and(|action| {
        let row = line(action);
        fits(row.from, row.to)
    });
    by_people
        || OWN
            .iter()
            .any(|(own, sources, target)| *own == name && fits(sources, *target))
}
