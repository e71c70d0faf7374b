//! Consoles of officers: which are there, and which have their sound on.

use crate::engine::task::{Bench, Task};
use crate::store::database::query;
use crate::store::{StoreResult, sql};

/// Consoles of one user that are remembered: a few screens and a phone.
const CONSOLES_MAX: i64 = 8;
/// A console that was not heard for a day is forgotten, in milliseconds.
const CONSOLE_MS: i64 = 86_400_000;

/// A console is heard.
#[derive(Debug)]
pub struct Beat {
    /// Whose it is.
    pub username: String,
    /// Its own name, made by the console.
    pub console: String,
    /// Whether its sound is on.
    pub armed: bool,
    /// Whether its page is visible.
    pub visible: bool,
}

impl Task for Beat {
    type Output = ();

    async fn run(&self, bench: Bench<'_>) -> StoreResult<()> {
        let (connection, now) = (bench.connection, bench.now);
        let storing = "storing a console";
        query("INSERT INTO duty_consoles (username, console, armed, visible, seen_at, armed_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (username, console) DO UPDATE SET armed = excluded.armed, visible = excluded.visible, seen_at = excluded.seen_at, armed_at = COALESCE(excluded.armed_at, duty_consoles.armed_at)")
            .bind(&self.username)
            .bind(&self.console)
            .bind(self.armed)
            .bind(self.visible)
            .bind(now.unix_ms())
            .bind(self.armed.then(|| now.unix_ms()))
            .execute(&mut *connection)
            .await
            .map_err(sql(storing))?;
        query("DELETE FROM duty_consoles WHERE username = $1 AND (seen_at < $2 OR console IN (SELECT console FROM duty_consoles WHERE username = $1 ORDER BY seen_at DESC, console LIMIT 1000 OFFSET $3))")
            .bind(&self.username)
            .bind(now.unix_ms() - CONSOLE_MS)
            .bind(CONSOLES_MAX)
            .execute(connection)
            .await
            .map(drop)
            .map_err(sql(storing))
    }
}
