//! People who sign in, for administrators; and one's own password.

mod view;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::App;
use super::directory::{IfMatch, etag};
use super::extract::{Administrator, Args, Json, Officer, Part, Peer};
use super::page;
use super::problem::Problem;
use crate::auth::SignInError;
use crate::cases::Role;
use crate::engine::people::{ChangePerson, PersonChange, PersonRefused};
use crate::people::{Person, Profile, check_username};
use crate::secrets;
pub use view::*;

/// People on a page when nothing is asked for.
const LIMIT_USUAL: i64 = 50;

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct UserArgs {
    /// Only with this role, such as `duty_officer`.
    role: Option<String>,
    /// Only of this unit.
    unit: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// People on the page: 1 to 200, 50 when left out.
    limit: Option<i64>,
}

/// People in the asker's area. Only for administrators.
#[utoipa::path(get, path = "/api/v1/users", tag = "users", params(UserArgs),
    responses((status = 200, body = UserList)))]
pub async fn list(
    State(app): State<App>,
    Administrator(officer): Administrator,
    Args(args): Args<UserArgs>,
) -> Result<Answer<UserList>, Problem> {
    let roles: Vec<_> = Role::ALL
        .iter()
        .map(|role| (role.as_str(), *role))
        .collect();
    let role = page::one_of("role", args.role.as_deref(), &roles)?;
    let unit = page::given(args.unit.as_deref());
    let limit = page::limit(args.limit, LIMIT_USUAL)?;
    let after = args.after.as_deref();
    let mut people = app
        .store
        .people(&officer.scope, role, unit, after, limit + 1)
        .await?;
    let next = page::cut(&mut people, limit, |last| last.username.clone());
    Ok(Answer(UserList {
        items: people.into_iter().map(UserView::from).collect(),
        next,
    }))
}

/// One person in the asker's area. Only for administrators.
#[utoipa::path(get, path = "/api/v1/users/{username}", tag = "users",
    params(("username" = String, Path, description = "Sign-in name")),
    responses((status = 200, body = UserView)))]
pub async fn one(
    State(app): State<App>,
    Administrator(officer): Administrator,
    Part(username): Part<String>,
) -> Result<Response, Problem> {
    let person = app.store.person(&username, &officer.scope).await?;
    person.map(view).ok_or_else(|| no_person(&username))
}

fn view(person: Person) -> Response {
    let tag = [(header::ETAG, etag(person.version))];
    (tag, Answer(UserView::from(person))).into_response()
}

/// Add a person. Only for administrators, within their own area.
#[utoipa::path(post, path = "/api/v1/users", tag = "users", request_body = NewUser, responses(
    (status = 201, body = UserWithPassword),
    (status = 409, description = "`name-taken`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn add(
    State(app): State<App>,
    Administrator(officer): Administrator,
    Peer(peer): Peer,
    Json(new): Json<NewUser>,
) -> Result<Response, Problem> {
    check_username(&new.username).map_err(Problem::invalid)?;
    let (password_hash, made) = hash(&app, new.password).await?;
    let profile = Profile {
        display_name: new.display_name,
        role: new.role,
        unit: new.unit,
        area: new.area,
        phone: new.phone,
        language: new.language,
    };
    let change = PersonChange::Add {
        profile,
        password_hash,
    };
    let person = change_person(&app, &officer, peer, new.username, change).await?;
    let body = UserWithPassword {
        user: person.into(),
        password: made,
    };
    Ok((StatusCode::CREATED, Answer(body)).into_response())
}

