//! What the store knows beside the cases: who is called by an event, and what is missing at desks.

use super::config::Channel;
use super::people;
use super::policy::News;
use super::rows::CaseEventRow;
use crate::cases::text;
use crate::directory::Directory;
use crate::roster::calls;
use crate::store::{Store, StoreResult};

/// Where those are reached whom this news calls; nobody without a channel that tells people.
pub(super) async fn addresses(
    store: &Store,
    channels: &[Channel],
    cases: &[News],
    desks: &[News],
) -> StoreResult<people::Addresses> {
    if !channels.iter().any(|channel| channel.people) {
        return Ok(people::Addresses::default());
    }
    let events = cases.iter().chain(desks).map(|one| one.seq).collect();
    calls::addresses(store, &events).await
}

/// What is missing at desks, as news.
pub(super) async fn desks(
    store: &Store,
    directory: &Directory,
    events: &[CaseEventRow],
) -> StoreResult<Vec<News>> {
    let own = |event: &&CaseEventRow| event.case.is_none();
    let numbers: Vec<i64> = events.iter().filter(own).map(|event| event.seq).collect();
    let said = store.reports_of(&numbers).await?;
    let news = events.iter().filter_map(|event| {
        let (area, report) = said.get(&event.seq)?;
        let name = directory.area(area).map(|area| area.name.clone());
        let path = directory.area_path(area);
        let codes = path.split('/').filter(|code| !code.is_empty());
        people::desk_news(
            (event.seq, event.at),
            area,
            name.unwrap_or_else(|| text(area, area)),
            codes.map(str::to_owned).collect(),
            report,
        )
    });
    Ok(news.collect())
}
