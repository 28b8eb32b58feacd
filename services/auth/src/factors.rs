//! What a person has beside a password, and what becomes of a code that
//! somebody shows. No I/O, no protobuf, no SQL.

use std::time::Duration;

use portico_chassis::{clock::Timestamp, status::Error};
use uuid::Uuid;

use crate::{recovery::RecoveryCodes, secret::MasterKey, totp::Secret};

/// So many wrong codes in a row cost nothing but the try.
const FREE_FAILURES: u32 = 5;

/// How long no code is looked at after one more; it doubles with each further
/// one (OWASP ASVS 5.0, 6.3.1; NIST SP 800-63B-4, 3.2.2). Only who has the
/// password gets to try codes at all, so that no stranger locks the owner out.
const FIRST_PAUSE: Duration = Duration::from_secs(30);

/// The longest pause: at one guess an hour, six digits hold for years.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// The authenticator and the recovery codes of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Factors {
    pub(crate) totp: Option<Totp>,
    /// The step of the last code that was taken.
    pub(crate) last_step: i64,
    pub(crate) recovery_codes: RecoveryCodes,
    /// Wrong codes in a row.
    pub(crate) failures: u32,
    /// Until when no code is looked at.
    pub(crate) blocked_until: Option<Timestamp>,
}

/// An authenticator. Until it is confirmed, it does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Totp {
    /// The secret, under the master key.
    pub(crate) sealed: Vec<u8>,
    pub(crate) confirmed_at: Option<Timestamp>,
}

/// What somebody shows.
#[derive(Clone, Copy)]
pub(crate) enum Shown<'a> {
    /// A code of the authenticator.
    Code(&'a str),
    /// A code of the authenticator that is to be confirmed by it.
    FirstCode(&'a str),
    /// A recovery code.
    RecoveryCode(&'a str),
    /// A code of the authenticator, or a recovery code.
    AnyCode(&'a str),
}

/// Somebody shows a code.
#[derive(Clone, Copy)]
pub(crate) struct Attempt<'a> {
    pub(crate) user_id: Uuid,
    pub(crate) shown: Shown<'a>,
    pub(crate) master_key: &'a MasterKey,
    pub(crate) at: Timestamp,
}

/// What comes of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tried {
    /// It is right, and used up.
    Right { by: Method, factors: Factors },
    /// It is wrong, and counted.
    Wrong(Factors),
    /// There were so many wrong ones that it is not looked at for so long.
    Blocked(Duration),
}

/// A way to give the second proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Totp,
    RecoveryCode,
    Passkey,
}

impl Method {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "TOTP",
            Self::RecoveryCode => "RECOVERY_CODE",
            Self::Passkey => "PASSKEY",
        }
    }
}

impl Shown<'_> {
    /// What somebody wants to prove itself by.
    pub(crate) fn method(self) -> Method {
        match self {
            Self::Code(_) | Self::FirstCode(_) | Self::AnyCode(_) => Method::Totp,
            Self::RecoveryCode(_) => Method::RecoveryCode,
        }
    }
}

impl Factors {
    /// The ways in which the person can give a second proof; none, if it needs
    /// to give none. Recovery codes stand in for something else.
    pub(crate) fn methods(&self, has_passkeys: bool) -> Vec<Method> {
        let is_protected = self.has_totp() || has_passkeys;
        [
            (self.has_totp(), Method::Totp),
            (
                is_protected && !self.recovery_codes.is_empty(),
                Method::RecoveryCode,
            ),
            (has_passkeys, Method::Passkey),
        ]
        .into_iter()
        .filter_map(|(is_there, method)| is_there.then_some(method))
        .collect()
    }

    /// Whether the authenticator counts.
    pub(crate) fn has_totp(&self) -> bool {
        self.totp
            .as_ref()
            .is_some_and(|totp| totp.confirmed_at.is_some())
    }

