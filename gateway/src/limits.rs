//! How often clients may call: one limit for nobody in particular, by address;
//! one for each person; and a strict one for calls that try a password or a
//! token, by address and by account and network. Counted as GCRA does, without
//! windows that all start over at once: by all gateways together in Redis, and
//! by each for itself where there is none, or none that answers.
//!
//! Which limit a request falls under is decided in `api`.

mod memory;
mod redis;

use std::{net::IpAddr, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};
use portico_chassis::{
    finding::Finding,
    status::{Error, Kind},
};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use self::{memory::Memory, redis::Redis};
use crate::config::{LimitsConfig, Quota};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Which limit it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    Anonymous,
    User,
    Credentials,
}

/// Whose calls are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// An IPv4 address, or the /64 of an IPv6 address, which one client has to
    /// itself.
    Address(IpAddr),
    /// A person.
    User(Uuid),
    /// An account from one network, by a hash of what a caller says the address
    /// of the account is. From all networks together it would be a way to lock
    /// somebody out: what comes from many is slowed down by auth, which knows
    /// from where the owner signs in.
    Account([u8; 16]),
}

/// Where a subject stands after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    policy: Policy,
    quota: Quota,
    outcome: Outcome,
}

/// What a counter says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Outcome {
    /// How many calls are left now.
    remaining: u32,
    /// When the whole quota is there again.
    full_in: Duration,
    /// When the next call may come, if this one may not.
    refused_for: Option<Duration>,
}

/// All limits.
pub(crate) struct Limits {
    /// In the order of [`Policy`].
    counters: [Option<(Quota, Counter)>; 3],
}

enum Counter {
    Memory(Memory),
    /// Shared, and what counts here while Redis does not answer.
    Redis(Redis, Memory),
}

/// How limits are kept.
pub(crate) async fn examine(config: &LimitsConfig) -> Vec<Finding> {
    let mut findings = Vec::new();
    let quotas = [
        ("ANONYMOUS", config.anonymous),
        ("USER", config.user),
        ("CREDENTIALS", config.credentials),
    ];
    for (name, quota) in quotas {
        if quota.is_none() {
            findings.push(Finding::warning(format!(
                "PORTICO_RATE_LIMIT_{name} is off: nobody is slowed down by it"
            )));
        }
    }
    findings.push(match &config.redis_url {
        Some(url) => Redis::examine(url).await,
        None => Finding::fine(
            "limits are counted in memory: with several gateways, each counts for itself",
        ),
    });
    findings
}

impl Limits {
    pub(crate) fn new(config: &LimitsConfig) -> anyhow::Result<Self> {
        let shared = config
            .redis_url
            .as_deref()
            .map(Redis::connect)
            .transpose()?;
        let counter = |quota: Option<Quota>| {
            quota.map(|quota| {
                let counter = match &shared {
                    Some(redis) => Counter::Redis(redis.clone(), Memory::new(quota)),
                    None => Counter::Memory(Memory::new(quota)),
                };
                (quota, counter)
            })
        };
        Ok(Self {
            counters: [
                counter(config.anonymous),
                counter(config.user),
                counter(config.credentials),
            ],
        })
    }

    /// Counts a call; `None` if the limit is off.
    pub(crate) async fn count(&self, policy: Policy, subject: Subject) -> Option<Standing> {
        let (quota, counter) = self.counters[policy as usize].as_ref()?;
        let outcome = match counter {
            Counter::Memory(memory) => memory.count(subject),
            Counter::Redis(redis, alone) => {
                let shared = redis.count(policy, *quota, subject).await;
                shared.unwrap_or_else(|| alone.count(subject))
            }
        };
        Some(Standing {
            policy,
            quota: *quota,
            outcome,
        })
    }
}

impl Policy {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::User => "user",
            Self::Credentials => "credentials",
        }
    }
}

impl Subject {
    pub(crate) fn address(address: IpAddr) -> Self {
        Self::Address(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        })
    }

    pub(crate) fn account(email: &str, from: IpAddr) -> Self {
        let network = match from {
            IpAddr::V4(address) => IpAddr::V4((address.to_bits() >> 8 << 8).into()),
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 80 << 80).into()),
        };
        let email = email.trim().to_lowercase();
        let hash = Sha256::digest(format!("{network} {email}"));
        let mut short = [0; 16];
        short.copy_from_slice(&hash[..16]);
        Self::Account(short)
    }
}

