//! Tables as CSV, as spreadsheets write and read it.
//!
//! UTF-8 with or without a byte order mark is taken; what looks like GBK or UTF-16 is recognised and told.
//! Written with a byte order mark, without which spreadsheets in Chinese take UTF-8 for GBK. A text that a
//! spreadsheet would run as a formula is written with an apostrophe before it, which reading takes away
//! again.

use csv::{ByteRecord, ReaderBuilder, StringRecord, Trim, WriterBuilder};
use serde_json::{Map, Number, Value};

use super::contents::{Column, ColumnKind, Entry, Flat};
use super::finding::{Finding, Table};
use super::read::{self, ROWS_MAX, Settle};

const BOM: &[u8] = b"\xef\xbb\xbf";
/// Texts that begin with one of these are run as formulas by spreadsheets; the apostrophe itself is
/// among them so that one that was there survives.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\''];
const AS_UTF8: &str = "save the file as \"CSV UTF-8\"";

/// Reads a table; a row that cannot be read is left out and told.
pub fn read<T: Flat + Settle>(bytes: &[u8], findings: &mut Vec<Finding>) -> Vec<Entry<T>> {
    let table = T::TABLE;
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        findings.push(Finding::error(table, "the file is UTF-16", AS_UTF8));
        return Vec::new();
    }
    let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
    if let Err(why) = std::str::from_utf8(bytes) {
        findings.push(not_utf8(table, bytes, why.valid_up_to()));
        return Vec::new();
    }
    let mut reader = ReaderBuilder::new()
        .trim(Trim::All)
        .flexible(true)
        .from_reader(bytes);
    let Ok(header) = reader.headers().cloned() else {
        findings.push(Finding::error(
            table,
            "the first line cannot be read",
            AS_UTF8,
        ));
        return Vec::new();
    };
    let Some(columns) = header_columns::<T>(&header, findings) else {
        return Vec::new();
    };
    let mut rows = Vec::new();
    let mut record = StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => return rows,
            Ok(true) if rows.len() >= ROWS_MAX => {
                read::too_many(table, ROWS_MAX + 1, findings);
                return rows;
            }
            Ok(true) => {
                let at = line(&record);
                let cells = cells(&columns, T::COLUMNS, &record, header.len());
                let row = cells.and_then(read::row::<T>);
                rows.extend(read::keep(row, at, findings));
            }
            Err(why) => {
                let remedy = "check the quotation marks of this line";
                findings.push(Finding::error(table, why.to_string(), remedy));
                return rows;
            }
        }
    }
}

fn line(record: &StringRecord) -> u32 {
    let line = record.position().map_or(0, csv::Position::line);
    u32::try_from(line).unwrap_or(u32::MAX)
}

fn not_utf8(table: Table, bytes: &[u8], at: usize) -> Finding {
    let row = bytes.iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
    let message = if looks_like_gbk(bytes) {
        "the file is not UTF-8; it looks like GBK, as spreadsheets in Chinese write CSV"
    } else {
        "the file is not UTF-8"
    };
    Finding::error(table, message, AS_UTF8).at(u32::try_from(row).ok(), "")
}

/// Whether every byte over 127 is half of a pair as GBK has them: 0x81 to 0xFE, then 0x40 to 0xFE
/// without 0x7F.
fn looks_like_gbk(bytes: &[u8]) -> bool {
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        let fits = match byte {
            0..=0x7f => true,
            0x81..=0xfe => matches!(rest.next(), Some(0x40..=0x7e | 0x80..=0xfe)),
            _ => false,
        };
        if !fits {
            return false;
        }
    }
    true
}

