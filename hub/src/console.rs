//! Serves the console that is built into the binary.
//!
//! Files under `assets/` carry a hash in their names and are kept by browsers; everything else is asked
//! for again. A hub that was built without the console says how to build it.

use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::api::problem::Problem;

#[derive(rust_embed::Embed)]
#[folder = "console/dist"]
#[allow_missing = true]
struct Files;

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Gridwatch</title><h1>Gridwatch 网格哨</h1><p>This hub was built without its console. Build it and then the hub again:</p><pre>cd hub/console\nnpm ci\nnpm run build\ncargo build -p hub</pre></html>";

/// A file of the console; `index.html` for addresses that the console itself resolves.
pub async fn serve(method: Method, uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path.starts_with("api/") || path.starts_with("v1/") {
        return Problem::not_found(format!("there is nothing at `/{path}`")).into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        return Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "pages are only read",
        )
        .into_response();
    }
    if let Some(response) = file(path) {
        return response;
    }
    // A missing file is an error; any other address is a page of the console.
    let is_file = path
        .rsplit('/')
        .next()
        .is_some_and(|name| name.contains('.'));
    if is_file {
        return Problem::not_found(format!("there is no file `/{path}`")).into_response();
    }
    file("index.html").unwrap_or_else(|| {
        (
            [
                (header::CONTENT_TYPE, "text/html; charset=utf-8"),
                (header::CACHE_CONTROL, "no-cache"),
            ],
            NOT_BUILT,
        )
            .into_response()
    })
}

fn file(path: &str) -> Option<Response> {
    let file = Files::get(path)?;
    let cache = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let mime = file.metadata.mimetype().to_owned();
    let mime = if mime.starts_with("text/") {
        format!("{mime}; charset=utf-8")
    } else {
        mime
    };
    let mut response = file.data.into_owned().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(&mime).ok()?);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    Some(response)
}
