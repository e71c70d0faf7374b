//! Restoring a backup.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use gridwatch_protocol::Timestamp;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use sqlx::Row;

use super::{EVENT_JUMP, EVENTS_PER_MS, EndLine, FORMAT, Header, Kind, TABLES, TableLine, columns};
use crate::store::accounts::{AuditRow, write_audit};
use crate::store::database::{Bind, Connection, QueryBuilder, Value, query, query_scalar};
use crate::store::{StoreUrl, Writer, commit, sql};

/// A line longer than this is none of ours: the longest holds one case or one message.
const LINE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Rows inserted in one statement.
const ROWS_MAX: usize = 64;
/// Tables with rows in a store that somebody uses.
const USED: [&str; 4] = ["cases", "users", "gateways", "audit"];

/// What was restored.
#[derive(Debug)]
pub struct Restored {
    /// When the backup was taken.
    pub taken_at: Timestamp,
    /// Rows of all tables.
    pub rows: u64,
    /// The epoch that begins.
    pub epoch: i64,
}

/// Fills an empty store with a backup, in one transaction, and begins a new epoch.
///
/// # Errors
/// When the file is no backup, is damaged or was written by a newer hub; when the store is not empty or
/// does not answer. Nothing of the backup is in the store then.
pub async fn restore(from: &Path, into: &StoreUrl, now: Timestamp) -> Result<Restored> {
    let reading = || format!("reading the backup `{}`", from.display());
    // The whole file is checked before anything is touched.
    let header = check(from).with_context(reading)?;
    let known = into.dialect().newest_schema();
    ensure!(
        header.schema <= known,
        "the backup `{}` was written by a newer hub ({}, schema {}; this one knows up to {known}): install that version",
        from.display(),
        header.hub,
        header.schema
    );
    let mut writer = Writer::connect(into).await?;
    writer.migrate(Some(header.schema)).await?;
    let mut transaction = writer.begin().await?;
    check_empty(&mut transaction, into, header.schema).await?;
    let rows = fill(&mut transaction, from).await.with_context(reading)?;
    into.dialect().after_restore(&mut transaction).await?;
    let epoch = begin_epoch(&mut transaction, &header, now).await?;
    commit(transaction).await?;
    writer.migrate(None).await?;
    writer.close().await?;
    Ok(Restored {
        taken_at: header.at,
        rows,
        epoch,
    })
}

/// The lines of a backup.
struct Lines {
    file: BufReader<File>,
    hash: Sha256,
    number: u64,
}

impl Lines {
    fn open(path: &Path) -> Result<Self> {
        Ok(Self {
            file: BufReader::new(File::open(path)?),
            hash: Sha256::new(),
            number: 0,
        })
    }

    /// The next line, and the hash of everything before it.
    fn next(&mut self) -> Result<Option<(Json, Sha256)>> {
        let before = self.hash.clone();
        let mut line = Vec::new();
        let mut part = self.file.by_ref().take(LINE_BYTES_MAX);
        part.read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        ensure!(
            line.ends_with(b"\n"),
            "line {} has no end: the file was cut or is no backup",
            self.number
        );
        self.hash.update(&line);
        let value = serde_json::from_slice(&line)
            .with_context(|| format!("line {} is not JSON: this is no backup", self.number))?;
        Ok(Some((value, before)))
    }
}

/// Reads the whole file: header, names of tables, shapes of rows, count and hash.
fn check(path: &Path) -> Result<Header> {
    let mut lines = Lines::open(path)?;
    let Some((first, _)) = lines.next()? else {
        bail!("the file is empty");
    };
    let header: Header = serde_json::from_value(first)
        .context("line 1 is not the header of a backup of this hub")?;
    ensure!(
        header.format == FORMAT,
        "its format is `{}`, this hub reads `{FORMAT}`",
        header.format
    );
    let (mut rows, mut width) = (0, 0);
    while let Some((line, before)) = lines.next()? {
        match line {
            Json::Array(values) => {
                ensure!(
                    values.len() == width,
                    "line {} has {} values for {width} columns",
                    lines.number,
                    values.len()
                );
                rows += 1;
            }
            line if line.get("table").is_some() => {
                let table: TableLine = serde_json::from_value(line)?;
                ensure!(
                    TABLES.contains(&table.table.as_str()),
                    "line {}: `{}` is not a table of this hub",
                    lines.number,
                    table.table
                );
                width = table.columns.len();
            }
            line => {
                let end: EndLine = serde_json::from_value(line)
                    .with_context(|| format!("line {}", lines.number))?;
                ensure!(
                    end.sha256 == hex::encode(before.finalize()) && end.rows == rows,
                    "the file is damaged: its content does not fit its hash"
                );
                ensure!(lines.next()?.is_none(), "there is something after its end");
                return Ok(header);
            }
        }
    }
    bail!(
        "its end is missing: the file was cut after line {}",
        lines.number
    )
}

async fn check_empty(connection: &mut Connection, url: &StoreUrl, schema: i64) -> Result<()> {
    let row = query("SELECT MAX(version) FROM _sqlx_migrations")
        .fetch_one(&mut *connection)
        .await
        .map_err(sql("reading the schema"))?;
    let found: i64 = row.get(0);
    for table in USED {
        let mut count = QueryBuilder::new("SELECT COUNT(*) FROM ");
        let row = count
            .push_name(table)
            .build()
            .fetch_one(&mut *connection)
            .await;
        let count: i64 = row
            .map_err(sql("looking whether the store is empty"))?
            .get(0);
        ensure!(
            count == 0,
            "the store `{url}` is not empty: it has {count} row(s) in `{table}`. A restore never overwrites: stop the hub and move the file away, or make a new database"
        );
    }
    ensure!(
        found <= schema,
        "the store `{url}` has schema {found}, the backup {schema}: restore into a store that no hub has opened yet"
    );
    Ok(())
}

