//! What the machine knows: serial ports, a broker, the topics on it, profiles that are installed.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::broker::{Address, BrokerArguments, Listener, Login};

/// Longest wait for a connection to this machine.
const CONNECT_MAX: Duration = Duration::from_millis(500);
/// First levels of topics that are taken into the configuration, at most.
const PREFIXES_MAX: usize = 16;
/// Where packages put profiles.
const PROFILES: [&str; 3] = [
    "devices",
    "/etc/gridwatch/devices",
    "/usr/share/gridwatch/devices",
];

/// Serial ports: stable names first, where the system gives them.
pub(super) fn serial_ports() -> Vec<PathBuf> {
    let by_id = entries(Path::new("/dev/serial/by-id"));
    if !by_id.is_empty() {
        return by_id;
    }
    // Of the many terminals of a machine only those with a device behind them are ports.
    entries(Path::new("/sys/class/tty"))
        .into_iter()
        .filter(|port| port.join("device/driver").exists())
        .filter_map(|port| Some(Path::new("/dev").join(port.file_name()?)))
        .filter(|port| port.exists())
        .filter(|port| !is_empty_socket(port))
        .collect()
}

/// The kernel lists four old-style ports, present or not; type 0 is "not there".
fn is_empty_socket(port: &Path) -> bool {
    let Some(name) = port.file_name() else {
        return true;
    };
    let kind = std::fs::read_to_string(Path::new("/sys/class/tty").join(name).join("type"));
    kind.is_ok_and(|kind| kind.trim() == "0")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

pub(super) fn local_address() -> Address {
    Address {
        host: "127.0.0.1".to_owned(),
        port: 1883,
    }
}

/// Whether something listens where a gateway's own broker does.
pub(super) fn local_broker() -> bool {
    let address = SocketAddr::from(([127, 0, 0, 1], 1883));
    TcpStream::connect_timeout(&address, CONNECT_MAX).is_ok()
}

/// What gateways usually hear, where nothing was heard.
pub(super) fn usual_filters() -> Vec<String> {
    ["zigbee2mqtt/#", "frigate/events"]
        .map(str::to_owned)
        .into()
}

/// Filters for what is published, by the first level of its topics.
pub(super) async fn prefixes(
    address: &Address,
    login: &Login,
    seconds: u64,
) -> anyhow::Result<Vec<String>> {
    let broker = BrokerArguments::at(address.clone(), login.clone());
    let mut listener = Listener::start(&broker, "init", &["#".to_owned()]).await?;
    let mut prefixes = BTreeSet::new();
    let listen = async {
        while prefixes.len() < PREFIXES_MAX {
            let message = listener.next().await?;
            if let Some((first, _)) = message.topic.split_once('/')
                && !first.is_empty()
            {
                prefixes.insert(format!("{first}/#"));
            }
        }
        anyhow::Ok(())
    };
    match tokio::time::timeout(Duration::from_secs(seconds), listen).await {
        Ok(Err(error)) => Err(error),
        Ok(Ok(())) | Err(_) => Ok(prefixes.into_iter().collect()),
    }
}

/// A folder of profiles: beside the configuration, or where packages put one; else beside it, empty.
pub(super) fn profiles(config: &Path) -> PathBuf {
    let base = config.parent().unwrap_or(Path::new("."));
    let found = PROFILES.iter().find(|folder| base.join(folder).is_dir());
    PathBuf::from(found.copied().unwrap_or("devices"))
}
