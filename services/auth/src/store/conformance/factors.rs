//! Authenticators, recovery codes and devices.

use super::*;
use crate::{
    challenge::{Challenge, ChallengeHash},
    factors::{Attempt, Factors, Method, Shown, Tried},
    recovery::RecoveryCodes,
    secret::MasterKey,
    totp::Secret,
};

cases! {
    an_authenticator_counts_once_it_is_confirmed,
    a_secret_replaces_one_before_but_none_that_is_confirmed,
    whoever_has_a_second_factor_gets_no_session_by_the_password_alone,
    a_code_proves_again_who_is_there,
    the_last_factor_takes_the_recovery_codes_along,
    recovery_codes_are_renewed_for_whoever_has_a_factor,
    a_reset_leaves_nothing,
    a_new_device_is_told_of_unless_it_is_the_first,
    expired_challenges_and_forgotten_devices_are_swept_away,
    a_device_that_is_used_is_not_forgotten,
}

/// Somebody with an authenticator.
pub(super) struct Person {
    pub(super) id: Uuid,
    key: MasterKey,
    generator: totp_rs::Totp,
    pub(super) recovery_codes: Vec<String>,
}

impl Person {
    /// Somebody with a secret that is not confirmed.
    async fn begin(fixture: &Fixture) -> Self {
        let id = fixture.account().await;
        let key = MasterKey::parse(&"A".repeat(43)).expect("key");
        let secret = Secret::generate();
        let sealed = secret.seal(&key, id).expect("sealed");
        let begun = fixture.store.begin_totp(id, &sealed).await;
        assert!(begun.expect("done"));
        let bytes = data_encoding::BASE32_NOPAD.decode(secret.text().as_bytes());
        Self {
            id,
            key,
            generator: totp_rs::Builder::new()
                .with_secret(bytes.expect("Base32"))
                .build()
                .expect("a generator"),
            recovery_codes: Vec::new(),
        }
    }

    /// Somebody with an authenticator, confirmed at the second 3,000.
    pub(super) async fn new(fixture: &Fixture) -> Self {
        let mut person = Self::begin(fixture).await;
        person.confirm(fixture).await;
        person
    }

    async fn confirm(&mut self, fixture: &Fixture) {
        let (kept, shown) = RecoveryCodes::generate(&self.key, self.id);
        let code = self.code(3_000);
        let attempt = self.attempt(Shown::FirstCode(&code), 3_000);
        let tried = fixture
            .store
            .confirm_totp(&attempt, &kept, &origin(3_000))
            .await;
        assert!(matches!(tried.expect("done"), Tried::Right { .. }));
        self.recovery_codes = shown;
    }

    pub(super) fn code(&self, seconds: u64) -> String {
        self.generator.generate(seconds).to_string()
    }

    fn attempt<'a>(&'a self, shown: Shown<'a>, seconds: i64) -> Attempt<'a> {
        Attempt {
            user_id: self.id,
            shown,
            master_key: &self.key,
            at: at(seconds),
        }
    }

    pub(super) async fn challenge(&self, fixture: &Fixture, seconds: i64) -> ChallengeHash {
        let (challenge, _) = Challenge::issue(self.id, at(seconds));
        let opened = fixture.store.open_challenge(&challenge, "hash").await;
        assert!(opened.expect("done"));
        challenge.hash
    }

    pub(super) async fn answers(
        &self,
        fixture: &Fixture,
        hash: ChallengeHash,
        shown: Shown<'_>,
        seconds: i64,
    ) -> Answered {
        let session = Session::begin(self.id, &visit(seconds), TTL);
        let attempt = self.attempt(shown, seconds);
        fixture
            .store
            .answer_by_code(hash, &attempt, &session, &origin(seconds))
            .await
            .expect("done")
    }

    pub(super) async fn factors(&self, fixture: &Fixture) -> Factors {
        fixture.store.factors(self.id).await.expect("read")
    }
}

async fn an_authenticator_counts_once_it_is_confirmed(fixture: &Fixture) {
    let person = Person::begin(fixture).await;
    assert!(!person.factors(fixture).await.has_totp());
    fixture.session(person.id, 10).await;
    let (kept, _) = RecoveryCodes::generate(&person.key, person.id);
    let wrong = person.attempt(Shown::FirstCode("000000"), 3_000);
    let tried = fixture
        .store
        .confirm_totp(&wrong, &kept, &origin(3_000))
        .await;
    assert!(matches!(tried.expect("done"), Tried::Wrong(_)));
    assert_eq!(person.factors(fixture).await.failures, 1);
    let code = person.code(3_000);
    let right = person.attempt(Shown::FirstCode(&code), 3_000);
    let confirmed = fixture
        .store
        .confirm_totp(&right, &kept, &origin(3_000))
        .await;
    assert!(matches!(confirmed.expect("done"), Tried::Right { .. }));
    let factors = person.factors(fixture).await;
    assert_eq!(factors.methods(false), [Method::Totp, Method::RecoveryCode]);
    assert_eq!((factors.recovery_codes, factors.last_step), (kept, 100));
    let kinds = fixture.database.event_kinds().await;
    assert_eq!(kinds, ["session.created", "totp.enabled"]);
}

