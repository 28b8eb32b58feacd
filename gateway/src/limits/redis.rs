//! Counting in Redis, so that several gateways share one count. While Redis
//! does not answer, it is hardly asked: an outage of the limiter is none of the
//! API.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use fred::{
    clients::Client,
    interfaces::ClientLike as _,
    types::{
        Builder,
        config::{Config, ReconnectPolicy, UnresponsiveConfig},
        scripts::Script,
    },
};
use portico_chassis::finding::Finding;
use tokio::time::Instant;

use super::{Outcome, Policy, Subject};
use crate::config::Quota;

/// The generic cell rate algorithm. The key holds the theoretical arrival time
/// of the next call in microseconds of Redis's own clock, and vanishes when it
/// has passed. Arguments: microseconds a call, microseconds of the window.
/// Answers how many calls are left, in how many microseconds the quota is full,
/// and how many to wait (-1: the call may go on).
const GCRA: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local pace, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local next = arrival + pace
local wait = next - window - now
if wait > 0 then
  return {0, arrival - now, wait}
end
redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', math.ceil((next - now) / 1000))
return {math.floor((window - (next - now)) / pace), next - now, -1}
";

/// A slower answer counts as none.
const PATIENCE: Duration = Duration::from_millis(250);
/// For how long it is not asked after it gave no answer.
const REST: Duration = Duration::from_secs(2);
/// A connection on which nothing was answered for so long after the last
/// question is made again. There is none in between, as a rest is longer.
const UNRESPONSIVE: Duration = Duration::from_secs(1);
/// For how long each is waited for when a connection is made: that it is there,
/// and that Redis lets in whoever says the password.
const GREETING: Duration = Duration::from_secs(2);
/// The pauses between tries to connect, in milliseconds, at least and at most.
const RECONNECT: (u32, u32) = (100, 2_000);
/// The least time between two warnings.
const WARNING_INTERVAL: Duration = Duration::from_secs(30);

/// A connection to Redis that is made again whenever it is lost.
#[derive(Clone)]
pub(super) struct Redis {
    client: Client,
    script: Arc<Script>,
    started: Instant,
    /// When it is asked again, in milliseconds since the start.
    rests_until: Arc<AtomicU64>,
    /// When the last warning was logged, in seconds since the start.
    warned: Arc<AtomicI64>,
}

impl Redis {
    /// Begins to connect, and goes on in the background.
    pub(super) fn connect(url: &str) -> anyhow::Result<Self> {
        let redis = Self::prepare(url)?;
        redis.client.connect();
        Ok(redis)
    }

    fn prepare(url: &str) -> anyhow::Result<Self> {
        let config = Config::from_url(url).context("PORTICO_RATE_LIMIT_URL is not valid")?;
        let client = Builder::from_config(config)
            .with_performance_config(|config| config.default_command_timeout = PATIENCE)
            .with_connection_config(|config| {
                config.connection_timeout = GREETING;
                config.internal_command_timeout = GREETING;
                config.max_command_attempts = 1;
                config.unresponsive = UnresponsiveConfig {
                    max_timeout: Some(UNRESPONSIVE),
                    interval: UNRESPONSIVE / 4,
                };
            })
            .set_policy(ReconnectPolicy::new_exponential(
                0,
                RECONNECT.0,
                RECONNECT.1,
                2,
            ))
            .build()
            .context("the connection to PORTICO_RATE_LIMIT_URL cannot be prepared")?;
        Ok(Self {
            client,
            script: Arc::new(Script::from_lua(GCRA)),
            started: Instant::now(),
            rests_until: Arc::default(),
            warned: Arc::new(AtomicI64::new(i64::MIN / 2)),
        })
    }

    /// Whether Redis answers, once.
    pub(super) async fn examine(url: &str) -> Finding {
        let answered = async {
            let redis = Self::prepare(url)?;
            let connection = redis.client.init().await?;
            let answer: Result<String, _> = redis.client.ping(None).await;
            let _ = redis.client.quit().await;
            connection.abort();
            answer?;
            anyhow::Ok(())
        };
        match answered.await {
            Ok(()) => Finding::fine("Redis answers, and gateways share their limits"),
            Err(error) => Finding::failure(format!(
                "Redis does not answer: {error:#}. Until it does, each gateway counts for itself: check \
                 PORTICO_RATE_LIMIT_URL, its password, and that Redis runs"
            )),
        }
    }