/// Change a person: name, role, area, unit, telephone, language. Another role, area or unit signs them
/// out. Only for administrators, within their own area.
#[utoipa::path(put, path = "/api/v1/users/{username}", tag = "users",
    params(("username" = String, Path, description = "Sign-in name"),
        ("If-Match" = String, Header, description = "ETag of what was read, or `*`")),
    request_body = ProfileView,
    responses(
        (status = 200, body = UserView),
        (status = 409, description = "`last-administrator`", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "`version-conflict`: the person has changed; the version is in `version` and ETag", body = Problem, content_type = "application/problem+json"),
        (status = 428, description = "`version-needed`: `If-Match` is missing", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn edit(
    State(app): State<App>,
    Administrator(officer): Administrator,
    Peer(peer): Peer,
    Part(username): Part<String>,
    IfMatch(version): IfMatch,
    Json(profile): Json<ProfileView>,
) -> Result<Response, Problem> {
    let change = PersonChange::Edit {
        profile: profile.into(),
        version,
    };
    change_person(&app, &officer, peer, username, change)
        .await
        .map(view)
}

/// Shut a person out and end their sessions. Only for administrators, within their own area.
#[utoipa::path(post, path = "/api/v1/users/{username}/disable", tag = "users",
    params(("username" = String, Path, description = "Sign-in name")),
    responses(
        (status = 200, body = UserView),
        (status = 409, description = "`last-administrator`", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn disable(
    State(app): State<App>,
    Administrator(officer): Administrator,
    Peer(peer): Peer,
    Part(username): Part<String>,
) -> Result<Response, Problem> {
    change_person(&app, &officer, peer, username, PersonChange::Disable)
        .await
        .map(view)
}

/// Let a person in again. Only for administrators, within their own area.
#[utoipa::path(post, path = "/api/v1/users/{username}/enable", tag = "users",
    params(("username" = String, Path, description = "Sign-in name")),
    responses((status = 200, body = UserView)))]
pub async fn enable(
    State(app): State<App>,
    Administrator(officer): Administrator,
    Peer(peer): Peer,
    Part(username): Part<String>,
) -> Result<Response, Problem> {
    change_person(&app, &officer, peer, username, PersonChange::Enable)
        .await
        .map(view)
}

/// Set a person's password and end their sessions. Only for administrators, within their own area.
#[utoipa::path(put, path = "/api/v1/users/{username}/password", tag = "users",
    params(("username" = String, Path, description = "Sign-in name")),
    request_body = NewPassword,
    responses((status = 200, body = UserWithPassword)))]
pub async fn set_password(
    State(app): State<App>,
    Administrator(officer): Administrator,
    Peer(peer): Peer,
    Part(username): Part<String>,
    Json(new): Json<NewPassword>,
) -> Result<Answer<UserWithPassword>, Problem> {
    // Looked for first: hashing is dear.
    if app.store.person(&username, &officer.scope).await?.is_none() {
        return Err(no_person(&username));
    }
    let (password_hash, made) = hash(&app, new.password).await?;
    let change = PersonChange::SetPassword { password_hash };
    let person = change_person(&app, &officer, peer, username, change).await?;
    Ok(Answer(UserWithPassword {
        user: person.into(),
        password: made,
    }))
}

/// Change one's own password. One's other sessions end.
#[utoipa::path(post, path = "/api/v1/session/password", tag = "session", request_body = OwnPassword, responses(
    (status = 204),
    (status = 403, description = "`wrong-credentials`: the present password is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub async fn own_password(
    State(app): State<App>,
    officer: Officer,
    Peer(peer): Peer,
    Json(given): Json<OwnPassword>,
) -> Result<StatusCode, Problem> {
    let address = peer.ip();
    let changed = app
        .auth
        .change_password(&officer, given.current, given.new, address)
        .await;
    match changed {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(SignInError::WrongCredentials) => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "wrong-credentials",
            "the present password is wrong",
        )),
        Err(SignInError::TooMany(seconds)) => {
            let detail = format!("too many wrong passwords; try again in {seconds} s");
            let mut problem =
                Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-attempts", detail);
            problem.retry_after_s = Some(seconds);
            Err(problem)
        }
        Err(SignInError::Problem(problem)) => Err(problem),
    }
}

/// The hash of a password, and the password when it was made here.
async fn hash(app: &App, given: Option<String>) -> Result<(String, Option<String>), Problem> {
    let made = given.is_none().then(secrets::random_password);
    let password = given.or_else(|| made.clone()).unwrap_or_default();
    Ok((app.auth.new_hash(password).await?, made))
}

async fn change_person(
    app: &App,
    officer: &Officer,
    peer: std::net::SocketAddr,
    username: String,
    change: PersonChange,
) -> Result<Person, Problem> {
    let task = ChangePerson {
        username: username.clone(),
        change,
        scope: officer.scope.clone(),
        actor: officer.actor.username.clone(),
        address: peer.ip().to_string(),
    };
    let done = app.engine.run(task, crate::now()).await?;
    done.map_err(|refused| match refused {
        PersonRefused::NoPerson => no_person(&username),
        PersonRefused::Taken => Problem::new(
            StatusCode::CONFLICT,
            "name-taken",
            format!("the name `{username}` is taken; choose another one"),
        ),
        PersonRefused::Invalid(problems) => Problem::invalid(problems.join("; ")),
        PersonRefused::LastAdministrator => Problem::new(
            StatusCode::CONFLICT,
            "last-administrator",
            "nobody would be left who manages the whole tree; make another administrator without an area first",
        ),
        PersonRefused::Stale(version) => {
            let mut problem = Problem::new(
                StatusCode::PRECONDITION_FAILED,
                "version-conflict",
                format!("`{username}` has changed and is version {version} now; read it again"),
            );
            problem.version = Some(version);
            problem
        }
    })
}

fn no_person(username: &str) -> Problem {
    Problem::not_found(format!("there is no user `{username}` in your area"))
}
