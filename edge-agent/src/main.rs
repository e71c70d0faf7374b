//! The `edge-agent` program. Exit codes: 0 done, 1 problems were found or the answer is no, 2 wrong usage, 64 bad
//! configuration, 70 failed.

use std::process::ExitCode;

fn main() -> ExitCode {
    edge_agent::cli::main()
}
