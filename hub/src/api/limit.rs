//! How often somebody may ask: budgets per session, per gateway and per address.
//!
//! A budget is so many requests a minute; all of them may come at once, after which they come back one by
//! one (the generic cell rate algorithm: one time per bucket says everything). Nobody is looked up in the
//! store for it. Whoever has none left gets 429 with `Retry-After` and nothing was done: a gateway keeps
//! what it wanted to send and sends it again. What is left stands in `RateLimit` and `RateLimit-Policy`
//! (draft-ietf-httpapi-ratelimit-headers-10).
//!
//! In memory, per process: a restart forgets, which costs an attacker more than it gives.

mod buckets;

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Mutex;
use std::time::Instant;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::App;
use super::problem::Problem;
use super::routes::{self, Budget};
use crate::config;
use crate::metrics::count;
use buckets::{Buckets, Key, Left, WINDOW_S};

/// The budgets and what is left of them.
#[derive(Debug)]
pub struct Limits {
    per_minute: [(Budget, u32); 6],
    started: Instant,
    buckets: Mutex<Buckets>,
}

/// Whose budget, of which kind, and how many requests a minute it allows.
type Account = (Budget, Key, u32);

impl Limits {
    /// With these settings; 0 is without limit.
    #[must_use]
    pub fn new(limits: &config::Limits) -> Self {
        Self {
            per_minute: [
                (Budget::Reads, limits.reads_per_minute),
                (Budget::Writes, limits.writes_per_minute),
                (Budget::Exports, limits.exports_per_minute),
                (Budget::SignIns, limits.sign_ins_per_minute),
                (Budget::Gateways, limits.gateway_requests_per_minute),
                (Budget::Address, limits.address_requests_per_minute),
            ],
            started: Instant::now(),
            buckets: Mutex::default(),
        }
    }

    fn quota(&self, budget: Budget) -> u32 {
        let found = self.per_minute.iter().find(|(known, _)| *known == budget);
        found.map_or(0, |(_, quota)| *quota)
    }

    /// Takes a request from every account that it draws on; tells the one with the least left.
    fn take(&self, accounts: &[Account], now: Instant) -> Option<(Account, Left)> {
        let now_us = now.saturating_duration_since(self.started).as_micros();
        let now_us = u64::try_from(now_us).unwrap_or(u64::MAX);
        let mut buckets = self
            .buckets
            .lock()
            .expect("nothing panics while holding the buckets");
        let mut tightest: Option<(Account, Left)> = None;
        for account in accounts {
            let (budget, key, quota) = *account;
            let left = buckets.take(budget, key, quota, now_us);
            let tighter = tightest.is_none_or(|(_, least)| left.is_tighter_than(least));
            if tighter {
                tightest = Some((*account, left));
            }
            if left.wait_s.is_some() {
                break;
            }
        }
        tightest
    }
}

/// Counts a request; refuses it when nothing is left.
pub async fn limit(State(app): State<App>, request: Request, next: Next) -> Response {
    let budget = routes::budget(request.uri().path(), request.method().as_str());
    let Some(budget) = budget else {
        return next.run(request).await;
    };
    let peer = request
        .extensions()
        .get::<ConnectInfo<std::net::SocketAddr>>();
    let address = peer.map(|ConnectInfo(peer)| network(peer.ip()));
    let accounts = accounts(&app.limits, budget, address, request.headers());
    let Some(((budget, _, quota), left)) = app.limits.take(&accounts, Instant::now()) else {
        return next.run(request).await;
    };
    let mut response = match left.wait_s {
        None => next.run(request).await,
        Some(seconds) => {
            count(&app.metrics.requests_limited);
            refusal(seconds).into_response()
        }
    };
    let (policy, state) = told(budget, quota, left);
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("ratelimit-policy"), policy);
    headers.insert(HeaderName::from_static("ratelimit"), state);
    response
}

fn refusal(seconds: u64) -> Problem {
    let mut problem = Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too-many-requests",
        format!("too many requests; come again in {seconds} s"),
    );
    problem.retry_after_s = Some(seconds);
    problem
}

fn told(budget: Budget, quota: u32, left: Left) -> (HeaderValue, HeaderValue) {
    let name = budget.as_str();
    let policy = format!("\"{name}\";q={quota};w={WINDOW_S}");
    let state = format!("\"{name}\";r={};t={}", left.requests, left.full_in_s);
    let value = |text: String| HeaderValue::from_str(&text).expect("names and numbers are ASCII");
    (value(policy), value(state))
}

