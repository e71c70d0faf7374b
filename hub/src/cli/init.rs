//! `hub init`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::certificates;
use crate::config::{DEFAULT, DEFAULT_FILES};

/// What to make.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  hub init --dir /var/lib/gridwatch --host hub.example --host 10.0.0.5

Makes in DIR: hub.toml, areas.toml, sites.toml, categories.toml, calendar.toml, and in DIR/data the
certificate authority (ca.pem, ca.key) and the hub's certificate (hub.pem, hub.key). What is there
stays as it is. For a certificate with other names, delete hub.pem and hub.key and run it again: gateways pin the
authority, not the certificate.")]
pub(crate) struct Arguments {
    /// Directory of the hub.
    #[arg(long, value_name = "DIR", default_value = "gridwatch-hub")]
    dir: PathBuf,
    /// Host name or IP address under which gateways and browsers reach the hub; may be repeated.
    /// localhost, 127.0.0.1 and ::1 are always covered.
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let dir = &arguments.dir;
    certificates::make_private_dir(dir)?;
    let data = dir.join("data");
    certificates::make_private_dir(&data)?;
    for (name, text) in [("hub.toml", DEFAULT)].iter().chain(&DEFAULT_FILES) {
        let path = dir.join(name);
        if fs::exists(&path).with_context(|| format!("looking for `{}`", path.display()))? {
            eprintln!("kept  {}", path.display());
        } else {
            certificates::write_new(&path, text, 0o644)?;
            eprintln!("made  {}", path.display());
        }
    }
    let made = certificates::make_missing(&data, &arguments.hosts)?;
    for path in &made {
        eprintln!("made  {}", path.display());
    }
    let certificate = certificates::Files::in_dir(&data).certificate;
    if !made.contains(&certificate) {
        eprintln!(
            "kept  {} (delete it and hub.key to make one with other names)",
            certificate.display()
        );
    }
    eprintln!(
        "next: hub user add NAME --role administrator --config {}",
        dir.join("hub.toml").display()
    );
    Ok(())
}
