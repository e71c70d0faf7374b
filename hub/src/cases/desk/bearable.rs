//! What the desk does so that a storm is bearable: silences, chatter, floods, the same matter again, and
//! filing by the hub itself. Pure.
//!
//! Nothing here decides whether an alert is stored or counted: it is. Nothing here hides a P1.

use std::collections::BTreeSet;

use gridwatch_protocol::{Alert, AlertId, DetectedBy, Phase, Severity, Text, Timestamp};
use sha2::{Digest, Sha256};

use super::keys::is_drill;
use super::{CaseEvent, Desk, Rules};
use crate::cases::conditions::Context;
use crate::cases::steps::{dispatched_with_the_filing, own_step};
use crate::cases::timers::Dues;
use crate::cases::{Arrival, Case, CaseId, Change, Details, State, silencing, text};
use crate::catalogue::{CHATTERING, Category, GATEWAY_OFFLINE};
use crate::correlation::chatter::{Raised, Raisings};
use crate::correlation::flood::Turn;
use crate::correlation::marks::POINTS_MAX;
use crate::correlation::relink::{Relink, relink};
use crate::correlation::silence::{self, Target};
use crate::directory::{AreaStep, Level};

/// How an alert came to its case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It was opened for it.
    Opened,
    /// It was opened again for it.
    Reopened,
    /// By its device and kind.
    Key,
    /// By the silence of its gateway.
    Gateway,
    /// By the place of signs of fire.
    Group,
}

/// The desk that alarms at the end of this path count for, as a path in the area tree: the narrowest area
/// of a street or wider that officers work for; else the community. Empty where the place is not known.
#[must_use]
pub fn desk_of(path: &[AreaStep], staffed: &BTreeSet<String>) -> String {
    let staffed = |step: &AreaStep| step.level <= Level::Street && staffed.contains(&step.code);
    let narrowest = |fits: &dyn Fn(&AreaStep) -> bool| path.iter().rposition(fits);
    let at = narrowest(&staffed).or_else(|| narrowest(&|step| step.level <= Level::Community));
    let steps = at.map_or(&path[..0], |at| &path[..=at]);
    if steps.is_empty() {
        return String::new();
    }
    let codes: Vec<&str> = steps.iter().map(|step| step.code.as_str()).collect();
    format!("/{}/", codes.join("/"))
}

/// The sensors behind a gateway that is back have a while to be heard again.
pub(super) fn gateway_is_back(case: &mut Case, cleared: &str, rules: Rules<'_>, now: Timestamp) {
    if cleared == GATEWAY_OFFLINE && case.state.is_open() && case.alerts_active > 0 {
        case.marks.release_at = Some(now.plus_ms(rules.correlation.gateway_back_ms));
    }
}

fn dues(case: &Case, rules: Rules<'_>, now: Timestamp) -> Dues {
    let ack = |severity| {
        let ms = rules.catalogue.acknowledge_ms(&case.category, severity);
        now.plus_ms(ms)
    };
    Dues {
        resumed: case.progress.due_at,
        acknowledge: ack(case.severity),
        acknowledge_quiet: ack(Severity::P4),
    }
}

