//! The live feed: server-sent events by event number, out of the store.
//!
//! A feed holds a number, not a queue: it reads the store only when its reader takes more, so a slow
//! reader costs nothing but its place. One that falls too far behind is told to load its lists again;
//! one that takes no bytes at all is cut by the connection's write time-out (`serve`). Waking is only a
//! hint: the number is marked as seen before the store is read, so nothing falls between. A feed
//! ends when its session does.

pub mod data;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;
use utoipa::IntoParams;

use crate::access::Scope;
use crate::api::App;
use crate::api::extract::{Args, Officer};
use crate::api::gateways;
use crate::api::problem::Problem;
use crate::api::view;
use crate::cases::{Actor, CaseId};
use crate::metrics::{Metrics, count};
use crate::parent::children::list::{ChildCaseKey, ChildScope};
use crate::store::events::{StoredEvent, Subject};
use data::{
    CaseEventData, ChildEventData, DeskEventData, FloodEventData, GatewayEventData, HelloData,
    ResyncData,
};

/// A comment is sent this often, so that both ends notice a dead connection.
const PING: Duration = Duration::from_secs(10);
/// The session is looked at this often.
const SESSION_CHECK: Duration = Duration::from_secs(5);
/// Events read at once.
const READ_MAX: i64 = 100;
/// Browsers come back after this long.
const RETRY: Duration = Duration::from_secs(2);

/// Where to start.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventArgs {
    /// Everything after this event number is sent first; the header `Last-Event-ID` does the same,
    /// and the greater of the two counts. Without either the feed starts at the present.
    after: Option<i64>,
}

struct Feed {
    app: App,
    token_hash: String,
    scope: Scope,
    actor: Actor,
    head: watch::Receiver<i64>,
    after: i64,
    ready: VecDeque<Event>,
    ping_at: Instant,
    check_at: Instant,
    _open: OpenFeed,
}

/// Counts a feed as open until it is dropped.
struct OpenFeed(Arc<Metrics>);

impl Drop for OpenFeed {
    fn drop(&mut self) {
        self.0.live_feeds.fetch_sub(1, Relaxed);
    }
}

/// The live feed.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", params(EventArgs), responses(
    (status = 200, description = "`hello`, then `case`, `gateway`, `flood`, `desk`, `child` and `resync` events; a comment every 10 s", content_type = "text/event-stream"),
    (status = 503, description = "`busy`: too many open feeds", body = Problem, content_type = "application/problem+json"),
))]
pub async fn events(
    State(app): State<App>,
    officer: Officer,
    headers: HeaderMap,
    Args(args): Args<EventArgs>,
) -> Result<Response, Problem> {
    let open = open_feed(&app)?;
    let from_header = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.trim().parse::<i64>().ok());
    // Subscribed before the newest number is read: what comes in between is read from the store.
    let head = app.engine.head();
    let newest = app.store.event_head().await?;
    let asked = args.after.max(from_header);
    let after = asked.unwrap_or(newest);
    let hello = HelloData {
        seq: newest,
        hub_time: crate::now(),
    };
    let now = Instant::now();
    let mut feed = Feed {
        app,
        token_hash: officer.session.token_hash,
        scope: officer.scope,
        actor: officer.actor,
        head,
        after,
        ready: VecDeque::from([event("hello", Some(after), &hello).retry(RETRY)]),
        ping_at: now + PING,
        check_at: now + SESSION_CHECK,
        _open: open,
    };
    if after > newest || after < 0 {
        // A number that does not exist yet: the hub's store was set back.
        feed.resync(newest);
    }
    let stream = stream::unfold(feed, |mut feed| async move {
        feed.next()
            .await
            .map(|event| (Ok::<_, Infallible>(event), feed))
    });
    // Some proxies collect small answers; this header tells them not to.
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), "no");
    Ok(([unbuffered], Sse::new(stream)).into_response())
}

fn open_feed(app: &App) -> Result<OpenFeed, Problem> {
    let open = app.metrics.live_feeds.fetch_add(1, Relaxed);
    let guard = OpenFeed(Arc::clone(&app.metrics));
    if open >= u64::from(app.config.limits.live_feeds_max) {
        return Err(Problem::busy("too many live feeds are open"));
    }
    Ok(guard)
}

fn event(name: &str, id: Option<i64>, data: &impl Serialize) -> Event {
    let event = Event::default()
        .event(name)
        .data(crate::store::to_json(data));
    match id {
        Some(id) => event.id(id.to_string()),
        None => event,
    }
}

