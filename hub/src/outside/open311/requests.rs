//! Reading reports for the public: only those that came in through this door, each with the case that has
//! it now. Exercises are no matter of the public's.

use sqlx::Row;

use super::answers::Request;
use super::filter::Filter;
use crate::outside::rows::report_row;
use crate::store::database::QueryBuilder;
use crate::store::{Store, StoreResult, from_json, sql};

/// Requests in one answer, the newest: the limit of the specification.
pub const REQUESTS_MAX: i64 = 1_000;

impl Store {
    /// The public's requests that fit, the newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn open311_requests(&self, filter: &Filter) -> StoreResult<Vec<Request>> {
        let mut query = QueryBuilder::new(
            "SELECT r.id, r.case_id, r.current_case, r.opened, r.source, r.teller, r.at, r.category, r.lat, r.lon, r.rating, r.request_hash, r.body, c.body FROM case_reports r JOIN cases c ON c.id = r.current_case WHERE r.source = 'open311' AND c.is_drill = 0",
        );
        match filter {
            Filter::Ids(ids) => {
                query.push(" AND r.id IN (");
                query.push_list(ids.iter().map(String::as_str));
            }
            Filter::Window {
                from,
                to,
                services,
                open,
            } => {
                query.push(" AND r.at >= ").push_bind(from.unix_ms());
                query.push(" AND r.at <= ").push_bind(to.unix_ms());
                if !services.is_empty() {
                    query.push(" AND r.category IN (");
                    query.push_list(services.iter().map(String::as_str));
                }
                if let Some(open) = open {
                    query.push(" AND c.is_open = ").push_bind(*open);
                }
            }
        }
        query
            .push(" ORDER BY r.at DESC, r.id LIMIT ")
            .push_bind(REQUESTS_MAX);
        let rows = query
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("reading the public's requests"))?;
        rows.iter()
            .map(|row| {
                Ok(Request {
                    report: report_row(row)?,
                    case: from_json("case", row.get(13))?,
                })
            })
            .collect()
    }
}