async fn a_secret_replaces_one_before_but_none_that_is_confirmed(fixture: &Fixture) {
    let person = Person::begin(fixture).await;
    let begin = |sealed: &'static [u8]| fixture.store.begin_totp(person.id, sealed);
    assert!(begin(b"second").await.expect("done"));
    let totp = person.factors(fixture).await.totp.expect("there");
    assert_eq!(
        (totp.sealed.as_slice(), totp.confirmed_at),
        (&b"second"[..], None)
    );
    let person = Person::new(fixture).await;
    let refused = fixture.store.begin_totp(person.id, b"third").await;
    assert!(!refused.expect("done"));
    assert!(person.factors(fixture).await.has_totp());
}

async fn whoever_has_a_second_factor_gets_no_session_by_the_password_alone(fixture: &Fixture) {
    for is_known in [false, true] {
        let mut person = Person::begin(fixture).await;
        if is_known {
            fixture.session(person.id, 10).await;
        }
        person.confirm(fixture).await;
        let live = fixture.live(person.id, 3_001).await;
        let session = Session::begin(person.id, &visit(3_000), TTL);
        let opened = fixture
            .store
            .open_session(&session, verified("hash"), &origin(3_000))
            .await;
        assert_eq!(opened.expect("done"), None);
        assert_eq!(fixture.live(person.id, 3_001).await, live);
    }
}

async fn a_code_proves_again_who_is_there(fixture: &Fixture) {
    let person = Person::begin(fixture).await;
    let session = fixture.session(person.id, 10).await;
    let (kept, _) = RecoveryCodes::generate(&person.key, person.id);
    let code = person.code(3_000);
    let first = person.attempt(Shown::FirstCode(&code), 3_000);
    let confirmed = fixture
        .store
        .confirm_totp(&first, &kept, &origin(3_000))
        .await;
    confirmed.expect("done");
    let prove = async |session_id, code: &str, seconds| {
        let attempt = person.attempt(Shown::Code(code), seconds);
        fixture
            .store
            .reauthenticate_by_code(session_id, &attempt, &origin(seconds))
            .await
            .expect("done")
    };
    let authenticated_at = async || {
        let session = fixture.store.session(session.id, at(3_040)).await;
        session.expect("read").expect("there").authenticated_at
    };
    let wrong = prove(session.id, &code, 3_030).await;
    assert!(matches!(wrong, Some(Tried::Wrong(_))));
    assert_eq!(authenticated_at().await, at(10));
    let code = person.code(3_030);
    // Elsewhere it is not used up.
    assert_eq!(prove(Uuid::nil(), &code, 3_030).await, None);
    let right = prove(session.id, &code, 3_030).await;
    assert!(matches!(
        right,
        Some(Tried::Right {
            by: Method::Totp,
            ..
        })
    ));
    assert_eq!(authenticated_at().await, at(3_030));
}

async fn the_last_factor_takes_the_recovery_codes_along(fixture: &Fixture) {
    let person = Person::new(fixture).await;
    let disable = async |code: &str, seconds| {
        let attempt = person.attempt(Shown::AnyCode(code), seconds);
        let disabled = fixture.store.disable_totp(&attempt, &origin(seconds)).await;
        disabled.expect("done")
    };
    assert!(matches!(disable("000000", 3_030).await, Tried::Wrong(_)));
    assert!(person.factors(fixture).await.has_totp());
    let tried = disable(&person.recovery_codes[0], 3_030).await;
    let by_recovery_code = matches!(
        tried,
        Tried::Right {
            by: Method::RecoveryCode,
            ..
        }
    );
    assert!(by_recovery_code);
    let factors = person.factors(fixture).await;
    assert_eq!(
        (factors.totp, factors.recovery_codes),
        (None, RecoveryCodes::default())
    );
    let kinds = fixture.database.event_kinds().await;
    assert_eq!(kinds[1..], ["recovery_code.used", "totp.disabled"]);
    fixture.session(person.id, 3_040).await;
}

async fn recovery_codes_are_renewed_for_whoever_has_a_factor(fixture: &Fixture) {
    let person = Person::new(fixture).await;
    let (kept, shown) = RecoveryCodes::generate(&person.key, person.id);
    let renewed = fixture
        .store
        .renew_recovery_codes(person.id, &kept, &origin(3_001))
        .await;
    assert!(renewed.expect("done"));
    let hash = person.challenge(fixture, 3_030).await;
    for (code, answered) in [
        (&person.recovery_codes[0], Answered::Wrong),
        (&shown[0], Answered::Opened),
    ] {
        let shown = Shown::RecoveryCode(code);
        assert_eq!(person.answers(fixture, hash, shown, 3_030).await, answered);
    }
    let nobody = fixture.account().await;
    let refused = fixture
        .store
        .renew_recovery_codes(nobody, &kept, &origin(3_001))
        .await;
    assert!(!refused.expect("done"));
    let factors = fixture.store.factors(nobody).await.expect("read");
    assert_eq!(factors, Factors::default());
}

