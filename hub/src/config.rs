//! Configuration: the file over the compiled-in default, checked as a whole.
//!
//! `configs/hub.toml` is the default and the documentation. A value must have the type that it has
//! there; a key that is not there is an error. Checking reads files and changes nothing.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use crate::catalogue::Catalogue;
use crate::clocks::Calendar;
use crate::correlation::config::Correlation;
use crate::directory::Directory;
use crate::evidence::EvidenceSettings;
use crate::notify::config::Notify;
use crate::outside::config::Outside;
use crate::parent::ParentSettings;
use crate::reports::config::Reports;
use crate::store::{StoreResult, StoreUrl};
use crate::tiles::MapSettings;

/// The compiled-in default, with every key commented.
pub const DEFAULT: &str = include_str!("../../configs/hub.toml");
/// The shipped areas, sites, categories and calendar, which `hub init` writes as a start.
pub const DEFAULT_FILES: [(&str, &str); 4] = [
    ("areas.toml", include_str!("../../configs/areas.toml")),
    ("sites.toml", include_str!("../../configs/sites.toml")),
    (
        "categories.toml",
        include_str!("../../configs/categories.toml"),
    ),
    ("calendar.toml", include_str!("../../configs/calendar.toml")),
];

/// The configuration. Every key is described in `configs/hub.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described key by key in configs/hub.toml")]
pub struct Config {
    pub listen: SocketAddr,
    pub public_url: String,
    pub tls: bool,
    pub data_dir: PathBuf,
    pub areas: PathBuf,
    pub sites: PathBuf,
    pub categories: PathBuf,
    pub calendar: PathBuf,
    pub utc_offset_minutes: i32,
    pub store: StoreAt,
    pub retention: Retention,
    pub audit: Audit,
    pub gateways: Gateways,
    pub children: Children,
    pub cases: Cases,
    pub correlation: Correlation,
    pub duty: crate::roster::config::Duty,
    pub sessions: Sessions,
    pub sign_in: SignIn,
    pub history: History,
    pub influxdb: Influx,
    pub notify: Notify,
    pub reports: Reports,
    pub evidence: EvidenceSettings,
    pub parent: ParentSettings,
    pub outside: Outside,
    pub map: MapSettings,
    pub limits: Limits,
}

macro_rules! section {
    ($($name:ident { $($key:ident: $type:ty,)* })*) => {
        $(
            #[doc = concat!("A section of the configuration; see `configs/hub.toml`.")]
            #[derive(Debug, Clone, Deserialize)]
            #[serde(deny_unknown_fields)]
            #[expect(missing_docs, reason = "described key by key in configs/hub.toml")]
            pub struct $name { $(pub $key: $type,)* }
        )*
    };
}

section! {
    StoreAt { url: String, }
    Retention {
        events_days: u32,
        refused_messages_days: u32,
        alert_messages_days: u32,
    }
    Audit { sign_every_minutes: u32, }
    Gateways { silent_after_s: u32, }
    Children { silent_after_s: u32, }
    Cases { fire_group_minutes: u32, }
    Sessions { idle_minutes: u32, absolute_hours: u32, }
    SignIn { failures_max: u32, forget_one_after_s: u32, }
    History { keep_days: u32, megabytes_max: u32, queue_batches: u32, }
    Influx {
        enabled: bool,
        url: String,
        org: String,
        bucket: String,
        token_file: PathBuf,
        queue_readings: u32,
    }
    Limits {
        officer_body_kib: u32,
        intake_queue: u32,
        write_timeout_s: u32,
        live_feeds_max: u32,
        live_events_behind_max: u32,
        shutdown_s: u32,
        reads_per_minute: u32,
        writes_per_minute: u32,
        exports_per_minute: u32,
        sign_ins_per_minute: u32,
        address_requests_per_minute: u32,
        gateway_requests_per_minute: u32,
    }
}

impl Config {
    /// Where cases are kept.
    ///
    /// # Errors
    /// When `store.url` is no address of a store; a configuration that was checked has one.
    pub fn store_url(&self) -> StoreResult<StoreUrl> {
        StoreUrl::parse(&self.store.url, &self.data_dir)
    }
}

/// A configuration with the files that it names, all of them checked.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration; its paths are absolute or relative to the working directory.
    pub config: Config,
    /// Areas and sites.
    pub directory: Directory,
    /// Categories and their limits.
    pub catalogue: Catalogue,
    /// Working hours and holidays.
    pub calendar: Calendar,
}

