//! The rows of files, inside the engine's transaction and for readers.

use gridwatch_protocol::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::access::Scope;
use crate::cases::CaseId;
use crate::engine::task::{Bench, Task};
use crate::store::accounts::{AuditRow, write_audit_about};
use crate::store::database::{Connection, QueryBuilder, query};
use crate::store::{Store, StoreResult, cases, intake, sql, time};

/// At most this many files of one case: far more than an action may name, and a bound for lists.
pub const FILES_OF_CASE_MAX: i64 = 200;
/// Files that are let go in one transaction.
const LET_GO_MAX: i64 = 100;
/// How many bytes all files have together, each content counted once.
const BYTES: &str = "evidence_bytes";

/// A file of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRow {
    /// Its hash.
    pub sha256: String,
    /// What it is, such as `image/jpeg`.
    pub media_type: String,
    /// Its size.
    pub bytes: i64,
    /// Who brought it.
    pub stored_by: String,
    /// When.
    pub stored_at: Timestamp,
    /// When it was let go; the row stays.
    pub removed_at: Option<Timestamp>,
}

const COLUMNS: &str = "SELECT f.sha256, f.media_type, f.bytes, f.stored_by, f.stored_at, f.removed_at FROM evidence_files f JOIN cases c ON c.id = f.case_id WHERE f.case_id = ";

fn file_row(row: &AnyRow) -> FileRow {
    FileRow {
        sha256: row.get(0),
        media_type: row.get(1),
        bytes: row.get(2),
        stored_by: row.get(3),
        stored_at: time(row.get(4)),
        removed_at: row.get::<Option<i64>, _>(5).map(time),
    }
}

impl Store {
    /// The files of a case that is seen, oldest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn evidence_files(&self, case: CaseId, scope: &Scope) -> StoreResult<Vec<FileRow>> {
        let mut query = QueryBuilder::new(COLUMNS);
        query.push_bind(case);
        scope.push_cases(&mut query, "c.");
        query.push(" ORDER BY f.stored_at, f.sha256 LIMIT ");
        query.push_bind(FILES_OF_CASE_MAX);
        let rows = query
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("listing files of evidence"))?;
        Ok(rows.iter().map(file_row).collect())
    }

    /// One file of a case that is seen.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn evidence_file(
        &self,
        case: CaseId,
        sha256: &str,
        scope: &Scope,
    ) -> StoreResult<Option<FileRow>> {
        let mut query = QueryBuilder::new(COLUMNS);
        query.push_bind(case).push(" AND f.sha256 = ");
        query.push_bind(sha256);
        scope.push_cases(&mut query, "c.");
        let row = query
            .build()
            .fetch_optional(&self.readers)
            .await
            .map_err(sql("finding a file of evidence"))?;
        Ok(row.as_ref().map(file_row))
    }

    /// How many bytes all files have together.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn evidence_bytes(&self) -> StoreResult<i64> {
        let mut connection = self.connection().await?;
        intake::counter(&mut connection, BYTES).await
    }

    /// Which of these contents no row needs any more.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn evidence_unneeded(&self, hashes: &[String]) -> StoreResult<Vec<String>> {
        let mut query = QueryBuilder::new(
            "SELECT DISTINCT sha256 FROM evidence_files WHERE removed_at IS NULL AND sha256 IN (",
        );
        query.push_list(hashes.iter());
        let rows = query
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("looking for files of evidence"))?;
        let needed: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let unneeded = hashes.iter().filter(|hash| !needed.contains(hash));
        Ok(unneeded.cloned().collect())
    }

    /// Contents that rows need, in order, after this one.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn evidence_needed(
        &self,
        after: &str,
        limit: i64,
    ) -> StoreResult<Vec<(String, i64)>> {
        let rows = query("SELECT DISTINCT sha256, bytes FROM evidence_files WHERE removed_at IS NULL AND sha256 > $1 ORDER BY sha256 LIMIT $2")
            .bind(after)
            .bind(limit)
            .fetch_all(&self.readers)
            .await
            .map_err(sql("listing files of evidence"))?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }
}

/// Keeps the row of a file that is complete and in its place.
#[derive(Debug)]
pub struct KeepFile {
    /// The case.
    pub case: CaseId,
    /// The file; its times and `removed_at` are not looked at.
    pub file: FileRow,
    /// What who brings it may see.
    pub scope: Scope,
    /// From where it came.
    pub address: String,
    /// The most bytes of all files.
    pub total_max: i64,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It has its row.
    New,
    /// It had it before.
    Before,
    /// There is no such case for them.
    NoCase,
    /// All files together would be more than the quota.
    Full,
    /// The case has too many files.
    TooMany,
    /// It was let go before: what was let go does not come back.
    LetGo,
}

impl Task for KeepFile {
    type Output = Kept;

