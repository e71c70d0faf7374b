//! Readings for charts.

use std::collections::BTreeMap;

use axum::Json as Answer;
use axum::extract::State;
use gridwatch_protocol::{AlertId, DeviceId, Kind, Text, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::extract::{Args, Officer, Part};
use super::problem::Problem;
use crate::cases::CaseId;
use crate::history::downsample::{Point, downsample};
use crate::history::ring::Series;

/// At most this many points of one series in an answer.
const POINTS_MAX: usize = 2_000;
/// So many when the request does not say, and in the chart of a case.
const POINTS: usize = 600;
/// A chart of a case reaches at most this far before and after its alerts: one day.
const AROUND_S_MAX: i64 = 86_400;
/// And so far when the request does not say.
const AROUND_S: i64 = 900;
/// At most this many series in the chart of a case.
const SERIES_MAX: usize = 40;

/// Which readings.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReadingArgs {
    /// The device.
    device: String,
    /// What the readings are about.
    kind: String,
    /// The gateway; needed only when two gateways have a device of this name.
    gateway: Option<String>,
    /// The unit, where a device measures one kind in several ways; empty for states. When absent,
    /// numbers with a unit come before states.
    unit: Option<String>,
    /// From this time, RFC 3339; an hour before `to` when absent.
    from: Option<String>,
    /// To this time, RFC 3339; now when absent.
    to: Option<String>,
    /// At most this many points, up to 2,000; 600 when absent. Peaks stay.
    max_points: Option<usize>,
}

/// How far around a case's alerts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AroundArgs {
    /// Seconds before the first alert; 900 when absent.
    before_s: Option<i64>,
    /// Seconds after the last change of an alert; 900 when absent.
    after_s: Option<i64>,
}

/// Readings of one device and kind.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadingSeries {
    /// The device.
    pub device: DeviceId,
    /// What the readings are about.
    pub kind: Kind,
    /// Their unit.
    pub unit: Option<String>,
    /// `[milliseconds since 1970, value]`; states are 0 or 1, words are text.
    #[schema(value_type = Vec<(i64, f64)>)]
    pub points: Vec<Point>,
    /// From this time.
    pub from: Timestamp,
    /// To this time.
    pub to: Timestamp,
    /// Whether there were more points than are shown; peaks stay.
    pub truncated: bool,
}

/// A series in the chart of a case.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChartSeries {
    /// The device.
    pub device: DeviceId,
    /// What the readings are about.
    pub kind: Kind,
    /// Their unit.
    pub unit: Option<String>,
    /// `[milliseconds since 1970, value]`; states are 0 or 1, words are text.
    #[schema(value_type = Vec<(i64, f64)>)]
    pub points: Vec<Point>,
}

/// A moment in the chart of a case.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChartMark {
    /// When.
    pub at: Timestamp,
    /// What.
    pub label: Text,
    /// Which alert.
    pub alert_id: AlertId,
}

/// The chart of a case.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseChart {
    /// From this time.
    pub from: Timestamp,
    /// To this time.
    pub to: Timestamp,
    /// Readings of all its devices.
    pub series: Vec<ChartSeries>,
    /// When its alerts were raised and cleared.
    pub marks: Vec<ChartMark>,
}

