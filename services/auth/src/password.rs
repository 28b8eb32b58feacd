//! Passwords and their hashes: Argon2id at m = 19 MiB, t = 2, p = 1 (OWASP
//! Password Storage Cheat Sheet; RFC 9106), kept as PHC strings. Hashing runs
//! on threads of its own, bounded, and sheds load instead of queueing without
//! end. The rules for passwords follow NIST SP 800-63B-4, section 3.1.1.2.

use std::{fmt, num::NonZero, sync::Arc, time::Duration};

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::phc::PasswordHash,
};
use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use portico_chassis::{clock::fill_random, status::Error, telemetry::Metrics};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use unicode_normalization::UnicodeNormalization as _;

/// How many code points a new password has, at least and at most.
const LENGTH: std::ops::RangeInclusive<usize> = 8..=128;

/// How many hashes may wait for each thread: about 1.5 s of work, which is
/// less than the deadline of those who wait.
const WAITING_PER_THREAD: usize = 64;

/// When a caller who was shed may try again.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// What a hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory, in KiB.
    pub memory: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for Cost {
    fn default() -> Self {
        Self {
            memory: 19 * 1024,
            passes: 2,
            lanes: 1,
        }
    }
}

/// A password in NFC, so that it is the same however it was typed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Password(String);

impl Password {
    /// A password to be compared with one chosen before.
    pub(crate) fn given(text: &str) -> Self {
        Self(text.nfc().collect())
    }

    /// A new password.
    pub(crate) fn chosen(text: &str) -> Result<Self, (&'static str, String)> {
        let password = Self::given(text);
        let length = password.0.chars().count();
        if length < *LENGTH.start() {
            let message = format!("must have at least {} characters", LENGTH.start());
            return Err(("PASSWORD_TOO_SHORT", message));
        }
        if length > *LENGTH.end() {
            let message = format!("must have at most {} characters", LENGTH.end());
            return Err(("PASSWORD_TOO_LONG", message));
        }
        Ok(password)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(…)")
    }
}

/// Hashes and verifies.
///
/// There is one hashing thread a core: fewer would leave a core idle while
/// sign-ins wait. They are not the runtime's threads, and a request that needs
/// some microseconds of a core gets them: the kernel prefers a thread that
/// just woke up to one that has computed for milliseconds.
pub(crate) struct Passwords {
    params: Params,
    /// A hash of no password, at the same cost.
    decoy: String,
    /// Hashes that run.
    threads: Arc<Semaphore>,
    /// Hashes that run or wait.
    places: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

impl Passwords {
    pub(crate) fn new(cost: Cost, metrics: Arc<Metrics>) -> Result<Self, Error> {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self::with_threads(cost, threads, metrics)
    }

    fn with_threads(cost: Cost, threads: usize, metrics: Arc<Metrics>) -> Result<Self, Error> {
        let params = Params::new(cost.memory, cost.passes, cost.lanes, None)
            .map_err(|error| Error::internal(error.to_string()))?;
        Ok(Self {
            decoy: decoy(cost),
            params,
            threads: Arc::new(Semaphore::new(threads)),
            places: Arc::new(Semaphore::new(threads * (1 + WAITING_PER_THREAD))),
            metrics,
        })
    }

    /// The hash of a password, with a new salt.
    pub(crate) async fn hash(&self, password: &Password) -> Result<String, Error> {
        let argon2 = argon2(&self.params);
        let password = password.clone();
        self.run(move || {
            let mut salt = [0; 16];
            fill_random(&mut salt);
            let hash = argon2.hash_password_with_salt(password.0.as_bytes(), &salt);
            hash.map(|hash| hash.to_string())
                .map_err(|error| Error::internal(error.to_string()))
        })
        .await?
    }

    /// Whether it is the password of a hash. Without a hash it never is, after
    /// the same work, so that the time does not tell whether there is one.
    pub(crate) async fn verify(
        &self,
        password: &Password,
        hash: Option<&str>,
    ) -> Result<bool, Error> {
        let argon2 = argon2(&self.params);
        let password = password.clone();
        let has_hash = hash.is_some();
        let hash = hash.unwrap_or(&self.decoy).to_owned();
        let matches = self
            .run(move || {
                argon2
                    .verify_password(password.0.as_bytes(), hash.as_str())
                    .is_ok()
            })
            .await?;
        Ok(has_hash && matches)
    }

    /// Whether a hash is weaker than one made today.
    pub(crate) fn is_outdated(&self, hash: &str) -> bool {
        let Ok(hash) = PasswordHash::new(hash) else {
            return true;
        };
        let Ok(params) = Params::try_from(&hash) else {
            return true;
        };
        hash.algorithm.as_str() != Algorithm::Argon2id.as_str()
            || params.m_cost() < self.params.m_cost()
            || params.t_cost() < self.params.t_cost()
    }

    /// Runs on a hashing thread, as soon as one is free. The permits go along
    /// into the thread: a caller who leaves does not make room before its hash
    /// has ended, and one who leaves while waiting costs nothing.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let place = Place::take(&self.places, &self.metrics)?;
        let thread = self
            .threads
            .clone()
            .acquire_owned()
            .await
            .map_err(Error::internal)?;
        tokio::task::spawn_blocking(move || {
            let _held = (place, thread);
            work()
        })
        .await
        .map_err(Error::internal)
    }
}

