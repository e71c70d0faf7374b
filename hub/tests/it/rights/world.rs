//! A hub with the same things in two grids and at a place that nobody knows, and officers of every role who
//! work for one grid, for the other, for the whole tree, or for an area that is gone.
//!
//! Every text in a place holds the place's mark, so that one search through an answer finds whatever does not
//! belong there.

use std::collections::BTreeMap;

use gridwatch_protocol::{
    Alert, Batch, CommissioningId, CommissioningRecord, DeviceState, DeviceStatus, GatewayId, Kind,
    Place as Position, QuarantineSample, SiteId, StreamId, Text, WIRE_VERSION, WalkTestEnd,
    WalkTestPress, WalkTestResult,
};
use hub::cases::Role;
use hub::{config, secrets};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use super::super::harness::{
    Hub, Officer, PLAIN, alert, around, client_builder, eventually, heartbeat, populate, reading,
    write_files,
};
use super::super::notify::section;

/// Where something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Own,
    Other,
    /// A site that the directory does not know.
    Nowhere,
}

impl Place {
    pub(super) const ALL: [Place; 3] = [Place::Own, Place::Other, Place::Nowhere];

    /// What stands in every text there, and nowhere else.
    pub(super) const fn mark(self) -> &'static str {
        match self {
            Place::Own => "ownplace",
            Place::Other => "otherplace",
            Place::Nowhere => "nowhereplace",
        }
    }

    /// A value that only readings from there have.
    pub(super) const fn value(self) -> f64 {
        match self {
            Place::Own => 71.25,
            Place::Other => 82.75,
            Place::Nowhere => 93.5,
        }
    }

    /// The unit whose duty it is there.
    const fn unit(self) -> Option<&'static str> {
        match self {
            Place::Own => Some("unit-a"),
            Place::Other => Some("unit-b"),
            Place::Nowhere => None,
        }
    }
}

/// What a route is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thing {
    Area,
    Case,
    Gateway,
    Notification,
    Reading,
    Site,
    User,
}

/// Somebody who asks.
#[derive(Debug, Clone)]
pub(super) struct Viewer {
    pub(super) name: String,
    pub(super) role: Role,
    /// The grid that they work for; none for the whole tree.
    pub(super) area: Option<String>,
    pub(super) unit: Option<&'static str>,
}

impl Viewer {
    fn new(role: Role, area: Option<&str>, unit: Option<&'static str>) -> Self {
        let words = [area.unwrap_or("all"), unit.unwrap_or("no-unit")];
        Self {
            name: format!("{}.{}", role.as_str(), words.join(".")),
            role,
            area: area.map(str::to_owned),
            unit,
        }
    }

    fn is_of_a_unit(&self) -> bool {
        matches!(self.role, Role::Unit | Role::Handler)
    }

    fn covers(&self, place: Place) -> bool {
        let grid = grid(place);
        self.area.as_ref().is_none_or(|area| *area == grid && place != Place::Nowhere)
    }

    /// Whether they see what lies at a place: what they work for, or the area of their unit.
    pub(super) fn sees_place(&self, place: Place) -> bool {
        if self.is_of_a_unit() && (self.area.is_none() || self.unit.is_none()) {
            return self.unit.is_some() && place.unit() == self.unit;
        }
        self.covers(place)
    }

    /// Whether they see the case there: people of a unit only what their unit has.
    pub(super) fn sees_case(&self, place: Place) -> bool {
        let has_it = self.unit.is_some() && place.unit() == self.unit;
        self.covers(place) && (!self.is_of_a_unit() || has_it)
    }

    pub(super) fn sees(&self, thing: Thing, place: Place) -> bool {
        match thing {
            Thing::Case | Thing::Notification => self.sees_case(place),
            Thing::User => self.sees_case(place) && place != Place::Nowhere,
            Thing::Site | Thing::Area => self.sees_place(place) && place != Place::Nowhere,
            Thing::Gateway | Thing::Reading => self.sees_place(place),
        }
    }
}

