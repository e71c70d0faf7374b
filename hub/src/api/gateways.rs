//! Gateways, their devices, and what nobody understood.

use axum::Json as Answer;
use axum::extract::State;
use gridwatch_decode::skeleton::skeleton;
use gridwatch_protocol::{
    ClockQuality, DeviceStatus, Fault, GatewayId, Kind, ModelStatus, QuarantineSample, SiteId,
    Text, Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::extract::{Args, Officer, Part};
use super::page;
use super::problem::Problem;
use crate::access::Scope;
use crate::history::downsample::Point;
use crate::store::gateways::{GatewayDetails, GatewayFilter, GatewayRow, Liveness};

/// A sample of nearly 512 bytes was cut by its gateway (what replaces a cut character is longer).
const SAMPLE_CUT_BYTES: usize = 500;

/// What has arrived of a gateway's outbox.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SequenceStatus {
    /// Every number up to this one has arrived.
    pub contiguous_through: u64,
    /// The highest number that is known to exist.
    pub highest: u64,
    /// What is missing, as inclusive ranges, at most 100.
    pub missing: Vec<(u64, u64)>,
}

/// A gateway.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GatewayStatus {
    /// Its id.
    pub id: GatewayId,
    /// The site it watches.
    pub site: SiteId,
    /// Whether it gives signs of life.
    pub state: Liveness,
    /// When its newest heartbeat arrived, by the hub's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_heartbeat_at: Option<Timestamp>,
    /// Version of its agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
    /// How often its agent was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_epoch: Option<u64>,
    /// Alert messages that it had not yet delivered.
    pub backlog_alerts: u64,
    /// Readings that it had not yet delivered.
    pub backlog_readings: u64,
    /// Whether it trusts its clock.
    pub clock: ClockQuality,
    /// What is wrong, as told by the gateway and as seen by the hub.
    pub faults: Vec<Fault>,
    /// What has arrived of its outbox.
    pub sequence: SequenceStatus,
    /// All its devices.
    pub devices_total: u64,
    /// Silent ones.
    pub devices_silent: u64,
    /// Ones that its configuration does not name.
    pub devices_unknown: u64,
    /// Whether its key was revoked.
    #[serde(default)]
    pub revoked: bool,
}

/// Gateways.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct GatewayList {
    /// The gateways, by id.
    pub items: Vec<GatewayStatus>,
    /// `after` of the next page; null on the last.
    pub next: Option<String>,
}

/// Which gateways.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GatewayArgs {
    /// `online`, `silent` or `never_seen`; all when left out.
    state: Option<String>,
    /// Only of this site.
    site: Option<String>,
    /// Only in this area and what lies in it.
    area: Option<String>,
    /// At most this many, up to 200, which is usual.
    limit: Option<i64>,
    /// `next` of the page before.
    after: Option<String>,
}

/// Which part of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageArgs {
    /// At most this many, up to 200, which is usual.
    pub(super) limit: Option<i64>,
    /// `next` of the page before.
    pub(super) after: Option<String>,
}

/// The newest reading of a device.
#[derive(Debug, Serialize, ToSchema)]
pub struct LastReading {
    /// What it is about.
    pub kind: Kind,
    /// Its unit.
    pub unit: Option<String>,
    /// `[milliseconds since 1970, value]`
    #[schema(value_type = (i64, f64))]
    pub point: Point,
}

/// A device.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeviceView {
    /// As its gateway tells it.
    #[serde(flatten)]
    pub status: DeviceStatus,
    /// Its gateway.
    pub gateway: GatewayId,
    /// Its newest reading, if the history of the newest day has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_reading: Option<LastReading>,
}

/// Devices.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeviceList {
    /// The devices, by id.
    pub items: Vec<DeviceView>,
    /// `after` of the next page; null on the last.
    pub next: Option<String>,
}

/// Messages that nobody understood.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct QuarantineList {
    /// The newest sample of each source, by source.
    pub items: Vec<QuarantineSample>,
    /// `after` of the next page; null on the last.
    pub next: Option<String>,
}

/// Anomaly models of a gateway.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ModelList {
    /// When they were so, by the gateway's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The models, as the gateway orders them.
    pub items: Vec<ModelStatus>,
}

