//! Every way in which a bundle can be wrong is refused with one message that says what and where.

use super::*;

/// A copy of the shipped bundle that a test may damage.
struct Copy(tempfile::TempDir);

impl Copy {
    fn new() -> Self {
        let copy = Self(tempfile::tempdir().expect("a temporary directory"));
        for name in ["manifest.toml", "model.onnx", "golden.csv"] {
            std::fs::copy(shipped().join(name), copy.path(name)).expect("copied");
        }
        copy
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn edit_manifest(&self, from: &str, to: &str) -> &Self {
        let text = std::fs::read_to_string(self.path("manifest.toml")).expect("readable");
        assert!(text.contains(from), "the manifest has no `{from}`");
        std::fs::write(self.path("manifest.toml"), text.replacen(from, to, 1)).expect("written");
        self
    }

    /// Replaces a file and its hash in the manifest: what a careless or hostile hand would do.
    fn replace(&self, name: &str, bytes: &[u8]) -> &Self {
        let hash = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
        let was = std::fs::read(self.path(name)).expect("readable");
        self.edit_manifest(&hash(&was), &hash(bytes));
        std::fs::write(self.path(name), bytes).expect("written");
        self
    }

    /// The error with its causes, and without the directory's random name.
    fn refusal(&self) -> String {
        let error = Model::load(self.0.path(), &Backend::BuiltIn).expect_err("refused");
        let text = format!("{:#}", anyhow::Error::new(error));
        text.replace(&self.0.path().display().to_string(), "DIR")
    }
}

fn model_bytes() -> Vec<u8> {
    std::fs::read(shipped().join("model.onnx")).expect("readable")
}

/// A protobuf field of bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).expect("short");
    assert!(number < 16 && length < 128, "one byte each");
    [&[number << 3 | 2, length], bytes].concat()
}

#[test]
fn missing_file_is_named() {
    let copy = Copy::new();
    std::fs::remove_file(copy.path("golden.csv")).expect("removed");
    expect_test::expect!["reading `DIR/golden.csv` of the model bundle; copy the whole bundle again: No such file or directory (os error 2)"]
        .assert_eq(&copy.refusal());
}

#[test]
fn changed_model_is_refused_by_its_sha256() {
    let copy = Copy::new();
    let mut bytes = model_bytes();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(copy.path("model.onnx"), bytes).expect("written");
    let refusal = copy.refusal();
    assert!(
        refusal.starts_with("`DIR/model.onnx` has sha256 "),
        "{refusal}"
    );
    assert!(
        refusal.ends_with("was changed or cut off; copy the whole bundle again"),
        "{refusal}"
    );
}

#[test]
fn cut_off_model_with_a_matching_sha256_is_refused() {
    let bytes = model_bytes();
    for length in [0, 1, 10, bytes.len() / 2, bytes.len() - 1] {
        let copy = Copy::new();
        let refusal = copy.replace("model.onnx", &bytes[..length]).refusal();
        assert!(
            refusal.contains("damaged or cut off at byte") || refusal.contains("holds no graph"),
            "{length} bytes: {refusal}"
        );
    }
}

#[test]
fn tensor_in_another_file_is_refused_wherever_it_hides() {
    let entry = field(1, b"location");
    let external = field(13, &entry);
    let located: &[u8] = &[14 << 3, 1];
    let hides = [
        // An initialiser, an attribute of a node, the branch of a node.
        field(7, &field(5, &external)),
        field(7, &field(5, located)),
        field(7, &field(1, &field(5, &field(5, &external)))),
        field(7, &field(1, &field(5, &field(6, &field(5, &external))))),
    ];
    for hidden in hides {
        let copy = Copy::new();
        // Fields of one message may stand apart; a reader joins them.
        let refusal = copy
            .replace("model.onnx", &[model_bytes(), hidden].concat())
            .refusal();
        assert_eq!(
            refusal,
            "`DIR/model.onnx` is refused; use a model that models/train/train.py wrote: a tensor \
             lies outside the file (external_data)"
        );
    }
}

#[test]
fn operator_that_was_not_tried_is_refused() {
    let copy = Copy::new();
    let node = field(7, &field(1, &field(4, b"Loop")));
    let refusal = copy
        .replace("model.onnx", &[model_bytes(), node].concat())
        .refusal();
    assert!(
        refusal.ends_with("operator `Loop` is not among those that this agent runs"),
        "{refusal}"
    );
}

