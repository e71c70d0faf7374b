//! Waiting on conditions. Tests wait for what they need, with a limit, and never sleep for correctness.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Looks again and again until `look` gives a value, and gives it back.
///
/// # Errors
/// When there is none within `limit`; says `what` was waited for.
pub async fn eventually<T>(
    what: &str,
    limit: Duration,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(value) = look().await {
            return Ok(value);
        }
        if start.elapsed() > limit {
            bail!("waited {} s in vain for: {what}", limit.as_secs());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Ends `work` with an error when it takes longer than `limit`.
///
/// # Errors
/// What `work` says, or that it took too long.
pub async fn within<T>(
    what: &str,
    limit: Duration,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => bail!("{what} took longer than {} s", limit.as_secs()),
    }
}
