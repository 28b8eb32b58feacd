//! API keys of people.

use portico_chassis::{
    caller::{Call, Caller, Grant, Principal, User as Person},
    idempotency::{Created, IdempotencyKey},
    page::{Bookmark, SortKey},
    token::{ApiKeySecret, KeyHash},
};
use portico_proto::auth::CreateApiKeyRequest;

use super::*;
use crate::api_key::{ApiKey, Holder, MOST_KEYS, NewKey, Owner, REMEMBERED, Scopes, ShownKey};

cases! {
    a_key_is_found_by_its_hash_with_what_its_tokens_tell_of_the_person,
    a_key_is_made_once_under_an_idempotency_key,
    of_many_who_make_a_key_under_one_idempotency_key_all_get_the_same,
    an_owner_has_a_bounded_number_of_keys,
    keys_are_listed_newest_first_and_met_once_in_a_walk,
    a_revoked_key_is_in_no_list_and_its_tokens_are_revoked,
    nobody_revokes_the_key_of_somebody_else,
    what_is_told_of_a_person_changes_only_where_there_are_keys,
    the_last_use_of_a_key_does_not_go_back,
    a_revoked_key_is_forgotten_after_a_while,
}

pub(super) fn new_key(owner: Owner, seconds: i64) -> (ApiKey, ApiKeySecret) {
    let new = NewKey {
        name: "ci".to_owned(),
        scopes: Scopes::from("users:read admin".to_owned()),
        expires_at: Some(at(9_000)),
    };
    new.make(owner, at(seconds))
}

pub(super) async fn add(
    fixture: &Fixture,
    owner: Owner,
    holder: Option<&Holder>,
    seconds: i64,
) -> (ApiKey, KeyHash) {
    let (key, secret) = new_key(owner, seconds);
    let added = fixture
        .store
        .add_api_key(&key, secret.hash, holder, None, &origin(seconds))
        .await;
    assert_eq!(added.expect("added"), Created::New(key.clone()));
    (key, secret.hash)
}

pub(super) async fn shown(fixture: &Fixture, hash: KeyHash) -> Option<ShownKey> {
    fixture.store.shown_key(hash).await.expect("read")
}

/// Revokes a key at second 20. Whether it was there.
async fn revoke(fixture: &Fixture, owner: Owner, id: Uuid) -> bool {
    let origin = origin(20);
    let revoked = fixture.store.revoke_api_key(owner, id, &origin).await;
    revoked.expect("done")
}

/// The keys of an owner, as they are listed.
pub(super) async fn listed(fixture: &Fixture, owner: Owner) -> Vec<Uuid> {
    let page = fixture
        .store
        .api_keys(owner, &paging(None, 100, None))
        .await;
    let page = page.expect("listed");
    assert_eq!(page.total.rows as usize, page.items.len());
    page.items.iter().map(|key| key.id).collect()
}

fn person(number: u128) -> (Owner, Holder) {
    let user_id = Uuid::from_u128(number);
    let holder = Holder {
        user_id,
        email: "ada@example.com".to_owned(),
        is_admin: true,
        is_active: true,
    };
    (Owner::Person(user_id), holder)
}

/// The idempotency key of a person's call.
fn once(number: u128, key: &str, name: &str) -> IdempotencyKey {
    let user = Person {
        id: Uuid::from_u128(number),
        session_id: Uuid::nil(),
        is_admin: false,
        grant: Grant::Session,
        issued_at: at(0),
        expires_at: at(0),
    };
    let mut call = Call::default();
    call.caller = Caller::from(Principal::User(Arc::new(user)));
    call.idempotency_key = Some(key.to_owned());
    let request = CreateApiKeyRequest {
        name: name.to_owned(),
        ..CreateApiKeyRequest::default()
    };
    let once = IdempotencyKey::of(&call, "CreateApiKey", &request);
    once.expect("valid").expect("a key")
}

