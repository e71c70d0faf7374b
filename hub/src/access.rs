//! What a caller may see: the subtree of one area, and for people of a unit the cases of their unit.
//!
//! The filter is part of every statement that reads or loads for somebody; nothing is read first and
//! hidden afterwards. It fails closed: an area that is no longer in the tree, or a unit's officer without
//! a unit, sees nothing. What lies at an unknown place is seen by those who see the whole tree.

use crate::cases::{Actor, Role};
use crate::directory::{Directory, Level};
use crate::store::database::QueryBuilder;

/// See the module's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Where the cases are.
    within: Within,
    /// Where sites, gateways and readings are.
    places: Within,
    /// Only cases of this unit.
    unit: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Within {
    Whole,
    Subtree {
        /// Path of the area, such as `/990100/990101/`.
        path: String,
        /// Whether so much lies in it that an index over paths would cost more than it saves.
        wide: bool,
    },
    Nothing,
}

impl Within {
    /// What lies in both.
    fn and(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Whole, one) | (one, Self::Whole) => one.clone(),
            (Self::Subtree { path: a, .. }, Self::Subtree { path: b, .. }) => {
                if a.starts_with(b.as_str()) {
                    self.clone()
                } else if b.starts_with(a.as_str()) {
                    other.clone()
                } else {
                    Self::Nothing
                }
            }
            _ => Self::Nothing,
        }
    }
}

fn subtree(area: &str, directory: &Directory) -> Within {
    directory
        .area(area)
        .map_or(Within::Nothing, |found| Within::Subtree {
            path: directory.area_path(area),
            wide: found.level <= Level::District,
        })
}

impl Scope {
    /// Everything: what the hub itself sees.
    #[must_use]
    pub const fn whole() -> Self {
        Self {
            within: Within::Whole,
            places: Within::Whole,
            unit: None,
        }
    }

    /// Nothing.
    #[must_use]
    pub const fn nothing() -> Self {
        Self {
            within: Within::Nothing,
            places: Within::Nothing,
            unit: None,
        }
    }

    /// The subtree of an area; nothing when the area is not in the tree.
    #[must_use]
    pub fn subtree(area: &str, directory: &Directory) -> Self {
        let within = subtree(area, directory);
        Self {
            places: within.clone(),
            within,
            unit: None,
        }
    }

    /// What somebody may see who works for `area`; without one the whole tree. People of a unit see the
    /// cases that their unit has or had to do with, wherever they are, and the places of its area; an
    /// area of their own narrows both.
    #[must_use]
    pub fn of(actor: &Actor, area: Option<&str>, directory: &Directory) -> Self {
        let own = area.map_or(Self::whole(), |area| Self::subtree(area, directory));
        if !matches!(actor.role, Role::Unit | Role::Handler) {
            return own;
        }
        let Some(code) = &actor.unit else {
            return Self::nothing();
        };
        let of_unit = directory.unit(code).map(|unit| unit.area.as_str());
        let places = match (area, of_unit) {
            (None, Some(area)) => subtree(area, directory),
            (None, None) => Within::Nothing,
            (Some(_), _) => own.places,
        };
        Self {
            within: own.within,
            places,
            unit: Some(code.clone()),
        }
    }

    /// This and only what lies in that area, too.
    #[must_use]
    pub fn and_area(&self, area: &str, directory: &Directory) -> Self {
        let narrower = subtree(area, directory);
        Self {
            within: self.within.and(&narrower),
            places: self.places.and(&narrower),
            unit: self.unit.clone(),
        }
    }

    /// Whether the whole tree is seen, unknown places included.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.within == Within::Whole && self.unit.is_none()
    }

    /// The unit whose cases alone are seen.
    #[must_use]
    pub fn unit(&self) -> Option<&str> {
        self.unit.as_deref()
    }

    /// Whether a place at this path is seen; an empty path is an unknown place.
    #[must_use]
    pub fn sees_path(&self, path: &str) -> bool {
        match &self.places {
            Within::Whole => true,
            Within::Subtree { path: own, .. } => path.starts_with(own.as_str()),
            Within::Nothing => false,
        }
    }

    /// Adds ` AND …` over the columns of `cases`, whose names begin with `prefix` (such as `c.`).
    pub(crate) fn push_cases(&self, query: &mut QueryBuilder, prefix: &'static str) {
        match &self.within {
            Within::Whole => {}
            Within::Nothing => {
                query.push(" AND 1 = 0");
            }
            Within::Subtree { path, wide } => {
                // Said as an expression, no index over paths is used.
                let (open, close) = if *wide { ("(", " || '')") } else { ("", "") };
                for (sign, bound) in [(" >= ", path.clone()), (" < ", after(path))] {
                    query.push(" AND ").push(open).push(prefix);
                    query.push("area_path").push(close).push(sign);
                    query.push_bind(bound);
                }
            }
        }
        if let Some(unit) = &self.unit {
            query.push(" AND ").push(prefix);
            query.push("id IN (SELECT case_id FROM case_units WHERE unit = ");
            query.push_bind(unit).push(")");
        }
    }

    /// Adds ` AND …` over a column with a path, where it is places that are asked for, not cases.
    pub(crate) fn push_path(&self, query: &mut QueryBuilder, column: &'static str) {
        match &self.places {
            Within::Whole => {}
            Within::Nothing => {
                query.push(" AND 1 = 0");
            }
            Within::Subtree { path, .. } => {
                query.push(" AND ").push(column).push(" >= ");
                query.push_bind(path).push(" AND ").push(column);
                query.push(" < ").push_bind(after(path));
            }
        }
    }
}

/// The first text after all that begin with this path, which ends with `/`: `0` follows `/`.
fn after(path: &str) -> String {
    let mut end = path.to_owned();
    end.pop();
    end.push('0');
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::sample::Shipped;

    fn actor(role: Role, unit: Option<&str>) -> Actor {
        Actor {
            username: "li".into(),
            display_name: "LI".into(),
            role,
            unit: unit.map(Into::into),
        }
    }

    #[test]
    fn an_officer_sees_the_own_subtree_and_nothing_beside_it() {
        let directory = Shipped::load().directory;
        let officer = actor(Role::DutyOfficer, None);
        let scope = Scope::of(&officer, Some("990101001"), &directory);
        assert!(scope.sees_path("/990100/990101/990101001/990101001001/"));
        assert!(!scope.sees_path("/990100/990101/"));
        assert!(!scope.sees_path("/990100/990101/9901010010/"));
        assert!(!scope.sees_path(""));
        assert!(Scope::of(&officer, None, &directory).sees_path(""));
    }

    #[test]
    fn an_area_that_is_gone_and_a_handler_without_a_unit_see_nothing() {
        let directory = Shipped::load().directory;
        let officer = actor(Role::DutyOfficer, None);
        assert_eq!(
            Scope::of(&officer, Some("77"), &directory),
            Scope::nothing()
        );
        let handler = actor(Role::Handler, None);
        assert_eq!(Scope::of(&handler, None, &directory), Scope::nothing());
    }

    #[test]
    fn a_narrower_area_narrows_and_a_wider_one_never_widens() {
        let directory = Shipped::load().directory;
        let officer = actor(Role::DutyOfficer, None);
        let street = Scope::of(&officer, Some("990101001"), &directory);
        assert_eq!(street.and_area("990100", &directory), street);
        let grid = street.and_area("990101001001001", &directory);
        assert!(!grid.sees_path("/990100/990101/990101001/990101001001/"));
        assert_eq!(street.and_area("77", &directory), Scope::nothing());
    }
}
