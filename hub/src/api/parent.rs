//! The link to the parent hub, as the officers of the child see it. No key and nothing that the parent wrote.

use axum::Json as Answer;
use axum::extract::State;
use gridwatch_protocol::{HubId, Text, Timestamp};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::extract::Officer;
use super::problem::Problem;
use crate::parent::up::link::Link;
use crate::parent::up::page::By;

/// An officer is warned when the parent has not been reached for so long: it is asked every 20 s, and after a
/// failure every 30 s at the latest, so several tries have failed.
const WARN_AFTER_MS: i64 = 120_000;

/// How the link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParentState {
    /// The last try reached the parent.
    Up,
    /// The last try did not.
    Down,
    /// Nothing was tried yet.
    NotTried,
}

/// The link to the parent.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ParentLink {
    /// The parent's name, as it stands in histories.
    pub name: String,
    /// Host and port of its address.
    pub host: String,
    /// How the link is.
    pub state: ParentState,
    /// Since when it is up or down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// When the parent answered last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success_at: Option<Timestamp>,
    /// Why the link is down, and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Text>,
    /// Whether the parent has not been reached for longer than `warn_after_ms`.
    pub overdue: bool,
    /// After this long without an answer the parent is `overdue`.
    pub warn_after_ms: i64,
    /// Cases and results that wait to be sent; null before the parent has answered once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<i64>,
    /// Whether more than that wait: only the next batch is counted.
    pub more_wait: bool,
    /// Since when the oldest of them waits, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_waiting_at: Option<Timestamp>,
    /// When the parent asked for something last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_command_at: Option<Timestamp>,
}

/// The parent hub.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ParentView {
    /// The link to it; null when this hub has no parent.
    pub link: Option<ParentLink>,
}

/// Whether this hub has a parent, and how the link to it is.
#[utoipa::path(get, path = "/api/v1/parent", tag = "parent hub", responses((status = 200, body = ParentView)))]
pub async fn parent(
    State(app): State<App>,
    _officer: Officer,
) -> Result<Answer<ParentView>, Problem> {
    let settings = &app.config.parent;
    let hub = HubId::new(settings.hub.clone()).ok();
    let Some(hub) = hub.filter(|_| settings.is_set()) else {
        return Ok(Answer(ParentView { link: None }));
    };
    let row = app.store.parent_link(&hub).await?;
    let state = row.as_ref().and_then(|row| row.state.clone());
    let waiting = match row.as_ref().and_then(|row| row.link) {
        Some(link) => Some(waiting(&app, &hub, link).await?),
        None => None,
    };
    let now = crate::now();
    let fault = state.as_ref().and_then(|state| state.fault);
    Ok(Answer(ParentView {
        link: Some(ParentLink {
            name: settings.name.clone(),
            host: host(&settings.url),
            state: match (&state, fault) {
                (None, _) => ParentState::NotTried,
                (Some(_), None) => ParentState::Up,
                (Some(_), Some(_)) => ParentState::Down,
            },
            since: state.as_ref().map(|state| state.since),
            last_success_at: state.as_ref().and_then(|state| state.last_success_at),
            why: fault.map(crate::parent::up::state::LinkFault::words),
            overdue: state.is_some_and(|state| state.is_overdue(now, WARN_AFTER_MS)),
            warn_after_ms: WARN_AFTER_MS,
            waiting: waiting.as_ref().map(|waiting| waiting.count),
            more_wait: waiting.as_ref().is_some_and(|waiting| waiting.more),
            oldest_waiting_at: waiting.and_then(|waiting| waiting.oldest_at),
            last_command_at: app.store.last_parent_command().await?,
        }),
    }))
}

/// Host and port; who may sign in at the parent, and where exactly, is nobody's business here.
fn host(url: &str) -> String {
    let url = Url::parse(url).ok();
    let named = url.as_ref().and_then(|url| Some((url, url.host_str()?)));
    named.map_or_else(String::new, |(url, host)| match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

struct Waiting {
    count: i64,
    more: bool,
    oldest_at: Option<Timestamp>,
}

/// What the next batch would hold, and results that the parent lacks.
async fn waiting(app: &App, hub: &HubId, link: Link) -> Result<Waiting, Problem> {
    let directory = app.directory();
    let by = By {
        settings: &app.config.parent,
        directory: &directory,
        catalogue: &app.catalogue,
    };
    let page = app.store.upward_page(hub, link, by).await?;
    let results = app.store.results_to_report().await?;
    // In a pass over all cases the numbers say nothing of when a case changed.
    let first = page.batch.items.first().filter(|_| link.pass.is_none());
    let changed_at = match first {
        Some(item) => app.store.event_time(item.sequence).await?,
        None => None,
    };
    let oldest_at = changed_at
        .into_iter()
        .chain(results.first().map(|r| r.at))
        .min();
    let count = page.batch.items.len() + results.len();
    Ok(Waiting {
        count: i64::try_from(count).unwrap_or(i64::MAX),
        // A pass says that events follow it, whether there are any or not.
        more: page.more && count > 0,
        oldest_at,
    })
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn of_an_address_only_host_and_port_are_told() {
        assert_eq!(
            host("https://me:word@city.example:8443/x?y"),
            "city.example:8443"
        );
        assert_eq!(host("https://city.example"), "city.example");
        assert_eq!(host("nothing"), "");
    }
}
