//! Learning of events that other hub processes committed.
//!
//! PostgreSQL tells at once (LISTEN); a poll every second is the safety net for when the line is broken or a
//! word was lost. The number that is passed on is only a hint: whoever waits reads the store. With SQLite
//! there is one process, which knows its own events.

use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio_util::sync::CancellationToken;

use super::dialect::CHANNEL;
use super::{Store, StoreUrl};

/// The store is asked this often, whether or not it tells.
const POLL: Duration = Duration::from_secs(1);

/// Calls `newest` with the number of the newest event whenever there may be new ones, until `stop`.
pub async fn follow(store: &Store, newest: impl Fn(i64), stop: &CancellationToken) {
    let StoreUrl::Postgres(url) = store.url() else {
        return stop.cancelled().await;
    };
    let mut listener = None;
    let mut poll = tokio::time::interval(POLL);
    poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let heard = async {
            match &mut listener {
                Some(listener) => PgListener::recv(listener).await,
                None => std::future::pending().await,
            }
        };
        // A word that is lost when `heard` is dropped is made good by the poll.
        tokio::select! {
            word = heard => match word {
                Ok(word) => {
                    if let Ok(number) = word.payload().parse() {
                        newest(number);
                    }
                    continue;
                }
                Err(error) => {
                    tracing::warn!(%error, "the database tells nothing of new events; asking every second");
                    listener = None;
                }
            },
            _ = poll.tick() => {}
            () = stop.cancelled() => return,
        }
        if listener.is_none() {
            listener = listen(url).await.ok();
        }
        // When the store does not answer now, the next poll asks again.
        if let Ok(number) = store.event_head().await {
            newest(number);
        }
    }
}

async fn listen(url: &str) -> sqlx::Result<PgListener> {
    let mut listener = PgListener::connect(url).await?;
    listener.listen(CHANNEL).await?;
    Ok(listener)
}