fn argon2(params: &Params) -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
}

/// A hash that no password has: of random bytes, so that making it costs
/// nothing.
fn decoy(cost: Cost) -> String {
    let mut random = [0; 48];
    fill_random(&mut random);
    let (salt, output) = random.split_at(16);
    let Cost {
        memory,
        passes,
        lanes,
    } = cost;
    format!(
        "$argon2id$v=19$m={memory},t={passes},p={lanes}${}${}",
        BASE64_STANDARD_NO_PAD.encode(salt),
        BASE64_STANDARD_NO_PAD.encode(output)
    )
}

/// A place in the queue, counted in the metrics.
struct Place {
    _permit: OwnedSemaphorePermit,
    metrics: Arc<Metrics>,
}

impl Place {
    fn take(places: &Arc<Semaphore>, metrics: &Arc<Metrics>) -> Result<Self, Error> {
        let permit = places.clone().try_acquire_owned().map_err(|_| {
            Error::unavailable("too many passwords wait to be hashed").with_retry_after(RETRY_AFTER)
        })?;
        metrics.password_hashes.inc();
        Ok(Self {
            _permit: permit,
            metrics: metrics.clone(),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.metrics.password_hashes.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost {
        memory: 64,
        passes: 1,
        lanes: 1,
    };

    fn passwords(cost: Cost, threads: usize) -> Passwords {
        Passwords::with_threads(cost, threads, Arc::default()).expect("passwords")
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let passwords = passwords(CHEAP, 1);
        let password = Password::given("correct horse");
        let hash = passwords.hash(&password).await.expect("hash");
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        assert!(passwords.verify(&password, Some(&hash)).await.expect("run"));
        let other = Password::given("correct horsf");
        assert!(!passwords.verify(&other, Some(&hash)).await.expect("run"));
        assert_ne!(passwords.hash(&password).await.expect("hash"), hash);
    }

    #[tokio::test]
    async fn nobody_has_a_password_and_the_decoy_costs_the_same() {
        let passwords = passwords(CHEAP, 1);
        let password = Password::given("correct horse");
        assert!(!passwords.verify(&password, None).await.expect("run"));
        assert!(!passwords.is_outdated(&passwords.decoy));
        let hash = passwords.hash(&password).await.expect("hash");
        let cost = |hash: &str| hash.rsplitn(3, '$').last().map(str::to_owned);
        assert_eq!(cost(&hash), cost(&passwords.decoy));
    }

    #[tokio::test]
    async fn a_hash_of_less_cost_is_outdated_and_still_counts() {
        let password = Password::given("correct horse");
        let old = passwords(CHEAP, 1).hash(&password).await.expect("hash");
        let grown = passwords(Cost { passes: 2, ..CHEAP }, 1);
        assert!(grown.verify(&password, Some(&old)).await.expect("run"));
        assert!(grown.is_outdated(&old));
        let new = grown.hash(&password).await.expect("hash");
        assert!(!grown.is_outdated(&new));
        assert!(!passwords(CHEAP, 1).is_outdated(&new));
        assert!(grown.is_outdated("$2b$12$abc"));
    }

    #[tokio::test]
    async fn a_full_queue_sheds_and_recovers() {
        let passwords = passwords(CHEAP, 1);
        let all = u32::try_from(1 + WAITING_PER_THREAD).expect("number");
        let taken = passwords.places.clone().acquire_many_owned(all).await;
        let error = passwords
            .hash(&Password::given("correct horse"))
            .await
            .expect_err("shed");
        assert_eq!(error.reason, "SERVICE_UNAVAILABLE");
        assert_eq!(error.retry_after, Some(RETRY_AFTER));
        drop(taken);
        assert!(passwords.hash(&Password::given("now")).await.is_ok());
        assert_eq!(passwords.metrics.password_hashes.get(), 0);
    }

    #[tokio::test]
    async fn a_caller_who_leaves_the_queue_leaves_no_trace() {
        let passwords = passwords(CHEAP, 1);
        let busy = passwords.threads.clone().acquire_owned().await;
        let password = Password::given("correct horse");
        let waiting = passwords.hash(&password);
        assert!(
            tokio::time::timeout(Duration::from_millis(5), waiting)
                .await
                .is_err()
        );
        assert_eq!(passwords.metrics.password_hashes.get(), 0);
        drop(busy);
        assert!(passwords.hash(&password).await.is_ok());
    }

    #[test]
    fn a_password_is_the_same_in_every_unicode_form() {
        assert_eq!(Password::given("jose\u{301}"), Password::given("jos\u{e9}"));
    }

    #[test]
    fn a_new_password_has_8_to_128_code_points_in_nfc() {
        let code = |text: &str| Password::chosen(text).map_err(|refusal| refusal.0);
        assert!(code("12345678").is_ok());
        assert!(code(&"\u{1f512}".repeat(128)).is_ok());
        assert_eq!(code("1234567"), Err("PASSWORD_TOO_SHORT"));
        assert_eq!(code(&"e\u{301}".repeat(7)), Err("PASSWORD_TOO_SHORT"));
        assert_eq!(code(&"x".repeat(129)), Err("PASSWORD_TOO_LONG"));
    }

    #[test]
    fn a_password_is_never_printed() {
        assert_eq!(format!("{:?}", Password::given("hunter2")), "Password(…)");
    }
}
