//! Every way in which a bundle can be wrong is refused with one message that says what and where.

use proptest::prelude::*;

use super::*;

fn model_bytes() -> Vec<u8> {
    std::fs::read(shipped(Fuser::Counts).join("model.onnx")).expect("readable")
}

/// A protobuf field of bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).expect("short");
    assert!(number < 16 && length < 128, "one byte each");
    [&[number << 3 | 2, length], bytes].concat()
}

#[test]
fn missing_file_is_named() {
    for name in [
        "manifest.toml",
        "manifest.toml.minisig",
        "model.onnx",
        "golden.csv",
    ] {
        let copy = Copy::of(Fuser::Counts);
        std::fs::remove_file(copy.path(name)).expect("removed");
        assert_eq!(
            copy.refusal(),
            format!(
                "reading `DIR/{name}` of the model bundle; copy the whole bundle again: No such file or \
                 directory (os error 2)"
            )
        );
    }
}

#[test]
fn manifest_changed_after_signing_is_refused() {
    let copy = Copy::of(Fuser::Counts);
    let text = std::fs::read_to_string(copy.path("manifest.toml")).expect("readable");
    std::fs::write(copy.path("manifest.toml"), text + "\n").expect("written");
    assert_eq!(
        copy.refusal(),
        "the signature `DIR/manifest.toml.minisig` does not fit the manifest: one of the two was \
         changed; copy the whole bundle again"
    );
}

#[test]
fn bundle_that_somebody_else_signed_is_refused() {
    let (copy, other) = (Copy::of(Fuser::Counts), Copy::of(Fuser::Counts));
    let error = Bundle::read(&copy.directory(), &other.keys())
        .map(drop)
        .expect_err("refused");
    let told = error.to_string();
    assert!(
        told.contains("was made with a key that is not among [model] public_keys"),
        "{told}"
    );
    assert!(Bundle::read(&copy.directory(), &shipped_keys()).is_err());
}

#[test]
fn signature_that_is_none_is_refused() {
    for text in ["", "untrusted comment: x\n", "\u{fffd}\n\n\n\n"] {
        let copy = Copy::of(Fuser::Counts);
        std::fs::write(copy.path("manifest.toml.minisig"), text).expect("written");
        assert_eq!(
            copy.refusal(),
            "the signature `DIR/manifest.toml.minisig` is not a signature"
        );
    }
}

#[test]
fn configuration_without_a_usable_key_is_refused() {
    let none = Keys::parse(&[]).expect_err("refused");
    assert!(none.starts_with("no public key:"), "{none}");
    let wrong = Keys::parse(&["RWtoo-short".into()]).expect_err("refused");
    assert!(
        wrong.contains("`RWtoo-short` is not a minisign public key"),
        "{wrong}"
    );
}

#[test]
fn changed_model_is_refused_by_its_sha256() {
    let copy = Copy::of(Fuser::Counts);
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
        let copy = Copy::of(Fuser::Counts);
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
        let copy = Copy::of(Fuser::Counts);
        // Fields of one message may stand apart; a reader joins them.
        let refusal = copy
            .replace("model.onnx", &[model_bytes(), hidden].concat())
            .refusal();
        assert!(
            refusal.ends_with("a tensor lies outside the file (external_data)"),
            "{refusal}"
        );
    }
}

