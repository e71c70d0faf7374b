//! Rebuilds the hub when the built console changes: it is embedded into the binary.
//!
//! While the console is not built its folder is missing; Cargo then runs this every time, so that the
//! first build of the console is noticed.

fn main() {
    println!("cargo::rerun-if-changed=console/dist");
    println!("cargo::rerun-if-changed=src/store/migrations");
    println!("cargo::rerun-if-changed=build.rs");
}
