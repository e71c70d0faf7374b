//! The anomaly models as Prometheus text, one series for each model.

use std::fmt::Write as _;

use gridwatch_protocol::ModelStatus;

/// Name, sort, help, and the number of a model; `None` where it has none.
type Metric = (&'static str, &'static str, fn(&ModelStatus) -> Option<f64>);

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
const METRICS: [Metric; 14] = [
    ("build", "build that runs, 0 while there is none", |m| {
        Some(m.build.unwrap_or(0) as f64)
    }),
    ("enabled", "1 when the model may raise alerts", |m| {
        Some(f64::from(u8::from(m.enabled)))
    }),
    (
        "subjects",
        "rooms, or doors and cameras, that are watched",
        |m| Some(m.subjects as f64),
    ),
    ("learning", "of them still learning what is usual", |m| {
        Some(m.learning as f64)
    }),
    ("open", "open alerts of the model", |m| Some(m.open as f64)),
    ("drift_rows", "rows that the drift numbers come from", |m| {
        Some(m.drift.rows)
    }),
    (
        "drift_psi",
        "median population stability index of the features; above 0.25 is drift",
        |m| Some(m.drift.psi),
    ),
    (
        "drift_clip_share",
        "share of values at the end of their range",
        |m| Some(m.drift.clip_share),
    ),
    (
        "drift_missing_share",
        "share of measurements that are absent",
        |m| Some(m.drift.missing_share),
    ),
    (
        "drift_alerts_over_budget",
        "alerts beyond the accepted number",
        |m| Some(m.drift.alerts_over_budget),
    ),
    (
        "drift_missed_share",
        "share of the rules' alarms that the model saw nothing of",
        |m| Some(m.drift.missed_share),
    ),
    (
        "drift_breached",
        "1 while the statistics go on alone because of drift",
        |m| Some(f64::from(u8::from(m.drift.breached))),
    ),
    (
        "shadow_higher",
        "rows on which the candidate's level was higher",
        |m| m.shadow.as_ref().map(|shadow| shadow.higher as f64),
    ),
    (
        "shadow_lower",
        "rows on which the candidate's level was lower",
        |m| m.shadow.as_ref().map(|shadow| shadow.lower as f64),
    ),
];

/// All numbers of all models.
pub(super) fn metrics(models: &[ModelStatus]) -> String {
    let mut text = String::new();
    for (name, help, number) in METRICS {
        let mut of_models = models
            .iter()
            .filter_map(|model| Some((&model.id, number(model)?)))
            .peekable();
        if of_models.peek().is_none() {
            continue;
        }
        let name = format!("gridwatch_edge_model_{name}");
        writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge").expect("writing to a string");
        for (id, number) in of_models {
            writeln!(text, "{name}{{model=\"{id}\"}} {number}").expect("writing to a string");
        }
    }
    text
}