async fn a_key_is_found_by_its_hash_with_what_its_tokens_tell_of_the_person(fixture: &Fixture) {
    let (owner, holder) = person(1);
    let (key, hash) = add(fixture, owner, Some(&holder), 10).await;
    let found = shown(fixture, hash).await.expect("found");
    let expected = ShownKey {
        key,
        is_revoked: false,
        holder: Some(holder),
    };
    assert_eq!(found, expected);
    assert_eq!(shown(fixture, KeyHash([7; 32])).await, None);
}

async fn a_key_is_made_once_under_an_idempotency_key(fixture: &Fixture) {
    let (owner, holder) = person(1);
    let add = async |once: &IdempotencyKey, seconds| {
        let (key, secret) = new_key(owner, seconds);
        let added = fixture
            .store
            .add_api_key(
                &key,
                secret.hash,
                Some(&holder),
                Some(once),
                &origin(seconds),
            )
            .await;
        (added, secret.hash)
    };
    let (first, _) = add(&once(1, "once", "ci"), 10).await;
    let first = first.expect("made");
    assert!(!first.is_replayed());
    let (again, hash) = add(&once(1, "once", "ci"), 20).await;
    let again = again.expect("replayed");
    assert!(again.is_replayed());
    assert_eq!(again.value(), first.value());
    assert_eq!(shown(fixture, hash).await, None);
    let (other, _) = add(&once(1, "once", "other"), 20).await;
    assert_eq!(reason(other), "IDEMPOTENCY_KEY_REUSED");
    let (others, _) = add(&once(2, "once", "ci"), 20).await;
    assert!(!others.expect("made").is_replayed());
}

async fn of_many_who_make_a_key_under_one_idempotency_key_all_get_the_same(fixture: &Fixture) {
    let (owner, holder) = person(1);
    let make = async || {
        let (key, secret) = new_key(owner, 10);
        let once = once(1, "once", "ci");
        let added = fixture
            .store
            .add_api_key(&key, secret.hash, Some(&holder), Some(&once), &origin(10))
            .await;
        added.expect("made").value().id
    };
    let ids: [Uuid; 4] = tokio::join!(make(), make(), make(), make()).into();
    assert_eq!(BTreeSet::from(ids).len(), 1);
    assert_eq!(listed(fixture, owner).await, ids[..1]);
}

async fn an_owner_has_a_bounded_number_of_keys(fixture: &Fixture) {
    let (owner, holder) = person(1);
    let (first, _) = add(fixture, owner, Some(&holder), 10).await;
    for _ in 1..MOST_KEYS {
        add(fixture, owner, Some(&holder), 10).await;
    }
    let add_another = async || {
        let (key, secret) = new_key(owner, 20);
        let added = fixture
            .store
            .add_api_key(&key, secret.hash, Some(&holder), None, &origin(20))
            .await;
        added.map_or_else(|error| error.reason.into_owned(), |_| String::new())
    };
    assert_eq!(add_another().await, "TOO_MANY_API_KEYS");
    let (other, other_holder) = person(2);
    add(fixture, other, Some(&other_holder), 20).await;
    assert!(revoke(fixture, owner, first.id).await);
    // Of two at once, one finds a place.
    let mut outcomes = <[String; 2]>::from(tokio::join!(add_another(), add_another()));
    outcomes.sort();
    assert_eq!(outcomes, ["", "TOO_MANY_API_KEYS"]);
}

