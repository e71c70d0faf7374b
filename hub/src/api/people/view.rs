//! People as they are sent and shown.

use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::cases::Role;
use crate::people::{Person, Profile};

/// Somebody who signs in.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserView {
    /// Sign-in name.
    pub username: String,
    /// What they are.
    #[serde(flatten)]
    pub profile: ProfileView,
    /// When they were added.
    pub created_at: Timestamp,
    /// Since when they may not sign in, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Timestamp>,
    /// Grows with every change; the ETag of the person.
    pub version: i64,
}

/// What can be changed of a person.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileView {
    /// Name for people.
    pub display_name: String,
    /// What they may do. A grid worker is a checker whose area is the grid.
    pub role: Role,
    /// Code of the unit that they belong to: for the roles `unit` and `handler` and nobody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Code of the area whose subtree they work for; left out for the whole tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<String>,
    /// Telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// `zh` or `en`; the browser's when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

impl From<ProfileView> for Profile {
    fn from(view: ProfileView) -> Self {
        Self {
            display_name: view.display_name,
            role: view.role,
            unit: view.unit,
            area: view.area,
            phone: view.phone,
            language: view.language,
        }
    }
}

impl From<Person> for UserView {
    fn from(person: Person) -> Self {
        let profile = person.profile;
        Self {
            username: person.username,
            profile: ProfileView {
                display_name: profile.display_name,
                role: profile.role,
                unit: profile.unit,
                area: profile.area,
                phone: profile.phone,
                language: profile.language,
            },
            created_at: person.created_at,
            disabled_at: person.disabled_at,
            version: person.version,
        }
    }
}

/// People.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserList {
    /// By sign-in name.
    pub items: Vec<UserView>,
    /// For the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A person to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// Sign-in name: 1 to 64 letters, digits, `-`, `_`, `.` or `@`.
    pub username: String,
    /// Name for people.
    pub display_name: String,
    /// What they may do.
    pub role: Role,
    /// Code of the unit that they belong to: for the roles `unit` and `handler` and nobody else.
    #[serde(default)]
    pub unit: Option<String>,
    /// Code of the area whose subtree they work for; left out for the whole tree.
    #[serde(default)]
    pub area: Option<String>,
    /// Telephone.
    #[serde(default)]
    pub phone: Option<String>,
    /// `zh` or `en`; the browser's when left out.
    #[serde(default)]
    pub language: Option<String>,
    /// Their password, at least 10 characters; one is made when it is left out.
    #[serde(default)]
    pub password: Option<String>,
}

/// A person and, when the hub made it, their password.
#[derive(Serialize, ToSchema)]
pub struct UserWithPassword {
    /// The person.
    pub user: UserView,
    /// Shown only now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// A password to be set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// At least 10 characters; one is made when it is left out.
    #[serde(default)]
    pub password: Option<String>,
}

/// One's own new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnPassword {
    /// The present one.
    pub current: String,
    /// The new one, at least 10 characters.
    pub new: String,
}
