//! A matter that people report, and the case that it opens or joins. Pure.
//!
//! Its case has no alert: it is as urgent as its category, its kinds and devices are empty lists, and its
//! conditions about alerts that must have cleared hold. What the reporter wrote stays out of the history,
//! which is never changed: free text may hold what has to be deleted.

use gridwatch_protocol::{Severity, SiteId, Text, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::person::Person;
use super::place::{Point, Position};
use super::{DESCRIPTION_CHARACTERS_MAX, SHORT_CHARACTERS_MAX};
use crate::cases::conditions::Lack;
use crate::cases::desk::group_key_of;
use crate::cases::progress::Evidence;
use crate::cases::steps::evidence_hash;
use crate::cases::{Case, CaseId, Details, EvidenceKind, Progress, Role, State, Transition, text};
use crate::catalogue::Catalogue;
use crate::correlation::Marks;
use crate::directory::Directory;

/// Photos of one report: as many as a phone sends in one message.
pub const PHOTOS_MAX: usize = 9;
/// A photo's time may be so far ahead: clocks of phones are wrong, but not by more than a day.
const AHEAD_MS: i64 = 86_400_000;

/// How a matter came in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ReportSource)]
pub enum Source {
    /// A grid worker or officer saw it on patrol.
    #[default]
    Patrol,
    /// Somebody called the hotline or the duty room.
    Phone,
    /// Somebody came in person.
    Visit,
    /// An app or the hotline's platform, through Open311.
    Open311,
}

impl Source {
    /// The name in the store and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Patrol => "patrol",
            Source::Phone => "phone",
            Source::Visit => "visit",
            Source::Open311 => "open311",
        }
    }

    fn words(self) -> Text {
        match self {
            Source::Patrol => text("巡查发现", "seen on patrol"),
            Source::Phone => text("来电反映", "reported by phone"),
            Source::Visit => text("来访反映", "reported in person"),
            Source::Open311 => text("公众平台反映", "reported through Open311"),
        }
    }
}

/// A photo of the matter. The hub keeps its hash; the file is sent on its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Photo {
    /// SHA-256 of the file, 64 hexadecimal digits.
    pub sha256: String,
    /// What it shows; `photo` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it was taken; now when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// What to do when open cases of the same kind are near.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnNearby {
    /// Open a case all the same, and tell them.
    #[default]
    Open,
    /// Open nothing; tell them, so that the report can join one of them.
    Ask,
}

/// A matter as an officer or grid worker reports it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = ReportRequest)]
pub struct Given {
    /// Code of its category.
    pub category: Option<String>,
    /// What it is, in at most 4,000 characters.
    pub description: Option<String>,
    /// Id of the site. One of `site`, `area` and `position` is needed.
    pub site: Option<SiteId>,
    /// Code of the grid, or of a wider area when the grid is not known.
    pub area: Option<String>,
    /// Where it is on the map.
    pub position: Option<Position>,
    /// Where in the site.
    pub place: gridwatch_protocol::Place,
    /// Address in words.
    pub address: Option<String>,
    /// At most 9 photos.
    pub photos: Vec<Photo>,
    /// Who reported it, if they want to be told or asked.
    pub reporter: Person,
    /// How it came in; `patrol` when left out.
    pub source: Source,
    /// Whether it is an exercise: it travels the whole way and counts nowhere.
    pub is_drill: bool,
    /// What to do when open cases of the same kind are near.
    pub on_nearby: OnNearby,
}

/// A matter, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Matter {
    /// Code of its category.
    pub category: String,
    /// How urgent it is.
    pub severity: Severity,
    /// What it is.
    pub description: String,
    /// Its site, or the code of the area that stands for one.
    pub site: SiteId,
    /// Where in the site.
    pub place: gridwatch_protocol::Place,
    /// Where it is on the map, WGS84.
    pub point: Option<Point>,
    /// Address in words.
    pub address: Option<String>,
    /// Address of a picture elsewhere; never fetched.
    pub media_url: Option<String>,
    /// Photos.
    pub photos: Vec<Evidence>,
    /// Who reported it.
    pub reporter: Person,
    /// How it came in.
    pub source: Source,
    /// Whether it is an exercise.
    pub is_drill: bool,
}

/// Who tells of a matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Teller {
    /// Sign-in name, or `open311:` and the name of the key.
    pub name: String,
    /// Name for people.
    pub display_name: String,
    /// In which role; none for a key.
    pub role: Option<Role>,
}