    /// The person's factors after a code was shown.
    pub(crate) fn tried(&self, attempt: &Attempt<'_>) -> Result<Tried, Error> {
        if let Some(until) = self.blocked_until
            && until > attempt.at
        {
            return Ok(Tried::Blocked(until.since(attempt.at)));
        }
        let right = match attempt.shown {
            Shown::Code(code) => self.by_totp(attempt, code, true)?,
            Shown::FirstCode(code) => self.by_totp(attempt, code, false)?,
            Shown::RecoveryCode(code) => self.by_recovery_code(attempt, code),
            Shown::AnyCode(code) => self
                .by_totp(attempt, code, true)?
                .or_else(|| self.by_recovery_code(attempt, code)),
        };
        Ok(match right {
            Some((by, factors)) => Tried::Right {
                by,
                factors: Self {
                    failures: 0,
                    blocked_until: None,
                    ..factors
                },
            },
            None => Tried::Wrong(self.failed(attempt.at)),
        })
    }

    fn by_totp(
        &self,
        attempt: &Attempt<'_>,
        code: &str,
        is_confirmed: bool,
    ) -> Result<Option<(Method, Self)>, Error> {
        let Some(totp) = &self.totp else {
            return Ok(None);
        };
        if totp.confirmed_at.is_some() != is_confirmed {
            return Ok(None);
        }
        let secret = Secret::open(attempt.master_key, attempt.user_id, &totp.sealed)?;
        let step = secret.step_of(code, attempt.at, self.last_step);
        Ok(step.map(|last_step| {
            let totp = Totp {
                confirmed_at: totp.confirmed_at.or(Some(attempt.at)),
                ..totp.clone()
            };
            let factors = Self {
                totp: Some(totp),
                last_step,
                ..self.clone()
            };
            (Method::Totp, factors)
        }))
    }

    fn by_recovery_code(&self, attempt: &Attempt<'_>, code: &str) -> Option<(Method, Self)> {
        let codes = &self.recovery_codes;
        let left = codes.without(attempt.master_key, attempt.user_id, code)?;
        let factors = Self {
            recovery_codes: left,
            ..self.clone()
        };
        Some((Method::RecoveryCode, factors))
    }

