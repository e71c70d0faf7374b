//! Reading the ring: series, points of a span, newest points.

use std::collections::HashMap;

use gridwatch_protocol::{DeviceId, GatewayId, Kind, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row};

use super::{DAY_MS, Ring, Series, SeriesKey, day_tables, table};
use crate::history::downsample::{Point, PointValue};
use crate::store::{StoreResult, sql};

/// A query reads at most this many points before they are thinned out.
const POINTS_READ_MAX: i64 = 200_000;

impl Ring {
    /// The series of a device and kind, of every gateway that has one; those with a unit first.
    ///
    /// # Errors
    /// When the file does not answer.
    pub async fn series(&self, device: &DeviceId, kind: Option<Kind>) -> StoreResult<Vec<Series>> {
        let rows = sqlx::query("SELECT id, gateway, device, kind, unit FROM series WHERE device = ?1 ORDER BY gateway, kind, unit DESC")
            .bind(device.as_str())
            .fetch_all(&self.readers)
            .await
            .map_err(sql("finding series"))?;
        let all = rows
            .iter()
            .map(series_row)
            .collect::<StoreResult<Vec<_>>>()?;
        Ok(all
            .into_iter()
            .filter(|s| kind.is_none_or(|kind| s.key.kind == kind))
            .collect())
    }

    /// The points of a series from `from` to `to`, both included; true when there were more than the
    /// hub reads at once and the oldest were left out.
    ///
    /// # Errors
    /// When the file does not answer.
    pub async fn points(
        &self,
        series: &Series,
        from: Timestamp,
        to: Timestamp,
    ) -> StoreResult<(Vec<Point>, bool)> {
        let mut connection = self
            .readers
            .acquire()
            .await
            .map_err(sql("taking a connection"))?;
        let days = day_tables(&mut connection).await?;
        let wanted = from.unix_ms().div_euclid(DAY_MS)..=to.unix_ms().div_euclid(DAY_MS);
        let mut points = Vec::new();
        for day in days.into_iter().rev().filter(|day| wanted.contains(day)) {
            let room = POINTS_READ_MAX - i64::try_from(points.len()).unwrap_or(i64::MAX);
            if room <= 0 {
                break;
            }
            let statement = format!(
                "SELECT at, number, word FROM {} WHERE series = ?1 AND at BETWEEN ?2 AND ?3 ORDER BY at DESC LIMIT ?4",
                table(day)
            );
            let rows = sqlx::query(AssertSqlSafe(statement))
                .bind(series.id)
                .bind(from.unix_ms())
                .bind(to.unix_ms())
                .bind(room)
                .fetch_all(&mut *connection)
                .await
                .map_err(sql("reading points"))?;
            points.extend(rows.iter().map(point));
        }
        points.reverse();
        let truncated = i64::try_from(points.len()).unwrap_or(i64::MAX) >= POINTS_READ_MAX;
        Ok((points, truncated))
    }

    /// The newest point of each series of a gateway's devices, newest day first.
    ///
    /// # Errors
    /// When the file does not answer.
    pub async fn newest(
        &self,
        gateway: &GatewayId,
    ) -> StoreResult<HashMap<DeviceId, (Series, Point)>> {
        let mut connection = self
            .readers
            .acquire()
            .await
            .map_err(sql("taking a connection"))?;
        let mut newest: HashMap<DeviceId, (Series, Point)> = HashMap::new();
        let Some(day) = day_tables(&mut connection).await?.into_iter().next_back() else {
            return Ok(newest);
        };
        // MAX(at) with other bare columns takes them from the row with the maximum.
        let statement = format!(
            "SELECT s.id, s.gateway, s.device, s.kind, s.unit, MAX(r.at), r.number, r.word FROM series s JOIN {} r ON r.series = s.id WHERE s.gateway = ?1 GROUP BY s.id",
            table(day)
        );
        let rows = sqlx::query(AssertSqlSafe(statement))
            .bind(gateway.as_str())
            .fetch_all(&mut *connection)
            .await
            .map_err(sql("reading the newest points"))?;
        for row in &rows {
            let series = series_row(row)?;
            let point = Point {
                at: row.get(5),
                value: point_value(row, 6),
            };
            let device = series.key.device.clone();
            if newest
                .get(&device)
                .is_none_or(|(_, known)| known.at < point.at)
            {
                newest.insert(device, (series, point));
            }
        }
        Ok(newest)
    }
}

fn series_row(row: &SqliteRow) -> StoreResult<Series> {
    let device: String = row.get(2);
    let key = SeriesKey {
        gateway: crate::store::intake::gateway_id(row.get(1))?,
        device: crate::store::from_json("device id", &crate::store::to_json(&device))?,
        kind: Kind::from_name(row.get(3)).unwrap_or(Kind::Other),
        unit: Some(row.get::<String, _>(4)).filter(|unit| !unit.is_empty()),
    };
    Ok(Series {
        id: row.get(0),
        key,
    })
}

fn point(row: &SqliteRow) -> Point {
    Point {
        at: row.get(0),
        value: point_value(row, 1),
    }
}

fn point_value(row: &SqliteRow, column: usize) -> PointValue {
    match row.get::<Option<f64>, _>(column) {
        Some(number) => PointValue::Number(number),
        None => PointValue::Text(row.get::<Option<String>, _>(column + 1).unwrap_or_default()),
    }
}
