//! Where the hub may connect to.
//!
//! A channel's address comes from a configuration, its name from a DNS that others run. So what
//! counts is the address that is connected to: names are resolved here, every address is checked, and
//! exactly the checked addresses are handed to the connection; there is no second look-up that could
//! answer otherwise. Addresses of private, shared, loopback, link-local (metadata services among
//! them), multicast and reserved networks are refused, also inside IPv6 forms that carry an IPv4
//! address.
//!
//! A host in `[notify] allow_hosts` may be at a private or loopback address. A link-local address is
//! reached only when it is listed itself, by number: no name leads to a metadata service.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Why the hub does not connect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The text is not an address of the web.
    #[error("this is not an http:// or https:// address of a host")]
    NotWeb,
    /// The address has a name or password in it.
    #[error("an address with a user name or password in it is not used; give secrets in a file")]
    UserInfo,
    /// Plain HTTP to a host that is not listed.
    #[error("plain http:// is used only for hosts in `notify.allow_hosts`; `{0}` is not in it")]
    Plain(String),
    /// Every address of the host is in a network that is closed.
    #[error(
        "`{host}` is at {address}, which is not a public address; an administrator can list the host in `notify.allow_hosts`"
    )]
    Closed {
        /// The host.
        host: String,
        /// The address that was refused.
        address: IpAddr,
    },
    /// The host has no address.
    #[error("the name `{host}` cannot be resolved: {why}")]
    Unresolved {
        /// The host.
        host: String,
        /// Why not.
        why: String,
    },
}

impl Refusal {
    /// Whether trying again later may help.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Refusal::Unresolved { .. })
    }
}

/// Decides where the hub may connect to; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    allowed: Arc<BTreeSet<String>>,
}

impl Guard {
    /// A guard that lets these hosts be at private addresses.
    #[must_use]
    pub fn new(allow_hosts: &[String]) -> Self {
        let name = |host: &String| plain_name(host);
        Self {
            allowed: Arc::new(allow_hosts.iter().map(name).collect()),
        }
    }

    /// Whether the host is listed.
    #[must_use]
    pub fn lists(&self, host: &str) -> bool {
        self.allowed.contains(&plain_name(host))
    }

    /// Whether this address of this host may be connected to.
    #[must_use]
    pub fn permits(&self, host: &str, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address)
            || self.allowed.contains(&address.to_string())
            || (self.lists(host) && is_inside(address))
    }

    /// Checks the text of an address before anything is sent.
    ///
    /// # Errors
    /// [`Refusal`]; a host given by number is judged here, one given by name when it is resolved.
    pub fn check_url(&self, text: &str) -> Result<Url, Refusal> {
        let url = Url::parse(text).map_err(|_| Refusal::NotWeb)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::NotWeb);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::UserInfo);
        }
        let host = url.host_str().ok_or(Refusal::NotWeb)?;
        let bare = plain_name(host);
        if let Ok(address) = bare.parse::<IpAddr>()
            && !self.permits(&bare, address)
        {
            return Err(Refusal::Closed {
                host: bare,
                address,
            });
        }
        if url.scheme() == "http" && !self.lists(host) {
            return Err(Refusal::Plain(bare));
        }
        Ok(url)
    }

    /// The addresses of a host that may be connected to.
    ///
    /// # Errors
    /// [`Refusal::Unresolved`], and [`Refusal::Closed`] when none may.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Refusal> {
        let bare = plain_name(host);
        let unresolved = |why: String| Refusal::Unresolved {
            host: bare.clone(),
            why,
        };
        let found: Vec<SocketAddr> = tokio::net::lookup_host((bare.as_str(), port))
            .await
            .map_err(|error| unresolved(error.to_string()))?
            .collect();
        let (good, bad): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|at| self.permits(&bare, at.ip()));
        match (good.is_empty(), bad.first()) {
            (false, _) => Ok(good),
            (true, Some(address)) => Err(Refusal::Closed {
                host: bare,
                address: address.ip(),
            }),
            (true, None) => Err(unresolved("it has no address".to_owned())),
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found = Guard::resolve(&guard, name.as_str(), 0).await?;
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

/// Lower case, without brackets and without the final dot of a full name.
fn plain_name(host: &str) -> String {
    let host = host.trim().trim_start_matches('[').trim_end_matches(']');
    let host = host.strip_suffix('.').unwrap_or(host);
    host.to_ascii_lowercase()
}

/// Whether an address is one of the public internet (IANA special-purpose registries, RFC 6890).
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    let special = v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_multicast()
        || v4.is_documentation()
        || a == 0
        || a >= 240
        // Shared by carriers; clouds put services of their own there too.
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b));
    !special
}

