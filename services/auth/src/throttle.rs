//! Slows down who guesses passwords, and nobody else (OWASP ASVS 5.0, 6.3.1;
//! NIST SP 800-63B-4, section 3.2.2). No I/O, no protobuf, no SQL.
//!
//! An attempt counts as failed before it is made, and is taken back if it
//! succeeds: of many at once, none is free. What it counts against depends on
//! where it comes from:
//!
//! - From an address from which the account was signed in to within 30 days:
//!   only against this account and this address. A stranger elsewhere cannot
//!   lock the owner out.
//! - From elsewhere: against this account and this network, against the account
//!   from all such networks together (one account, many machines), and against
//!   the network for all accounts together (one machine, many accounts).
//!
//! Each of them has some attempts free, then a delay that doubles. An account
//! that does not exist is treated like one that does.
//!
//! NIST has an account disabled after 100 failures in a row, and warns that this
//! locks owners out. Here, nothing is disabled: beyond the free ones an account
//! can be guessed at from strange networks 96 times a day, and a common password
//! is none that it can have.

use std::{net::IpAddr, time::Duration};

use portico_chassis::clock::Timestamp;
use uuid::Uuid;

use crate::secret::MasterKey;

/// How long an address counts as familiar after a sign-in.
pub(crate) const FAMILIAR: Duration = Duration::from_secs(30 * 24 * 3600);

/// What the first delay is.
const FIRST_DELAY: Duration = Duration::from_secs(1);

/// The end of no delay. Not the time of now: an attempt that waited for its turn
/// read the clock before others ended, and must not find itself too early.
const OPEN: Timestamp = Timestamp::from_seconds(0);

/// A keyed hash of what attempts have in common.
pub(crate) type Key = [u8; 32];

/// Whom somebody claims to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claimed<'a> {
    /// A person.
    Person(Uuid),
    /// Whoever has an address; nobody does.
    Nobody {
        /// The address as addresses are compared.
        address: &'a str,
    },
}

/// What attempts are counted against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// An account from one place.
    Place,
    /// An account from all strange places.
    Account,
    /// A network, for all accounts.
    Network,
}

/// An attempt to prove who one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// The person, if there is one.
    pub(crate) user_id: Option<Uuid>,
    /// The account from wherever.
    pub(crate) account: Key,
    /// The account from this address.
    pub(crate) address: Key,
    /// The account from this network.
    place: Key,
    /// The network.
    pub(crate) network: Key,
}

impl Attempt {
    /// An attempt from an address; those whose address is not known have one in
    /// common.
    pub(crate) fn new(key: &MasterKey, claimed: Claimed<'_>, address: Option<IpAddr>) -> Self {
        let who = match claimed {
            Claimed::Person(id) => format!("person\0{id}"),
            Claimed::Nobody { address } => format!("address\0{address}"),
        };
        let (host, network) = places(address);
        let hash = |parts: [&str; 3]| key.throttle_key(parts.join("\0").as_bytes());
        Self {
            user_id: match claimed {
                Claimed::Person(id) => Some(id),
                Claimed::Nobody { .. } => None,
            },
            account: hash(["account", &who, ""]),
            address: hash(["host", &who, &host]),
            place: hash(["place", &who, &network]),
            network: hash(["network", "", &network]),
        }
    }

    /// What the attempt counts against, in the order in which it is locked.
    pub(crate) fn counted(&self, is_familiar: bool) -> Vec<(Scope, Key)> {
        match is_familiar {
            true => vec![(Scope::Place, self.address)],
            false => vec![
                (Scope::Place, self.place),
                (Scope::Account, self.account),
                (Scope::Network, self.network),
            ],
        }
    }
}

/// The key of an account, whatever is tried at it.
pub(crate) fn account_key(key: &MasterKey, user_id: Uuid) -> Key {
    Attempt::new(key, Claimed::Person(user_id), None).account
}

/// Where a client is, exactly and roughly: what one customer of a provider has,
/// and what an attacker easily gets more addresses in.
fn places(address: Option<IpAddr>) -> (String, String) {
    match address.map(|address| address.to_canonical()) {
        None => ("unknown".to_owned(), "unknown".to_owned()),
        Some(IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            (address.to_string(), format!("{a}.{b}.{c}/24"))
        }
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            (
                format!("{a:x}:{b:x}:{c:x}:{d:x}/64"),
                format!("{a:x}:{b:x}:{c:x}/48"),
            )
        }
    }
}

