//! Where the agent reports to, and where it tells how it is.

use std::net::SocketAddr;

use gridwatch_protocol::{GatewayId, SiteId};

use super::super::file::{HubFile, JoinFile};
use super::super::{HubConfig, Secret};
use super::{Checker, host_is_loopback};

/// Site of an agent that has no hub yet.
const SITE_ALONE: &str = "unassigned";

impl Checker<'_> {
    pub(super) fn hub(&mut self, file: &HubFile) -> (Option<HubConfig>, SiteId) {
        let alone = SiteId::new(SITE_ALONE).expect("a valid id");
        let Some(path) = self.path(&file.join) else {
            return (None, alone);
        };
        let parsed = std::fs::read_to_string(&path)
            .map_err(|error| error.to_string())
            .and_then(|text| {
                toml::from_str::<JoinFile>(&text).map_err(|e| e.to_string().trim_end().to_owned())
            });
        let join = match parsed {
            Ok(join) => join.hub,
            Err(why) => {
                self.problem(format!(
                    "[hub] join `{}`: {why}; make one with `hub gateway add`",
                    path.display()
                ));
                return (None, alone);
            }
        };
        let at = |what: &str| format!("[hub] join `{}`: {what}", path.display());
        let gateway = GatewayId::new(join.gateway).map_err(|e| at(&e.to_string()));
        let site = SiteId::new(join.site).map_err(|e| at(&e.to_string()));
        let plain = join.url.starts_with("http://");
        if !plain && !join.url.starts_with("https://") {
            self.problem(at("url must begin with https://"));
        }
        if plain && !url_is_loopback(&join.url) {
            self.problem(at("plain http is accepted on loopback only"));
        }
        if !plain && join.ca.is_empty() {
            self.problem(at("ca is missing: the hub's certificate cannot be checked"));
        }
        if join.key.is_empty() {
            self.problem(at("key is empty"));
        }
        match (gateway, site) {
            (Ok(gateway), Ok(site)) => {
                let hub = HubConfig {
                    url: join.url.trim_end_matches('/').to_owned(),
                    gateway,
                    key: Secret(join.key),
                    ca_pem: (!plain).then_some(join.ca),
                    issued_at: join.issued_at.and_then(|at| at.parse().ok()),
                    request_timeout_ms: file.request_timeout_s.max(1) * 1000,
                    backoff_max_ms: file.backoff_max_s.max(1) * 1000,
                };
                (Some(hub), site)
            }
            (gateway, site) => {
                for why in gateway.err().into_iter().chain(site.err()) {
                    self.problem(why);
                }
                (None, alone)
            }
        }
    }

    pub(super) fn health(&mut self, listen: &str) -> Option<SocketAddr> {
        if listen.is_empty() {
            return None;
        }
        match listen.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Some(address),
            Ok(_) => {
                self.problem(format!(
                    "[health] listen `{listen}`: must be a loopback address, such as 127.0.0.1:9470"
                ));
                None
            }
            Err(_) => {
                self.problem(format!(
                    "[health] listen `{listen}`: not an address and port, such as 127.0.0.1:9470"
                ));
                None
            }
        }
    }
}

fn url_is_loopback(url: &str) -> bool {
    let authority = url
        .trim_start_matches("http://")
        .split('/')
        .next()
        .unwrap_or_default();
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, _)| host)
        .trim_matches(['[', ']']);
    host_is_loopback(host)
}
