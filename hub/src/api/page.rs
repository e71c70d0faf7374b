//! Lists in pages, and the values that filters take: the same limits and the same words everywhere.
//!
//! A handler asks the store for one row more than fits; whether it came tells whether there is a next page.
//! `after` is opaque to clients; a place that is gone in the meantime is still a place in the order.

use std::str::FromStr;

use gridwatch_protocol::Timestamp;

use super::problem::Problem;

/// Most rows on a page.
pub const MAX: i64 = 200;

/// Rows that a request asks for.
///
/// # Errors
/// A problem of type `invalid-request` when it is not between 1 and [`MAX`].
pub fn limit(asked: Option<i64>, usual: i64) -> Result<i64, Problem> {
    limit_up_to(MAX, asked, usual)
}

/// Rows that a request asks for, where rows are so large that fewer fit on a page.
///
/// # Errors
/// A problem of type `invalid-request` when it is not between 1 and `max`.
pub fn limit_up_to(max: i64, asked: Option<i64>, usual: i64) -> Result<i64, Problem> {
    let limit = asked.unwrap_or(usual);
    if (1..=max).contains(&limit) {
        return Ok(limit);
    }
    Err(Problem::invalid(format!(
        "`limit` is between 1 and {max}, not {limit}"
    )))
}

/// Cuts the row that does not fit; gives the `next` of the page, if there is one.
pub fn cut<T>(items: &mut Vec<T>, limit: i64, cursor: impl Fn(&T) -> String) -> Option<String> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if items.len() <= limit {
        return None;
    }
    items.truncate(limit);
    items.last().map(cursor)
}

/// A filter that is left out when it is empty.
pub fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// The value of a filter that knows these names; none when it is left out.
///
/// # Errors
/// A problem of type `invalid-request` that lists the names.
pub fn one_of<T: Copy>(
    filter: &str,
    text: Option<&str>,
    names: &[(&str, T)],
) -> Result<Option<T>, Problem> {
    let Some(text) = given(text) else {
        return Ok(None);
    };
    let found = names.iter().find(|(name, _)| *name == text);
    found.map(|(_, value)| Some(*value)).ok_or_else(|| {
        let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        Problem::invalid(format!("`{filter}` is one of {names}, not `{text}`"))
    })
}

/// A time of the query, RFC 3339.
///
/// # Errors
/// A problem of type `invalid-request` when it is none.
pub fn time(filter: &str, text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    given(text)
        .map(Timestamp::from_str)
        .transpose()
        .map_err(|error| Problem::invalid(format!("`{filter}` is no time: {error}")))
}

/// `since` and `until` of the query.
///
/// # Errors
/// A problem of type `invalid-request` when one is no time, or they are the wrong way round.
pub fn span(
    since: Option<&str>,
    until: Option<&str>,
) -> Result<(Option<Timestamp>, Option<Timestamp>), Problem> {
    let (since, until) = (time("since", since)?, time("until", until)?);
    if since.zip(until).is_some_and(|(since, until)| since > until) {
        return Err(Problem::invalid("`since` is not after `until`"));
    }
    Ok((since, until))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_that_is_full_has_a_next_one_only_when_there_is_more() {
        let mut items = vec![1, 2, 3];
        assert_eq!(
            cut(&mut items, 2, ToString::to_string),
            Some("2".to_owned())
        );
        assert_eq!(items, [1, 2]);
        assert_eq!(cut(&mut items, 2, ToString::to_string), None);
    }

    #[test]
    fn limits_names_and_times_that_do_not_fit_are_told() {
        assert_eq!(limit(None, 100).unwrap(), 100);
        assert!(limit(Some(0), 100).is_err() && limit(Some(201), 100).is_err());
        let names = [("open", 1), ("ended", 2)];
        assert_eq!(one_of("state", Some("ended"), &names).unwrap(), Some(2));
        assert_eq!(one_of("state", Some(""), &names).unwrap(), None);
        let told = one_of("state", Some("odd"), &names).unwrap_err().detail;
        assert_eq!(told, "`state` is one of open, ended, not `odd`");
        let (early, late) = ("2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z");
        assert!(span(Some(early), Some(late)).is_ok());
        assert!(span(Some(late), Some(early)).is_err());
        assert!(span(Some("yesterday"), None).is_err());
    }
}
