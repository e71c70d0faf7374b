//! Files as loggers and spreadsheets write them.

use super::*;

fn specs(texts: &[&str]) -> Vec<ChannelSpec> {
    texts
        .iter()
        .map(|text| text.parse().expect("a channel"))
        .collect()
}

fn rows(file: &str, time: &str, channels: &[&str]) -> Vec<Row> {
    let mut recording = Recording::open(file.as_bytes(), time, &specs(channels)).expect("it opens");
    let mut rows = Vec::new();
    let mut row = Row::default();
    while recording.read(&mut row).expect("it reads") {
        rows.push(row.clone());
    }
    rows
}

#[test]
fn the_delimiter_is_found_quotes_and_byte_order_mark_are_taken_off() {
    for (file, time, column) in [
        ("time,a b\n1,2.5\n", "time", "a b"),
        ("\u{feff}\"time\";\"a b\"\r\n1;2,5\r\n", "time", "a b"),
        ("\n\ntime\ta b\n1\t2.5\n", "time", "a b"),
        ("when, now;a b,c\n1;2.5\n", "when, now", "a b,c"),
    ] {
        let rows = rows(file, time, &[&format!("{column}=other")]);
        assert_eq!(rows.len(), 1, "{file:?}");
        assert_eq!(rows[0].values, [Some(2.5)], "{file:?}");
        assert_eq!(rows[0].at, Some(Timestamp::from_unix_ms(1000)), "{file:?}");
    }
}

#[test]
fn what_is_no_number_is_missing_and_every_row_comes_out() {
    let file = "time,x,y\n1,NaN,1\n2,inf,\n3,-inf,abc\n4\n,5,6\n6,1e999,7,8,9\n7,ON,false\n";
    let rows = rows(file, "time", &["x=other", "y=other"]);
    let values: Vec<_> = rows.iter().map(|row| row.values.clone()).collect();
    assert_eq!(
        values,
        [
            [None, Some(1.0)],
            [None, None],
            [None, None],
            [None, None],
            [Some(5.0), Some(6.0)],
            [None, Some(7.0)],
            [Some(1.0), Some(0.0)],
        ]
    );
    assert_eq!(rows[4].at, None);
}

#[test]
fn bytes_that_are_no_text_are_a_bad_cell_and_nothing_else() {
    let mut recording = Recording::open(
        b"time,x\n1,\xff\xfe\n2,3\n".as_slice(),
        "time",
        &specs(&["x=other"]),
    )
    .expect("it opens");
    let mut row = Row::default();
    assert!(recording.read(&mut row).expect("it reads"));
    assert_eq!(row.values, [None]);
    assert!(recording.read(&mut row).expect("it reads"));
    assert_eq!(row.values, [Some(3.0)]);
}

#[test]
fn an_error_says_what_is_wrong_and_what_is_there() {
    let error = |file: &str, time: &str| {
        Recording::open(file.as_bytes(), time, &specs(&["x=other"]))
            .err()
            .expect("refused")
            .to_string()
    };
    assert!(error("", "time").contains("empty"));
    assert!(error(" \n\n", "time").contains("empty"));
    let missing = error("when;x\n1;2\n", "time");
    assert!(
        missing.contains("no column `time`") && missing.contains("`when`, `x`"),
        "{missing}"
    );
}

#[test]
fn a_channel_is_column_kind_and_unit() {
    let spec: ChannelSpec = "a=b:c=smoke:dB/m".parse().expect("a channel");
    assert_eq!(
        spec,
        ChannelSpec {
            column: "a=b:c".to_owned(),
            kind: Kind::Smoke,
            unit: Some("dB/m".to_owned()),
        }
    );
    let refused = |text: &str| {
        text.parse::<ChannelSpec>()
            .expect_err("refused")
            .to_string()
    };
    assert!(refused("x").contains("COLUMN=KIND"));
    assert!(refused("=smoke").contains("COLUMN=KIND"));
    let kind = refused("x=smoky");
    assert!(kind.contains("`smoky`") && kind.contains("carbon_monoxide") && kind.contains("other"));
    let unit = refused("x=temperature:R");
    assert!(unit.contains("`R`") && unit.contains("°C"), "{unit}");
    assert!("x=temperature:C".parse::<ChannelSpec>().is_ok());
    assert!("x=other:anything".parse::<ChannelSpec>().is_ok());
}

#[test]
fn times_are_read_in_the_ways_that_are_in_use() {
    let expected = Timestamp::from_unix_ms(1_583_077_446_000);
    for cell in [
        "1583077446",
        "1583077446.0",
        "1583077446000",
        "1583077446000000",
        "1583077446000000000",
        "2020-03-01T15:44:06Z",
        "2020-03-01T23:44:06+08:00",
        "2020-03-01 23:44:06+08:00",
        "2020-03-01 15:44:06",
        "2020-03-01 15:44:06.000",
        "2020/03/01 15:44:06",
        "03/01/20 15:44:06",
        "03/01/2020 3:44:06 PM",
        "03/01/20,15:44:06",
        "01.03.2020 15:44:06",
    ] {
        assert_eq!(TimeReader::default().read(cell), Some(expected), "{cell}");
    }
    let midnight = TimeReader::default().read("2020-03-01");
    assert_eq!(midnight, Some(Timestamp::from_unix_ms(1_583_020_800_000)));
    for cell in [
        "",
        "x",
        "2020-13-01",
        "03/01",
        "2020-03-01 25:00",
        "NaN",
        "inf",
        "1:2:3",
    ] {
        assert_eq!(TimeReader::default().read(cell), None, "{cell}");
    }
}

#[test]
fn a_first_number_above_12_shows_that_the_day_is_first() {
    let mut times = TimeReader::default();
    let first = times.read("13/03/2020 00:00").expect("a time");
    let second = times.read("01/04/2020 00:00").expect("a time");
    assert_eq!(second.ms_since(first), 19 * 24 * 3_600_000);
}
