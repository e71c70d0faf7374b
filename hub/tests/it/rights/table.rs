//! Who may use each route and what somebody of another area gets: one line for each route. A route that is
//! missing here fails the test, and so does a line without a route.

use hub::cases::Role;

use super::world::Thing;

/// Who may use a route.
#[derive(Clone, Copy)]
pub(super) enum Who {
    /// Anybody, signed in or not.
    Anybody,
    /// Officers of these roles; others get 403.
    Officers(&'static [Role]),
    /// Gateways, each for itself.
    Gateways,
    /// Child hubs, each for itself: asked in `parent`.
    Children,
}

/// What a route shows of places.
#[derive(Clone, Copy)]
pub(super) enum Shows {
    /// Nothing that lies anywhere.
    Nothing,
    /// What the caller sees; whatever lies elsewhere is not in the answer.
    List(Thing),
    /// One thing; it is not there (404) for who does not see it.
    One(Thing),
    /// What the query asks for; nothing of it for who does not see it.
    Part(Thing),
    /// The live feed, which has tests of its own.
    Feed,
}

/// A route with its cell for every caller.
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) who: Who,
    pub(super) shows: Shows,
    /// Query with `{name}` for what [`super::world::World::parameter`] knows.
    pub(super) query: &'static str,
    /// Body of a changing request.
    pub(super) body: Option<&'static str>,
    /// Statuses for who may and sees it. A change is asked for so that it is refused after the rights were
    /// looked at: nothing here changes what the next request finds.
    pub(super) inside: &'static [u16],
}

impl Route {
    const fn query(mut self, query: &'static str) -> Self {
        self.query = query;
        self
    }

    const fn body(mut self, body: &'static str) -> Self {
        self.body = Some(body);
        self
    }

    const fn gives(mut self, inside: &'static [u16]) -> Self {
        self.inside = inside;
        self
    }
}

const fn route(method: &'static str, path: &'static str, who: Who, shows: Shows) -> Route {
    Route {
        method,
        path,
        who,
        shows,
        query: "",
        body: None,
        inside: &[200],
    }
}

const fn get(path: &'static str, who: Who, shows: Shows) -> Route {
    route("get", path, who, shows)
}

const fn post(path: &'static str, who: Who, shows: Shows) -> Route {
    route("post", path, who, shows)
}

const fn put(path: &'static str, who: Who, shows: Shows) -> Route {
    route("put", path, who, shows)
}

const fn delete(path: &'static str, who: Who, shows: Shows) -> Route {
    route("delete", path, who, shows)
}

const ALL: Who = Who::Officers(Role::ALL);
const ADMINISTRATOR: Who = Who::Officers(&[Role::Administrator]);
/// Everybody but the auditor writes notes; which role does which action to a case is `cases::table`, asked
/// action by action in a test of its own.
const NOTERS: Who = Who::Officers(&[
    Role::DutyOfficer,
    Role::ShiftLeader,
    Role::Dispatcher,
    Role::Unit,
    Role::Handler,
    Role::Checker,
    Role::Supervisor,
    Role::Leader,
    Role::Administrator,
]);

/// Everybody but the auditor reports what they see and brings evidence.
const TELLERS: Who = NOTERS;
/// Who works in the office.
const OFFICE: Who = Who::Officers(&[
    Role::DutyOfficer,
    Role::ShiftLeader,
    Role::Dispatcher,
    Role::Supervisor,
    Role::Administrator,
]);
const AUDITORS: Who = Who::Officers(&[Role::Auditor, Role::Administrator]);
const SILENCERS: Who = Who::Officers(&[
    Role::ShiftLeader,
    Role::Supervisor,
    Role::Leader,
    Role::Administrator,
]);

use Shows::{Feed, List, Nothing, One, Part};
use Thing::{Area, Case, Gateway, Notification, Reading, Site, User};
use Who::{Anybody, Children, Gateways};