/// Gateways.
#[utoipa::path(get, path = "/api/v1/gateways", tag = "gateways", params(GatewayArgs), responses((status = 200, body = GatewayList)))]
pub async fn list(
    State(app): State<App>,
    officer: Officer,
    Args(args): Args<GatewayArgs>,
) -> Result<Answer<GatewayList>, Problem> {
    let limit = page::limit(args.limit, page::MAX)?;
    let states = [Liveness::Online, Liveness::Silent, Liveness::NeverSeen];
    let states = states.map(|state| (state.as_str(), state));
    let site = page::given(args.site.as_deref())
        .map(SiteId::new)
        .transpose();
    let filter = GatewayFilter {
        state: page::one_of("state", args.state.as_deref(), &states)?,
        site: site.map_err(|error| Problem::invalid(error.to_string()))?,
        after: args.after,
        limit: limit + 1,
    };
    let scope = match page::given(args.area.as_deref()) {
        Some(area) => officer.scope.and_area(area, &app.directory()),
        None => officer.scope,
    };
    let mut rows = app.store.list_gateways(&filter, &scope).await?;
    let next = page::cut(&mut rows, limit, |row| row.id.to_string());
    let details = app.store.gateway_details(rows).await?;
    Ok(Answer(GatewayList {
        items: details.into_iter().map(status).collect(),
        next,
    }))
}

/// The devices of a gateway.
#[utoipa::path(get, path = "/api/v1/gateways/{id}/devices", tag = "gateways", params(("id" = String, Path), PageArgs), responses(
    (status = 200, body = DeviceList),
))]
pub async fn devices(
    State(app): State<App>,
    officer: Officer,
    Part(id): Part<String>,
    Args(args): Args<PageArgs>,
) -> Result<Answer<DeviceList>, Problem> {
    let limit = page::limit(args.limit, page::MAX)?;
    let gateway = known(&app, &id, &officer.scope).await?;
    let mut newest = app.ring.newest(&gateway.id).await?;
    let after = args.after.as_deref();
    let mut statuses = app.store.devices(&gateway.id, after, limit + 1).await?;
    let next = page::cut(&mut statuses, limit, |status| status.device.to_string());
    let items = statuses.into_iter().map(|status| {
        let last_reading = newest
            .remove(&status.device)
            .map(|(series, point)| LastReading {
                kind: series.key.kind,
                unit: series.key.unit,
                point,
            });
        DeviceView {
            status,
            gateway: gateway.id.clone(),
            last_reading,
        }
    });
    Ok(Answer(DeviceList {
        items: items.collect(),
        next,
    }))
}

/// Messages that nobody understood at a gateway, the newest samples.
#[utoipa::path(get, path = "/api/v1/gateways/{id}/quarantine", tag = "gateways", params(("id" = String, Path), PageArgs), responses(
    (status = 200, body = QuarantineList),
))]
pub async fn quarantine(
    State(app): State<App>,
    officer: Officer,
    Part(id): Part<String>,
    Args(args): Args<PageArgs>,
) -> Result<Answer<QuarantineList>, Problem> {
    let limit = page::limit(args.limit, page::MAX)?;
    let gateway = known(&app, &id, &officer.scope).await?;
    let status = app.store.gateway_status(&gateway.id).await?;
    let mut items = status
        .and_then(|s| s.heartbeat)
        .map(|h| h.quarantine)
        .unwrap_or_default();
    items.sort_by(|a, b| a.source.cmp(&b.source));
    if let Some(after) = args.after {
        items.retain(|sample| sample.source > after);
    }
    let next = page::cut(&mut items, limit, |sample| sample.source.clone());
    Ok(Answer(QuarantineList { items, next }))
}

/// The anomaly models of a gateway, as its newest heartbeat tells them: which build runs, whether it fits the site,
/// and what a candidate in shadow would have said. Empty where no model is configured, or the agent is older.
#[utoipa::path(get, path = "/api/v1/gateways/{id}/models", tag = "gateways", params(("id" = String, Path)), responses(
    (status = 200, body = ModelList),
))]
pub async fn models(
    State(app): State<App>,
    officer: Officer,
    Part(id): Part<String>,
) -> Result<Answer<ModelList>, Problem> {
    let gateway = known(&app, &id, &officer.scope).await?;
    let status = app.store.gateway_status(&gateway.id).await?;
    let heartbeat = status.and_then(|status| status.heartbeat);
    Ok(Answer(ModelList {
        at: heartbeat.as_ref().map(|heartbeat| heartbeat.at),
        items: heartbeat.map_or_else(Vec::new, |heartbeat| heartbeat.models),
    }))
}

/// Which sample.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SampleArgs {
    /// `source` of the sample.
    source: String,
}

/// A device profile to begin with.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ProfileSkeleton {
    /// The text of the profile, TOML with comments, to be completed by people.
    pub toml: String,
    /// A name for its file.
    pub file: String,
}

