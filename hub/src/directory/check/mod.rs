//! Whether a whole directory holds together: every row against every other, all problems at once.
//!
//! Pure. What is refused here never reaches the store; what is only odd is a warning.

mod duties;
mod outlines;
mod places;
mod risks;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use gridwatch_protocol::Text;

use super::contents::{Contents, Entry, Row};
use super::finding::{Finding, Table};
use super::rows::Area;
use crate::catalogue::Catalogue;

/// A name, an address or a duty has at most this many characters; more does not fit on a phone.
const TEXT_MAX: usize = 200;
/// Codes of areas; the cases' paths are made of five of them.
const AREA_CODE_MAX: usize = 32;
/// Other codes.
const CODE_MAX: usize = 64;

/// What rows are looked up by while checking.
struct Index<'a> {
    areas: BTreeMap<&'a str, &'a Area>,
    units: BTreeSet<&'a str>,
}

/// Checks everything; categories are checked when the catalogue is given.
#[must_use]
pub fn check(contents: &Contents, catalogue: Option<&Catalogue>) -> Vec<Finding> {
    let index = Index {
        areas: (contents.areas.iter())
            .map(|entry| (entry.row.code.as_str(), &entry.row))
            .collect(),
        units: (contents.units.iter())
            .map(|entry| entry.row.code.as_str())
            .collect(),
    };
    let mut findings = Vec::new();
    twice(&contents.areas, &mut findings);
    twice(&contents.outlines, &mut findings);
    twice(&contents.sites, &mut findings);
    twice(&contents.units, &mut findings);
    twice(&contents.duties, &mut findings);
    twice(&contents.hazards, &mut findings);
    twice(&contents.contacts, &mut findings);
    twice(&contents.risk_areas, &mut findings);
    tree::check(contents, &index, &mut findings);
    outlines::check(contents, &index, &mut findings);
    places::check(contents, &index, catalogue, &mut findings);
    duties::check(contents, &index, catalogue, &mut findings);
    risks::check(contents, &index, &mut findings);
    findings
}

/// Doubled keys.
fn twice<T: Row>(list: &[Entry<T>], findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<String, Option<u32>> = BTreeMap::new();
    for entry in list {
        let key = entry.row.key();
        if let Some(first) = seen.get(&key) {
            let before = match first {
                Some(row) => format!("`{key}` stands twice, first in row {row}"),
                None => format!(
                    "`{key}` stands twice; it is in the directory already, where it may be out of your area"
                ),
            };
            findings.push(Finding::error(T::TABLE, before, "keep one of them").at(entry.at, key));
        } else {
            seen.insert(key, entry.at);
        }
    }
}

/// What is wrong with a code of letters, digits and `-`.
fn check_code(code: &str, max: usize) -> Option<(String, String)> {
    let ok = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let wrong = code.is_empty() || code.len() > max || !code.chars().all(ok);
    wrong.then(|| {
        (
            format!("code `{code}` is not 1 to {max} letters, digits and `-`"),
            "codes cannot be changed later; choose one that lasts".to_owned(),
        )
    })
}

/// What is wrong with a text that people read.
fn check_text(what: &str, text: &str, may_be_empty: bool) -> Option<(String, String)> {
    let message = if text.trim().is_empty() && !may_be_empty {
        format!("{what} is empty")
    } else if text.chars().count() > TEXT_MAX {
        format!("{what} has more than {TEXT_MAX} characters")
    } else if text.chars().any(char::is_control) || text.trim() != text {
        format!("{what} has control characters, line breaks or blanks around it")
    } else {
        return None;
    };
    Some((message, format!("write {what} as one line")))
}

fn check_name(what: &str, name: &Text) -> Option<(String, String)> {
    check_text(&format!("the Chinese {what}"), &name.zh, false)
        .or_else(|| check_text(&format!("the English {what}"), &name.en, false))
}

/// What is wrong with a telephone number.
pub(crate) fn check_phone(phone: &str) -> Option<(String, String)> {
    let ok = |c: char| c.is_ascii_digit() || "+-() #*,".contains(c);
    let digits = phone.chars().filter(char::is_ascii_digit).count();
    let wrong = !phone.chars().all(ok) || !(3..=20).contains(&digits) || phone.len() > 32;
    wrong.then(|| {
        (
            format!("`{phone}` is not a telephone number"),
            "write 3 to 20 digits, with + - ( ) # * , and blanks between them".to_owned(),
        )
    })
}

fn tell<T: Row>(entry: &Entry<T>, problem: Option<(String, String)>, findings: &mut Vec<Finding>) {
    findings.extend(problem.map(|(message, remedy)| {
        Finding::error(T::TABLE, message, remedy).at(entry.at, entry.row.key())
    }));
}

fn unknown_area(what: &str, code: &str) -> (String, String) {
    (
        format!("{what} `{code}` is not in the area tree"),
        "add the area first, or correct the code".to_owned(),
    )
}

#[cfg(test)]
mod tests;
