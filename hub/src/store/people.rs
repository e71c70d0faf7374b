//! Reading and writing people who sign in, for administrators.

use gridwatch_protocol::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::accounts::{by_command, write_audit};
use super::database::{Connection, QueryBuilder, query, query_scalar};
use super::{Store, StoreResult, Writer, commit, sql, time};
use crate::access::Scope;
use crate::cases::Role;
use crate::people::{Person, Profile};

const SEEN: &str = "SELECT u.name, u.display_name, u.role, u.unit, u.area, u.phone, u.language, u.created_at, u.disabled_at, u.version FROM users u LEFT JOIN areas a ON a.code = u.area WHERE 1 = 1";

impl Store {
    /// People of what the caller sees, by name, after this one.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn people(
        &self,
        scope: &Scope,
        role: Option<Role>,
        unit: Option<&str>,
        after: Option<&str>,
        limit: i64,
    ) -> StoreResult<Vec<Person>> {
        let mut query = QueryBuilder::new(SEEN);
        scope.push_path(&mut query, "COALESCE(a.path, '')");
        if let Some(role) = role {
            query.push(" AND u.role = ").push_bind(role.as_str());
        }
        if let Some(unit) = unit {
            query.push(" AND u.unit = ").push_bind(unit);
        }
        if let Some(after) = after {
            query.push(" AND u.name > ").push_bind(after);
        }
        query.push(" ORDER BY u.name LIMIT ").push_bind(limit);
        let rows = query.build().fetch_all(&self.readers).await;
        let rows = rows.map_err(sql("listing people"))?;
        Ok(rows.iter().map(person).collect())
    }

    /// One of them.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn person(&self, name: &str, scope: &Scope) -> StoreResult<Option<Person>> {
        let mut connection = self.connection().await?;
        load(&mut connection, name, scope).await
    }
}

impl Writer {
    /// Adds a person from the command line; false when the name is taken.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn add_person(
        &mut self,
        username: &str,
        profile: &Profile,
        password_hash: &str,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let mut transaction = self.begin().await?;
        let added = add(&mut transaction, username, profile, password_hash, now).await?;
        if added {
            write_audit(&mut transaction, &by_command("user_added", username, now)).await?;
        }
        commit(transaction).await?;
        Ok(added)
    }
}

/// A person whom the caller sees.
pub(crate) async fn load(
    connection: &mut Connection,
    name: &str,
    scope: &Scope,
) -> StoreResult<Option<Person>> {
    let mut query = QueryBuilder::new(SEEN);
    scope.push_path(&mut query, "COALESCE(a.path, '')");
    query.push(" AND u.name = ").push_bind(name);
    let row = query.build().fetch_optional(connection).await;
    Ok(row.map_err(sql("finding a person"))?.as_ref().map(person))
}

fn person(row: &AnyRow) -> Person {
    Person {
        username: row.get(0),
        profile: Profile {
            display_name: row.get(1),
            // A role that this version does not know gives the least.
            role: Role::from_name(row.get(2)).unwrap_or(Role::Auditor),
            unit: row.get(3),
            area: row.get(4),
            phone: row.get(5),
            language: row.get(6),
        },
        created_at: time(row.get(7)),
        disabled_at: row.get::<Option<i64>, _>(8).map(time),
        version: row.get(9),
    }
}

/// Adds a person; false when the name is taken, whoever has it.
pub(crate) async fn add(
    connection: &mut Connection,
    username: &str,
    profile: &Profile,
    password_hash: &str,
    now: Timestamp,
) -> StoreResult<bool> {
    let added = query("INSERT INTO users (name, display_name, role, password_hash, language, created_at, unit, area, phone) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (name) DO NOTHING")
        .bind(username)
        .bind(&profile.display_name)
        .bind(profile.role.as_str())
        .bind(password_hash)
        .bind(&profile.language)
        .bind(now.unix_ms())
        .bind(&profile.unit)
        .bind(&profile.area)
        .bind(&profile.phone)
        .execute(connection)
        .await
        .map_err(sql("adding a person"))?;
    Ok(added > 0)
}

/// Changes a person's profile.
pub(crate) async fn edit(
    connection: &mut Connection,
    username: &str,
    profile: &Profile,
) -> StoreResult<()> {
    query("UPDATE users SET display_name = $2, role = $3, language = $4, unit = $5, area = $6, phone = $7, version = version + 1 WHERE name = $1")
        .bind(username)
        .bind(&profile.display_name)
        .bind(profile.role.as_str())
        .bind(&profile.language)
        .bind(&profile.unit)
        .bind(&profile.area)
        .bind(&profile.phone)
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql("changing a person"))
}

/// Shuts a person out since then, or lets them in again.
pub(crate) async fn set_disabled(
    connection: &mut Connection,
    username: &str,
    since: Option<Timestamp>,
) -> StoreResult<()> {
    query("UPDATE users SET disabled_at = $2, version = version + 1 WHERE name = $1")
        .bind(username)
        .bind(since.map(Timestamp::unix_ms))
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql("shutting a person out"))
}

/// Sets a password. Who is signed in is signed out, but for the session with this hash of its token.
pub(crate) async fn set_password(
    connection: &mut Connection,
    username: &str,
    password_hash: &str,
    but: Option<&str>,
) -> StoreResult<()> {
    query("UPDATE users SET password_hash = $2, version = version + 1 WHERE name = $1")
        .bind(username)
        .bind(password_hash)
        .execute(&mut *connection)
        .await
        .map_err(sql("setting a password"))?;
    end_sessions(connection, username, but).await
}

/// Signs a person out everywhere, but for the session with this hash of its token.
pub(crate) async fn end_sessions(
    connection: &mut Connection,
    username: &str,
    but: Option<&str>,
) -> StoreResult<()> {
    query("DELETE FROM sessions WHERE username = $1 AND token_hash <> $2")
        .bind(username)
        .bind(but.unwrap_or_default())
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql("ending a person's sessions"))
}

/// How many others manage the whole tree and may sign in.
pub(crate) async fn others_who_manage_all(
    connection: &mut Connection,
    username: &str,
) -> StoreResult<i64> {
    query_scalar("SELECT COUNT(*) FROM users WHERE role = 'administrator' AND area IS NULL AND disabled_at IS NULL AND name <> $1")
        .bind(username)
        .fetch_one(connection)
        .await
        .map_err(sql("counting administrators"))
}
