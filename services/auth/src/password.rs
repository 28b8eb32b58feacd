//! Passwords and their hashes: Argon2id at m = 19 MiB, t = 2, p = 1 (OWASP
//! Password Storage Cheat Sheet; RFC 9106), kept as PHC strings. Hashing runs
//! on threads of its own, bounded, and sheds load instead of queueing without
//! end. The rules for passwords follow NIST SP 800-63B-4, section 3.1.1.2, and
//! OWASP ASVS 5.0, 6.2: a length, no composition, and none of those that are
//! known to be common or breached.

mod breached;
mod common;
mod kept;
mod memory;
mod pool;
mod strength;

use std::{fmt, num::NonZero, path::Path, sync::Arc};

use anyhow::Context as _;
use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use portico_chassis::{clock::fill_random, status::Error, telemetry::Metrics};
use unicode_normalization::UnicodeNormalization as _;

use self::{breached::BreachedFile, kept::Kept, memory::Memory, pool::Pool};

pub(crate) use self::strength::estimate;

/// Nothing, if a file is a list of breached passwords.
///
/// # Errors
///
/// What is wrong with it, and in which line.
pub(crate) fn check_list(path: &Path) -> anyhow::Result<()> {
    BreachedFile::open(path).map(drop)
}

/// Why a password is refused: the detail code and what is expected.
type Refusal = (&'static str, String);

/// How many code points a new password has, at least and at most.
const LENGTH: std::ops::RangeInclusive<usize> = 8..=128;

/// The length of a hash, in bytes.
const OUTPUT: usize = 32;

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

    /// A new password, as far as the program itself can tell: an operator's list
    /// may have it, see [`Passwords::chosen`].
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
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
        if common::is_common(&password.0) {
            return Err(breached());
        }
        Ok(password)
    }
}

fn breached() -> Refusal {
    let message = "is known from a breach or very common; choose another one";
    ("PASSWORD_BREACHED", message.to_owned())
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
/// just woke up to one that has computed for milliseconds. (Measured with both
/// of two cores hashing: the median of requests of 0.2 ms did not move.)
pub(crate) struct Passwords {
    params: Params,
    /// A hash of no password, at the same cost.
    decoy: String,
    pool: Pool,
    breached: Option<Arc<BreachedFile>>,
}

impl Passwords {
    /// Passwords whose hashes cost this much; those of a list are refused.
    ///
    /// # Errors
    ///
    /// If the cost is out of bounds, or the list is none.
    pub(crate) fn new(
        cost: Cost,
        breached: Option<&Path>,
        metrics: Arc<Metrics>,
    ) -> anyhow::Result<Self> {
        let params = Params::new(cost.memory, cost.passes, cost.lanes, Some(OUTPUT))
            .map_err(|error| anyhow::anyhow!("the cost of a password hash: {error}"))?;
        // No password has a hash of random bytes, and making it costs nothing.
        let mut random = [0; OUTPUT];
        fill_random(&mut random);
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let pool = Pool::new(threads, params.block_count(), metrics);
        Ok(Self {
            decoy: to_phc(&params, &new_salt(), &random),
            pool: pool.context("no thread to hash passwords")?,
            params,
            breached: breached.map(BreachedFile::open).transpose()?.map(Arc::new),
        })
    }

    /// A new password: long enough, not too long, and neither common nor in the
    /// operator's list. A list that cannot be read refuses nothing.
    pub(crate) async fn chosen(&self, text: &str) -> Result<Password, Refusal> {
        let password = Password::parse(text)?;
        let Some(list) = self.breached.clone() else {
            return Ok(password);
        };
        let wanted = password.clone();
        let found = tokio::task::spawn_blocking(move || list.contains(&wanted.0)).await;
        match found.map_err(std::io::Error::other).flatten() {
            Ok(true) => Err(breached()),
            Ok(false) => Ok(password),
            Err(error) => {
                tracing::error!(%error, "the list of breached passwords cannot be read");
                Ok(password)
            }
        }
    }

    /// The hash of a password, with a new salt.
    pub(crate) async fn hash(&self, password: &Password) -> Result<String, Error> {
        let (params, password) = (self.params.clone(), password.clone());
        let hashed = self.pool.run(move |memory| {
            let salt = new_salt();
            let output = compute(&params, &password, &salt, memory)?;
            Ok(to_phc(&params, &salt, &output))
        });
        let hashed: Result<String, argon2::Error> = hashed.await?;
        hashed.map_err(|error| Error::internal(error.to_string()))
    }

    /// Whether it is the password of a hash. Without a hash it never is, after
    /// the same work, so that the time does not tell whether there is one.
    pub(crate) async fn verify(
        &self,
        password: &Password,
        hash: Option<&str>,
    ) -> Result<bool, Error> {
        let has_hash = hash.is_some();
        let hash = hash.unwrap_or(&self.decoy).to_owned();
        let password = password.clone();
        let matches = self
            .pool
            .run(move |memory| Kept::parse(&hash).is_ok_and(|kept| kept.is_of(&password, memory)))
            .await?;
        Ok(has_hash && matches)
    }

    /// Nothing, if a hash that somebody brings along can be kept.
    ///
    /// # Errors
    ///
    /// Why not, for people.
    pub(crate) fn accept(hash: &str) -> Result<(), &'static str> {
        Kept::parse(hash).map(|_| ())
    }

    /// Whether a hash is weaker than one made today, or made otherwise.
    pub(crate) fn is_outdated(&self, hash: &str) -> bool {
        let Ok(kept) = Kept::parse(hash) else {
            return true;
        };
        kept.argon2id().is_none_or(|params| {
            params.m_cost() < self.params.m_cost() || params.t_cost() < self.params.t_cost()
        })
    }
}

