//! A provider's end: a server on this machine that keeps what it gets and answers as it is told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) at: Instant,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

/// Status, headers, body.
pub(crate) type Reply = (StatusCode, Vec<(&'static str, String)>, String);

pub(crate) fn reply(status: u16, body: impl Into<String>) -> Reply {
    (StatusCode::from_u16(status).unwrap(), vec![], body.into())
}

/// Decides on an answer with everything that came before.
type Decide = Box<dyn FnMut(&Got, &VecDeque<Got>) -> Option<Reply> + Send>;

struct Inner {
    got: VecDeque<Got>,
    decide: Decide,
}

pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    inner: Arc<Mutex<Inner>>,
    task: JoinHandle<()>,
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Endpoint {
    /// `decide` gives the answer; none: the request hangs.
    pub(crate) async fn start(
        decide: impl FnMut(&Got, &VecDeque<Got>) -> Option<Reply> + Send + 'static,
    ) -> Endpoint {
        let inner = Arc::new(Mutex::new(Inner {
            got: VecDeque::new(),
            decide: Box::new(decide),
        }));
        let router = Router::new().fallback(take).with_state(Arc::clone(&inner));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        });
        Endpoint {
            address,
            inner,
            task,
        }
    }

    pub(crate) async fn always(status: u16, body: &'static str) -> Endpoint {
        Self::start(move |_, _| Some(reply(status, body))).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.inner.lock().unwrap().got.iter().cloned().collect()
    }

    pub(crate) fn answer_from_now(
        &self,
        decide: impl FnMut(&Got, &VecDeque<Got>) -> Option<Reply> + Send + 'static,
    ) {
        self.inner.lock().unwrap().decide = Box::new(decide);
    }
}

async fn take(
    State(inner): State<Arc<Mutex<Inner>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let got = Got {
        at: Instant::now(),
        method,
        uri,
        headers,
        body,
    };
    let answer = {
        let mut inner = inner.lock().unwrap();
        let Inner {
            got: before,
            decide,
        } = &mut *inner;
        let answer = decide(&got, before);
        before.push_back(got);
        answer
    };
    let Some((status, headers, body)) = answer else {
        return std::future::pending().await;
    };
    let mut response = (status, body).into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}
