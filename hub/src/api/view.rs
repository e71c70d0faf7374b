//! What officers see of a case: the store's rows with names in words.

use std::collections::BTreeSet;

use gridwatch_protocol::{Alert, DeviceId, Kind, Place, Severity, SiteId, Text, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::cases::offers::{self, AllowedAction};
use crate::cases::{
    Actor, AlertRecord, Card, Case, CaseId, Level, Mode, Progress, State, Transition, WaitsFor,
};
use crate::catalogue::{Catalogue, Category};
use crate::clocks::Calendar;
use crate::correlation::chatter::{self, Raisings};
use crate::correlation::marks::Silenced;
use crate::directory::{AreaStep, Directory};
use crate::engine::act;

/// A site's name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SiteName {
    /// Its id.
    pub id: SiteId,
    /// Its name; its id when the hub does not know it.
    pub name: Text,
    /// Whether the hub's configuration has it.
    pub known: bool,
}

/// A unit's name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UnitName {
    /// Its code.
    pub code: String,
    /// Its name; its code when the hub does not know it.
    pub name: Text,
}

/// A case in a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CaseSummary {
    /// Its number in the store.
    pub id: CaseId,
    /// Its number for people.
    pub number: String,
    /// Grows with every change.
    pub version: i64,
    /// Where in the loop it is.
    pub state: State,
    /// The most urgent severity of its alerts.
    pub severity: Severity,
    /// Code of its category.
    pub category: String,
    /// Name of its category.
    pub category_name: Text,
    /// Category and place in one line.
    pub title: Text,
    /// Its site.
    pub site: SiteName,
    /// From the city down to the grid; empty when the site is not known.
    pub area_path: Vec<AreaStep>,
    /// Where in the site.
    pub place: Place,
    /// What its alerts are about.
    pub kinds: Vec<Kind>,
    /// Their devices.
    pub devices: Vec<DeviceId>,
    /// How many alerts it has.
    pub alert_count: u32,
    /// How many of them have not cleared.
    pub alerts_active: u32,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<Timestamp>,
    /// Who acknowledged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_by: Option<String>,
    /// Until when it must be acknowledged.
    pub ack_due_at: Timestamp,
    /// The unit that has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<UnitName>,
    /// Until when it has to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// How it is handled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// 加急
    #[serde(default)]
    pub urgent: bool,
    /// 督办
    #[serde(default)]
    pub card: Card,
    /// How often its limit was extended.
    #[serde(default)]
    pub extended: u8,
    /// 响应级别
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// The silence that hides it for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silenced: Option<Silenced>,
    /// The flood in which it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flood: Option<i64>,
    /// What it may be one matter with: the same text on each case of one group of alerts, such as
    /// `fire:site:building`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Cases of the same cause: closed a short while ago, or split off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<CaseId>,
    /// What the unit has asked for or appealed against and nobody has decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<WaitsFor>,
    /// How often its points have raised in all.
    #[serde(default)]
    pub raisings: u32,
    /// When it ended: closed, rejected or merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Whether it is a drill or test.
    pub is_drill: bool,
}

/// An alert of a case.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CaseAlert {
    /// Its newest message.
    pub alert: Alert,
    /// The gateway that sent it.
    pub gateway: gridwatch_protocol::GatewayId,
    /// When it joined the case.
    pub joined_at: Timestamp,
    /// Why.
    pub joined_because: Text,
    /// When its first message arrived.
    pub arrived_at: Timestamp,
    /// How many messages about it are stored.
    pub revisions: u32,
    /// When it cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleared_at: Option<Timestamp>,
}

/// How often a point has raised.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Point {
    /// As the case counts it.
    #[serde(flatten)]
    pub raisings: Raisings,
    /// Whether it is latched: further raisings are only counted.
    pub latched: bool,
}

fn points(case: &Case, catalogue: &Catalogue, now: Timestamp) -> Vec<Point> {
    let quiet_ms = catalogue
        .get(&case.category)
        .map_or(chatter::QUIET_MS, Category::quiet_ms);
    let point = |raisings: &Raisings| Point {
        latched: raisings.is_latched(quiet_ms, now),
        raisings: raisings.clone(),
    };
    case.marks.raisings.iter().map(point).collect()
}

/// A case with everything about it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CaseView {
    /// As in lists.
    #[serde(flatten)]
    pub summary: CaseSummary,
    /// Its alerts, in the order in which they joined; at most the first 500.
    pub alerts: Vec<CaseAlert>,
    /// Its history.
    pub transitions: Vec<Transition>,
    /// What the asking officer can do now.
    pub allowed_actions: Vec<AllowedAction>,
    /// Why alerts of several devices are in it.
    pub related_reason: Option<Text>,
    /// How often each of its points has raised, and which are latched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<Point>,
    /// Of a gateway's case: when the sensors behind it that are still silent get cases of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_at: Option<Timestamp>,
    /// What the loop has brought it to.
    pub progress: Progress,
    /// The units that `progress` and `transitions` name.
    pub units: Vec<UnitName>,
}