#[test]
fn operator_that_was_not_tried_is_refused() {
    let copy = Copy::of(Fuser::Counts);
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
    let copy = Copy::of(Fuser::Counts);
    let golden = std::fs::read_to_string(copy.path("golden.csv")).expect("readable");
    let mut lines: Vec<String> = golden.lines().map(str::to_owned).collect();
    let mut cells: Vec<&str> = lines[3].split(',').collect();
    cells[Engine::Counts.width()] = "0.123456";
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
fn golden_rows_of_another_model_or_too_few_are_refused() {
    let copy = Copy::of(Fuser::Counts);
    let golden = std::fs::read_to_string(copy.path("golden.csv")).expect("readable");
    let few: Vec<&str> = golden.lines().take(5).collect();
    let refusal = copy
        .replace("golden.csv", few.join("\n").as_bytes())
        .refusal();
    assert!(refusal.contains("at least 10 rows are needed"), "{refusal}");
    let copy = Copy::of(Fuser::Counts);
    let renamed = golden.replacen("upper,", "uppper,", 1);
    let refusal = copy.replace("golden.csv", renamed.as_bytes()).refusal();
    assert!(
        refusal.contains("line 1: column 1 is `uppper`, `upper` is needed"),
        "{refusal}"
    );
}

#[test]
fn wrong_shapes_are_refused() {
    let copy = Copy::of(Fuser::Counts);
    let groups = copy.read().expect("good").manifest.groups;
    let last = groups.last().expect("some");
    // One group more than the graph gives contributions for.
    copy.edit(&format!("\"{last}\"]"), &format!("\"{last}\", \"more\"]"));
    let refusal = copy.refusal();
    assert!(
        refusal.contains("`contributions` is ") && refusal.contains("is needed"),
        "{refusal}"
    );
    let copy = Copy::of(Fuser::Counts);
    copy.edit("score = \"score\"", "score = \"prob\"");
    let refusal = copy.refusal();
    assert!(
        refusal.contains("a float32 tensor [N, 1] is needed"),
        "{refusal}"
    );
}

#[test]
fn manifest_that_does_not_fit_is_refused_with_what_to_do() {
    let check = |from: &str, to: &str, expected: &str| {
        let copy = Copy::of(Fuser::Counts);
        let refusal = copy.edit(from, to).refusal();
        assert!(refusal.contains(expected), "{from} → {to}: {refusal}");
    };
    check(
        "schema = 2",
        "schema = 3",
        "format 3 is not known, this agent reads format 2; update the agent",
    );
    check(
        "features_version = ",
        "features_version = 7",
        "this agent computes version",
    );
    check(
        "\"lower\"",
        "\"slower\"",
        "feature 1 is `slower`, this agent has `lower` there",
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
        "needs agent 99.0.0 or newer, this is 0.1.0; update the agent",
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
        "schema = 2",
        "schema = 2\nmute_rules = true",
        "unknown field `mute_rules`",
    );
    check(
        "\"count-fuser\"",
        "\"../fuser\"",
        "must be 1 to 64 of a-z, 0-9 and -",
    );
    check(
        "file = \"model.onnx\"",
        "file = \"../model.onnx\"",
        "must be a plain name in the bundle",
    );
    check(
        "file = \"model.onnx\"",
        "file = \"golden.csv\"",
        "must be different files",
    );
    check(
        "score = \"score\"",
        "score = \"risk\"",
        "it has no input or output `risk`",
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
    check("\"normal\"", "\"calm\"", "the first of them `normal`");
    check(
        "bias = [",
        "bias = [1.0, ",
        "one finite number for each of the",
    );
    check(
        "schema = 2",
        "schema 2",
        "is not a manifest that this agent understands",
    );
}

#[test]
fn bundle_for_another_place_is_refused() {
    let copy = Copy::of(Fuser::Counts);
    let bundle = copy.read().expect("good");
    let error = Loaded::start(&bundle, Engine::Room, &Backend::BuiltIn).expect_err("refused");
    assert!(
        error
            .to_string()
            .contains("its id is `count-fuser`, `env-fuser` is needed here"),
        "{error}"
    );
}

#[test]
fn huge_file_is_refused() {
    let copy = Copy::of(Fuser::Counts);
    let file = std::fs::File::create(copy.path("model.onnx")).expect("created");
    file.set_len(FILE_BYTES_MAX + 1).expect("set");
    assert_eq!(
        copy.refusal(),
        "`DIR/model.onnx` has more than 4194304 bytes; is this the right file?"
    );
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

    #[test]
    fn any_flipped_bit_of_any_file_is_refused(file in 0..4_usize, at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        thread_local! {
            static COPY: Copy = Copy::of(Fuser::Counts);
        }
        COPY.with(|copy| {
            let names = ["manifest.toml", "manifest.toml.minisig", "model.onnx", "golden.csv"];
            let path = copy.path(names[file]);
            let good = std::fs::read(&path).expect("readable");
            let mut bad = good.clone();
            let at = at.index(bad.len());
            bad[at] ^= 1 << bit;
            std::fs::write(&path, &bad).expect("written");
            let outcome = copy.read();
            std::fs::write(&path, &good).expect("written");
            // The first line of a signature is a comment that nobody vouches for.
            let comment = good.iter().position(|byte| *byte == b'\n').unwrap_or(0);
            let is_comment = file == 1 && at < comment;
            prop_assert!(outcome.is_err() || is_comment, "{} byte {at}", names[file]);
            Ok(())
        })?;
    }
}
