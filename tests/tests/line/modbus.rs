//! Modbus units that misbehave: never a wrong value, never a delay for the others.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::building::Building;
use e2e::line::PATIENCE;
use e2e::modbus::{Bus, BusLine, BusUnit, Manner};
use e2e::{Line, LineOptions, ModbusSim, eventually};

const TRANSMITTER: &str = "modbus-smoke-temperature-transmitter";
const POLL_MS: u32 = 50;
/// Leaves free time between the polls of eight units, so that a dead one can be probed in it.
const SLOW_POLL_MS: u32 = 500;

/// A line with three transmitters; what the third does must not matter to the first two.
async fn line(name: &str, connection: &str) -> Result<(Line, ModbusSim)> {
    let modbus = ModbusSim::start().await?;
    for unit in 1..=3 {
        modbus.set_transmitter(unit, 21.5, 0.1);
    }
    let building = Building::new()
        .device("riser/1", "1", "hall", 0)
        .device("riser/2", "2", "hall", 0)
        .device("riser/3", "3", "hall", 0)
        .line("riser", modbus.port(), 300, connection)
        .unit(1, "riser/1", TRANSMITTER, POLL_MS)
        .unit(2, "riser/2", TRANSMITTER, POLL_MS)
        .unit(3, "riser/3", TRANSMITTER, POLL_MS);
    let options = LineOptions {
        building,
        ..LineOptions::default()
    };
    Ok((Line::start(name, options).await?, modbus))
}

/// Waits until a unit has been asked so many times more.
async fn asked(modbus: &ModbusSim, unit: u8, times: u64) -> Result<Duration> {
    let (start, before) = (Instant::now(), modbus.requests(unit));
    eventually("a unit to be asked", PATIENCE, async || {
        (modbus.requests(unit) >= before + times).then_some(())
    })
    .await?;
    Ok(start.elapsed())
}

#[tokio::test]
async fn a_silent_unit_does_not_delay_the_others() -> Result<()> {
    let (line, modbus) = line("silent-unit", "per_unit").await?;
    asked(&modbus, 1, 5).await?;
    modbus.set_manner(3, Manner::Silent);
    asked(&modbus, 3, 2).await?;
    // The dead unit is asked seldom, the living ones as ever: no time is measured, only who was asked.
    let (first, third) = (modbus.requests(1), modbus.requests(3));
    asked(&modbus, 2, 40).await?;
    let (first, third) = (modbus.requests(1) - first, modbus.requests(3) - third);
    ensure!(
        first >= 20,
        "unit 1 was asked {first} times while unit 2 was asked 40 times"
    );
    ensure!(
        third < first,
        "the dead unit was asked {third} times, a living one {first}"
    );
    // An alarm of a living unit arrives meanwhile.
    modbus.set_transmitter(1, 80.0, 0.1);
    let cases = line.wait_cases(1).await?;
    ensure!(cases[0].devices == ["riser/1"], "{cases:?}");
    line.passed()
}

#[tokio::test]
async fn on_a_shared_line_a_silent_unit_leaves_room_for_the_others() -> Result<()> {
    let (line, modbus) = line("shared-line", "shared").await?;
    modbus.set_manner(3, Manner::Silent);
    asked(&modbus, 3, 1).await?;
    asked(&modbus, 1, 20).await?;
    modbus.set_transmitter(2, 80.0, 0.1);
    let cases = line.wait_cases(1).await?;
    ensure!(cases[0].devices == ["riser/2"], "{cases:?}");
    line.passed()
}

/// A unit whose answers are wrong raises nothing, and a true alarm on it is seen afterwards.
async fn wrong_answers_raise_nothing(name: &str, manner: Manner, connection: &str) -> Result<()> {
    let (line, modbus) = line(name, connection).await?;
    // Late answers of this unit, taken for another's, would be a fire in building 1 or 2.
    modbus.set_transmitter(3, 21.5, 0.1);
    asked(&modbus, 3, 3).await?;
    modbus.set_manner(3, manner);
    modbus.set_registers(3, &[0x42C8, 0, 9_000, 3]);
    asked(&modbus, 3, 3).await?;
    asked(&modbus, 1, 20).await?;
    asked(&modbus, 2, 20).await?;
    let metrics = line.agent.metrics().await?;
    ensure!(
        metrics.get("modbus_failed")? >= 1.0,
        "no failed poll was counted"
    );
    let cases = line.officer.cases("all").await?;
    ensure!(
        cases.is_empty(),
        "a wrong answer was taken for a value: {cases:?}"
    );
    modbus.set_manner(3, Manner::Proper);
    let cases = line.wait_cases(1).await?;
    ensure!(cases[0].devices == ["riser/3"], "{cases:?}");
    line.passed()
}

#[tokio::test]
async fn answers_after_the_time_out_are_never_taken_for_another_value() -> Result<()> {
    let late = Manner::Late(Duration::from_millis(450));
    wrong_answers_raise_nothing("late", late, "shared").await
}

#[tokio::test]
async fn short_answers_are_refused() -> Result<()> {
    wrong_answers_raise_nothing("short", Manner::Short, "per_unit").await
}

#[tokio::test]
async fn garbled_answers_are_refused() -> Result<()> {
    wrong_answers_raise_nothing("garbled", Manner::Garbled, "per_unit").await
}

