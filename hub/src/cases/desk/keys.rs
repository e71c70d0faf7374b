//! The keys by which an alert finds its case. Pure.

use gridwatch_protocol::{Alert, GatewayId, Kind, Place, SiteId};

use crate::cases::Arrival;
use crate::catalogue::{Category, FALSE_ALARMS_FREQUENT, GATEWAY_OFFLINE, Group};

/// The key of an alert: an open case is found by it.
#[must_use]
pub fn correlation_key(arrival: &Arrival, category: &Category) -> String {
    let Alert { device, kind, .. } = &arrival.alert;
    let gateway = &arrival.gateway;
    let drill = drill_prefix(&arrival.alert);
    if category.code == GATEWAY_OFFLINE {
        return format!("gateway:{gateway}");
    }
    if category.code == FALSE_ALARMS_FREQUENT {
        return format!("{drill}false_alarms:{}", arrival.alert.site);
    }
    if category.separate {
        format!("{drill}device:{gateway}/{device}:{kind}:{}", category.code)
    } else {
        format!("{drill}device:{gateway}/{device}:{kind}")
    }
}

/// The key of the case of a silent gateway.
#[must_use]
pub fn gateway_key(gateway: &GatewayId) -> String {
    format!("gateway:{gateway}")
}

/// The group of an alert, if its category has one.
#[must_use]
pub fn group_key(alert: &Alert, category: &Category) -> Option<String> {
    group_key_of(&alert.site, &alert.place, is_drill(alert), category)
}

/// The group of something at this place, if its category has one.
#[must_use]
pub fn group_key_of(
    site: &SiteId,
    place: &Place,
    is_drill: bool,
    category: &Category,
) -> Option<String> {
    let Group::Fire = category.group?;
    let building = place.building.as_deref().unwrap_or_default();
    let drill = if is_drill { "drill:" } else { "" };
    Some(format!("{drill}fire:{site}:{building}"))
}

pub(super) fn is_drill(alert: &Alert) -> bool {
    alert.is_test || alert.kind == Kind::AlarmTest
}

fn drill_prefix(alert: &Alert) -> &'static str {
    if is_drill(alert) { "drill:" } else { "" }
}
