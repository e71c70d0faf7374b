//! Rows on a real file: made once, claimed once, never lost.

use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::notify::config::{Channel, Notify};
use crate::notify::send::Outcome;
use crate::notify::text::sample;
use crate::store::StoreUrl;

const LEASE_MS: i64 = 60_000;

fn channel() -> Channel {
    let text = "allow_hosts = []\nca_file = \"\"\nattempts_max = 3
[[channel]]
name = \"mail\"
kind = \"email\"
server = \"mail.example\"
from = \"hub@example.org\"
to = [\"duty@example.org\"]
";
    let mut notify: Notify = toml::from_str(text).unwrap();
    let mut problems = Vec::new();
    notify.resolve(Path::new(""), &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    notify.channels.remove(0)
}

struct Open {
    _dir: TempDir,
    store: Store,
    writer: Writer,
}

async fn open() -> Open {
    let dir = tempfile::tempdir().unwrap();
    let url = StoreUrl::Sqlite(dir.path().join("hub.db"));
    let (store, mut writer) = crate::store::open(&url).await.unwrap();
    know_channels(&mut writer, ["mail"].into_iter())
        .await
        .unwrap();
    Open {
        _dir: dir,
        store,
        writer,
    }
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_700_000_000_000 + ms)
}

fn row(case: i64, severity: Severity) -> NewRow {
    let mut news = sample(severity, "opened");
    news.case.id = case;
    NewRow {
        id: new_id(),
        channel: "mail".into(),
        recipient: "duty@example.org".into(),
        kind: Kind::Case,
        since: at(0),
        not_before: at(0),
        news,
        merged_into: None,
    }
}

impl Open {
    async fn plan(&mut self, span: (i64, i64), rows: Vec<NewRow>) -> bool {
        let batch = Batch {
            rows,
            merged: vec![],
        };
        commit(&mut self.writer, span, &batch, at(0)).await.unwrap()
    }

    async fn claim(&mut self, owner: &str, ms: i64) -> Vec<Claimed> {
        claim(
            &self.store,
            &mut self.writer,
            &channel(),
            owner,
            (32, 16),
            3,
            at(ms),
        )
        .await
        .unwrap()
    }

    async fn settle(&mut self, owner: &str, claimed: Claimed, outcome: Outcome, ms: i64) {
        let settled = Settled {
            claimed,
            outcome,
            at: at(ms),
        };
        settle(&mut self.writer, owner, &[settled], 3, 1.0)
            .await
            .unwrap();
    }

    async fn only(&self) -> Stored {
        let args = ListArgs {
            limit: 10,
            ..ListArgs::default()
        };
        let mut rows = list(&self.store, &args, &crate::access::Scope::whole())
            .await
            .unwrap();
        assert_eq!(rows.len(), 1);
        rows.remove(0)
    }
}

fn delivered() -> Outcome {
    Outcome::Delivered {
        answer: "250 OK".into(),
    }
}

#[tokio::test]
async fn event_makes_one_row_whoever_looks_at_it_and_however_often() {
    let mut open = open().await;
    assert!(open.plan((0, 7), vec![row(1, Severity::P2)]).await);
    assert_eq!(cursor(&open.store).await.unwrap(), 7);
    // Another process that read the cursor before.
    assert!(!open.plan((0, 7), vec![row(1, Severity::P2)]).await);
    // The same event once more, as after a restore.
    assert!(open.plan((7, 8), vec![row(1, Severity::P2)]).await);
    open.only().await;
}

#[tokio::test]
async fn row_of_a_hub_that_died_is_claimed_by_another_and_the_late_word_of_the_first_changes_nothing()
 {
    let mut open = open().await;
    open.plan((0, 1), vec![row(1, Severity::P1)]).await;
    let first = open.claim("a", 0).await.remove(0);
    assert!(open.claim("b", LEASE_MS - 1).await.is_empty());
    let second = open.claim("b", LEASE_MS).await.remove(0);
    assert_eq!(
        second.parcel.id, first.parcel.id,
        "a receiver can tell the repetition"
    );
    open.settle("a", first, Outcome::failed("late"), LEASE_MS + 1)
        .await;
    assert_eq!(open.only().await.state, "sending");
    open.settle("b", second, delivered(), LEASE_MS + 2).await;
    let stored = open.only().await;
    assert_eq!((stored.state.as_str(), stored.attempts), ("delivered", 2));
    assert_eq!(stored.answer.as_deref(), Some("250 OK"));
}

#[tokio::test]
async fn message_is_given_up_after_its_tries_also_when_the_hub_died_in_each() {
    let mut open = open().await;
    open.plan((0, 1), vec![row(1, Severity::P1)]).await;
    let mut now = 0;
    for _ in 0..3 {
        assert_eq!(open.claim("a", now).await.len(), 1);
        now += LEASE_MS;
    }
    assert!(open.claim("a", now).await.is_empty());
    let stored = open.only().await;
    assert_eq!((stored.state.as_str(), stored.attempts), ("dead", 3));

    let state = retry(&mut open.writer, &stored.id, at(now)).await.unwrap();
    assert_eq!(state.as_deref(), Some("dead"));
    for tries in 1..=3 {
        let claimed = open.claim("a", now).await.remove(0);
        open.settle("a", claimed, Outcome::failed("down"), now)
            .await;
        assert_eq!(open.only().await.attempts, tries);
        now += 60_000;
    }
    let stored = open.only().await;
    assert_eq!(
        (stored.state.as_str(), stored.error.as_deref()),
        ("dead", Some("down"))
    );
}

#[tokio::test]
async fn provider_that_says_too_many_pauses_the_channel_and_takes_no_try() {
    let mut open = open().await;
    open.plan((0, 1), vec![row(1, Severity::P1)]).await;
    let claimed = open.claim("a", 0).await.remove(0);
    let limited = Outcome::Limited {
        pause_ms: Some(600_000),
        answer: "130101".into(),
    };
    open.settle("a", claimed, limited, 10).await;
    assert_eq!(open.only().await.attempts, 0);
    assert!(open.claim("a", 600_009).await.is_empty());
    assert_eq!(open.claim("a", 600_010).await.len(), 1);
}

#[tokio::test]
async fn digest_has_one_message_id_and_each_of_its_rows_a_receipt() {
    let mut open = open().await;
    let rows: Vec<NewRow> = (1..=9).map(|case| row(case, Severity::P3)).collect();
    open.plan((0, 9), rows).await;
    let claimed = open.claim("a", 0).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].parcel.news.len(), 9);
    let digest = claimed[0].parcel.id.clone();
    open.settle("a", claimed[0].clone(), delivered(), 5).await;
    let args = ListArgs {
        state: Some("delivered".into()),
        limit: 20,
        ..ListArgs::default()
    };
    let stored = list(&open.store, &args, &crate::access::Scope::whole())
        .await
        .unwrap();
    assert_eq!(stored.len(), 9);
    assert!(
        stored
            .iter()
            .all(|row| row.message_id.as_deref() == Some(digest.as_str()))
    );
}

