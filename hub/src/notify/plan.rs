//! From events to rows. Pure: what is known goes in, what is to be stored comes out.

use gridwatch_protocol::{Severity, Timestamp};

use super::config::Channel;
use super::policy::{self, News};
use super::rows::{Batch, Known, NewRow, WaitingRow};
use super::send::Kind;

/// The rows for this news, in the order of events. `ids` gives a new id at every call.
#[must_use]
pub fn batch(
    channels: &[Channel],
    news: &[News],
    mut known: Known,
    now: Timestamp,
    utc_offset_minutes: i32,
    mut ids: impl FnMut() -> String,
) -> Batch {
    let mut batch = Batch::default();
    for one in news {
        for channel in channels {
            for recipient in channel.recipients() {
                let thread = (channel.name.clone(), recipient, one.case.id);
                let told = known.told.get(&thread).copied();
                let Some(plan) = channel.filter.plan(one, told, now, utc_offset_minutes) else {
                    continue;
                };
                // Programs are told of each change at once; people, in a flood, by digest.
                let digest = policy::digest_at(&one.case, now).filter(|_| channel.merges());
                let not_before = digest.map_or(plan.not_before, |at| at.max(plan.not_before));
                let mut news = one.clone();
                news.change = plan.change;
                news.first = told.is_none();
                let mut row = NewRow {
                    id: ids(),
                    channel: thread.0.clone(),
                    recipient: thread.1.clone(),
                    kind: Kind::Case,
                    since: now,
                    not_before,
                    news,
                    merged_into: None,
                };
                if channel.merges()
                    && let Some(older) = known.waiting.remove(&thread)
                {
                    row.news = policy::merge(&older.news, row.news);
                    row.since = older.since;
                    take_in(&mut batch, older.id, &row.id);
                }
                let waiting = WaitingRow {
                    id: row.id.clone(),
                    since: row.since,
                    news: row.news.clone(),
                };
                known.waiting.insert(thread.clone(), waiting);
                let severity = one.case.severity;
                let worst = told.map_or(severity, |told: Severity| told.most_urgent(severity));
                known.told.insert(thread, worst);
                batch.rows.push(row);
            }
        }
    }
    batch
}

