//! The story, second by second.

use std::time::{Duration, Instant};

use anyhow::Result;
use e2e::fire::SDC07_PHO1_C;
use e2e::frigate::Tracked;
use e2e::zigbee::smoke_payload;
use e2e::{FireReplay, Officer};
use tokio::task::JoinHandle;

use crate::Demo;
use crate::house::{
    BEDROOM, CAMERA, DOOR_UNIT, ENTRANCE, FIFTH_FLOOR, House, KITCHEN, QUIET_C, QUIET_OBSCURATION,
    TRANSMITTER_UNIT, ZONE,
};

// Seconds of the story.
const COOKING: u32 = 120;
const COOKING_ENDS: u32 = COOKING + 360;
const DOOR: u32 = COOKING + 180;
const DOOR_SHUT: u32 = DOOR + 20;
const CAMERA_EVENT: u32 = COOKING + 240;
const CAMERA_ENDS: u32 = CAMERA_EVENT + 20;
const FIRE: u32 = COOKING_ENDS + 20;
/// After this long in the fire the agent is killed.
const KILL_IN_FIRE: u32 = 165;
const AFTER_FIRE: u32 = 30;
/// Cooking warms the kitchen's ceiling by this much at most, °C.
const COOKING_RISE_C: f64 = 4.0;
/// The room of the fire cools with this time constant once it is aired, in seconds.
const AIRING_S: f64 = 240.0;

/// The story's clock.
#[derive(Debug)]
pub(crate) struct Stage {
    speed: f64,
    start: Instant,
    second: u32,
}

impl Stage {
    pub(crate) fn new(speed: f64) -> Self {
        Self {
            speed,
            start: Instant::now(),
            second: 0,
        }
    }

    /// Waits until the next second of the story, and gives its number.
    async fn next_second(&mut self) -> u32 {
        self.second += 1;
        let due = Duration::from_secs_f64(f64::from(self.second) / self.speed);
        let late = self.start.elapsed().saturating_sub(due);
        // What took time, such as a restart, is not made up for: a recording must not run faster.
        self.start += late;
        tokio::time::sleep_until((self.start + due).into()).await;
        self.second
    }
}

/// Prints what reaches the officers' live feed.
pub(crate) async fn watch(officer: &Officer) -> Result<JoinHandle<()>> {
    let mut feed = officer.live(None).await?;
    Ok(tokio::spawn(async move {
        while let Ok(event) = feed.next(Duration::from_secs(3600)).await {
            let case = &event.data["case"];
            if event.name == "case" {
                println!(
                    "      ⇒ case {} {} {} {} / {} ({} alert(s))",
                    case["number"].as_str().unwrap_or("?"),
                    case["severity"].as_str().unwrap_or("?"),
                    event.data["change"].as_str().unwrap_or("?"),
                    case["title"]["zh"].as_str().unwrap_or("?"),
                    case["title"]["en"].as_str().unwrap_or("?"),
                    case["alert_count"],
                );
            }
        }
    }))
}

/// Plays it once.
pub(crate) async fn play(demo: &mut Demo, house: &mut House, stage: &mut Stage) -> Result<()> {
    // The flaming mattress of test SDC07: the bedroom's photoelectric alarm at place C, the ceiling
    // temperature and smoke at place E.
    let fire = FireReplay::load("SDC07", 'E')?;
    let recorded = fire
        .samples()
        .last()
        .map_or(0, |last| whole_seconds(last.at));
    let end = FIRE + recorded + AFTER_FIRE;
    say(
        0,
        "An ordinary evening. The smoke detector on the fifth floor reports for the last time.",
    );
    house.zigbee.smoke(FIFTH_FLOOR, false).await?;
    let mut person = None;
    loop {
        let second = stage.next_second().await;
        telemetry(house, second).await?;
        cooking(house, second).await?;
        door(demo, second);
        camera(house, second, &mut person).await?;
        if second >= FIRE {
            burn(demo, house, &fire, second - FIRE).await?;
        }
        if second >= end {
            return Ok(());
        }
    }
}

