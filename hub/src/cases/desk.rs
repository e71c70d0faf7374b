//! The desk: takes alert messages, finds or opens the case of each, and remembers what changed. Pure.
//!
//! A desk is filled with what the store holds about the messages at hand, decides on all of them in
//! order, and is written back in one transaction. It never closes a case, never lowers a severity,
//! and never takes an alert out of a case.
//!
//! How an alert finds its case, first that fits:
//! 1. its id is known: the case that it is in, open or not;
//! 2. the open case of its device and kind (for categories with `separate`: and category);
//! 3. a silent sensor of a gateway that is silent itself: the gateway's case;
//! 4. a sign of fire: the open case with signs of fire from the same building of the same site,
//!    if the newest of them joined within the time of the group;
//! 5. the case of its device and kind that was closed a short while ago: it is opened again;
//! 6. a new case.
//!
//! What makes a storm bearable is decided here too, always after the alert has its case: a silence may hide
//! a new case (never life safety), a chattering point is latched, a flood is counted. A category that
//! says so is filed by the hub itself.
//!
//! Tests and drills keep to cases of their own. Times are the hub's, never a gateway's.

mod bearable;
mod changes;
mod keys;
mod unheard;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use gridwatch_protocol::{Alert, AlertId, GatewayId, Kind, Phase, Text, Timestamp};

pub use bearable::desk_of;
pub(crate) use bearable::own_alert;
pub use keys::{correlation_key, gateway_key, group_key, group_key_of};

use bearable::Way;
use changes::{
    category_of, cleared_note, confirm_fire, device_ref, drill_is_real, lapse_proposal,
    raise_severity, raised_note,
};

use keys::is_drill;

use super::{
    AlertRecord, Arrival, Case, CaseId, Change, Details, MessageId, Progress, State, Transition,
    steps::own_step, text,
};
use crate::catalogue::{Catalogue, Category, GATEWAY_OFFLINE};
use crate::clocks::Calendar;
use crate::correlation::chatter::Raised;
use crate::correlation::flood::{Meter, Turn};
use crate::correlation::relink::Relink;
use crate::correlation::silence::Silence;
use crate::correlation::{Marks, Settings, level};
use crate::directory::Directory;

/// What the desk goes by.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The categories.
    pub catalogue: &'a Catalogue,
    /// Areas, sites and units.
    pub directory: &'a Directory,
    /// Working hours and holidays.
    pub calendar: &'a Calendar,
    /// When alarms are latched, a flood, the same matter again.
    pub correlation: Settings,
    /// Signs of fire join within this time, in milliseconds.
    pub fire_group_ms: i64,
    /// Minutes east of UTC, for the day in a case's number.
    pub utc_offset_minutes: i32,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// To be stored, with this case.
    Accepted(CaseId),
    /// Stored before; nothing changed.
    Duplicate,
    /// Never to be accepted.
    Rejected(String),
}

/// An event of a case, for the live feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaseEvent {
    /// When.
    pub at: Timestamp,
    /// The case.
    pub case: CaseId,
    /// What happened.
    pub change: Change,
}

/// What has to be written back.
#[derive(Debug, Default, Clone)]
pub struct Changes {
    /// Cases that are new.
    pub opened: BTreeSet<CaseId>,
    /// Cases that changed, the new ones among them.
    pub cases: BTreeSet<CaseId>,
    /// Alerts that changed or are new.
    pub alerts: BTreeSet<AlertId>,
    /// Correlation keys that lead to a case from now on.
    pub keys: Vec<(String, CaseId)>,
    /// New rows of the cases' histories.
    pub transitions: Vec<(CaseId, Transition)>,
    /// Events, in order.
    pub events: Vec<CaseEvent>,
    /// Cases that were opened again, whose keys lead to them again.
    pub reopened: BTreeSet<CaseId>,
    /// Desks that counted an alarm.
    pub desks: BTreeSet<String>,
    /// Floods that began or ended, with their desks, in order.
    pub floods: Vec<(String, Turn)>,
    /// Messages of the hub's own.
    pub own: Vec<Arrival>,
}

