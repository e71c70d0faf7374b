//! Who may do what where: every route for every role with either area, with the whole tree and with none,
//! against a written table; answers, streams and lists are searched for whatever lies elsewhere.

mod feed;
mod table;
mod world;

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::Officer;
use table::{ROUTES, Route, Shows, Who};
use world::{Place, Thing, Viewer, World, alert_at, messages, viewers};

/// A hub that is busy is asked again this often, a tenth of a second apart.
const BUSY_TRIES: usize = 50;

#[test]
fn table_has_one_line_for_each_route() {
    let described: Value = serde_json::from_str(&hub::api::openapi().to_json().unwrap()).unwrap();
    let mut routes = BTreeSet::new();
    for (path, item) in described["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            routes.insert((path.clone(), method.clone()));
        }
    }
    let mut lines = BTreeSet::new();
    for route in ROUTES {
        let line = (route.path.to_owned(), route.method.to_owned());
        assert!(lines.insert(line.clone()), "{line:?} has two lines");
    }
    let missing: Vec<_> = routes.difference(&lines).collect();
    let gone: Vec<_> = lines.difference(&routes).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "routes that need a line in hub/tests/it/rights/table.rs: {missing:?}\nlines without a route: {gone:?}"
    );
}

#[tokio::test]
async fn every_route_gives_every_role_what_lies_in_its_area_and_nothing_else() {
    let world = World::new().await;
    let asked = join_all(viewers().iter().map(|viewer| ask_everything(&world, viewer))).await;
    let wrong: Vec<String> = asked.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{} cells are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Every route, for one viewer; tells what is wrong.
async fn ask_everything(world: &World, viewer: &Viewer) -> Vec<String> {
    let officer = world.sign_in(viewer);
    let mut wrong = Vec::new();
    let (last, first): (Vec<&Route>, Vec<&Route>) = ROUTES
        .iter()
        .partition(|route| (route.method, route.path) == ("delete", "/api/v1/session"));
    for route in first.into_iter().chain(last) {
        if matches!(route.shows, Shows::Feed) || matches!(route.who, Who::Gateways | Who::Children) {
            continue;
        }
        let places: &[Place] = match route.shows {
            Shows::One(_) | Shows::Part(_) => &Place::ALL,
            _ => &[Place::Own],
        };
        for place in places {
            if let Err(why) = ask(world, viewer, &officer, route, *place).await {
                wrong.push(format!("{}: {} {}, {place:?}: {why}", viewer.name, route.method, route.path));
            }
        }
    }
    wrong
}

async fn ask(
    world: &World,
    viewer: &Viewer,
    officer: &Officer,
    route: &Route,
    place: Place,
) -> Result<(), String> {
    let (status, body) = send(officer, route, &address(world, route, place)).await;
    let may = match route.who {
        Who::Officers(roles) => roles.contains(&viewer.role),
        Who::Anybody => true,
        Who::Gateways | Who::Children => false,
    };
    let there = match route.shows {
        Shows::One(thing) => viewer.sees(thing, place),
        _ => true,
    };
    let expected: &[u16] = match (may, there) {
        (true, true) => route.inside,
        (true, false) => &[404],
        (false, true) => &[403],
        // Whichever is looked at first; neither tells whether it is there.
        (false, false) => &[403, 404],
    };
    if !expected.contains(&status) {
        return Err(format!("{status} instead of {expected:?}: {body}"));
    }
    if (200..300).contains(&status) {
        search(world, viewer, route, place, &body)?;
    }
    Ok(())
}

/// Whether the answer has what is seen, and nothing that is not.
fn search(
    world: &World,
    viewer: &Viewer,
    route: &Route,
    place: Place,
    body: &str,
) -> Result<(), String> {
    // What a request itself says, its answer may say again.
    let said = [world.parameter("device", place), world.parameter("topic", place)];
    let asked_for = if matches!(route.shows, Shows::Part(_)) { &said[..] } else { &[] };
    let told = asked_for.iter().fold(body.to_owned(), |body, said| body.replace(said, ""));
    for other in Place::ALL {
        let (sees, all, asked) = match route.shows {
            Shows::List(thing) => (viewer.sees(thing, other), true, true),
            Shows::One(thing) | Shows::Part(thing) => (viewer.sees(thing, other), false, other == place),
            Shows::Nothing | Shows::Feed => {
                (viewer.sees_case(other) || viewer.sees_place(other), false, false)
            }
        };
        let found: Vec<String> = world.marks(other).into_iter().filter(|mark| told.contains(mark)).collect();
        if !sees && !found.is_empty() {
            return Err(format!("tells of {other:?} ({found:?}): {body}"));
        }
        let must = match route.shows {
            Shows::List(_) => sees && all,
            Shows::Part(_) => sees && asked,
            _ => false,
        };
        if must && found.is_empty() {
            return Err(format!("does not tell of {other:?}: {body}"));
        }
    }
    Ok(())
}

/// The address with what stands for the names in braces.
fn address(world: &World, route: &Route, place: Place) -> String {
    let mut address = route.path.to_owned();
    if let Shows::One(thing) | Shows::Part(thing) | Shows::List(thing) = route.shows {
        address = address.replacen("{id}", &world.id(thing, place), 1);
    }
    if !route.query.is_empty() {
        address = format!("{address}?{}", route.query);
    }
    while let Some((before, rest)) = address.split_once('{') {
        let (name, after) = rest.split_once('}').expect("a brace that opens closes");
        address = format!("{before}{}{after}", world.parameter(name, place));
    }
    address
}

/// Asks; whoever is told to come again because others send files at the same time does so.
async fn send(officer: &Officer, route: &Route, address: &str) -> (u16, String) {
    for _ in 0..BUSY_TRIES {
        let (status, text) = send_once(officer, route, address).await;
        if status != 503 {
            return (status, text);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    send_once(officer, route, address).await
}

async fn send_once(officer: &Officer, route: &Route, address: &str) -> (u16, String) {
    let method = Method::from_bytes(route.method.to_uppercase().as_bytes()).unwrap();
    let mut request = officer.request(method, address);
    if let Some(body) = route.body {
        request = request.header("content-type", "application/json").body(body);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.text().await.unwrap())
}

#[tokio::test]
async fn every_action_is_for_its_roles_and_for_who_sees_the_case() {
    let world = World::new().await;
    let check = async |viewer: Viewer| {
        let officer = world.sign_in(&viewer);
        let mut wrong = Vec::new();
        for place in [Place::Own, Place::Other] {
            let case = world.id(Thing::Case, place).parse().unwrap();
            for row in hub::cases::table::TABLE {
                let action = row.action.as_str();
                let (status, _) = officer.act(case, action, 1_000_000).await;
                // Past the rights, the version is in the way.
                let expected = match (viewer.sees_case(place), row.roles.contains(&viewer.role)) {
                    (false, _) => 404,
                    (true, true) => 409,
                    (true, false) => 403,
                };
                if status.as_u16() != expected {
                    wrong.push(format!("{}: {action}, {place:?}: {status}, not {expected}", viewer.name));
                }
            }
        }
        wrong
    };
    let wrong: Vec<String> = join_all(viewers().into_iter().map(check)).await.concat();
    assert!(wrong.is_empty(), "{} cells are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn without_a_session_and_with_the_wrong_kind_of_key_nothing_is_answered() {
    let world = World::new().await;
    let hub = &world.hub;
    let root = world.root();
    let nobody = Officer { cookie: "gw_session=nobody".to_owned(), ..root.clone() };
    for route in ROUTES {
        let address = address(&world, route, Place::Own);
        let method = Method::from_bytes(route.method.to_uppercase().as_bytes()).unwrap();
        let as_gateway = hub
            .client
            .request(method.clone(), hub.url(&address))
            .header("x-gridwatch-request", "1")
            .bearer_auth(&world.keys[&Place::Own]);
        match route.who {
            Who::Anybody => {
                let (status, body) = send(&nobody, route, &address).await;
                assert!(route.inside.contains(&status), "{address}: {status} {body}");
            }
            Who::Officers(_) => {
                let (status, body) = send(&nobody, route, &address).await;
                assert_eq!(status, 401, "nobody, {} {address}: {body}", route.method);
                let status = as_gateway.send().await.unwrap().status();
                assert_eq!(status, 401, "a gateway, {} {address}", route.method);
            }
            Who::Gateways | Who::Children => {
                let (status, body) = send(&root, route, &address).await;
                assert_eq!(status, 401, "an officer, {} {address}: {body}", route.method);
            }
        }
    }
}

#[tokio::test]
async fn gateway_speaks_for_itself_alone() {
    let world = World::new().await;
    let hub = &world.hub;
    let before = world.root().get("/api/v1/cases?state=all&drills=with").await;
    for route in ROUTES.iter().filter(|route| matches!(route.who, Who::Gateways)) {
        let mut body = messages(Place::Own, vec![alert_at(Place::Own, 9)]);
        body["gateway"] = json!(world.id(Thing::Gateway, Place::Own));
        let send = async |body: &Value| {
            let request = hub.client.post(hub.url(route.path)).bearer_auth(&world.keys[&Place::Other]);
            request.json(body).send().await.unwrap().status()
        };
        let body = match route.path {
            "/v1/batches" => body,
            "/v1/heartbeats" => world::beat(Place::Own),
            "/v1/commissionings" => world::record(Place::Own, &alert_at(Place::Own, 9)),
            other => panic!("say here what `{other}` takes"),
        };
        assert_eq!(send(&body).await, StatusCode::FORBIDDEN, "{}", route.path);
    }
    let after = world.root().get("/api/v1/cases?state=all&drills=with").await;
    assert_eq!(before["items"], after["items"], "nothing was stored");
}