/// Keeps the building alive: the corridor cools down, sensors report.
pub(crate) async fn live_on(demo: &Demo, house: &mut House, stage: &mut Stage) -> Result<()> {
    let fire = FireReplay::load("SDC07", 'E')?;
    let Some(last) = fire.samples().last().copied() else {
        return Ok(());
    };
    let mut aired = 0_u32;
    loop {
        let second = stage.next_second().await;
        aired += 1;
        let left = (-f64::from(aired) / AIRING_S).exp();
        let temperature = f64::from(QUIET_C) + (last.temperature_c - f64::from(QUIET_C)) * left;
        let smoke = QUIET_OBSCURATION + (last.obscuration - QUIET_OBSCURATION) * left;
        demo.modbus
            .set_transmitter(TRANSMITTER_UNIT, single(temperature), smoke);
        if aired == 600 {
            say(
                second,
                "The flat is aired; its smoke detector falls back to normal.",
            );
            house.zigbee.smoke_retained(BEDROOM, false).await?;
        }
        telemetry(house, second).await?;
    }
}

/// What the sensors report when nothing happens.
async fn telemetry(house: &mut House, second: u32) -> Result<()> {
    let cooking = (COOKING..COOKING_ENDS).contains(&second);
    if second.is_multiple_of(30) && !cooking {
        let kitchen = 23.0 + f64::from(second % 7) / 10.0;
        house
            .zigbee
            .smoke_and_temperature(KITCHEN, false, kitchen)
            .await?;
    }
    if second.is_multiple_of(60) {
        house
            .zigbee
            .contact(ENTRANCE, second.is_multiple_of(120))
            .await?;
    }
    Ok(())
}

async fn cooking(house: &mut House, second: u32) -> Result<()> {
    if second == COOKING {
        say(
            second,
            "Somebody cooks in flat 302: the kitchen gets a little warmer. No case.",
        );
    }
    if (COOKING..COOKING_ENDS).contains(&second) && second.is_multiple_of(5) {
        let part = f64::from(second - COOKING) / f64::from(COOKING_ENDS - COOKING);
        let warmth = COOKING_RISE_C * (part * std::f64::consts::PI).sin();
        house
            .zigbee
            .smoke_and_temperature(KITCHEN, false, 23.0 + warmth)
            .await?;
    }
    Ok(())
}

fn door(demo: &Demo, second: u32) {
    if second == DOOR {
        say(
            second,
            "At night the locked door of the bicycle cellar is forced open (Modbus).",
        );
        demo.modbus.set_door(DOOR_UNIT, true, false, true);
    }
    if second == DOOR_SHUT {
        demo.modbus.set_door(DOOR_UNIT, false, false, false);
    }
}

async fn camera(house: &mut House, second: u32, seen: &mut Option<Tracked>) -> Result<()> {
    if second == CAMERA_EVENT {
        say(
            second,
            "A camera sees a person in the restricted zone on the roof (Frigate), and tells it four times.",
        );
        let person = house
            .frigate
            .appears(CAMERA, "person", &["roof", ZONE])
            .await?;
        for _ in 0..3 {
            house.frigate.updates(&person).await?;
        }
        *seen = Some(person);
    }
    if second == CAMERA_ENDS
        && let Some(person) = seen.take()
    {
        say(second, "The person leaves.");
        house.frigate.ends(&person).await?;
    }
    Ok(())
}

/// One second of the recorded fire.
async fn burn(demo: &mut Demo, house: &mut House, fire: &FireReplay, into: u32) -> Result<()> {
    if into == 0 {
        say(
            FIRE,
            "A mattress burns in flat 303: a recorded fire of NIST (TN 1455, test SDC07).",
        );
    }
    let now = Duration::from_secs(into.into());
    let sample = fire.samples().iter().rfind(|sample| sample.at <= now);
    if let Some(sample) = sample {
        let temperature = single(sample.temperature_c);
        demo.modbus
            .set_transmitter(TRANSMITTER_UNIT, temperature, sample.obscuration);
    }
    if into == whole_seconds(SDC07_PHO1_C) {
        say(
            FIRE + into,
            "The smoke detector of flat 303 sounds, as it did in the recording; its message comes five times and is retained.",
        );
        for _ in 0..5 {
            house
                .zigbee
                .publish(BEDROOM, smoke_payload(true).as_bytes(), true)
                .await?;
        }
    }
    if into == KILL_IN_FIRE {
        say(
            FIRE + into,
            "The agent is killed (SIGKILL) in the middle of the fire; meanwhile the detector sounds on; the agent starts again.",
        );
        demo.agent.kill()?;
        house.zigbee.smoke(BEDROOM, true).await?;
        demo.agent.start().await?;
    }
    Ok(())
}

fn say(second: u32, words: &str) {
    println!("[{:>2}:{:02}] {words}", second / 60, second % 60);
}

/// Whole seconds; a recording lasts minutes.
fn whole_seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}

/// What a transmitter's 32-bit register can hold.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the register holds single precision"
)]
fn single(value: f64) -> f32 {
    value as f32
}
