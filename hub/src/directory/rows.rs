//! The rows of the directory: areas, sites, units, duties, contacts and hazard points.
//!
//! A row is plain data; whether it fits the others is for `check` to say. Positions are WGS84 degrees.

use gridwatch_protocol::{SiteId, Text};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Level of an area, from the widest to the narrowest.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[schema(as = AreaLevel)]
pub enum Level {
    /// 市
    City,
    /// 区
    District,
    /// 街道、镇
    Street,
    /// 社区、村
    Community,
    /// 网格
    Grid,
}

impl Level {
    /// Every level, from the widest.
    pub const ALL: [Self; 5] = [
        Self::City,
        Self::District,
        Self::Street,
        Self::Community,
        Self::Grid,
    ];

    /// Its name in files, in the API and in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::City => "city",
            Self::District => "district",
            Self::Street => "street",
            Self::Community => "community",
            Self::Grid => "grid",
        }
    }

    /// The level of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == name)
    }
}

/// An area of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Area {
    /// Its code; in use are up to 15 digits.
    pub code: String,
    /// Code of the area that it is part of; none for a city.
    #[serde(default)]
    pub parent: Option<String>,
    /// Its level.
    pub level: Level,
    /// Its name.
    pub name: Text,
}

/// In which coordinates a position was given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Datum {
    /// WGS84, what satellites say; a position without a tag is one.
    #[default]
    Wgs84,
    /// GCJ-02, the shifted coordinates of Chinese web maps. Only in input: it is converted when it is
    /// read and kept as `converted`.
    Gcj02,
    /// WGS84 that was converted from GCJ-02, which is exact to 1 to 2 m.
    Converted,
}

impl Datum {
    /// Its name in files, in the API and in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wgs84 => "wgs84",
            Self::Gcj02 => "gcj02",
            Self::Converted => "converted",
        }
    }

    /// The datum of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Wgs84, Self::Gcj02, Self::Converted]
            .into_iter()
            .find(|datum| datum.as_str() == name)
    }
}

/// A site that a gateway watches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Its id, as alerts name it.
    pub id: SiteId,
    /// Its name.
    pub name: Text,
    /// Code of its grid.
    pub grid: String,
    /// Standard address.
    pub address: Text,
    /// Standard building code, if it has one.
    #[serde(default)]
    pub building_code: Option<String>,
    /// Latitude, degrees.
    pub lat: f64,
    /// Longitude, degrees.
    pub lon: f64,
    /// What `lat` and `lon` were given in.
    #[serde(default)]
    pub datum: Datum,
}

/// One step of the way from the city down to a grid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AreaStep {
    /// The area's code.
    pub code: String,
    /// Its name.
    pub name: Text,
    /// Its level.
    pub level: Level,
}

/// A unit that handles cases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// Its code, stable.
    pub code: String,
    /// Its name.
    pub name: Text,
    /// What kind of unit it is, such as `property`, `fire`, `grid_workers`.
    pub kind: String,
    /// Code of the area that it works for.
    pub area: String,
    /// Its telephone that is answered day and night.
    #[serde(default)]
    pub phone: Option<String>,
}

/// Whose duty a category is in an area and everything below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Duty {
    /// Code of the area.
    pub area: String,
    /// Code of the category.
    pub category: String,
    /// Code of the unit.
    pub unit: String,
}

/// What a contact is attached to.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PlaceKind {
    /// A site.
    Site,
    /// A hazard point.
    Hazard,
}

impl PlaceKind {
    /// Its name in files, in the API and in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Site => "site",
            Self::Hazard => "hazard",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Site, Self::Hazard]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

/// What a risk area or a hazard point threatens with 风险领域. The catalogue's families fall into these: see
/// [`Domain::of_family`].
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[schema(as = RiskDomain)]
pub enum Domain {
    /// 火灾
    Fire,
    /// 内涝、洪水
    Flood,
    /// 危险化学品、燃气
    Chemical,
    /// 房屋、边坡、道路
    Structure,
    /// 人员密集
    Crowd,
    /// 其他
    Other,
}

impl Domain {
    /// Every domain.
    pub const ALL: [Self; 6] = [
        Self::Fire,
        Self::Flood,
        Self::Chemical,
        Self::Structure,
        Self::Crowd,
        Self::Other,
    ];

    /// Its name in files, in the API and in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fire => "fire",
            Self::Flood => "flood",
            Self::Chemical => "chemical",
            Self::Structure => "structure",
            Self::Crowd => "crowd",
            Self::Other => "other",
        }
    }

    /// The domain of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|domain| domain.as_str() == name)
    }

    /// The domain of a family of categories (`family` in categories.toml).
    #[must_use]
    pub fn of_family(family: Option<&str>) -> Self {
        match family {
            Some("fire") => Self::Fire,
            Some("water") => Self::Flood,
            Some("gas") => Self::Chemical,
            Some("road") => Self::Structure,
            Some("people") => Self::Crowd,
            _ => Self::Other,
        }
    }
}

/// Somebody to call about a site or a hazard point, in the line of their work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// What it is attached to.
    pub place_kind: PlaceKind,
    /// Id of the site or code of the hazard point.
    pub place: String,
    /// Whom to call first: 1 is the first.
    pub order: u32,
    /// Name of the person or desk.
    pub name: String,
    /// What they are there, such as 物业值班室 or 社区责任人.
    pub duty: String,
    /// Telephone.
    pub phone: String,
}

/// A hazard point 隐患点: a place known for something, such as a road that floods.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Hazard {
    /// Its code, stable.
    pub code: String,
    /// Code of the category of the cases that are to be expected there, such as `flooding`.
    pub category: String,
    /// Its name.
    pub name: Text,
    /// Code of its grid.
    pub grid: String,
    /// Latitude, degrees.
    pub lat: f64,
    /// Longitude, degrees.
    pub lon: f64,
    /// What `lat` and `lon` were given in.
    #[serde(default)]
    pub datum: Datum,
}
