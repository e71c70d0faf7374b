//! Where the store is: the address as the configuration has it.
//!
//! Never shows a password. The line to PostgreSQL is encrypted as `sslmode` says, with the same TLS as
//! everything else here; [`StoreUrl::plain_line`] tells when it may not be.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::ConnectOptions;
use sqlx::any::AnyConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::sqlite::SqliteConnectOptions;

use super::dialect::Dialect;
use super::error::{StoreError, StoreResult};

/// Where cases are kept.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A file on this machine.
    Sqlite(PathBuf),
    /// A database on a server; the URL may hold a password.
    Postgres(String),
}

impl StoreUrl {
    /// Reads `sqlite:FILE` or `postgres://…`; a relative file lies in `base`.
    ///
    /// # Errors
    /// [`StoreError::Address`], with what to write instead.
    pub fn parse(text: &str, base: &Path) -> StoreResult<Self> {
        let error = |reason: &str| StoreError::Address {
            url: without_password(text),
            reason: reason.to_owned(),
        };
        if let Some(file) = text.strip_prefix("sqlite:") {
            let file = file.strip_prefix("//").unwrap_or(file);
            if file.is_empty() || file.contains(['?', '#']) || file.starts_with(":memory:") {
                return Err(error(
                    "write sqlite: and the path of a file, such as sqlite:hub.db",
                ));
            }
            return Ok(Self::Sqlite(base.join(file)));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            let options =
                PgConnectOptions::from_str(text).map_err(|why| error(&why.to_string()))?;
            if options.get_database().is_none_or(str::is_empty) {
                return Err(error(
                    "it names no database; write postgres://USER@HOST/DATABASE",
                ));
            }
            if let Some(why) = unfit_authority(text, options.get_ssl_mode()) {
                return Err(error(why));
            }
            return Ok(Self::Postgres(text.to_owned()));
        }
        Err(error("write sqlite:FILE or postgres://USER@HOST/DATABASE"))
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// What is unsafe about the line to the database, if it is: it leads to another machine, and texts may go
    /// over it as they are.
    #[must_use]
    pub fn plain_line(&self) -> Option<String> {
        let Self::Postgres(url) = self else {
            return None;
        };
        let options = PgConnectOptions::from_str(url).ok()?;
        let mode = options.get_ssl_mode();
        if options.get_socket().is_some() || is_local(options.get_host()) || is_encrypted(mode) {
            return None;
        }
        Some(format!(
            "the line to `{self}` leads to another machine and may carry cases and passwords in plain text; add `sslmode=verify-full&sslrootcert=/path/of/ca.pem`"
        ))
    }

    fn options(&self, writes: bool) -> sqlx::Result<AnyConnectOptions> {
        sqlx::any::install_default_drivers();
        match self {
            Self::Sqlite(path) => {
                let path = std::path::absolute(path).map_err(sqlx::Error::Io)?;
                // What is read out of a URL is decoded: a percent sign must survive that.
                let path = path.to_string_lossy().replace('%', "%25");
                let options = SqliteConnectOptions::new()
                    .filename(path)
                    .create_if_missing(writes)
                    .read_only(!writes);
                AnyConnectOptions::from_url(&options.to_url_lossy())
            }
            Self::Postgres(url) => url.parse(),
        }
    }

    pub(crate) fn writing(&self) -> sqlx::Result<AnyConnectOptions> {
        self.options(true)
    }

    pub(crate) fn reading(&self) -> sqlx::Result<AnyConnectOptions> {
        self.options(false)
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => f.write_str(&without_password(url)),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The URL without what stands between the user's name and the host, and without a `password` parameter.
fn without_password(url: &str) -> String {
    let (address, parameters) = url.split_once('?').unwrap_or((url, ""));
    let mut shown = match (address.split_once("://"), address.rsplit_once('@')) {
        (Some((scheme, rest)), Some((_, host))) => {
            let user = rest.split([':', '@']).next().unwrap_or_default();
            format!("{scheme}://{user}@{host}")
        }
        _ => address.to_owned(),
    };
    let kept: Vec<&str> = parameters
        .split('&')
        .filter(|p| !p.is_empty() && !p.starts_with("password="))
        .collect();
    if !kept.is_empty() {
        shown.push('?');
        shown.push_str(&kept.join("&"));
    }
    shown
}

/// Whether a server of this name is on this machine.
fn is_local(host: &str) -> bool {
    let number = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || number.is_ok_and(|address| address.is_loopback())
}

/// `allow` and `prefer` go on in plain text with a server that offers no TLS, or with one that somebody in
/// between makes look so.
fn is_encrypted(mode: PgSslMode) -> bool {
    matches!(
        mode,
        PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull
    )
}

/// What is wrong with the authority that a URL names: one that would not be looked at must not make anybody
/// believe that it is.
fn unfit_authority(url: &str, mode: PgSslMode) -> Option<&'static str> {
    let (_, parameters) = url.split_once('?')?;
    let file = parameters
        .split('&')
        .find_map(|parameter| parameter.strip_prefix("sslrootcert="))?;
    if !matches!(mode, PgSslMode::VerifyCa | PgSslMode::VerifyFull) {
        return Some(
            "`sslrootcert` is only looked at with sslmode=verify-full (or verify-ca, which does not compare the name of the server)",
        );
    }
    // Commands run in other directories than the hub.
    let is_whole = file.starts_with('/') || file.starts_with("%2F") || file.starts_with("%2f");
    (!is_whole).then_some("`sslrootcert` must be the whole path of a file, from `/` on")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_never_shown() {
        for (url, shown) in [
            ("postgres://hub:se@cret@db/cases", "postgres://hub@db/cases"),
            (
                "postgres://hub@db/cases?password=x&host=/run",
                "postgres://hub@db/cases?host=/run",
            ),
            ("postgres://db/cases", "postgres://db/cases"),
        ] {
            assert_eq!(without_password(url), shown);
            let parsed = StoreUrl::Postgres(url.to_owned());
            assert_eq!(
                (format!("{parsed}"), format!("{parsed:?}")),
                (shown.into(), shown.into())
            );
        }
    }

    #[test]
    fn addresses_that_are_none_say_what_to_write() {
        let told = |text: &str| {
            let error = StoreUrl::parse(text, Path::new("/data")).expect_err(text);
            error.to_string()
        };
        assert!(told("hub.db").contains("sqlite:FILE or postgres://"));
        assert!(told("sqlite:").contains("path of a file"));
        assert!(told("sqlite::memory:").contains("path of a file"));
        assert!(told("mysql://x/y").contains("sqlite:FILE or postgres://"));
        assert!(told("postgres://hub:secret@db").contains("names no database"));
        assert!(!told("postgres://hub:secret@db").contains("secret"));
        let file = StoreUrl::parse("sqlite:hub.db", Path::new("/data"));
        assert_eq!(file.ok(), Some(StoreUrl::Sqlite("/data/hub.db".into())));
    }

    #[test]
    fn authority_that_would_not_be_looked_at_is_refused() {
        let told = |parameters: &str| {
            let url = format!("postgres://hub@db.example/cases?{parameters}");
            StoreUrl::parse(&url, Path::new("/data")).map_err(|error| error.to_string())
        };
        for parameters in [
            "sslmode=require&sslrootcert=/etc/ca.pem",
            "sslrootcert=/etc/ca.pem",
            "sslmode=verify-full&sslrootcert=ca.pem",
        ] {
            let error = told(parameters).expect_err(parameters);
            assert!(error.contains("sslrootcert"), "{error}");
        }
        assert!(told("sslmode=sometimes").is_err());
        for parameters in [
            "sslmode=verify-full&sslrootcert=/etc/ca.pem",
            "sslmode=verify-ca&sslrootcert=%2Fetc%2Fca.pem",
            "sslmode=require",
        ] {
            assert!(told(parameters).is_ok(), "{parameters}");
        }
    }

    #[test]
    fn only_a_line_to_another_machine_that_may_be_plain_is_warned_of() {
        let warned = |url: &str| {
            let url = StoreUrl::parse(url, Path::new("/data")).expect(url);
            url.plain_line()
        };
        for url in [
            "postgres://hub:secret@db.example/cases",
            "postgres://hub@10.0.0.5/cases?sslmode=prefer",
            "postgres://hub@db.example/cases?sslmode=disable",
            "postgres://hub@db.example/cases?sslmode=allow",
        ] {
            let warning = warned(url).expect(url);
            assert!(warning.contains("verify-full") && !warning.contains("secret"));
        }
        for url in [
            "sqlite:hub.db",
            "postgres://hub@localhost/cases",
            "postgres://hub@127.0.0.1/cases?sslmode=disable",
            "postgres://hub@[::1]/cases",
            "postgres://hub@localhost/cases?host=/var/run/postgresql",
            "postgres://hub@db.example/cases?sslmode=require",
            "postgres://hub@db.example/cases?sslmode=verify-full",
        ] {
            assert_eq!(warned(url), None, "{url}");
        }
    }
}