/// Everybody: each role with either grid, with the whole tree, and with an area that is gone.
pub(super) fn viewers() -> Vec<Viewer> {
    let (own, other) = (grid(Place::Own), grid(Place::Other));
    let mut viewers = Vec::new();
    for role in Role::ALL.iter().copied() {
        if matches!(role, Role::Unit | Role::Handler) {
            viewers.push(Viewer::new(role, None, Some("unit-a")));
            viewers.push(Viewer::new(role, None, Some("unit-b")));
            viewers.push(Viewer::new(role, Some(&own), Some("unit-a")));
            viewers.push(Viewer::new(role, Some(&other), Some("unit-a")));
            viewers.push(Viewer::new(role, None, None));
        } else {
            for area in [Some(own.as_str()), Some(other.as_str()), None, Some("gone")] {
                viewers.push(Viewer::new(role, area, None));
            }
        }
    }
    viewers
}

fn grid(place: Place) -> String {
    format!("{}-grid", place.mark())
}

fn site(place: Place) -> SiteId {
    SiteId::new(format!("{}-site", place.mark())).unwrap()
}

/// See the file's page.
pub(super) struct World {
    pub(super) hub: Hub,
    /// Keys of the gateways.
    pub(super) keys: BTreeMap<Place, String>,
    tokens: BTreeMap<String, String>,
    cases: BTreeMap<Place, (i64, String)>,
    notifications: BTreeMap<Place, String>,
}

impl World {
    pub(super) async fn new() -> World {
        let dir = TempDir::new().unwrap();
        let path = write_files(dir.path(), PLAIN);
        std::fs::write(dir.path().join("areas.toml"), areas()).unwrap();
        std::fs::write(dir.path().join("sites.toml"), sites()).unwrap();
        std::fs::write(dir.path().join("hook.key"), "a key of a receiver that is down").unwrap();
        let mut loaded = config::load(&path).unwrap();
        // Every notification is given up at once: nobody listens on the port of discarded bytes.
        let channel = format!(
            "[[channel]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9/\"\nsecret_file = \"{}\"\n",
            dir.path().join("hook.key").display()
        );
        loaded.config.notify = section(&channel);
        loaded.config.notify.attempts_max = 1;
        let key = populate(&loaded.config).await;
        let hub = Hub::run(dir, loaded, key, client_builder().build().unwrap()).await;
        let mut world = World {
            hub,
            keys: BTreeMap::new(),
            tokens: BTreeMap::new(),
            cases: BTreeMap::new(),
            notifications: BTreeMap::new(),
        };
        world.add_people_and_gateways().await;
        for place in Place::ALL {
            world.fill(place).await;
        }
        world.find_notifications().await;
        world
    }

    async fn add_people_and_gateways(&mut self) {
        let mut store = around(&self.hub.store).await;
        let now = hub::now().unix_ms();
        for viewer in viewers() {
            sqlx::query("INSERT INTO users (name, display_name, role, password_hash, created_at, unit, area) VALUES ($1, $1, $2, 'none', $3, $4, $5)")
                .bind(&viewer.name)
                .bind(viewer.role.as_str())
                .bind(now)
                .bind(viewer.unit)
                .bind(&viewer.area)
                .execute(&mut store)
                .await
                .unwrap();
            let token = secrets::random_token();
            sqlx::query("INSERT INTO sessions (token_hash, username, created_at, last_seen_at, expires_at) VALUES ($1, $2, $3, $3, $4)")
                .bind(secrets::token_hash(&token))
                .bind(&viewer.name)
                .bind(now)
                .bind(now + 3_600_000)
                .execute(&mut store)
                .await
                .unwrap();
            self.tokens.insert(viewer.name, token);
        }
        for place in Place::ALL {
            let key = secrets::random_token();
            sqlx::query("INSERT INTO gateways (id, site, key_hash, added_at) VALUES ($1, $2, $3, $4)")
                .bind(gateway(place).as_str())
                .bind(site(place).as_str())
                .bind(secrets::token_hash(&key))
                .bind(now)
                .execute(&mut store)
                .await
                .unwrap();
            self.keys.insert(place, key);
        }
    }

    /// A session without the cost of a password.
    pub(super) fn sign_in(&self, viewer: &Viewer) -> Officer {
        Officer {
            cookie: format!("gw_session={}", self.tokens[&viewer.name]),
            url: self.hub.url(""),
            client: self.hub.client.clone(),
        }
    }