/// The older row stays as a row that says where its news went.
fn take_in(batch: &mut Batch, older: String, newer: &str) {
    match batch.rows.iter_mut().find(|row| row.id == older) {
        Some(row) => row.merged_into = Some(newer.to_owned()),
        None => batch.merged.push((older, newer.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::notify::config::{Notify, Target};
    use crate::notify::text::sample;

    fn channels() -> Vec<Channel> {
        let text = "allow_hosts = []\nca_file = \"\"\nattempts_max = 3
[[channel]]
name = \"robot\"
kind = \"wecom\"
url_env = \"U\"
[[channel]]
name = \"fire\"
kind = \"wecom\"
url_env = \"U\"
severities = [\"P1\"]
[[channel]]
name = \"hook\"
kind = \"webhook\"
url_env = \"U\"
secret_env = \"S\"
changes = [\"opened\", \"joined\", \"closed\"]
";
        let mut notify: Notify = toml::from_str(text).unwrap();
        let mut problems = Vec::new();
        notify.resolve(std::path::Path::new(""), &mut problems);
        assert!(problems.is_empty(), "{problems:?}");
        assert!(matches!(notify.channels[2].target, Target::Webhook { .. }));
        notify.channels
    }

    fn numbers() -> impl FnMut() -> String {
        let mut last = 0;
        move || {
            last += 1;
            format!("id-{last:04}")
        }
    }

    fn news(seq: i64, case: i64, severity: Severity, change: &str) -> News {
        let mut news = sample(severity, change);
        news.seq = seq;
        news.case.id = case;
        news
    }

    #[test]
    fn in_a_flood_low_urgency_waits_for_the_digest_and_p1_and_p2_do_not() {
        let now = Timestamp::from_unix_ms(1_000);
        let severities = [Severity::P1, Severity::P2, Severity::P3, Severity::P4];
        let news = (1..).zip(severities).map(|(seq, severity)| {
            let mut news = news(seq, seq, severity, "opened");
            news.case.in_flood = true;
            news
        });
        let news: Vec<News> = news.collect();
        let batch = batch(&channels(), &news, Known::default(), now, 480, numbers());
        let due = |channel: &str| -> Vec<i64> {
            let rows = batch.rows.iter().filter(|row| row.channel == channel);
            rows.map(|row| row.not_before.unix_ms()).collect()
        };
        assert_eq!(due("robot"), [1_000, 1_000, 600_000, 600_000]);
        assert_eq!(due("hook"), [1_000; 4], "programs are told at once");
    }

    #[test]
    fn later_news_of_a_case_goes_into_the_message_that_waits_except_for_programs() {
        let now = Timestamp::from_unix_ms(1_000);
        let events = [
            news(1, 5, Severity::P3, "opened"),
            news(2, 5, Severity::P1, "joined"),
            news(3, 5, Severity::P1, "closed"),
        ];
        let batch = batch(&channels(), &events, Known::default(), now, 480, numbers());
        let of = |channel: &str| -> Vec<(String, Option<String>)> {
            let rows = batch.rows.iter().filter(|row| row.channel == channel);
            rows.map(|row| (row.news.change.clone(), row.merged_into.clone()))
                .collect()
        };
        let robot = of("robot");
        assert_eq!(robot.len(), 3);
        assert_eq!(robot[1].0, policy::MORE_URGENT);
        assert!(robot[0].1.is_some() && robot[1].1.is_some());
        assert_eq!(robot[2], ("closed".into(), None));
        assert_eq!(of("fire").len(), 2);
        let hook = of("hook");
        assert_eq!(hook.len(), 3);
        assert!(hook.iter().all(|(_, merged)| merged.is_none()));
        let last = batch
            .rows
            .iter()
            .rfind(|row| row.channel == "robot")
            .unwrap();
        assert_eq!(last.news.earlier, ["opened", policy::MORE_URGENT]);
        assert!(last.news.first);
    }

    #[test]
    fn what_was_told_before_makes_the_next_message_part_of_its_thread() {
        let thread = ("robot".to_owned(), String::new(), 5);
        let known = Known {
            told: [(thread, Severity::P1)].into(),
            ..Known::default()
        };
        let now = Timestamp::from_unix_ms(1_000);
        let events = [news(3, 5, Severity::P1, "closed")];
        let batch = batch(&channels()[..1], &events, known, now, 480, numbers());
        assert!(!batch.rows[0].news.first && batch.rows[0].news.earlier.is_empty());
    }

    proptest! {
        /// Whatever happens, in whatever portions it is looked at: every change that a channel wants
        /// has a row, and following the rows that it was merged into ends at one that goes out.
        #[test]
        fn nothing_is_dropped_without_a_row(
            events in prop::collection::vec((1i64..4, 0usize..4, 0usize..4), 1..60),
            portion in 1usize..20,
        ) {
            let changes = ["opened", "joined", "filed", "closed"];
            let ranks = [Severity::P1, Severity::P2, Severity::P3, Severity::P4];
            let all: Vec<News> = events
                .iter()
                .enumerate()
                .map(|(n, (case, rank, change))| {
                    news(i64::try_from(n).unwrap() + 1, *case, ranks[*rank], changes[*change])
                })
                .collect();
            let channels = channels();
            let mut ids = numbers();
            let mut known = Known::default();
            let mut stored: Vec<NewRow> = Vec::new();
            for part in all.chunks(portion) {
                let now = Timestamp::from_unix_ms(1_000);
                let made = batch(&channels, part, known.clone(), now, 480, &mut ids);
                for (old, new) in &made.merged {
                    let row = stored.iter_mut().find(|row| row.id == *old).unwrap();
                    prop_assert!(row.merged_into.is_none());
                    row.merged_into = Some(new.clone());
                }
                stored.extend(made.rows);
                known = Known::default();
                for row in &stored {
                    let thread = (row.channel.clone(), row.recipient.clone(), row.news.case.id);
                    let worst = known.told.entry(thread.clone()).or_insert(row.news.case.severity);
                    *worst = (*worst).most_urgent(row.news.case.severity);
                    if row.merged_into.is_none() {
                        let waiting = WaitingRow { id: row.id.clone(), since: row.since, news: row.news.clone() };
                        known.waiting.insert(thread, waiting);
                    }
                }
            }
            for (one, channel) in all.iter().flat_map(|one| channels.iter().map(move |c| (one, c))) {
                let wanted = channel.filter.plan(one, Some(Severity::P1), Timestamp::from_unix_ms(0), 480);
                if wanted.is_none() {
                    continue;
                }
                let mine = |row: &&NewRow| row.channel == channel.name && row.news.seq == one.seq;
                let mut rows = stored.iter().filter(mine);
                let mut row = rows.next().expect("a row for the event");
                prop_assert!(rows.next().is_none(), "one row for each event");
                while let Some(next) = &row.merged_into {
                    row = stored.iter().find(|row| row.id == *next).expect("merged into a row");
                }
                prop_assert_eq!(row.news.case.id, one.case.id);
            }
        }
    }
}
