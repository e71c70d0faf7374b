//! Rows for people who are called, and for what is missing at a desk. Pure.
//!
//! A case's news to somebody who is called is a message about the case like any other: it comes with
//! the channel's filter on cases, its quiet hours and its quota, but whatever changes the channel wants to
//! hear of. What is missing at a desk is told to everybody whom the channel tells of its areas, and to
//! the people who are called by it.

use std::collections::{BTreeMap, BTreeSet};

use gridwatch_protocol::{SiteId, Text, Timestamp};

use super::config::Channel;
use super::policy::{DUTY, Facts, News};
use super::rows::{Batch, Known, NewRow};
use super::send::Kind;
use crate::cases::text;
use crate::roster::calls::Address;
use crate::roster::reports::Report;

/// Where those are reached whom each event calls.
pub type Addresses = BTreeMap<i64, Vec<Address>>;

/// Adds the rows of those who are called by news of cases; nobody gets a second row about one event.
pub fn of_cases(
    batch: &mut Batch,
    channels: &[Channel],
    news: &[News],
    (addresses, known): (&Addresses, &Known),
    now: Timestamp,
    utc_offset_minutes: i32,
    mut ids: impl FnMut() -> String,
) {
    let mut made: BTreeSet<(String, String, i64)> = batch.rows.iter().map(key).collect();
    for one in news {
        for (channel, address) in reached(channels, addresses, one.seq) {
            let at = channel.filter.call_at(one, now, utc_offset_minutes);
            let Some(not_before) = at else { continue };
            let thread = (channel.name.clone(), address.to_owned(), one.case.id);
            let mut news = one.clone();
            news.first = !known.told.contains_key(&thread);
            let row = row(ids(), Kind::Case, thread, news, (now, not_before));
            if made.insert(key(&row)) {
                batch.rows.push(row);
            }
        }
    }
}

/// Adds the rows of what is missing at desks.
pub fn of_desks(
    batch: &mut Batch,
    channels: &[Channel],
    news: &[News],
    addresses: &Addresses,
    now: Timestamp,
    utc_offset_minutes: i32,
    mut ids: impl FnMut() -> String,
) {
    let mut made = BTreeSet::new();
    for one in news {
        let mut tell = |channel: &Channel, address: String, not_before| {
            let thread = (channel.name.clone(), address, one.case.id);
            let row = row(ids(), Kind::Duty, thread, one.clone(), (now, not_before));
            if made.insert(key(&row)) {
                batch.rows.push(row);
            }
        };
        for channel in channels {
            let plan = channel.filter.plan(one, None, now, utc_offset_minutes);
            if let Some(plan) = plan {
                for recipient in channel.recipients() {
                    tell(channel, recipient, plan.not_before);
                }
            }
        }
        for (channel, address) in reached(channels, addresses, one.seq) {
            if let Some(at) = channel.filter.call_at(one, now, utc_offset_minutes) {
                tell(channel, address.to_owned(), at);
            }
        }
    }
}

fn reached<'a>(
    channels: &'a [Channel],
    addresses: &'a Addresses,
    event: i64,
) -> impl Iterator<Item = (&'a Channel, &'a str)> {
    let called = addresses.get(&event).map_or(&[][..], Vec::as_slice);
    channels.iter().flat_map(move |channel| {
        let address = move |person| Some((channel, channel.address_of(person)?));
        called.iter().filter_map(address)
    })
}

fn key(row: &NewRow) -> (String, String, i64) {
    (row.channel.clone(), row.recipient.clone(), row.news.seq)
}

fn row(
    id: String,
    kind: Kind,
    (channel, recipient, _): (String, String, i64),
    news: News,
    (since, not_before): (Timestamp, Timestamp),
) -> NewRow {
    NewRow {
        id,
        channel,
        recipient,
        kind,
        since,
        not_before,
        news,
        merged_into: None,
    }
}

