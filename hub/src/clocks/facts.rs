//! What is remembered of one case's clocks. Pure; stored as one row beside the case.
//!
//! The case engine tells what it sees of a case after each change ([`Seen`]); this notes since when
//! each step runs, what does not count, which limits hold, and what the timers have already done. It
//! never asks what time it is and never changes the case.

use std::collections::BTreeSet;

use gridwatch_protocol::{Severity, Timestamp};
use serde::{Deserialize, Serialize};

use super::Pause;
use super::answers::Asked;
use super::limits::{CaseLimits, LimitTable, LongCards};
use crate::cases::Card;

/// Where a case is, as far as clocks care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Nobody has acknowledged it.
    Reported,
    /// Acknowledged, and not yet filed or rejected (核实).
    Verifying,
    /// Filed, and not yet given to a unit; consultations are here too (立案、会商).
    Filed,
    /// Given to a unit that has not accepted it (派遣).
    Dispatched,
    /// Being handled (处置).
    Handling,
    /// The clock of disposal stands still (挂账).
    Suspended,
    /// Fed back, and not yet closed (反馈、核查).
    Checking,
    /// Closed, rejected, merged: no clock runs.
    Ended,
}

impl Stage {
    /// Every stage.
    pub const ALL: [Stage; 8] = [
        Stage::Reported,
        Stage::Verifying,
        Stage::Filed,
        Stage::Dispatched,
        Stage::Handling,
        Stage::Suspended,
        Stage::Checking,
        Stage::Ended,
    ];
}

/// What the case engine sees of a case after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen<'a> {
    /// Where it is.
    pub stage: Stage,
    /// Code of its category.
    pub category: &'a str,
    /// Its severity.
    pub severity: Severity,
    /// When it was reported.
    pub opened_at: Timestamp,
    /// Until when it must be acknowledged, as the case says.
    pub ack_due_at: Timestamp,
    /// When the case engine itself has something to do: a suspension ends, an ended case is archived.
    pub own_at: Option<Timestamp>,
    /// How often its limit was extended.
    pub extensions: u8,
    /// Its card, whoever gave it.
    pub card: Card,
    /// When the hazard was stopped.
    pub contained_at: Option<Timestamp>,
    /// Whether nobody has to acknowledge it for now: it has been acknowledged, or a silence hides it.
    pub acknowledged: bool,
    /// Whether a silence hides it.
    pub silenced: bool,
}

/// The facts of a case that its clocks go by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseFacts {
    /// Where it is.
    pub stage: Stage,
    /// Category and severity that the limits were chosen for.
    pub chosen_for: (String, Severity),
    /// Its limits.
    pub limits: CaseLimits,
    /// When it gets cards if it is a long case.
    pub long: LongCards,
    /// When it was reported.
    pub opened_at: Timestamp,
    /// Until when it must be acknowledged.
    pub ack_due_at: Timestamp,
    /// When it was acknowledged.
    pub acknowledged_at: Option<Timestamp>,
    /// When it was first filed; the overall clock runs from here.
    pub first_filed_at: Option<Timestamp>,
    /// When it was filed, or came back from a unit that it is not for.
    pub filed_at: Option<Timestamp>,
    /// When it was given to the unit that has it.
    pub dispatched_at: Option<Timestamp>,
    /// When that unit accepted it.
    pub accepted_at: Option<Timestamp>,
    /// When the hazard was stopped, where there is a limit for it.
    #[serde(default)]
    pub contained_at: Option<Timestamp>,
    /// When the result came back; none again when it was not good enough.
    pub fed_back_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What does not count for its disposal.
    pub pauses: Vec<Pause>,
    /// When the case engine itself has something to do.
    pub own_at: Option<Timestamp>,
    /// How often its limit was extended.
    pub extensions: u8,
    /// To how many levels a report that nobody acknowledged was escalated.
    pub escalated: u8,
    /// Whether a silence hides it: nobody is called for it.
    #[serde(default)]
    pub silenced: bool,
    /// Its worst card.
    pub card: Card,
    /// Keys of the reminders that were sent for the clocks that run.
    pub reminded: BTreeSet<String>,
    /// Who was asked and has not answered.
    #[serde(default)]
    pub asked: Vec<Asked>,
    /// Keys of what was done about them.
    #[serde(default)]
    pub answers_done: BTreeSet<String>,
}

