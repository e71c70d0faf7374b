//! Users, sessions and the audit of sign-ins.

use gridwatch_protocol::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::chain::{self, Chain};
use super::database::{Connection, query};
use super::{Store, StoreResult, Writer, commit, sql, time};
use crate::cases::{Actor, Role};

/// A user.
#[derive(Debug, Clone)]
pub struct UserRow {
    /// Sign-in name and what they may do.
    pub actor: Actor,
    /// argon2id in PHC form.
    pub password_hash: String,
    /// `zh` or `en`, if they chose.
    pub language: Option<String>,
    /// Code of the area whose subtree they work for; none is the whole tree.
    pub area: Option<String>,
    /// When they were added.
    pub created_at: Timestamp,
    /// Since when they may not sign in, if so.
    pub disabled_at: Option<Timestamp>,
}

/// A session; its token is only known to the browser.
#[derive(Debug, Clone)]
pub struct SessionRow {
    /// SHA-256 of the token, as hexadecimal text.
    pub token_hash: String,
    /// Whose it is.
    pub username: String,
    /// When they signed in.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// When it ends whatever happens.
    pub expires_at: Timestamp,
}

/// A change of accounts.
#[derive(Debug, Clone)]
pub enum AccountChange {
    /// Somebody signed in.
    Open(SessionRow),
    /// A session was used.
    Touch {
        /// Which.
        token_hash: String,
        /// When.
        at: Timestamp,
    },
    /// Somebody signed out.
    Close {
        /// Which.
        token_hash: String,
    },
    /// Sessions that ended before this time are forgotten.
    Sweep {
        /// Ended by their absolute limit before this time.
        expired_before: Timestamp,
        /// Or last used before this time.
        idle_before: Timestamp,
    },
    /// Something to be kept.
    Audit(AuditRow),
}

/// A line of the audit.
#[derive(Debug, Clone)]
pub struct AuditRow {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What: `sign_in`, `sign_in_refused`, `sign_out`, `user_added`, ….
    pub action: String,
    /// To whom or what.
    pub subject: String,
    /// From where.
    pub address: String,
}

const USER: &str = "SELECT name, display_name, role, password_hash, language, created_at, disabled_at, unit, area FROM users WHERE name = $1";

impl Store {
    /// A user by name, disabled or not.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn user(&self, name: &str) -> StoreResult<Option<UserRow>> {
        let row = query(USER)
            .bind(name)
            .fetch_optional(&self.readers)
            .await
            .map_err(sql("finding a user"))?;
        Ok(row.as_ref().map(user_row))
    }

    /// Every user, by name.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn users(&self) -> StoreResult<Vec<UserRow>> {
        let rows = query("SELECT name, display_name, role, password_hash, language, created_at, disabled_at, unit, area FROM users ORDER BY name")
            .fetch_all(&self.readers)
            .await
            .map_err(sql("listing users"))?;
        Ok(rows.iter().map(user_row).collect())
    }

    /// A session and its user, if neither has ended.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn session(
        &self,
        token_hash: &str,
        idle_since: Timestamp,
        now: Timestamp,
    ) -> StoreResult<Option<(SessionRow, UserRow)>> {
        let row = query("SELECT u.name, u.display_name, u.role, u.password_hash, u.language, u.created_at, u.disabled_at, u.unit, u.area, s.token_hash, s.created_at, s.last_seen_at, s.expires_at FROM sessions s JOIN users u ON u.name = s.username WHERE s.token_hash = $1 AND s.last_seen_at >= $2 AND s.expires_at > $3 AND u.disabled_at IS NULL")
            .bind(token_hash)
            .bind(idle_since.unix_ms())
            .bind(now.unix_ms())
            .fetch_optional(&self.readers)
            .await
            .map_err(sql("finding a session"))?;
        Ok(row.map(|row| {
            let user = user_row(&row);
            let session = SessionRow {
                token_hash: row.get(9),
                username: user.actor.username.clone(),
                created_at: time(row.get(10)),
                last_seen_at: time(row.get(11)),
                expires_at: time(row.get(12)),
            };
            (session, user)
        }))
    }
}

impl Writer {
    /// Adds a user.
    ///
    /// # Errors
    /// When the name is taken (the primary key decides) or the store does not answer.
    pub async fn add_user(&mut self, user: &UserRow) -> StoreResult<()> {
        let mut transaction = self.begin().await?;
        query("INSERT INTO users (name, display_name, role, password_hash, language, created_at, unit, area) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
            .bind(&user.actor.username)
            .bind(&user.actor.display_name)
            .bind(user.actor.role.as_str())
            .bind(&user.password_hash)
            .bind(&user.language)
            .bind(user.created_at.unix_ms())
            .bind(&user.actor.unit)
            .bind(&user.area)
            .execute(&mut *transaction)
            .await
            .map_err(sql("adding a user"))?;
        let row = by_command("user_added", &user.actor.username, user.created_at);
        write_audit(&mut transaction, &row).await?;
        commit(transaction).await
    }

    /// Sets a password and ends the user's sessions; false when there is no such user.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn set_password(
        &mut self,
        name: &str,
        password_hash: &str,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let mut transaction = self.begin().await?;
        let done = query("UPDATE users SET password_hash = $2 WHERE name = $1")
            .bind(name)
            .bind(password_hash)
            .execute(&mut *transaction)
            .await
            .map_err(sql("setting a password"))?;
        end_sessions(&mut transaction, name).await?;
        write_audit(&mut transaction, &by_command("password_set", name, now)).await?;
        commit(transaction).await?;
        Ok(done > 0)
    }

