//! A silence is made, and ended early.

use gridwatch_protocol::{Text, Timestamp};

use super::{dues, write};
use crate::access::Scope;
use crate::cases::{Actor, Case, Change, silencing, text};
use crate::catalogue::{Catalogue, Category};
use crate::correlation::silence::{Matcher, Silence, Target, Wanted, is_protected_case, problems};
use crate::correlation::weekly::Weekly;
use crate::directory::Directory;
use crate::engine::EngineSettings;
use crate::engine::task::{Bench, Task};
use crate::store::accounts::{AuditRow, write_audit};
use crate::store::correlation::silences::{self, STANDING_MAX};
use crate::store::database::Connection;
use crate::store::{StoreResult, commit, intake};

/// Somebody wants a silence.
#[derive(Debug, Clone)]
pub struct Make {
    /// What they want.
    pub wanted: Wanted,
    /// Who.
    pub actor: Actor,
    /// What they may see; a silence lies within it.
    pub scope: Scope,
    /// The address that they came from, for the audit.
    pub address: String,
}

/// Where a matcher lies in the area tree; the reason when that cannot be said or is not theirs.
fn place(matcher: &Matcher, scope: &Scope, directory: &Directory) -> Result<String, Text> {
    let area = matcher.area.as_deref();
    let path = match (&matcher.site, area) {
        (Some(site), _) => directory.site_path(site),
        (None, Some(area)) => directory.area_path(area),
        (None, None) => String::new(),
    };
    let named = matcher.site.is_some() || area.is_some();
    let within = |area: &str| path.starts_with(&directory.area_path(area));
    if matcher.site.is_some() && area.is_some_and(|area| !within(area)) {
        return Err(text(
            "地点不在该区域内",
            "the site does not lie in that area",
        ));
    }
    if !scope.sees_path(&path) {
        return Err(if named {
            text("没有该区域或地点", "there is no such area or site for you")
        } else {
            text(
                "须指定本人辖区内的区域或地点",
                "name an area or site within your own area",
            )
        });
    }
    if path.is_empty() && matcher.site.is_none() && area.is_some() {
        return Err(text("没有该区域", "there is no such area"));
    }
    Ok(path)
}

impl Task for Make {
    type Output = Result<Silence, Vec<Text>>;

    async fn run(&self, bench: Bench<'_>) -> StoreResult<Self::Output> {
        let Bench {
            connection,
            settings,
            now,
            ..
        } = bench;
        let mut wrong = problems(&self.wanted, &settings.catalogue, now);
        let path = place(&self.wanted.matcher, &self.scope, &settings.directory);
        wrong.extend(path.as_ref().err().cloned());
        if silences::count_standing(connection, now).await? >= STANDING_MAX {
            wrong.push(text(
                format!("静默已达 {STANDING_MAX} 个上限，请先结束不再需要的"),
                format!("there are {STANDING_MAX} silences; end some that are no longer needed"),
            ));
        }
        let (Ok(path), true) = (path, wrong.is_empty()) else {
            return Ok(Err(wrong));
        };
        let id = intake::counter(connection, "silence").await? + 1;
        commit::set_counter(connection, "silence", id).await?;
        let silence = self.silence(id, path, now);
        silences::write(connection, &silence).await?;
        audit(
            connection,
            "silence_made",
            &silence,
            &self.actor,
            &self.address,
            now,
        )
        .await?;
        fall(connection, settings, &silence, now).await?;
        Ok(Ok(silence))
    }
}

impl Make {
    fn silence(&self, id: i64, path: String, now: Timestamp) -> Silence {
        let hours = self.wanted.weekly.iter().cloned();
        Silence {
            id,
            version: 1,
            by: self.actor.username.clone(),
            by_name: self.actor.display_name.clone(),
            why: self.wanted.why.trim().to_owned(),
            matcher: self.wanted.matcher.clone(),
            path,
            from: self.wanted.from.unwrap_or(now),
            until: self.wanted.until,
            // What is no time of day was refused before.
            weekly: hours
                .filter_map(|hours| Weekly::try_from(hours).ok())
                .collect(),
            created_at: now,
            ended_at: None,
            ended_by: None,
        }
    }
}

async fn audit(
    connection: &mut Connection,
    action: &str,
    silence: &Silence,
    actor: &Actor,
    address: &str,
    now: Timestamp,
) -> StoreResult<()> {
    let row = AuditRow {
        at: now,
        actor: actor.username.clone(),
        action: action.to_owned(),
        subject: format!("silence {}: {}", silence.id, silence.why),
        address: address.to_owned(),
    };
    write_audit(connection, &row).await
}