impl CaseFacts {
    /// The facts of a case that is seen for the first time.
    #[must_use]
    pub fn new(seen: &Seen<'_>, table: &LimitTable, now: Timestamp) -> Self {
        let mut facts = Self {
            stage: Stage::Reported,
            chosen_for: (seen.category.to_owned(), seen.severity),
            limits: table.of(seen.category, seen.severity),
            long: table.long,
            opened_at: seen.opened_at,
            ack_due_at: seen.ack_due_at,
            acknowledged_at: None,
            first_filed_at: None,
            filed_at: None,
            dispatched_at: None,
            accepted_at: None,
            contained_at: None,
            fed_back_at: None,
            ended_at: None,
            pauses: Vec::new(),
            own_at: None,
            extensions: 0,
            escalated: 0,
            silenced: false,
            card: Card::None,
            reminded: BTreeSet::new(),
            asked: Vec::new(),
            answers_done: BTreeSet::new(),
        };
        facts.observe(seen, table, now);
        facts
    }

    /// Notes what is seen of the case after a change. Seeing the same twice changes nothing.
    pub fn observe(&mut self, seen: &Seen<'_>, table: &LimitTable, now: Timestamp) {
        self.choose(seen, table);
        self.ack_due_at = seen.ack_due_at;
        if self.extensions != seen.extensions {
            self.extensions = seen.extensions;
            self.forget("disposal");
        }
        if self.stage != seen.stage {
            self.enter(seen.stage, now);
            self.stage = seen.stage;
        }
        self.own_at = seen.own_at;
        self.contained_at = seen.contained_at;
        self.acknowledge(seen, now);
        // A card that was taken back is not given again for the same lateness.
        self.card = self.card.max(seen.card);
    }

    /// What has been dispatched keeps its limits, unless it turned out to be another matter.
    fn choose(&mut self, seen: &Seen<'_>, table: &LimitTable) {
        let other = self.chosen_for.0 != seen.category || self.chosen_for.1 != seen.severity;
        if other || self.dispatched_at.is_none() {
            self.chosen_for = (seen.category.to_owned(), seen.severity);
            self.limits = table.of(seen.category, seen.severity);
            self.long = table.long;
        }
    }

    fn enter(&mut self, stage: Stage, now: Timestamp) {
        match stage {
            Stage::Suspended => self.pauses.push(Pause {
                from: now,
                until: None,
            }),
            _ => self.end_pause(now),
        }
        self.ended_at = (stage == Stage::Ended).then_some(now);
        match stage {
            Stage::Reported => {
                self.acknowledged_at = None;
                self.first_filed_at = None;
                self.take_back_filing();
                self.escalated = 0;
            }
            Stage::Verifying => {
                self.first_filed_at = None;
                self.take_back_filing();
            }
            Stage::Filed => {
                self.take_back_filing();
                self.filed_at = Some(now);
                self.first_filed_at.get_or_insert(now);
            }
            Stage::Dispatched => {
                self.dispatch(now);
                self.accepted_at = None;
            }
            Stage::Handling => {
                self.dispatch(now);
                self.accepted_at.get_or_insert(now);
            }
            Stage::Checking => {
                self.dispatch(now);
                self.accepted_at.get_or_insert(now);
                self.fed_back_at = Some(now);
                self.forget("check");
            }
            Stage::Suspended | Stage::Ended => {}
        }
    }

    /// What the hub filed itself still waits for somebody to acknowledge it.
    fn acknowledge(&mut self, seen: &Seen<'_>, now: Timestamp) {
        if seen.acknowledged {
            self.acknowledged_at.get_or_insert(now);
        } else {
            self.acknowledged_at = None;
        }
        self.silenced = seen.silenced;
    }

    fn take_back_filing(&mut self) {
        self.filed_at = None;
        self.dispatched_at = None;
        self.accepted_at = None;
        self.fed_back_at = None;
        self.pauses.clear();
        self.reminded.clear();
    }

    fn dispatch(&mut self, now: Timestamp) {
        self.filed_at.get_or_insert(now);
        self.first_filed_at.get_or_insert(now);
        self.dispatched_at.get_or_insert(now);
        self.fed_back_at = None;
    }

    fn end_pause(&mut self, now: Timestamp) {
        if let Some(pause) = self.pauses.last_mut().filter(|pause| pause.until.is_none()) {
            pause.until = Some(now);
        }
    }

    /// Reminders of a clock that starts again are due again.
    fn forget(&mut self, clock: &str) {
        self.reminded.retain(|key| !key.starts_with(clock));
    }
}
