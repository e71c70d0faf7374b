//! What a roster is made of, as it is stored, sent and written in files. Pure.

use std::fmt;
use std::str::FromStr;

use gridwatch_protocol::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::ToSchema;

/// Minutes of a day.
pub const DAY_MINUTES: i64 = 24 * 60;

/// A time of the local day, to the minute: `08:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// The minute of the day, 0 to 1439; none for anything else.
    #[must_use]
    pub fn from_minutes(minutes: u16) -> Option<Self> {
        (i64::from(minutes) < DAY_MINUTES).then_some(Self(minutes))
    }

    /// Minutes since local midnight.
    #[must_use]
    pub fn minutes(self) -> i64 {
        i64::from(self.0)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl FromStr for TimeOfDay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let part = |text: &str, most: u16| {
            let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|n: &u16| digits && *n <= most)
        };
        let found = text
            .split_once(':')
            .and_then(|(hour, minute)| Some(part(hour, 23)? * 60 + part(minute, 59)?));
        found
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not a time of day such as 08:00 (00:00 to 23:59)"))
    }
}

/// A local day: `2026-12-01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub Date);

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Date::from_str(text).ok();
        known
            .filter(|date| text.len() == 10 && (1970..=2200).contains(&date.year()))
            .map(Self)
            .ok_or_else(|| {
                format!("`{text}` is not a day such as 2026-12-01 of the years 1970 to 2200")
            })
    }
}

macro_rules! as_text {
    ($($name:ident)*) => {
        $(
            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.collect_str(self)
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
                }
            }
        )*
    };
}

as_text! { TimeOfDay Day }

/// On which days a shift is worked, by the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Days {
    /// On every day.
    #[default]
    EveryDay,
    /// On days with working hours, make-up days among them.
    WorkingDays,
    /// On days without: weekends and holidays. So holidays have a rotation of their own.
    DaysOff,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the days of the week")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// Every day, Monday first.
    pub const ALL: [Weekday; 7] = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];

    /// The day of the week of a day.
    #[must_use]
    pub fn of(date: Date) -> Self {
        let day = usize::from(date.weekday().to_monday_zero_offset().unsigned_abs());
        Self::ALL[day % 7]
    }
}

/// Who works a shift together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Crew {
    /// Sign-in names in the order in which they are called.
    pub officers: Vec<String>,
    /// Sign-in name of the shift leader (值班长), if the crew has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift_leader: Option<String>,
}

/// A shift that comes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    /// Its name, once in a roster.
    pub name: String,
    /// When it begins, local time.
    #[schema(value_type = String, example = "20:00")]
    pub from: TimeOfDay,
    /// When it ends, local time; at or before `from`, on the next day. The same as `from`: 24 hours.
    #[schema(value_type = String, example = "08:00")]
    pub until: TimeOfDay,
    /// On which days it begins, by the calendar.
    #[serde(default)]
    pub days: Days,
    /// On which days of the week it begins; empty: on all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weekdays: Vec<Weekday>,
    /// The first day of the rotation; before it the shift is not worked.
    #[schema(value_type = String, format = Date, example = "2026-12-01")]
    pub first_day: Day,
    /// After so many days the next crew has its turn: 1 for every day, 7 for every week.
    #[serde(default = "one")]
    pub turn_days: u16,
    /// The crews in the order of their turns.
    #[serde(alias = "crew")]
    pub crews: Vec<Crew>,
}

fn one() -> u16 {
    1
}

impl Shift {
    /// Its length in minutes: at most a day.
    #[must_use]
    pub fn minutes(&self) -> i64 {
        let length = (self.until.minutes() - self.from.minutes()).rem_euclid(DAY_MINUTES);
        if length == 0 { DAY_MINUTES } else { length }
    }
}

/// 替班: somebody takes somebody's place for a time, in whatever role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Substitution {
    /// Sign-in name of who does not come.
    pub of: String,
    /// Sign-in name of who comes.
    pub by: String,
    /// From when.
    pub from: Timestamp,
    /// Until when, not included.
    pub until: Timestamp,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// 缺勤: somebody does not come; who has no substitute leaves a place empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Absence {
    /// Sign-in name.
    pub who: String,
    /// From when.
    pub from: Timestamp,
    /// Until when, not included.
    pub until: Timestamp,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The roster of an area's desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Roster {
    /// Code of the area.
    pub area: String,
    /// Sign-in name of the leader (领导), who is called last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader: Option<String>,
    /// The shifts. No two are worked at once.
    #[serde(default, alias = "shift")]
    pub shifts: Vec<Shift>,
    /// Who takes whose place.
    #[serde(default, alias = "substitution", skip_serializing_if = "Vec::is_empty")]
    pub substitutions: Vec<Substitution>,
    /// Who does not come.
    #[serde(default, alias = "absence", skip_serializing_if = "Vec::is_empty")]
    pub absences: Vec<Absence>,
}

impl Roster {
    /// Reads a roster file.
    ///
    /// # Errors
    /// What the file's text does wrong, with its line.
    pub fn from_toml(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
    }

    /// Everybody who is named in it.
    #[must_use]
    pub fn people(&self) -> std::collections::BTreeSet<&str> {
        let crews = self.shifts.iter().flat_map(|shift| &shift.crews);
        crews
            .flat_map(|crew| crew.officers.iter().chain(&crew.shift_leader))
            .chain(&self.leader)
            .chain(self.substitutions.iter().flat_map(|one| [&one.of, &one.by]))
            .chain(self.absences.iter().map(|one| &one.who))
            .map(String::as_str)
            .collect()
    }
}