/// Every problem of a configuration, one sentence each.
#[derive(Debug, thiserror::Error)]
#[error("{} problem(s) in `{path}`:\n  {}", problems.len(), problems.join("\n  "))]
pub struct ConfigError {
    /// The file.
    pub path: String,
    /// What is wrong.
    pub problems: Vec<String>,
}

/// Reads and checks a configuration and the files that it names. Touches nothing.
///
/// # Errors
/// Every problem at once.
pub fn load(path: &Path) -> Result<Loaded, ConfigError> {
    let error = |problems| ConfigError {
        path: path.display().to_string(),
        problems,
    };
    let text = std::fs::read_to_string(path)
        .map_err(|why| error(vec![format!("the file cannot be read: {why}")]))?;
    let base = path.parent().unwrap_or(Path::new(""));
    let (config, mut problems) = read(&text, base).map_err(error)?;
    match load_files(&config) {
        Ok((directory, catalogue, calendar)) if problems.is_empty() => Ok(Loaded {
            config,
            directory,
            catalogue,
            calendar,
        }),
        files => {
            problems.extend(files.err().unwrap_or_default());
            Err(error(problems))
        }
    }
}

/// Reads and checks a configuration's text; relative paths become relative to `base`.
///
/// # Errors
/// Every problem, one sentence each.
pub fn parse(text: &str, base: &Path) -> Result<Config, Vec<String>> {
    match read(text, base)? {
        (config, problems) if problems.is_empty() => Ok(config),
        (_, problems) => Err(problems),
    }
}

/// The configuration with the default in the place of what is wrong, and every problem; so that one
/// mistake does not hide the next.
fn read(text: &str, base: &Path) -> Result<(Config, Vec<String>), Vec<String>> {
    let given: Table = text
        .parse()
        .map_err(|error: toml::de::Error| vec![error.to_string().trim_end().to_owned()])?;
    let mut merged = default_table();
    let mut problems = Vec::new();
    merge(&mut merged, given, "", &mut problems);
    let mut config = match Value::Table(merged.clone()).try_into::<Config>() {
        Ok(config) => config,
        Err(error) => {
            problems.push(error.to_string().trim_end().to_owned());
            let mut config: Config = Value::Table(default_table())
                .try_into()
                .expect("the default is right");
            // The files that were given are looked at all the same.
            for (name, path) in [
                ("areas", &mut config.areas),
                ("sites", &mut config.sites),
                ("categories", &mut config.categories),
                ("calendar", &mut config.calendar),
            ] {
                if let Some(given) = merged[name].as_str() {
                    *path = given.into();
                }
            }
            config
        }
    };
    check(&config, &mut problems);
    for path in [
        &mut config.data_dir,
        &mut config.areas,
        &mut config.sites,
        &mut config.categories,
        &mut config.calendar,
    ] {
        *path = base.join(&*path);
    }
    config.parent.resolve(base);
    config.map.resolve(base);
    config.evidence.dir = config.data_dir.join(&config.evidence.dir);
    if !config.influxdb.token_file.as_os_str().is_empty() {
        config.influxdb.token_file = base.join(&config.influxdb.token_file);
    }
    config.notify.resolve(base, &mut problems);
    let tells_heads = config.notify.channels.iter().any(|one| one.audit_heads);
    if tells_heads && config.audit.sign_every_minutes > DAY_MINUTES {
        problems.push(format!(
            "`audit.sign_every_minutes` must be at most {DAY_MINUTES}: a channel has `audit_heads = true`, which is told a head each day"
        ));
    }
    config.outside.check(&config.notify, &mut problems);
    Ok((config, problems))
}

/// Minutes of a day.
const DAY_MINUTES: u32 = 24 * 60;

/// The default without its comments. It has no channels; a list that stood in the file would be in the
/// way of the tables that people write.
fn default_table() -> Table {
    let mut table: Table = DEFAULT.parse().expect("the compiled-in default is TOML");
    let notify = table
        .get_mut("notify")
        .and_then(Value::as_table_mut)
        .expect("the default has a section for notifications");
    notify.insert("channel".to_owned(), Value::Array(Vec::new()));
    let outside = table.get_mut("outside").and_then(Value::as_table_mut);
    for door in outside.into_iter().flat_map(|outside| {
        let doors = outside.iter_mut();
        doors.filter(|(name, _)| matches!(name.as_str(), "pagerduty" | "alertmanager"))
    }) {
        if let Value::Table(door) = door.1 {
            door.insert("rules".to_owned(), Value::Array(Vec::new()));
        }
    }
    table
}