/// What the store holds about the messages at hand.
#[derive(Debug, Default, Clone)]
pub struct Known {
    /// Cases of the alerts, open cases of the keys and groups.
    pub cases: BTreeMap<CaseId, Case>,
    /// The alerts.
    pub alerts: BTreeMap<AlertId, AlertRecord>,
    /// Their messages.
    pub messages: HashSet<MessageId>,
    /// Keys of open cases.
    pub keys: HashMap<String, CaseId>,
    /// Gateways that are silent at present.
    pub silent: HashSet<GatewayId>,
    /// Number of the next case.
    pub next_case: CaseId,
    /// How many cases each local day has had so far.
    pub cases_of_day: BTreeMap<String, i64>,
    /// The case of a key that ended last, where that was not long ago; it is among the cases.
    pub ended: HashMap<String, CaseId>,
    /// Silences that nobody has ended and whose time is not over.
    pub silences: Vec<Silence>,
    /// Codes of the areas that officers work for.
    pub staffed: BTreeSet<String>,
    /// What each desk has had lately.
    pub desks: BTreeMap<String, Meter>,
    /// Number of the next flood.
    pub next_flood: i64,
}

/// See the module's page.
#[derive(Debug, Clone)]
pub struct Desk<'a> {
    rules: Rules<'a>,
    /// What is known, brought up to date with every message.
    pub known: Known,
    /// What has to be written back.
    pub changes: Changes,
}

impl<'a> Desk<'a> {
    /// A desk with what is known.
    #[must_use]
    pub fn new(rules: Rules<'a>, known: Known) -> Self {
        Self {
            rules,
            known,
            changes: Changes::default(),
        }
    }

    /// Takes one message; `category` when it is not chosen by the catalogue's `match`.
    pub fn receive(
        &mut self,
        arrival: &Arrival,
        category: Option<&str>,
        now: Timestamp,
    ) -> Outcome {
        let alert = &arrival.alert;
        let id = (alert.id, alert.revision);
        if let Some(record) = self.known.alerts.get(&alert.id) {
            if record.gateway != arrival.gateway {
                return Outcome::Rejected(format!(
                    "alert {} was raised by another gateway",
                    alert.id
                ));
            }
            if self.known.messages.contains(&id) {
                return Outcome::Duplicate;
            }
            let case = record.case;
            self.known.messages.insert(id);
            self.next_message(arrival, now);
            return Outcome::Accepted(case);
        }
        self.known.messages.insert(id);
        Outcome::Accepted(self.first_message(arrival, category, now))
    }

    /// A further message about an alert that is in a case. An older one changes nothing but a count.
    fn next_message(&mut self, arrival: &Arrival, now: Timestamp) {
        let alert = &arrival.alert;
        let record = self
            .known
            .alerts
            .get_mut(&alert.id)
            .expect("the caller has found it");
        record.messages += 1;
        self.changes.alerts.insert(alert.id);
        if alert.revision <= record.alert.revision {
            return;
        }
        // Why it was raised stays; why it cleared is told by the transition.
        let becomes_real = is_drill(&record.alert) && !is_drill(alert);
        let raised = std::mem::replace(&mut record.alert, alert.clone());
        if alert.phase == Phase::Cleared {
            record.alert.reason = raised.reason;
            record.alert.evidence = raised.evidence;
        }
        let clears = alert.phase == Phase::Cleared && record.cleared_at.is_none();
        if clears {
            record.cleared_at = Some(alert.at);
        }
        let (case_id, category) = (record.case, record.category.clone());
        let case = self
            .known
            .cases
            .get_mut(&case_id)
            .expect("loaded with its alerts");
        self.changes.cases.insert(case_id);
        if becomes_real && case.is_drill && !clears {
            drill_is_real(case, now, &mut self.changes);
        }
        let was_acknowledged = case.acknowledged_at.is_some();
        raise_severity(case, alert, self.rules, now, &mut self.changes);
        unheard::tell(case, was_acknowledged, now, &mut self.changes);
        case.touch(now, false);
        let change = if clears {
            case.alerts_active = case.alerts_active.saturating_sub(1);
            bearable::gateway_is_back(case, &category, self.rules, now);
            let from = Some(case.state);
            let transition = case.system_transition(now, "clear", from, Some(cleared_note(alert)));
            self.changes.transitions.push((case_id, transition));
            Change::AlertCleared
        } else {
            Change::Updated
        };
        self.tell(case_id, change, now);
        self.look_again(case_id, now);
    }

    /// What has become life safety is hidden no longer, and filed if its category says so.
    fn look_again(&mut self, case_id: CaseId, now: Timestamp) {
        self.show_life_safety(case_id, now);
        self.file_itself(case_id, now);
    }

    fn tell(&mut self, case: CaseId, change: Change, at: Timestamp) {
        self.changes.events.push(CaseEvent { at, case, change });
    }

