//! The `hub` command. Exit codes: 0 done, 64 wrong usage or configuration, 70 failed while running.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    hub::cli::main().await
}
