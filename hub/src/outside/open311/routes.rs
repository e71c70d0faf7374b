//! The addresses of GeoReport v2. Every answer, refusals too, has the form that its address ends in.

use std::time::Instant;

use axum::extract::rejection::RawFormRejection;
use axum::extract::{Path, RawForm, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use sha2::{Digest, Sha256};

use super::Refusal;
use super::answers::{self, Request};
use super::filter::{self, Filter};
use super::form::{self, Pairs};
use super::format::{Document, Format};
use crate::access::Scope;
use crate::api::App;
use crate::api::extract::Peer;
use crate::engine::JobError;
use crate::notify::text::Language;
use crate::outside::keys::{KeyRow, Kind};
use crate::outside::matter::{OnNearby, Teller};
use crate::outside::tasks::{ReportMatter, Reported};
use crate::store::StoreError;

/// Longest idempotency key, in bytes.
const KEY_MAX: usize = 200;

/// A request on its way through this door.
struct Visit {
    app: App,
    format: Format,
    language: Language,
    pairs: Pairs,
    key: Option<KeyRow>,
}

type Answered = Result<Response, Refusal>;

/// A list: `services`, `requests` or `discovery`, as `.json` or `.xml`. Lists of requests take
/// `service_request_id`, `service_code`, `start_date`, `end_date` and `status`; at most 1,000 are given.
#[utoipa::path(get, path = "/open311/v2/{resource}", tag = "open311", params(
    ("resource" = String, Path, description = "`services.json`, `requests.json`, `discovery.json`, or the same with `.xml`"),
), responses(
    (status = 200, description = "As GeoReport v2 has it", content((serde_json::Value = "application/json"), (String = "text/xml"))),
    (status = 400, description = "A list of `code` and `description`", content((serde_json::Value = "application/json"), (String = "text/xml"))),
    (status = 403, description = "A list of `code` and `description`", content((serde_json::Value = "application/json"), (String = "text/xml"))),
    (status = 404, description = "A list of `code` and `description`", content((serde_json::Value = "application/json"), (String = "text/xml"))),
    (status = 429, description = "A list of `code` and `description`", content((serde_json::Value = "application/json"), (String = "text/xml"))),
    (status = 503, description = "A list of `code` and `description`", content((serde_json::Value = "application/json"), (String = "text/xml"))),
))]
pub async fn list(
    State(app): State<App>,
    Peer(peer): Peer,
    Path(file): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let pairs = Pairs::read(query.unwrap_or_default().as_bytes());
    let visit = enter(app, peer.ip(), &file, pairs, &headers).await;
    let list = async {
        let (visit, name) = visit?;
        match name {
            "services" => Ok(visit.services()),
            "requests" => visit.requests().await,
            "discovery" => Ok(visit.discovery()),
            _ => Err(not_found(&file)),
        }
    };
    either(list.await, &file)
}

