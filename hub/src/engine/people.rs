//! Changing people who sign in, inside the engine's transaction: what is decided there cannot be passed by
//! another administrator at the same moment.

use super::task::{Bench, Task};
use crate::access::Scope;
use crate::people::{Person, Profile, manages, out_of_reach};
use crate::store::accounts::{AuditRow, write_audit};
use crate::store::database::Connection;
use crate::store::{StoreResult, people};

/// What to do about one person.
#[derive(Debug)]
pub struct ChangePerson {
    /// Sign-in name.
    pub username: String,
    /// What to do.
    pub change: PersonChange,
    /// Whom the asker manages.
    pub scope: Scope,
    /// Who asks.
    pub actor: String,
    /// From where.
    pub address: String,
}

/// A change of a person.
#[derive(Debug)]
pub enum PersonChange {
    /// A new one.
    Add {
        /// What they are.
        profile: Profile,
        /// argon2id in PHC form.
        password_hash: String,
    },
    /// Another profile.
    Edit {
        /// What they will be.
        profile: Profile,
        /// The version that was read; none for whatever there is.
        version: Option<i64>,
    },
    /// Shut out.
    Disable,
    /// Let in again.
    Enable,
    /// Another password; all their sessions end.
    SetPassword {
        /// argon2id in PHC form.
        password_hash: String,
    },
    /// Another password for oneself; one's other sessions end.
    OwnPassword {
        /// argon2id in PHC form.
        password_hash: String,
        /// Hash of the token of the session that stays.
        session: String,
    },
}

/// Why a person was not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonRefused {
    /// There is no such person among those whom the asker manages.
    NoPerson,
    /// The name is taken.
    Taken,
    /// More than the asker can give, or wrong; one sentence each.
    Invalid(Vec<String>),
    /// The person has changed since; the version now.
    Stale(i64),
    /// Nobody would be left who manages the whole tree.
    LastAdministrator,
}

impl Task for ChangePerson {
    type Output = Result<Person, PersonRefused>;

    async fn run(&self, bench: Bench<'_>) -> StoreResult<Self::Output> {
        let directory = &bench.settings.directory;
        let connection = bench.connection;
        let there = people::load(connection, &self.username, &self.scope).await?;
        if let PersonChange::Add {
            profile,
            password_hash,
        } = &self.change
        {
            if let Some(refused) = self.unfit(profile, directory) {
                return Ok(Err(refused));
            }
            let name = &self.username;
            if !people::add(connection, name, profile, password_hash, bench.now).await? {
                return Ok(Err(PersonRefused::Taken));
            }
        } else {
            let is_own = matches!(self.change, PersonChange::OwnPassword { .. });
            let area = there
                .as_ref()
                .and_then(|person| person.profile.area.as_deref());
            let Some(person) = there
                .as_ref()
                .filter(|_| is_own || manages(&self.scope, area, directory))
            else {
                return Ok(Err(PersonRefused::NoPerson));
            };
            if let Some(refused) = self.refuse(connection, person, directory).await? {
                return Ok(Err(refused));
            }
            self.apply(connection, person, bench.now).await?;
        }
        let row = AuditRow {
            at: bench.now,
            actor: self.actor.clone(),
            action: self.change.action().to_owned(),
            subject: self.subject(),
            address: self.address.clone(),
        };
        write_audit(connection, &row).await?;
        let now = people::load(connection, &self.username, &Scope::whole()).await?;
        Ok(now.ok_or(PersonRefused::NoPerson))
    }
}

impl PersonChange {
    fn action(&self) -> &'static str {
        match self {
            Self::Add { .. } => "user_added",
            Self::Edit { .. } => "user_changed",
            Self::Disable => "user_disabled",
            Self::Enable => "user_enabled",
            Self::SetPassword { .. } => "password_set",
            Self::OwnPassword { .. } => "password_changed",
        }
    }
}

impl ChangePerson {
    fn subject(&self) -> String {
        match &self.change {
            PersonChange::Add { profile, .. } | PersonChange::Edit { profile, .. } => format!(
                "{}: {} of {}",
                self.username,
                profile.role.as_str(),
                profile.area.as_deref().unwrap_or("the whole tree")
            ),
            _ => self.username.clone(),
        }
    }

    fn unfit(
        &self,
        profile: &Profile,
        directory: &crate::directory::Directory,
    ) -> Option<PersonRefused> {
        let mut problems = profile.problems(directory);
        problems.extend(out_of_reach(&self.scope, profile, directory));
        (!problems.is_empty()).then_some(PersonRefused::Invalid(problems))
    }

    async fn refuse(
        &self,
        connection: &mut Connection,
        person: &Person,
        directory: &crate::directory::Directory,
    ) -> StoreResult<Option<PersonRefused>> {
        let stays = match &self.change {
            PersonChange::Edit { profile, version } => {
                if version.is_some_and(|version| version != person.version) {
                    return Ok(Some(PersonRefused::Stale(person.version)));
                }
                if let Some(refused) = self.unfit(profile, directory) {
                    return Ok(Some(refused));
                }
                profile.manages_all()
            }
            PersonChange::Disable => false,
            _ => true,
        };
        let manages_now = person.profile.manages_all() && person.disabled_at.is_none();
        if manages_now && !stays {
            let others = people::others_who_manage_all(connection, &person.username).await?;
            return Ok((others == 0).then_some(PersonRefused::LastAdministrator));
        }
        Ok(None)
    }

    async fn apply(
        &self,
        connection: &mut Connection,
        person: &Person,
        now: gridwatch_protocol::Timestamp,
    ) -> StoreResult<()> {
        let name = &person.username;
        match &self.change {
            PersonChange::Add { .. } => Ok(()),
            PersonChange::Edit { profile, .. } => {
                people::edit(connection, name, profile).await?;
                let sees =
                    |profile: &Profile| (profile.role, profile.area.clone(), profile.unit.clone());
                if sees(profile) != sees(&person.profile) {
                    // An open live feed goes by what its reader could see when it was opened.
                    people::end_sessions(connection, name, None).await?;
                }
                Ok(())
            }
            PersonChange::Disable => {
                let since = person.disabled_at.unwrap_or(now);
                people::set_disabled(connection, name, Some(since)).await?;
                people::end_sessions(connection, name, None).await
            }
            PersonChange::Enable => people::set_disabled(connection, name, None).await,
            PersonChange::SetPassword { password_hash } => {
                people::set_password(connection, name, password_hash, None).await
            }
            PersonChange::OwnPassword {
                password_hash,
                session,
            } => people::set_password(connection, name, password_hash, Some(session)).await,
        }
    }
}