/// Falls over the cases that nobody has taken yet; those that another silence hides for longer stay with it.
async fn fall(
    connection: &mut Connection,
    settings: &EngineSettings,
    silence: &Silence,
    now: Timestamp,
) -> StoreResult<()> {
    let only = std::slice::from_ref(silence);
    for (path, mut case) in silences::untaken(connection, &silence.path).await? {
        let Some((by, until)) = hides(only, &case, &path, settings, now) else {
            continue;
        };
        let before = case.marks.silenced.filter(|_| case.is_silenced());
        if before.is_some_and(|before| before.until >= until) {
            continue;
        }
        let row = silencing::silence(&mut case, by, until, now);
        write(connection, &case, &row, Change::Updated, now).await?;
    }
    Ok(())
}

/// The silence that hides everything in a case for the longest time.
fn hides<'a>(
    silences: &'a [Silence],
    case: &Case,
    path: &str,
    settings: &EngineSettings,
    now: Timestamp,
) -> Option<(&'a Silence, Timestamp)> {
    let catalogue: &Catalogue = &settings.catalogue;
    let category: &Category = catalogue.get(&case.category)?;
    if is_protected_case(case, catalogue) {
        return None;
    }
    let fits = |silence: &&Silence| {
        case.devices.iter().all(|device| {
            case.kinds.iter().all(|kind| {
                silence.hides(&Target {
                    path,
                    site: &case.site,
                    device: &device.device,
                    kind: *kind,
                    category,
                    severity: case.severity,
                })
            })
        })
    };
    silences
        .iter()
        .filter(fits)
        .filter_map(|silence| Some((silence, silence.covers(&settings.calendar, now)?)))
        .max_by_key(|(silence, until)| (*until, silence.id))
}

/// Somebody ends a silence before its time.
#[derive(Debug, Clone)]
pub struct End {
    /// Which.
    pub id: i64,
    /// The version that they have seen.
    pub version: i64,
    /// Who.
    pub actor: Actor,
    /// What they may see.
    pub scope: Scope,
    /// The address that they came from, for the audit.
    pub address: String,
}

/// Why a silence was not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotEnded {
    /// There is none for them.
    Unknown,
    /// It has changed since.
    Changed(Box<Silence>),
    /// It is over.
    Over(Box<Silence>),
}

impl Task for End {
    type Output = Result<Silence, NotEnded>;

    async fn run(&self, bench: Bench<'_>) -> StoreResult<Self::Output> {
        let Bench {
            connection,
            settings,
            now,
            ..
        } = bench;
        let found = silences::load_seen(connection, self.id, &self.scope).await?;
        let Some(mut silence) = found else {
            return Ok(Err(NotEnded::Unknown));
        };
        if silence.ended_at.is_some() || silence.until <= now {
            return Ok(Err(NotEnded::Over(Box::new(silence))));
        }
        if silence.version != self.version {
            return Ok(Err(NotEnded::Changed(Box::new(silence))));
        }
        silence.version += 1;
        silence.ended_at = Some(now);
        silence.ended_by = Some(self.actor.username.clone());
        silences::write(connection, &silence).await?;
        audit(
            connection,
            "silence_ended",
            &silence,
            &self.actor,
            &self.address,
            now,
        )
        .await?;
        lift(connection, settings, &silence, &self.actor, now).await?;
        Ok(Ok(silence))
    }
}

/// Shows its cases, except those that another silence hides as well.
async fn lift(
    connection: &mut Connection,
    settings: &EngineSettings,
    silence: &Silence,
    actor: &Actor,
    now: Timestamp,
) -> StoreResult<()> {
    let others = silences::standing(connection, now).await?;
    for (path, mut case) in silences::hidden(connection, silence.id).await? {
        let (row, change) = match hides(&others, &case, &path, settings, now) {
            Some((other, until)) => {
                let row = silencing::silence(&mut case, other, until, now);
                (row, Change::Updated)
            }
            None => {
                let by = &actor.display_name;
                let note = text(
                    format!("静默 {} 由 {by} 提前结束", silence.id),
                    format!("silence {} was ended early by {by}", silence.id),
                );
                let dues = dues(&case, settings, now);
                silencing::unsilence(&mut case, &dues, note, now)
            }
        };
        write(connection, &case, &row, change, now).await?;
    }
    Ok(())
}
