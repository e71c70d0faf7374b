//! How a channel is: what waits, what was given up, what counts against its quota.

use gridwatch_protocol::Timestamp;
use sqlx::Row;

use crate::store::database::{query, query_scalar};
use crate::store::{Store, StoreResult, sql, time};

/// How a channel is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelState {
    /// Rows that wait or are being sent.
    pub waiting: i64,
    /// Rows that were given up.
    pub dead: i64,
    /// Until when it is silent, if it is.
    pub paused_until: Option<Timestamp>,
    /// Ends of its newest sends, in Unix milliseconds; a send that is under way ends now.
    pub ends: Vec<i64>,
}

impl Store {
    /// How a channel is.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn channel_state(&self, channel: &str, now: Timestamp) -> StoreResult<ChannelState> {
        let looking = "looking at a channel";
        let row = query("SELECT COALESCE(SUM(CASE WHEN state = 'dead' THEN 0 ELSE 1 END), 0), COALESCE(SUM(CASE WHEN state = 'dead' THEN 1 ELSE 0 END), 0) FROM notifications WHERE channel = $1 AND state IN ('waiting', 'sending', 'dead')")
            .bind(channel)
            .fetch_one(&self.readers)
            .await
            .map_err(sql(looking))?;
        let paused: Option<i64> = query_scalar(
            "SELECT paused_until FROM notification_channels WHERE channel = $1 AND paused_until > $2",
        )
        .bind(channel)
        .bind(now.unix_ms())
        .fetch_optional(&self.readers)
        .await
        .map_err(sql(looking))?;
        let sends = query("SELECT COALESCE(ended_at, CASE WHEN lease_until < $2 THEN lease_until ELSE $2 END) FROM notification_sends WHERE channel = $1")
            .bind(channel)
            .bind(now.unix_ms())
            .fetch_all(&self.readers)
            .await
            .map_err(sql(looking))?;
        Ok(ChannelState {
            waiting: row.get(0),
            dead: row.get(1),
            paused_until: paused.map(time),
            ends: sends.iter().map(|row| row.get(0)).collect(),
        })
    }
}
