//! The task that sends case documents to the parent.
//!
//! Begins after every start and every failure with an empty batch: its answer tells where the parent is.
//! Nothing counts as sent before the parent has answered and the answer is stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gridwatch_protocol::{ReceiptStatus, UpwardBatch, UpwardReceipt, WIRE_VERSION};
use rand::Rng;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::client::{NoAnswer, Parent};
use super::link::{Covers, Link, Told, reconcile, settled};
use super::page::{By, Page};
use super::rows::{Claim, Note, Settle};
use super::state::LinkFault;
use crate::api::Shared;
use crate::cases::CaseId;
use crate::metrics::{add, count};

/// Where the parent is is asked for this often when there is nothing to send: also the longest time until
/// a restored parent is noticed.
const ASK_EVERY: Duration = Duration::from_secs(20);
/// After a failure: the first wait, doubled each time.
const PAUSE_MIN: Duration = Duration::from_millis(500);
/// The longest wait.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// While another process holds the link, it is looked at this often.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// While the link stays as it is, that is noted this often: a long way of batches writes little more.
const NOTE_EVERY: Duration = Duration::from_secs(5);

/// What the tasks of the child work with.
#[derive(Debug, Clone)]
pub struct Child {
    /// The hub.
    pub app: Arc<Shared>,
    /// The parent.
    pub parent: Parent,
    /// This process among those on the store: the same after it was started again.
    pub holder: String,
    /// Whether this process holds the link.
    pub holds: Arc<AtomicBool>,
}

/// What the parent said, and when.
#[derive(Debug, Clone, Copy)]
struct Fresh {
    told: Told,
    at: Instant,
}

impl Fresh {
    fn now(receipt: &UpwardReceipt) -> Self {
        Self {
            told: Told {
                known: receipt.known,
                parent_epoch: receipt.parent_epoch,
            },
            at: Instant::now(),
        }
    }
}

/// What one turn led to.
enum Turn {
    /// There is more to send.
    More,
    /// Nothing to send before the next event.
    Idle,
    /// Another process holds the link.
    NotOurs,
    /// Nothing may be sent until somebody has put it right.
    Halted,
}

/// What went wrong in a turn.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    #[error(transparent)]
    Job(#[from] crate::engine::JobError),
}