    /// The factors after one more wrong code.
    fn failed(&self, at: Timestamp) -> Self {
        let failures = self.failures.saturating_add(1);
        let pause = failures.checked_sub(FREE_FAILURES + 1).map(|further| {
            let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(further));
            pause.min(LONGEST_PAUSE)
        });
        Self {
            failures,
            blocked_until: pause.map(|pause| at + pause),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: Uuid = Uuid::from_u128(1);

    /// A master key, and a person with an authenticator and recovery codes.
    struct Ada {
        key: MasterKey,
        factors: Factors,
        generator: totp_rs::Totp,
        recovery_codes: Vec<String>,
    }

    impl Ada {
        fn new(confirmed_at: Option<Timestamp>) -> Self {
            let key = MasterKey::parse(&"A".repeat(43)).expect("key");
            let secret = Secret::generate();
            let bytes = data_encoding::BASE32_NOPAD.decode(secret.text().as_bytes());
            let (recovery_codes, texts) = RecoveryCodes::generate(&key, ADA);
            let totp = Totp {
                sealed: secret.seal(&key, ADA).expect("sealed"),
                confirmed_at,
            };
            Self {
                key,
                factors: Factors {
                    totp: Some(totp),
                    recovery_codes,
                    ..Factors::default()
                },
                generator: totp_rs::Builder::new()
                    .with_secret(bytes.expect("Base32"))
                    .build()
                    .expect("a generator"),
                recovery_codes: texts,
            }
        }

        fn code(&self, seconds: u64) -> String {
            self.generator.generate(seconds).to_string()
        }

        fn shows(&self, shown: Shown<'_>, seconds: i64) -> Tried {
            let attempt = Attempt {
                user_id: ADA,
                shown,
                master_key: &self.key,
                at: Timestamp::from_seconds(seconds),
            };
            self.factors.tried(&attempt).expect("tried")
        }

        /// Shows something right, which is used up.
        fn proves(&mut self, shown: Shown<'_>, seconds: i64) -> Method {
            match self.shows(shown, seconds) {
                Tried::Right { by, factors } => {
                    self.factors = factors;
                    by
                }
                other => panic!("{other:?}"),
            }
        }

        /// Shows something wrong. Whether it was looked at.
        fn fails(&mut self, shown: Shown<'_>, seconds: i64) -> bool {
            match self.shows(shown, seconds) {
                Tried::Wrong(factors) => {
                    self.factors = factors;
                    true
                }
                Tried::Blocked(_) => false,
                Tried::Right { .. } => panic!("it is right"),
            }
        }
    }

    fn confirmed() -> Ada {
        Ada::new(Some(Timestamp::from_seconds(1)))
    }

    #[test]
    fn an_unconfirmed_authenticator_does_nothing_but_be_confirmed() {
        let mut ada = Ada::new(None);
        assert!(!ada.factors.has_totp());
        let code = ada.code(3_000);
        assert!(ada.fails(Shown::Code(&code), 3_000));
        assert!(ada.fails(Shown::AnyCode(&code), 3_000));
        assert_eq!(ada.proves(Shown::FirstCode(&code), 3_000), Method::Totp);
        assert!(ada.factors.has_totp());
        // Neither again, nor for the next sign-in.
        assert!(ada.fails(Shown::FirstCode(&code), 3_000));
        assert!(ada.fails(Shown::Code(&code), 3_000));
        let next = ada.code(3_030);
        assert_eq!(ada.proves(Shown::Code(&next), 3_000), Method::Totp);
    }

    #[test]
    fn each_kind_of_code_counts_where_it_is_asked_for() {
        let mut ada = confirmed();
        let (code, recovery_code) = (ada.code(3_000), ada.recovery_codes[0].clone());
        assert!(ada.fails(Shown::Code(&recovery_code), 3_000));
        assert!(ada.fails(Shown::RecoveryCode(&code), 3_000));
        let by = ada.proves(Shown::AnyCode(&recovery_code), 3_000);
        assert_eq!(by, Method::RecoveryCode);
        assert!(ada.fails(Shown::RecoveryCode(&recovery_code), 3_000));
        assert_eq!(ada.proves(Shown::AnyCode(&code), 3_000), Method::Totp);
    }

    #[test]
    fn recovery_codes_stand_in_for_something_else() {
        let (all, unconfirmed) = (confirmed().factors, Ada::new(None).factors);
        assert_eq!(all.methods(false), [Method::Totp, Method::RecoveryCode]);
        assert_eq!(all.methods(true).len(), 3);
        assert_eq!(unconfirmed.methods(false), []);
        assert_eq!(
            unconfirmed.methods(true),
            [Method::RecoveryCode, Method::Passkey]
        );
        assert_eq!(Factors::default().methods(true), [Method::Passkey]);
    }

    #[test]
    fn whoever_has_nothing_proves_nothing() {
        let mut ada = confirmed();
        let code = ada.code(3_000);
        ada.factors = Factors::default();
        assert!(ada.fails(Shown::AnyCode(&code), 3_000));
        assert!(ada.fails(Shown::FirstCode(&code), 3_000));
        assert!(ada.fails(Shown::RecoveryCode(""), 3_000));
    }

    #[test]
    fn after_five_wrong_codes_each_further_one_makes_the_pause_longer() {
        let mut ada = confirmed();
        for _ in 0..5 {
            assert!(ada.fails(Shown::Code("000 000"), 3_000));
        }
        let mut now = 3_000;
        for pause in [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600] {
            assert!(ada.fails(Shown::RecoveryCode("wrong"), now));
            assert!(!ada.fails(Shown::Code("000 000"), now));
            let left = ada.shows(Shown::Code("000 000"), now + pause - 1);
            assert_eq!(left, Tried::Blocked(Duration::from_secs(1)));
            now += pause;
        }
    }

    #[test]
    fn the_right_code_waits_as_well_and_then_everything_is_forgotten() {
        let mut ada = confirmed();
        for _ in 0..6 {
            assert!(ada.fails(Shown::Code("000 000"), 3_000));
        }
        let code = ada.code(3_030);
        let blocked = ada.shows(Shown::Code(&code), 3_029);
        assert_eq!(blocked, Tried::Blocked(Duration::from_secs(1)));
        assert_eq!(ada.proves(Shown::Code(&code), 3_030), Method::Totp);
        assert_eq!((ada.factors.failures, ada.factors.blocked_until), (0, None));
    }
}
