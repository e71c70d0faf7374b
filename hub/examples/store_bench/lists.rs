//! How long reading takes: pages, single cases, counts, the map, a report, each in a city, a district, a street
//! and a grid.

use std::time::{Duration, Instant};

use anyhow::Result;
use gridwatch_protocol::SiteId;
use hub::access::Scope;
use hub::directory::Directory;
use hub::store::Store;
use hub::store::cases::{Cursor, Drills, Filter, Which};
use hub::store::reports::{By, CaseGroup};
use rand::Rng;

use crate::percentiles;

/// Queries of each kind.
const QUERIES: usize = 300;
/// Reports, which take longer.
const REPORTS: usize = 30;
/// Cases are spread over a year: a report of the last month.
const MONTH_MS: i64 = 30 * 86_400_000;

fn filter(which: Which, site: Option<SiteId>, after: Option<Cursor>) -> Filter {
    Filter {
        which,
        drills: Drills::Without,
        site,
        after,
        limit: 50,
        ..Filter::default()
    }
}

/// Times each kind of query and prints p50 and p99.
pub(crate) async fn measure(store: &Store, directory: &Directory, until: i64) -> Result<()> {
    let areas = [
        ("city", Scope::whole()),
        ("district", Scope::subtree("1-2", directory)),
        ("street", Scope::subtree("1-2-3", directory)),
        ("grid", Scope::subtree("1-2-3-4-5", directory)),
    ];
    for (name, scope) in areas {
        pages(store, &scope, name, until).await?;
        reports(store, &scope, name, until).await?;
    }
    Ok(())
}

async fn pages(store: &Store, scope: &Scope, area: &str, until: i64) -> Result<()> {
    let mut random = rand::rng();
    let base = hub::now().unix_ms();
    let kinds = [
        "open",
        "open, page within",
        "ended",
        "all",
        "of one site",
        "one by key",
        "counts",
        "map",
        "load",
    ];
    for kind in kinds {
        let mut times: Vec<Duration> = Vec::with_capacity(QUERIES);
        for _ in 0..QUERIES {
            let within = Cursor {
                severity: random.random_range(1..=4),
                at: base - random.random_range(0..365 * 86_400_000_i64),
                id: 0,
            };
            let site = SiteId::new(format!(
                "site-{}",
                random.random_range(0..crate::city::GRIDS)
            ))?;
            let started = Instant::now();
            let list = async |filter: Filter| store.list_cases(&filter, scope).await.map(drop);
            match kind {
                "open" => list(filter(Which::Open, None, None)).await?,
                "open, page within" => list(filter(Which::Open, None, Some(within))).await?,
                "ended" => list(filter(Which::Ended, None, None)).await?,
                "all" => list(filter(Which::All, None, None)).await?,
                "of one site" => list(filter(Which::All, Some(site), None)).await?,
                "one by key" => drop(store.case(random.random_range(1..=until), scope).await?),
                "counts" => drop(store.open_by_severity(scope).await?),
                "map" => drop(store.open_cases_by_place(scope).await?),
                _ => {
                    let since = hub::now().plus_ms(-3_600_000);
                    store.load_since("duty", since, scope).await?;
                }
            }
            times.push(started.elapsed());
        }
        println!("{until} cases, {area}, {kind}: {}", percentiles(times));
    }
    Ok(())
}

async fn reports(store: &Store, scope: &Scope, area: &str, until: i64) -> Result<()> {
    let now = hub::now();
    for by in [By::Nothing, By::Unit, By::Grid] {
        let (mut times, mut cases) = (Vec::with_capacity(REPORTS), 0);
        for _ in 0..REPORTS {
            let started = Instant::now();
            let group = CaseGroup {
                from: now.plus_ms(-MONTH_MS),
                until: now,
                now,
                scope,
                unit: None,
                category: None,
            };
            let sums = store.case_sums(group, by).await?;
            let figures: Vec<_> = sums.into_values().map(|sums| sums.figures()).collect();
            times.push(started.elapsed());
            cases = figures.iter().map(|figures| figures.counts.reported).sum();
        }
        let took = percentiles(times);
        println!("{until} cases, {area}, report of {cases} in a month by {by:?}: {took}");
    }
    Ok(())
}
