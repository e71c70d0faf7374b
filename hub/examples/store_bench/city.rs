//! A city of 500 grids and as many cases as are asked for, made in SQL out of one case that the engine made:
//! the same columns, bodies and figures, over a year.

use anyhow::{Context, Result};
use hub::directory::Directory;
use sqlx::{AnyConnection, AssertSqlSafe, Executor, Row};

/// 5 districts of 5 streets of 4 communities of 5 grids.
pub(crate) const GRIDS: usize = 500;
/// Cases are spread over a year, in milliseconds.
const YEAR_MS: i64 = 365 * 86_400_000;

/// Codes: `1`, `1-1`, `1-1-1`, …; a site `site-N` in each grid.
pub(crate) fn directory() -> Result<Directory> {
    let (mut areas, mut sites) = (String::new(), String::new());
    let mut area = |code: &str, parent: &str, level: &str| {
        let parent = if parent.is_empty() {
            String::new()
        } else {
            format!("parent = \"{parent}\"\n")
        };
        areas.push_str(&format!("[[area]]\ncode = \"{code}\"\n{parent}level = \"{level}\"\nname = {{ zh = \"{code}\", en = \"{code}\" }}\n"));
    };
    area("1", "", "city");
    for d in 1..=5 {
        area(&format!("1-{d}"), "1", "district");
        for s in 1..=5 {
            area(&format!("1-{d}-{s}"), &format!("1-{d}"), "street");
            for c in 1..=4 {
                let community = format!("1-{d}-{s}-{c}");
                area(&community, &format!("1-{d}-{s}"), "community");
                for g in 1..=5 {
                    area(&format!("{community}-{g}"), &community, "grid");
                }
            }
        }
    }
    for n in 0..GRIDS {
        let grid = grid(n);
        sites.push_str(&format!("[[site]]\nid = \"site-{n}\"\nname = {{ zh = \"{n}\", en = \"{n}\" }}\ngrid = \"{grid}\"\naddress = {{ zh = \"{n}\", en = \"{n}\" }}\nlat = 23.0\nlon = 113.0\n"));
    }
    Directory::parse(&areas, &sites).map_err(|problems| anyhow::anyhow!(problems.join("; ")))
}

/// Code of the grid of a site.
fn grid(n: usize) -> String {
    let (d, s, c, g) = (n % 5, n / 5 % 5, n / 25 % 4, n / 100 % 5);
    format!("1-{}-{}-{}-{}", d + 1, s + 1, c + 1, g + 1)
}

/// Makes cases up to this id out of case 1; every `open_every`th stays open, the others were closed after two
/// hours. The newest is as old as case 1.
pub(crate) async fn make_cases(
    raw: &mut AnyConnection,
    directory: &Directory,
    until: i64,
    open_every: i64,
) -> Result<()> {
    let last: i64 = raw.fetch_one("SELECT MAX(id) FROM cases").await?.get(0);
    let step = YEAR_MS / until;
    raw.execute("CREATE TEMPORARY TABLE IF NOT EXISTS places (n BIGINT PRIMARY KEY, path TEXT)")
        .await?;
    raw.execute("DELETE FROM places").await?;
    for n in 0..GRIDS {
        let site = format!("site-{n}").parse().context("a site id");
        let path = directory.site_path(&site?);
        let insert = format!("INSERT INTO places (n, path) VALUES ({n}, '{path}')");
        raw.execute(AssertSqlSafe(insert)).await?;
    }
    let numbers = format!(
        "WITH RECURSIVE n(i) AS (SELECT CAST({last} + 1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {until})"
    );
    let opened = format!("c.opened_at - ({until} - n.i) * {step}");
    let is_open = format!("n.i % {open_every} = 0");
    let cases = format!(
        "INSERT INTO cases (id, number, version, state, is_open, severity, category, site, is_drill, opened_at, ended_at, group_key, acknowledged_at, acknowledged_by, search, body, unit, area_path) {numbers} \
         SELECT n.i, 'bench-' || n.i, 1, CASE WHEN {is_open} THEN 'reported' ELSE 'closed' END, \
         CASE WHEN {is_open} THEN 1 ELSE 0 END, 1 + n.i % 4, c.category, 'site-' || (n.i % {GRIDS}), 0, \
         {opened}, CASE WHEN {is_open} THEN NULL ELSE {opened} + 7200000 END, NULL, NULL, NULL, \
         'bench-' || n.i || ' ' || c.search, replace(c.body, '\"id\":1,', '\"id\":' || n.i || ','), \
         CASE WHEN {is_open} THEN NULL ELSE 'unit-' || (n.i % 50) END, p.path \
         FROM n JOIN places p ON p.n = n.i % {GRIDS}, (SELECT * FROM cases WHERE id = 1) AS c"
    );
    let figures = format!(
        "INSERT INTO case_figures (id, opened_at, area_path, unit, category, severity, is_drill, outcome, acknowledge_ms, file_ms, dispatch_ms, handle_ms, handle_late, close_ms, is_filed, is_dispatched, is_handled, reworks) \
         SELECT c.id, c.opened_at, c.area_path, c.unit, c.category, c.severity, 0, c.state, \
         CASE WHEN c.is_open = 0 THEN c.id * 7919 % 900000 END, CASE WHEN c.is_open = 0 THEN c.id * 104729 % 3600000 END, \
         CASE WHEN c.is_open = 0 THEN c.id * 1299709 % 3600000 END, CASE WHEN c.is_open = 0 THEN c.id * 15485863 % 28800000 END, \
         CASE WHEN c.is_open = 0 AND c.id % 20 = 0 THEN 1 ELSE 0 END, CASE WHEN c.is_open = 0 THEN c.id * 32452843 % 28800000 END, \
         1 - c.is_open, 1 - c.is_open, 1 - c.is_open, CASE WHEN c.is_open = 0 AND c.id % 30 = 0 THEN 1 ELSE 0 END \
         FROM (SELECT id, opened_at, area_path, unit, category, severity, is_open, CASE WHEN is_open = 1 THEN 'open' ELSE 'closed' END AS state FROM cases WHERE id > {last}) AS c"
    );
    let started = std::time::Instant::now();
    for statement in ["BEGIN", &cases, &figures, "COMMIT", "ANALYZE"] {
        raw.execute(AssertSqlSafe(statement.to_owned())).await?;
    }
    let took = started.elapsed().as_secs_f64();
    println!("made cases up to {until} in SQL in {took:.0} s");
    Ok(())
}
