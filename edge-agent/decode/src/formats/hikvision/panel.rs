//! Alarm panels: events with a Contact ID code (`standardCIDcode`; SIA DC-05). The first digit tells
//! event (1) from restoral (3), the other three what it is.

use gridwatch_protocol::{Kind, Value};

use super::alert::Alert;
use crate::formats::seen::Seen;
use crate::observation::{Observation, Output};

pub(super) fn read(alert: &Alert, told: &mut Seen, output: &mut Output) {
    let root = alert.root();
    output.heard.push(root.clone());
    let Some(code) = alert.number("standardCIDcode") else {
        output.note(|| format!("hikvision: {root} gives no standard Contact ID code"));
        return;
    };
    let begins = match code / 1000 {
        1 => true,
        3 => false,
        _ => return,
    };
    let Some((kind, word)) = meaning(code % 1000) else {
        output.note(|| format!("hikvision: Contact ID code {code} is nothing that is read"));
        return;
    };
    let device = match alert.number("zone") {
        Some(zone) => format!("{root}/zone/{zone}"),
        None => root.clone(),
    };
    let value = match (kind, begins) {
        (Kind::Battery, true) => Value::Text("low".to_owned()),
        (Kind::Battery, false) => Value::Text("ok".to_owned()),
        // Mains lost: power is not there.
        (Kind::Power, begins) => Value::Bool(!begins),
        (Kind::Other, true) => Value::Text(word.to_owned()),
        (_, begins) => Value::Bool(begins),
    };
    let at = alert.text("dateTime").unwrap_or_default();
    let id = format!("{device}/{code}@{at}");
    if told.is_new(&id) {
        output.push(
            Observation::new(device, kind, value)
                .at(alert.time())
                .event(id),
        );
    }
}

fn meaning(code: u32) -> Option<(Kind, &'static str)> {
    Some(match code {
        110 | 111 | 115 => (Kind::Smoke, "fire"),
        114 | 158 => (Kind::Heat, "heat"),
        113 | 154 => (Kind::WaterLeak, "water"),
        151 => (Kind::Gas, "gas"),
        162 => (Kind::CarbonMonoxide, "carbon monoxide"),
        137 | 144 | 145 | 383 => (Kind::Tamper, "tamper"),
        301 => (Kind::Power, "mains"),
        302 | 384 => (Kind::Battery, "battery"),
        100..=102 => (Kind::Other, "help"),
        120..=123 => (Kind::Other, "panic"),
        130..=136 | 140 => (Kind::Other, "burglary"),
        _ => return None,
    })
}
