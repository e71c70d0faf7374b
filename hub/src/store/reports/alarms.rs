//! What the figures of alarms are made of: announced cases, activations of points, sign-ins.

use gridwatch_protocol::Timestamp;
use sqlx::Row;

use super::super::database::{QueryBuilder, small};
use super::super::{Store, StoreResult, sql};
use super::read::{CaseGroup, numbers};
use crate::reports::alarms::{CHATTER_COUNT, CHATTER_MS, STALE_MS, Stretch};

/// Announced alarms: instants and priorities.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Announced {
    /// When, ascending, in milliseconds since 1970.
    pub at: Vec<i64>,
    /// How many of severity 1 to 4.
    pub by_severity: [i64; 4],
}

/// A point and how often it was activated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmSource {
    /// Its gateway.
    pub gateway: String,
    /// Its device.
    pub device: String,
    /// Its category.
    pub category: String,
    /// Activations.
    pub activations: i64,
}

/// What alerts did in a period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActivityRow {
    /// Activations of points.
    pub activations: i64,
    /// Those that stood for more than 24 hours while their case was open.
    pub stale: i64,
}

/// Alerts of real cases that are seen, with their case.
const ALERTS: &str = " FROM alerts a JOIN case_figures f ON f.id = a.case_id WHERE f.is_drill = 0 AND a.arrived_at >= ";

impl Store {
    /// The cases that were announced.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn announced(&self, group: CaseGroup<'_>) -> StoreResult<Announced> {
        let mut query = QueryBuilder::new(
            "SELECT f.severity, COUNT(*), string_agg(CAST(f.opened_at AS TEXT), ',') FROM case_figures f WHERE f.is_drill = 0 AND f.opened_at >= ",
        );
        query.push_bind(group.from.unix_ms());
        query.push(" AND f.opened_at < ");
        query.push_bind(group.until.unix_ms());
        group.scope.push_cases(&mut query, "f.");
        if let Some(category) = group.category {
            query.push(" AND f.category = ").push_bind(category);
        }
        query.push(" GROUP BY f.severity");
        let rows = query
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("reading announced cases"))?;
        let mut announced = Announced::default();
        for row in rows {
            let severity = small(&row, 0) as usize;
            if let Some(count) = announced.by_severity.get_mut(severity.wrapping_sub(1)) {
                *count = row.get(1);
            }
            announced.at.extend(numbers(row.get(2)));
        }
        announced.at.sort_unstable();
        Ok(announced)
    }

    /// What alerts did.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn activity(&self, group: CaseGroup<'_>) -> StoreResult<ActivityRow> {
        let now = group.now.unix_ms();
        // The end of an alarm is its clearing or the end of its case, whichever comes first, or now.
        let mut query =
            QueryBuilder::new("SELECT COUNT(*), COUNT(CASE WHEN COALESCE(a.cleared_at, ");
        query.push_bind(now).push(") > a.arrived_at + ");
        query.push_bind(STALE_MS);
        query.push(" AND COALESCE((SELECT c.ended_at FROM cases c WHERE c.id = a.case_id), ");
        query.push_bind(now).push(") > a.arrived_at + ");
        query.push_bind(STALE_MS).push(" THEN 1 END)");
        push_alerts(&mut query, &group);
        let row = query
            .build()
            .fetch_one(&self.readers)
            .await
            .map_err(sql("counting activations"))?;
        Ok(ActivityRow {
            activations: row.get(0),
            stale: row.get(1),
        })
    }

    /// The points that were activated most often.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn most_frequent(
        &self,
        group: CaseGroup<'_>,
        limit: i64,
    ) -> StoreResult<Vec<AlarmSource>> {
        let mut query = QueryBuilder::new("SELECT a.gateway, a.device, MIN(a.category), COUNT(*)");
        push_alerts(&mut query, &group);
        query.push(
            " AND a.device IS NOT NULL GROUP BY a.gateway, a.device ORDER BY 4 DESC, 1, 2 LIMIT ",
        );
        query.push_bind(limit);
        self.sources(query).await
    }

    /// The points that chattered: activated 3 times within 60 seconds, most often first; and how many points
    /// did in all.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn chattering(
        &self,
        group: CaseGroup<'_>,
        limit: usize,
    ) -> StoreResult<(usize, Vec<AlarmSource>)> {
        let mut query = QueryBuilder::new(
            "SELECT p.gateway, p.device, MIN(p.category), COUNT(*) FROM (SELECT a.gateway AS gateway, a.device AS device, a.category AS category, a.arrived_at AS arrived_at, LAG(a.arrived_at, CAST(",
        );
        query.push_bind(CHATTER_COUNT - 1);
        query.push(" AS INTEGER)) OVER (PARTITION BY a.gateway, a.device, a.category ORDER BY a.arrived_at) AS before_that");
        push_alerts(&mut query, &group);
        query.push(" AND a.device IS NOT NULL) AS p WHERE p.arrived_at - p.before_that <= ");
        query.push_bind(CHATTER_MS);
        query.push(" GROUP BY p.gateway, p.device ORDER BY 4 DESC, 1, 2 LIMIT ");
        query.push_bind(POINTS_MAX);
        let mut points = self.sources(query).await?;
        let all = points.len();
        points.truncate(limit);
        Ok((all, points))
    }

    async fn sources(&self, mut query: QueryBuilder) -> StoreResult<Vec<AlarmSource>> {
        let rows = query
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("counting activations of points"))?;
        let source = |row: &sqlx::any::AnyRow| AlarmSource {
            gateway: row.get(0),
            device: row.get(1),
            category: row.get(2),
            activations: row.get(3),
        };
        Ok(rows.iter().map(source).collect())
    }

    /// When somebody was signed in between two instants, as the audit tells: from signing in until signing out
    /// or, for who did not sign out, for the longest that a session lasts. Several sessions may overlap.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn signed_in(
        &self,
        from: Timestamp,
        until: Timestamp,
        session_ms: i64,
    ) -> StoreResult<Vec<(String, Stretch)>> {
        let mut query = QueryBuilder::new(
            "SELECT actor, action, at FROM audit WHERE action IN ('sign_in', 'sign_out') AND at >= ",
        );
        query.push_bind(from.unix_ms() - session_ms);
        query.push(" AND at < ").push_bind(until.unix_ms());
        query
            .push(" ORDER BY at, id LIMIT ")
            .push_bind(SIGN_INS_MAX);
        let rows = query
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("reading sign-ins"))?;
        let mut stretches: Vec<(String, Stretch)> = Vec::new();
        for row in rows {
            let (who, action, at): (String, String, i64) = (row.get(0), row.get(1), row.get(2));
            if action == "sign_in" {
                stretches.push((who, (at, at + session_ms)));
                continue;
            }
            let last = stretches.iter_mut().rev().find(|(other, _)| *other == who);
            if let Some((_, stretch)) = last {
                stretch.1 = stretch.1.min(at);
            }
        }
        Ok(stretches)
    }
}

/// Points that chatter are counted up to this.
const POINTS_MAX: i64 = 10_000;
/// Sign-ins that are looked at: 500 officers, ten times a day for 40 days.
const SIGN_INS_MAX: i64 = 200_000;

fn push_alerts(query: &mut QueryBuilder, group: &CaseGroup<'_>) {
    query.push(ALERTS).push_bind(group.from.unix_ms());
    query.push(" AND a.arrived_at < ");
    query.push_bind(group.until.unix_ms());
    group.scope.push_cases(query, "f.");
    if let Some(category) = group.category {
        query.push(" AND f.category = ").push_bind(category);
    }
}
