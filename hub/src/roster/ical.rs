//! Somebody's shifts as a calendar file (RFC 5545). Pure.

use gridwatch_protocol::Timestamp;
use sha2::{Digest, Sha256};

use super::duty::DutyRole;

/// One shift of somebody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnShift {
    /// Code of the area.
    pub area: String,
    /// Name of the area.
    pub area_name: String,
    /// Name of the shift.
    pub shift: String,
    /// As what.
    pub role: DutyRole,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// Octets of a line (RFC 5545, 3.1).
const LINE_MAX: usize = 75;

/// The calendar of these shifts, as it was known at `now`. The same shift keeps its UID, so that a
/// calendar that reads the file again does not show it twice.
#[must_use]
pub fn calendar(username: &str, shifts: &[OwnShift], now: Timestamp) -> String {
    let mut text = String::new();
    for fixed in [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Gridwatch//Roster//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
    ] {
        line(&mut text, fixed);
    }
    for one in shifts {
        let role = match one.role {
            DutyRole::Officer => "值班员 / officer",
            DutyRole::ShiftLeader => "值班长 / shift leader",
            DutyRole::Leader => "领导 / leader",
        };
        line(&mut text, "BEGIN:VEVENT");
        line(&mut text, &format!("UID:{}@gridwatch", uid(username, one)));
        line(&mut text, &format!("DTSTAMP:{}", utc(now)));
        line(&mut text, &format!("DTSTART:{}", utc(one.from)));
        line(&mut text, &format!("DTEND:{}", utc(one.until)));
        let summary = format!("{} {}", one.area_name, one.shift);
        line(&mut text, &format!("SUMMARY:{}", escaped(&summary)));
        line(&mut text, &format!("DESCRIPTION:{}", escaped(role)));
        line(&mut text, "END:VEVENT");
    }
    line(&mut text, "END:VCALENDAR");
    text
}

fn uid(username: &str, one: &OwnShift) -> String {
    let key = format!(
        "{username}\n{}\n{}\n{}\n{}",
        one.area,
        one.shift,
        one.role.as_str(),
        one.from.unix_ms()
    );
    hex::encode(&Sha256::digest(key)[..16])
}

/// `20261201T120000Z`.
fn utc(at: Timestamp) -> String {
    let text = at.to_string();
    let seconds: String = text.chars().take(19).collect();
    let digits: String = seconds
        .chars()
        .filter(|c| !matches!(c, '-' | ':'))
        .collect();
    format!("{digits}Z")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A line, folded between characters so that no part is longer than [`LINE_MAX`] octets.
fn line(out: &mut String, text: &str) {
    let mut room = LINE_MAX;
    for c in text.chars() {
        if c.len_utf8() > room {
            out.push_str("\r\n ");
            room = LINE_MAX - 1;
        }
        out.push(c);
        room -= c.len_utf8();
    }
    out.push_str("\r\n");
}
