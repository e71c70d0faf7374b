//! From an import to a change: look at it, refuse it or let the engine make it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::http::StatusCode;

use super::super::App;
use super::super::extract::Officer;
use super::super::problem::Problem;
use super::{Changed, IfMatch, WriteArgs};
use crate::access::Scope;
use crate::directory::Directory;
use crate::directory::change::{self, Plan};
use crate::directory::finding::{self, Finding, Table};
use crate::directory::import::Import;
use crate::engine::directory::ChangeDirectory;
use crate::store::directory::{ChangeRefused, Use, UsedBy, UsedThing};

/// A write that goes by whatever there is looks again this often when others were faster.
const TRIES: usize = 4;

/// Who writes, and by which version.
pub(super) struct Writing<'a> {
    app: &'a App,
    officer: &'a Officer,
    address: IpAddr,
    if_match: IfMatch,
    dry_run: bool,
}

impl<'a> Writing<'a> {
    /// As a request asks for it.
    pub(super) fn new(
        app: &'a App,
        officer: &'a Officer,
        peer: SocketAddr,
        if_match: IfMatch,
        args: &WriteArgs,
    ) -> Self {
        Self {
            app,
            officer,
            address: peer.ip(),
            if_match,
            dry_run: args.dry_run,
        }
    }

    /// Does it. `import` makes the import out of the directory as it is.
    pub(super) async fn write(
        &self,
        import: impl Fn(&Directory, &Scope) -> Result<(Import, Vec<Finding>), Problem>,
    ) -> Result<Changed, Problem> {
        for _ in 0..TRIES {
            let old = self.newest().await?;
            let scope = &self.officer.scope;
            let (import, findings) = import(&old, scope)?;
            let plan = self.look(&old, import, findings).await?;
            if let Some(done) = self.make(old, plan).await? {
                return Ok(done);
            }
        }
        Err(Problem::busy(
            "others change the directory all the time; try again",
        ))
    }

    /// Puts an import in that does not depend on what is there.
    pub(super) async fn replace(
        &self,
        import: Import,
        findings: Vec<Finding>,
    ) -> Result<Changed, Problem> {
        self.write(|_, _| Ok((import.clone(), findings.clone())))
            .await
    }

    /// The directory that the write goes by.
    async fn newest(&self) -> Result<Arc<Directory>, Problem> {
        let mut known = self.app.directory();
        let IfMatch(wanted) = self.if_match;
        if wanted != Some(known.version()) {
            // Another hub may have changed it a moment ago.
            let version = self.app.store.directory_version().await?;
            if version > known.version() {
                known = Arc::new(self.app.store.directory().await?);
                self.app.directories.offer(Arc::clone(&known));
            }
        }
        match wanted {
            Some(wanted) if wanted != known.version() => Err(stale(known.version())),
            _ => Ok(known),
        }
    }

    /// Checks the whole, on a thread of its own: a city takes seconds.
    async fn look(
        &self,
        old: &Arc<Directory>,
        import: Import,
        findings: Vec<Finding>,
    ) -> Result<Plan, Problem> {
        let (old, scope) = (Arc::clone(old), self.officer.scope.clone());
        let catalogue = Arc::clone(&self.app.catalogue);
        let looked = tokio::task::spawn_blocking(move || {
            change::plan(&old, import, &scope, &catalogue, findings)
        });
        let plan = looked.await.map_err(|_| Problem::internal())?;
        if plan.is_right() {
            return Ok(plan);
        }
        Err(refused(
            StatusCode::UNPROCESSABLE_ENTITY,
            "directory-refused",
            plan.findings,
        ))
    }

    /// Makes the change; none when another one came between and the write goes by whatever there is.
    async fn make(&self, old: Arc<Directory>, plan: Plan) -> Result<Option<Changed>, Problem> {
        let counts = plan.changes.counts();
        let (warnings, _) = finding::bounded(plan.findings);
        let changed = |version| Changed {
            version,
            dry_run: self.dry_run,
            changes: counts.clone(),
            warnings: warnings.clone(),
        };
        if counts.is_empty() {
            return Ok(Some(changed(old.version())));
        }
        if self.dry_run {
            let uses = self.app.store.directory_uses(&plan.changes).await?;
            return if uses.is_empty() {
                Ok(Some(changed(old.version())))
            } else {
                Err(in_use(uses))
            };
        }
        let task = ChangeDirectory {
            old,
            new: Arc::new(plan.directory),
            changes: plan.changes,
            actor: self.officer.actor.username.clone(),
            address: self.address.to_string(),
            directories: self.app.directories.clone(),
        };
        match self.app.engine.run(task, crate::now()).await? {
            Ok(version) => Ok(Some(changed(version))),
            Err(ChangeRefused::InUse(uses)) => Err(in_use(uses)),
            Err(ChangeRefused::Stale(_)) if self.if_match == IfMatch(None) => Ok(None),
            Err(ChangeRefused::Stale(version)) => Err(stale(version)),
        }
    }
}

fn stale(version: i64) -> Problem {
    let mut problem = Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "version-conflict",
        format!(
            "the directory has changed and is version {version} now; read it again and do your change anew"
        ),
    );
    problem.version = Some(version);
    problem
}

fn refused(status: StatusCode, kind: &str, findings: Vec<Finding>) -> Problem {
    let (findings, count) = finding::bounded(findings);
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    let more = count - findings.len();
    let more = if more > 0 {
        format!(", and {more} more")
    } else {
        String::new()
    };
    let mut problem = Problem::new(
        status,
        kind,
        format!("nothing was stored: {errors} problem(s){more} in `findings`"),
    );
    problem.findings = findings.into_boxed_slice();
    problem
}

fn in_use(uses: Vec<Use>) -> Problem {
    let findings = uses.into_iter().map(|used| {
        let table = match used.what {
            UsedThing::Area => Table::Areas,
            UsedThing::Site => Table::Sites,
            UsedThing::Unit => Table::Units,
        };
        let remedy = match (used.by, used.what) {
            (UsedBy::People, _) => "give them another one, or disable them, first",
            (UsedBy::Cases, UsedThing::Unit) => {
                "give the cases to another unit, or close them, first"
            }
            (UsedBy::Cases, _) => "close the cases first, or keep it",
        };
        Finding::error(table, used.to_string(), remedy).at(None, used.key)
    });
    refused(StatusCode::CONFLICT, "in-use", findings.collect())
}
