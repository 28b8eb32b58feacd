//! Passkeys and ceremonies.

use super::*;
use crate::{
    challenge::{Challenge, ChallengeHash},
    factors::Factors,
    passkey::{self, Ceremony, Holder, Passkey, RelyingParty, Use, authenticator::Browser},
    recovery::RecoveryCodes,
    secret::MasterKey,
};

cases! {
    a_ceremony_is_taken_once,
    of_many_who_take_a_ceremony_at_once_one_gets_it,
    a_ceremony_does_not_outlive_its_time,
    a_passkey_is_added_by_a_ceremony_once,
    a_refused_answer_uses_its_ceremony_up,
    under_a_known_key_it_is_the_passkey_of_the_first_time,
    many_under_one_key_at_once_are_one_passkey,
    nobody_adds_a_passkey_that_somebody_has,
    a_person_has_a_bounded_number_of_passkeys,
    the_passkeys_of_a_person_are_counted,
    passkeys_are_listed_renamed_and_removed_by_their_person,
    a_passkey_opens_a_session_and_is_seen_to_be_used,
    a_counter_that_did_not_grow_opens_nothing,
    a_counter_that_stays_zero_is_none,
    no_session_is_opened_for_an_account_that_is_deleted,
    a_passkey_answers_a_challenge,
    a_wrong_passkey_costs_a_challenge_one_try,
    a_passkey_proves_again_who_is_there,
    whoever_has_a_passkey_gets_no_session_by_the_password_alone,
    the_last_passkey_takes_the_recovery_codes_along,
    a_reset_removes_passkeys,
}

fn party() -> RelyingParty {
    RelyingParty::at("https://id.example.com").expect("it has a name")
}

/// A passkey, as an authenticator makes one, that is not kept yet.
async fn made(user_id: Uuid, seconds: i64) -> (Ceremony, Passkey) {
    let holder = Holder {
        user_id,
        email: "ada@example.com",
        name: "Ada",
    };
    let begun = party().begin_registration(holder, &[], at(seconds));
    let (ceremony, options) = begun.expect("begun");
    let mut browser = Browser::at("https://id.example.com");
    let answer = browser.create(&options).await.expect("created");
    let passkey = party().registered(&ceremony, user_id, &answer, "Key", at(seconds));
    (ceremony, passkey.expect("it is right"))
}

fn answer(passkey: &Passkey) -> Vec<u8> {
    passkey.id.as_bytes().to_vec()
}

async fn begin(fixture: &Fixture, ceremony: &Ceremony) {
    let begun = fixture.store.begin_ceremony(ceremony).await;
    begun.expect("kept");
}

async fn add(
    fixture: &Fixture,
    ceremony_id: Uuid,
    passkey: Option<&Passkey>,
    key: Option<&RegistrationKey>,
    user_id: Uuid,
) -> Result<Added, Error> {
    let new = NewPasskey {
        ceremony_id,
        user_id,
        key,
        check: &|_| passkey.cloned(),
        answer: &answer,
    };
    fixture.store.add_passkey(&new, &origin(100)).await
}

/// A passkey that is kept.
pub(super) async fn added(fixture: &Fixture, user_id: Uuid, seconds: i64) -> Passkey {
    let (ceremony, passkey) = made(user_id, seconds).await;
    begin(fixture, &ceremony).await;
    let added = add(fixture, ceremony.id, Some(&passkey), None, user_id).await;
    assert!(matches!(added, Ok(Added::New(_))), "{added:?}");
    passkey
}

fn used(passkey: &Passkey, sign_count: u32, seconds: i64) -> Use {
    Use {
        passkey: Passkey {
            last_used_at: Some(at(seconds)),
            ..passkey.clone()
        },
        sign_count,
    }
}

async fn opens(fixture: &Fixture, passkey: &Use, seconds: i64) -> bool {
    let session = Session::begin(passkey.passkey.user_id, &visit(seconds), TTL);
    let opened = fixture
        .store
        .open_session_by_passkey(&session, passkey, &origin(seconds))
        .await;
    opened.expect("done")
}

