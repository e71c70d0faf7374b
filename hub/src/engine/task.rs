//! A piece of work of one part of the hub, done inside the engine's transaction.
//!
//! The engine knows nothing of what a task does; a task knows nothing of queues and commits. It may be run
//! again after its transaction was rolled back, so it keeps nothing between runs. What it gives back
//! reaches the asker only after the commit.

use std::any::Any;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use gridwatch_protocol::{Alert, GatewayId, Timestamp};

use super::{EngineSettings, Rules, messages};
use crate::cases::Arrival;
use crate::cases::desk::Outcome;
use crate::store::StoreResult;
use crate::store::database::Connection;

/// What a task works with.
#[derive(Debug)]
pub struct Bench<'a> {
    /// The writing connection, inside the transaction.
    pub connection: &'a mut Connection,
    /// What the hub goes by, as it is in this transaction.
    pub settings: &'a EngineSettings,
    /// The hub's time.
    pub now: Timestamp,
    /// How many cases were opened in this transaction; a task that opens some adds them.
    pub opened: &'a mut usize,
}

impl<'a> Bench<'a> {
    /// What the desk goes by.
    #[must_use]
    pub fn rules(&self) -> Rules<'a> {
        self.settings.rules()
    }

    /// Takes a message about an alert that came on another way than an outbox of a gateway; the category
    /// when it is not chosen by the catalogue's `match`.
    pub(crate) async fn take_alert(
        &mut self,
        gateway: &GatewayId,
        alert: Alert,
        category: Option<&str>,
    ) -> StoreResult<Outcome> {
        let arrival = Arrival {
            gateway: gateway.clone(),
            alert,
        };
        let rules = self.rules();
        let (outcome, opened) =
            messages::decide(self.connection, rules, arrival, category, self.now).await?;
        *self.opened += opened;
        Ok(outcome)
    }
}

/// See the module's page. A refusal that is no fault of the store is part of the output.
pub trait Task: Debug + Send + Sync + 'static {
    /// What the asker gets.
    type Output: Send + 'static;

    /// Does the work.
    ///
    /// # Errors
    /// When the store does not answer; the transaction is rolled back.
    fn run(&self, bench: Bench<'_>) -> impl Future<Output = StoreResult<Self::Output>> + Send;
}

/// The output of a task whose type only its asker knows.
pub(super) type Output = Box<dyn Any + Send>;

type Running<'a> = Pin<Box<dyn Future<Output = StoreResult<Output>> + Send + 'a>>;

/// A task among others.
pub(super) trait AnyTask: Debug + Send + Sync {
    fn run_boxed<'a>(&'a self, bench: Bench<'a>) -> Running<'a>;
}

impl<T: Task> AnyTask for T {
    fn run_boxed<'a>(&'a self, bench: Bench<'a>) -> Running<'a> {
        Box::pin(async move {
            let output = self.run(bench).await?;
            Ok(Box::new(output) as Output)
        })
    }
}
