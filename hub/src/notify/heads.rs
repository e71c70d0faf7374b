//! Signed heads of the audit, told to the webhooks that want them.
//!
//! Who can change the database and the hub's own files cannot change what somebody else has received: see
//! [`crate::store::seal`]. A head is a row like every notification (tried again, with a receipt), made once for
//! each channel: its number is the time of its signing. A receiver that hears nothing for more than a day knows
//! that something is wrong, so the newest head is told again when a day brought none.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use gridwatch_protocol::{Severity, SiteId, Timestamp};

use super::policy::{Facts, News};
use super::rows::{self, NewRow};
use super::send::Kind;
use super::worker::{Notifier, Open};
use crate::cases::text;
use crate::store::database::{Connection, query_scalar};
use crate::store::seal::KeptHead;
use crate::store::{Store, StoreResult, Writer, commit, sql};

/// The newest head is told again after so long, in milliseconds: a day.
const AGAIN_MS: i64 = 86_400_000;
/// Messages that a channel is given when the hub stops, the head among them; the rest waits in the store.
const AT_STOP_MAX: usize = 16;

/// Tells heads to the channels that want them.
#[derive(Debug)]
pub struct HeadTeller {
    store: Store,
    channels: Vec<Arc<Open>>,
    attempts_max: i64,
    grace: Duration,
}

impl HeadTeller {
    /// With the channels of this notifier; `grace` is how long a head may take when the hub stops.
    #[must_use]
    pub fn new(notifier: &Notifier, store: Store, attempts_max: u32, grace: Duration) -> Self {
        let wants = |open: &&Arc<Open>| open.channel.audit_heads;
        Self {
            store,
            channels: notifier.shared().iter().filter(wants).cloned().collect(),
            attempts_max: attempts_max.into(),
            grace,
        }
    }

    /// Makes the rows for a head, once however often it is told; the notifier sends them.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn tell(&self, head: &KeptHead, now: Timestamp) -> StoreResult<()> {
        if self.channels.is_empty() {
            return Ok(());
        }
        // A connection for this moment: heads are signed once an hour, and the engine goes on meanwhile.
        let mut writer = Writer::connect(self.store.url()).await?;
        let mut transaction = writer.begin().await?;
        for open in &self.channels {
            let channel = &open.channel.name;
            let last = told_last(&mut transaction, channel).await?;
            let again = last.is_some_and(|last| now.unix_ms() - last >= AGAIN_MS);
            let seq = if again { now } else { head.line.heads.at };
            let row = NewRow {
                id: rows::new_id(),
                channel: channel.clone(),
                recipient: String::new(),
                kind: Kind::AuditHead,
                since: now,
                not_before: now,
                news: news(head, seq.unix_ms()),
                merged_into: None,
            };
            rows::insert(&mut transaction, &row, now).await?;
        }
        commit(transaction).await?;
        writer.close().await
    }

    /// Sends what waits now, before the hub ends: a machine that never starts again has told its last head.
    ///
    /// # Errors
    /// When the store does not answer; what was not sent waits for the next start.
    pub async fn send_before_the_end(&self) -> StoreResult<()> {
        if self.channels.is_empty() {
            return Ok(());
        }
        let mut writer = Writer::connect(self.store.url()).await?;
        let owner = rows::new_id();
        let mut sends = Vec::new();
        for open in &self.channels {
            let room = (AT_STOP_MAX, AT_STOP_MAX);
            let claimed = rows::claim(
                &self.store,
                &mut writer,
                &open.channel,
                &owner,
                room,
                self.attempts_max,
                crate::now(),
            );
            for one in claimed.await? {
                sends.push(tokio::time::timeout(self.grace, open.send(one)));
            }
        }
        // What is not answered in time is claimed again when its lease has run out.
        let ended = join_all(sends).await.into_iter().flatten();
        let settled: Vec<_> = ended.collect();
        if !settled.is_empty() {
            rows::settle(&mut writer, &owner, &settled, self.attempts_max, 0.5).await?;
        }
        writer.close().await
    }
}

/// When the last row with a head was made for a channel.
async fn told_last(connection: &mut Connection, channel: &str) -> StoreResult<Option<i64>> {
    query_scalar("SELECT MAX(created_at) FROM notifications WHERE channel = $1 AND kind = $2 AND case_id = 0")
        .bind(channel)
        .bind(Kind::AuditHead.as_str())
        .fetch_one(connection)
        .await
        .map_err(sql("looking for the last head that was told"))
}

fn news(head: &KeptHead, seq: i64) -> News {
    let heads = &head.line.heads;
    let title = text("审计签名头", "signed head of the audit");
    News {
        seq,
        at: heads.at,
        change: Kind::AuditHead.as_str().to_owned(),
        earlier: Vec::new(),
        first: true,
        said: None,
        head: Some(Box::new(head.clone())),
        case: Facts {
            id: 0,
            number: "AUDIT".to_owned(),
            severity: Severity::P4,
            category: "audit".to_owned(),
            category_name: title.clone(),
            site: SiteId::new("audit").expect("letters are an id"),
            title,
            place: text("无", "none"),
            areas: Vec::new(),
            state: "signed".to_owned(),
            is_drill: false,
            in_flood: false,
            opened_at: heads.at,
            due: None,
        },
    }
}