impl Feed {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                count(&self.app.metrics.live_events);
                return Some(event);
            }
            if self.app.stop.is_cancelled() || !self.session_lives().await {
                return None;
            }
            self.head.mark_unchanged();
            match self.read().await {
                Ok(()) if !self.ready.is_empty() => {}
                Ok(()) => self.wait().await,
                Err(problem) => {
                    tracing::warn!(
                        problem = problem.detail,
                        "a live feed ends; its reader will resume"
                    );
                    return None;
                }
            }
        }
    }

    async fn session_lives(&mut self) -> bool {
        let now = Instant::now();
        if now < self.check_at {
            return true;
        }
        self.check_at = now + SESSION_CHECK;
        let Ok(Some(officer)) = self.app.auth.officer_of(&self.token_hash).await else {
            return false;
        };
        // Their area may have changed since.
        self.scope = officer.scope;
        self.actor = officer.actor;
        true
    }

    /// Reads what comes next out of the store.
    async fn read(&mut self) -> Result<(), Problem> {
        let newest = self.app.store.event_head().await?;
        let behind_max = i64::from(self.app.config.limits.live_events_behind_max);
        if newest - self.after > behind_max {
            self.resync(newest);
            return Ok(());
        }
        if newest <= self.after {
            return Ok(());
        }
        let store = &self.app.store;
        let oldest = store.oldest_event().await?.unwrap_or(newest + 1);
        if oldest > self.after + 1 {
            // What lies between is no longer kept.
            self.resync(newest);
            return Ok(());
        }
        let (after, scope) = (self.after, &self.scope);
        let events = store.events_between(after, newest, READ_MAX, scope).await?;
        self.render(&events).await?;
        let all = i64::try_from(events.len()).unwrap_or(READ_MAX) < READ_MAX;
        self.after = match events.last() {
            Some(last) if !all => last.seq,
            _ => newest,
        };
        Ok(())
    }

    async fn render(&mut self, events: &[StoredEvent]) -> Result<(), Problem> {
        let ids: Vec<_> = events
            .iter()
            .filter_map(|event| match event.subject {
                Subject::Case { id, .. } => Some(id),
                Subject::Gateway(_)
                | Subject::Flood(_)
                | Subject::Desk { .. }
                | Subject::Child { .. } => None,
            })
            .collect();
        let cases = if ids.is_empty() {
            std::collections::BTreeMap::new()
        } else {
            self.app.store.cases_by_id(&ids, &self.scope).await?
        };
        for StoredEvent { seq, at, subject } in events {
            let (seq, at) = (*seq, *at);
            match subject {
                Subject::Case { id, change } => {
                    let Some(case) = cases.get(id) else { continue };
                    let case = view::summary(case, &self.app.directory(), &self.app.catalogue);
                    let data = CaseEventData {
                        seq,
                        at,
                        change: change.clone(),
                        case,
                    };
                    self.ready.push_back(event("case", Some(seq), &data));
                }
                Subject::Flood(id) => {
                    let Some(flood) = self.app.store.flood(*id, &self.scope).await? else {
                        continue;
                    };
                    let data = FloodEventData { seq, at, flood };
                    self.ready.push_back(event("flood", Some(seq), &data));
                }
                Subject::Desk { change } => {
                    let mut said = self.app.store.reports_of(&[seq]).await?;
                    let (area, detail) = said
                        .remove(&seq)
                        .map_or((None, None), |(area, one)| (Some(area), Some(one.detail)));
                    let data = DeskEventData {
                        seq,
                        at,
                        change: change.clone(),
                        area,
                        detail,
                    };
                    self.ready.push_back(event("desk", Some(seq), &data));
                }
                Subject::Child { hub, case, change } => {
                    if !self.sees_child(hub, *case).await? {
                        continue;
                    }
                    let data = ChildEventData {
                        seq,
                        at,
                        change: change.clone(),
                        hub: hub.clone(),
                        case_epoch: case.map(|(epoch, _)| epoch),
                        case: case.map(|(_, case)| case),
                    };
                    self.ready.push_back(event("child", Some(seq), &data));
                }
                Subject::Gateway(id) => {
                    let Some(row) = self.app.store.gateway(id.as_str(), &self.scope).await? else {
                        continue;
                    };
                    let details = self.app.store.gateway_details(vec![row]).await?;
                    let Some(gateway) = details.into_iter().map(gateways::status).next() else {
                        continue;
                    };
                    let data = GatewayEventData { seq, at, gateway };
                    self.ready.push_back(event("gateway", Some(seq), &data));
                }
            }
        }
        Ok(())
    }

    /// People of a unit see the cases of children that call them, and nothing else of children.
    async fn sees_child(&self, hub: &str, case: Option<(i64, CaseId)>) -> Result<bool, Problem> {
        let scope = ChildScope::of(&self.actor, &self.scope);
        let Some((epoch, case)) = case else {
            return Ok(!scope.is_of_a_unit());
        };
        let key = ChildCaseKey {
            hub: hub.to_owned(),
            epoch,
            case,
        };
        Ok(self.app.store.child_case(&key, &scope).await?.is_some())
    }

    fn resync(&mut self, newest: i64) {
        count(&self.app.metrics.live_resyncs);
        self.after = newest;
        self.ready
            .push_back(event("resync", Some(newest), &ResyncData { after: newest }));
    }

    /// Until there is more, or something else has to be done.
    async fn wait(&mut self) {
        // All branches are cancel-safe: they only wait.
        tokio::select! {
            _ = self.head.changed() => {}
            () = tokio::time::sleep_until(self.ping_at.min(self.check_at)) => {}
            () = self.app.stop.cancelled() => {}
        }
        let now = Instant::now();
        if now >= self.ping_at {
            self.ping_at = now + PING;
            // With the number, so that a reader who sees little need not read what it does not see again.
            let ping = Event::default().comment("ping");
            self.ready.push_back(ping.id(self.after.to_string()));
        }
    }
}
