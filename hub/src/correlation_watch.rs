//! The task that looks for what correlation finds only with time: floods that are over, events that spread, and
//! sensors that are still silent after their gateway is back.
//!
//! It reads beside the writer and asks the engine only when there is something to do; the engine looks
//! again in its transaction. Several hub processes may find the same: done twice, it is done once. What fails
//! now is found again with the next look.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::cases::Level;
use crate::catalogue::Catalogue;
use crate::correlation::Settings;
use crate::correlation::level::{Spread, by_spread};
use crate::directory::Directories;
use crate::engine::correlation::watch::{EndFloods, RaiseLevels, Release};
use crate::engine::{Engine, JobError};
use crate::store::commit::level_of;
use crate::store::{Store, StoreResult};

/// Looked at this often: a flood's end and a level are shown at most this late.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// See the module's page.
#[derive(Debug)]
pub struct Watch {
    /// Does what was found.
    pub engine: Engine,
    /// Reads.
    pub store: Store,
    /// Areas.
    pub directories: Directories,
    /// Which categories spread.
    pub catalogue: Arc<Catalogue>,
    /// What it goes by.
    pub settings: Settings,
}

impl Watch {
    /// Works until `stop` is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        let mut tick = tokio::time::interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            if let Err(error) = self.look().await {
                tracing::warn!(
                    error = crate::chain(&error),
                    "floods and spreading events are looked at again in a moment"
                );
            }
        }
    }

    async fn look(&self) -> StoreResult<()> {
        let now = crate::now();
        let rule = self.settings.flood;
        let flooded = self.store.flooded_desks().await?;
        if flooded
            .iter()
            .any(|(_, meter)| meter.in_window(now) < rule.ends_below)
        {
            ask("floods end", self.engine.run(EndFloods, now).await);
        }
        if self.store.releases_due(now).await? {
            ask("sensors are released", self.engine.run(Release, now).await);
        }
        self.levels().await
    }

    async fn levels(&self) -> StoreResult<()> {
        let now = crate::now();
        let directory = self.directories.now();
        let since = now.plus_ms(-self.settings.spread_ms);
        let spreading = self.catalogue.categories().iter().filter(|c| c.spreads);
        let spreading: Vec<&str> = spreading.map(|c| c.code.as_str()).collect();
        for (category, places) in self.store.spread_since(&spreading, since).await? {
            let paths: Vec<_> = places
                .paths
                .iter()
                .map(|path| directory.steps_of(path))
                .collect();
            let spread = Spread::of(paths.iter().map(Vec::as_slice));
            let Some((level, _)) = by_spread(Some(Level::IV), spread) else {
                continue;
            };
            if places.lowest > level_of(level) {
                let raise = RaiseLevels { category, spread };
                ask("levels rise", self.engine.run(raise, now).await);
            }
        }
        Ok(())
    }
}

/// What is not done now is found again.
fn ask(what: &'static str, done: Result<usize, JobError>) {
    match done {
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, what, "the engine did not do this now"),
    }
}