async fn keys_are_listed_newest_first_and_met_once_in_a_walk(fixture: &Fixture) {
    let (owner, holder) = person(1);
    let (other, other_holder) = person(2);
    add(fixture, other, Some(&other_holder), 15).await;
    let mut expected = Vec::new();
    for seconds in [10, 20, 20, 30, 40] {
        expected.push(add(fixture, owner, Some(&holder), seconds).await.0);
    }
    expected.sort_by_key(|key| std::cmp::Reverse((key.created_at, key.id)));
    let expected: Vec<Uuid> = expected.iter().map(|key| key.id).collect();
    assert_eq!(listed(fixture, owner).await, expected);
    let bookmark = |key: &ApiKey| Bookmark {
        key: SortKey::Time(key.created_at),
        id: key.id,
    };
    let (mut met, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let paging = paging(None, 2, cursor.as_deref());
        let page = fixture.store.api_keys(owner, &paging).await;
        let page = page.expect("listed");
        met.extend(page.items.iter().map(|key| key.id));
        match page.info(&paging, bookmark).next_cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(met, expected);
}

async fn a_revoked_key_is_in_no_list_and_its_tokens_are_revoked(fixture: &Fixture) {
    let (owner, holder) = person(1);
    let (key, hash) = add(fixture, owner, Some(&holder), 10).await;
    let (other, _) = add(fixture, owner, Some(&holder), 11).await;
    assert!(revoke(fixture, owner, key.id).await);
    assert!(!revoke(fixture, owner, key.id).await);
    assert_eq!(listed(fixture, owner).await, [other.id]);
    assert!(shown(fixture, hash).await.expect("found").is_revoked);
    assert_eq!(fixture.revoked(21).await, [Revoked::Session(key.id)]);
}

async fn nobody_revokes_the_key_of_somebody_else(fixture: &Fixture) {
    let (owner, holder) = person(1);
    let (key, hash) = add(fixture, owner, Some(&holder), 10).await;
    let same_id = Owner::ServiceAccount(owner.id());
    for stranger in [person(2).0, same_id] {
        assert!(!revoke(fixture, stranger, key.id).await);
    }
    assert!(!shown(fixture, hash).await.expect("found").is_revoked);
    assert_eq!(fixture.revoked(21).await, []);
}

async fn what_is_told_of_a_person_changes_only_where_there_are_keys(fixture: &Fixture) {
    let (owner, holder) = person(1);
    let changed = Holder {
        is_admin: false,
        is_active: false,
        email: "countess@example.com".to_owned(),
        ..holder.clone()
    };
    let update = async |holder: &Holder| {
        let updated = fixture.store.update_holder(holder).await;
        updated.expect("done");
    };
    // There is nothing to be changed yet.
    update(&changed).await;
    let (_, hash) = add(fixture, owner, Some(&holder), 10).await;
    let told = async || shown(fixture, hash).await.expect("found").holder;
    assert_eq!(told().await, Some(holder.clone()));
    update(&changed).await;
    assert_eq!(told().await, Some(changed));
    // A new key tells how the person is when it is made.
    add(fixture, owner, Some(&holder), 20).await;
    assert_eq!(told().await, Some(holder));
}

async fn the_last_use_of_a_key_does_not_go_back(fixture: &Fixture) {
    let (owner, holder) = person(1);
    let (key, hash) = add(fixture, owner, Some(&holder), 10).await;
    let last = async || shown(fixture, hash).await.expect("found").key.last_used_at;
    assert_eq!(last().await, None);
    for seconds in [20, 40, 30] {
        let noted = fixture.store.note_key_use(key.id, at(seconds)).await;
        noted.expect("noted");
    }
    assert_eq!(last().await, Some(at(40)));
}

async fn a_revoked_key_is_forgotten_after_a_while(fixture: &Fixture) {
    let (owner, holder) = person(1);
    let (key, hash) = add(fixture, owner, Some(&holder), 10).await;
    let (_, kept) = add(fixture, owner, Some(&holder), 10).await;
    assert!(revoke(fixture, owner, key.id).await);
    let forget = async |now| {
        let forgotten = fixture.store.forget_expired(now).await;
        forgotten.expect("done");
    };
    forget(at(19) + REMEMBERED).await;
    assert!(shown(fixture, hash).await.is_some());
    forget(at(20) + REMEMBERED).await;
    assert_eq!(shown(fixture, hash).await, None);
    assert!(shown(fixture, kept).await.is_some());
}