/// How many attempts failed, or have not succeeded yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) failures: u32,
    /// No further attempt is made before; [`OPEN`] if there is no delay.
    pub(crate) blocked_until: Timestamp,
    /// When it is forgotten.
    pub(crate) expires_at: Timestamp,
}

impl Tally {
    /// None so far.
    pub(crate) fn new(scope: Scope, now: Timestamp) -> Self {
        Self {
            failures: 0,
            blocked_until: OPEN,
            expires_at: now + scope.memory(),
        }
    }

    /// The tally with one more.
    ///
    /// # Errors
    ///
    /// How long to wait before another attempt is made.
    pub(crate) fn counted(self, scope: Scope, now: Timestamp) -> Result<Self, Duration> {
        let before = match self.expires_at > now {
            true => self,
            false => Self::new(scope, now),
        };
        if before.blocked_until > now {
            // No longer than it can be, should a clock have been wrong.
            return Err(before.blocked_until.since(now).min(scope.longest()));
        }
        let failures = before.failures.saturating_add(1);
        Ok(Self {
            failures,
            blocked_until: match scope.delay(failures) {
                Duration::ZERO => OPEN,
                delay => now + delay,
            },
            expires_at: now + scope.memory(),
        })
    }

    /// The tally without one that succeeded.
    pub(crate) fn taken_back(self) -> Self {
        Self {
            failures: self.failures.saturating_sub(1),
            blocked_until: OPEN,
            ..self
        }
    }
}

impl Scope {
    /// How many attempts may fail before the first delay.
    const fn free(self) -> u32 {
        match self {
            Self::Place => 5,
            Self::Account => 20,
            Self::Network => 100,
        }
    }

    /// The longest delay. Of a network, others may be in it who did nothing.
    const fn longest(self) -> Duration {
        Duration::from_secs(match self {
            Self::Place | Self::Account => 15 * 60,
            Self::Network => 60,
        })
    }

    /// How long after the last one the failures are forgotten.
    const fn memory(self) -> Duration {
        Duration::from_secs(match self {
            Self::Place | Self::Account => 24 * 3600,
            Self::Network => 3600,
        })
    }

    /// The delay after so many failures.
    fn delay(self, failures: u32) -> Duration {
        let Some(doublings) = failures.checked_sub(self.free()) else {
            return Duration::ZERO;
        };
        let delay = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        FIRST_DELAY.saturating_mul(delay.max(1)).min(self.longest())
    }

    /// The scope as the record calls it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Place => "ADDRESS",
            Self::Account => "ACCOUNT",
            Self::Network => "NETWORK",
        }
    }
}

/// An attempt that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) attempt: Attempt,
    pub(crate) is_familiar: bool,
    /// Whether it is the first from this place.
    pub(crate) is_first: bool,
    /// What further attempts wait for if this one fails.
    pub(crate) delays: Vec<Scope>,
}

