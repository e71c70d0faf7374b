//! A reader of the hub's live feed (server-sent events) as a console is one: it keeps the number of the
//! last event, and can start again after it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// One event.
#[derive(Debug, Clone)]
pub struct LiveEvent {
    /// When its last byte was read.
    pub arrived: Instant,
    /// Its number, for events out of the store.
    pub id: Option<u64>,
    /// `hello`, `case`, `gateway` or `resync`.
    pub name: String,
    /// Its body.
    pub data: Value,
}

impl LiveEvent {
    /// The devices of the event's case.
    pub fn devices(&self) -> impl Iterator<Item = &str> {
        let devices = self.data["case"]["devices"].as_array();
        devices.into_iter().flatten().filter_map(Value::as_str)
    }
}

/// An open feed.
#[derive(Debug)]
pub struct LiveFeed {
    events: mpsc::UnboundedReceiver<LiveEvent>,
    reader: JoinHandle<()>,
    last: Option<u64>,
}

impl LiveFeed {
    /// Reads a response of `GET /events`.
    #[must_use]
    pub fn read(response: reqwest::Response) -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        let reader = tokio::spawn(read_all(response, sender));
        Self {
            events,
            reader,
            last: None,
        }
    }

    /// The next event of the feed, `hello` included.
    ///
    /// # Errors
    /// When none comes within `limit`, or the feed has ended.
    pub async fn next(&mut self, limit: Duration) -> Result<LiveEvent> {
        let next = tokio::time::timeout(limit, self.events.recv());
        let Some(event) = next.await.context("no event came")? else {
            bail!("the feed has ended");
        };
        self.last = event.id.or(self.last);
        Ok(event)
    }

    /// The next event that fits; others are read and forgotten.
    ///
    /// # Errors
    /// When none comes within `limit`, or the feed has ended.
    pub async fn next_that(
        &mut self,
        what: &str,
        limit: Duration,
        fits: impl Fn(&LiveEvent) -> bool,
    ) -> Result<LiveEvent> {
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let event = self.next(left).await;
            let event = event.with_context(|| format!("waiting for {what}"))?;
            if fits(&event) {
                return Ok(event);
            }
        }
    }

    /// Number of the last event that was taken.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        self.last
    }
}

impl Drop for LiveFeed {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read_all(response: reqwest::Response, sender: mpsc::UnboundedSender<LiveEvent>) {
    let mut body = response.bytes_stream();
    let mut buffer = Vec::new();
    // A broken stream ends the feed; the reader of the feed sees that.
    while let Some(Ok(part)) = body.next().await {
        buffer.extend_from_slice(&part);
        while let Some(end) = find_blank_line(&buffer) {
            let block: Vec<u8> = buffer.drain(..end).collect();
            if let Some(event) = parse(&String::from_utf8_lossy(&block))
                && sender.send(event).is_err()
            {
                return;
            }
        }
    }
}

/// Length of the first event with the blank line that ends it.
fn find_blank_line(buffer: &[u8]) -> Option<usize> {
    buffer
        .windows(2)
        .position(|two| two == b"\n\n")
        .map(|at| at + 2)
}

/// An event's fields; `None` for comments.
fn parse(block: &str) -> Option<LiveEvent> {
    let (mut id, mut name, mut data) = (None, "message", String::new());
    for line in block.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => id = value.parse().ok(),
            "event" => name = value,
            "data" => data.push_str(value),
            _ => {}
        }
    }
    (!data.is_empty()).then(|| LiveEvent {
        arrived: Instant::now(),
        id,
        name: name.to_owned(),
        data: serde_json::from_str(&data).unwrap_or(Value::String(data)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_and_comments_are_not() {
        let event = parse("id: 7\nevent: case\ndata: {\"seq\":7}\n\n").expect("an event");
        assert_eq!((event.id, event.name.as_str()), (Some(7), "case"));
        assert_eq!(event.data["seq"], 7);
        assert!(parse(": ping\n\n").is_none());
        assert_eq!(find_blank_line(b": ping\n\nid: 1"), Some(8));
    }
}
