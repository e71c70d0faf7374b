//! What a heartbeat tells of a gateway and officers are shown.

use gridwatch_protocol::{
    Disagreement, DriftStatus, HEARTBEAT_MODELS_MAX, ModelLevel, ModelStatus, SHADOW_SAMPLES_MAX,
    ShadowStatus,
};
use serde_json::json;

use super::harness::{Hub, heartbeat};

#[tokio::test]
async fn models_of_a_gateway_are_shown_with_what_a_candidate_would_have_said() {
    let hub = Hub::start().await;
    let mut beat = heartbeat(1, 1, 0);
    beat.models = vec![ModelStatus {
        id: "env-fuser".into(),
        build: Some(3),
        sha256: Some("ab".repeat(32)),
        enabled: true,
        untrained: vec!["door".into()],
        subjects: 4,
        learning: 1,
        open: 0,
        drift: DriftStatus::default(),
        shadow: Some(ShadowStatus {
            build: 4,
            rows: 900,
            higher: 20,
            lower: 1,
            // More than an agent keeps: only the promised number is shown.
            samples: (0..20)
                .map(|_| Disagreement {
                    current: 0.25,
                    current_level: ModelLevel::None,
                    candidate: 0.75,
                    candidate_level: ModelLevel::Warning,
                })
                .collect(),
        }),
    }];
    beat.models.resize(50, beat.models[0].clone());
    hub.heartbeat(&beat).await;
    let duty = hub.sign_in("duty").await;
    let shown = duty.get("/api/v1/gateways/gw-1/models").await;
    let items = shown["items"].as_array().unwrap();
    assert_eq!(items.len(), HEARTBEAT_MODELS_MAX);
    assert_eq!(shown["at"], json!(beat.at));
    let shadow = &items[0]["shadow"];
    assert_eq!((&items[0]["build"], &shadow["build"]), (&json!(3), &json!(4)));
    assert_eq!(shadow["samples"].as_array().unwrap().len(), SHADOW_SAMPLES_MAX);
    assert_eq!(shadow["samples"][0]["candidate_level"], "warning");

    // An agent that knows nothing of models, or has none.
    let mut older = serde_json::to_value(heartbeat(1, 2, 0)).unwrap();
    older.as_object_mut().unwrap().remove("models");
    let older = serde_json::from_value(older).expect("an older agent's heartbeat is read");
    hub.heartbeat(&older).await;
    let shown = duty.get("/api/v1/gateways/gw-1/models").await;
    assert_eq!(shown["items"], json!([]));
}