/// Readings of one device and kind.
#[utoipa::path(get, path = "/api/v1/readings", tag = "readings", params(ReadingArgs), responses(
    (status = 200, body = ReadingSeries),
    (status = 422, description = "`invalid-request`, `gateway-needed`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn readings(
    State(app): State<App>,
    officer: Officer,
    Args(args): Args<ReadingArgs>,
) -> Result<Answer<ReadingSeries>, Problem> {
    let device = DeviceId::new(args.device).map_err(|e| Problem::invalid(e.to_string()))?;
    let kind = Kind::from_name(&args.kind)
        .ok_or_else(|| Problem::invalid(format!("`{}` is not a kind", args.kind)))?;
    let to = time("to", args.to.as_deref())?.unwrap_or_else(crate::now);
    let from = time("from", args.from.as_deref())?.unwrap_or(to.plus_ms(-3_600_000));
    let max_points = args.max_points.unwrap_or(POINTS);
    if from > to || !(2..=POINTS_MAX).contains(&max_points) {
        return Err(Problem::invalid(format!(
            "`from` is not after `to`, and `max_points` is between 2 and {POINTS_MAX}"
        )));
    }
    let mut found = app.ring.series(&device, Some(kind)).await?;
    if let Some(gateway) = &args.gateway {
        found.retain(|series| series.key.gateway.as_str() == gateway);
    }
    if let Some(unit) = &args.unit {
        found.retain(|series| series.key.unit.as_deref().unwrap_or_default() == unit);
    }
    let mut seen = BTreeMap::new();
    for series in &found {
        let gateway = &series.key.gateway;
        if !seen.contains_key(gateway) {
            let row = app.store.gateway(gateway.as_str(), &officer.scope).await?;
            seen.insert(gateway.clone(), row.is_some());
        }
    }
    found.retain(|series| seen[&series.key.gateway]);
    let mut gateways: Vec<&str> = found.iter().map(|s| s.key.gateway.as_str()).collect();
    gateways.dedup();
    if gateways.len() > 1 {
        return Err(Problem::new(
            axum::http::StatusCode::UNPROCESSABLE_ENTITY,
            "gateway-needed",
            format!(
                "several gateways have this device; say `gateway`: {}",
                gateways.join(", ")
            ),
        ));
    }
    let (unit, points, truncated) = match found.first() {
        None => (None, Vec::new(), false),
        Some(series) => {
            let (points, cut) = app.ring.points(series, from, to).await?;
            let before = points.len();
            let points = downsample(points, max_points);
            let truncated = cut || points.len() < before;
            (series.key.unit.clone(), points, truncated)
        }
    };
    Ok(Answer(ReadingSeries {
        device,
        kind,
        unit,
        points,
        from,
        to,
        truncated,
    }))
}

/// Readings of all devices of a case around its alerts.
#[utoipa::path(get, path = "/api/v1/cases/{id}/series", tag = "readings", params(("id" = i64, Path), AroundArgs), responses(
    (status = 200, body = CaseChart),
    (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn series_of_case(
    State(app): State<App>,
    officer: Officer,
    Part(id): Part<CaseId>,
    Args(args): Args<AroundArgs>,
) -> Result<Answer<CaseChart>, Problem> {
    let case = app.store.case(id, &officer.scope).await?;
    let case = case.ok_or_else(|| Problem::not_found(format!("there is no case {id}")))?;
    let alerts = app.store.alerts_of(id, 500).await?;
    let around = |seconds: Option<i64>| seconds.unwrap_or(AROUND_S).clamp(0, AROUND_S_MAX) * 1_000;
    let first = alerts
        .iter()
        .map(|r| r.alert.raised_at)
        .min()
        .unwrap_or(case.opened_at);
    let last = alerts
        .iter()
        .map(|r| r.alert.at.max(r.alert.raised_at))
        .max()
        .unwrap_or(first);
    let (from, to) = (
        first.plus_ms(-around(args.before_s)),
        last.plus_ms(around(args.after_s)),
    );
    let mut wanted: Vec<Series> = Vec::new();
    for device in &case.devices {
        let all = app.ring.series(&device.device, None).await?;
        wanted.extend(all.into_iter().filter(|s| {
            s.key.gateway == device.gateway && belongs_in_chart(s.key.kind, &case.kinds)
        }));
    }
    wanted.truncate(SERIES_MAX);
    let mut series = Vec::new();
    for one in wanted {
        let (points, _) = app.ring.points(&one, from, to).await?;
        if !points.is_empty() {
            series.push(ChartSeries {
                device: one.key.device,
                kind: one.key.kind,
                unit: one.key.unit,
                points: downsample(points, POINTS),
            });
        }
    }
    let mut marks: Vec<ChartMark> = Vec::new();
    for record in alerts {
        let alert = record.alert;
        marks.push(ChartMark {
            at: alert.raised_at,
            label: alert.reason.clone(),
            alert_id: alert.id,
        });
        if let Some(at) = record.cleared_at {
            let label = Text {
                zh: "现场恢复".to_owned(),
                en: "condition ended".to_owned(),
            };
            marks.push(ChartMark {
                at,
                label,
                alert_id: alert.id,
            });
        }
    }
    marks.sort_by_key(|mark| mark.at);
    Ok(Answer(CaseChart {
        from,
        to,
        series,
        marks,
    }))
}

fn time(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    text.map(str::parse)
        .transpose()
        .map_err(|error: gridwatch_protocol::TimestampError| {
            Problem::invalid(format!("`{name}`: {error}"))
        })
}

/// How a device is doing says nothing about a hazard: shown only where the case is about it.
fn belongs_in_chart(kind: Kind, about: &[Kind]) -> bool {
    about.contains(&kind)
        || !matches!(
            kind,
            Kind::LinkQuality | Kind::Battery | Kind::AlarmTest | Kind::Availability
        )
}
