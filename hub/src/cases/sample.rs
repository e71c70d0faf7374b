//! Alerts, people and what the engine knows, for tests.

use gridwatch_protocol::{
    Alert, AlertId, ClockQuality, DetectedBy, DeviceId, GatewayId, Kind, Phase, Place, Severity,
    SiteId, Text, Timestamp,
};
use uuid::Uuid;

use super::actions::{self, Decided, Refusal, Request};
use super::conditions::Context;
use super::desk::Rules;
use super::{Action, Actor, Arrival, Case, Details, Role};
use crate::catalogue::Catalogue;
use crate::directory::Directory;

/// Milliseconds of 2026-11-22T03:00:00Z.
pub const START_MS: i64 = 1_795_316_400_000;

/// A raised alert with this id number.
pub fn alert(id: u128, device: &str, kind: Kind) -> Alert {
    Alert {
        id: AlertId(Uuid::from_u128(id)),
        revision: 0,
        phase: Phase::Raised,
        sequence: Some(1),
        boot_epoch: 1,
        kind,
        severity: if kind.is_life_safety() {
            Severity::P1
        } else {
            Severity::P3
        },
        device: DeviceId::new(device).unwrap(),
        device_known: true,
        site: SiteId::new("xinghe-garden").unwrap(),
        place: Place {
            building: Some("3".into()),
            ..Place::default()
        },
        raised_at: Timestamp::from_unix_ms(START_MS),
        at: Timestamp::from_unix_ms(START_MS),
        clock: ClockQuality::Plausible,
        detected_by: DetectedBy::Rule {
            rule: format!("{kind}-rule"),
        },
        score: None,
        reason: Text {
            zh: "原因".into(),
            en: "reason".into(),
        },
        evidence: vec![],
        source_event: None,
        is_test: false,
    }
}

/// The same, raised by a model.
pub fn by_model(id: u128, device: &str, kind: Kind) -> Alert {
    let mut alert = alert(id, device, kind);
    alert.detected_by = DetectedBy::Model {
        model: "m".into(),
        build: 1,
    };
    alert.severity = Severity::P3;
    alert
}

/// The next message about an alert.
pub fn next(alert: &Alert, phase: Phase) -> Alert {
    Alert {
        revision: alert.revision + 1,
        phase,
        ..alert.clone()
    }
}

/// As it comes in from gateway `gw-1`.
pub fn arrival(alert: Alert) -> Arrival {
    Arrival {
        gateway: GatewayId::new("gw-1").unwrap(),
        alert,
    }
}

/// The shipped catalogue, areas, units and sites.
pub struct Shipped {
    /// Its categories.
    pub catalogue: Catalogue,
    /// Its areas, units and sites.
    pub directory: Directory,
}

impl Shipped {
    /// As it is shipped.
    pub fn load() -> Self {
        Self {
            catalogue: Catalogue::parse(include_str!("../../../configs/categories.toml")).unwrap(),
            directory: Directory::parse(
                include_str!("../../../configs/areas.toml"),
                include_str!("../../../configs/sites.toml"),
            )
            .unwrap(),
        }
    }

    /// What a desk goes by.
    pub fn rules(&self) -> Rules<'_> {
        Rules {
            catalogue: &self.catalogue,
            directory: &self.directory,
            fire_group_ms: 600_000,
            utc_offset_minutes: 480,
        }
    }

    /// Limits are an hour, and an hour more.
    pub fn context<'a>(
        &'a self,
        case: &Case,
        other: Option<&'a Case>,
        now: Timestamp,
    ) -> Context<'a> {
        const HOUR: i64 = 3_600_000;
        Context {
            catalogue: &self.catalogue,
            directory: &self.directory,
            due: Some(now.plus_ms(HOUR)),
            extended_due: case.progress.due_at.map(|due| due.plus_ms(HOUR)),
            other,
        }
    }

    /// Does it, with a reason.
    pub fn act(
        &self,
        case: &mut Case,
        action: Action,
        who: &Actor,
        details: Details,
        now: Timestamp,
    ) -> Result<Decided, Refusal> {
        let request = Request {
            action,
            reason: Some("because".into()),
            details,
            version: case.version,
        };
        let context = self.context(case, None, now);
        actions::apply(case, &request, who, &context, now)
    }
}

/// Somebody of the office.
pub fn person(name: &str, role: Role) -> Actor {
    Actor {
        username: name.into(),
        display_name: name.to_uppercase(),
        role,
        unit: None,
    }
}

/// Somebody of a unit.
pub fn of_unit(name: &str, role: Role, unit: &str) -> Actor {
    Actor {
        unit: Some(unit.into()),
        ..person(name, role)
    }
}
