//! Reading the chains of hashes for whoever asks in the console: the same as `hub audit verify`, part by part.
//!
//! Each request reads a bounded part from one snapshot and writes one line of the audit about it; no state is kept
//! between requests, so any process on the store answers the next one. One part at a time in a process.

mod words;

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use axum::Json as Answer;
use axum::extract::State;
use gridwatch_protocol::{Text, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::extract::{Json, Officer, Peer};
use super::problem::Problem;
use crate::cases::{CaseId, Role};
use crate::store::accounts::{AccountChange, AuditRow};
use crate::store::backup::Epoch;
use crate::store::chain::step::{Fault, Step};
use crate::store::chain::{Chain, Head};
use crate::store::seal::{KeptHead, parse_kept};
use crate::store::witness::{HeadFault, Witness};

/// Longest body: some 16,000 signed heads, more than a year of one each hour.
pub const HEADS_BYTES_MAX: usize = 8 * 1024 * 1024;
/// After this time a part ends early: well within what a browser waits for an answer.
const STEP_TIME_MAX: Duration = Duration::from_secs(5);

/// Which part of which chain.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct VerifyRequest {
    /// `audit` (accounts, gateways, the store, reveals) or `cases` (the histories of cases).
    pub chain: String,
    /// `next` of the part before; absent for the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Signed heads that were kept elsewhere, in any form that `hub audit verify --heads` reads: pages of
    /// `GET /api/v1/children/{hub}/heads` of the parent, or events that a webhook has received, one after the other.
    /// Given again with every part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heads: Option<String>,
}

/// What a part of a chain showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything so far fits; go on with `next`.
    GoesOn,
    /// The end was reached, and everything fits.
    Whole,
    /// `broken` says where it does not fit.
    Broken,
}

/// What does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakKind {
    /// An entry was changed.
    Changed,
    /// Two entries stand in each other's place.
    Swapped,
    /// Entries were taken out.
    Missing,
    /// The end was cut off.
    CutOff,
    /// An entry was put there past the hub.
    Added,
    /// The stored end is not the last entry.
    HeadDiffers,
    /// What was signed before was written anew.
    Rewritten,
    /// A signed head does not fit its signature, or cannot be read.
    HeadNotSigned,
    /// A head that was given is signed with another key.
    OtherKey,
    /// The store says that a backup was restored; nothing here signed that.
    UnsignedRestore,
}

/// The first place that does not fit.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BreakView {
    /// What does not fit.
    pub kind: BreakKind,
    /// The entry of the chain; none for what stands at no place of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<i64>,
    /// The last entry that is missing, or the place of the entry that belongs here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<i64>,
    /// The case of the entry there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
    /// Time of the entry there, or of the head that was signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The same in words.
    pub what: Text,
    /// What to do.
    pub advice: Text,
}

/// The end of a chain.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ChainHead {
    /// How many entries the chain has.
    pub links: i64,
    /// Hash of the last one.
    pub hash: String,
}

/// What one part showed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct VerifyStep {
    /// As asked.
    pub chain: String,
    /// What it showed.
    pub verdict: Verdict,
    /// The part began behind this entry; 0 is the beginning.
    pub after: i64,
    /// The last entry that was read and fits.
    pub through: i64,
    /// How many entries of this part fit.
    pub checked: i64,
    /// Time of the first entry of this part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_at: Option<Timestamp>,
    /// Time of the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Timestamp>,
    /// The newest head, as it is stored.
    pub head: ChainHead,
    /// How many signed heads this part was compared with.
    pub heads: i64,
    /// Where it does not fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<BreakView>,
    /// `after` of the next part; null when there is none.
    pub next: Option<String>,
}

/// Read a part of a chain of hashes and tell whether it is whole: at most 50,000 entries or 5 s; ask again
/// with `next` until the end. Each part is a line of the audit. For auditors and administrators of the whole tree.
#[utoipa::path(post, path = "/api/v1/audit/verify", tag = "audit", request_body = VerifyRequest, responses(
    (status = 200, body = VerifyStep),
    (status = 503, description = "`busy`: another chain is being read", body = Problem, content_type = "application/problem+json"),
))]
pub async fn verify(
    State(app): State<App>,
    officer: Officer,
    Peer(peer): Peer,
    Json(request): Json<VerifyRequest>,
) -> Result<Answer<VerifyStep>, Problem> {
    let may = matches!(officer.actor.role, Role::Auditor | Role::Administrator);
    if !may || !officer.scope.is_whole() {
        return Err(Problem::not_allowed(
            "the chains are read by auditors and administrators who see every area",
        ));
    }
    let chain = super::audit::chain_named(&request.chain)?;
    let after = after(request.after.as_deref())?;
    let kept = given(request.heads.as_deref())?;
    let Ok(_place) = app.verifying.try_acquire() else {
        return Err(Problem::busy(
            "another chain is being read; try again in a moment",
        ));
    };
    let read = read(&app, chain, after, kept).await?;
    let view = read.view(request.chain);
    let row = AuditRow {
        at: crate::now(),
        actor: officer.actor.username,
        action: "chain_verified".to_owned(),
        subject: line(&view),
        address: peer.ip().to_string(),
    };
    app.engine.account(AccountChange::Audit(row)).await?;
    Ok(Answer(view))
}

