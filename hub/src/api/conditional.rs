//! `ETag` and `If-None-Match` for what officers read, by the answer itself: a client that has it already
//! gets 304 instead of it.
//!
//! The tag is a hash of the body. A handler that knows a version sets `ETag: "version"` and gets
//! `"version-hash"`, which `If-Match` of a change takes. Streams and files pass untouched.

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::problem::Problem;
use super::routes;

/// Larger answers get no tag: hashing them would cost more than sending them.
const TAGGED_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Tags answers and leaves out those that the client has.
pub async fn conditional(request: Request, next: Next) -> Response {
    if *request.method() != Method::GET || !routes::has_tag(request.uri().path()) {
        return next.run(request).await;
    }
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    let size = response.body().size_hint().exact();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_json = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let is_whole = response.status() == StatusCode::OK && is_json;
    if !is_whole || size.is_none_or(|size| size > TAGGED_BYTES_MAX) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return Problem::internal().into_response();
    };
    let tag = tag(parts.headers.get(header::ETAG), &bytes);
    let same = known.is_some_and(|known| matches(&known, &tag));
    parts.headers.insert(header::ETAG, tag);
    if same {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_TYPE);
        parts.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}

fn tag(version: Option<&HeaderValue>, body: &[u8]) -> HeaderValue {
    let hash = hex::encode(&Sha256::digest(body)[..16]);
    let version = version
        .and_then(|tag| tag.to_str().ok())
        .map(|tag| format!("{}-", tag.trim_matches('"')));
    let tag = format!("\"{}{hash}\"", version.unwrap_or_default());
    HeaderValue::from_str(&tag).expect("a header's text and hexadecimal digits are ASCII")
}

/// Whether `If-None-Match` names this tag; a weak one (`W/`) counts as its strong twin.
fn matches(known: &HeaderValue, tag: &HeaderValue) -> bool {
    let (Ok(known), Ok(tag)) = (known.to_str(), tag.to_str()) else {
        return false;
    };
    known.trim() == "*"
        || known
            .split(',')
            .any(|one| one.trim().trim_start_matches("W/") == tag)
}

/// The version that `If-Match` names: the tag of an answer, or the version alone in quotes.
///
/// # Errors
/// A problem of type `invalid-request` when it is neither.
pub fn if_match(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let version = inner.and_then(|tag| tag.split('-').next()?.parse().ok());
    version.map(Some).ok_or_else(|| {
        Problem::invalid("`If-Match` is the `ETag` of the case or its version in quotes")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_change_with_the_body_and_carry_a_version() {
        let version = HeaderValue::from_static("\"7\"");
        let tagged = tag(Some(&version), b"{}");
        assert!(tagged.to_str().unwrap().starts_with("\"7-"));
        assert_ne!(tagged, tag(Some(&version), b"[]"));
        let plain = tag(None, b"{}");
        let list = HeaderValue::from_str(&format!("\"x\", W/{}", plain.to_str().unwrap())).unwrap();
        assert!(matches(&list, &plain) && !matches(&list, &tagged));
        assert!(matches(&HeaderValue::from_static("*"), &plain));
    }

    #[test]
    fn versions_are_read_out_of_tags() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_MATCH, text.parse().unwrap());
            if_match(&headers).map_err(|problem| problem.status)
        };
        assert_eq!(read("\"7-0f3a\""), Ok(Some(7)));
        assert_eq!(read("\"12\""), Ok(Some(12)));
        assert_eq!(read("*"), Ok(None));
        assert_eq!(read("7"), Err(422));
        assert_eq!(read("\"x\""), Err(422));
        assert_eq!(if_match(&HeaderMap::new()).unwrap(), None);
    }
}