fn key(id: u8, fingerprint: u8) -> RegistrationKey {
    RegistrationKey {
        id: [id; 32],
        fingerprint: [fingerprint; 32],
        expires_at: at(1_000),
    }
}

async fn names(fixture: &Fixture, user_id: Uuid) -> Vec<String> {
    let passkeys = fixture.store.passkeys(user_id).await.expect("read");
    passkeys.into_iter().map(|passkey| passkey.name).collect()
}

async fn challenge(fixture: &Fixture, user_id: Uuid) -> ChallengeHash {
    let (challenge, _) = Challenge::issue(user_id, at(100));
    let opened = fixture.store.open_challenge(&challenge, "hash").await;
    assert!(opened.expect("done"));
    challenge.hash
}

async fn answers(
    fixture: &Fixture,
    hash: ChallengeHash,
    user_id: Uuid,
    passkey: Option<&Use>,
) -> Answered {
    let session = Session::begin(user_id, &visit(101), TTL);
    let answered = fixture
        .store
        .answer_by_passkey(hash, passkey, &session, &origin(101))
        .await;
    answered.expect("done")
}

async fn a_ceremony_is_taken_once(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let [first, second] = [made(user_id, 10).await.0, made(user_id, 10).await.0];
    begin(fixture, &first).await;
    begin(fixture, &second).await;
    let take = async |id| {
        let taken = fixture.store.take_ceremony(id, at(20)).await;
        taken.expect("done").map(|ceremony| ceremony.id)
    };
    assert_eq!(take(first.id).await, Some(first.id));
    assert_eq!(take(first.id).await, None);
    assert_eq!(take(Uuid::nil()).await, None);
    assert_eq!(take(second.id).await, Some(second.id));
}

async fn of_many_who_take_a_ceremony_at_once_one_gets_it(fixture: &Fixture) {
    let (ceremony, _) = made(fixture.account().await, 10).await;
    begin(fixture, &ceremony).await;
    let takes = (0..20).map(|_| fixture.store.take_ceremony(ceremony.id, at(20)));
    let taken = futures::future::join_all(takes).await;
    let got = taken.into_iter().filter_map(|taken| taken.expect("done"));
    assert_eq!(got.count(), 1);
}

async fn a_ceremony_does_not_outlive_its_time(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let [late, just] = [made(user_id, 10).await.0, made(user_id, 10).await.0];
    begin(fixture, &late).await;
    begin(fixture, &just).await;
    let taken = fixture.store.take_ceremony(just.id, at(309)).await;
    assert!(taken.expect("done").is_some());
    let taken = fixture.store.take_ceremony(late.id, at(310)).await;
    assert!(taken.expect("done").is_none());
    let forgotten = fixture.store.forget_expired(at(310)).await;
    forgotten.expect("done");
    let taken = fixture.store.take_ceremony(late.id, at(20)).await;
    assert!(taken.expect("done").is_none());
}

async fn a_passkey_is_added_by_a_ceremony_once(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let (ceremony, passkey) = made(user_id, 10).await;
    begin(fixture, &ceremony).await;
    let adds = (0..20).map(|_| add(fixture, ceremony.id, Some(&passkey), None, user_id));
    let added = futures::future::join_all(adds).await;
    let new = added
        .iter()
        .filter(|added| matches!(added, Ok(Added::New(_))));
    assert_eq!(new.count(), 1);
    let kept = fixture.store.passkeys(user_id).await.expect("read");
    assert_eq!((kept.len(), kept[0].id), (1, passkey.id));
    assert_eq!(kept[0].credential, passkey.credential);
    assert_eq!(fixture.database.event_kinds().await, ["passkey.added"]);
}