/// A device profile to begin with, made from a message that nobody understood.
#[utoipa::path(get, path = "/api/v1/gateways/{id}/quarantine/profile", tag = "gateways", params(("id" = String, Path), SampleArgs), responses(
    (status = 200, body = ProfileSkeleton),
    (status = 404, description = "`not-found`: no such gateway, or no sample of this source any more", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "`invalid-request`: no profile can be made from this message", body = Problem, content_type = "application/problem+json"),
))]
pub async fn quarantine_profile(
    State(app): State<App>,
    officer: Officer,
    Part(id): Part<String>,
    Args(args): Args<SampleArgs>,
) -> Result<Answer<ProfileSkeleton>, Problem> {
    let gateway = known(&app, &id, &officer.scope).await?;
    let status = app.store.gateway_status(&gateway.id).await?;
    let sample = status
        .and_then(|status| status.heartbeat)
        .and_then(|heartbeat| {
            let mut samples = heartbeat.quarantine.into_iter();
            samples.find(|sample| sample.source == args.source)
        })
        .ok_or_else(|| {
            Problem::not_found(format!(
                "gateway `{id}` shows no sample of `{}` any more",
                args.source
            ))
        })?;
    let toml = skeleton(&sample.source, sample.sample.as_bytes())
        .map_err(|error| {
            let mut why = error.to_string();
            if sample.sample.len() >= SAMPLE_CUT_BYTES {
                why.push_str("; the hub holds only the beginning of this message: make the profile on the gateway from a whole one");
            }
            Problem::invalid(why)
        })?;
    Ok(Answer(ProfileSkeleton {
        toml,
        file: file_name(&sample.source),
    }))
}

/// A name that is safe on every file system, from the last levels of a topic.
fn file_name(source: &str) -> String {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let name: String = source.chars().map(safe).collect();
    let parts: Vec<&str> = name.split('-').filter(|part| !part.is_empty()).collect();
    let mut name = parts.join("-");
    name.truncate(60);
    if name.is_empty() {
        name.push_str("new-device");
    }
    format!("{name}.toml")
}

pub(crate) async fn known(app: &App, id: &str, scope: &Scope) -> Result<GatewayRow, Problem> {
    let row = app.store.gateway(id, scope).await?;
    row.ok_or_else(|| Problem::not_found(format!("there is no gateway `{id}`")))
}

/// A gateway as officers see it.
pub(crate) fn status(details: GatewayDetails) -> GatewayStatus {
    let GatewayDetails {
        row,
        status: stored,
        devices: counts,
        refused: (refused, refused_at),
        received,
    } = details;
    let mut view = GatewayStatus {
        site: row.site,
        state: Liveness::NeverSeen,
        last_heartbeat_at: None,
        agent_version: None,
        boot_epoch: None,
        backlog_alerts: 0,
        backlog_readings: 0,
        clock: ClockQuality::Plausible,
        faults: Vec::new(),
        sequence: SequenceStatus {
            contiguous_through: 0,
            highest: 0,
            missing: Vec::new(),
        },
        devices_total: counts.total,
        devices_silent: counts.silent,
        devices_unknown: counts.unknown,
        revoked: row.revoked_at.is_some(),
        id: row.id,
    };
    if let Some(since) = refused_at {
        view.faults.push(Fault {
            code: "messages_refused".to_owned(),
            subject: "outbox".to_owned(),
            since,
            detail: Text {
                zh: format!("{refused} 条报警消息格式有误，未被接受"),
                en: format!("{refused} alert messages were malformed and not accepted"),
            },
        });
    }
    let Some(stored) = stored else {
        return view;
    };
    view.state = stored.state;
    view.last_heartbeat_at = stored.last_heartbeat_at;
    view.faults
        .extend(stored.hub_faults.into_iter().map(|fault| fault.fault));
    let Some(heartbeat) = stored.heartbeat else {
        return view;
    };
    let highest = heartbeat.last_sequence.max(received.highest());
    view.sequence = SequenceStatus {
        contiguous_through: received.contiguous_through(),
        highest,
        missing: received.missing(highest),
    };
    view.site = heartbeat.site;
    view.agent_version = Some(heartbeat.agent_version);
    view.boot_epoch = Some(heartbeat.boot_epoch);
    view.backlog_alerts = heartbeat.backlog_alerts;
    view.backlog_readings = heartbeat.backlog_readings;
    view.clock = heartbeat.clock;
    view.faults.extend(heartbeat.faults);
    view
}