fn after(text: Option<&str>) -> Result<i64, Problem> {
    let number = text.map_or(Ok(0), str::parse);
    let number = number.ok().filter(|number| *number >= 0);
    number.ok_or_else(|| Problem::invalid("`after` is not the `next` of a page"))
}

fn given(heads: Option<&str>) -> Result<Vec<KeptHead>, Problem> {
    let Some(text) = heads.filter(|text| !text.trim().is_empty()) else {
        return Ok(Vec::new());
    };
    parse_kept(text).map_err(|error| {
        Problem::invalid(format!(
            "`heads` are not signed heads as a parent hub or a webhook got them: {error}"
        ))
    })
}

/// What was found, before it is put into words.
struct Read {
    chain: Chain,
    step: Step,
    witness: Witness,
    epochs: Vec<Epoch>,
}

async fn read(app: &App, chain: Chain, after: i64, kept: Vec<KeptHead>) -> Result<Read, Problem> {
    // Before the chain: what was signed is in the store by then.
    let witness = witness(app.config.data_dir.clone(), kept).await?;
    let wanted: HashSet<i64> = witness.links(chain);
    let deadline = Instant::now() + STEP_TIME_MAX;
    let step = app
        .store
        .verify_step(chain, after, &wanted, deadline)
        .await?;
    let step = step.ok_or_else(|| {
        Problem::invalid(format!(
            "the chain ends before entry {after} now; begin anew from its first entry"
        ))
    })?;
    let epochs = app.store.epochs().await?;
    Ok(Read {
        chain,
        step,
        witness,
        epochs,
    })
}

async fn witness(data_dir: PathBuf, kept: Vec<KeptHead>) -> Result<Witness, Problem> {
    let read = tokio::task::spawn_blocking(move || Witness::read(&data_dir, kept)).await;
    let failed = |error: &dyn std::fmt::Display| {
        tracing::error!(%error, "reading the signed heads");
        Problem::internal()
    };
    read.map_err(|error| failed(&error))?
        .map_err(|error| failed(&format!("{error:#}")))
}

impl Read {
    fn view(self, chain: String) -> VerifyStep {
        let broken = self.broken();
        let heads = self.witness.compared(self.chain, &self.step);
        let Step {
            after,
            through,
            checked,
            head: Head { links, hash },
            first_at,
            last_at,
            ends,
            ..
        } = self.step;
        let verdict = match &broken {
            Some(_) => Verdict::Broken,
            None if ends => Verdict::Whole,
            None => Verdict::GoesOn,
        };
        VerifyStep {
            chain,
            verdict,
            after,
            through,
            checked,
            first_at,
            last_at,
            head: ChainHead { links, hash },
            heads: i64::try_from(heads).unwrap_or(i64::MAX),
            broken,
            next: (verdict == Verdict::GoesOn).then(|| through.to_string()),
        }
    }

    /// The first thing that does not fit: a signed link that was rewritten lies before a place where the rows
    /// themselves do not fit. What is wrong with the heads is told at the end of a whole chain.
    fn broken(&self) -> Option<BreakView> {
        let denied = self.witness.denied(self.chain, &self.step, &self.epochs);
        if let Some(denied) = denied {
            return Some(words::denied(denied));
        }
        if let Some(found) = &self.step.broken {
            return Some(words::found(self.chain, found));
        }
        if !self.step.ends {
            return None;
        }
        if let Some(fault) = &self.witness.fault {
            return Some(words::head_fault(fault));
        }
        let unsigned = self.witness.unsigned_restore(&self.epochs);
        unsigned.map(words::unsigned_restore)
    }
}

/// What the audit says of a part.
fn line(view: &VerifyStep) -> String {
    let told = match (&view.verdict, &view.broken) {
        (Verdict::GoesOn, _) => "fits so far".to_owned(),
        (Verdict::Whole, _) => "whole to its end".to_owned(),
        (Verdict::Broken, broken) => {
            let broken = broken.as_ref();
            broken.map_or_else(String::new, |broken| format!("broken: {}", broken.what.en))
        }
    };
    format!(
        "{}: entries {} to {} of {}: {told}",
        view.chain,
        view.after + 1,
        view.through,
        view.head.links
    )
}