/// Which column of the table stands in which of the file.
fn header_columns<T: Flat>(
    header: &StringRecord,
    findings: &mut Vec<Finding>,
) -> Option<Vec<Column>> {
    let names: Vec<&str> = T::COLUMNS.iter().map(|column| column.name).collect();
    let known = names.join(",");
    let mut wrong = Vec::new();
    let mut columns: Vec<Column> = Vec::new();
    for name in header {
        match T::COLUMNS.iter().find(|column| column.name == name) {
            Some(column) if columns.contains(column) => {
                wrong.push(format!("the column `{name}` stands twice"));
            }
            Some(column) => columns.push(*column),
            None => wrong.push(format!("`{name}` is not a column")),
        }
    }
    let must = |column: &&Column| {
        matches!(
            column.kind,
            ColumnKind::Text | ColumnKind::Degrees | ColumnKind::Count
        )
    };
    for column in T::COLUMNS.iter().filter(must) {
        if !columns.contains(column) {
            wrong.push(format!("the column `{}` is missing", column.name));
        }
    }
    let is_right = wrong.is_empty();
    let remedy = format!("the first line is: {known}");
    let tell = |message| Finding::error(T::TABLE, message, remedy.clone()).at(Some(1), "");
    findings.extend(wrong.into_iter().map(tell));
    is_right.then_some(columns)
}

/// A line as a JSON object.
fn cells(
    columns: &[Column],
    all: &[Column],
    record: &StringRecord,
    width: usize,
) -> Result<Value, String> {
    if record.len() != width {
        return Err(format!(
            "the line has {} cells where the first has {width}",
            record.len()
        ));
    }
    let mut object = Map::new();
    for (column, cell) in columns.iter().zip(record) {
        let value = match column.kind {
            ColumnKind::Optional | ColumnKind::English if cell.is_empty() => continue,
            ColumnKind::Degrees => degrees(column.name, cell)?,
            ColumnKind::Count => {
                let number: Result<u32, _> = cell.parse();
                let why = |_| format!("`{}` is `{cell}`, which is not a whole number", column.name);
                Value::from(number.map_err(why)?)
            }
            _ => Value::from(text(column.name, cell)?),
        };
        put(&mut object, column.name, value);
    }
    for column in all.iter().filter(|c| c.kind == ColumnKind::English) {
        let Some((member, _)) = column.name.rsplit_once('_') else {
            continue;
        };
        // A name that has no English form is shown as it is.
        if let Some(Value::Object(both)) = object.get_mut(member)
            && !both.contains_key("en")
            && let Some(zh) = both.get("zh").cloned()
        {
            both.insert("en".to_owned(), zh);
        }
    }
    Ok(Value::Object(object))
}

fn put(object: &mut Map<String, Value>, name: &str, value: Value) {
    match name.rsplit_once('_') {
        Some((member, language @ ("zh" | "en"))) => {
            let inner = object
                .entry(member)
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                inner.insert(language.to_owned(), value);
            }
        }
        _ => {
            object.insert(name.to_owned(), value);
        }
    }
}

fn degrees(name: &str, cell: &str) -> Result<Value, String> {
    let number = cell.parse().ok().and_then(Number::from_f64);
    let why = || format!("`{name}` is `{cell}`, which is not a number of degrees such as 23.0208");
    number.map(Value::Number).ok_or_else(why)
}

fn text(name: &str, cell: &str) -> Result<String, String> {
    if is_rounded(cell) {
        return Err(format!(
            "`{name}` is `{cell}`: a spreadsheet has rounded a long code; format the column as text and enter the code again"
        ));
    }
    let mut characters = cell.chars();
    let quoted = characters.next() == Some('\'') && characters.next().is_some_and(is_formula);
    Ok(if quoted { &cell[1..] } else { cell }.to_owned())
}

fn is_formula(first: char) -> bool {
    FORMULA.contains(&first)
}

/// Whether it looks like `9.90101E+14`, which is what spreadsheets make of a code of 15 digits.
fn is_rounded(cell: &str) -> bool {
    let Some((digits, power)) = cell.split_once("E+") else {
        return false;
    };
    let number =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    digits.contains('.') && number(digits) && number(power)
}