impl Counted {
    /// Whether the record of who did what tells of its failure: the first, and
    /// each that prolongs a delay. Those who try often cannot flood it.
    pub(crate) fn is_notable(&self) -> bool {
        self.is_first || !self.delays.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> MasterKey {
        MasterKey::parse(&"A".repeat(43)).expect("key")
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn attempt(id: u128, address: &str) -> Attempt {
        let address = address.parse().ok();
        Attempt::new(&key(), Claimed::Person(Uuid::from_u128(id)), address)
    }

    /// The delays after each of so many attempts, each made as soon as it may be.
    fn delays(scope: Scope, attempts: usize) -> Vec<u64> {
        let (mut now, mut tally) = (at(0), Tally::new(scope, at(0)));
        let mut delays = Vec::new();
        for _ in 0..attempts {
            tally = tally.counted(scope, now).expect("it may be made");
            let delay = tally.blocked_until.since(now);
            delays.push(delay.as_secs());
            now = now + delay;
        }
        delays
    }

    #[test]
    fn some_attempts_are_free_then_the_delay_doubles_up_to_a_bound() {
        let expected = [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900];
        assert_eq!(delays(Scope::Place, 16), expected);
        let of_account = delays(Scope::Account, 100);
        assert_eq!((of_account[18], of_account[19]), (0, 1));
        assert_eq!(of_account[99], 900);
        let of_network = delays(Scope::Network, 200);
        assert_eq!((of_network[98], of_network[99]), (0, 1));
        assert_eq!(of_network[199], 60);
    }

    #[test]
    fn no_attempt_is_made_during_a_delay_and_trying_does_not_prolong_it() {
        let scope = Scope::Place;
        let mut tally = Tally::new(scope, at(0));
        for _ in 0..5 {
            tally = tally.counted(scope, at(0)).expect("it may be made");
        }
        let wait = tally.counted(scope, at(400)).expect_err("too early");
        assert_eq!(wait, Duration::from_millis(600));
        assert!(tally.counted(scope, at(1_000)).is_ok());
    }

    #[test]
    fn whoever_read_the_clock_before_others_ended_is_not_too_early() {
        let scope = Scope::Place;
        let tally = Tally::new(scope, at(9)).counted(scope, at(9));
        let tally = tally.expect("it may be made");
        assert!(tally.counted(scope, at(5)).is_ok());
        assert!(tally.taken_back().counted(scope, at(5)).is_ok());
        assert!(Tally::new(scope, at(9)).counted(scope, at(5)).is_ok());
    }

    #[test]
    fn failures_are_forgotten_after_a_day() {
        let scope = Scope::Place;
        let mut tally = Tally::new(scope, at(0));
        for _ in 0..4 {
            tally = tally.counted(scope, at(0)).expect("it may be made");
        }
        let day = 24 * 3_600_000;
        let just_before = tally.counted(scope, at(day - 1)).expect("it may be made");
        assert_eq!(just_before.failures, 5);
        let after = tally.counted(scope, at(day)).expect("it may be made");
        assert_eq!(after.failures, 1);
    }

    #[test]
    fn what_succeeds_is_taken_back() {
        let scope = Scope::Account;
        let before = Tally::new(scope, at(0));
        let tally = before.counted(scope, at(5)).expect("it may be made");
        assert_eq!(tally.taken_back().failures, before.failures);
        assert_eq!(before.taken_back().failures, 0);
    }

    #[test]
    fn neighbours_share_a_network_and_no_address() {
        for (one, other, is_same_network, is_same_address) in [
            ("203.0.113.1", "203.0.113.2", true, false),
            ("203.0.113.1", "203.0.114.1", false, false),
            ("203.0.113.1", "::ffff:203.0.113.1", true, true),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::2", true, true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", true, false),
            ("2001:db8:1:2::1", "2001:db8:2:2::1", false, false),
            ("unknown", "unknown", true, true),
        ] {
            let (one, other) = (attempt(1, one), attempt(1, other));
            assert_eq!(one.network == other.network, is_same_network);
            assert_eq!(one.place == other.place, is_same_network);
            assert_eq!(one.address == other.address, is_same_address);
            assert_eq!(one.account, other.account);
        }
    }

    #[test]
    fn accounts_share_nothing_but_the_network() {
        let (one, other) = (attempt(1, "203.0.113.1"), attempt(2, "203.0.113.1"));
        assert_eq!(one.network, other.network);
        assert_ne!(one.account, other.account);
        assert_ne!(one.place, other.place);
        assert_ne!(one.address, other.address);
        let other_key = MasterKey::parse(&"B".repeat(44)).expect("key");
        assert_ne!(
            account_key(&key(), Uuid::nil()),
            account_key(&other_key, Uuid::nil())
        );
    }

    #[test]
    fn a_familiar_address_counts_for_itself_only() {
        let attempt = attempt(1, "203.0.113.1");
        assert_eq!(attempt.counted(true), [(Scope::Place, attempt.address)]);
        let scopes = attempt.counted(false).into_iter().map(|(scope, _)| scope);
        let expected = [Scope::Place, Scope::Account, Scope::Network];
        assert!(scopes.eq(expected));
    }
}
