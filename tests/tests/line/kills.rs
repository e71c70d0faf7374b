//! Programs that are killed in the middle of a storm.

use anyhow::Result;
use e2e::storm::{Storm, Victim, kills_and_alarms, play, seed};

async fn storm(name: &str, victim: Victim) -> Result<()> {
    let (kills, alarms) = kills_and_alarms();
    let seed = seed();
    println!("GRIDWATCH_SEED={seed} GRIDWATCH_KILLS={kills}");
    let outcome = play(
        name,
        Storm {
            alarms,
            kills,
            victim,
            seed,
        },
    )
    .await?;
    assert_eq!((outcome.published, outcome.kills), (alarms, kills));
    Ok(())
}

#[tokio::test]
async fn an_agent_killed_at_random_moments_loses_and_doubles_nothing() -> Result<()> {
    storm("kill-agent", Victim::Agent).await
}

#[tokio::test]
async fn a_hub_killed_at_random_moments_loses_and_doubles_nothing() -> Result<()> {
    storm("kill-hub", Victim::Hub).await
}
