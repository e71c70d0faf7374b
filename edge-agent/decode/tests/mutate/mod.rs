//! Changes of recorded messages that come near to what the field sends: a flipped bit, a cut-off tail,
//! two messages run together, a field of another type, a number beyond every range.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value as Json, json};

/// A message that will be sent.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
}

/// One change.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    FlipBit(Index, u8),
    Cut(Index),
    Splice(Index, Index, Index),
    Insert(Index, Vec<u8>),
    Repeat(Index, Index),
    Number(Index, usize),
    JsonNode(Index, usize),
    Deepen(usize, bool),
    TopicOf(Index),
    TopicCut(Index),
    TopicLevel(Index, usize),
}

const NUMBERS: &[&str] = &[
    "1e400",
    "-1e308",
    "1e-400",
    "18446744073709551616",
    "-9223372036854775809",
    "99999999999999999999999999999999",
    "4294967295",
    "65536",
    "-1",
    "0",
    "NaN",
    "0.1e-7",
];

const LEVELS: &[&str] = &[
    "", "+", "#", "$SYS", "状态", "a b", "{x}", "/", "..", "config", "state",
];

impl Arbitrary for Change {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;

    fn arbitrary_with((): ()) -> Self::Strategy {
        let index = any::<Index>;
        prop_oneof![
            1 => (index(), 0_u8..8).prop_map(|(at, bit)| Change::FlipBit(at, bit)),
            1 => index().prop_map(Change::Cut),
            1 => (index(), index(), index()).prop_map(|(a, b, c)| Change::Splice(a, b, c)),
            1 => (index(), prop::collection::vec(any::<u8>(), 1..8))
                .prop_map(|(at, bytes)| Change::Insert(at, bytes)),
            1 => (index(), index()).prop_map(|(a, b)| Change::Repeat(a, b)),
            1 => (index(), 0..NUMBERS.len()).prop_map(|(at, which)| Change::Number(at, which)),
            6 => (index(), 0_usize..12).prop_map(|(at, which)| Change::JsonNode(at, which)),
            1 => (1_usize..3_000, any::<bool>()).prop_map(|(deep, square)| Change::Deepen(deep, square)),
            1 => index().prop_map(Change::TopicOf),
            1 => index().prop_map(Change::TopicCut),
            1 => (index(), 0..LEVELS.len()).prop_map(|(at, which)| Change::TopicLevel(at, which)),
        ]
        .boxed()
    }
}

impl Change {
    /// The changed message; `all` are the messages that it may be run together with.
    pub(crate) fn apply(&self, frame: &Frame, all: &[Frame]) -> Frame {
        let mut changed = frame.clone();
        let payload = &mut changed.payload;
        let place = |at: &Index, length: usize| at.index(length + 1);
        match self {
            Change::FlipBit(at, bit) if !payload.is_empty() => {
                let place = at.index(payload.len());
                payload[place] ^= 1 << bit;
            }
            Change::FlipBit(..) => {}
            Change::Cut(at) => payload.truncate(place(at, frame.payload.len())),
            Change::Splice(other, here, there) => {
                let other = &other.get(all).payload;
                payload.truncate(place(here, frame.payload.len()));
                payload.extend_from_slice(&other[place(there, other.len())..]);
            }
            Change::Insert(at, bytes) => {
                let place = place(at, payload.len());
                payload.splice(place..place, bytes.iter().copied());
            }
            Change::Repeat(from, to) => {
                let (from, to) = (place(from, payload.len()), place(to, payload.len()));
                let part = payload[from.min(to)..from.max(to)].to_vec();
                payload.extend_from_slice(&part);
            }
            Change::Number(at, which) => number(payload, at, NUMBERS[*which]),
            Change::JsonNode(at, which) => json_node(payload, at, *which),
            Change::Deepen(deep, square) => deepen(payload, *deep, *square),
            Change::TopicOf(other) => changed.topic.clone_from(&other.get(all).topic),
            Change::TopicCut(at) => {
                let letters = changed.topic.chars().count();
                changed.topic = changed.topic.chars().take(place(at, letters)).collect();
            }
            Change::TopicLevel(at, which) => {
                let mut levels: Vec<&str> = frame.topic.split('/').collect();
                let place = at.index(levels.len());
                levels[place] = LEVELS[*which];
                changed.topic = levels.join("/");
            }
        }
        changed
    }
}

/// Writes another number where one stands.
fn number(payload: &mut Vec<u8>, at: &Index, number: &str) {
    let starts: Vec<usize> = (0..payload.len())
        .filter(|&i| payload[i].is_ascii_digit() && (i == 0 || !payload[i - 1].is_ascii_digit()))
        .collect();
    if starts.is_empty() {
        return;
    }
    let start = *at.get(&starts);
    let length = payload[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    payload.splice(start..start + length, number.bytes());
}

/// Puts another JSON value where one stands, or takes it away.
fn json_node(payload: &mut Vec<u8>, at: &Index, which: usize) {
    let Ok(mut document) = serde_json::from_slice::<Json>(payload) else {
        return;
    };
    let mut left = at.index(nodes(&document));
    let put = match which {
        0 => Json::Null,
        1 => json!(true),
        2 => json!("true"),
        3 => json!(1),
        4 => json!(-1.5e300),
        5 => json!(""),
        6 => json!([]),
        7 => json!({}),
        8 => json!([1, "a", null, {"a": [{}]}]),
        9 => json!({"state": {"state": "ON"}, "value": [true], "id": -1, "time": 1e18}),
        10 => json!("\u{0}\u{202e}火警/+#{{ x }}"),
        _ => json!("9".repeat(300)),
    };
    replace(&mut document, &mut left, &put);
    *payload = document.to_string().into_bytes();
}

fn nodes(document: &Json) -> usize {
    1 + match document {
        Json::Array(list) => list.iter().map(nodes).sum(),
        Json::Object(object) => object.values().map(nodes).sum(),
        _ => 0,
    }
}

fn replace(document: &mut Json, left: &mut usize, put: &Json) -> bool {
    if *left == 0 {
        *document = put.clone();
        return true;
    }
    *left -= 1;
    match document {
        Json::Array(list) => list.iter_mut().any(|item| replace(item, left, put)),
        Json::Object(object) => object.values_mut().any(|item| replace(item, left, put)),
        _ => false,
    }
}

fn deepen(payload: &mut Vec<u8>, deep: usize, square: bool) {
    let (open, close) = if square { ("[", "]") } else { ("{\"a\":", "}") };
    let mut nested = open.repeat(deep).into_bytes();
    nested.append(payload);
    nested.extend_from_slice(close.repeat(deep).as_bytes());
    *payload = nested;
}

/// Messages as a file for the corpus.
pub(crate) fn corpus_file(frames: &[Frame]) -> String {
    let messages: Vec<Json> = frames
        .iter()
        .map(|frame| json!({"topic": frame.topic, "payload": {"base64": STANDARD.encode(&frame.payload)}}))
        .collect();
    json!({"id": "name what it broke", "messages": messages}).to_string()
}
