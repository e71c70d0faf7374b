//! Signing in: passwords, sessions, cookies, limits, and what keeps other sites' pages out.
//!
//! Sessions live in the store and are known by the hash of their token only. A limit is kept per
//! account and per address, in memory: a restart forgets it, which costs an attacker more than it gives.

mod limiter;
mod password;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, Method, header};
use gridwatch_protocol::Timestamp;
use tokio::sync::Semaphore;

use limiter::{Limiter, failure_keys};

use crate::access::Scope;
use crate::api::extract::Officer;
use crate::api::problem::Problem;
use crate::config;
use crate::directory::Directories;
use crate::engine::Engine;
use crate::secrets;
use crate::store::Store;
use crate::store::accounts::{AccountChange, AuditRow, SessionRow, UserRow};

/// Header that every changing request carries. A page of another site cannot send it.
pub const REQUEST_HEADER: &str = "x-gridwatch-request";
/// Cookie under TLS: bound to this host, never sent in the clear.
const COOKIE_TLS: &str = "__Host-gw_session";
/// Cookie on plain loopback.
const COOKIE_PLAIN: &str = "gw_session";
/// The use of a session is stored at most this often.
const TOUCH_MS: i64 = 60_000;
/// Passwords hashed at once: each takes 46 MiB.
const HASHING_MAX: usize = 2;

/// See the module's page.
#[derive(Debug)]
pub struct Auth {
    store: Store,
    engine: Engine,
    directories: Directories,
    tls: bool,
    idle_ms: i64,
    absolute_ms: i64,
    limiter: Limiter,
    hashing: Semaphore,
}

/// Why somebody was not signed in.
#[derive(Debug)]
pub enum SignInError {
    /// Name or password is wrong, or the account is disabled.
    WrongCredentials,
    /// Too many failures; seconds to wait.
    TooMany(u64),
    /// The store did not answer.
    Problem(Problem),
}

impl Auth {
    /// With these settings.
    #[must_use]
    pub fn new(
        store: Store,
        engine: Engine,
        directories: Directories,
        tls: bool,
        sessions: &config::Sessions,
        sign_in: &config::SignIn,
    ) -> Self {
        Self {
            store,
            engine,
            directories,
            tls,
            idle_ms: i64::from(sessions.idle_minutes) * 60_000,
            absolute_ms: i64::from(sessions.absolute_hours) * 3_600_000,
            limiter: Limiter::new(
                sign_in.failures_max,
                Duration::from_secs(sign_in.forget_one_after_s.into()),
            ),
            hashing: Semaphore::new(HASHING_MAX),
        }
    }

