//! Writing a backup.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use futures_util::TryStreamExt;
use gridwatch_protocol::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Row};

use super::{EndLine, FORMAT, Header, Kind, TABLES, TableLine, columns};
use crate::store::database::Connection;
use crate::store::{Store, sql, to_json};

/// What was written.
#[derive(Debug)]
pub struct Written {
    /// The file.
    pub path: PathBuf,
    /// Rows of all tables.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
}

/// Writes a backup to a new file, or to a new file with the time in its name when `to` is a directory.
/// Nothing is at that path before the whole backup is on disk.
///
/// # Errors
/// When the file exists, cannot be written, or the store does not answer.
pub async fn write(store: &Store, to: &Path, now: Timestamp) -> Result<Written> {
    let path = if to.is_dir() {
        let name: String = now.to_string().replace(':', "").replace('.', "-");
        to.join(format!("gridwatch-{name}.backup"))
    } else {
        to.to_owned()
    };
    if fs::exists(&path).with_context(|| format!("looking for `{}`", path.display()))? {
        bail!(
            "`{}` exists; a backup never overwrites a file",
            path.display()
        );
    }
    let mut partial = path.clone().into_os_string();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&partial)
        .with_context(|| format!("writing `{}`", partial.display()))?;
    let written = fill(store, file, now).await;
    let finished = written.and_then(|(rows, bytes)| {
        fs::rename(&partial, &path)?;
        let directory = path.parent().filter(|dir| !dir.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok((rows, bytes))
    });
    match finished {
        Ok((rows, bytes)) => Ok(Written { path, rows, bytes }),
        Err(error) => {
            // What could not be finished is of no use; why is what matters.
            drop(fs::remove_file(&partial));
            Err(error.context(format!("writing the backup `{}`", path.display())))
        }
    }
}

/// Lines on their way to the file.
struct Lines {
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

impl Lines {
    fn put(&mut self, value: &impl serde::Serialize) -> Result<()> {
        let mut line = to_json(value);
        line.push('\n');
        self.hash.update(line.as_bytes());
        self.bytes += line.len() as u64;
        self.file.write_all(line.as_bytes())?;
        Ok(())
    }
}

async fn fill(store: &Store, file: File, now: Timestamp) -> Result<(u64, u64)> {
    let dialect = store.url().dialect();
    let mut connection = store.connection().await?;
    let mut snapshot = dialect.begin_snapshot(&mut connection).await?;
    let mut lines = Lines {
        file: BufWriter::new(file),
        hash: Sha256::new(),
        bytes: 0,
    };
    let epoch: i64 = super::super::database::query_scalar("SELECT MAX(epoch) FROM epochs")
        .fetch_one(&mut *snapshot)
        .await
        .map_err(sql("reading the epoch"))?;
    lines.put(&Header {
        format: FORMAT.to_owned(),
        schema: dialect.newest_schema(),
        at: now,
        epoch,
        hub: env!("CARGO_PKG_VERSION").to_owned(),
    })?;
    let mut rows = 0;
    for table in TABLES {
        rows += write_table(&mut snapshot, table, &mut lines).await?;
    }
    let sha256 = hex::encode(lines.hash.clone().finalize());
    lines.put(&EndLine { rows, sha256 })?;
    let file = lines
        .file
        .into_inner()
        .map_err(|error| error.into_error())?;
    file.sync_all()?;
    Ok((rows, lines.bytes))
}

async fn write_table(
    connection: &mut Connection,
    table: &'static str,
    lines: &mut Lines,
) -> Result<u64> {
    let columns = columns(connection, table).await?;
    let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
    // No key has more than three columns, and keys come first in every table.
    let order: Vec<String> = (1..=names.len().min(3)).map(|n| n.to_string()).collect();
    let statement = format!(
        "SELECT {} FROM {table} ORDER BY {}",
        names.join(", "),
        order.join(", ")
    );
    lines.put(&TableLine {
        table: table.to_owned(),
        columns: names,
    })?;
    let mut count = 0;
    let mut rows = sqlx::query::<sqlx::Any>(AssertSqlSafe(statement)).fetch(connection);
    while let Some(row) = rows
        .try_next()
        .await
        .with_context(|| format!("reading the table `{table}`"))?
    {
        let mut values = Vec::with_capacity(columns.len());
        for (i, (_, kind)) in columns.iter().enumerate() {
            values.push(match kind {
                Kind::Integer => row
                    .try_get::<Option<i64>, _>(i)?
                    .map_or(Value::Null, Value::from),
                Kind::Real => row
                    .try_get::<Option<f64>, _>(i)?
                    .map_or(Value::Null, Value::from),
                Kind::Text => row
                    .try_get::<Option<String>, _>(i)?
                    .map_or(Value::Null, Value::from),
            });
        }
        lines.put(&values)?;
        count += 1;
    }
    Ok(count)
}