/// Sends until stopped.
pub async fn run(child: Child, mut head: watch::Receiver<i64>, stop: CancellationToken) {
    let mut told: Option<Fresh> = None;
    let mut pause = PAUSE_MIN;
    let mut noted = None;
    loop {
        // What is there now is looked at; what comes after wakes.
        head.borrow_and_update();
        let turn = stop.run_until_cancelled(child.turn(&mut told)).await;
        if let Some(turn) = &turn {
            child.note(turn, &mut noted).await;
        }
        let wait = match turn {
            None => return,
            Some(Ok(Turn::More)) => {
                pause = PAUSE_MIN;
                continue;
            }
            Some(Ok(Turn::Idle)) => {
                pause = PAUSE_MIN;
                ASK_EVERY
            }
            Some(Ok(Turn::NotOurs)) => {
                told = None;
                LOOK_EVERY
            }
            Some(Ok(Turn::Halted)) => {
                told = None;
                PAUSE_MAX
            }
            Some(Err(error)) => {
                told = None;
                count(&child.app.metrics.parent_failures);
                tracing::warn!(%error, "the parent hub was not reached; trying again");
                let wait = pause.mul_f64(rand::rng().random_range(0.5..1.0));
                pause = (pause * 2).min(PAUSE_MAX);
                wait
            }
        };
        // Every branch only waits.
        tokio::select! {
            () = stop.cancelled() => return,
            // Only when all is well: an event does not make a broken line whole.
            Ok(()) = head.changed(), if told.is_some() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// What was noted of the link, and when.
type Noted = Option<(Option<LinkFault>, Instant)>;

impl Child {
    /// Notes how the link is. The link works without it.
    async fn note(&self, turn: &Result<Turn, Failed>, noted: &mut Noted) {
        let fault = match turn {
            Ok(Turn::More | Turn::Idle) => None,
            Ok(Turn::NotOurs) => {
                *noted = None;
                return;
            }
            Ok(Turn::Halted) => Some(LinkFault::SetBack),
            Err(Failed::NoAnswer(error)) => Some(error.into()),
            Err(Failed::Store(_) | Failed::Job(_)) => Some(LinkFault::Own),
        };
        let known = noted.is_some_and(|(told, at)| told == fault && at.elapsed() < NOTE_EVERY);
        if known {
            return;
        }
        let note = Note {
            hub: self.parent.hub.clone(),
            holder: self.holder.clone(),
            fault,
        };
        match self.app.engine.run(note, crate::now()).await {
            Ok(()) => *noted = Some((fault, Instant::now())),
            Err(error) => tracing::warn!(%error, "how the link to the parent hub is was not noted"),
        }
    }

    /// One batch at most. `told` is what the parent said last.
    async fn turn(&self, told: &mut Option<Fresh>) -> Result<Turn, Failed> {
        let app = &self.app;
        let settings = &app.config.parent;
        let claim = Claim {
            hub: self.parent.hub.clone(),
            holder: self.holder.clone(),
            wanted: wanted(settings),
        };
        let row = app.engine.run(claim, crate::now()).await?;
        self.holds.store(row.is_some(), Ordering::Relaxed);
        let Some(row) = row else {
            return Ok(Turn::NotOurs);
        };
        let fresh = match told.filter(|fresh| fresh.at.elapsed() < ASK_EVERY) {
            Some(fresh) => fresh,
            None => self.ask().await?,
        };
        let own = app.store.own_life().await?;
        let link = match reconcile(row.link, own, fresh.told) {
            Ok(link) => link,
            Err(set_back) => {
                tracing::error!(%set_back, "nothing is sent to the parent hub");
                return Ok(Turn::Halted);
            }
        };
        *told = Some(fresh);
        if row.link != Some(link) {
            self.settle(link, row.link, &[]).await?;
        }
        let directory = app.directory();
        let by = By {
            settings,
            directory: &directory,
            catalogue: &app.catalogue,
        };
        let page = app.store.upward_page(&self.parent.hub, link, by).await?;
        if page.batch.items.is_empty() && !page.more {
            return Ok(Turn::Idle);
        }
        let more = page.more;
        self.send(link, page, told).await?;
        Ok(if more { Turn::More } else { Turn::Idle })
    }

    /// An empty batch: where is the parent?
    async fn ask(&self) -> Result<Fresh, Failed> {
        let own = self.app.store.own_life().await?;
        let batch = UpwardBatch {
            version: WIRE_VERSION,
            hub: self.parent.hub.clone(),
            epoch: own.epoch,
            after: None,
            through: None,
            items: Vec::new(),
        };
        let receipt: UpwardReceipt = self.parent.post("/v1/children/batches", &batch).await?;
        Ok(Fresh::now(&receipt))
    }

    async fn send(&self, link: Link, page: Page, told: &mut Option<Fresh>) -> Result<(), Failed> {
        let Page {
            batch, covers, own, ..
        } = page;
        let receipt: UpwardReceipt = self.parent.post("/v1/children/batches", &batch).await?;
        let answer = Fresh::now(&receipt);
        let mut taken: Vec<(CaseId, i64)> = Vec::new();
        let mut rejected = 0;
        for (item, sent) in receipt.items.iter().zip(&batch.items) {
            if let ReceiptStatus::Rejected { reason } = &item.status {
                rejected += 1;
                let case = sent.document.case;
                tracing::error!(case, reason, "the parent hub will never take this case");
            } else {
                taken.push((sent.document.case, sent.sequence));
            }
        }
        if receipt.items.len() != batch.items.len() {
            let missing = "a receipt for each case is missing";
            return Err(NoAnswer::broken(LinkFault::NotUnderstood, missing).into());
        }
        add(&self.app.metrics.parent_cases, taken.len());
        let moved = match settled(link, covers, own, answer.told) {
            Ok(moved) => moved,
            Err(set_back) => {
                tracing::error!(%set_back, "nothing is sent to the parent hub");
                *told = None;
                return Ok(());
            }
        };
        *told = Some(answer);
        let before = Some(link);
        if self.settle_with(moved, before, &taken, rejected).await? {
            let passing = matches!(covers, Covers::Cases { ends: true, .. });
            if passing {
                tracing::info!("every case was sent to the parent hub once");
            }
        }
        Ok(())
    }

    async fn settle(
        &self,
        link: Link,
        before: Option<Link>,
        cases: &[(CaseId, i64)],
    ) -> Result<bool, Failed> {
        self.settle_with(link, before, cases, 0).await
    }

    async fn settle_with(
        &self,
        link: Link,
        before: Option<Link>,
        cases: &[(CaseId, i64)],
        rejected: i64,
    ) -> Result<bool, Failed> {
        let heads_again = before.is_none_or(|b| b.parent_epoch != link.parent_epoch);
        let task = Settle {
            hub: self.parent.hub.clone(),
            holder: self.holder.clone(),
            link,
            cases: cases.to_vec(),
            rejected,
            heads_again,
        };
        Ok(self.app.engine.run(task, crate::now()).await?)
    }
}

/// What the parent wants, as text: another text means that cases have to be looked at anew.
fn wanted(settings: &crate::parent::config::ParentSettings) -> String {
    let wanted = (
        &settings.areas,
        &settings.severities,
        &settings.units,
        settings.drills,
    );
    serde_json::to_string(&wanted).expect("texts and truth values have a JSON form")
}