#[tokio::test]
async fn answers_to_another_request_are_refused() -> Result<()> {
    wrong_answers_raise_nothing("behind", Manner::OneBehind, "per_unit").await
}

#[tokio::test]
async fn exceptions_are_counted_and_asked_again() -> Result<()> {
    wrong_answers_raise_nothing("exception", Manner::Exception(4), "per_unit").await
}

/// Lines over which each part of the rig can be reached.
fn bus(name: &'static str, transport: &'static str, port: u16) -> BusLine {
    BusLine {
        name,
        transport,
        connection: (transport == "tcp").then_some("shared"),
        port,
        timeout_ms: 100,
        interval_ms: 100,
        units: 8,
    }
}

/// Units 1 to 8 with registers that say where they belong.
async fn encoded(is_rtu: bool) -> Result<ModbusSim> {
    let sim = if is_rtu {
        ModbusSim::start_rtu().await?
    } else {
        ModbusSim::start().await?
    };
    (1..=8).for_each(|unit| sim.set_encoded(unit, 200));
    Ok(sim)
}

/// With one of eight units dead the others keep every poll once its breaker is open.
async fn keeps_every_poll(name: &str, line: BusLine, sim: &ModbusSim) -> Result<()> {
    sim.set_manner(4, Manner::Silent);
    let bus = Bus::start(name, std::slice::from_ref(&line)).await?;
    let open = async || {
        let units = bus.units(line.name).await.ok()?;
        units.iter().any(|unit| unit.open).then_some(units)
    };
    let before = eventually("the breaker to open", PATIENCE, open).await?;
    let probes = |units: &[BusUnit]| units.get(3).map_or(0, |unit| unit.probes);
    // Long enough for several probes of the dead unit.
    let after = eventually("three probes", PATIENCE, async || {
        let units = bus.units(line.name).await.ok()?;
        (probes(&units) >= probes(&before) + 3).then_some(units)
    })
    .await?;
    let polls = |index: usize| after[index].answered - before[index].answered;
    for index in [0, 1, 2, 4, 5, 6, 7] {
        let missed = after[index].missed - before[index].missed;
        // All have the same interval: who is late for a poll has one less than the others.
        ensure!(
            missed == 0 && polls(index) + 2 >= polls(0) && polls(0) + 2 >= polls(index),
            "unit {} has {} polls and missed {missed}, unit 1 has {}",
            index + 1,
            polls(index),
            polls(0)
        );
    }
    ensure!(
        after[3].open && polls(3) == 0,
        "the dead unit gave readings: {:?}",
        after[3]
    );
    sim.set_manner(4, Manner::Proper);
    eventually("the unit to be found again", PATIENCE, async || {
        let units = bus.units(line.name).await.ok()?;
        (!units[3].open && units[3].answered > 0).then_some(())
    })
    .await?;
    bus.check_values().await?;
    bus.passed()
}

#[tokio::test]
async fn one_dead_unit_of_eight_costs_the_others_no_poll_on_a_shared_connection() -> Result<()> {
    let sim = encoded(false).await?;
    let line = BusLine {
        interval_ms: SLOW_POLL_MS,
        ..bus("bus", "tcp", sim.port())
    };
    keeps_every_poll("bus-shared", line, &sim).await
}

#[tokio::test]
async fn one_dead_unit_of_eight_costs_the_others_no_poll_on_a_serial_line() -> Result<()> {
    let sim = encoded(true).await?;
    let line = BusLine {
        interval_ms: SLOW_POLL_MS,
        ..bus("bus", "rtu_over_tcp", sim.port())
    };
    keeps_every_poll("bus-rtu", line, &sim).await
}

/// Units that delay, drop, cut, garble, repeat and answer with what was asked before: no wrong value.
async fn no_wrong_value(name: &str, transport: &'static str) -> Result<()> {
    let seed = e2e::storm::seed();
    println!("GRIDWATCH_SEED={seed}");
    let sim = encoded(transport == "rtu_over_tcp").await?;
    sim.set_seed(seed);
    for unit in 1..=8 {
        sim.set_manner(unit, Manner::Random(10));
    }
    let bus = Bus::start(name, &[bus("bus", transport, sim.port())]).await?;
    let total =
        |count: fn(&ModbusSim, u8) -> u64| (1..=8).map(|unit| count(&sim, unit)).sum::<u64>();
    eventually("a thousand reads", 2 * PATIENCE, async || {
        (total(ModbusSim::requests) >= 1_000).then_some(())
    })
    .await?;
    ensure!(total(ModbusSim::wrong) >= 50, "the units behaved too well");
    let values = bus.check_values().await?;
    ensure!(values >= 5_000.0, "only {values} values came through");
    // The check sees a wrong value when there is one.
    sim.set_registers(1, &[0; 200]);
    (1..=8).for_each(|unit| sim.set_manner(unit, Manner::Proper));
    eventually("a wrong value to be counted", PATIENCE, async || {
        bus.check_values().await.is_err().then_some(())
    })
    .await?;
    bus.passed()
}

#[tokio::test]
async fn no_value_comes_from_another_register_on_a_bad_connection() -> Result<()> {
    no_wrong_value("chaos-tcp", "tcp").await
}

#[tokio::test]
async fn no_value_comes_from_another_register_on_a_bad_serial_line() -> Result<()> {
    no_wrong_value("chaos-rtu", "rtu_over_tcp").await
}