/// A complaint about a field.
pub(super) fn lack(code: &str, zh: impl Into<String>, en: impl Into<String>) -> Lack {
    Lack {
        code: code.to_owned(),
        text: text(zh, en),
    }
}

fn missing(field: &str) -> Lack {
    lack(
        field,
        format!("缺少 {field}"),
        format!("`{field}` is missing"),
    )
}

/// Checks what was given. Whether the place is one that the teller may speak for is looked at by the task.
///
/// # Errors
/// Everything that is missing or wrong, at once.
pub fn check(
    given: Given,
    catalogue: &Catalogue,
    directory: &Directory,
    now: Timestamp,
) -> Result<Matter, Vec<Lack>> {
    let mut lacks = Vec::new();
    let category = category(given.category.as_deref(), catalogue, &mut lacks);
    let description = description(given.description, &mut lacks);
    let point = point(given.position, &mut lacks);
    if given.site.is_none() && given.area.is_none() && given.position.is_none() {
        lacks.push(lack(
            "site",
            "须有小区（site）、网格（area）或位置（position）之一",
            "one of `site`, `area` and `position` is needed",
        ));
    }
    if let Some(site) = given
        .site
        .as_ref()
        .filter(|site| directory.site(site).is_none())
    {
        lacks.push(lack(
            "site",
            format!("没有小区 {site}；请改用网格或位置"),
            format!("there is no site `{site}`; give its grid as `area`, or a `position`"),
        ));
    }
    if let Some(area) = given
        .area
        .as_ref()
        .filter(|area| directory.area(area).is_none())
    {
        lacks.push(lack(
            "area",
            format!("没有区域 {area}"),
            format!("there is no area `{area}`"),
        ));
    }
    check_place(&given.place, &mut lacks);
    let address = short("address", given.address, &mut lacks);
    let photos = photos(given.photos, now, &mut lacks);
    let reporter = given.reporter.tidy();
    lacks.extend(reporter.wrong().into_iter().map(|field| {
        lack(
            &format!("reporter.{field}"),
            format!("reporter.{field} 不正确"),
            format!("`reporter.{field}` is not right: a name and an account have at most {SHORT_CHARACTERS_MAX} characters, a phone 5 to 20 digits, an e-mail an address, a language is `zh` or `en`"),
        )
    }));
    if !lacks.is_empty() {
        return Err(lacks);
    }
    let (category, severity) = category.unwrap_or_default();
    let own = given.site.as_ref();
    Ok(Matter {
        category,
        severity: severity.unwrap_or(Severity::P3),
        description,
        site: super::place::locate(directory, own, given.area.as_deref(), point, None),
        place: given.place,
        point,
        address,
        media_url: None,
        photos,
        reporter,
        source: given.source,
        is_drill: given.is_drill,
    })
}

fn category(
    code: Option<&str>,
    catalogue: &Catalogue,
    lacks: &mut Vec<Lack>,
) -> Option<(String, Option<Severity>)> {
    let Some(code) = code.map(str::trim).filter(|code| !code.is_empty()) else {
        lacks.push(missing("category"));
        return None;
    };
    let found = catalogue.get(code);
    if found.is_none() {
        lacks.push(lack(
            "category",
            format!("没有类别 {}", cut(code)),
            format!("there is no category `{}`", cut(code)),
        ));
    }
    found.map(|category| (category.code.clone(), Some(category.severity)))
}

fn description(text: Option<String>, lacks: &mut Vec<Lack>) -> String {
    let text = text.unwrap_or_default();
    let trimmed = text.trim();
    if trimmed.is_empty() {
        lacks.push(missing("description"));
    } else if trimmed.chars().count() > DESCRIPTION_CHARACTERS_MAX {
        lacks.push(lack(
            "description",
            format!("描述最多 {DESCRIPTION_CHARACTERS_MAX} 字"),
            format!("`description` has at most {DESCRIPTION_CHARACTERS_MAX} characters"),
        ));
    }
    trimmed.to_owned()
}

fn point(position: Option<Position>, lacks: &mut Vec<Lack>) -> Option<Point> {
    let position = position?;
    let point = position.point();
    if point.is_none() {
        lacks.push(lack(
            "position",
            "纬度在 -90 至 90 之间，经度在 -180 至 180 之间",
            "`position` needs a latitude from -90 to 90 and a longitude from -180 to 180",
        ));
    }
    point
}