async fn fill(connection: &mut Connection, path: &Path) -> Result<u64> {
    for table in ["counters", "epochs", "chain_heads"] {
        let mut clear = QueryBuilder::new("DELETE FROM ");
        let cleared = clear
            .push_name(table)
            .build()
            .execute(&mut *connection)
            .await;
        cleared.map_err(sql("emptying a table"))?;
    }
    let mut lines = Lines::open(path)?;
    let mut table: Option<Table> = None;
    let mut count = 0;
    while let Some((line, _)) = lines.next()? {
        if let Json::Array(values) = line {
            let table = table.as_mut().context("a row before its table")?;
            table
                .add(values)
                .with_context(|| format!("line {}", lines.number))?;
            count += 1;
            if table.waiting.len() == ROWS_MAX {
                table.flush(connection).await?;
            }
        } else if let Ok(next) = serde_json::from_value::<TableLine>(line) {
            if let Some(mut done) = table.take() {
                done.flush(connection).await?;
            }
            table = Some(Table::find(connection, next).await?);
        }
    }
    if let Some(mut last) = table {
        last.flush(connection).await?;
    }
    Ok(count)
}

/// A table that rows are on their way into.
struct Table {
    name: &'static str,
    columns: Vec<(String, Kind)>,
    waiting: Vec<Vec<Value>>,
}

impl Table {
    async fn find(connection: &mut Connection, line: TableLine) -> Result<Self> {
        let name = TABLES.into_iter().find(|name| *name == line.table);
        let name = name.context("checked before")?;
        let known = columns(connection, name).await?;
        let mut found = Vec::with_capacity(line.columns.len());
        for column in line.columns {
            let kind = known.iter().find(|(known, _)| *known == column);
            let (_, kind) = kind.with_context(|| format!("`{name}` has no column `{column}`"))?;
            found.push((column, *kind));
        }
        Ok(Self {
            name,
            columns: found,
            waiting: Vec::new(),
        })
    }

    fn add(&mut self, values: Vec<Json>) -> Result<()> {
        let mut row = Vec::with_capacity(values.len());
        for (value, (column, kind)) in values.into_iter().zip(&self.columns) {
            let value = match (kind, value) {
                (Kind::Integer, Json::Null) => Some(i64::NULL),
                (Kind::Real, Json::Null) => Some(f64::NULL),
                (Kind::Text, Json::Null) => Some(String::NULL),
                (Kind::Integer, Json::Number(n)) => n.as_i64().map(Bind::into_value),
                (Kind::Real, Json::Number(n)) => n.as_f64().map(Bind::into_value),
                (Kind::Text, Json::String(text)) => Some(text.into_value()),
                _ => None,
            };
            row.push(value.with_context(|| format!("a value does not fit column `{column}`"))?);
        }
        self.waiting.push(row);
        Ok(())
    }

    async fn flush(&mut self, connection: &mut Connection) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let mut insert = QueryBuilder::new("INSERT INTO ");
        insert.push_name(self.name).push(" (");
        for (i, (column, _)) in self.columns.iter().enumerate() {
            insert
                .push(if i == 0 { "" } else { ", " })
                .push_name(column);
        }
        insert.push(") VALUES ");
        for (i, row) in self.waiting.drain(..).enumerate() {
            insert.push(if i == 0 { "(" } else { "), (" });
            for (i, value) in row.into_iter().enumerate() {
                insert
                    .push(if i == 0 { "" } else { ", " })
                    .push_value(value);
            }
        }
        insert.push(")");
        insert
            .build()
            .execute(connection)
            .await
            .with_context(|| format!("filling the table `{}`", self.name))?;
        Ok(())
    }
}

async fn begin_epoch(connection: &mut Connection, header: &Header, now: Timestamp) -> Result<i64> {
    let last: Option<i64> = query_scalar("SELECT MAX(epoch) FROM epochs")
        .fetch_one(&mut *connection)
        .await
        .map_err(sql("reading the epoch"))?;
    let epoch = last.unwrap_or(header.epoch) + 1;
    query("INSERT INTO epochs (epoch, at, audit, transitions, cases) SELECT $1, $2, (SELECT COALESCE(MAX(link), 0) FROM audit), (SELECT COALESCE(MAX(link), 0) FROM transitions), (SELECT value FROM counters WHERE name = 'case')")
        .bind(epoch)
        .bind(now.unix_ms())
        .execute(&mut *connection)
        .await
        .map_err(sql("beginning an epoch"))?;
    query("UPDATE counters SET value = value + $1 WHERE name = 'event'")
        .bind(EVENT_JUMP + EVENTS_PER_MS * now.unix_ms().max(0))
        .execute(&mut *connection)
        .await
        .map_err(sql("moving the event numbers on"))?;
    let line = AuditRow {
        at: now,
        actor: "command line".to_owned(),
        action: "store_restored".to_owned(),
        subject: format!("backup of {}, epoch {epoch}", header.at),
        address: String::new(),
    };
    write_audit(connection, &line).await?;
    Ok(epoch)
}