async fn a_reset_leaves_nothing(fixture: &Fixture) {
    let person = Person::begin(fixture).await;
    let session = fixture.session(person.id, 10).await;
    let (kept, _) = RecoveryCodes::generate(&person.key, person.id);
    let code = person.code(3_000);
    let first = person.attempt(Shown::FirstCode(&code), 3_000);
    let confirmed = fixture
        .store
        .confirm_totp(&first, &kept, &origin(3_000))
        .await;
    confirmed.expect("done");
    let hash = person.challenge(fixture, 3_030).await;
    let other = Person::new(fixture).await;
    let reset = fixture.store.reset_factors(person.id, &origin(3_031)).await;
    reset.expect("done");
    assert_eq!(person.factors(fixture).await, Factors::default());
    assert!(other.factors(fixture).await.has_totp());
    assert!(fixture.live(person.id, 3_032).await.is_empty());
    assert_eq!(fixture.revoked(3_032).await, [Revoked::Session(session.id)]);
    let challenge = fixture.store.challenge(hash, at(3_032)).await;
    assert_eq!(challenge.expect("read"), None);
    let kinds = fixture.database.event_kinds().await;
    assert!(kinds.ends_with(&["session.revoked".to_owned(), "mfa.reset".to_owned()]));
    fixture.session(person.id, 3_040).await;
}

async fn a_new_device_is_told_of_unless_it_is_the_first(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let open = async |agent: &str, seconds| {
        let visit = Visit {
            user_agent: Some(agent.to_owned()),
            ..visit(seconds)
        };
        let session = Session::begin(user_id, &visit, TTL);
        let opened = fixture
            .store
            .open_session(&session, verified("hash"), &origin(seconds))
            .await;
        assert!(opened.expect("done").is_some());
        session
    };
    open("browser/1", 10).await;
    let known = open("browser/2", 11).await;
    let ended = fixture
        .store
        .end_sessions(user_id, EndReason::SignedOut, &origin(12))
        .await;
    ended.expect("done");
    // It is known from earlier sign-ins, not from open sessions.
    open("browser/2", 13).await;
    assert_eq!(known.user_agent.as_deref(), Some("browser/2"));
    let of_devices = async || {
        let kinds = fixture.database.event_kinds().await;
        kinds.iter().filter(|kind| *kind == "device.added").count()
    };
    assert_eq!(of_devices().await, 0);
    open("telephone/1", 14).await;
    open("telephone/1", 15).await;
    assert_eq!(of_devices().await, 1);
    let record = fixture.database.record().await;
    let noted = record
        .iter()
        .filter(|(kind, _, details, _)| {
            let details = details.as_deref().unwrap_or_default();
            kind == "session.created" && details.contains(r#""device":"UNKNOWN""#)
        })
        .count();
    assert_eq!(noted, 1);
}

async fn expired_challenges_and_forgotten_devices_are_swept_away(fixture: &Fixture) {
    const YEAR: i64 = 365 * 24 * 3600;
    let person = Person::new(fixture).await;
    let old = person.challenge(fixture, 3_000).await;
    let new = person.challenge(fixture, 3_100).await;
    let other = fixture.account().await;
    fixture.session(other, 10).await;
    let forget = async |seconds| {
        let forgotten = fixture.store.forget_expired(at(seconds)).await;
        forgotten.expect("done");
    };
    forget(3_300).await;
    let is_there = async |hash| {
        let challenge = fixture.store.challenge(hash, at(3_001)).await;
        challenge.expect("read").is_some()
    };
    assert!(!is_there(old).await);
    assert!(is_there(new).await);
    // After a year the one device is forgotten, so that the next is the first.
    forget(YEAR + 10).await;
    let visit = Visit {
        user_agent: Some("telephone".to_owned()),
        ..visit(YEAR + 11)
    };
    let session = Session::begin(other, &visit, TTL);
    let opened = fixture
        .store
        .open_session(&session, verified("hash"), &origin(YEAR + 11))
        .await;
    assert!(opened.expect("done").is_some());
    let kinds = fixture.database.event_kinds().await;
    assert!(!kinds.contains(&"device.added".to_owned()));
}

async fn a_device_that_is_used_is_not_forgotten(fixture: &Fixture) {
    const DAY: i64 = 24 * 3600;
    let user_id = fixture.account().await;
    let open = async |program: &str, seconds| {
        let visit = Visit {
            user_agent: Some(program.to_owned()),
            ..visit(seconds)
        };
        let session = Session::begin(user_id, &visit, TTL);
        let origin = origin(seconds);
        let opened = fixture
            .store
            .open_session(&session, verified("hash"), &origin)
            .await;
        assert!(opened.expect("done").is_some());
    };
    for seconds in [0, 60, DAY, DAY + 60] {
        open("browser", seconds).await;
    }
    let forgotten = fixture.store.forget_expired(at(365 * DAY)).await;
    forgotten.expect("done");
    open("telephone", 365 * DAY).await;
    let kinds = fixture.database.event_kinds().await;
    assert!(kinds.contains(&"device.added".to_owned()));
}