async fn a_refused_answer_uses_its_ceremony_up(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let (ceremony, passkey) = made(user_id, 10).await;
    begin(fixture, &ceremony).await;
    for answer in [None, Some(&passkey)] {
        let refused = add(fixture, ceremony.id, answer, Some(&key(1, 1)), user_id).await;
        assert!(matches!(refused, Ok(Added::Refused)), "{refused:?}");
    }
    assert!(names(fixture, user_id).await.is_empty());
    // Only successes are kept under a key.
    let (ceremony, passkey) = made(user_id, 10).await;
    begin(fixture, &ceremony).await;
    let added = add(
        fixture,
        ceremony.id,
        Some(&passkey),
        Some(&key(1, 2)),
        user_id,
    )
    .await;
    assert!(matches!(added, Ok(Added::New(_))), "{added:?}");
}

async fn under_a_known_key_it_is_the_passkey_of_the_first_time(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let (ceremony, passkey) = made(user_id, 10).await;
    begin(fixture, &ceremony).await;
    let add = async |key: RegistrationKey| {
        add(fixture, ceremony.id, Some(&passkey), Some(&key), user_id).await
    };
    assert!(matches!(add(key(1, 1)).await, Ok(Added::New(_))));
    let again = add(key(1, 1)).await;
    assert!(matches!(again, Ok(Added::Replayed(kept)) if kept == answer(&passkey)));
    assert_eq!(reason(add(key(1, 2)).await), "IDEMPOTENCY_KEY_REUSED");
    assert!(matches!(add(key(2, 1)).await, Ok(Added::Refused)));
}

async fn many_under_one_key_at_once_are_one_passkey(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let (ceremony, passkey) = made(user_id, 10).await;
    begin(fixture, &ceremony).await;
    let key = key(1, 1);
    let adds = (0..4).map(|_| add(fixture, ceremony.id, Some(&passkey), Some(&key), user_id));
    let added = futures::future::join_all(adds).await;
    let new = added
        .iter()
        .filter(|added| matches!(added, Ok(Added::New(_))));
    let replayed = added
        .iter()
        .filter(|added| matches!(added, Ok(Added::Replayed(_))));
    assert_eq!((new.count(), replayed.count()), (1, 3));
}

async fn nobody_adds_a_passkey_that_somebody_has(fixture: &Fixture) {
    let (ada, eve) = (fixture.account().await, fixture.account().await);
    let passkey = added(fixture, ada, 10).await;
    let (ceremony, _) = made(eve, 10).await;
    begin(fixture, &ceremony).await;
    let copy = Passkey {
        id: new_id(at(10)),
        user_id: eve,
        ..passkey
    };
    let refused = add(fixture, ceremony.id, Some(&copy), None, eve).await;
    assert!(matches!(refused, Ok(Added::Refused)), "{refused:?}");
    assert!(names(fixture, eve).await.is_empty());
}

async fn a_person_has_a_bounded_number_of_passkeys(fixture: &Fixture) {
    let user_id = fixture.account().await;
    for _ in 0..passkey::LIMIT {
        added(fixture, user_id, 10).await;
    }
    let (ceremony, passkey) = made(user_id, 10).await;
    begin(fixture, &ceremony).await;
    let refused = add(fixture, ceremony.id, Some(&passkey), None, user_id).await;
    assert!(matches!(refused, Ok(Added::TooMany)), "{refused:?}");
}

async fn the_passkeys_of_a_person_are_counted(fixture: &Fixture) {
    let (ada, eve) = (fixture.account().await, fixture.account().await);
    let count = async |user_id| {
        fixture
            .store
            .count_passkeys(user_id)
            .await
            .expect("counted")
    };
    assert_eq!(count(ada).await, 0);
    let passkey = added(fixture, ada, 10).await;
    added(fixture, ada, 11).await;
    assert_eq!((count(ada).await, count(eve).await), (2, 0));
    let origin = origin(12);
    let removed = fixture.store.remove_passkey(ada, passkey.id, &origin);
    assert!(removed.await.expect("done"));
    assert_eq!(count(ada).await, 1);
}

