//! Alerts are taken out of a case: by somebody, or by the hub when a gateway is back and its sensors are not.

use std::collections::BTreeSet;

use gridwatch_protocol::{AlertId, Text, Timestamp};

use super::{new_case, tell, write};
use crate::access::Scope;
use crate::cases::desk::correlation_key;
use crate::cases::split::{self, SplitError};
use crate::cases::{Actor, AlertRecord, Arrival, Case, CaseId, Change};
use crate::catalogue::Catalogue;
use crate::engine::EngineSettings;
use crate::engine::task::{Bench, Task};
use crate::store::correlation::split as moving;
use crate::store::database::Connection;
use crate::store::{StoreResult, cases, commit};

/// Somebody takes alerts out of a case.
#[derive(Debug, Clone)]
pub struct Split {
    /// The case.
    pub case: CaseId,
    /// The alerts.
    pub alerts: Vec<AlertId>,
    /// Why.
    pub reason: String,
    /// The version of the case that they have seen.
    pub version: i64,
    /// Who.
    pub actor: Actor,
    /// What they may see.
    pub scope: Scope,
}

/// Why a case was not split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSplit {
    /// There is none for them.
    Unknown,
    /// It has changed since.
    Changed(i64),
    /// It cannot be done so.
    Wrong(SplitError),
}

impl Task for Split {
    /// The case that gave, and the new one.
    type Output = Result<(Case, Case), NotSplit>;

    async fn run(&self, bench: Bench<'_>) -> StoreResult<Self::Output> {
        let Bench {
            connection,
            settings,
            now,
            opened,
        } = bench;
        let found = cases::load_seen_case(connection, self.case, &self.scope).await?;
        let Some(mut case) = found else {
            return Ok(Err(NotSplit::Unknown));
        };
        if self.version < case.decision_version || self.version > case.version {
            return Ok(Err(NotSplit::Changed(case.version)));
        }
        let why = Text {
            zh: self.reason.clone(),
            en: self.reason.clone(),
        };
        let records = moving::alerts_of(connection, case.id).await?;
        let by = (Some(&self.actor), &why);
        let done = take_out(
            connection,
            settings,
            &mut case,
            &records,
            &self.alerts,
            by,
            now,
        )
        .await?;
        *opened += usize::from(done.is_ok());
        Ok(done.map(|parted| (case, parted)).map_err(NotSplit::Wrong))
    }
}

/// Takes alerts out of a case into a new one, all or nothing.
pub(super) async fn take_out(
    connection: &mut Connection,
    settings: &EngineSettings,
    case: &mut Case,
    records: &[AlertRecord],
    alerts: &[AlertId],
    by: (Option<&Actor>, &Text),
    now: Timestamp,
) -> StoreResult<Result<Case, SplitError>> {
    let catalogue = &settings.catalogue;
    // Tried on a copy first: a refusal must not use up a number.
    let trial = split::NewCase {
        id: 0,
        number: String::new(),
    };
    let tried = split::split(
        &mut case.clone(),
        records,
        alerts,
        trial,
        catalogue,
        by,
        now,
    );
    if let Err(refused) = tried {
        return Ok(Err(refused));
    }
    let new = new_case(connection, settings, now).await?;
    let parted = match split::split(case, records, alerts, new, catalogue, by, now) {
        Ok(parted) => parted,
        Err(refused) => return Ok(Err(refused)),
    };
    let keys = keys_of(records, alerts, catalogue);
    commit::insert_case(connection, &parted.case, &settings.directory).await?;
    commit::write_transition(connection, parted.case.id, &parted.reported).await?;
    moving::move_alerts(connection, case.id, parted.case.id, alerts, &keys).await?;
    tell(connection, parted.case.id, Change::Opened, now).await?;
    write(connection, case, &parted.given, Change::Updated, now).await?;
    Ok(Ok(parted.case))
}

/// The keys that go with these alerts: those that no alert which stays has.
fn keys_of(records: &[AlertRecord], alerts: &[AlertId], catalogue: &Catalogue) -> Vec<String> {
    let key = |record: &AlertRecord| {
        let category = catalogue.get(&record.category);
        let category = category.unwrap_or_else(|| catalogue.choose(&record.alert));
        let arrival = Arrival {
            gateway: record.gateway.clone(),
            alert: record.alert.clone(),
        };
        correlation_key(&arrival, category)
    };
    let goes = |record: &&AlertRecord| alerts.contains(&record.alert.id);
    let staying: BTreeSet<String> = records.iter().filter(|r| !goes(r)).map(key).collect();
    let going: BTreeSet<String> = records.iter().filter(goes).map(key).collect();
    going.difference(&staying).cloned().collect()
}
