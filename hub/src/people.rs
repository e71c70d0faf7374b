//! People who sign in: what makes one, and who may change whom.
//!
//! Pure. An administrator with an area has the people of that area and no others, and gives nobody more
//! than the own area. A grid worker is a checker whose area is the grid.

use gridwatch_protocol::Timestamp;

use crate::access::Scope;
use crate::cases::{Role, SYSTEM};
use crate::directory::Directory;
use crate::directory::check::check_phone;

/// A name for people has at most this many characters.
const NAME_MAX: usize = 64;

/// Somebody who signs in; without what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Sign-in name.
    pub username: String,
    /// What can be changed of them.
    pub profile: Profile,
    /// When they were added.
    pub created_at: Timestamp,
    /// Since when they may not sign in, if so.
    pub disabled_at: Option<Timestamp>,
    /// Grows with every change.
    pub version: i64,
}

/// What can be changed of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Name for people.
    pub display_name: String,
    /// What they may do.
    pub role: Role,
    /// Code of the unit that they belong to.
    pub unit: Option<String>,
    /// Code of the area whose subtree they work for; none is the whole tree.
    pub area: Option<String>,
    /// Their telephone.
    pub phone: Option<String>,
    /// `zh` or `en`, if they chose.
    pub language: Option<String>,
}

impl Profile {
    /// Whether they manage the whole tree: somebody must.
    #[must_use]
    pub fn manages_all(&self) -> bool {
        self.role == Role::Administrator && self.area.is_none()
    }

    /// What is wrong with it, one sentence each.
    #[must_use]
    pub fn problems(&self, directory: &Directory) -> Vec<String> {
        let mut problems = Vec::new();
        let name = self.display_name.trim();
        if name.is_empty()
            || name.chars().count() > NAME_MAX
            || name != self.display_name
            || name.chars().any(char::is_control)
        {
            problems.push(format!(
                "the name for people must have 1 to {NAME_MAX} characters, no line breaks and no blanks around it"
            ));
        }
        problems.extend(check_unit(self.role, self.unit.as_deref()).err());
        if let Some(unit) = &self.unit
            && !directory.units().is_empty()
            && directory.unit(unit).is_none()
        {
            problems.push(format!("there is no unit `{unit}` in the directory"));
        }
        if let Some(area) = &self.area
            && directory.area(area).is_none()
        {
            problems.push(format!(
                "there is no area `{area}` in the directory; leave it out for the whole tree"
            ));
        }
        let phone = self.phone.as_deref().and_then(check_phone);
        problems.extend(phone.map(|(message, remedy)| format!("{message}; {remedy}")));
        if let Some(language) = &self.language {
            problems.extend(check_language(language).err());
        }
        problems
    }
}

/// Who speaks or works for a unit names it; nobody else has one.
///
/// # Errors
/// What is wrong.
pub fn check_unit(role: Role, unit: Option<&str>) -> Result<(), String> {
    let needs = matches!(role, Role::Unit | Role::Handler);
    let ok = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let problem = match unit {
        None if needs => "needs a unit: give its code",
        Some(_) if !needs => "has no unit: leave it out",
        Some(code) if code.is_empty() || code.len() > 64 || !code.chars().all(ok) => {
            "needs a unit's code of 1 to 64 letters, digits and `-`"
        }
        _ => return Ok(()),
    };
    Err(format!("a user with the role {} {problem}", role.as_str()))
}

/// Whether this can be a sign-in name.
///
/// # Errors
/// What is wrong.
pub fn check_username(name: &str) -> Result<(), String> {
    let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
    if name.is_empty() || name.len() > 64 || !name.chars().all(ok) || name == SYSTEM {
        return Err(format!(
            "`{name}` is not a sign-in name: 1 to 64 letters, digits, `-`, `_`, `.` or `@`, and not `system`"
        ));
    }
    Ok(())
}

/// Whether this is a language of the console.
///
/// # Errors
/// What is wrong.
pub fn check_language(language: &str) -> Result<(), String> {
    if matches!(language, "zh" | "en") {
        return Ok(());
    }
    Err(format!(
        "`{language}` is not a language of the console; it has zh and en"
    ))
}

/// Whether who sees `scope` manages people of this area.
#[must_use]
pub fn manages(scope: &Scope, area: Option<&str>, directory: &Directory) -> bool {
    let within = |area| {
        let path = directory.area_path(area);
        !path.is_empty() && scope.sees_path(&path)
    };
    scope.is_whole() || area.is_some_and(within)
}

/// Why who sees `scope` cannot give somebody this profile.
#[must_use]
pub fn out_of_reach(scope: &Scope, profile: &Profile, directory: &Directory) -> Option<String> {
    if !manages(scope, profile.area.as_deref(), directory) {
        return Some(
            "the area must be one of your own: nobody gives more than they have".to_owned(),
        );
    }
    let unit = profile
        .unit
        .as_deref()
        .and_then(|code| directory.unit(code));
    let beyond = |unit: &crate::directory::Unit| !manages(scope, Some(&unit.area), directory);
    unit.is_some_and(beyond)
        .then(|| "the unit must be one of your own area".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::Actor;
    use crate::cases::sample::Shipped;

    fn profile(role: Role, area: Option<&str>, unit: Option<&str>) -> Profile {
        Profile {
            display_name: "王芳".into(),
            role,
            unit: unit.map(Into::into),
            area: area.map(Into::into),
            phone: None,
            language: None,
        }
    }

    fn scope(area: Option<&str>, directory: &Directory) -> Scope {
        let actor = Actor {
            username: "root".into(),
            display_name: "ROOT".into(),
            role: Role::Administrator,
            unit: None,
        };
        Scope::of(&actor, area, directory)
    }

    #[test]
    fn administrator_of_a_street_gives_nobody_more_than_the_street() {
        let directory = Shipped::load().directory;
        let street = scope(Some("990101001"), &directory);
        let check =
            |role, area, unit| out_of_reach(&street, &profile(role, area, unit), &directory);
        assert_eq!(check(Role::Checker, Some("990101001001001"), None), None);
        assert_eq!(check(Role::Administrator, Some("990101001"), None), None);
        assert!(check(Role::DutyOfficer, Some("990101"), None).is_some());
        assert!(check(Role::Auditor, None, None).is_some());
        let unit = |unit| check(Role::Handler, Some("990101001"), Some(unit));
        assert_eq!(unit("xinghe-property"), None);
        assert!(unit("donghu-fire").is_some());
        let whole = scope(None, &directory);
        assert_eq!(
            out_of_reach(
                &whole,
                &profile(Role::Administrator, None, None),
                &directory
            ),
            None
        );
    }

    #[test]
    fn administrator_of_an_area_that_is_gone_manages_nobody() {
        let directory = Shipped::load().directory;
        let gone = scope(Some("77"), &directory);
        assert!(!manages(&gone, Some("77"), &directory));
        assert!(!manages(&gone, None, &directory));
    }

    #[test]
    fn every_problem_of_a_profile_is_told() {
        let directory = Shipped::load().directory;
        let mut wrong = profile(Role::Handler, Some("77"), Some("nobody"));
        wrong.display_name = " ".into();
        wrong.phone = Some("call me".into());
        wrong.language = Some("fr".into());
        let problems = wrong.problems(&directory).join("\n");
        for expected in [
            "name for people",
            "unit `nobody`",
            "area `77`",
            "`call me`",
            "`fr`",
        ] {
            assert!(
                problems.contains(expected),
                "{expected} is not in:\n{problems}"
            );
        }
        assert_eq!(
            profile(Role::Checker, None, None).problems(&directory),
            Vec::<String>::new()
        );
    }
}
