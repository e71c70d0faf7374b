//! The directory as a whole: paths, duties, positions, and what comes in as it went out.

use proptest::prelude::*;

use super::contents::Flat;
use super::finding::Finding;
use super::import::Import;
use super::outline::Outline;
use super::*;

const AREAS: &str = include_str!("../../../configs/areas.toml");
const SITES: &str = include_str!("../../../configs/sites.toml");

fn shipped() -> Directory {
    Directory::parse(AREAS, SITES).expect("shipped files are right")
}

#[test]
fn shipped_files_give_a_path_from_city_to_grid() {
    let path = shipped().path(&SiteId::new("xinghe-garden").unwrap());
    let levels: Vec<_> = path.iter().map(|step| step.level).collect();
    assert_eq!(levels, Level::ALL);
}

#[test]
fn unknown_site_has_its_id_as_name_and_no_path() {
    let directory = shipped();
    let id = SiteId::new("nowhere").unwrap();
    assert_eq!(directory.site_name(&id).en, "nowhere");
    assert!(directory.path(&id).is_empty());
}

#[test]
fn matter_at_no_site_is_in_the_area_that_it_names() {
    let directory = shipped();
    let id = SiteId::new("990101001001002").unwrap();
    assert_eq!(
        directory.site_path(&id),
        directory.area_path("990101001001002")
    );
    assert_eq!(directory.site_name(&id).en, "Grid 2");
}

#[test]
fn every_problem_of_both_files_is_told_at_once() {
    let areas = AREAS.replace("parent = \"990101\"\n", "parent = \"77\"\n");
    let sites = SITES
        .replace("lat = 23.0208", "lat = 123.0")
        .replace("xinghe-market", "xinghe-garden");
    let problems = Directory::parse(&areas, &sites).unwrap_err().join("\n");
    for expected in ["parent `77`", "123", "stands twice"] {
        assert!(
            problems.contains(expected),
            "{expected} is not in:\n{problems}"
        );
    }
}

#[test]
fn position_is_in_its_grid_and_outside_in_none() {
    let directory = shipped();
    let site = directory
        .site(&SiteId::new("xinghe-garden").unwrap())
        .unwrap();
    let grid = directory
        .grid_at(site.lat, site.lon)
        .map(|area| area.code.as_str());
    assert_eq!(grid, Some(site.grid.as_str()));
    assert_eq!(directory.grid_at(0.0, 0.0), None);
}

/// A text as people write it: no control characters, no blanks around it.
fn text() -> impl Strategy<Value = String> {
    "[a-z=+@'\",;\\-\u{4e00}-\u{4e20}]([a-z ,;'\"\u{4e00}-\u{4e20}]{0,12}[a-z'\"\u{4e00}-\u{4e20}])?"
}

fn both() -> impl Strategy<Value = Text> {
    (text(), text()).prop_map(|(zh, en)| Text { zh, en })
}

fn position() -> impl Strategy<Value = (f64, f64, Datum)> {
    let datum = prop_oneof![Just(Datum::Wgs84), Just(Datum::Converted)];
    (22.0..24.0, 112.0..114.0, datum)
}

/// Outlines of neighbouring grids: strips that touch.
fn strip(i: usize, height: f64) -> Outline {
    let west = 112.0 + 0.01 * f64::from(u32::try_from(i).unwrap());
    let corners = [
        [west, 22.0],
        [west + 0.01, 22.0],
        [west + 0.01, 22.0 + height],
        [west, 22.0 + height],
    ];
    Outline::from_corners(corners.iter().map(|at| at.to_vec()).collect(), Datum::Wgs84).unwrap()
}

type SiteParts = (Text, Text, Option<String>, (f64, f64, Datum));

fn contents() -> impl Strategy<Value = Contents> {
    let grids = prop::collection::vec((both(), prop::option::of(0.1..0.3)), 1..5);
    let site = (both(), both(), prop::option::of(text()), position());
    let sites = prop::collection::vec(site, 0..4);
    let contacts = prop::collection::vec((text(), text()), 0..4);
    (
        both(),
        grids,
        sites,
        contacts,
        prop::option::of("[+0-9]{5,9}"),
    )
        .prop_map(build)
}

