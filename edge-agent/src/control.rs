//! The control channel: local tools ask the running agent for things that only it can do.
//!
//! `control.sock` in the state folder, a Unix socket with mode 0600; peers of another user than the
//! agent's and root are turned away. Each line is one JSON document, requests one way ([`Request`]),
//! [`Event`]s the other. A tool that goes away changes nothing: a walk test goes on until its time is
//! over. Never: carries credentials, changes the configuration, waits for a slow tool (each has its own
//! task and reads a snapshot).
//!
//! The socket's side is a task of its own; the detector is asked through a [`Desk`] that the pipeline
//! serves with its tick, so no lock is shared with the way of the alarms.

pub mod records;
mod socket;
mod walk;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use gridwatch_protocol::{
    CommissioningId, CommissioningRecord, DeviceId, GatewayId, SiteId, Timestamp, WalkTestEnd,
    WalkTestPress,
};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::clock::{Clock, Moment};
use crate::detection::walk_test::{Expected, WalkTestNews, WalkTestRefusal, WalkTestScope};
use crate::detection::{Detector, Findings};
use crate::health::Health;
use crate::outbox::Outbox;
use gridwatch_decode::profile::Profile;

pub use socket::{SOCKET, run};

/// Requests that wait for the pipeline at most; a full queue makes the tool wait.
const ASKS_MAX: usize = 8;

/// What a tool can ask, one JSON line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Begin a walk test; answered with [`Event::Started`] or [`Event::Refused`].
    WalkTestStart {
        /// Who tests.
        by: String,
        /// Devices to test; empty = all.
        #[serde(default)]
        devices: BTreeSet<DeviceId>,
        /// For how long.
        minutes: u32,
        /// Whether every expected device must be pressed for the test to be passed.
        #[serde(default)]
        expect_all: bool,
    },
    /// Tell what the running walk test hears until it has ended: [`Event::Running`], an
    /// [`Event::Press`] for each change of a press, [`Event::Ended`]; or [`Event::Idle`].
    WalkTestStatus,
    /// End the walk test; answered with [`Event::Ending`] or [`Event::Idle`].
    WalkTestEnd,
}

/// Where the test alert of a press is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PressState {
    /// On its way to the hub.
    Waiting,
    /// Not accepted for longer than an alarm may take (10 s, GB 26875.1); still being sent.
    Late,
    /// The hub has it.
    Accepted,
    /// The hub will never take it.
    Refused,
}

/// What a tool is told, one JSON line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A walk test has begun.
    Started {
        /// Its id.
        id: CommissioningId,
        /// When it ends by itself.
        until: Timestamp,
        /// Devices that are expected to be pressed.
        expected: Vec<DeviceId>,
    },
    /// A walk test is running.
    Running {
        /// Its id.
        id: CommissioningId,
        /// Who tests.
        by: String,
        /// When it ends by itself.
        until: Timestamp,
    },
    /// No walk test is running.
    Idle,
    /// The walk test will end as soon as its last alerts are settled.
    Ending,
    /// What is known of a press now.
    Press {
        /// 1 for the first press of the test.
        number: usize,
        /// Where its test alert is.
        state: PressState,
        /// The press.
        press: Box<WalkTestPress>,
    },
    /// The walk test has ended.
    Ended {
        /// Its record.
        record: Box<CommissioningRecord>,
        /// The record's file on the gateway; `None` when it could not be written.
        file: Option<PathBuf>,
    },
    /// What was asked for was not done.
    Refused {
        /// Why, and what to do.
        detail: String,
    },
}

/// What the socket's side asks the pipeline.
#[derive(Debug)]
pub enum Ask {
    /// Begin a walk test.
    Start(
        WalkTestScope,
        oneshot::Sender<Result<Vec<Expected>, WalkTestRefusal>>,
    ),
    /// End it.
    End,
}

/// What the pipeline tells.
#[derive(Debug)]
pub struct News {
    /// What the walk test heard.
    pub walk_test: WalkTestNews,
    /// Devices that could be expected; only filled when the test has ended.
    pub expected: Vec<Expected>,
}

/// The pipeline's end.
#[derive(Debug)]
pub struct Desk {
    asks: mpsc::Receiver<Ask>,
    news: mpsc::UnboundedSender<News>,
}

impl Desk {
    /// Does what was asked, and tells what happened. Never waits.
    pub fn serve(&mut self, detector: &mut Detector, now: Moment) -> Findings {
        self.tell(detector);
        let mut findings = Findings::default();
        while let Ok(ask) = self.asks.try_recv() {
            match ask {
                Ask::Start(scope, reply) => {
                    let outcome = detector
                        .start_walk_test(scope, now)
                        .map(|()| detector.expected());
                    // A test that nobody waits for any more must not run, and its end is not the
                    // next one's.
                    if reply.send(outcome).is_err() {
                        end(detector, now, &mut findings);
                        drop(detector.walk_test_news());
                    }
                }
                Ask::End => end(detector, now, &mut findings),
            }
            self.tell(detector);
        }
        findings
    }

    /// Unbounded, but a test has a limited number of presses that are told.
    fn tell(&self, detector: &mut Detector) {
        let walk_test = detector.walk_test_news();
        let expected = match walk_test.ended {
            Some(_) => detector.expected(),
            None if walk_test.presses.is_empty() && walk_test.presses_not_listed == 0 => return,
            None => Vec::new(),
        };
        // The other side is gone only while the agent stops.
        drop(self.news.send(News {
            walk_test,
            expected,
        }));
    }
}

/// Ends the test; what that raises is added, because one round may take several requests.
fn end(detector: &mut Detector, now: Moment, findings: &mut Findings) {
    let more = detector.end_walk_test(WalkTestEnd::Asked, now);
    findings.alerts.extend(more.alerts);
    findings.episodes.extend(more.episodes);
}

/// The socket's end, with what it needs of the agent.
#[derive(Debug)]
pub struct Control {
    /// The state folder.
    pub dir: PathBuf,
    /// The site.
    pub site: SiteId,
    /// This gateway, when it has joined a hub.
    pub gateway: Option<GatewayId>,
    /// Which devices can be pressed is known from their profiles.
    pub profiles: Vec<Profile>,
    /// Says when the hub has accepted a test alert.
    pub outbox: Outbox,
    /// A running test is a fault: the devices under test protect nobody.
    pub health: Arc<Health>,
    /// The clocks.
    pub clock: Clock,
    /// Told when a record waits to be sent.
    pub record_made: Arc<Notify>,
    /// To the pipeline.
    pub line: Line,
}

/// The way to the pipeline and back.
#[derive(Debug)]
pub struct Line {
    asks: mpsc::Sender<Ask>,
    news: mpsc::UnboundedReceiver<News>,
}

/// A pipeline's desk, and the line to it.
#[must_use]
pub fn desk() -> (Desk, Line) {
    let (ask, asks) = mpsc::channel(ASKS_MAX);
    let (tell, news) = mpsc::unbounded_channel();
    (Desk { asks, news: tell }, Line { asks: ask, news })
}

#[cfg(test)]
mod tests;