/// A report of a desk as news; none when the area's code does not fit where a site's id stands.
#[must_use]
pub fn desk_news(
    (seq, at): (i64, Timestamp),
    area: &str,
    name: Text,
    areas: Vec<String>,
    report: &Report,
) -> Option<News> {
    Some(News {
        seq,
        at,
        change: report.kind.as_str().to_owned(),
        earlier: Vec::new(),
        first: true,
        said: None,
        head: None,
        case: Facts {
            id: 0,
            number: area.to_owned(),
            severity: report.severity,
            category: DUTY.to_owned(),
            category_name: text("值班", "Duty"),
            site: SiteId::new(area).ok()?,
            title: report.detail.clone(),
            place: name,
            areas,
            state: "missing".to_owned(),
            is_drill: false,
            opened_at: report.began_at,
            due: None,
            in_flood: false,
        },
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use gridwatch_protocol::Severity;

    use super::*;
    use crate::notify::config::Notify;
    use crate::notify::text::sample;
    use crate::roster::reports;

    fn channels(more: &str) -> Vec<Channel> {
        let text = format!(
            "allow_hosts = []\nca_file = \"\"\nattempts_max = 3
[[channel]]
name = \"robot\"
kind = \"wecom\"
url_env = \"U\"
[[channel]]
name = \"mail\"
kind = \"email\"
server = \"mail.example.org\"
from = \"hub@example.org\"
to = [\"room@example.org\"]
people = true
{more}"
        );
        let mut notify: Notify = toml::from_str(&text).unwrap();
        let mut problems = Vec::new();
        notify.resolve(Path::new(""), &mut problems);
        assert!(problems.is_empty(), "{problems:?}");
        notify.channels
    }

    fn ids() -> impl FnMut() -> String {
        let mut last = 0;
        move || {
            last += 1;
            format!("id-{last}")
        }
    }

    fn called(seq: i64, emails: &[&str]) -> Addresses {
        let of = |email: &&str| Address {
            email: Some((*email).to_owned()),
            phone: Some("+8613800000000".to_owned()),
        };
        [(seq, emails.iter().map(of).collect())].into()
    }

    fn told(batch: &Batch) -> Vec<(&str, &str)> {
        let rows = batch.rows.iter();
        rows.map(|row| (row.channel.as_str(), row.recipient.as_str()))
            .collect()
    }

    #[test]
    fn people_who_are_called_get_the_case_by_mail_once() {
        let now = Timestamp::from_unix_ms(0);
        let mut news = sample(Severity::P1, "escalated");
        news.seq = 7;
        let addresses = called(7, &["wang@example.org", "room@example.org", "nonsense"]);
        let channels = channels("");
        let known = Known::default();
        let mut batch = crate::notify::plan::batch(
            &channels,
            std::slice::from_ref(&news),
            known.clone(),
            now,
            480,
            ids(),
        );
        let with = (&addresses, &known);
        of_cases(&mut batch, &channels, &[news], with, now, 480, ids());
        let expected = [
            ("robot", ""),
            ("mail", "room@example.org"),
            ("mail", "wang@example.org"),
        ];
        assert_eq!(told(&batch), expected);
    }

    #[test]
    fn call_comes_whatever_changes_the_channel_wants_but_not_for_other_cases() {
        let now = Timestamp::from_unix_ms(0);
        let addresses = called(7, &["wang@example.org"]);
        let known = Known::default();
        for (more, severity, expected) in [
            ("changes = [\"closed\"]\n", Severity::P2, 1),
            ("severities = [\"P1\"]\n", Severity::P2, 0),
            ("areas = [\"990199\"]\n", Severity::P1, 0),
        ] {
            let channels = channels(more);
            let mut news = sample(severity, "escalated");
            news.seq = 7;
            let mut batch = Batch::default();
            let with = (&addresses, &known);
            of_cases(&mut batch, &channels, &[news], with, now, 480, ids());
            assert_eq!(batch.rows.len(), expected, "{more}");
        }
    }

    #[test]
    fn what_is_missing_at_a_desk_goes_to_rooms_and_to_leaders() {
        let now = Timestamp::from_unix_ms(0);
        let report = Report {
            kind: reports::Kind::DutyGap,
            severity: Severity::P2,
            began_at: now,
            detail: text("星河街道：无人值班", "Xinghe: nobody is on duty"),
        };
        let areas = vec!["990100".to_owned(), "990101".to_owned()];
        let name = text("星河街道", "Xinghe Street");
        let news = desk_news((9, now), "990101", name, areas, &report).unwrap();
        let mut batch = Batch::default();
        let addresses = called(9, &["boss@example.org"]);
        let channels = channels("");
        of_desks(&mut batch, &channels, &[news], &addresses, now, 480, ids());
        let expected = [
            ("robot", ""),
            ("mail", "room@example.org"),
            ("mail", "boss@example.org"),
        ];
        assert_eq!(told(&batch), expected);
        assert!(batch.rows.iter().all(|row| row.kind == Kind::Duty));
    }

    #[test]
    fn channel_that_reaches_no_single_person_takes_no_people() {
        let text = "allow_hosts = []\nca_file = \"\"\nattempts_max = 3
[[channel]]
name = \"robot\"
kind = \"wecom\"
url_env = \"U\"
people = true
";
        let mut notify: Notify = toml::from_str(text).unwrap();
        let mut problems = Vec::new();
        notify.resolve(Path::new(""), &mut problems);
        let told = problems.join("\n");
        assert!(
            told.contains("`people` is not for the kind wecom"),
            "{told}"
        );
    }
}