impl Standing {
    /// Nothing, if the call may go on.
    ///
    /// # Errors
    ///
    /// `RATE_LIMITED` with the time to wait.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let Some(wait) = self.outcome.refused_for else {
            return Ok(());
        };
        let message = "Too many requests. Wait as long as Retry-After says.";
        Err(Error::new(Kind::ResourceExhausted, "RATE_LIMITED", message).with_retry_after(wait))
    }

    /// How many calls are left now.
    pub(crate) fn remaining(&self) -> u32 {
        self.outcome.remaining
    }

    /// Tells the client where it stands (draft-ietf-httpapi-ratelimit-headers).
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let name = self.policy.name();
        let (calls, window) = (self.quota.calls, self.quota.window.as_secs());
        let (left, seconds) = (self.outcome.remaining, ceil_seconds(self.outcome.full_in));
        let values = [
            (
                RATE_LIMIT_POLICY,
                format!("\"{name}\";q={calls};w={window}"),
            ),
            (RATE_LIMIT, format!("\"{name}\";r={left};t={seconds}")),
        ];
        for (header, value) in values {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(header, value);
            }
        }
    }
}

/// Whole seconds, rounded up, and at least one: nobody is told to come back at
/// once or too early.
pub(crate) fn ceil_seconds(duration: Duration) -> u64 {
    let partial = u64::from(duration.subsec_nanos() > 0);
    (duration.as_secs() + partial).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(address: &str) -> Subject {
        Subject::address(address.parse().expect("an address"))
    }

    #[test]
    fn one_client_has_a_whole_64_of_ipv6() {
        assert_eq!(
            subject("2001:db8:1:2:3::1"),
            subject("2001:db8:1:2:ffff::9")
        );
        assert_ne!(subject("2001:db8:1:2::1"), subject("2001:db8:1:3::1"));
        assert_ne!(subject("192.0.2.1"), subject("192.0.2.2"));
    }

    #[test]
    fn an_account_is_one_in_each_network_however_its_address_is_typed() {
        let account = |email, from: &str| {
            let from = from.parse().expect("an address");
            Subject::account(email, from)
        };
        let ada = account("ada@example.org", "192.0.2.1");
        assert_eq!(ada, account(" Ada@Example.org", "192.0.2.255"));
        assert_ne!(ada, account("ada@example.org", "192.0.3.1"));
        assert_ne!(ada, account("eve@example.org", "192.0.2.1"));
        let ada = account("ada@example.org", "2001:db8:1:2::1");
        assert_eq!(ada, account("ada@example.org", "2001:db8:1:3::1"));
        assert_ne!(ada, account("ada@example.org", "2001:db8:2:2::1"));
    }

    #[tokio::test]
    async fn a_limit_can_be_switched_off() {
        let limits = Limits::new(&LimitsConfig {
            redis_url: None,
            anonymous: None,
            user: None,
            credentials: None,
        });
        let standing = limits
            .expect("limits")
            .count(Policy::User, subject("::1"))
            .await;
        assert_eq!(standing, None);
    }

    #[tokio::test]
    async fn a_gateway_counts_for_itself_while_redis_is_away() {
        let quota = Quota {
            calls: 2.try_into().expect("not zero"),
            window: Duration::from_secs(600),
        };
        let limits = Limits::new(&LimitsConfig {
            redis_url: Some("redis://127.0.0.1:1".to_owned()),
            anonymous: None,
            user: Some(quota),
            credentials: None,
        });
        let limits = limits.expect("limits");
        let mut admitted = Vec::new();
        for _ in 0..3 {
            let standing = limits.count(Policy::User, subject("::1")).await;
            admitted.push(standing.expect("counted").check().is_ok());
        }
        assert_eq!(admitted, [true, true, false]);
    }

    #[test]
    fn a_client_is_told_where_it_stands() {
        let standing = Standing {
            policy: Policy::User,
            quota: Quota {
                calls: 1200.try_into().expect("not zero"),
                window: Duration::from_secs(60),
            },
            outcome: Outcome {
                remaining: 1199,
                full_in: Duration::from_millis(50),
                refused_for: None,
            },
        };
        let mut headers = HeaderMap::new();
        standing.write(&mut headers);
        assert_eq!(headers["ratelimit-policy"], "\"user\";q=1200;w=60");
        assert_eq!(headers["ratelimit"], "\"user\";r=1199;t=1");
    }
}
