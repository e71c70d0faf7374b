//! What a bundle's model says about its golden rows and 10,000 random ones, for comparing two runtimes:
//! `model_rows BUNDLE [path of libonnxruntime.so]`, one line of numbers for each row.

use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::Context;
use edge_agent::config::default_public_keys;
use edge_agent::detection::model::{Backend, Bundle, Keys, Model};

const ROWS: usize = 10_000;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let bundle = arguments
        .next()
        .context("first argument: the bundle's folder")?;
    let backend = arguments
        .next()
        .map_or(Backend::BuiltIn, |path| Backend::Library(path.into()));
    let keys = Keys::parse(&default_public_keys()).map_err(anyhow::Error::msg)?;
    let bundle = Bundle::read(Path::new(&bundle), &keys)?;
    // Its self-test runs the golden rows, within 1e-4 of what the trainer wrote down.
    let mut model = Model::start(&bundle, &backend)?;
    let clips: Vec<[f32; 2]> = model.manifest().features.iter().map(|f| f.clip).collect();
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut out = BufWriter::new(std::io::stdout().lock());
    for _ in 0..ROWS {
        let row: Vec<f32> = clips
            .iter()
            // A little beyond the range, where the graph has to clip by itself.
            .map(|[low, high]| low + (high - low) * (1.2 * random.share() - 0.1))
            .collect();
        for verdict in model.score(&row)? {
            write!(out, "{}", verdict.score)?;
            for number in verdict.prob.iter().chain(&verdict.contributions) {
                write!(out, " {number}")?;
            }
            writeln!(out)?;
        }
    }
    out.flush()?;
    Ok(())
}

/// Xorshift64: the same rows on every machine and for every runtime.
struct Random(u64);

impl Random {
    /// In [0, 1).
    fn share(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let bits = (self.0 >> 48) as u16;
        f32::from(bits) / 65_536.0
    }
}