#[expect(clippy::type_complexity, reason = "the parts of one strategy")]
fn build(
    (name, grids, sites, contacts, phone): (
        Text,
        Vec<(Text, Option<f64>)>,
        Vec<SiteParts>,
        Vec<(String, String)>,
        Option<String>,
    ),
) -> Contents {
    let mut contents = Contents::default();
    let area = |code: &str, parent: Option<&str>, level, name: &Text| Area {
        code: code.to_owned(),
        parent: parent.map(str::to_owned),
        level,
        name: name.clone(),
    };
    contents
        .areas
        .push(area("1", None, Level::City, &name).into());
    for (i, (name, height)) in grids.iter().enumerate() {
        let code = format!("1-{i}");
        contents
            .areas
            .push(area(&code, Some("1"), Level::Grid, name).into());
        if let Some(height) = height {
            let outline = strip(i, *height);
            contents.outlines.push(AreaOutline { code, outline }.into());
        }
    }
    for (i, domain) in Domain::ALL.into_iter().enumerate() {
        contents.risk_areas.push(
            RiskArea {
                code: format!("r{i}"),
                domain,
                name: name.clone(),
                area: "1".into(),
                outline: strip(i, 1.0),
            }
            .into(),
        );
    }
    contents.units.push(
        Unit {
            code: "u".into(),
            name: name.clone(),
            kind: "property".into(),
            area: "1".into(),
            phone,
        }
        .into(),
    );
    let duty = Duty {
        area: "1".into(),
        category: "flooding".into(),
        unit: "u".into(),
    };
    contents.duties.push(duty.into());
    for (i, (name, address, building_code, (lat, lon, datum))) in sites.into_iter().enumerate() {
        contents.hazards.push(
            Hazard {
                code: format!("h{i}"),
                category: "flooding".into(),
                name: address.clone(),
                grid: "1-0".into(),
                lat,
                lon,
                datum,
            }
            .into(),
        );
        let id = SiteId::new(format!("s.{i}")).unwrap();
        contents.sites.push(
            Site {
                id,
                name,
                grid: "1-0".into(),
                address,
                building_code,
                lat,
                lon,
                datum,
            }
            .into(),
        );
        for (order, (name, duty)) in (1..).zip(&contacts) {
            contents.contacts.push(
                Contact {
                    place_kind: PlaceKind::Site,
                    place: format!("s.{i}"),
                    order,
                    name: name.clone(),
                    duty: duty.clone(),
                    phone: "+8620 1234".into(),
                }
                .into(),
            );
        }
    }
    contents
}

fn csv<T: Flat>(contents: &Contents) -> Vec<u8> {
    sheet::write(T::list(contents).iter().map(|entry| &entry.row))
}

fn json_again<T: Flat + read::Settle>(contents: &Contents, findings: &mut Vec<Finding>) -> Vec<T> {
    let rows = T::list(contents).iter();
    let values = rows
        .map(|entry| serde_json::to_value(&entry.row).unwrap())
        .collect();
    let read = read::list::<T>(values, findings);
    read.into_iter().map(|entry| entry.row).collect()
}

proptest! {
    #[test]
    fn directory_that_goes_out_as_csv_and_geojson_comes_in_the_same(contents in contents()) {
        let whole = Directory::new(contents.clone(), 0).contents();
        let (mut import, mut findings) = (Import::default(), Vec::new());
        let outlines = whole.outlines.iter().map(|entry| (&entry.row, None));
        let geojson = feature::write(outlines).to_string().into_bytes();
        let risks = risk::write(whole.risk_areas.iter().map(|entry| &entry.row)).to_string().into_bytes();
        for (name, bytes) in [
            ("areas.csv", csv::<Area>(&whole)),
            ("outlines.geojson", geojson),
            ("sites.csv", csv::<Site>(&whole)),
            ("units.csv", csv::<Unit>(&whole)),
            ("duties.csv", csv::<Duty>(&whole)),
            ("hazards.csv", csv::<Hazard>(&whole)),
            ("contacts.csv", csv::<Contact>(&whole)),
            ("risk-areas.geojson", risks.clone()),
        ] {
            import.take_file(name, &bytes, &mut findings).unwrap();
        }
        prop_assert_eq!(&findings, &vec![]);
        let scope = crate::access::Scope::whole();
        let again = import.onto(&Directory::default(), &scope).in_order();
        prop_assert_eq!(&again, &whole);
        let (mut import, mut findings) = (Import::default(), Vec::new());
        import.take_file("areas.toml", file::write_areas(&whole).as_bytes(), &mut findings).unwrap();
        import.take_file("sites.toml", file::write_sites(&whole).as_bytes(), &mut findings).unwrap();
        import.take_file("risk-areas.geojson", &risks, &mut findings).unwrap();
        prop_assert_eq!(&findings, &vec![]);
        let again = import.onto(&Directory::default(), &scope).in_order();
        prop_assert_eq!(&again, &whole);
        let json: Vec<Site> = json_again(&whole, &mut findings);
        prop_assert_eq!(&findings, &vec![]);
        prop_assert!(json.iter().eq(whole.sites.iter().map(|entry| &entry.row)));
    }

    #[test]
    fn files_of_any_bytes_are_read_or_told(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for name in ["areas.csv", "sites.csv", "outlines.geojson", "risk-areas.geojson", "areas.toml", "sites.toml"] {
            let (mut import, mut findings) = (Import::default(), Vec::new());
            import.take_file(name, &bytes, &mut findings).unwrap();
        }
    }

    #[test]
    fn outlines_of_any_corners_are_taken_or_told(
        corners in prop::collection::vec((-200.0..200.0, -100.0..100.0), 0..9)
    ) {
        let corners: Vec<Vec<f64>> = corners.into_iter().map(|(x, y)| vec![x, y]).collect();
        if let Ok(outline) = Outline::from_corners(corners, Datum::Wgs84) {
            prop_assert!(outline.overlap(&outline).is_some());
        }
    }
}
