//! What a route is, by its method and path alone: who calls it, which budget of requests it draws on, and
//! whether its answers carry a tag. The description, the limits and the tests go by the same functions.

/// Who calls a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A signed-in officer.
    Officer,
    /// A gateway with its key.
    Gateway,
    /// Anybody.
    Anybody,
}

/// A budget of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Budget {
    /// Reading.
    Reads,
    /// Changing.
    Writes,
    /// Answers that are large or costly to make.
    Exports,
    /// Trying a password.
    SignIns,
    /// What gateways send.
    Gateways,
    /// Everything from one address, gateways excepted.
    Address,
}

impl Budget {
    /// As it stands in headers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Writes => "writes",
            Self::Exports => "exports",
            Self::SignIns => "sign-ins",
            Self::Gateways => "gateways",
            Self::Address => "address",
        }
    }
}

/// Who calls this route; `method` in any case. The path may hold values or names in braces.
#[must_use]
pub fn caller(path: &str, method: &str) -> Caller {
    let signs_in = path == "/api/v1/session" && method.eq_ignore_ascii_case("post");
    if path.starts_with("/v1/") {
        Caller::Gateway
    } else if path.starts_with("/api/") && path != "/api/v1/openapi.json" && !signs_in {
        Caller::Officer
    } else {
        Caller::Anybody
    }
}

/// The budget that a request draws on; none for the console's files and for probes.
#[must_use]
pub fn budget(path: &str, method: &str) -> Option<Budget> {
    let reads = ["get", "head", "options"]
        .iter()
        .any(|safe| method.eq_ignore_ascii_case(safe));
    if path.starts_with("/v1/") {
        Some(Budget::Gateways)
    } else if path == "/api/v1/session" && method.eq_ignore_ascii_case("post") {
        Some(Budget::SignIns)
    } else if !reads {
        Some(Budget::Writes)
    } else if !path.starts_with("/api/") {
        None
    } else if is_export(path) {
        Some(Budget::Exports)
    } else {
        Some(Budget::Reads)
    }
}

fn is_export(path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    let (_, extension) = last.rsplit_once('.').unwrap_or_default();
    last == "export"
        || matches!(
            extension,
            "csv" | "geojson" | "pdf" | "xlsx" | "xml" | "zip"
        )
        || path.starts_with("/api/v1/reports")
}

/// Whether successful JSON answers of this route carry an `ETag`: all that officers read, streams and
/// files excepted.
#[must_use]
pub fn has_tag(path: &str) -> bool {
    caller(path, "get") == Caller::Officer
        && path != "/api/v1/events"
        && !path.ends_with(".pmtiles")
        && !is_export(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_told_apart_by_method_and_path() {
        assert_eq!(caller("/v1/batches", "post"), Caller::Gateway);
        assert_eq!(caller("/api/v1/session", "POST"), Caller::Anybody);
        assert_eq!(caller("/api/v1/session", "get"), Caller::Officer);
        assert_eq!(caller("/healthz", "get"), Caller::Anybody);
        assert_eq!(budget("/api/v1/cases", "GET"), Some(Budget::Reads));
        assert_eq!(budget("/api/v1/areas.csv", "GET"), Some(Budget::Exports));
        assert_eq!(budget("/api/v1/areas/export", "GET"), Some(Budget::Exports));
        assert_eq!(budget("/api/v1/areas.csv", "PUT"), Some(Budget::Writes));
        assert_eq!(budget("/assets/x.js", "GET"), None);
        assert_eq!(budget("/healthz", "GET"), None);
        assert!(has_tag("/api/v1/cases/7") && !has_tag("/api/v1/events"));
    }
}