impl Desk<'_> {
    /// Lets a silence fall over a case that is new, if one fits; tells whether.
    pub(super) fn hide(
        &mut self,
        id: CaseId,
        arrival: &Arrival,
        category: &Category,
        now: Timestamp,
    ) -> bool {
        let path = self.rules.directory.site_path(&arrival.alert.site);
        let case = self.known.cases.get_mut(&id).expect("just opened");
        if silence::is_protected_case(case, self.rules.catalogue) {
            return false;
        }
        let target = target(arrival, category, &path);
        let found = silence::longest(&self.known.silences, &target, self.rules.calendar, now);
        let Some((silence, until)) = found else {
            return false;
        };
        let row = silencing::silence(case, silence, until, now);
        self.changes.transitions.push((id, row));
        true
    }

    /// A case that has become life safety is shown at once.
    pub(super) fn show_life_safety(&mut self, id: CaseId, now: Timestamp) {
        let case = &self.known.cases[&id];
        if case.is_silenced() && silence::is_protected_case(case, self.rules.catalogue) {
            let note = text(
                "涉及生命安全，静默解除",
                "it is life safety now, which no silence hides",
            );
            self.show(id, note, now);
        }
    }

    /// A case is shown when an alert joins it that no silence fits.
    pub(super) fn show_what_no_silence_fits(
        &mut self,
        id: CaseId,
        arrival: &Arrival,
        category: &Category,
        now: Timestamp,
    ) {
        if !self.known.cases[&id].is_silenced() {
            return;
        }
        let path = self.rules.directory.site_path(&arrival.alert.site);
        let target = target(arrival, category, &path);
        let calendar = self.rules.calendar;
        if silence::longest(&self.known.silences, &target, calendar, now).is_none() {
            let note = text(
                "并入了不在静默范围内的报警，静默解除",
                "an alert has joined that no silence fits",
            );
            self.show(id, note, now);
        }
    }

    fn show(&mut self, id: CaseId, note: Text, now: Timestamp) {
        let case = self.known.cases.get_mut(&id).expect("the caller has it");
        let dues = dues(case, self.rules, now);
        let (row, change) = silencing::unsilence(case, &dues, note, now);
        self.changes.cases.insert(id);
        self.changes.transitions.push((id, row));
        self.tell(id, change, now);
    }

    /// The case that a key led to last, and what a new alarm is to it.
    pub(super) fn ended_lately(&self, key: &str, now: Timestamp) -> Option<(CaseId, Relink)> {
        let case = &self.known.cases[self.known.ended.get(key)?];
        let window = self.rules.correlation.relink_ms;
        Some((case.id, relink(case, window, now)?)).filter(|_| !case.state.is_open())
    }

    /// Opens a case again: it is new to people, whoever looked at it before.
    pub(super) fn reopen(
        &mut self,
        id: CaseId,
        arrival: &Arrival,
        category: &Category,
        now: Timestamp,
    ) -> Text {
        let hours = self.rules.correlation.relink_ms / 3_600_000;
        let because = text(
            format!("结案 {hours} 小时内同一设备、同一类型再次报警，重新打开"),
            format!(
                "the same device and kind raised within {hours} h of the closing; opened again"
            ),
        );
        let case = self.known.cases.get_mut(&id).expect("it was found there");
        let row = own_step(
            case,
            "reopen",
            State::Reported,
            Details::default(),
            because.clone(),
            now,
        );
        let severity = case.severity.most_urgent(arrival.alert.severity);
        let ms = self
            .rules
            .catalogue
            .acknowledge_ms(&case.category, severity);
        case.ack_due_at = now.plus_ms(ms);
        case.marks.silenced = None;
        case.marks.release_at = None;
        case.touch(now, true);
        self.changes.cases.insert(id);
        self.changes.reopened.insert(id);
        self.changes.transitions.push((id, row));
        let is_urgent = arrival.alert.severity == Severity::P1;
        let hidden = !is_urgent && self.hide(id, arrival, category, now);
        let change = if hidden {
            Change::Silenced
        } else {
            Change::Opened
        };
        self.tell(id, change, now);
        because
    }

    /// Two cases of the same cause name each other.
    pub(super) fn relate(&mut self, id: CaseId, before: CaseId, now: Timestamp) {
        let number = self.known.cases[&before].number.clone();
        let case = self.known.cases.get_mut(&id).expect("just opened");
        case.marks.relate(before);
        let details = Details {
            case: Some(before),
            ..Details::default()
        };
        let note = text(
            format!("与不久前结束的事件 {number} 同因"),
            format!("the same cause as case {number}, which ended a short while ago"),
        );
        let row = own_step(case, "relate", case.state, details, note, now);
        self.changes.transitions.push((id, row));
    }

    /// Counts a raising of the alert's point in its case.
    pub(super) fn count_raising(
        &mut self,
        id: CaseId,
        arrival: &Arrival,
        category: &Category,
        way: Way,
        now: Timestamp,
    ) -> Raised {
        let hubs_own = [GATEWAY_OFFLINE, CHATTERING].contains(&category.code.as_str());
        if way == Way::Gateway || hubs_own {
            return Raised::New;
        }
        let rule = self.rules.correlation.chatter;
        let Alert { device, kind, .. } = &arrival.alert;
        let case = self.known.cases.get_mut(&id).expect("found or opened");
        let points = &mut case.marks.raisings;
        let same = |point: &Raisings| {
            point.gateway == arrival.gateway && point.device == *device && point.kind == *kind
        };
        let at = points.iter().position(same).unwrap_or_else(|| {
            if points.len() >= POINTS_MAX {
                points.remove(0);
            }
            let gateway = arrival.gateway.clone();
            points.push(Raisings::new(gateway, device.clone(), *kind, now));
            points.len() - 1
        });
        points[at].raise(rule, category.quiet_ms(), now)
    }

    /// A point was latched: it is noted in the case of its hazard, and the maintainer gets a case.
    pub(super) fn latched(
        &mut self,
        id: CaseId,
        arrival: &Arrival,
        category: &Category,
        now: Timestamp,
    ) {
        let rule = self.rules.correlation.chatter;
        let (times, seconds) = (rule.raisings, rule.window_ms / 1_000);
        let minutes = category.quiet_ms() / 60_000;
        let device = &arrival.alert.device;
        let note = text(
            format!("{device} 在 {seconds} 秒内报警 {times} 次，已锁存；安静 {minutes} 分钟后解除"),
            format!(
                "{device} raised {times} times in {seconds} s; latched until it has been quiet for {minutes} min"
            ),
        );
        let case = self.known.cases.get_mut(&id).expect("found or opened");
        let row = own_step(
            case,
            "latch",
            case.state,
            Details::default(),
            note.clone(),
            now,
        );
        self.changes.transitions.push((id, row));
        if self.rules.catalogue.get(CHATTERING).is_some() {
            let own = Arrival {
                gateway: arrival.gateway.clone(),
                alert: own_alert(&arrival.alert, "hub_chatter", note, now),
            };
            self.receive_own(own, CHATTERING, now);
        }
    }

    /// Takes an alert of the hub's own.
    fn receive_own(&mut self, own: Arrival, category: &str, now: Timestamp) {
        if self.known.alerts.contains_key(&own.alert.id) {
            return;
        }
        let message = (own.alert.id, own.alert.revision);
        self.known.messages.insert(message);
        self.first_message(&own, Some(category), now);
        self.changes.own.push(own);
    }

    /// Counts a new alarm for its desk, unless nobody is told of it.
    pub(super) fn count_alarm(&mut self, id: CaseId, way: Way, raised: Raised, now: Timestamp) {
        let case = &self.known.cases[&id];
        let unseen = raised == Raised::Latched || way == Way::Gateway;
        if unseen || case.is_drill || case.is_silenced() {
            return;
        }
        let path = self.rules.directory.path(&case.site);
        let desk = desk_of(&path, &self.known.staffed);
        let rule = self.rules.correlation.flood;
        let meter = self.known.desks.entry(desk.clone()).or_default();
        let id_of_flood = self.known.next_flood;
        let turns = [meter.look(rule, now), meter.count(rule, id_of_flood, now)];
        let flood = meter.flood.map(|flood| flood.id);
        for turn in turns {
            if matches!(turn, Turn::Began(_)) {
                self.known.next_flood += 1;
            }
            if turn != Turn::Same {
                self.changes.floods.push((desk.clone(), turn));
            }
        }
        self.changes.desks.insert(desk);
        if matches!(way, Way::Opened | Way::Reopened) {
            let case = self.known.cases.get_mut(&id).expect("looked at above");
            case.marks.flood = flood;
        }
    }

    /// Files a P1 whose category says so, and dispatches it when one unit owns it.
    pub(super) fn file_itself(&mut self, id: CaseId, now: Timestamp) {
        let rules = self.rules;
        let case = self.known.cases.get_mut(&id).expect("found or opened");
        let waits = matches!(case.state, State::Reported | State::PreVerify);
        let category = rules.catalogue.get(&case.category);
        let condition = category.and_then(|category| category.files_itself.as_ref());
        let (Some(condition), Some(category)) = (condition, category) else {
            return;
        };
        if !waits || case.severity != Severity::P1 {
            return;
        }
        let name = category.filing.iter().find(|c| c.code == *condition);
        let name = name.map_or_else(|| text("", ""), |condition| condition.name.clone());
        let note = text(
            format!("生命安全，系统自动立案：{}", name.zh),
            format!("life safety, filed by the hub: {}", name.en),
        );
        let details = Details {
            condition: Some(condition.clone()),
            mode: category.mode,
            ..Details::default()
        };
        let filed = own_step(case, "file", State::Filed, details, note, now);
        let limit = rules
            .catalogue
            .limits
            .of(&case.category, case.severity)
            .disposal;
        let context = Context {
            catalogue: rules.catalogue,
            directory: rules.directory,
            due: Some(rules.calendar.due(now, limit)),
            extended_due: None,
            resumed_due: None,
            other: None,
        };
        let sent = dispatched_with_the_filing(case, &context, now);
        case.touch(now, true);
        self.changes.cases.insert(id);
        let moved = sent.is_some();
        let rows = std::iter::once(filed).chain(sent);
        self.changes.transitions.extend(rows.map(|row| (id, row)));
        self.tell(id, Change::Filed, now);
        if moved {
            self.changes.events.push(CaseEvent {
                at: now,
                case: id,
                change: Change::Moved,
            });
        }
    }
}

fn target<'a>(arrival: &'a Arrival, category: &'a Category, path: &'a str) -> Target<'a> {
    let alert = &arrival.alert;
    Target {
        path,
        site: &alert.site,
        device: &alert.device,
        kind: alert.kind,
        category,
        severity: alert.severity,
    }
}

/// An alert of the hub's own about what an alert has shown: it tells of something that has happened and is
/// over with it. Its id follows from that alert and the rule: made again, it is the same.
pub(crate) fn own_alert(like: &Alert, rule: &str, reason: Text, now: Timestamp) -> Alert {
    let digest = Sha256::digest(format!("{rule}:{}", like.id));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Alert {
        id: AlertId(uuid::Builder::from_custom_bytes(bytes).into_uuid()),
        revision: 0,
        phase: Phase::Cleared,
        sequence: None,
        severity: Severity::P4,
        raised_at: now,
        at: now,
        clock: gridwatch_protocol::ClockQuality::Plausible,
        detected_by: DetectedBy::Rule {
            rule: rule.to_owned(),
        },
        score: None,
        reason,
        evidence: Vec::new(),
        source_event: None,
        is_test: is_drill(like),
        ..like.clone()
    }
}