/// One thing: `services/{code}`, `requests/{id}` or `tokens/{id}`, as `.json` or `.xml`.
#[utoipa::path(get, path = "/open311/v2/{resource}/{id}", tag = "open311", params(
    ("resource" = String, Path, description = "`services`, `requests` or `tokens`"),
    ("id" = String, Path, description = "Its code or id with `.json` or `.xml`"),
), responses(
    (status = 200, description = "As GeoReport v2 has it", content((serde_json::Value = "application/json"), (String = "text/xml"))),
    (status = 400, description = "A list of `code` and `description`", content((serde_json::Value = "application/json"), (String = "text/xml"))),
    (status = 403, description = "A list of `code` and `description`", content((serde_json::Value = "application/json"), (String = "text/xml"))),
    (status = 404, description = "A list of `code` and `description`", content((serde_json::Value = "application/json"), (String = "text/xml"))),
    (status = 429, description = "A list of `code` and `description`", content((serde_json::Value = "application/json"), (String = "text/xml"))),
    (status = 503, description = "A list of `code` and `description`", content((serde_json::Value = "application/json"), (String = "text/xml"))),
))]
pub async fn one(
    State(app): State<App>,
    Peer(peer): Peer,
    Path((resource, file)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let pairs = Pairs::read(query.unwrap_or_default().as_bytes());
    let visit = enter(app, peer.ip(), &file, pairs, &headers).await;
    let one = async {
        let (visit, id) = visit?;
        match resource.as_str() {
            "services" => visit.definition(id),
            "requests" => visit.request(id).await,
            "tokens" => visit.token(id).await,
            _ => Err(not_found(&resource)),
        }
    };
    either(one.await, &file)
}

/// A new request, form-encoded, with `api_key`: `POST /open311/v2/requests.json` or `.xml`. The same
/// request from the same key within some minutes is one request; with an `Idempotency-Key` for good.
#[utoipa::path(post, path = "/open311/v2/{resource}", tag = "open311", params(
    ("resource" = String, Path, description = "`requests.json` or `requests.xml`"),
    ("Idempotency-Key" = Option<String>, Header, description = "1 to 200 visible ASCII characters"),
), request_body(content = String, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 200, description = "As GeoReport v2 has it", content((serde_json::Value = "application/json"), (String = "text/xml"))),
    (status = 400, description = "A list of `code` and `description`", content((serde_json::Value = "application/json"), (String = "text/xml"))),
    (status = 403, description = "A list of `code` and `description`", content((serde_json::Value = "application/json"), (String = "text/xml"))),
    (status = 404, description = "A list of `code` and `description`", content((serde_json::Value = "application/json"), (String = "text/xml"))),
    (status = 413, description = "A list of `code` and `description`", content((serde_json::Value = "application/json"), (String = "text/xml"))),
    (status = 429, description = "A list of `code` and `description`", content((serde_json::Value = "application/json"), (String = "text/xml"))),
    (status = 503, description = "A list of `code` and `description`", content((serde_json::Value = "application/json"), (String = "text/xml"))),
))]
pub async fn create(
    State(app): State<App>,
    Peer(peer): Peer,
    Path(file): Path<String>,
    headers: HeaderMap,
    form: Result<RawForm, RawFormRejection>,
) -> Response {
    let pairs = match form {
        Ok(RawForm(bytes)) => Pairs::read(&bytes),
        Err(rejection) => {
            let too_large = rejection.status() == StatusCode::PAYLOAD_TOO_LARGE;
            let code = if too_large { 413 } else { 400 };
            return Refusal::new(code, rejection.body_text()).answer(form_of(&file));
        }
    };
    let visit = enter(app, peer.ip(), &file, pairs, &headers).await;
    let create = async {
        match visit? {
            (visit, "requests") => visit.create(&headers).await,
            _ => Err(not_found(&file)),
        }
    };
    either(create.await, &file)
}

/// The form that an address asks for; XML, which everybody has to know, when it asks for none.
fn form_of(file: &str) -> Format {
    Format::split(file).map_or(Format::Xml, |(_, format)| format)
}

fn either(answered: Answered, file: &str) -> Response {
    answered.unwrap_or_else(|refusal| refusal.answer(form_of(file)))
}

fn not_found(what: &str) -> Refusal {
    Refusal::new(
        404,
        format!("{} was not found", crate::outside::matter::cut(what)),
    )
}

/// What holds for every request: the door is open, the form is known, the jurisdiction is ours, the key is
/// right if one was sent, and there are not too many.
async fn enter<'a>(
    app: App,
    address: std::net::IpAddr,
    file: &'a str,
    pairs: Pairs,
    headers: &HeaderMap,
) -> Result<(Visit, &'a str), Refusal> {
    let (name, format) = Format::split(file).unwrap_or((file, Format::Xml));
    let config = &app.config.outside.open311;
    if !config.enabled || name.len() == file.len() {
        return Err(not_found(file));
    }
    let jurisdiction = pairs.get("jurisdiction_id");
    if jurisdiction
        .is_some_and(|given| !config.jurisdiction_id.is_empty() && given != config.jurisdiction_id)
    {
        return Err(Refusal::new(404, "jurisdiction_id was not found"));
    }
    let key = match pairs.get("api_key") {
        Some(key) => {
            let found = app.store.outside_key(key, Kind::Open311).await;
            let found = found.map_err(busy)?;
            Some(found.ok_or_else(|| wrong_key(&app, address))?)
        }
        None => None,
    };
    let (sender, per_minute) = match &key {
        Some(key) => (format!("key {}", key.name), key.per_minute),
        None => (format!("open311 {address}"), config.reads_per_minute),
    };
    if let Err(seconds) = app.rates.take(&sender, per_minute, Instant::now()) {
        return Err(too_many(seconds));
    }
    let visit = Visit {
        language: language(headers),
        format,
        pairs,
        key,
        app,
    };
    Ok((visit, name))
}

/// Guesses count against the address, so that nobody tries them all.
fn wrong_key(app: &App, address: std::net::IpAddr) -> Refusal {
    crate::metrics::count(&app.metrics.gateway_keys_refused);
    let per_minute = app.config.outside.open311.reads_per_minute;
    let guesses = format!("open311 {address}");
    match app.rates.take(&guesses, per_minute, Instant::now()) {
        Ok(()) => Refusal::new(403, "api_key is unknown or revoked"),
        Err(seconds) => too_many(seconds),
    }
}

