//! Cases as a table for a terminal.

use e2e::officer::CaseSummary;

/// Prints one line per case, the most urgent first.
pub(crate) fn print(cases: &[CaseSummary]) {
    let mut cases: Vec<&CaseSummary> = cases.iter().collect();
    cases.sort_by_key(|case| (case.severity, case.id));
    let header = [
        "number", "sev", "category", "title", "", "alerts", "devices",
    ]
    .map(str::to_owned);
    let mut rows = vec![header];
    for case in cases {
        rows.push([
            case.number.clone(),
            case.severity.to_string(),
            case.category.clone(),
            case.title.zh.clone(),
            case.title.en.clone(),
            case.alert_count.to_string(),
            case.devices.join(", "),
        ]);
    }
    let widths: Vec<usize> = (0..7)
        .map(|column| {
            rows.iter()
                .map(|row| width(&row[column]))
                .max()
                .unwrap_or(0)
        })
        .collect();
    for row in rows {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, wide)| format!("{cell}{}", " ".repeat(wide.saturating_sub(width(cell)))));
        println!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

/// Columns that a text takes in a terminal: Chinese characters take two.
fn width(text: &str) -> usize {
    text.chars()
        .map(|c| {
            if ('\u{1100}'..='\u{ffef}').contains(&c) {
                2
            } else {
                1
            }
        })
        .sum()
}
