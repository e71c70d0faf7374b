//! The broker goes away and comes back, with and without its sessions.

use anyhow::Result;
use e2e::building::{Building, detector};
use e2e::zigbee::device_id;
use e2e::{Line, LineOptions};

#[tokio::test]
async fn a_restarted_broker_loses_no_alarm() -> Result<()> {
    let options = LineOptions {
        building: Building::new().smoke_detectors("d", 40),
        ..LineOptions::default()
    };
    let mut line = Line::start("broker", options).await?;
    for round in 0..4 {
        let mut zigbee = line.zigbee().await?;
        for number in round * 10..(round + 1) * 10 {
            zigbee.smoke(&detector("d", number), true).await?;
        }
        line.broker.stop()?;
        line.broker.start_again().await?;
    }
    line.wait_cases(40).await?;
    let devices: Vec<String> = (0..40).map(|n| device_id(&detector("d", n))).collect();
    line.check_one_case_each(&devices).await?;
    line.passed()
}

#[tokio::test]
async fn after_a_broker_lost_its_sessions_new_alarms_arrive() -> Result<()> {
    let options = LineOptions {
        building: Building::new().smoke_detectors("d", 3),
        ..LineOptions::default()
    };
    let mut line = Line::start("sessions", options).await?;
    for number in 0..3 {
        line.broker.kill()?;
        std::fs::remove_file(line.broker_state()).ok();
        line.broker.start_again().await?;
        line.agent.wait_subscribed(line.broker.port()).await?;
        line.zigbee()
            .await?
            .smoke(&detector("d", number), true)
            .await?;
        line.wait_cases(number + 1).await?;
    }
    line.passed()
}