    pub(super) fn root(&self) -> Officer {
        self.sign_in(&Viewer::new(Role::Administrator, None, None))
    }

    /// Sends as the gateway of a place; must be taken.
    pub(super) async fn send(&self, place: Place, path: &str, body: &Value) {
        let request = self.hub.client.post(self.hub.url(path)).bearer_auth(&self.keys[&place]);
        let response = request.json(body).send().await.unwrap();
        let status = response.status();
        assert_eq!(status, 200, "{path}: {}", response.text().await.unwrap());
    }

    async fn fill(&mut self, place: Place) {
        self.send(place, "/v1/heartbeats", &beat(place)).await;
        let first = alert_at(place, 1);
        self.send(place, "/v1/batches", &messages(place, vec![first.clone()])).await;
        self.send(place, "/v1/commissionings", &record(place, &first)).await;
        let root = self.root();
        let page = root.get("/api/v1/cases?state=all&limit=1").await;
        let case = &page["items"][0];
        let (id, number) = (case["id"].as_i64().unwrap(), case["number"].as_str().unwrap());
        self.cases.insert(place, (id, number.to_owned()));
        // An urgent case goes to the unit whose duty it is as soon as it is filed.
        let filed = root.does(id, "file", json!({ "condition": "alarm_stands" })).await;
        assert_eq!(filed["unit"]["code"].as_str(), place.unit(), "{filed}");
        let device = device(place);
        eventually("the readings are in the history", || async {
            let path = format!("/api/v1/readings?device={device}&kind=smoke");
            let found = root.get(&path).await["points"].as_array().unwrap().len();
            (found > 0).then_some(())
        })
        .await;
    }

    async fn find_notifications(&mut self) {
        let root = self.root();
        for place in Place::ALL {
            let path = format!("/api/v1/notifications?state=dead&limit=1&case={}", self.cases[&place].0);
            let id = eventually("a notification that was given up", || async {
                root.get(&path).await["items"][0]["id"].as_str().map(str::to_owned)
            });
            let id = id.await;
            self.notifications.insert(place, id);
        }
    }

    /// The id of a thing of a place, for the `{id}` of a path.
    pub(super) fn id(&self, thing: Thing, place: Place) -> String {
        match thing {
            Thing::Case => self.cases[&place].0.to_string(),
            Thing::Gateway => gateway(place).to_string(),
            Thing::Notification => self.notifications[&place].clone(),
            Thing::Site => site(place).to_string(),
            Thing::Area => grid(place),
            Thing::Reading => device(place),
            Thing::User => Viewer::new(Role::Supervisor, Some(&grid(place)), None).name,
        }
    }

    /// What stands for other names in braces.
    pub(super) fn parameter(&self, name: &str, place: Place) -> String {
        match name {
            "device" => device(place),
            "topic" => topic(place),
            "name" => "no-such-channel".to_owned(),
            "sha256" => "0".repeat(64),
            "table" => "areas".to_owned(),
            "resource" => "services.json".to_owned(),
            "report" | "hub" | "key" | "area" | "username" => "nothing".to_owned(),
            "id" | "epoch" | "case" => "999999".to_owned(),
            other => panic!("say in `World::parameter` what `{{{other}}}` stands for"),
        }
    }

    /// Texts that an answer has only when it tells something of this place.
    pub(super) fn marks(&self, place: Place) -> [String; 3] {
        let number = self.cases[&place].1.clone();
        [place.mark().to_owned(), place.value().to_string(), number]
    }
}

pub(super) fn gateway(place: Place) -> GatewayId {
    GatewayId::new(format!("{}-gateway", place.mark())).unwrap()
}

fn device(place: Place) -> String {
    format!("{}-detector", place.mark())
}

fn topic(place: Place) -> String {
    format!("{}/unknown", place.mark())
}