#[tokio::test]
async fn reporter_is_told_once_alone_and_in_words_of_their_own() {
    let mut open = open().await;
    let news = sample(Severity::P3, "closed");
    let address = "reporter@example.org";
    assert!(channel().can_write_to(address) && !channel().can_write_to("nobody"));
    for _ in 0..2 {
        let mut transaction = open.writer.begin().await.unwrap();
        enqueue_completion(&mut transaction, "mail", address, news.clone(), at(0))
            .await
            .unwrap();
        crate::store::commit(transaction).await.unwrap();
    }
    let rows: Vec<NewRow> = (1..=9)
        .map(|case| NewRow {
            recipient: address.into(),
            ..row(case, Severity::P1)
        })
        .collect();
    open.plan((0, 9), rows).await;
    let claimed = open.claim("a", 120_000).await;
    let completions: Vec<_> = claimed
        .iter()
        .filter(|one| one.parcel.kind == Kind::Completion)
        .collect();
    // Its recipient's share of what is not P1 is used up by nine cases: it follows a minute later.
    assert!(completions.is_empty());
    for one in claimed {
        open.settle("a", one, delivered(), 120_000).await;
    }
    let mut later = open.claim("a", 180_000).await;
    let completion = loop {
        let one = later.remove(0);
        if one.parcel.kind == Kind::Completion {
            break one;
        }
    };
    assert_eq!(completion.rows.len(), 1);
    assert_eq!(completion.parcel.news[0].change, "completed");
}