#[rustfmt::skip]
pub(super) const ROUTES: &[Route] = &[
    get("/api/v1/areas", ALL, List(Area)),
    get("/api/v1/calendar", ALL, Nothing).query("year=2026"),
    get("/api/v1/calendar/warnings", ADMINISTRATOR, Nothing),
    get("/api/v1/cases", ALL, List(Case)),
    get("/api/v1/cases/{id}", ALL, One(Case)),
    post("/api/v1/cases/{id}/actions", NOTERS, One(Case)).body(r#"{"action":"note","reason":"x","version":1000000}"#).gives(&[409]),
    get("/api/v1/cases/{id}/clocks", ALL, One(Case)),
    get("/api/v1/cases/{id}/series", ALL, One(Case)),
    get("/api/v1/catalogue", ALL, Nothing),
    get("/api/v1/events", ALL, Feed),
    get("/api/v1/gateways", ALL, List(Gateway)),
    get("/api/v1/gateways/{id}/commissionings", ALL, One(Gateway)),
    get("/api/v1/gateways/{id}/devices", ALL, One(Gateway)),
    get("/api/v1/gateways/{id}/models", ALL, One(Gateway)),
    get("/api/v1/gateways/{id}/quarantine", ALL, One(Gateway)),
    get("/api/v1/gateways/{id}/quarantine/profile", ALL, One(Gateway)).query("source={topic}"),
    get("/api/v1/notifications", ADMINISTRATOR, List(Notification)).query("limit=200"),
    get("/api/v1/notifications/channels", ADMINISTRATOR, Nothing),
    post("/api/v1/notifications/channels/{name}/test", ADMINISTRATOR, Nothing).gives(&[404]),
    post("/api/v1/notifications/{id}/retry", ADMINISTRATOR, One(Notification)).gives(&[202, 409]),
    get("/api/v1/openapi.json", Anybody, Nothing),
    get("/api/v1/readings", ALL, Part(Reading)).query("device={device}&kind=smoke"),
    get("/api/v1/session", ALL, Nothing),
    post("/api/v1/session", Anybody, Nothing).body(r#"{"username":"nobody","password":"wrong"}"#).gives(&[401, 429]),
    // Asked for last: it ends the session.
    delete("/api/v1/session", ALL, Nothing).gives(&[204]),
    get("/api/v1/parent", ALL, Nothing),
    get("/api/v1/sites", ALL, List(Site)),
    get("/api/v1/statistics/load", ALL, Nothing),
    get("/api/v1/users", ADMINISTRATOR, List(User)),
    get("/api/v1/audit", AUDITORS, Nothing),
    get("/api/v1/audit.csv", AUDITORS, Nothing),
    // 403 for auditors of an area: a chain is everybody's.
    post("/api/v1/audit/verify", AUDITORS, Nothing).body(r#"{"chain":"x"}"#).gives(&[403, 422]),
    post("/api/v1/cases", TELLERS, Nothing).body("{}").gives(&[422]),
    get("/api/v1/cases/{id}/evidence", ALL, One(Case)),
    get("/api/v1/cases/{id}/evidence/{sha256}", ALL, One(Case)).gives(&[404]),
    put("/api/v1/cases/{id}/evidence/{sha256}", TELLERS, One(Case)).body("{}").gives(&[415, 422]),
    get("/api/v1/cases/{id}/reports", ALL, One(Case)),
    post("/api/v1/cases/{id}/reports", TELLERS, One(Case)).body(r#"{"category":"other","description":"x","site":"no-such-site"}"#).gives(&[404, 422]),
    post("/api/v1/cases/{id}/reports/{report}/rating", OFFICE, One(Case)).body(r#"{"rating":3}"#).gives(&[404]),
    post("/api/v1/cases/{id}/reports/{report}/reveal", OFFICE, One(Case)).body(r#"{"reason":"x"}"#).gives(&[404]),
    post("/api/v1/cases/{id}/reveals", ALL, One(Case)).body(r#"{"what":"evidence","reason":"look"}"#).gives(&[201]),
    get("/api/v1/cases/{id}/similar", ALL, One(Case)),
    post("/api/v1/cases/{id}/split", OFFICE, One(Case)).body(r#"{"alerts":[],"reason":"x","version":1000000}"#).gives(&[409, 422]),
    get("/api/v1/children", ALL, Nothing),
    get("/api/v1/children/cases", ALL, Nothing),
    get("/api/v1/children/{hub}/cases/{epoch}/{case}", ALL, Nothing).gives(&[404]),
    post("/api/v1/children/{hub}/cases/{epoch}/{case}/commands", ALL, Nothing).body("{}").gives(&[403, 404, 422]),
    get("/api/v1/children/{hub}/heads", ALL, Nothing).gives(&[403, 404]),
    get("/api/v1/contacts", ALL, Nothing).query("place_kind=site&place=nothing"),
    get("/api/v1/directory", ADMINISTRATOR, Nothing),
    put("/api/v1/directory", ADMINISTRATOR, Nothing).body("{}").gives(&[428]),
    get("/api/v1/directory/at", ALL, Nothing).query("lat=1&lon=1"),
    get("/api/v1/directory/outlines", ADMINISTRATOR, Nothing),
    put("/api/v1/directory/outlines", ADMINISTRATOR, Nothing).body("{}").gives(&[428]),
    get("/api/v1/directory/risk-areas", ADMINISTRATOR, Nothing),
    put("/api/v1/directory/risk-areas", ADMINISTRATOR, Nothing).body("{}").gives(&[428]),
    get("/api/v1/directory/unassigned", ALL, Nothing),
    get("/api/v1/directory/{table}", ADMINISTRATOR, Nothing),
    put("/api/v1/directory/{table}", ADMINISTRATOR, Nothing).body("{}").gives(&[428]),
    delete("/api/v1/directory/{table}/{key}", ADMINISTRATOR, Nothing).gives(&[428]),
    put("/api/v1/directory/{table}/{key}", ADMINISTRATOR, Nothing).body("{}").gives(&[428]),
    get("/api/v1/duty", ALL, Nothing),
    post("/api/v1/duty/console", ALL, Nothing).body(r#"{"console":"c","armed":true,"visible":true}"#).gives(&[204]),
    get("/api/v1/duty/shifts.ics", ALL, Nothing),
    post("/api/v1/duty/takeover", ALL, Nothing).body(r#"{"area":"nothing","note":""}"#).gives(&[404, 422]),
    get("/api/v1/duty/takeovers", ALL, Nothing),
    get("/api/v1/floods", ALL, Nothing),
    get("/api/v1/map", ALL, Nothing),
    // The harness has no tiles.
    get("/api/v1/map/tiles.pmtiles", ALL, Nothing).gives(&[404]),
    get("/api/v1/map/workers", OFFICE, Nothing),
    get("/api/v1/reports/alarms", ALL, Nothing),
    get("/api/v1/reports/areas", ALL, Nothing),
    get("/api/v1/reports/cases", ALL, Nothing),
    get("/api/v1/reports/officers", ALL, Nothing),
    get("/api/v1/reports/units", ALL, Nothing),
    get("/api/v1/rosters", ALL, Nothing),
    get("/api/v1/rosters/{area}", ALL, Nothing).gives(&[404]),
    put("/api/v1/rosters/{area}", ALL, Nothing).body(r#"{"version":0,"roster":{"area":"nothing"}}"#).gives(&[403, 404, 422]),
    delete("/api/v1/rosters/{area}", ALL, Nothing).query("version=1").gives(&[403, 404]),
    post("/api/v1/session/password", ALL, Nothing).body(r#"{"current":"wrong","new":"short"}"#).gives(&[403, 422, 429]),
    get("/api/v1/silences", ALL, Nothing),
    post("/api/v1/silences", SILENCERS, Nothing).body(r#"{"why":"","until":"2026-01-01T00:00:00Z"}"#).gives(&[422]),
    delete("/api/v1/silences/{id}", SILENCERS, Nothing).query("version=1").gives(&[404]),
    get("/api/v1/statistics/today", ALL, Nothing),
    post("/api/v1/users", ADMINISTRATOR, Nothing).body("{}").gives(&[422]),
    get("/api/v1/users/{username}", ADMINISTRATOR, Nothing).gives(&[404]),
    put("/api/v1/users/{username}", ADMINISTRATOR, Nothing).body(r#"{"display_name":"x","role":"auditor"}"#).gives(&[404, 428]),
    post("/api/v1/users/{username}/disable", ADMINISTRATOR, Nothing).gives(&[404]),
    post("/api/v1/users/{username}/enable", ADMINISTRATOR, Nothing).gives(&[404]),
    put("/api/v1/users/{username}/password", ADMINISTRATOR, Nothing).body("{}").gives(&[404]),
    // Shut until the configuration opens them.
    post("/intake/alertmanager", Anybody, Nothing).body("{}").gives(&[401, 404]),
    post("/intake/pagerduty/v2/enqueue", Anybody, Nothing).body("{}").gives(&[400, 404]),
    get("/open311/v2/{resource}", Anybody, Nothing).gives(&[404]),
    post("/open311/v2/{resource}", Anybody, Nothing).body("{}").gives(&[400]),
    get("/open311/v2/{resource}/{id}", Anybody, Nothing).gives(&[404]),
    post("/v1/children/batches", Children, Nothing),
    post("/v1/children/heartbeats", Children, Nothing),
    get("/healthz", Anybody, Nothing),
    // From this machine; from elsewhere for administrators.
    get("/metrics", Anybody, Nothing),
    post("/v1/batches", Gateways, Nothing),
    post("/v1/commissionings", Gateways, Nothing),
    post("/v1/heartbeats", Gateways, Nothing),
];
