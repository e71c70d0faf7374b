//! Problems in the caller's language: the one that the officer chose, else the one that the request
//! accepts, else English.
//!
//! A problem is written in English where it is made; here, on the way out, it is written anew for who
//! reads Chinese. Answers that are no problems hold both languages and are not touched.

use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use super::problem::Told;

/// A language of the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// 中文
    Chinese,
    /// English
    English,
}

impl Language {
    /// `zh` or `en`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chinese => "zh",
            Self::English => "en",
        }
    }

    /// From a tag such as `zh-CN`.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default().trim();
        if primary.eq_ignore_ascii_case("zh") {
            Some(Self::Chinese)
        } else if primary.eq_ignore_ascii_case("en") {
            Some(Self::English)
        } else {
            None
        }
    }

    /// The language of `Accept-Language` with the greatest weight, the first of equals.
    #[must_use]
    pub fn accepted(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
        let mut best: Option<(f32, Self)> = None;
        for range in text.split(',') {
            let mut parts = range.split(';');
            let Some(language) = parts.next().and_then(Self::from_tag) else {
                continue;
            };
            let weight = parts
                .find_map(|part| part.trim().strip_prefix("q=")?.parse().ok())
                .unwrap_or(1.0);
            if weight > 0.0 && best.is_none_or(|(most, _)| weight > most) {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }
}

/// The language that the officer of this request chose; set once they are known.
#[derive(Debug, Clone, Default)]
pub struct Chosen(Arc<OnceLock<Language>>);

impl Chosen {
    /// Remembers what the officer chose, `zh` or `en`.
    pub fn set(&self, tag: Option<&str>) {
        if let Some(language) = tag.and_then(Language::from_tag) {
            // The officer of a request is looked up more than once at most, and is the same one.
            self.0.get_or_init(|| language);
        }
    }
}

/// Writes problems in the caller's language.
pub async fn speak(mut request: Request, next: Next) -> Response {
    let chosen = Chosen::default();
    request.extensions_mut().insert(chosen.clone());
    let accepted = Language::accepted(request.headers());
    let mut response = next.run(request).await;
    let Some(Told(problem)) = response.extensions_mut().remove::<Told>() else {
        return response;
    };
    let language = chosen
        .0
        .get()
        .copied()
        .or(accepted)
        .unwrap_or(Language::English);
    if language != Language::English {
        let body = serde_json::to_vec(&problem.in_language(language)).unwrap_or_default();
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = Body::from(body);
    }
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_LANGUAGE,
        HeaderValue::from_static(language.as_str()),
    );
    headers.append(header::VARY, HeaderValue::from_static("accept-language"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_language_is_the_one_with_the_greatest_weight() {
        let accepted = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, text.parse().unwrap());
            Language::accepted(&headers)
        };
        assert_eq!(accepted("zh-CN,zh;q=0.9,en;q=0.8"), Some(Language::Chinese));
        assert_eq!(accepted("fr, en;q=0.5, zh;q=0.7"), Some(Language::Chinese));
        assert_eq!(accepted("EN-gb"), Some(Language::English));
        assert_eq!(accepted("zh;q=0, en;q=0.1"), Some(Language::English));
        assert_eq!(accepted("fr, *;q=0.1"), None);
        assert_eq!(accepted("zh;q=x"), Some(Language::Chinese));
    }
}
