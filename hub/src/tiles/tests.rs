use super::*;

/// A header whose sections all lie within the first 200 bytes.
fn header() -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(b"PMTiles\x03");
    for (at, value) in [
        (8, 127_u64),
        (16, 10),
        (24, 137),
        (32, 3),
        (40, 140),
        (56, 140),
        (64, 60),
    ] {
        header[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }
    header[97..102].copy_from_slice(&[2, 2, 1, 0, 14]);
    for (at, value) in [
        (102, 1_130_000_000_i32),
        (106, 230_000_000),
        (110, 1_140_000_000),
        (114, 235_000_000),
    ] {
        header[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    header
}

fn open(bytes: &[u8]) -> Result<Tiles, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.pmtiles");
    std::fs::write(&path, bytes).unwrap();
    Tiles::open(&path)
}

fn archive(header: [u8; HEADER_BYTES]) -> Vec<u8> {
    let mut bytes = header.to_vec();
    bytes.resize(200, 7);
    bytes
}

#[test]
fn archive_says_what_it_has_and_gives_its_parts() {
    let tiles = open(&archive(header())).unwrap();
    let info = TileInfo {
        kind: TileKind::Mvt,
        min_zoom: 0,
        max_zoom: 14,
        bounds: [113.0, 23.0, 114.0, 23.5],
    };
    assert_eq!((tiles.bytes, &tiles.info), (200, &info));
    assert_eq!(tiles.part(0, 6).unwrap(), b"PMTiles");
    assert_eq!(tiles.part(199, 199).unwrap(), [7]);
}

/// Spoils a header.
type Change = fn(&mut [u8; HEADER_BYTES]);

#[test]
fn files_that_are_no_archive_are_told_with_what_to_do() {
    let told = |change: Change| {
        let mut header = header();
        change(&mut header);
        open(&archive(header)).unwrap_err()
    };
    assert!(
        open(b"PMTiles")
            .unwrap_err()
            .contains("shorter than a header")
    );
    let checks: [(Change, &str); 7] = [
        (|header| header[0] = b'X', "is not a PMTiles archive"),
        (|header| header[7] = 2, "version 2"),
        (|header| header[64] = 200, "it was not copied to the end"),
        (|header| header[17] = 0xff, "too far back"),
        (|header| header[98] = 3, "neither gzip nor nothing"),
        (|header| header[99] = 9, "tiles of type 9"),
        (|header| header[100] = 15, "zooms 15 to 14"),
    ];
    for (change, expected) in checks {
        let found = told(change);
        assert!(found.contains(expected), "{expected} is not in: {found}");
    }
    let settings = MapSettings {
        tiles: "/nowhere/a.pmtiles".into(),
    };
    let found = settings.open().unwrap_err();
    assert!(
        found.contains("`map.tiles`") && found.contains("cannot be read"),
        "{found}"
    );
}

#[test]
fn ranges_are_one_bounded_part_within_the_file() {
    let check = |range, expected| assert_eq!(asked(range, 1000), expected, "{range:?}");
    check(Some("bytes=0-99"), Asked::Part(0, 99));
    check(Some("bytes=900-99999"), Asked::Part(900, 999));
    check(Some("bytes=900-"), Asked::Part(900, 999));
    check(Some("bytes=1000-1001"), Asked::Beyond);
    for unfit in [
        None,
        Some("bytes=-5"),
        Some("bytes=5-4"),
        Some("bytes=0-1,5-6"),
        Some("lines=0-1"),
        Some("bytes=a-b"),
    ] {
        check(unfit, Asked::Unfit);
    }
    let long = format!("bytes=0-{PART_BYTES_MAX}");
    assert_eq!(asked(Some(&long), u64::MAX), Asked::Unfit);
    assert_eq!(asked(Some("bytes=0-0"), 0), Asked::Beyond);
}
