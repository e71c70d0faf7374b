//! Each check against a directory that is right but for one thing.

use super::*;
use crate::directory::Directory;
use crate::directory::file;
use crate::directory::finding::Gravity;

const AREAS: &str = r#"
[[area]]
code = "1"
level = "city"
name = { zh = "市", en = "City" }
[[area]]
code = "11"
parent = "1"
level = "district"
name = { zh = "区", en = "District" }
[[area]]
code = "111"
parent = "11"
level = "grid"
name = { zh = "一", en = "One" }
outline = [[113.0, 23.0], [113.01, 23.0], [113.01, 23.01], [113.0, 23.01]]
[[area]]
code = "112"
parent = "11"
level = "grid"
name = { zh = "二", en = "Two" }
outline = [[113.01, 23.0], [113.02, 23.0], [113.02, 23.01], [113.01, 23.01]]
[[unit]]
code = "prop"
name = { zh = "物业", en = "Property" }
kind = "property"
area = "11"
phone = "020-1234567"
[[duty]]
area = "11"
category = "flooding"
unit = "prop"
"#;

const SITES: &str = r#"
[[site]]
id = "garden"
name = { zh = "园", en = "Garden" }
grid = "111"
address = { zh = "路", en = "Road" }
lat = 23.005
lon = 113.005
[[hazard]]
code = "low-road"
category = "flooding"
name = { zh = "低洼路", en = "Low road" }
grid = "112"
lat = 23.005
lon = 113.015
[[contact]]
place_kind = "hazard"
place = "low-road"
order = 1
name = "王"
duty = "社区"
phone = "13800000000"
"#;

fn catalogue() -> Catalogue {
    Catalogue::parse(include_str!("../../../../configs/categories.toml")).unwrap()
}

/// What is found when this text is replaced by that, in whichever file it stands.
fn found(from: &str, to: &str) -> Vec<Finding> {
    let text = format!("{AREAS}{SITES}");
    assert!(text.contains(from), "{from} is in neither file");
    let (mut contents, mut findings) = (Contents::default(), Vec::new());
    file::read_areas(&AREAS.replace(from, to), &mut contents, &mut findings);
    file::read_sites(&SITES.replace(from, to), &mut contents, &mut findings);
    findings.extend(check(&contents, Some(&catalogue())));
    findings
}

#[track_caller]
fn refused(from: &str, to: &str, expected: &[&str]) {
    let findings = found(from, to);
    let told: Vec<String> = findings
        .iter()
        .filter(|f| f.is_error())
        .map(ToString::to_string)
        .collect();
    let told = told.join("\n");
    for expected in expected {
        assert!(told.contains(expected), "`{expected}` is not in:\n{told}");
    }
}

#[test]
fn what_is_right_has_warnings_at_most() {
    let findings = found("\n", "\n");
    assert!(
        findings.iter().all(|f| f.gravity == Gravity::Warning),
        "{findings:#?}"
    );
    let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
    let told = told.join("\n");
    assert!(
        told.contains("`low-road`: the flood-prone point has 1 of 4 contacts"),
        "{told}"
    );
    assert!(
        told.contains("2 grid(s), such as 111, 112, have no unit of kind `fire`"),
        "{told}"
    );
    assert!(
        !told.contains(" flooding"),
        "flooding is named in the duties:\n{told}"
    );
}

#[test]
fn trees_that_are_none_are_refused() {
    refused(
        "parent = \"1\"\n",
        "parent = \"111\"\n",
        &["goes in a circle", "`11` is part of `111` is part of `11`"],
    );
    refused(
        "parent = \"1\"\n",
        "parent = \"77\"\n",
        &["row 6 `11`: the parent `77` is not in the area tree"],
    );
    refused("parent = \"1\"\n", "", &["a district has no parent"]);
    refused(
        "level = \"district\"",
        "level = \"grid\"",
        &["a grid cannot be part of `11`, which is a grid"],
    );
    refused(
        "code = \"112\"",
        "code = \"111\"",
        &["row 17 `111`: `111` stands twice, first in row 11"],
    );
    refused(
        "code = \"112\"",
        "code = \"1 2\"",
        &["letters, digits and `-`"],
    );
    refused("zh = \"区\"", "zh = \" \"", &["the Chinese name is empty"]);
    refused(
        "id = \"garden\"",
        "id = \"111\"",
        &["there is a site with the same code"],
    );
    refused(
        "level = \"district\"",
        "level = \"gird\"",
        &["unknown variant"],
    );
}

