//! What every route has in common, written into the OpenAPI document by rule instead of at each handler:
//! names of operations, who must sign in and how, headers, and the problems that any route can answer.
//!
//! A handler describes only what is its own: its success, and statuses whose meaning is special there. A
//! rule looks at method, path, parameters and body alone and never overwrites what a handler says, so that
//! a new route is complete without a line here. A new tag needs its sentence in `description/tags.rs`.

mod tags;

use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme};
use utoipa::openapi::security::{SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Content, Header, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder, Server, Tag,
};

use super::problem::CONTENT_TYPE;
use super::routes::{self, Caller};
use tags::TAGS;

/// Name of a response, its status, and what it says.
const PROBLEMS: [(&str, &str, &str); 10] = [
    (
        "Malformed",
        "400",
        "`invalid-request`: the address, the query or the body cannot be read",
    ),
    (
        "NotSignedIn",
        "401",
        "`not-signed-in`: there is no session, or it has ended",
    ),
    (
        "WrongKey",
        "401",
        "`wrong-key`: the gateway key is missing, unknown or revoked",
    ),
    (
        "NotAllowed",
        "403",
        "`not-allowed`: the role may not do this; `cross-site`: a changing request without `X-Gridwatch-Request: 1` or from another site's page",
    ),
    (
        "NotFound",
        "404",
        "`not-found`: there is none, or it lies outside what the caller may see",
    ),
    ("TooLarge", "413", "`body-too-large`"),
    (
        "JsonNeeded",
        "415",
        "`json-needed`: the body must be `application/json`",
    ),
    ("Invalid", "422", "`invalid-request`: a value does not fit"),
    (
        "TooManyRequests",
        "429",
        "`too-many-requests`: come again after Retry-After; nothing was done",
    ),
    (
        "Busy",
        "503",
        "`busy`: come again after Retry-After; nothing was done",
    ),
];

/// Completes the description of every route.
pub fn complete(document: &mut OpenApi) {
    document.servers = Some(vec![Server::new("/")]);
    document.tags = Some(tags());
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            complete_one(path, method, operation);
        }
    }
    let components = document.components.get_or_insert_default();
    for schema in components.schemas.values_mut() {
        leave_open(schema);
    }
    for (name, _, text) in PROBLEMS {
        components
            .responses
            .insert(name.to_owned(), problem(name, text).into());
    }
    for (name, scheme) in schemes() {
        components.security_schemes.insert(name.to_owned(), scheme);
    }
}

/// Answers may have more fields than are described, here by what they are put together with and later by
/// newer hubs: a type that refuses unknown keys in a configuration file says nothing about answers.
fn leave_open(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = schema {
        let closed = matches!(
            object.additional_properties.as_deref(),
            Some(AdditionalProperties::FreeForm(false))
        );
        if closed {
            object.additional_properties = None;
        }
    }
}

/// The operations of a path with their methods in lower case.
pub fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("get", &mut item.get),
        ("put", &mut item.put),
        ("post", &mut item.post),
        ("delete", &mut item.delete),
        ("patch", &mut item.patch),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.as_mut().map(|operation| (method, operation)))
}

fn tags() -> Vec<Tag> {
    let tag = |(name, text): &(&str, &str)| {
        let mut tag = Tag::new(name);
        tag.description = Some((*text).to_owned());
        tag
    };
    TAGS.iter().map(tag).collect()
}

fn complete_one(path: &str, method: &str, operation: &mut Operation) {
    operation.operation_id = Some(operation_id(path, method));
    let changes = method != "get";
    let caller = routes::caller(path, method);
    if operation.security.is_none() {
        operation.security = security(caller, changes);
    }
    for parameter in headers(path, method, caller) {
        add_parameter(operation, parameter);
    }
    for name in statuses(path, method, caller, operation) {
        let (_, status, _) = PROBLEMS
            .iter()
            .find(|row| row.0 == name)
            .expect("it is one of them");
        let responses = &mut operation.responses.responses;
        responses
            .entry((*status).to_owned())
            .or_insert_with(|| RefOr::Ref(Ref::from_response_name(name)));
    }
    if is_conditional(path, method) {
        let responses = &mut operation.responses.responses;
        let unchanged =
            ResponseBuilder::new().description("As `If-None-Match` says: it has not changed");
        responses
            .entry("304".to_owned())
            .or_insert_with(|| unchanged.build().into());
        if let Some(RefOr::T(ok)) = responses.get_mut("200") {
            let tag = text_header("Changes when the answer does; for `If-None-Match`");
            ok.headers.entry("ETag".to_owned()).or_insert(tag);
        }
    }
}

