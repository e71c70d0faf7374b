//! The children themselves: names, keys, areas.

use gridwatch_protocol::{HubId, Timestamp};
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::directory::Directory;
use crate::store::accounts::{AuditRow, write_audit};
use crate::store::database::{Connection, query};
use crate::store::{Store, StoreResult, Writer, commit, from_json, sql, time, to_json};

/// A child hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildRow {
    /// Its id.
    pub id: HubId,
    /// Its name for people.
    pub name: String,
    /// Code of its area in the own tree.
    pub area: String,
    /// Where that is, such as `/990100/990101/`.
    pub area_path: String,
    /// SHA-256 of its key.
    pub key_hash: String,
    /// When it was added.
    pub added_at: Timestamp,
    /// When its key was taken away.
    pub revoked_at: Option<Timestamp>,
}

const CHILD: &str = "SELECT id, name, area, area_path, key_hash, added_at, revoked_at FROM child_hubs WHERE id = $1";

fn child_row(row: &AnyRow) -> StoreResult<ChildRow> {
    Ok(ChildRow {
        id: from_json("hub id", &to_json(&row.get::<String, _>(0)))?,
        name: row.get(1),
        area: row.get(2),
        area_path: row.get(3),
        key_hash: row.get(4),
        added_at: time(row.get(5)),
        revoked_at: row.get::<Option<i64>, _>(6).map(time),
    })
}

pub(crate) async fn load(
    connection: &mut Connection,
    hub: &HubId,
) -> StoreResult<Option<ChildRow>> {
    let row = query(CHILD)
        .bind(hub.as_str())
        .fetch_optional(connection)
        .await
        .map_err(sql("finding a child hub"))?;
    row.as_ref().map(child_row).transpose()
}

impl Store {
    /// The child with this key, revoked or not.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn child_by_key(&self, key_hash: &str) -> StoreResult<Option<ChildRow>> {
        let row = query("SELECT id, name, area, area_path, key_hash, added_at, revoked_at FROM child_hubs WHERE key_hash = $1")
            .bind(key_hash)
            .fetch_optional(&self.readers)
            .await
            .map_err(sql("finding a child hub by its key"))?;
        row.as_ref().map(child_row).transpose()
    }

    /// Every child, by id.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn child_hubs(&self) -> StoreResult<Vec<ChildRow>> {
        let rows = query("SELECT id, name, area, area_path, key_hash, added_at, revoked_at FROM child_hubs ORDER BY id")
            .fetch_all(&self.readers)
            .await
            .map_err(sql("listing child hubs"))?;
        rows.iter().map(child_row).collect()
    }
}

fn by_command(action: &str, subject: &str, now: Timestamp) -> AuditRow {
    AuditRow {
        at: now,
        actor: "command line".to_owned(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        address: String::new(),
    }
}

impl Writer {
    /// Adds a child hub.
    ///
    /// # Errors
    /// When the id is taken (the primary key decides) or the store does not answer.
    pub async fn add_child_hub(&mut self, child: &ChildRow) -> StoreResult<()> {
        let mut transaction = self.begin().await?;
        query("INSERT INTO child_hubs (id, name, area, area_path, key_hash, added_at) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(child.id.as_str())
            .bind(&child.name)
            .bind(&child.area)
            .bind(&child.area_path)
            .bind(&child.key_hash)
            .bind(child.added_at.unix_ms())
            .execute(&mut *transaction)
            .await
            .map_err(sql("adding a child hub"))?;
        query("INSERT INTO child_status (hub, public_key) VALUES ($1, '')")
            .bind(child.id.as_str())
            .execute(&mut *transaction)
            .await
            .map_err(sql("adding a child hub"))?;
        let line = by_command("child_added", child.id.as_str(), child.added_at);
        write_audit(&mut transaction, &line).await?;
        commit(transaction).await
    }

    /// Takes a child's key away; false when there is no such child with a key.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn revoke_child_hub(&mut self, id: &HubId, now: Timestamp) -> StoreResult<bool> {
        let mut transaction = self.begin().await?;
        let done =
            query("UPDATE child_hubs SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
                .bind(id.as_str())
                .bind(now.unix_ms())
                .execute(&mut *transaction)
                .await
                .map_err(sql("revoking a child hub"))?;
        if done > 0 {
            write_audit(
                &mut transaction,
                &by_command("child_revoked", id.as_str(), now),
            )
            .await?;
        }
        commit(transaction).await?;
        Ok(done > 0)
    }

    /// Somebody has looked at what was wrong with a child's signed heads: the warning goes, and the key that it
    /// signs with now counts from here on. False when there is no such child.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn accept_child_audit(&mut self, id: &HubId, now: Timestamp) -> StoreResult<bool> {
        let mut transaction = self.begin().await?;
        let done =
            query("UPDATE child_status SET audit_problem = NULL, public_key = '' WHERE hub = $1")
                .bind(id.as_str())
                .execute(&mut *transaction)
                .await
                .map_err(sql("accepting a child hub's heads"))?;
        if done > 0 {
            let line = by_command("child_audit_accepted", id.as_str(), now);
            write_audit(&mut transaction, &line).await?;
        }
        commit(transaction).await?;
        Ok(done > 0)
    }

    /// Brings the places of children up to date with the tree. A child whose area is no longer in the tree is
    /// seen by those who see everything.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn follow_child_areas(
        &mut self,
        children: &[ChildRow],
        directory: &Directory,
    ) -> StoreResult<()> {
        for child in children {
            let path = directory.area_path(&child.area);
            if path == child.area_path {
                continue;
            }
            let mut transaction = self.begin().await?;
            query("UPDATE child_hubs SET area_path = $2 WHERE id = $1")
                .bind(child.id.as_str())
                .bind(&path)
                .execute(&mut *transaction)
                .await
                .map_err(sql("moving a child hub"))?;
            query("UPDATE child_cases SET area_path = $2 WHERE hub = $1")
                .bind(child.id.as_str())
                .bind(&path)
                .execute(&mut *transaction)
                .await
                .map_err(sql("moving the cases of a child hub"))?;
            commit(transaction).await?;
        }
        Ok(())
    }
}
