//! Identifiers as newtypes, so that one cannot be passed for another.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text is empty.
    #[error("{what} is empty")]
    Empty {
        /// Which identifier was expected.
        what: &'static str,
    },
    /// The text is longer than allowed.
    #[error("{what} has {length} bytes, at most {max} are allowed")]
    TooLong {
        /// Which identifier was expected.
        what: &'static str,
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The text has a character that is not allowed.
    #[error("{what} `{text}` has the character {character:?}; allowed are {allowed}")]
    Character {
        /// Which identifier was expected.
        what: &'static str,
        /// The text as given.
        text: String,
        /// The first offending character.
        character: char,
        /// What is allowed.
        allowed: &'static str,
    },
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, $allowed:literal, $ok:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
        pub struct $name(String);

        impl $name {
            /// Checks and wraps a text.
            ///
            /// # Errors
            /// When it is empty, too long, or has a character that is not allowed.
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                let allowed: fn(char) -> bool = $ok;
                if text.is_empty() {
                    return Err(IdError::Empty { what: $what });
                }
                if text.len() > $max {
                    return Err(IdError::TooLong { what: $what, length: text.len(), max: $max });
                }
                match text.chars().find(|c| !allowed(*c)) {
                    Some(character) => Err(IdError::Character { what: $what, text, character, allowed: $allowed }),
                    None => Ok(Self(text)),
                }
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

fn is_code_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

text_id!(
    /// A gateway, as named when it was added at the hub. At most 64 bytes of `A-Z a-z 0-9 - _ .`
    GatewayId, "gateway id", 64, "letters, digits, `-`, `_` and `.`", is_code_character
);
text_id!(
    /// A site (小区, yard, building) that a gateway watches. At most 64 bytes of `A-Z a-z 0-9 - _ .`
    SiteId, "site id", 64, "letters, digits, `-`, `_` and `.`", is_code_character
);
text_id!(
    /// A hub, as its parent named it when it was added there. At most 64 bytes of `A-Z a-z 0-9 - _ .`
    HubId, "hub id", 64, "letters, digits, `-`, `_` and `.`", is_code_character
);
text_id!(
    /// A device at one gateway, as its source names it (`zigbee2mqtt/厨房烟感`). Any text of at most
    /// 256 bytes without control characters: names come from the field and are never "cleaned".
    DeviceId, "device id", 256, "all but control characters", |c: char| !c.is_control()
);

/// An alert, from raising to clearing. A version 7 UUID, minted once, at detection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
pub struct AlertId(pub Uuid);

/// An outbox, from the making of its file to its loss. A random (version 4) UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
pub struct StreamId(pub Uuid);

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for AlertId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}
