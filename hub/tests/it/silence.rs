//! Silence of gateways.

use gridwatch_protocol::Kind;
use serde_json::json;

use super::harness::{Hub, alert, batch, eventually, heartbeat};

#[tokio::test]
async fn silent_gateway_is_one_case_that_its_return_annotates_and_does_not_close() {
    let hub = Hub::start_with(|config| config.gateways.silent_after_s = 1).await;
    let duty = hub.sign_in("duty").await;
    let gateway = async || duty.get("/api/v1/gateways").await["items"][0].clone();
    assert_eq!(gateway().await["state"], "never_seen");
    hub.heartbeat(&heartbeat(1, 1, 0)).await;
    assert_eq!(gateway().await["state"], "online");
    let case = eventually("a case of the silent gateway", || async {
        duty.cases().await.into_iter().next()
    })
    .await;
    assert_eq!(
        (&case["category"], &case["severity"]),
        (&json!("gateway_offline"), &json!("P2"))
    );
    assert_eq!(gateway().await["state"], "silent");

    let sensors = (1..=50).map(|n| alert(n, &format!("sensor-{n}"), Kind::Availability));
    hub.send(&batch(sensors.collect())).await;
    assert_eq!(
        duty.cases().await.len(),
        1,
        "its sensors are counted in its case"
    );

    hub.heartbeat(&heartbeat(1, 2, 50)).await;
    let case = duty.get("/api/v1/cases/1").await;
    assert_eq!(case["state"], "reported");
    assert!(
        case["transitions"]
            .as_array()
            .unwrap()
            .iter()
            .any(|t| t["action"] == "clear")
    );
    assert_eq!(gateway().await["state"], "online");
    eventually("silent again, the same case", || async {
        let case = duty.get("/api/v1/cases/1").await;
        (case["alert_count"] == 52).then_some(())
    })
    .await;
    assert_eq!(duty.cases().await.len(), 1);
}