/// `get_cases_by_id_clocks`: stable as long as method and path are.
fn operation_id(path: &str, method: &str) -> String {
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    let mut id = method.to_owned();
    for part in path.split(['/', '.', '-']).filter(|part| !part.is_empty()) {
        let name = part
            .strip_prefix('{')
            .and_then(|part| part.strip_suffix('}'));
        match name {
            Some(name) => id.push_str(&format!("_by_{}", name.trim_start_matches('*'))),
            None => id.push_str(&format!("_{part}")),
        }
    }
    id
}

fn security(caller: Caller, changes: bool) -> Option<Vec<SecurityRequirement>> {
    let nothing: [&str; 0] = [];
    let requirement = match caller {
        Caller::Gateway => SecurityRequirement::new("gateway", nothing),
        Caller::Officer if changes => {
            SecurityRequirement::new("session", nothing).add("request", nothing)
        }
        Caller::Officer => SecurityRequirement::new("session", nothing),
        Caller::Anybody if changes => SecurityRequirement::new("request", nothing),
        Caller::Anybody => return Some(Vec::new()),
    };
    Some(vec![requirement])
}

fn headers(path: &str, method: &str, caller: Caller) -> Vec<Parameter> {
    let mut headers = Vec::new();
    if caller == Caller::Officer {
        headers.push(header(
            "Accept-Language",
            "Language of problems, `zh` or `en`, where the officer chose none",
        ));
    }
    if is_conditional(path, method) {
        headers.push(header(
            "If-None-Match",
            "An `ETag` that came before: 304 when nothing has changed",
        ));
    }
    headers
}

fn is_conditional(path: &str, method: &str) -> bool {
    method == "get" && routes::has_tag(path)
}

fn header(name: &str, text: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(text))
        .schema(Some(string()))
        .build()
}

fn add_parameter(operation: &mut Operation, parameter: Parameter) {
    let parameters = operation.parameters.get_or_insert_default();
    if !parameters
        .iter()
        .any(|known| known.name.eq_ignore_ascii_case(&parameter.name))
    {
        parameters.push(parameter);
    }
}

fn statuses(path: &str, method: &str, caller: Caller, operation: &Operation) -> Vec<&'static str> {
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    let has =
        |place: fn(&ParameterIn) -> bool| parameters.iter().any(|one| place(&one.parameter_in));
    let (in_path, in_query) = (
        has(|place| matches!(place, ParameterIn::Path)),
        has(|place| matches!(place, ParameterIn::Query)),
    );
    let has_body = operation.request_body.is_some();
    let mut names = Vec::new();
    if in_path || in_query || has_body {
        names.push("Malformed");
    }
    match caller {
        Caller::Officer => names.extend(["NotSignedIn", "NotAllowed"]),
        Caller::Gateway => names.push("WrongKey"),
        Caller::Anybody if method != "get" => names.push("NotAllowed"),
        Caller::Anybody => {}
    }
    if in_path {
        names.push("NotFound");
    }
    if has_body {
        names.push("TooLarge");
        if caller != Caller::Gateway {
            names.extend(["JsonNeeded", "Invalid"]);
        }
    } else if in_query {
        names.push("Invalid");
    }
    if routes::budget(path, method).is_some() {
        names.push("TooManyRequests");
    }
    if caller != Caller::Anybody || method != "get" {
        names.push("Busy");
    }
    names
}

fn problem(name: &str, text: &str) -> Response {
    let schema = Ref::from_schema_name("Problem");
    let mut response = ResponseBuilder::new()
        .description(text)
        .content(CONTENT_TYPE, Content::new(Some(schema)))
        .build();
    let language = text_header("`zh` or `en`: the language of `title` and `detail`");
    response
        .headers
        .insert("Content-Language".to_owned(), language);
    if matches!(name, "TooManyRequests" | "Busy") {
        let mut seconds = text_header("Seconds to wait");
        seconds.schema = ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::Integer))
            .into();
        response.headers.insert("Retry-After".to_owned(), seconds);
    }
    response
}

fn text_header(text: &str) -> Header {
    let mut header = Header::new(string());
    header.description = Some(text.to_owned());
    header
}

fn string() -> Schema {
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::String))
        .into()
}

fn schemes() -> [(&'static str, SecurityScheme); 3] {
    let key = |value: fn(ApiKeyValue) -> ApiKey, name: &str, text: &str| {
        SecurityScheme::ApiKey(value(ApiKeyValue::with_description(name, text)))
    };
    let mut bearer = Http::new(HttpAuthScheme::Bearer);
    bearer.description = Some("The key that `hub gateway add` made.".to_owned());
    [
        ("gateway", SecurityScheme::Http(bearer)),
        (
            "request",
            key(
                ApiKey::Header,
                "X-Gridwatch-Request",
                "Always `1`: a page of another site cannot send it.",
            ),
        ),
        (
            "session",
            key(
                ApiKey::Cookie,
                "__Host-gw_session",
                "Set by `POST /api/v1/session`. A hub without TLS, which listens on loopback only, calls it `gw_session`.",
            ),
        ),
    ]
}

#[cfg(test)]
mod tests;