fn is_public_v6(v6: Ipv6Addr) -> bool {
    let s = v6.segments();
    if let Some(v4) = carried_v4(s) {
        return is_public_v4(v4);
    }
    // Only 2000::/3 is given out; of it, 2001::/23 is for protocols and 2001:db8::/32, 3fff::/20 for
    // documents.
    (0x2000..0x4000).contains(&s[0])
        && !(s[0] == 0x2001 && (s[1] < 0x0200 || s[1] == 0x0db8))
        && !(s[0] == 0x3fff && s[1] < 0x1000)
}

/// The IPv4 address that NAT64 (64:ff9b::/96), 6to4 (2002::/16) or the old compatible form (::/96)
/// leads to.
fn carried_v4(s: [u16; 8]) -> Option<Ipv4Addr> {
    let from = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match s {
        [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => Some(from(high, low)),
        [0x2002, high, low, ..] => Some(from(high, low)),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some(from(high, low)),
        _ => None,
    }
}

/// What a listed host may be at: private, shared and loopback addresses.
fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private() || v4.is_loopback() || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ways to write an address that must not be reached.
    const CLOSED: [&str; 42] = [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.0.0.1./",
        "https://0/",
        "https://0.0.0.0/",
        "https://10.0.0.1/",
        "https://172.16.0.1/",
        "https://172.31.255.255/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://2852039166/",
        "https://100.100.100.200/",
        "https://100.64.0.1/",
        "https://192.0.0.192/",
        "https://198.18.0.1/",
        "https://224.0.0.1/",
        "https://239.255.255.250/",
        "https://255.255.255.255/",
        "https://240.0.0.1/",
        "https://192.0.2.1/",
        "https://[::]/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[::ffff:a9fe:a9fe]/",
        "https://[::127.0.0.1]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[2002:a00:1::1]/",
        "https://[fe80::1]/",
        "https://[fec0::1]/",
        "https://[fc00::1]/",
        "https://[fd00:ec2::254]/",
        "https://[ff02::1]/",
        "https://[2001::1]/",
        "https://[2001:db8::1]/",
        "https://[100::1]/",
        "https://[::ffff:0:7f00:1]/",
    ];

    #[test]
    fn no_way_of_writing_an_inner_address_is_let_through() {
        let guard = Guard::default();
        for text in CLOSED {
            let refused = guard.check_url(text);
            assert!(
                matches!(refused, Err(Refusal::Closed { .. })),
                "{text}: {refused:?}"
            );
        }
        for text in ["https://93.184.216.34/", "https://[2606:4700::1111]/x"] {
            assert!(guard.check_url(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn only_the_web_without_user_info_is_spoken_to_and_plain_http_only_to_listed_hosts() {
        let guard = Guard::new(&["Sms.Local".into()]);
        assert_eq!(guard.check_url("file:///etc/passwd"), Err(Refusal::NotWeb));
        assert_eq!(guard.check_url("gopher://a/"), Err(Refusal::NotWeb));
        assert_eq!(guard.check_url("nonsense"), Err(Refusal::NotWeb));
        assert_eq!(guard.check_url("https://u:p@a/"), Err(Refusal::UserInfo));
        assert!(matches!(
            guard.check_url("http://a/"),
            Err(Refusal::Plain(_))
        ));
        assert!(guard.check_url("http://sms.local./send").is_ok());
    }

    #[tokio::test]
    async fn name_is_judged_by_the_address_that_it_has() {
        let closed = Guard::default().resolve("localhost", 80).await;
        assert!(matches!(closed, Err(Refusal::Closed { .. })), "{closed:?}");
        let open = Guard::new(&["localhost".into()]);
        let found = open.resolve("localhost", 80).await.unwrap();
        assert!(found.iter().all(|at| at.ip().is_loopback()));
    }

    #[test]
    fn listed_name_does_not_lead_to_a_metadata_service() {
        let metadata: IpAddr = "169.254.169.254".parse().unwrap();
        assert!(!Guard::new(&["inner".into()]).permits("inner", metadata));
        let listed = Guard::new(&["169.254.169.254".into()]);
        assert!(listed.permits("169.254.169.254", metadata));
    }
}