#[test]
fn circle_that_joins_no_city_is_found_whatever_its_levels() {
    let area = |code: &str, parent: &str| Area {
        code: code.to_owned(),
        parent: Some(parent.to_owned()),
        level: crate::directory::Level::Grid,
        name: Text {
            zh: "名".into(),
            en: "name".into(),
        },
    };
    let contents = Contents {
        areas: vec![
            area("a", "b").into(),
            area("b", "c").into(),
            area("c", "a").into(),
            area("d", "a").into(),
        ],
        ..Contents::default()
    };
    let findings = check(&contents, None);
    let circles = findings
        .iter()
        .filter(|f| f.message.contains("circle"))
        .count();
    assert_eq!(circles, 1, "{findings:#?}");
    // And whoever asks such a tree gets an answer.
    assert!(Directory::new(contents, 0).steps("d").len() <= 5);
}

#[test]
fn grids_on_each_other_are_refused_with_how_much_and_touching_ones_are_not() {
    refused(
        "[113.01, 23.0], [113.02, 23.0], [113.02, 23.01], [113.01, 23.01]",
        "[113.009, 23.0], [113.02, 23.0], [113.02, 23.01], [113.009, 23.01]",
        &["the grid overlaps", "m² (10.0 % of the smaller one"],
    );
    // A corner that was rounded by 0.1 m.
    let findings = found("[113.01, 23.0], [113.02", "[113.009999, 23.0], [113.02");
    assert!(findings.iter().all(|f| !f.is_error()), "{findings:#?}");
    refused(
        "[113.01, 23.01], [113.0, 23.01]]",
        "[113.0, 23.01], [113.01, 23.01]]",
        &["self-intersection"],
    );
}

#[test]
fn places_outside_of_their_grid_are_refused_with_what_to_do() {
    refused(
        "lon = 113.005",
        "lon = 113.015",
        &[
            "row 2 `garden`: the position",
            "m outside the outline of its grid `111`",
            "it lies in `112`",
        ],
    );
    refused(
        "lon = 113.005",
        "lon = 113.5",
        &["correct the grid, the position or the outline"],
    );
    refused(
        "lat = 23.005\nlon = 113.005",
        "lat = 113.005\nlon = 23.005",
        &["seem to be exchanged"],
    );
    refused(
        "grid = \"111\"",
        "grid = \"11\"",
        &["`11` is a district, not a grid"],
    );
    refused(
        "grid = \"111\"",
        "grid = \"999\"",
        &["the grid `999` is not in the area tree"],
    );
}

#[test]
fn shifted_position_is_recognised_and_with_its_tag_taken() {
    // 23.0000, 113.0050 as a Chinese web map shows it lies about 500 m to the east.
    let (shifted_lat, shifted_lon) = ("23.002390", "113.010285");
    let given = format!("lat = {shifted_lat}\nlon = {shifted_lon}");
    refused(
        "lat = 23.005\nlon = 113.005",
        &given,
        &["if it were GCJ-02: then tag it `datum` = `gcj02`"],
    );
    let findings = found(
        "lat = 23.005\nlon = 113.005",
        &format!("{given}\ndatum = \"gcj02\""),
    );
    assert!(findings.iter().all(|f| !f.is_error()), "{findings:#?}");
}

#[test]
fn units_and_duties_that_lead_nowhere_are_refused() {
    refused(
        "area = \"11\"\nphone",
        "area = \"99\"\nphone",
        &["nobody owns this unit: its area `99` is not"],
    );
    refused(
        "unit = \"prop\"",
        "unit = \"x\"",
        &["`11:flooding`: there is no unit `x`"],
    );
    refused(
        "category = \"flooding\"\nunit",
        "category = \"floods\"\nunit",
        &["the category `floods` is not in the catalogue"],
    );
    refused(
        "area = \"11\"\ncategory",
        "area = \"99\"\ncategory",
        &["the area `99` is not in the area tree"],
    );
    refused(
        "kind = \"property\"",
        "kind = \"Property \"",
        &["is not a word of small letters"],
    );
    refused(
        "020-1234567",
        "call me",
        &["`call me` is not a telephone number"],
    );
}

#[test]
fn contacts_of_nothing_are_refused() {
    refused(
        "place = \"low-road\"",
        "place = \"high-road\"",
        &["there is no hazard `high-road`"],
    );
    refused("order = 1", "order = 0", &["`order` is 0"]);
    refused("name = \"王\"", "name = \"\"", &["the name is empty"]);
    refused(
        "place_kind = \"hazard\"",
        "place_kind = \"site\"",
        &["there is no site `low-road`"],
    );
}