fn compute(
    params: &Params,
    password: &Password,
    salt: &[u8],
    memory: &mut Memory,
) -> Result<[u8; OUTPUT], argon2::Error> {
    let mut output = [0; OUTPUT];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
        .hash_password_into_with_memory(
            password.0.as_bytes(),
            salt,
            &mut output,
            memory.blocks(params.block_count()),
        )?;
    Ok(output)
}

/// A hash as text (PHC string format).
fn to_phc(params: &Params, salt: &[u8], output: &[u8]) -> String {
    format!(
        "$argon2id$v=19$m={},t={},p={}${}${}",
        params.m_cost(),
        params.t_cost(),
        params.p_cost(),
        BASE64_STANDARD_NO_PAD.encode(salt),
        BASE64_STANDARD_NO_PAD.encode(output)
    )
}

fn new_salt() -> [u8; 16] {
    let mut salt = [0; 16];
    fill_random(&mut salt);
    salt
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost {
        memory: 64,
        passes: 1,
        lanes: 1,
    };

    fn passwords(cost: Cost) -> Passwords {
        Passwords::new(cost, None, Arc::default()).expect("passwords")
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let passwords = passwords(CHEAP);
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
        let passwords = passwords(CHEAP);
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
        let old = passwords(CHEAP).hash(&password).await.expect("hash");
        let grown = passwords(Cost { passes: 2, ..CHEAP });
        assert!(grown.verify(&password, Some(&old)).await.expect("run"));
        assert!(grown.is_outdated(&old));
        let new = grown.hash(&password).await.expect("hash");
        assert!(!grown.is_outdated(&new));
        assert!(!passwords(CHEAP).is_outdated(&new));
        assert!(grown.is_outdated("$2b$12$abc"));
    }

    #[tokio::test]
    async fn hashes_at_once_do_not_disturb_each_other() {
        let passwords = passwords(CHEAP);
        let check = async |text: String| {
            let password = Password::given(&text);
            let hash = passwords.hash(&password).await.expect("hash");
            assert!(passwords.verify(&password, Some(&hash)).await.expect("run"));
            let other = Password::given("another one");
            assert!(!passwords.verify(&other, Some(&hash)).await.expect("run"));
        };
        let all = (0..32).map(|number| check(format!("password {number}")));
        futures::future::join_all(all).await;
    }

    #[tokio::test]
    async fn the_hash_is_the_one_that_others_compute() {
        // From the tests of the reference implementation (phc-winner-argon2,
        // test.c): Argon2id, version 19.
        let hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let passwords = passwords(CHEAP);
        let password = Password::given("password");
        assert!(passwords.verify(&password, Some(hash)).await.expect("run"));
    }

    #[test]
    fn a_password_is_the_same_in_every_unicode_form() {
        assert_eq!(Password::given("jose\u{301}"), Password::given("jos\u{e9}"));
    }

    #[test]
    fn a_new_password_has_8_to_128_code_points_in_nfc() {
        let code = |text: &str| Password::parse(text).map_err(|refusal| refusal.0);
        assert!(code("31415926").is_err_and(|code| code == "PASSWORD_BREACHED"));
        assert!(code("8 things").is_ok());
        assert!(code(&"\u{1f512}".repeat(128)).is_ok());
        assert_eq!(code("1234567"), Err("PASSWORD_TOO_SHORT"));
        assert_eq!(code(&"e\u{301}".repeat(7)), Err("PASSWORD_TOO_SHORT"));
        assert_eq!(code(&"x".repeat(129)), Err("PASSWORD_TOO_LONG"));
    }

    #[tokio::test]
    async fn a_password_of_the_operators_list_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("breached.txt");
        // The SHA-1 of "correct horse".
        let line = "2F9E53523B62ABC141A2B4D6019D23CBA835DBD0:7\n";
        std::fs::write(&path, line).expect("written");
        let passwords = Passwords::new(CHEAP, Some(&path), Arc::default()).expect("passwords");
        let code = async |text| passwords.chosen(text).await.map_err(|refusal| refusal.0);
        assert_eq!(code("correct horse").await, Err("PASSWORD_BREACHED"));
        assert_eq!(code("password").await, Err("PASSWORD_BREACHED"));
        assert!(code("correct horsf").await.is_ok());
    }

    #[test]
    fn a_password_is_never_printed() {
        assert_eq!(format!("{:?}", Password::given("hunter2")), "Password(…)");
    }
}
