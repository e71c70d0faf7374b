//! Guesses on known values, and the whole probe against a unit on loopback.

use clap::Parser;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::guess::{readings, weight};
use super::*;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: ProbeModbusArgs,
}

fn parse(arguments: &[&str]) -> Result<ProbeModbusArgs, clap::Error> {
    Cli::try_parse_from(std::iter::once(&"probe").chain(arguments)).map(|cli| cli.args)
}

/// Plausible readings as `type order: what`.
fn plausible(words: &[u16]) -> Vec<String> {
    let all = readings(words);
    let good = all.iter().filter(|r| weight(r) > 0);
    good.map(|r| {
        let order = r.order.unwrap_or("-");
        format!("{} {order}: {}", r.kind, r.plausible.join(", "))
    })
    .collect()
}

#[test]
fn the_right_order_of_a_float_is_the_plausible_one() {
    // 21.5 in all four orders.
    for (order, words) in [
        ("abcd", [0x41AC, 0x0000]),
        ("cdab", [0x0000, 0x41AC]),
        ("badc", [0xAC41, 0x0000]),
        ("dcba", [0x0000, 0xAC41]),
    ] {
        let floats: Vec<String> = plausible(&words)
            .into_iter()
            .filter(|guess| guess.starts_with("float32"))
            .collect();
        let wanted = format!("float32 {order}: temperature 21.5 °C, humidity 21.5 %");
        assert!(floats.contains(&wanted), "{floats:?}");
        assert_eq!(floats.len(), 1, "{order}: {floats:?}");
    }
}

#[test]
fn tenths_marks_and_doubles_are_recognised() {
    let guesses = plausible(&[215]);
    assert!(
        guesses[0].contains("temperature 21.5 °C (× 0.1)"),
        "{guesses:?}"
    );
    // -10.1 °C as an int16 in tenths (a common humidity and temperature transmitter).
    let guesses = plausible(&[0xFF9B]);
    assert!(
        guesses
            .iter()
            .any(|g| g.contains("int16 -: temperature -10.1 °C (× 0.1)")),
        "{guesses:?}"
    );
    assert!(plausible(&[0xffff])[0].contains("marks \"no value\""));
    let [a, b, c, d, e, f, g, h] = 230.4_f64.to_be_bytes();
    let word = |high, low| u16::from_be_bytes([high, low]);
    let words = [word(a, b), word(c, d), word(e, f), word(g, h)];
    let guesses = plausible(&words);
    assert!(
        guesses.contains(&"float64 abcd: mains voltage 230.4 V".to_owned()),
        "{guesses:?}"
    );
}

#[test]
fn arguments_are_checked() {
    let args = parse(&["--tcp", "192.0.2.1", "--unit", "3-9"]).expect("good");
    assert_eq!(args.unit, UnitRange { first: 3, last: 9 });
    assert_eq!(
        transport(&args),
        ModbusTransport::Tcp {
            host: "192.0.2.1".to_owned(),
            port: 502
        }
    );
    let args = parse(&[
        "--serial",
        "/dev/ttyUSB0",
        "--baud",
        "19200",
        "--parity",
        "even",
    ]);
    assert!(matches!(
        transport(&args.expect("good")),
        ModbusTransport::Rtu(SerialConfig {
            baud_rate: 19_200,
            parity: Parity::Even,
            ..
        })
    ));
    for bad in [
        vec![],
        vec!["--tcp", "a:1", "--serial", "/dev/x"],
        vec!["--tcp", "a:70000"],
        vec!["--tcp", "a", "--unit", "9-3"],
        vec!["--tcp", "a", "--unit", "x"],
        vec!["--tcp", "a", "--count", "0"],
    ] {
        assert!(parse(&bad).is_err(), "{bad:?}");
    }
}

/// A unit 1 with input registers 0 to 9, of which none beyond 7 exist.
async fn unit_on_loopback() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 12];
            while stream.read_exact(&mut request).await.is_ok() {
                let [.., unit, function, _, address, _, count] = request;
                if unit != 1 {
                    continue;
                }
                let mut answer = request[..4].to_vec();
                if address + count > 8 {
                    answer.extend([0, 3, unit, function | 0x80, 2]);
                } else {
                    answer.extend([0, 3 + count * 2, unit, function, count * 2]);
                    (address..address + count).for_each(|at| answer.extend([at, 0xAC]));
                }
                stream.write_all(&answer).await.expect("sent");
            }
        }
    });
    port
}

#[tokio::test]
async fn a_block_that_is_refused_is_read_address_by_address() {
    let port = unit_on_loopback().await;
    let tcp = format!("127.0.0.1:{port}");
    let args = parse(&["--tcp", &tcp, "--table", "input", "--count", "10"]).expect("good");
    let mut probe = Probe {
        wire: Wire::new(
            transport(&args),
            Duration::from_secs(3),
            Duration::ZERO,
            Duration::ZERO,
        ),
        limit: Duration::from_secs(3),
    };
    let unit = probe.unit(1, &args).await.expect("a line");
    assert!(unit.troubles[0].contains("exception 2, illegal data address"));
    assert_eq!(unit.blocks.len(), 1);
    assert_eq!(unit.blocks[0].values.len(), 8);
    let text = show::text(&unit);
    assert!(text.contains("30001") && text.contains("30008"), "{text}");
    let json = show::json(&[unit]);
    assert_eq!(json["units"][0]["registers"][2]["manual"], "30003");
    assert_eq!(json["units"][0]["registers"][2]["raw"], 0x02AC);
    // A unit that is not there.
    probe.limit = Duration::from_millis(50);
    let unit = probe.unit(2, &args).await.expect("a line");
    assert!(!unit.is_there());
    assert!(
        unit.troubles[0].contains("no answer within 50 ms"),
        "{:?}",
        unit.troubles
    );
}

#[tokio::test]
async fn a_line_that_is_not_there_is_an_error() {
    let args = parse(&["--serial", "/dev/ttyNONE"]).expect("good");
    let error = run(&args).await.expect_err("no port").to_string();
    assert!(error.contains("/dev/ttyNONE"), "{error}");
}

proptest! {
    #[test]
    fn any_registers_can_be_shown(address: u16, words in prop::collection::vec(any::<u16>(), 0..12), bits: bool) {
        let mut unit = Unit::new(1, if bits { Table::Coil } else { Table::Holding });
        unit.blocks.push(Block { address, values: words });
        prop_assert!(!show::text(&unit).is_empty());
        prop_assert!(show::json(&[unit])["units"].is_array());
    }
}