    /// Shuts a user out and ends their sessions; false when there is no such active user.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn disable_user(&mut self, name: &str, now: Timestamp) -> StoreResult<bool> {
        let mut transaction = self.begin().await?;
        let done =
            query("UPDATE users SET disabled_at = $2 WHERE name = $1 AND disabled_at IS NULL")
                .bind(name)
                .bind(now.unix_ms())
                .execute(&mut *transaction)
                .await
                .map_err(sql("disabling a user"))?;
        end_sessions(&mut transaction, name).await?;
        write_audit(&mut transaction, &by_command("user_disabled", name, now)).await?;
        commit(transaction).await?;
        Ok(done > 0)
    }

    /// Keeps a line about what was done on the command line.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn audit(&mut self, action: &str, subject: &str, now: Timestamp) -> StoreResult<()> {
        let mut transaction = self.begin().await?;
        write_audit(&mut transaction, &by_command(action, subject, now)).await?;
        commit(transaction).await
    }
}

pub(crate) fn by_command(action: &str, subject: &str, now: Timestamp) -> AuditRow {
    AuditRow {
        at: now,
        actor: "command line".to_owned(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        address: String::new(),
    }
}

async fn end_sessions(connection: &mut Connection, name: &str) -> StoreResult<()> {
    query("DELETE FROM sessions WHERE username = $1")
        .bind(name)
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql("ending a user's sessions"))
}

fn user_row(row: &AnyRow) -> UserRow {
    UserRow {
        actor: Actor {
            username: row.get(0),
            display_name: row.get(1),
            // A role that this version does not know gives the least.
            role: Role::from_name(row.get(2)).unwrap_or(Role::Auditor),
            unit: row.get(7),
        },
        password_hash: row.get(3),
        language: row.get(4),
        area: row.get(8),
        created_at: time(row.get(5)),
        disabled_at: row.get::<Option<i64>, _>(6).map(time),
    }
}

/// Applies a change; doing it twice leaves what doing it once leaves (audit lines excepted).
pub(crate) async fn apply(connection: &mut Connection, change: &AccountChange) -> StoreResult<()> {
    let statement = match change {
        AccountChange::Open(session) => query("INSERT INTO sessions (token_hash, username, created_at, last_seen_at, expires_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(&session.token_hash)
            .bind(&session.username)
            .bind(session.created_at.unix_ms())
            .bind(session.last_seen_at.unix_ms())
            .bind(session.expires_at.unix_ms()),
        AccountChange::Touch { token_hash, at } => {
            query("UPDATE sessions SET last_seen_at = $2 WHERE token_hash = $1 AND last_seen_at < $2")
                .bind(token_hash)
                .bind(at.unix_ms())
        }
        AccountChange::Close { token_hash } => {
            query("DELETE FROM sessions WHERE token_hash = $1").bind(token_hash)
        }
        AccountChange::Sweep { expired_before, idle_before } => {
            query("DELETE FROM sessions WHERE expires_at < $1 OR last_seen_at < $2")
                .bind(expired_before.unix_ms())
                .bind(idle_before.unix_ms())
        }
        AccountChange::Audit(row) => return write_audit(connection, row).await,
    };
    statement
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql("storing a change of accounts"))
}

/// Adds a line to the audit and its chain.
pub(crate) async fn write_audit(connection: &mut Connection, row: &AuditRow) -> StoreResult<()> {
    write_audit_about(connection, row, None).await
}

/// Adds a line about a case: auditors of its area see it. Which case it is stands in the subject, too,
/// which the chain covers.
pub(crate) async fn write_audit_about(
    connection: &mut Connection,
    row: &AuditRow,
    case: Option<i64>,
) -> StoreResult<()> {
    let fields = chain::audit_fields(row.at, &row.actor, &row.action, &row.subject, &row.address);
    let heads = chain::append(connection, Chain::Audit, &[fields]).await?;
    let head = heads.last().expect("one head for one row");
    query("INSERT INTO audit (at, actor, action, subject, address, link, hash, case_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(row.at.unix_ms())
        .bind(&row.actor)
        .bind(&row.action)
        .bind(&row.subject)
        .bind(&row.address)
        .bind(head.links)
        .bind(&head.hash)
        .bind(case)
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql("storing a line of the audit"))
}