async fn passkeys_are_listed_renamed_and_removed_by_their_person(fixture: &Fixture) {
    let (ada, eve) = (fixture.account().await, fixture.account().await);
    let mut kept = Vec::new();
    for seconds in 10..13 {
        kept.push(added(fixture, ada, seconds).await);
    }
    let rename = async |user_id, name: &str| {
        let renamed = fixture
            .store
            .rename_passkey(user_id, kept[0].id, name, &origin(20))
            .await;
        renamed.expect("done").map(|passkey| passkey.name)
    };
    assert_eq!(rename(eve, "Mine").await, None);
    assert_eq!(rename(ada, "Phone").await.as_deref(), Some("Phone"));
    assert_eq!(names(fixture, ada).await, ["Key", "Key", "Phone"]);
    let list = async |paging| {
        let page = fixture.store.list_passkeys(ada, &paging).await;
        page.expect("listed")
    };
    let first = list(paging(None, 2, None)).await;
    let ids: Vec<Uuid> = first.items.iter().map(|passkey| passkey.id).collect();
    assert_eq!(ids, [kept[2].id, kept[1].id]);
    let second = list(paging(Some(2), 2, None)).await;
    assert_eq!(second.items[0].id, kept[0].id);
    let remove = async |user_id| {
        let removed = fixture
            .store
            .remove_passkey(user_id, kept[0].id, &origin(21))
            .await;
        removed.expect("done")
    };
    assert!(!remove(eve).await);
    assert!(remove(ada).await);
    assert!(!remove(ada).await);
    assert_eq!(names(fixture, ada).await, ["Key", "Key"]);
    let found = async |passkey: &Passkey| {
        let id = passkey.credential.cred_id();
        let found = fixture.store.passkey(id.as_slice()).await;
        found.expect("read").map(|passkey| passkey.id)
    };
    assert_eq!(found(&kept[0]).await, None);
    assert_eq!(found(&kept[1]).await, Some(kept[1].id));
    let kinds = fixture.database.event_kinds().await;
    assert_eq!(kinds[3..], ["passkey.renamed", "passkey.removed"]);
}

async fn a_passkey_opens_a_session_and_is_seen_to_be_used(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let passkey = added(fixture, user_id, 10).await;
    assert!(opens(fixture, &used(&passkey, 1, 20), 20).await);
    assert_eq!(fixture.live(user_id, 21).await.len(), 1);
    let kept = fixture.store.passkeys(user_id).await.expect("read");
    assert_eq!(kept[0].last_used_at, Some(at(20)));
    let removed = fixture
        .store
        .remove_passkey(user_id, passkey.id, &origin(21))
        .await;
    assert!(removed.expect("done"));
    assert!(!opens(fixture, &used(&passkey, 2, 22), 22).await);
}

async fn a_counter_that_did_not_grow_opens_nothing(fixture: &Fixture) {
    let passkey = added(fixture, fixture.account().await, 10).await;
    for (sign_count, is_enough) in [(5, true), (5, false), (4, false), (0, false), (6, true)] {
        let used = used(&passkey, sign_count, 20);
        assert_eq!(opens(fixture, &used, 20).await, is_enough, "{sign_count}");
    }
    let uses = (0..20).map(async |_| opens(fixture, &used(&passkey, 7, 20), 20).await);
    let opened = futures::future::join_all(uses).await;
    assert_eq!(opened.into_iter().filter(|is_open| *is_open).count(), 1);
}

async fn a_counter_that_stays_zero_is_none(fixture: &Fixture) {
    let passkey = added(fixture, fixture.account().await, 10).await;
    for _ in 0..3 {
        assert!(opens(fixture, &used(&passkey, 0, 20), 20).await);
    }
}

async fn no_session_is_opened_for_an_account_that_is_deleted(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let passkey = added(fixture, user_id, 10).await;
    let deletion = Deletion {
        user_id,
        heir_id: None,
    };
    let begun = fixture.store.begin_deletion(deletion, at(11)).await;
    begun.expect("done");
    assert!(!opens(fixture, &used(&passkey, 1, 20), 20).await);
}

