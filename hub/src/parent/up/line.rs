//! The task that keeps the line to the parent open: heartbeats, signed heads and results up, commands
//! down.
//!
//! A command is applied before the next heartbeat, which carries its result; it comes again until the
//! parent has that.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gridwatch_protocol::{
    SealedHeads, Timestamp, UPWARD_HEADS_MAX, UPWARD_WAIT_S_MAX, UpwardAnswer, UpwardHeartbeat,
    UpwardMark, WIRE_VERSION,
};
use tokio_util::sync::CancellationToken;

use super::command::Obey;
use super::page::epoch_starts;
use super::rows::Reported;
use super::uplink::Child;
use crate::metrics::count;
use crate::store::seal;

/// After a failure, and while another process holds the link.
const PAUSE: Duration = Duration::from_secs(2);

/// Keeps the line until stopped.
pub async fn run(child: Child, stop: CancellationToken) {
    loop {
        let pause = if child.holds.load(Ordering::Relaxed) {
            match stop.run_until_cancelled(turn(&child)).await {
                None => return,
                Some(Ok(())) => continue,
                Some(Err(error)) => {
                    let error = format!("{error:#}");
                    tracing::warn!(error, "no heartbeat reached the parent hub");
                    PAUSE
                }
            }
        } else {
            PAUSE / 10
        };
        if stop
            .run_until_cancelled(tokio::time::sleep(pause))
            .await
            .is_none()
        {
            return;
        }
    }
}

async fn turn(child: &Child) -> anyhow::Result<()> {
    let app = &child.app;
    let row = app.store.parent_link(&child.parent.hub).await?;
    let epochs = app.store.epochs().await?;
    let own = app.store.own_life().await?;
    let heads_at = row
        .as_ref()
        .map_or(Timestamp::from_unix_ms(0), |r| r.heads_at);
    let (public_key, heads) = heads_after(app.config.data_dir.clone(), heads_at).await?;
    let results = app.store.results_to_report().await?;
    let link = row
        .and_then(|row| row.link)
        .filter(|link| link.pass.is_none());
    let heartbeat = UpwardHeartbeat {
        version: WIRE_VERSION,
        hub: child.parent.hub.clone(),
        at: crate::now(),
        hub_version: env!("CARGO_PKG_VERSION").to_owned(),
        epochs: epoch_starts(&epochs),
        newest: own.newest,
        settled: link.map(|link| UpwardMark {
            epoch: link.epoch,
            sequence: link.sequence,
        }),
        public_key,
        heads,
        results,
        wait_s: UPWARD_WAIT_S_MAX,
    };
    let answer: UpwardAnswer = child
        .parent
        .post("/v1/children/heartbeats", &heartbeat)
        .await?;
    count(&app.metrics.parent_heartbeats);
    let last_head = heartbeat.heads.last().map(|head| head.at);
    if last_head.is_some() || !heartbeat.results.is_empty() {
        let reported = Reported {
            hub: child.parent.hub.clone(),
            heads_at: last_head,
            results: heartbeat.results.iter().map(|r| r.id.to_string()).collect(),
        };
        app.engine.run(reported, crate::now()).await?;
    }
    for command in answer.commands {
        let id = command.id;
        let obey = Obey {
            parent: app.config.parent.name.clone(),
            command,
            epochs: epochs.clone(),
            units: app.config.parent.units.clone(),
        };
        let outcome = app.engine.run(obey, crate::now()).await?;
        tracing::info!(%id, ?outcome, "the parent hub asked for something");
    }
    Ok(())
}

/// Signed heads that are newer than this, oldest first, and the key that signs. The file is read anew
/// each time: a line for each hour, and every 20 s.
async fn heads_after(
    data_dir: PathBuf,
    after: Timestamp,
) -> anyhow::Result<(String, Vec<SealedHeads>)> {
    tokio::task::spawn_blocking(move || {
        let kept = seal::read_heads(&data_dir.join(seal::HEADS_FILE))?;
        let key = seal::public_key(&data_dir)?;
        let newer = kept.lines.into_iter().filter(|line| line.heads.at > after);
        let heads = newer.take(UPWARD_HEADS_MAX).map(SealedHeads::from);
        Ok((key, heads.collect()))
    })
    .await?
}