#[test]
fn other_outputs_than_the_golden_ones_are_refused() {
    let copy = Copy::new();
    let golden = std::fs::read_to_string(shipped().join("golden.csv")).expect("readable");
    let mut lines: Vec<String> = golden.lines().map(str::to_owned).collect();
    let mut cells: Vec<&str> = lines[3].split(',').collect();
    cells[FEATURE_COUNT] = "0.123456";
    lines[3] = cells.join(",");
    let refusal = copy
        .replace("golden.csv", lines.join("\n").as_bytes())
        .refusal();
    assert!(
        refusal.starts_with("self-test of `DIR/golden.csv`: line 4 gives "),
        "{refusal}"
    );
    assert!(
        refusal.contains("for score, 0.123456 was expected"),
        "{refusal}"
    );
}

#[test]
fn manifest_that_does_not_fit_is_refused_with_what_to_do() {
    let check = |from: &str, to: &str, expected: &str| {
        let copy = Copy::new();
        let refusal = copy.edit_manifest(from, to).refusal();
        assert!(refusal.contains(expected), "{from} → {to}: {refusal}");
    };
    check(
        "schema = 1",
        "schema = 2",
        "format 2 is not known, this agent reads format 1; update the agent",
    );
    check(
        "features_version = 1",
        "features_version = 7",
        "features of version 7, this agent computes version 1",
    );
    check(
        "\"smoke.fast_z\"",
        "\"smoke.speed\"",
        "feature 1 is `smoke.speed`, this agent has `smoke.fast_z` there",
    );
    check(
        "opset = 17",
        "opset = 21",
        "opset 21 is outside 13 to 17; export the model again",
    );
    check(
        "opset = 17",
        "opset = 16",
        "the file uses operator set 17, its manifest says 16",
    );
    check(
        "\"0.1.0\"",
        "\"99.0.0\"",
        "needs agent 99.0.0 or newer, this is 0.1.0; update the agent first",
    );
    check(
        "\"0.1.0\"",
        "\"soon\"",
        "min_agent_version `soon` is not of the form 1.2.3",
    );
    check(
        "\"advisory\"",
        "\"supervisor\"",
        "unknown variant `supervisor`, expected `advisory`",
    );
    check(
        "build = 1",
        "build = 1\nmute_rules = true",
        "unknown field `mute_rules`",
    );
    check(
        "file = \"model.onnx\"",
        "file = \"../model.onnx\"",
        "must be a plain name in the bundle",
    );
    check(
        "score = \"score\"",
        "score = \"risk\"",
        "it has no input or output `risk`",
    );
    check(
        "score = \"score\"",
        "score = \"contributions\"",
        "a float32 tensor [N, 1] is needed",
    );
    check(
        "tolerance = 0.0001",
        "tolerance = 5.0",
        "golden.tolerance must be above 0 and at most 0.001",
    );
    check(
        "warning = 0.",
        "warning = 9.",
        "thresholds must be 0 < notice < warning < alarm < 1",
    );
    check(
        "schema = 1",
        "schema 1",
        "is not a manifest that this agent understands",
    );
    check("bias = -", "bias = ", "self-test of `DIR/golden.csv`");
}

#[test]
fn manifest_that_lacks_features_names_the_first_one() {
    let copy = Copy::new();
    let text = std::fs::read_to_string(copy.path("manifest.toml")).expect("readable");
    let cut = text
        .find("[[features]]\nname = \"co2.rise\"")
        .expect("there");
    let data = text.find("[[training_data]]").expect("there");
    let short = format!("{}{}", &text[..cut], &text[data..]);
    std::fs::write(copy.path("manifest.toml"), short).expect("written");
    let refusal = copy.refusal();
    assert!(
        refusal.contains("feature `co2.rise` and all after it are missing"),
        "{refusal}"
    );
}

#[test]
fn huge_file_is_refused_unread() {
    let copy = Copy::new();
    let file = std::fs::File::create(copy.path("model.onnx")).expect("created");
    file.set_len(MODEL_BYTES_MAX + 1).expect("set");
    expect_test::expect![
        "`DIR/model.onnx` has 4194305 bytes, at most 4194304 are accepted; is this the right file?"
    ]
    .assert_eq(&copy.refusal());
}

proptest! {
    #[test]
    fn any_bytes_are_looked_through_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(onnx::check(&bytes, 17).is_err());
    }

    #[test]
    fn model_with_a_flipped_byte_is_looked_through_without_a_panic(at in 0..7000_usize, bit in 0..8_u32) {
        let mut bytes = model_bytes();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        // Many flips hit weights and stay readable; the self-test is there for those.
        drop(onnx::check(&bytes, 17));
    }
}