fn too_many(seconds: u64) -> Refusal {
    Refusal::new(429, format!("too many requests; try again in {seconds} s"))
}

fn busy(error: StoreError) -> Refusal {
    tracing::error!(
        error = crate::chain(&error),
        "the store did not answer a request of the public"
    );
    Refusal::new(503, "the service is busy; try again")
}

fn language(headers: &HeaderMap) -> Language {
    let wanted = headers.get(header::ACCEPT_LANGUAGE);
    let wanted = wanted.and_then(|value| value.to_str().ok());
    if wanted.is_some_and(|wanted| wanted.trim_start().starts_with("en")) {
        Language::En
    } else {
        Language::Zh
    }
}

impl Visit {
    fn answer(&self, document: &Document) -> Response {
        document.answer(self.format)
    }

    fn services(&self) -> Response {
        let services = form::services(&self.app.catalogue);
        self.answer(&answers::services(services, self.language))
    }

    fn discovery(&self) -> Response {
        let config = &self.app.config;
        let base = config.public_url.trim_end_matches('/');
        let version = &self.app.catalogue.version;
        self.answer(&answers::discovery(&config.outside.open311, base, version))
    }

    fn definition(&self, code: &str) -> Answered {
        let mut services = form::services(&self.app.catalogue);
        if !services.any(|category| category.code == code) {
            return Err(not_found(code));
        }
        Ok(self.answer(&answers::definition(code, self.language)))
    }

    async fn found(&self, filter: &Filter) -> Result<Vec<Request>, Refusal> {
        let found = self.app.store.open311_requests(filter).await;
        found.map_err(busy)
    }

    async fn requests(&self) -> Answered {
        let filter = filter::read(&self.pairs, crate::now())?;
        let found = self.found(&filter).await?;
        Ok(self.shown(&found))
    }

    fn shown(&self, found: &[Request]) -> Response {
        let directory = self.app.directory();
        let names = (&*directory, &*self.app.catalogue);
        let asker = self.key.as_ref().map(|key| key.name.as_str());
        let record = |request| answers::request(request, asker, names, self.language);
        self.answer(&answers::requests(found.iter().map(record).collect()))
    }

    async fn request(&self, id: &str) -> Answered {
        let found = self.found(&Filter::Ids(vec![id.to_owned()])).await?;
        if found.is_empty() {
            return Err(not_found(id));
        }
        Ok(self.shown(&found))
    }

    async fn token(&self, id: &str) -> Answered {
        let found = self.found(&Filter::Ids(vec![id.to_owned()])).await?;
        if found.is_empty() {
            return Err(not_found(id));
        }
        Ok(self.answer(&answers::token(id)))
    }

    async fn create(&self, headers: &HeaderMap) -> Answered {
        let Some(key) = &self.key else {
            return Err(Refusal::new(403, "api_key was not provided"));
        };
        let directory = self.app.directory();
        let area = key.area.as_deref();
        let matter = form::matter(&self.pairs, &self.app.catalogue, &directory, area)?;
        let now = crate::now();
        let minutes = i64::from(self.app.config.outside.open311.repeat_minutes);
        let task = ReportMatter {
            matter,
            teller: Teller {
                name: answers::teller(&key.name),
                display_name: key.name.clone(),
                role: None,
            },
            scope: area.map_or(Scope::whole(), |area| Scope::subtree(area, &directory)),
            joins: None,
            on_nearby: OnNearby::Open,
            request_key: idempotency_key(headers)?,
            request_hash: hex::encode(Sha256::digest(self.pairs.canonical())),
            repeats_since: Some(now.plus_ms(-60_000 * minutes)),
        };
        let reported = self.app.engine.run(task, now).await;
        let refusal = match reported {
            Ok(Reported::Made { report, .. }) => {
                return Ok(self.answer(&answers::created(&report.id, self.language)));
            }
            Ok(Reported::OutsideScope) => {
                Refusal::new(400, "the location is outside the area of this api_key")
            }
            Ok(Reported::KeyReused) => {
                Refusal::new(400, "this Idempotency-Key came before with another request")
            }
            Ok(Reported::Near(_) | Reported::NoCase(_) | Reported::Ended(_))
            | Err(JobError::Failed(_)) => Refusal::new(400, "general service error"),
            Err(_) => Refusal::new(503, "the service is busy; try again"),
        };
        Err(refusal)
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = value.to_str().ok().filter(|key| {
        (1..=KEY_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
    });
    let wrong = "Idempotency-Key is 1 to 200 visible ASCII characters";
    key.map(|key| Some(key.to_owned()))
        .ok_or_else(|| Refusal::new(400, wrong))
}