/// Writes a table.
#[must_use]
pub fn write<'a, T: Flat>(rows: impl Iterator<Item = &'a T>) -> Vec<u8> {
    let mut writer = WriterBuilder::new().from_writer(BOM.to_vec());
    let mut record = ByteRecord::new();
    for column in T::COLUMNS {
        record.push_field(column.name.as_bytes());
    }
    let why = "a vector takes everything and every record has the same columns";
    writer.write_byte_record(&record).expect(why);
    for row in rows {
        let value = serde_json::to_value(row).expect("rows have texts and finite numbers");
        record.clear();
        for column in T::COLUMNS {
            record.push_field(cell(&value, column).as_bytes());
        }
        writer.write_byte_record(&record).expect(why);
    }
    writer.into_inner().expect(why)
}

fn cell(row: &Value, column: &Column) -> String {
    let found = match column.name.rsplit_once('_') {
        Some((member, language @ ("zh" | "en"))) => &row[member][language],
        _ => &row[column.name],
    };
    match found {
        Value::String(text) if text.starts_with(is_formula) => format!("'{text}"),
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        number => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::rows::{Area, Contact, Site};

    fn told<T: Flat + Settle>(text: &[u8]) -> String {
        let mut findings = Vec::new();
        read::<T>(text, &mut findings);
        let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
        told.join("\n")
    }

    #[test]
    fn byte_order_mark_is_taken_and_english_may_be_left_out() {
        let text = "\u{feff}code,parent,level,name_zh\n990100,,city,滨海市\n";
        let mut findings = Vec::new();
        let rows = read::<Area>(text.as_bytes(), &mut findings);
        assert_eq!(findings, []);
        assert_eq!(rows[0].at, Some(2));
        assert_eq!(rows[0].row.name.en, "滨海市");
        assert_eq!(rows[0].row.parent, None);
    }

    #[test]
    fn other_encodings_are_recognised() {
        // 滨海市 in GBK.
        let gbk = b"code,parent,level,name_zh\n990100,,city,\xb1\xf5\xba\xa3\xca\xd0\n";
        let found = told::<Area>(gbk);
        assert!(
            found.contains("row 2") && found.contains("looks like GBK"),
            "{found}"
        );
        assert!(found.contains("CSV UTF-8"), "{found}");
        assert!(told::<Area>(b"\xff\xfec\0o\0").contains("UTF-16"));
        let neither = told::<Area>(b"code\xff");
        assert!(
            neither.contains("not UTF-8") && !neither.contains("GBK"),
            "{neither}"
        );
    }

    #[test]
    fn every_bad_line_is_told_with_its_number() {
        let text = "id,name_zh,grid,address_zh,lat,lon\na,名,g,址,x,113\nb,名,g,址,23\nc d,名,g,址,23,113\nd,名,9.90101E+14,址,23,113\n";
        let found = told::<Site>(text.as_bytes());
        for expected in [
            "row 2: `lat` is `x`",
            "row 3: the line has 5 cells where the first has 6",
            "row 4",
            "row 5: `grid` is `9.90101E+14`: a spreadsheet has rounded",
        ] {
            assert!(found.contains(expected), "{expected} is not in:\n{found}");
        }
    }

    #[test]
    fn wrong_columns_say_what_the_first_line_is() {
        let found = told::<Area>("code;level\n".as_bytes());
        for expected in [
            "`code;level` is not a column",
            "`code` is missing",
            "code,parent,level",
        ] {
            assert!(found.contains(expected), "{expected} is not in:\n{found}");
        }
    }

    #[test]
    fn formulas_are_defused_and_come_back_as_they_were() {
        let row = Contact {
            place_kind: crate::directory::rows::PlaceKind::Site,
            place: "a".into(),
            order: 1,
            name: "=1+1".into(),
            duty: "'quoted".into(),
            phone: "+86 20 1234".into(),
        };
        let text = write([&row].into_iter());
        let shown = String::from_utf8(text.clone()).unwrap();
        assert!(shown.contains("'=1+1") && shown.contains("'+86"), "{shown}");
        let mut findings = Vec::new();
        let rows = super::read::<Contact>(&text, &mut findings);
        assert_eq!((findings, rows[0].row.clone()), (vec![], row));
    }
}
