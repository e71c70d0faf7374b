//! Keys that programs send as `Authorization: Bearer KEY`: gateways, child hubs, foreign systems.
//!
//! A key is looked up by its hash and never stored or logged; one that was revoked is like one that never was.

use axum::http::{HeaderMap, header};

use crate::secrets;
use crate::store::StoreResult;

/// The key that came with a request.
#[must_use]
pub fn key(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}

/// Who has this key: `find` looks for the row with its hash, `known` tells the hash of a row and whether its key
/// still works. None when the key is missing, unknown or revoked, which look alike to who asks.
///
/// # Errors
/// When the store does not answer.
pub async fn holder<T, F: Future<Output = StoreResult<Option<T>>>>(
    headers: &HeaderMap,
    find: impl FnOnce(String) -> F,
    known: impl FnOnce(&T) -> (&str, bool),
) -> StoreResult<Option<T>> {
    let Some(key) = key(headers) else {
        return Ok(None);
    };
    let hash = secrets::token_hash(key);
    let row = find(hash.clone()).await?;
    Ok(row.filter(|row| {
        let (own, works) = known(row);
        works && secrets::same(&hash, own)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn found(header: Option<&str>, stored: &'static str, works: bool) -> Option<String> {
        let mut headers = HeaderMap::new();
        if let Some(text) = header {
            headers.insert(header::AUTHORIZATION, text.parse().unwrap());
        }
        let find = |_| async { Ok(Some(secrets::token_hash(stored))) };
        let row = holder(&headers, find, |row: &String| (row.as_str(), works)).await;
        row.unwrap()
    }

    #[tokio::test]
    async fn only_a_whole_key_that_works_has_a_holder() {
        let hash = secrets::token_hash("k");
        assert_eq!(found(Some("Bearer k"), "k", true).await, Some(hash));
        for (header, stored, works) in [
            (None, "k", true),
            (Some("k"), "k", true),
            (Some("Basic k"), "k", true),
            (Some("Bearer k"), "other", true),
            (Some("Bearer k"), "k", false),
        ] {
            assert_eq!(found(header, stored, works).await, None, "{header:?}");
        }
    }
}
