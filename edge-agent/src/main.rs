//! The `edge-agent` program. Exit codes: 0 done, 64 bad configuration or usage, 70 failed.

use std::process::ExitCode;

fn main() -> ExitCode {
    edge_agent::cli::main()
}