    /// The first message about an alert: it joins a case or opens one.
    fn first_message(
        &mut self,
        arrival: &Arrival,
        category: Option<&str>,
        now: Timestamp,
    ) -> CaseId {
        let alert = &arrival.alert;
        let catalogue = self.rules.catalogue;
        let category = category
            .and_then(|code| catalogue.get(code))
            .unwrap_or_else(|| catalogue.choose(alert));
        let key = correlation_key(arrival, category);
        let group = group_key(alert, category);
        let found = self.find(arrival, category, &key, group.as_deref(), now);
        let (case_id, because, way) = match found {
            Some(found) => found,
            None => self.again_or_new(arrival, category, &key, now),
        };
        let raised = self.count_raising(case_id, arrival, category, way, now);
        if !matches!(way, Way::Opened) {
            self.join(case_id, arrival, category, &because, raised, now);
        }
        let case = self
            .known
            .cases
            .get_mut(&case_id)
            .expect("found or opened above");
        if group.is_some() {
            case.group_key = group;
            case.group_at = now;
        }
        confirm_fire(case, arrival, category, catalogue);
        // A sensor that its gateway's silence hides keeps no key there: it is on its own again later.
        if way != Way::Gateway
            && let std::collections::hash_map::Entry::Vacant(entry) = self.known.keys.entry(key)
        {
            self.changes.keys.push((entry.key().clone(), case_id));
            entry.insert(case_id);
        }
        self.remember(arrival, category, case_id, because, now);
        self.count_alarm(case_id, way, raised, now);
        self.look_again(case_id, now);
        if raised == Raised::Latches {
            self.latched(case_id, arrival, category, now);
        }
        case_id
    }

    /// No open case is there for it: the one that ended lately, or a new one.
    fn again_or_new(
        &mut self,
        arrival: &Arrival,
        category: &Category,
        key: &str,
        now: Timestamp,
    ) -> (CaseId, Text, Way) {
        match self.ended_lately(key, now) {
            Some((before, Relink::Reopens)) => {
                let because = self.reopen(before, arrival, category, now);
                (before, because, Way::Reopened)
            }
            Some((before, Relink::Relates)) => {
                let case_id = self.open(arrival, category, now);
                self.relate(case_id, before, now);
                (case_id, raised_note(&arrival.alert), Way::Opened)
            }
            None => {
                let case_id = self.open(arrival, category, now);
                (case_id, raised_note(&arrival.alert), Way::Opened)
            }
        }
    }

    fn find(
        &self,
        arrival: &Arrival,
        category: &Category,
        key: &str,
        group: Option<&str>,
        now: Timestamp,
    ) -> Option<(CaseId, Text, Way)> {
        if let Some(case) = self.known.keys.get(key) {
            return Some((
                *case,
                text(
                    "同一设备、同一类型的未结事件",
                    "same device and kind as the open case",
                ),
                Way::Key,
            ));
        }
        let gateway_case = self.known.keys.get(&gateway_key(&arrival.gateway));
        let silenced = self.known.silent.contains(&arrival.gateway)
            && arrival.alert.kind == Kind::Availability
            && category.code != GATEWAY_OFFLINE
            && !is_drill(&arrival.alert);
        if let (true, Some(case)) = (silenced, gateway_case) {
            return Some((
                *case,
                text(
                    "所属网关离线，其传感器一并计入",
                    "its gateway is silent; the sensors behind it are counted there",
                ),
                Way::Gateway,
            ));
        }
        let group = group?;
        let minutes = self.rules.fire_group_ms / 60_000;
        self.known
            .cases
            .values()
            .filter(|case| case.state.is_open() && case.group_key.as_deref() == Some(group))
            .filter(|case| now.ms_since(case.group_at) <= self.rules.fire_group_ms)
            .max_by_key(|case| (case.group_at, case.id))
            .map(|case| {
                let because = text(
                    format!("同一楼栋 {minutes} 分钟内的另一火情信号"),
                    format!("another sign of fire in the same building within {minutes} minutes"),
                );
                (case.id, because, Way::Group)
            })
    }