async fn a_passkey_answers_a_challenge(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let passkey = added(fixture, user_id, 10).await;
    let hash = challenge(fixture, user_id).await;
    let right = used(&passkey, 1, 101);
    assert_eq!(
        answers(fixture, hash, user_id, Some(&right)).await,
        Answered::Opened
    );
    assert_eq!(fixture.live(user_id, 102).await.len(), 1);
    let again = used(&passkey, 2, 101);
    assert_eq!(
        answers(fixture, hash, user_id, Some(&again)).await,
        Answered::Gone
    );
}

async fn a_wrong_passkey_costs_a_challenge_one_try(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let passkey = added(fixture, user_id, 10).await;
    assert!(opens(fixture, &used(&passkey, 9, 20), 20).await);
    let hash = challenge(fixture, user_id).await;
    let copy = used(&passkey, 9, 101);
    for wrong in [None, Some(&copy), None, None, Some(&copy)] {
        let answered = answers(fixture, hash, user_id, wrong).await;
        assert_eq!(answered, Answered::Wrong);
    }
    let right = used(&passkey, 10, 101);
    assert_eq!(
        answers(fixture, hash, user_id, Some(&right)).await,
        Answered::Gone
    );
}

async fn a_passkey_proves_again_who_is_there(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let session = fixture.session(user_id, 10).await;
    let passkey = added(fixture, user_id, 10).await;
    let prove = async |session_id, sign_count| {
        let used = used(&passkey, sign_count, 50);
        let proved = fixture
            .store
            .reauthenticate_by_passkey(session_id, &used, &origin(50))
            .await;
        proved.expect("done")
    };
    assert_eq!(prove(Uuid::nil(), 1).await, None);
    assert_eq!(prove(session.id, 1).await, Some(true));
    assert_eq!(prove(session.id, 1).await, Some(false));
    let session = fixture.store.session(session.id, at(51)).await;
    let session = session.expect("read").expect("there");
    assert_eq!(session.authenticated_at, at(50));
}

async fn whoever_has_a_passkey_gets_no_session_by_the_password_alone(fixture: &Fixture) {
    let user_id = fixture.account().await;
    added(fixture, user_id, 10).await;
    let session = Session::begin(user_id, &visit(20), TTL);
    let opened = fixture
        .store
        .open_session(&session, verified("hash"), &origin(20))
        .await;
    assert_eq!(opened.expect("done"), None);
}

async fn the_last_passkey_takes_the_recovery_codes_along(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let master_key = MasterKey::parse(&"A".repeat(43)).expect("key");
    let (codes, _) = RecoveryCodes::generate(&master_key, user_id);
    let [first, second] = [
        added(fixture, user_id, 10).await,
        added(fixture, user_id, 11).await,
    ];
    let renewed = fixture
        .store
        .renew_recovery_codes(user_id, &codes, &origin(12))
        .await;
    assert!(renewed.expect("done"));
    for (passkey, left) in [(first, codes), (second, RecoveryCodes::default())] {
        let removed = fixture
            .store
            .remove_passkey(user_id, passkey.id, &origin(13))
            .await;
        assert!(removed.expect("done"));
        let factors = fixture.store.factors(user_id).await.expect("read");
        assert_eq!(factors.recovery_codes, left);
    }
}

async fn a_reset_removes_passkeys(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let passkey = added(fixture, user_id, 10).await;
    let reset = fixture.store.reset_factors(user_id, &origin(20)).await;
    reset.expect("done");
    assert!(names(fixture, user_id).await.is_empty());
    let factors = fixture.store.factors(user_id).await.expect("read");
    assert_eq!(factors, Factors::default());
    assert!(!opens(fixture, &used(&passkey, 1, 21), 21).await);
    fixture.session(user_id, 22).await;
}