/// A short text without its blanks; none when it is empty.
pub(super) fn short(field: &str, text: Option<String>, lacks: &mut Vec<Lack>) -> Option<String> {
    let text = text?.trim().to_owned();
    if text.chars().count() > SHORT_CHARACTERS_MAX {
        lacks.push(lack(
            field,
            format!("{field} 最多 {SHORT_CHARACTERS_MAX} 字"),
            format!("`{field}` has at most {SHORT_CHARACTERS_MAX} characters"),
        ));
    }
    (!text.is_empty()).then_some(text)
}

fn check_place(place: &gridwatch_protocol::Place, lacks: &mut Vec<Lack>) {
    let parts = [
        ("building", &place.building),
        ("unit", &place.unit),
        ("floor", &place.floor),
        ("room", &place.room),
    ];
    for (name, part) in parts {
        short(&format!("place.{name}"), part.clone(), lacks);
    }
}

fn photos(photos: Vec<Photo>, now: Timestamp, lacks: &mut Vec<Lack>) -> Vec<Evidence> {
    let hash = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let long = |photo: &Photo| {
        let name = photo.name.as_deref().unwrap_or_default();
        name.chars().count() > SHORT_CHARACTERS_MAX
    };
    let ahead = |photo: &Photo| photo.at.is_some_and(|at| at.ms_since(now) > AHEAD_MS);
    let wrong = |photo: &Photo| !hash(&photo.sha256) || long(photo) || ahead(photo);
    if photos.len() > PHOTOS_MAX || photos.iter().any(wrong) {
        lacks.push(lack(
            "photos",
            format!("最多 {PHOTOS_MAX} 张照片，每张须有 64 位 SHA-256，拍摄时间不得晚于现在"),
            format!("`photos` are at most {PHOTOS_MAX}, each with a SHA-256 of 64 hexadecimal digits and, if one is given, a time that has come"),
        ));
    }
    let evidence = |photo: Photo| Evidence {
        kind: EvidenceKind::Photo,
        sha256: photo.sha256.to_ascii_lowercase(),
        name: photo.name.unwrap_or_else(|| "photo".to_owned()),
        at: photo.at.unwrap_or(now),
        place: None,
    };
    photos.into_iter().map(evidence).collect()
}

/// The beginning of a text that somebody sent, for a message about it.
pub(super) fn cut(text: &str) -> String {
    text.chars()
        .take(60)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// The case that a matter opens, with the first row of its history.
#[must_use]
pub fn open(
    matter: &Matter,
    teller: &Teller,
    (id, number): (CaseId, String),
    catalogue: &Catalogue,
    now: Timestamp,
) -> (Case, Transition) {
    let category = catalogue.get(&matter.category);
    let group_key =
        category.and_then(|c| group_key_of(&matter.site, &matter.place, matter.is_drill, c));
    let acknowledge_ms = catalogue.acknowledge_ms(&matter.category, matter.severity);
    let mut case = Case {
        id,
        number,
        version: 1,
        decision_version: 1,
        state: State::Reported,
        severity: matter.severity,
        category: matter.category.clone(),
        site: matter.site.clone(),
        place: matter.place.clone(),
        kinds: Vec::new(),
        devices: Vec::new(),
        detectors: Vec::new(),
        alert_count: 0,
        alerts_active: 0,
        opened_at: now,
        updated_at: now,
        ack_due_at: now.plus_ms(acknowledge_ms),
        acknowledged_at: None,
        acknowledged_by: None,
        ended_at: None,
        is_drill: matter.is_drill,
        group_key,
        group_at: now,
        related_reason: None,
        proposal: None,
        transitions: 0,
        marks: Marks::default(),
        progress: Progress::default(),
    };
    let row = row(&mut case, "report", None, matter, teller, now);
    (case, row)
}

/// The row of a case that takes in another report of the same matter.
#[must_use]
pub fn join(case: &mut Case, matter: &Matter, teller: &Teller, now: Timestamp) -> Transition {
    let from = Some(case.state);
    let row = row(case, "report_joined", from, matter, teller, now);
    case.touch(now, false);
    row
}

fn row(
    case: &mut Case,
    action: &str,
    from: Option<State>,
    matter: &Matter,
    teller: &Teller,
    now: Timestamp,
) -> Transition {
    case.transitions += 1;
    let details = Details {
        evidence: matter.photos.clone(),
        ..Details::default()
    };
    Transition {
        seq: case.transitions,
        at: now,
        actor: teller.name.clone(),
        actor_name: teller.display_name.clone(),
        role: teller.role,
        action: action.to_owned(),
        from,
        to: case.state,
        reason: None,
        note: Some(matter.source.words()),
        evidence_hash: evidence_hash(&details.evidence),
        details: (details != Details::default()).then_some(details),
    }
}

#[cfg(test)]
mod tests;
