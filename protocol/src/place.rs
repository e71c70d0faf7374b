//! Where inside a site a device is.

use serde::{Deserialize, Serialize};

/// The place of a device inside its site. Free text as written on the doors; empty fields are left
/// out. Places are about buildings and rooms, never about people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Place {
    /// Building 栋, such as `3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub building: Option<String>,
    /// Unit or entrance 单元.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Floor 层.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<String>,
    /// Room or spot 房间, such as `kitchen` or `东门`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
}

impl Place {
    /// Whether nothing is known about the place.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