/// Lays what is given over the default. The default's types are the schema.
fn merge(default: &mut Table, given: Table, at: &str, problems: &mut Vec<String>) {
    for (key, value) in given {
        let name = format!("{at}{key}");
        match (default.get_mut(&key), value) {
            (None, _) => problems.push(format!(
                "`{name}` is not a key; known here are {}",
                default.keys().cloned().collect::<Vec<_>>().join(", ")
            )),
            (Some(Value::Table(inner)), Value::Table(value)) => {
                merge(inner, value, &format!("{name}."), problems);
            }
            (Some(Value::Integer(_)), Value::Integer(number))
                if name != "utc_offset_minutes" && !(0..=i64::from(u32::MAX)).contains(&number) =>
            {
                problems.push(format!(
                    "`{name}` = {number} is not between 0 and {}",
                    u32::MAX
                ));
            }
            (Some(slot), value) if slot.type_str() == value.type_str() => *slot = value,
            (Some(slot), value) => problems.push(format!(
                "`{name}` must be of type {}, not {}",
                slot.type_str(),
                value.type_str()
            )),
        }
    }
}

fn check(config: &Config, problems: &mut Vec<String>) {
    let mut need = |ok: bool, sentence: &str| {
        if !ok {
            problems.push(sentence.to_owned());
        }
    };
    need(
        config.tls || config.listen.ip().is_loopback(),
        "`tls = false` is accepted only when `listen` is a loopback address such as 127.0.0.1",
    );
    need(
        config.public_url.is_empty()
            || config.public_url.starts_with("https://")
            || (!config.tls && config.public_url.starts_with("http://")),
        "`public_url` must begin with https://",
    );
    need(
        config.utc_offset_minutes.abs() <= 14 * 60,
        "`utc_offset_minutes` must be between -840 and 840",
    );
    for problem in config.reports.targets.problems() {
        need(false, &problem);
    }
    if let Err(error) = config.store_url() {
        need(false, &format!("`store.url`: {error}"));
    }
    need(
        config.retention.events_days >= 1,
        "`retention.events_days` must be at least 1",
    );
    need(
        config.retention.refused_messages_days >= 1,
        "`retention.refused_messages_days` must be at least 1",
    );
    need(
        config.retention.alert_messages_days >= 30,
        "`retention.alert_messages_days` must be at least 30: what a gateway sends again must be known",
    );
    need(
        config.audit.sign_every_minutes >= 1,
        "`audit.sign_every_minutes` must be at least 1",
    );
    need(
        config.gateways.silent_after_s >= 30,
        "`gateways.silent_after_s` must be at least 30: heartbeats come every 20 s",
    );
    need(
        config.children.silent_after_s >= 60,
        "`children.silent_after_s` must be at least 60: a child's heartbeat is held for 20 s and answered before the next one",
    );
    need(
        config.sessions.idle_minutes >= 1,
        "`sessions.idle_minutes` must be at least 1",
    );
    need(
        config.sessions.absolute_hours >= 1,
        "`sessions.absolute_hours` must be at least 1",
    );
    need(
        config.sign_in.failures_max >= 1,
        "`sign_in.failures_max` must be at least 1",
    );
    need(
        config.sign_in.forget_one_after_s >= 1,
        "`sign_in.forget_one_after_s` must be at least 1",
    );
    need(
        config.history.keep_days >= 1,
        "`history.keep_days` must be at least 1",
    );
    need(
        config.history.megabytes_max >= 16,
        "`history.megabytes_max` must be at least 16",
    );
    need(
        config.history.queue_batches >= 1,
        "`history.queue_batches` must be at least 1",
    );
    need(
        config.limits.intake_queue >= 1,
        "`limits.intake_queue` must be at least 1",
    );
    need(
        config.limits.officer_body_kib >= 8,
        "`limits.officer_body_kib` must be at least 8",
    );
    need(
        config.limits.write_timeout_s >= 1,
        "`limits.write_timeout_s` must be at least 1",
    );
    need(
        config.limits.live_feeds_max >= 1,
        "`limits.live_feeds_max` must be at least 1",
    );
    need(
        config.limits.live_events_behind_max >= 100,
        "`limits.live_events_behind_max` must be at least 100",
    );
    need(
        config.limits.shutdown_s >= 1,
        "`limits.shutdown_s` must be at least 1",
    );
    need(
        config.limits.gateway_requests_per_minute == 0
            || config.limits.gateway_requests_per_minute >= 60,
        "`limits.gateway_requests_per_minute` must be 0 or at least 60: a heartbeat comes every 20 s, and alerts must not wait",
    );
    config.evidence.check(problems);
    config.parent.check(&config.notify.allow_hosts, problems);
    config.duty.check(problems);
    let mut need = |ok: bool, sentence: &str| {
        if !ok {
            problems.push(sentence.to_owned());
        }
    };
    if config.influxdb.enabled {
        need(
            config.influxdb.url.starts_with("http://"),
            "`influxdb.url` must begin with http://",
        );
        need(
            config.influxdb.queue_readings >= 1,
            "`influxdb.queue_readings` must be at least 1",
        );
    }
    problems.extend(config.correlation.problems());
}

