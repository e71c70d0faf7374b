//! Figures as CSV (RFC 4180): UTF-8 with a byte order mark, so that spreadsheets show Chinese names, and
//! without cells that a spreadsheet would run as a formula.

/// What marks the text as UTF-8 for spreadsheets.
pub const BOM: &str = "\u{feff}";

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// A text; made harmless when it is written.
    Text(String),
    /// An integer.
    Integer(i64),
    /// A real number.
    Real(f64),
    /// Nothing.
    Empty,
}

impl From<Option<i64>> for Cell {
    fn from(value: Option<i64>) -> Self {
        value.map_or(Cell::Empty, Cell::Integer)
    }
}

impl From<Option<f64>> for Cell {
    fn from(value: Option<f64>) -> Self {
        value.map_or(Cell::Empty, Cell::Real)
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Cell::Text(value.to_owned())
    }
}

/// A text that a spreadsheet takes for a text: one that begins like a formula gets a `'` in front, which
/// spreadsheets do not show. One that looks as if it had got one gets one more, so that what was written can
/// be read back.
#[must_use]
pub fn harmless(text: &str) -> String {
    let bare = text.trim_start_matches('\'');
    if bare.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// The rows under their names, as bytes of a file.
#[must_use]
pub fn csv(names: &[String], rows: &[Vec<Cell>]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(BOM.as_bytes().to_vec());
    let mut write = |cells: &[String]| {
        writer
            .write_record(cells)
            .expect("rows have as many cells as names, and memory takes everything");
    };
    write(names);
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .map(|cell| match cell {
                Cell::Text(text) => harmless(text),
                Cell::Integer(number) => number.to_string(),
                Cell::Real(number) => number.to_string(),
                Cell::Empty => String::new(),
            })
            .collect();
        write(&cells);
    }
    writer
        .into_inner()
        .expect("memory takes everything that is flushed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Vec<Vec<String>> {
        let text = std::str::from_utf8(bytes).expect("UTF-8");
        let text = text.strip_prefix(BOM).expect("a byte order mark");
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(text.as_bytes());
        let rows = reader.records().map(|row| row.expect("a row"));
        rows.map(|row| row.iter().map(str::to_owned).collect())
            .collect()
    }

    #[test]
    fn formulas_become_texts_and_numbers_stay_numbers() {
        let row = vec![
            Cell::from("=HYPERLINK(\"http://x\",\"y\")"),
            Cell::Integer(-5),
            Cell::Real(0.25),
            Cell::Empty,
        ];
        let names: Vec<String> = ["name", "score", "rate", "none"]
            .map(str::to_owned)
            .to_vec();
        let rows = read(&csv(&names, &[row]));
        assert_eq!(rows[0], names);
        assert_eq!(
            rows[1],
            ["'=HYPERLINK(\"http://x\",\"y\")", "-5", "0.25", ""]
        );
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(texts in proptest::collection::vec(any::<String>(), 1..6)) {
            let names: Vec<String> = (0..texts.len()).map(|n| n.to_string()).collect();
            let cells: Vec<Cell> = texts.iter().map(|text| Cell::Text(text.clone())).collect();
            let rows = read(&csv(&names, &[cells]));
            for (text, cell) in texts.iter().zip(&rows[1]) {
                prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']));
                prop_assert_eq!(cell.strip_prefix('\'').filter(|rest| harmless(rest) == *cell).unwrap_or(cell), text.as_str());
            }
        }
    }
}