/// Everything from an address counts for the address, too, so that changing cookies gains nothing.
/// Gateways are excepted: a whole city of them may come through one address, and their keys are known.
fn accounts(
    limits: &Limits,
    budget: Budget,
    address: Option<IpAddr>,
    headers: &HeaderMap,
) -> Vec<Account> {
    let of_caller = match budget {
        Budget::Gateways => bearer(headers),
        Budget::SignIns | Budget::Address => None,
        // A program with a key has no session.
        Budget::Reads | Budget::Writes | Budget::Exports => {
            session(headers).or_else(|| bearer(headers))
        }
    };
    let of_address = address.map(Key::Address);
    let own = of_caller.or(of_address).map(|key| (budget, key));
    let shared = of_address
        .filter(|_| budget != Budget::Gateways)
        .map(|key| (Budget::Address, key));
    own.into_iter()
        .chain(shared)
        .map(|(budget, key)| (budget, key, limits.quota(budget)))
        .filter(|(_, _, quota)| *quota > 0)
        .collect()
}

fn bearer(headers: &HeaderMap) -> Option<Key> {
    let value = headers.get(header::AUTHORIZATION)?;
    Some(secret(value.as_bytes()))
}

/// The session's cookie, whichever name it has; one that is none is still somebody's.
fn session(headers: &HeaderMap) -> Option<Key> {
    let cookies = headers.get_all(header::COOKIE).iter();
    let mut pairs = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let (_, token) = pairs.find(|(name, _)| name.ends_with("gw_session"))?;
    Some(secret(token.as_bytes()))
}

/// Half of a SHA-256 is enough to tell callers apart, and is no secret.
fn secret(token: &[u8]) -> Key {
    let hash = Sha256::digest(token);
    let mut short = [0; 16];
    short.copy_from_slice(&hash[..16]);
    Key::Caller(short)
}

/// An address, or the /64 network that one IPv6 subscriber has.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn limits() -> Limits {
        let mut config = config::parse("", std::path::Path::new("")).unwrap().limits;
        config.reads_per_minute = 3;
        config.address_requests_per_minute = 5;
        config.gateway_requests_per_minute = 2;
        config.writes_per_minute = 0;
        Limits::new(&config)
    }

    fn from(cookie: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, cookie.parse().unwrap());
        headers.insert(header::AUTHORIZATION, cookie.parse().unwrap());
        headers
    }

    #[test]
    fn session_has_a_budget_and_changing_cookies_meets_that_of_the_address() {
        let limits = limits();
        let now = limits.started;
        let address = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let ask = |cookie: &str, budget| {
            let accounts = accounts(&limits, budget, address, &from(cookie));
            limits
                .take(&accounts, now)
                .map(|(account, left)| (account.0, left.wait_s))
        };
        for _ in 0..3 {
            assert_eq!(ask("a=b; gw_session=one", Budget::Reads).unwrap().1, None);
        }
        let refused = ask("a=b; gw_session=one", Budget::Reads).unwrap();
        assert_eq!(
            refused,
            (Budget::Reads, Some(20)),
            "one of three a minute is back in 20 s"
        );
        assert_eq!(ask("gw_session=two", Budget::Reads).unwrap().1, None);
        assert_eq!(
            ask("gw_session=three", Budget::Writes).unwrap().1,
            None,
            "unlimited by itself"
        );
        let refused = ask("gw_session=four", Budget::Reads).unwrap();
        assert_eq!(refused, (Budget::Address, Some(12)));
        for _ in 0..2 {
            let gateway = ask("Bearer key", Budget::Gateways).unwrap();
            assert_eq!(
                gateway,
                (Budget::Gateways, None),
                "gateways are counted by their keys"
            );
        }
        assert_eq!(ask("Bearer key", Budget::Gateways).unwrap().1, Some(30));
        assert_eq!(ask("Bearer other", Budget::Gateways).unwrap().1, None);
    }

    #[test]
    fn neighbours_in_one_ipv6_network_are_one_address() {
        let one: IpAddr = "2001:db8:1:2:3::4".parse().unwrap();
        let two: IpAddr = "2001:db8:1:2:ffff::1".parse().unwrap();
        assert_eq!(network(one), network(two));
        assert_eq!(
            network("::ffff:10.0.0.1".parse().unwrap()),
            IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1))
        );
    }
}
