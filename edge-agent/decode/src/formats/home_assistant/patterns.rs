//! Home Assistant's regular expressions. The engine takes time linear in the text, so a stranger's
//! pattern is harmless; patterns with look-around or back-references are not supported and say so.

use minijinja::{Environment, Error, Value};
use regex::{Regex, RegexBuilder};

use super::functions::{bounded, fault, text};

/// Memory of a compiled pattern.
const PATTERN_BYTES_MAX: usize = 64 * 1024;
/// Matches given at most.
const MATCHES_MAX: usize = 256;

pub(super) fn install(engine: &mut Environment<'static>) {
    let matches = |value: Value, pattern: String, ignore_case: Option<bool>| {
        found(&value, &format!("^(?:{pattern})"), ignore_case)
    };
    let search = |value: Value, pattern: String, ignore_case: Option<bool>| {
        found(&value, &pattern, ignore_case)
    };
    engine.add_filter("regex_match", matches);
    engine.add_test("match", matches);
    engine.add_filter("regex_search", search);
    engine.add_test("search", search);
    engine.add_filter("regex_replace", replace);
    engine.add_filter(
        "regex_findall",
        |value: Value, pattern: String, i: Option<bool>| all(&value, &pattern, i),
    );
    engine.add_filter(
        "regex_findall_index",
        |value: Value, pattern: String, index: Option<usize>, i: Option<bool>| {
            all(&value, &pattern, i)?
                .into_iter()
                .nth(index.unwrap_or(0))
                .ok_or_else(|| super::functions::missing("the pattern is not found".to_owned()))
        },
    );
}

fn compiled(pattern: &str, ignore_case: Option<bool>) -> Result<Regex, Error> {
    RegexBuilder::new(pattern)
        .case_insensitive(ignore_case.unwrap_or(false))
        .size_limit(PATTERN_BYTES_MAX)
        .dfa_size_limit(PATTERN_BYTES_MAX)
        .build()
        .map_err(|error| fault(format!("the pattern cannot be used: {error}")))
}

fn found(value: &Value, pattern: &str, ignore_case: Option<bool>) -> Result<bool, Error> {
    Ok(compiled(pattern, ignore_case)?.is_match(&text(value)))
}

fn replace(
    value: Value,
    find: Option<String>,
    with: Option<String>,
    ignore_case: Option<bool>,
) -> Result<String, Error> {
    let pattern = compiled(&find.unwrap_or_default(), ignore_case)?;
    let text = text(&value);
    let with = python_groups(&with.unwrap_or_default());
    let count = pattern.find_iter(&text).count();
    let longest = with
        .len()
        .saturating_add(text.len().saturating_mul(with.matches("${").count()));
    bounded(count.saturating_mul(longest).saturating_add(text.len()))?;
    Ok(pattern.replace_all(&text, with.as_str()).into_owned())
}

/// `\1` of Python as `${1}`; a literal `$` stays one.
fn python_groups(with: &str) -> String {
    let mut out = String::with_capacity(with.len());
    let mut chars = with.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek().copied()) {
            ('\\', Some(digit)) if digit.is_ascii_digit() => {
                out.push_str("${");
                out.push(digit);
                out.push('}');
                chars.next();
            }
            ('$', _) => out.push_str("$$"),
            _ => out.push(c),
        }
    }
    out
}

/// All matches; of a pattern with a group, what the group matched, as in Python.
fn all(value: &Value, pattern: &str, ignore_case: Option<bool>) -> Result<Vec<String>, Error> {
    let text = text(value);
    let group = |found: &regex::Captures<'_>| {
        found
            .get(1)
            .or_else(|| found.get(0))
            .map(|m| m.as_str().to_owned())
    };
    Ok(compiled(pattern, ignore_case)?
        .captures_iter(&text)
        .take(MATCHES_MAX)
        .filter_map(|found| group(&found))
        .collect())
}