fn load_files(config: &Config) -> Result<(Directory, Catalogue, Calendar), Vec<String>> {
    let mut problems = Vec::new();
    let mut read = |path: &Path| {
        std::fs::read_to_string(path)
            .map_err(|why| problems.push(format!("`{}` cannot be read: {why}", path.display())))
            .ok()
    };
    let areas = read(&config.areas);
    let sites = read(&config.sites);
    let categories = read(&config.categories);
    let calendar = read(&config.calendar);
    if config.influxdb.enabled && !config.influxdb.token_file.as_os_str().is_empty() {
        read(&config.influxdb.token_file);
    }
    config.notify.check_files(&mut problems);
    config.parent.check_files(&mut problems);
    problems.extend(config.map.open().err());
    let directory = match (areas, sites) {
        (Some(areas), Some(sites)) => Directory::parse(&areas, &sites),
        _ => Err(vec![]),
    };
    let catalogue = categories.map_or(Err(vec![]), |text| Catalogue::parse(&text));
    let calendar = calendar.map_or(Err(vec![]), |text| Calendar::parse(&text));
    match (directory, catalogue, calendar) {
        (Ok(directory), Ok(catalogue), Ok(calendar)) if problems.is_empty() => {
            Ok((directory, catalogue, calendar))
        }
        (directory, catalogue, calendar) => {
            problems.extend(directory.err().unwrap_or_default());
            problems.extend(catalogue.err().unwrap_or_default());
            problems.extend(calendar.err().unwrap_or_default());
            Err(problems)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_default_is_complete_and_right() {
        let config = parse("", Path::new("/etc/gridwatch")).expect("the default is right");
        assert_eq!(config.data_dir, Path::new("/etc/gridwatch/data"));
        assert_eq!(config.gateways.silent_after_s, 90);
        parse(DEFAULT, Path::new("")).expect("the default given as a file is right");
    }

    #[test]
    fn five_mistakes_are_told_at_once() {
        let text = "listen = 8443\ntsl = true\n[history]\nkeep_days = -1\nkepp = 2\n[limits]\nshutdown_s = \"x\"\n";
        let problems = parse(text, Path::new("")).unwrap_err();
        assert_eq!(problems.len(), 5, "{problems:#?}");
        let told = problems.join("\n");
        for expected in [
            "`listen` must be of type string",
            "`tsl` is not a key",
            "`history.keep_days` = -1",
            "`history.kepp`",
            "`limits.shutdown_s`",
        ] {
            assert!(told.contains(expected), "{expected} is not in:\n{told}");
        }
    }

    #[test]
    fn plain_http_is_accepted_on_loopback_only() {
        assert!(parse("tls = false", Path::new("")).is_ok());
        let problems = parse("tls = false\nlisten = \"0.0.0.0:8443\"", Path::new("")).unwrap_err();
        assert!(problems[0].contains("loopback"), "{problems:?}");
    }

    #[test]
    fn store_that_is_none_is_told_without_its_password() {
        let text = "[store]\nurl = \"mysql://hub:secret@db/cases\"";
        let problems = parse(text, Path::new("")).unwrap_err();
        assert!(
            problems[0].contains("`store.url`") && problems[0].contains("sqlite:FILE"),
            "{problems:?}"
        );
        assert!(!problems[0].contains("secret"), "{problems:?}");
        let config = parse("", Path::new("/h")).unwrap();
        assert_eq!(
            config.store_url().unwrap(),
            StoreUrl::Sqlite("/h/data/hub.db".into())
        );
    }

    #[test]
    fn listen_address_that_is_none_is_told() {
        let problems = parse("listen = \"nowhere\"", Path::new("")).unwrap_err();
        assert!(problems[0].contains("socket address"), "{problems:?}");
    }
}
