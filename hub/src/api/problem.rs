//! Errors as `application/problem+json` (RFC 9457), every one of them, in the caller's language.
//!
//! `type` is for programs and never changes with the language. A text has both languages where it is made
//! (`Text`), or English alone, whose Chinese stands in [`super::words`].

use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gridwatch_protocol::Text;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::language::Language;
use super::view::CaseView;
use super::words;
use crate::cases::actions::Refusal;
use crate::cases::conditions::Lack;
use crate::directory::finding::Finding;
use crate::engine::JobError;
use crate::store::StoreError;

/// The content type of every problem.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// What a problem says: English, and Chinese where it was made with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    en: String,
    zh: Option<String>,
}

impl From<&str> for Words {
    fn from(en: &str) -> Self {
        en.to_owned().into()
    }
}

impl From<String> for Words {
    fn from(en: String) -> Self {
        Self { en, zh: None }
    }
}

impl From<Text> for Words {
    fn from(text: Text) -> Self {
        Self {
            en: text.en,
            zh: Some(text.zh),
        }
    }
}

/// A problem, as sent.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Stable code of the problem, such as `wrong-credentials`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same in words.
    #[schema(value_type = String)]
    pub title: Box<str>,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this request, and what to do.
    pub detail: String,
    /// The case as it is now, for `version-conflict`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Box<CaseView>>,
    /// What the action still needs, for `incomplete`.
    #[serde(default, skip_serializing_if = "nothing")]
    #[schema(value_type = Vec<Lack>)]
    pub missing: Box<[Lack]>,
    /// What is wrong with a directory that was given, for `directory-refused` and `in-use`.
    #[serde(default, skip_serializing_if = "nothing_found")]
    #[schema(value_type = Vec<Finding>)]
    pub findings: Box<[Finding]>,
    /// Version of the directory now, for its `version-conflict`; also the ETag of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// Seconds to wait before coming again.
    #[serde(skip)]
    pub retry_after_s: Option<u64>,
    /// `detail` in both languages, where it was made with them.
    #[serde(skip)]
    pub both: Option<Box<Text>>,
}

fn nothing(missing: &[Lack]) -> bool {
    missing.is_empty()
}

fn nothing_found(findings: &[Finding]) -> bool {
    findings.is_empty()
}

impl Problem {
    /// A problem with this status, code and detail.
    #[must_use]
    pub fn new(status: StatusCode, kind: &str, detail: impl Into<Words>) -> Self {
        let Words { en, zh } = detail.into();
        Self {
            kind: kind.to_owned(),
            title: words::title(kind, Language::English).into(),
            status: status.as_u16(),
            both: zh.map(|zh| {
                let en = en.clone();
                Box::new(Text { zh, en })
            }),
            detail: en,
            current: None,
            missing: Box::default(),
            findings: Box::default(),
            version: None,
            retry_after_s: None,
        }
    }

    /// The problem in this language; what has no Chinese stays English.
    #[must_use]
    pub fn in_language(mut self, language: Language) -> Self {
        if language == Language::Chinese {
            self.title = words::title(&self.kind, language).into();
            let known = self.both.take().map(|both| both.zh);
            if let Some(detail) = known.or_else(|| words::chinese(&self.detail)) {
                self.detail = detail;
            }
        }
        self
    }

    /// Nothing here.
    #[must_use]
    pub fn not_found(detail: impl Into<Words>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// Not signed in, or no longer.
    #[must_use]
    pub fn not_signed_in() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "not-signed-in", "sign in first")
    }

    /// Signed in, but not for this.
    #[must_use]
    pub fn not_allowed(detail: impl Into<Words>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "not-allowed", detail)
    }

    /// A value that does not fit.
    #[must_use]
    pub fn invalid(detail: impl Into<Words>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-request", detail)
    }

    /// Come again later.
    #[must_use]
    pub fn busy(detail: impl Into<Words>) -> Self {
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail);
        problem.retry_after_s = Some(2);
        problem
    }

    /// Our fault; the log says more.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal-error",
            "the hub could not do this; its log says why",
        )
    }
}

/// A problem that was written into a response, kept beside it.
#[derive(Debug, Clone)]
pub(super) struct Told(pub(super) Problem);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry = self.retry_after_s;
        let version = self.version;
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, CONTENT_TYPE)], body).into_response();
        // `super::language` writes it anew for callers of another language.
        response.extensions_mut().insert(Told(self));
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let tag = version.and_then(|version| super::directory::etag(version).parse().ok());
        if let Some(tag) = tag {
            headers.insert(header::ETAG, tag);
        }
        if let Some(seconds) = retry {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(
            error = crate::chain(&error),
            "the store did not answer a request"
        );
        Self::busy("the store does not answer; try again")
    }
}

impl From<JobError> for Problem {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Busy | JobError::Stopping => Self::busy(error.to_string()),
            JobError::NoCase(_) => Self::not_found(error.to_string()),
            JobError::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "key-reused",
                error.to_string(),
            ),
            JobError::Refused(refusal) => refusal.into(),
            JobError::Failed(_) => Self::internal(),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (status, kind) = match &refusal {
            Refusal::Conflict { .. } => (StatusCode::CONFLICT, "version-conflict"),
            Refusal::NotAllowed { .. } => (StatusCode::FORBIDDEN, "not-allowed"),
            Refusal::ReasonNeeded { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "reason-needed"),
            Refusal::WrongState { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "wrong-state"),
            Refusal::SecondPersonNeeded { .. } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "second-person-needed")
            }
            Refusal::Incomplete { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "incomplete"),
        };
        let mut problem = Self::new(status, kind, super::refusals::words(&refusal));
        if let Refusal::Incomplete { missing, .. } = refusal {
            problem.missing = missing.into_boxed_slice();
        }
        problem
    }
}

macro_rules! from_rejection {
    ($($rejection:ty,)*) => {
        $(impl From<$rejection> for Problem {
            fn from(rejection: $rejection) -> Self {
                let status = rejection.status();
                let kind = match status {
                    StatusCode::PAYLOAD_TOO_LARGE => "body-too-large",
                    StatusCode::UNSUPPORTED_MEDIA_TYPE => "json-needed",
                    _ => "invalid-request",
                };
                Self::new(status, kind, rejection.body_text())
            }
        })*
    };
}

from_rejection! { BytesRejection, JsonRejection, PathRejection, QueryRejection, }
