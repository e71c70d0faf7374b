//! Which requests a client asks for. Pure.

use gridwatch_protocol::Timestamp;

use super::Refusal;
use super::form::Pairs;
use crate::outside::matter::cut;

/// A window spans at most so much, in milliseconds: 90 days, as the specification has it.
const WINDOW_MS: i64 = 90 * 86_400_000;
/// Requests asked for by their ids at once.
const IDS_MAX: usize = 100;

/// Which requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// These; overrides everything else.
    Ids(Vec<String>),
    /// Those that were made in this window.
    Window {
        /// Not before.
        from: Timestamp,
        /// Not after.
        to: Timestamp,
        /// Only these services; all when empty.
        services: Vec<String>,
        /// Only open ones, or only closed ones.
        open: Option<bool>,
    },
}

/// Reads the arguments of a list.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn read(pairs: &Pairs, now: Timestamp) -> Result<Filter, Refusal> {
    let mut refusal = Refusal::default();
    if let Some(ids) = pairs.get("service_request_id") {
        let ids = list(ids);
        if ids.len() > IDS_MAX {
            return Err(Refusal::new(
                400,
                format!("at most {IDS_MAX} service_request_id can be asked for at once"),
            ));
        }
        return Ok(Filter::Ids(ids));
    }
    let from = time("start_date", pairs, &mut refusal);
    let to = time("end_date", pairs, &mut refusal);
    let (from, to) = match (from, to) {
        (Some(from), Some(to)) => (from, to),
        (Some(from), None) => (from, from.plus_ms(WINDOW_MS)),
        (None, to) => {
            let to = to.unwrap_or(now);
            (to.plus_ms(-WINDOW_MS), to)
        }
    };
    if to < from {
        refusal.push(400, "start_date is after end_date");
    }
    if to.ms_since(from) > WINDOW_MS {
        refusal.push(
            400,
            "start_date and end_date may not span more than 90 days",
        );
    }
    let open = open(pairs.get("status"), &mut refusal);
    let services = pairs.get("service_code").map(list).unwrap_or_default();
    if services.len() > IDS_MAX {
        refusal.push(
            400,
            format!("at most {IDS_MAX} service_code can be asked for at once"),
        );
    }
    if !refusal.is_empty() {
        return Err(refusal);
    }
    Ok(Filter::Window {
        from,
        to,
        services,
        open,
    })
}

fn list(text: &str) -> Vec<String> {
    let parts = text.split(',').map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

fn time(name: &str, pairs: &Pairs, refusal: &mut Refusal) -> Option<Timestamp> {
    let text = pairs.get(name)?;
    let at = text.parse().ok();
    if at.is_none() {
        let text = cut(text);
        refusal.push(
            400,
            format!("{name} {text} is not a time such as 2026-01-01T00:00:00Z"),
        );
    }
    at
}

/// None for both.
fn open(status: Option<&str>, refusal: &mut Refusal) -> Option<bool> {
    let words = list(status.unwrap_or_default());
    if let Some(word) = words
        .iter()
        .find(|word| !["open", "closed"].contains(&word.as_str()))
    {
        refusal.push(400, format!("status is open or closed, not {}", cut(word)));
    }
    let has = |wanted: &str| words.iter().any(|word| word == wanted);
    match (has("open"), has("closed")) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(query: &str) -> Result<Filter, Refusal> {
        let now = "2026-11-22T03:00:00Z".parse().unwrap();
        read(&Pairs::read(query.as_bytes()), now)
    }

    #[test]
    fn window_is_the_last_ninety_days_when_nothing_is_said() {
        let Filter::Window { from, to, .. } = filter("").unwrap() else {
            panic!("a window was asked for");
        };
        assert_eq!(to.ms_since(from), WINDOW_MS);
        let Filter::Window {
            from,
            open,
            services,
            ..
        } = filter("start_date=2026-01-01T00:00:00%2B08:00&status=closed&service_code=a,b")
            .unwrap()
        else {
            panic!("a window was asked for");
        };
        assert_eq!(from.to_string(), "2025-12-31T16:00:00.000Z");
        assert_eq!((open, services.len()), (Some(false), 2));
    }

    #[test]
    fn ids_override_everything_and_mistakes_are_told_at_once() {
        let ids = filter("service_request_id=a,%20b&status=nonsense").unwrap();
        assert_eq!(ids, Filter::Ids(vec!["a".into(), "b".into()]));
        let told = filter("start_date=yesterday&status=late").unwrap_err();
        assert_eq!(told.reasons().len(), 2);
        let span = "start_date=2026-01-01T00:00:00Z&end_date=2026-06-01T00:00:00Z";
        assert!(filter(span).unwrap_err().reasons()[0].1.contains("90 days"));
        let back = "start_date=2026-02-01T00:00:00Z&end_date=2026-01-01T00:00:00Z";
        assert!(filter(back).is_err());
        assert!(filter(&format!("service_request_id={}", "x,".repeat(101))).is_err());
    }
}