    async fn run(&self, bench: Bench<'_>) -> StoreResult<Kept> {
        let Bench {
            connection, now, ..
        } = bench;
        let file = &self.file;
        let case = cases::load_seen_case(connection, self.case, &self.scope).await?;
        let Some(case) = case else {
            return Ok(Kept::NoCase);
        };
        if let Some(removed) = known(connection, self.case, &file.sha256).await? {
            return Ok(if removed { Kept::LetGo } else { Kept::Before });
        }
        let counts = query("SELECT (SELECT COUNT(*) FROM evidence_files WHERE case_id = $1), (SELECT COUNT(*) FROM evidence_files WHERE sha256 = $2 AND removed_at IS NULL)")
            .bind(self.case)
            .bind(&file.sha256)
            .fetch_one(&mut *connection)
            .await
            .map_err(sql("counting files of evidence"))?;
        let (of_case, of_content): (i64, i64) = (counts.get(0), counts.get(1));
        if of_case >= FILES_OF_CASE_MAX {
            return Ok(Kept::TooMany);
        }
        if of_content == 0 {
            let total = intake::counter(connection, BYTES).await? + file.bytes;
            if total > self.total_max {
                return Ok(Kept::Full);
            }
            set_bytes(connection, total).await?;
        }
        query("INSERT INTO evidence_files (case_id, sha256, media_type, bytes, stored_by, stored_at) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(self.case)
            .bind(&file.sha256)
            .bind(&file.media_type)
            .bind(file.bytes)
            .bind(&file.stored_by)
            .bind(now.unix_ms())
            .execute(&mut *connection)
            .await
            .map_err(sql("keeping a file of evidence"))?;
        let line = AuditRow {
            at: now,
            actor: file.stored_by.clone(),
            action: "evidence_stored".to_owned(),
            subject: format!("case {}: {}", case.number, file.sha256),
            address: self.address.clone(),
        };
        write_audit_about(connection, &line, Some(self.case)).await?;
        Ok(Kept::New)
    }
}

/// Whether a case has had this file, and then whether it was let go.
async fn known(
    connection: &mut Connection,
    case: CaseId,
    sha256: &str,
) -> StoreResult<Option<bool>> {
    let row = query("SELECT removed_at FROM evidence_files WHERE case_id = $1 AND sha256 = $2")
        .bind(case)
        .bind(sha256)
        .fetch_optional(connection)
        .await
        .map_err(sql("finding a file of evidence"))?;
    Ok(row.map(|row| row.get::<Option<i64>, _>(0).is_some()))
}

async fn set_bytes(connection: &mut Connection, bytes: i64) -> StoreResult<()> {
    query("INSERT INTO counters (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value")
        .bind(BYTES)
        .bind(bytes.max(0))
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql("counting bytes of evidence"))
}

/// Lets files go whose case was evaluated, rejected or merged before `since`: rows stay, with the
/// hash. Gives the contents that no row needs any more.
#[derive(Debug)]
pub struct LetGo {
    /// What ended before this.
    pub since: Timestamp,
}

impl Task for LetGo {
    type Output = Vec<String>;

    async fn run(&self, bench: Bench<'_>) -> StoreResult<Vec<String>> {
        let Bench {
            connection, now, ..
        } = bench;
        let rows = query("SELECT f.case_id, f.sha256, f.bytes, c.number FROM evidence_files f JOIN cases c ON c.id = f.case_id WHERE f.removed_at IS NULL AND f.stored_at < $1 AND ((c.state = 'evaluated' AND NOT EXISTS (SELECT 1 FROM transitions t WHERE t.case_id = c.id AND t.action = 'evaluate' AND t.at >= $1)) OR (c.state IN ('rejected', 'merged') AND c.ended_at < $1)) ORDER BY f.stored_at LIMIT $2")
            .bind(self.since.unix_ms())
            .bind(LET_GO_MAX)
            .fetch_all(&mut *connection)
            .await
            .map_err(sql("finding files that are let go"))?;
        let mut gone = Vec::new();
        for row in &rows {
            let (case, sha256): (CaseId, String) = (row.get(0), row.get(1));
            let (bytes, number): (i64, String) = (row.get(2), row.get(3));
            query("UPDATE evidence_files SET removed_at = $3 WHERE case_id = $1 AND sha256 = $2")
                .bind(case)
                .bind(&sha256)
                .bind(now.unix_ms())
                .execute(&mut *connection)
                .await
                .map_err(sql("letting a file go"))?;
            let line = AuditRow {
                at: now,
                actor: crate::cases::SYSTEM.to_owned(),
                action: "evidence_let_go".to_owned(),
                subject: format!("case {number}: {sha256}"),
                address: String::new(),
            };
            write_audit_about(connection, &line, Some(case)).await?;
            let others =
                query("SELECT 1 FROM evidence_files WHERE sha256 = $1 AND removed_at IS NULL")
                    .bind(&sha256)
                    .fetch_optional(&mut *connection)
                    .await
                    .map_err(sql("looking for files of evidence"))?;
            if others.is_none() {
                let total = intake::counter(connection, BYTES).await? - bytes;
                set_bytes(connection, total).await?;
                gone.push(sha256);
            }
        }
        Ok(gone)
    }
}