    fn join(
        &mut self,
        case_id: CaseId,
        arrival: &Arrival,
        category: &Category,
        because: &Text,
        raised: Raised,
        now: Timestamp,
    ) {
        let alert = &arrival.alert;
        let catalogue = self.rules.catalogue;
        let case = self
            .known
            .cases
            .get_mut(&case_id)
            .expect("found among the known cases");
        let device = device_ref(arrival);
        let is_new_device = !case.devices.contains(&device);
        let was_acknowledged = case.acknowledged_at.is_some();
        if is_new_device {
            case.devices.push(device);
            case.related_reason.get_or_insert_with(|| because.clone());
        }
        if !case.kinds.contains(&alert.kind) {
            case.kinds.push(alert.kind);
        }
        case.alert_count += 1;
        if alert.phase != Phase::Cleared {
            case.alerts_active += 1;
        }
        category_of(case, category, catalogue);
        if category.code == GATEWAY_OFFLINE {
            case.marks.release_at = None;
        }
        self.changes.cases.insert(case_id);
        raise_severity(case, alert, self.rules, now, &mut self.changes);
        if is_new_device {
            unheard::new_device(case, alert, catalogue, now, &mut self.changes);
        }
        unheard::tell(case, was_acknowledged, now, &mut self.changes);
        if raised == Raised::Latched {
            // The hazard is shown already: this one is only counted.
            case.touch(now, false);
            self.tell(case_id, Change::Updated, now);
            return;
        }
        lapse_proposal(case, now, &mut self.changes);
        case.touch(now, true);
        let row = own_step(
            case,
            "join",
            case.state,
            Details::default(),
            because.clone(),
            now,
        );
        self.changes.transitions.push((case_id, row));
        self.tell(case_id, Change::Joined, now);
        self.show_what_no_silence_fits(case_id, arrival, category, now);
    }

    fn open(&mut self, arrival: &Arrival, category: &Category, now: Timestamp) -> CaseId {
        let alert = &arrival.alert;
        let id = self.known.next_case;
        self.known.next_case += 1;
        let mut case = Case {
            id,
            number: self.next_number(now),
            version: 1,
            decision_version: 1,
            state: State::Reported,
            severity: alert.severity,
            category: category.code.clone(),
            site: alert.site.clone(),
            place: alert.place.clone(),
            kinds: vec![alert.kind],
            devices: vec![device_ref(arrival)],
            detectors: Vec::new(),
            alert_count: 1,
            alerts_active: u32::from(alert.phase != Phase::Cleared),
            opened_at: now,
            updated_at: now,
            ack_due_at: self.ack_due(&category.code, alert, now),
            acknowledged_at: None,
            acknowledged_by: None,
            ended_at: None,
            is_drill: is_drill(alert),
            group_key: None,
            group_at: now,
            related_reason: None,
            proposal: None,
            transitions: 0,
            marks: Marks::default(),
            progress: Progress::default(),
        };
        let mut transition = case.system_transition(now, "report", None, Some(raised_note(alert)));
        if let Some(level) = level::by_severity(alert.severity) {
            case.progress.level = Some(level);
            transition.details = Some(Details {
                level: Some(level),
                ..Details::default()
            });
        }
        self.known.cases.insert(id, case);
        self.changes.opened.insert(id);
        self.changes.cases.insert(id);
        self.changes.transitions.push((id, transition));
        let hidden = self.hide(id, arrival, category, now);
        let change = if hidden {
            Change::Silenced
        } else {
            Change::Opened
        };
        self.tell(id, change, now);
        id
    }

    fn ack_due(&self, category: &str, alert: &Alert, now: Timestamp) -> Timestamp {
        now.plus_ms(
            self.rules
                .catalogue
                .acknowledge_ms(category, alert.severity),
        )
    }

    fn next_number(&mut self, now: Timestamp) -> String {
        let day = local_day(now, self.rules.utc_offset_minutes);
        let count = self.known.cases_of_day.entry(day.clone()).or_insert(0);
        *count += 1;
        format!("{day}-{count:06}")
    }

    fn remember(
        &mut self,
        arrival: &Arrival,
        category: &Category,
        case: CaseId,
        joined_because: Text,
        now: Timestamp,
    ) {
        let alert = &arrival.alert;
        self.changes.alerts.insert(alert.id);
        let record = AlertRecord {
            alert: alert.clone(),
            gateway: arrival.gateway.clone(),
            case,
            category: category.code.clone(),
            arrived_at: now,
            joined_at: now,
            joined_because,
            messages: 1,
            cleared_at: (alert.phase == Phase::Cleared).then_some(alert.at),
        };
        self.known.alerts.insert(alert.id, record);
    }
}

/// The local day of a point in time, such as `20261122`.
#[must_use]
pub fn local_day(at: Timestamp, utc_offset_minutes: i32) -> String {
    let local = at
        .plus_ms(i64::from(utc_offset_minutes) * 60_000)
        .to_string();
    local.chars().take(10).filter(|c| *c != '-').collect()
}