    /// Counts a call; `None` while Redis does not answer.
    pub(super) async fn count(
        &self,
        policy: Policy,
        quota: Quota,
        subject: Subject,
    ) -> Option<Outcome> {
        if self.millis() < self.rests_until.load(Ordering::Relaxed) {
            return None;
        }
        if !self.client.is_connected() {
            self.warn("not connected");
            return None;
        }
        let key = key(policy, subject);
        let window = micros(quota.window);
        let pace = (window / i64::from(quota.calls.get())).max(1);
        let arguments = vec![pace, window];
        let answer: Result<(i64, i64, i64), _> = self
            .script
            .evalsha_with_reload(&self.client, key, arguments)
            .await;
        match answer {
            Ok((remaining, full_in, wait)) => Some(Outcome {
                remaining: u32::try_from(remaining).unwrap_or(0),
                full_in: Duration::from_micros(u64::try_from(full_in).unwrap_or(0)),
                refused_for: u64::try_from(wait).ok().map(Duration::from_micros),
            }),
            Err(error) => {
                let rest = u64::try_from(REST.as_millis()).unwrap_or(u64::MAX);
                self.rests_until
                    .store(self.millis() + rest, Ordering::Relaxed);
                self.warn(&error.to_string());
                None
            }
        }
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn warn(&self, error: &str) {
        let now = i64::try_from(self.started.elapsed().as_secs()).unwrap_or(i64::MAX);
        let interval = WARNING_INTERVAL.as_secs().cast_signed();
        let last = self.warned.load(Ordering::Relaxed);
        let is_due = now - last >= interval
            && self
                .warned
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if is_due {
            tracing::warn!(
                error,
                "Redis does not answer: each gateway counts for itself"
            );
        }
    }
}

fn key(policy: Policy, subject: Subject) -> String {
    let policy = policy.name();
    match subject {
        Subject::Address(address) => format!("portico:limit:{policy}:address:{address}"),
        Subject::User(id) => format!("portico:limit:{policy}:user:{id}"),
        Subject::Account(hash) => {
            format!(
                "portico:limit:{policy}:account:{:032x}",
                u128::from_be_bytes(hash)
            )
        }
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const QUOTA: Quota = Quota {
        calls: std::num::NonZeroU32::new(3).expect("not zero"),
        window: Duration::from_secs(600),
    };

    fn somebody() -> Subject {
        let mut random = [0; 16];
        portico_chassis::clock::fill_random(&mut random);
        Subject::User(Uuid::from_bytes(random))
    }

    async fn redis() -> Redis {
        #[expect(clippy::disallowed_methods, reason = "names the server that tests use")]
        let url = std::env::var("PORTICO_TEST_REDIS_URL")
            .expect("PORTICO_TEST_REDIS_URL names a Redis for tests; `make test` starts one");
        let redis = Redis::connect(&url).expect("an URL of Redis");
        redis
            .client
            .wait_for_connect()
            .await
            .expect("Redis answers");
        redis
    }

    #[tokio::test]
    async fn gateways_share_one_count() {
        let (one, other) = (redis().await, redis().await);
        let user = somebody();
        let mut remaining = Vec::new();
        for redis in [&one, &other, &one] {
            let outcome = redis
                .count(Policy::User, QUOTA, user)
                .await
                .expect("an answer");
            assert_eq!(outcome.refused_for, None);
            remaining.push(outcome.remaining);
        }
        assert_eq!(remaining, [2, 1, 0]);
        let refused = other
            .count(Policy::User, QUOTA, user)
            .await
            .expect("an answer");
        let wait = refused.refused_for.expect("refused").as_secs();
        assert!((190..=200).contains(&wait), "{wait}");
        assert!(
            (590..=600).contains(&refused.full_in.as_secs()),
            "{refused:?}"
        );
        let others = other
            .count(Policy::User, QUOTA, somebody())
            .await
            .expect("an answer");
        assert_eq!(others.remaining, 2);
    }

    #[tokio::test]
    async fn a_call_comes_back_when_its_time_has_passed() {
        let redis = redis().await;
        let quota = Quota {
            calls: 1.try_into().expect("not zero"),
            window: Duration::from_millis(300),
        };
        let user = somebody();
        let first = redis
            .count(Policy::User, quota, user)
            .await
            .expect("an answer");
        assert_eq!(first.refused_for, None);
        let second = redis
            .count(Policy::User, quota, user)
            .await
            .expect("an answer");
        tokio::time::sleep(second.refused_for.expect("refused")).await;
        let third = redis
            .count(Policy::User, quota, user)
            .await
            .expect("an answer");
        assert_eq!(third.refused_for, None);
    }

    #[tokio::test]
    async fn redis_says_nothing_while_it_is_away() {
        let redis = Redis::connect("redis://127.0.0.1:1").expect("an URL of Redis");
        let outcome = redis.count(Policy::User, QUOTA, somebody()).await;
        assert_eq!(outcome, None);
    }
}
