//! Open311 GeoReport v2: the door for the city's hotline and for apps of the public.
//!
//! Source: the public specification of GeoReport v2 and of its service discovery: addresses, fields, the
//! form of errors, the window of 90 days and the limit of 1,000 requests. The public sees its own
//! reports and nothing else of the hub; of these, nothing that anybody wrote (see [`answers`]).

pub mod answers;
pub mod filter;
pub mod form;
pub mod format;
pub mod requests;
pub mod routes;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use format::{Document, Field, Format};

/// Attributes that every service takes: where in the site it is. Code, Chinese and English words.
pub const ATTRIBUTES: [(&str, &str, &str); 4] = [
    ("building", "楼栋", "Building"),
    ("unit", "单元", "Unit or entrance"),
    ("floor", "楼层", "Floor"),
    ("room", "房间或具体位置", "Room or spot"),
];

/// What is wrong with a request, in the words and the form of the specification.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal(Vec<(u16, String)>);

impl Refusal {
    /// One reason.
    #[must_use]
    pub fn new(code: u16, description: impl Into<String>) -> Self {
        Self(vec![(code, description.into())])
    }

    /// One more reason.
    pub fn push(&mut self, code: u16, description: impl Into<String>) {
        self.0.push((code, description.into()));
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The reasons: status and words.
    #[must_use]
    pub fn reasons(&self) -> &[(u16, String)] {
        &self.0
    }

    /// The status of the whole answer: the same as all reasons, or 400 for several kinds.
    fn status(&self) -> StatusCode {
        let first = self.0.first().map_or(400, |(code, _)| *code);
        let same = self.0.iter().all(|(code, _)| *code == first);
        let code = if same { first } else { 400 };
        StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST)
    }

    /// As an answer.
    #[must_use]
    pub fn answer(&self, format: Format) -> Response {
        let record = |(code, description): &(u16, String)| {
            vec![
                ("code", Field::Whole(i64::from(*code))),
                ("description", Field::Text(description.clone())),
            ]
        };
        let document = Document::List {
            root: "errors",
            item: "error",
            records: self.0.iter().map(record).collect(),
        };
        (self.status(), document.answer(format)).into_response()
    }
}