fn areas() -> String {
    let area = |code: &str, parent: &str, level: &str| {
        let parent = if parent.is_empty() { String::new() } else { format!("parent = \"{parent}\"\n") };
        format!("[[area]]\ncode = \"{code}\"\n{parent}level = \"{level}\"\nname = {{ zh = \"{code}\", en = \"{code}\" }}\n")
    };
    let unit = |code: &str, area: &str| {
        format!("[[unit]]\ncode = \"{code}\"\nname = {{ zh = \"{code}\", en = \"{code}\" }}\nkind = \"property\"\narea = \"{area}\"\n")
    };
    let (own, other) = (grid(Place::Own), grid(Place::Other));
    [
        area("city", "", "city"),
        area("district", "city", "district"),
        area("street", "district", "street"),
        area("community", "street", "community"),
        area(&own, "community", "grid"),
        area(&other, "community", "grid"),
        unit("unit-a", &own),
        unit("unit-b", &other),
    ]
    .concat()
}

fn sites() -> String {
    let site = |place: Place| {
        let (id, grid, mark) = (site(place), grid(place), place.mark());
        format!("[[site]]\nid = \"{id}\"\nname = {{ zh = \"{mark}\", en = \"{mark}\" }}\ngrid = \"{grid}\"\naddress = {{ zh = \"{mark}\", en = \"{mark}\" }}\nlat = 23.0\nlon = 113.0\n")
    };
    site(Place::Own) + &site(Place::Other)
}

fn position(place: Place) -> Position {
    Position {
        building: Some(format!("{} house", place.mark())),
        ..Position::default()
    }
}

pub(super) fn alert_at(place: Place, sequence: u64) -> Alert {
    let mut one = alert(sequence, &device(place), Kind::Smoke);
    one.site = site(place);
    one.place = position(place);
    let why = format!("{} reason", place.mark());
    one.reason = Text { zh: why.clone(), en: why };
    one
}

fn stream_of(place: Place) -> StreamId {
    StreamId(Uuid::from_u128(0x6f1c_7a3e_1d0e_4c39_9a53_0000_0000_0000 + place as u128))
}

pub(super) fn messages(place: Place, alerts: Vec<Alert>) -> Value {
    let now = hub::now();
    let batch = Batch {
        version: WIRE_VERSION,
        gateway: gateway(place),
        stream: stream_of(place),
        boot_epoch: 1,
        sent_at: now,
        alerts,
        readings: vec![reading(&device(place), Kind::Smoke, place.value(), now)],
        gaps: vec![],
    };
    serde_json::to_value(batch).unwrap()
}

pub(super) fn beat(place: Place) -> Value {
    let mut beat = heartbeat(1, 1, 1);
    beat.gateway = gateway(place);
    beat.site = site(place);
    beat.stream = stream_of(place);
    beat.devices = vec![DeviceStatus {
        device: device(place).parse().unwrap(),
        profile: None,
        known: true,
        state: DeviceState::Online,
        last_seen: None,
        place: position(place),
        kinds: vec![Kind::Smoke],
    }];
    beat.quarantine = vec![QuarantineSample {
        source: topic(place),
        reason: format!("{} nothing reads it", place.mark()),
        sample: "{\"x\":1}".into(),
        count: 1,
        last_seen: hub::now(),
    }];
    serde_json::to_value(beat).unwrap()
}

pub(super) fn record(place: Place, of: &Alert) -> Value {
    let now = hub::now();
    let record = CommissioningRecord {
        version: WIRE_VERSION,
        id: CommissioningId(Uuid::now_v7()),
        gateway: Some(gateway(place)),
        site: site(place),
        by: format!("{} installer", place.mark()),
        agent_version: "0.1.0".into(),
        started_at: now,
        ended_at: now.plus_ms(1_000),
        clock: of.clock,
        ended_because: WalkTestEnd::Asked,
        chosen: vec![],
        expect_all: true,
        tested: vec![WalkTestPress {
            device: of.device.clone(),
            place: position(place),
            kind: of.kind,
            alert: of.id,
            device_time: None,
            received_at: now,
            accepted_at: Some(now),
            sensor_to_agent_ms: None,
            agent_to_hub_ms: Some(1),
            refused: None,
        }],
        presses_not_listed: 0,
        missing: vec![],
        missing_not_listed: 0,
        result: WalkTestResult::Passed,
    };
    serde_json::to_value(record).unwrap()
}