/// A case in a list.
#[must_use]
pub fn summary(case: &Case, directory: &Directory, catalogue: &Catalogue) -> CaseSummary {
    let category_name = catalogue.name(&case.category);
    let site_name = directory.site_name(&case.site);
    let mut devices: Vec<DeviceId> = Vec::new();
    for device in &case.devices {
        if !devices.contains(&device.device) {
            devices.push(device.device.clone());
        }
    }
    CaseSummary {
        id: case.id,
        number: case.number.clone(),
        version: case.version,
        state: case.state,
        severity: case.severity,
        category: case.category.clone(),
        title: title(&category_name, &site_name, &case.place),
        category_name,
        site: SiteName {
            id: case.site.clone(),
            name: site_name,
            known: directory.site(&case.site).is_some(),
        },
        area_path: directory.path(&case.site),
        place: case.place.clone(),
        kinds: case.kinds.clone(),
        devices,
        alert_count: case.alert_count,
        alerts_active: case.alerts_active,
        opened_at: case.opened_at,
        updated_at: case.updated_at,
        acknowledged_at: case.acknowledged_at,
        acknowledged_by: case.acknowledged_by.clone(),
        ack_due_at: case.ack_due_at,
        ended_at: case.ended_at,
        is_drill: case.is_drill,
        unit: case
            .progress
            .unit
            .as_deref()
            .map(|code| unit_name(code, directory)),
        due_at: case.progress.due_at,
        mode: case
            .progress
            .mode
            .or_else(|| catalogue.get(&case.category).and_then(|c| c.mode)),
        urgent: case.progress.urgent,
        card: case.progress.card,
        extended: case.progress.extended,
        level: case.progress.level,
        silenced: case.marks.silenced.filter(|_| case.is_silenced()),
        flood: case.marks.flood,
        group: case.group_key.clone(),
        related: case.marks.related.clone(),
        waits_for: case.progress.waits_for(case.state),
        raisings: case
            .marks
            .raisings
            .iter()
            .fold(0, |sum, point| sum.saturating_add(point.count)),
    }
}

fn unit_name(code: &str, directory: &Directory) -> UnitName {
    UnitName {
        code: code.to_owned(),
        name: directory.unit(code).map_or_else(
            || Text {
                zh: code.to_owned(),
                en: code.to_owned(),
            },
            |unit| unit.name.clone(),
        ),
    }
}

/// Every unit that the case and its history name, once.
fn units_of(case: &Case, transitions: &[Transition], directory: &Directory) -> Vec<UnitName> {
    let progress = &case.progress;
    let mut codes: BTreeSet<&String> = progress.unit.iter().collect();
    codes.extend(progress.tasks.iter().map(|task| &task.unit));
    codes.extend(progress.calls.iter().map(|call| &call.unit));
    for details in transitions.iter().filter_map(|row| row.details.as_ref()) {
        codes.extend(details.unit.iter().chain(&details.units));
    }
    let names = codes.into_iter().map(|code| unit_name(code, directory));
    names.collect()
}

/// A case with everything about it, for this officer; `master` is the case that took it in.
#[must_use]
#[expect(clippy::too_many_arguments, reason = "the parts of one page")]
pub fn case_view(
    case: &Case,
    master: Option<&Case>,
    alerts: Vec<AlertRecord>,
    transitions: Vec<Transition>,
    actor: &Actor,
    directory: &Directory,
    catalogue: &Catalogue,
    calendar: &Calendar,
    now: Timestamp,
) -> CaseView {
    let alerts = alerts.into_iter().map(|record| CaseAlert {
        alert: record.alert,
        gateway: record.gateway,
        joined_at: record.joined_at,
        joined_because: record.joined_because,
        arrived_at: record.arrived_at,
        revisions: record.messages,
        cleared_at: record.cleared_at,
    });
    let context = act::context(catalogue, directory, calendar, case, master, now);
    CaseView {
        summary: summary(case, directory, catalogue),
        alerts: alerts.collect(),
        units: units_of(case, &transitions, directory),
        transitions,
        allowed_actions: offers::allowed(case, actor, &context, now),
        related_reason: case.related_reason.clone(),
        points: points(case, catalogue, now),
        release_at: case.marks.release_at,
        progress: case.progress.clone(),
    }
}

fn title(category: &Text, site: &Text, place: &Place) -> Text {
    let mut zh = format!("{} · {}", category.zh, site.zh);
    let mut en = format!("{} · {}", category.en, site.en);
    for (part, zh_word, en_word) in [
        (&place.building, "栋", "building "),
        (&place.unit, "单元", "unit "),
        (&place.floor, "层", "floor "),
        (&place.room, "", ""),
    ] {
        let Some(part) = part else { continue };
        // What already is a word of its own (`东门`, `Block A`) needs no other.
        let number = part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let (zh_word, en_word) = if number { (zh_word, en_word) } else { ("", "") };
        zh.push_str(&format!(" {part}{zh_word}"));
        en.push_str(&format!(", {en_word}{part}"));
    }
    Text { zh, en }
}