    /// Signs in: the session, its user, and its cookie.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn sign_in(
        &self,
        username: &str,
        password: String,
        address: IpAddr,
    ) -> Result<(SessionRow, UserRow, String), SignInError> {
        let keys = failure_keys(username, address);
        for (key, share) in &keys {
            if let Some(seconds) = self.limiter.wait_s(key, *share, Instant::now()) {
                return Err(SignInError::TooMany(seconds));
            }
        }
        let user = self
            .store
            .user(username)
            .await
            .map_err(|e| SignInError::Problem(e.into()))?;
        let active = user.filter(|user| user.disabled_at.is_none());
        let hash = active.as_ref().map(|user| user.password_hash.clone());
        let fits = self.password_fits(password, hash).await?;
        let Some(user) = active.filter(|_| fits) else {
            let now = Instant::now();
            for (key, share) in keys {
                self.limiter.failed(key, share, now);
            }
            self.audit(username, "sign_in_refused", address).await?;
            return Err(SignInError::WrongCredentials);
        };
        let [(own, _), ..] = &keys;
        self.limiter.succeeded(own);
        let token = secrets::random_token();
        let now = crate::now();
        let session = SessionRow {
            token_hash: secrets::token_hash(&token),
            username: user.actor.username.clone(),
            created_at: now,
            last_seen_at: now,
            expires_at: now.plus_ms(self.absolute_ms),
        };
        self.account(AccountChange::Open(session.clone())).await?;
        self.audit(username, "sign_in", address).await?;
        Ok((session, user, self.cookie(&token, self.absolute_ms / 1_000)))
    }

    async fn password_fits(
        &self,
        password: String,
        hash: Option<String>,
    ) -> Result<bool, SignInError> {
        let _permit = self
            .hashing
            .acquire()
            .await
            .expect("the semaphore is never closed");
        tokio::task::spawn_blocking(move || secrets::password_fits(&password, hash.as_deref()))
            .await
            .map_err(|_| SignInError::Problem(Problem::internal()))
    }

    /// Ends a session; gives the cookie that makes the browser forget it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn sign_out(&self, officer: &Officer, address: IpAddr) -> Result<String, Problem> {
        let token_hash = officer.session.token_hash.clone();
        self.engine
            .account(AccountChange::Close { token_hash })
            .await?;
        let row = audit_row(&officer.actor.username, "sign_out", address);
        self.engine.account(AccountChange::Audit(row)).await?;
        Ok(self.cookie("", 0))
    }

    /// Who sends this request, if they are signed in.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn officer(&self, headers: &HeaderMap) -> Result<Option<Officer>, Problem> {
        let Some(token) = self.token(headers) else {
            return Ok(None);
        };
        self.officer_of(&secrets::token_hash(token)).await
    }

    /// Whose session this is, if it has not ended. Using it keeps it alive.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn officer_of(&self, token_hash: &str) -> Result<Option<Officer>, Problem> {
        let now = crate::now();
        let found = self
            .store
            .session(token_hash, now.plus_ms(-self.idle_ms), now)
            .await?;
        let Some((session, user)) = found else {
            return Ok(None);
        };
        if now.ms_since(session.last_seen_at) >= TOUCH_MS {
            let token_hash = session.token_hash.clone();
            // When the hub is too busy to store it, the next use does.
            drop(
                self.engine
                    .account(AccountChange::Touch {
                        token_hash,
                        at: now,
                    })
                    .await,
            );
        }
        let directory = self.directories.now();
        let scope = Scope::of(&user.actor, user.area.as_deref(), &directory);
        Ok(Some(Officer {
            scope,
            actor: user.actor,
            area: user.area,
            session,
            language: user.language,
        }))
    }

    /// Forgets sessions that have ended.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn sweep(&self, now: Timestamp) -> Result<(), crate::engine::JobError> {
        let change = AccountChange::Sweep {
            expired_before: now,
            idle_before: now.plus_ms(-self.idle_ms),
        };
        self.engine.account(change).await
    }

    fn token<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let name = if self.tls { COOKIE_TLS } else { COOKIE_PLAIN };
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    fn cookie(&self, token: &str, max_age_s: i64) -> String {
        let (name, secure) = if self.tls {
            (COOKIE_TLS, "; Secure")
        } else {
            (COOKIE_PLAIN, "")
        };
        format!("{name}={token}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}")
    }

    async fn audit(&self, actor: &str, action: &str, address: IpAddr) -> Result<(), SignInError> {
        self.account(AccountChange::Audit(audit_row(actor, action, address)))
            .await
    }

    async fn account(&self, change: AccountChange) -> Result<(), SignInError> {
        self.engine
            .account(change)
            .await
            .map_err(|e| SignInError::Problem(e.into()))
    }
}

fn audit_row(actor: &str, action: &str, address: IpAddr) -> AuditRow {
    AuditRow {
        at: crate::now(),
        actor: actor.chars().take(100).collect(),
        action: action.to_owned(),
        subject: "session".to_owned(),
        address: address.to_string(),
    }
}

/// Refuses a changing request that a page of another site could have sent.
///
/// # Errors
/// A problem of type `cross-site`.
pub fn check_same_site(
    method: &Method,
    headers: &HeaderMap,
    authority: Option<&str>,
) -> Result<(), Problem> {
    if method.is_safe() {
        return Ok(());
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let marked = text(REQUEST_HEADER) == Some("1");
    let site_ok = text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let origin_ok = text("origin").is_none_or(|origin| {
        let host = origin.split_once("://").map(|(_, host)| host);
        // HTTP/2 carries the host in the request line instead of a header.
        host.is_some() && host == authority.or_else(|| text("host"))
    });
    if marked && site_ok && origin_ok {
        return Ok(());
    }
    Err(Problem::new(
        axum::http::StatusCode::FORBIDDEN,
        "cross-site",
        "a changing request needs the header `X-Gridwatch-Request: 1` and must come from the hub's own pages",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changing_requests_from_other_sites_are_refused() {
        let check = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            check_same_site(&Method::POST, &headers, None).is_ok()
        };
        assert!(!check(&[]));
        assert!(check(&[("x-gridwatch-request", "1")]));
        assert!(!check(&[
            ("x-gridwatch-request", "1"),
            ("sec-fetch-site", "cross-site")
        ]));
        assert!(!check(&[
            ("x-gridwatch-request", "1"),
            ("origin", "https://evil.example"),
            ("host", "hub:1")
        ]));
        assert!(check(&[
            ("x-gridwatch-request", "1"),
            ("origin", "https://hub:1"),
            ("host", "hub:1"),
            ("sec-fetch-site", "same-origin")
        ]));
    }
}
