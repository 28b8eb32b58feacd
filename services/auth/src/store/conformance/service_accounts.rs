//! Service accounts and their keys.

use portico_chassis::{
    idempotency::Created,
    page::{Bookmark, SortKey},
};

use super::{
    api_keys::{add, listed, new_key, shown},
    *,
};
use crate::api_key::{Owner, ServiceAccount};

cases! {
    a_service_account_is_listed_until_it_is_deleted_and_then_known_by_name,
    service_accounts_are_met_once_in_a_walk,
    a_deleted_service_account_takes_its_keys_along,
    a_service_account_that_is_not_there_gets_no_key,
    of_a_deletion_and_a_new_key_at_once_no_key_is_left,
}

async fn account(fixture: &Fixture, name: &str, seconds: i64) -> ServiceAccount {
    let account = ServiceAccount {
        id: new_id(at(seconds)),
        name: name.to_owned(),
        created_at: at(seconds),
    };
    let added = fixture
        .store
        .add_service_account(&account, None, &origin(seconds))
        .await;
    assert_eq!(added.expect("added"), Created::New(account.clone()));
    account
}

async fn delete(fixture: &Fixture, id: Uuid) -> bool {
    let deleted = fixture.store.delete_service_account(id, &origin(50)).await;
    deleted.expect("done")
}

async fn a_service_account_is_listed_until_it_is_deleted_and_then_known_by_name(fixture: &Fixture) {
    let (one, other) = (
        account(fixture, "one", 10).await,
        account(fixture, "other", 20).await,
    );
    let list = async || {
        let page = fixture
            .store
            .service_accounts(&paging(None, 100, None))
            .await;
        page.expect("listed").items
    };
    assert_eq!(list().await, [other.clone(), one.clone()]);
    let find = async |id| fixture.store.service_account(id).await.expect("read");
    assert_eq!(find(one.id).await, Some(one.clone()));
    assert!(delete(fixture, one.id).await);
    assert!(!delete(fixture, one.id).await);
    assert_eq!(list().await, std::slice::from_ref(&other));
    assert_eq!(find(one.id).await, None);
    let named = async |ids: &[Uuid]| {
        let named = fixture.store.named_service_accounts(ids).await;
        let mut names: Vec<String> = named
            .expect("read")
            .into_iter()
            .map(|one| one.name)
            .collect();
        names.sort();
        names
    };
    let ids = [one.id, other.id, Uuid::from_u128(9)];
    assert_eq!(named(&ids).await, ["one", "other"]);
    assert_eq!(named(&[]).await, [""; 0]);
}

async fn service_accounts_are_met_once_in_a_walk(fixture: &Fixture) {
    let mut expected = Vec::new();
    for seconds in [10, 20, 20, 30, 40] {
        expected.push(account(fixture, "one", seconds).await);
    }
    expected.sort_by_key(|account| std::cmp::Reverse((account.created_at, account.id)));
    let bookmark = |account: &ServiceAccount| Bookmark {
        key: SortKey::Time(account.created_at),
        id: account.id,
    };
    let (mut met, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let paging = paging(None, 2, cursor.as_deref());
        let page = fixture.store.service_accounts(&paging).await;
        let page = page.expect("listed");
        assert_eq!(page.total.rows, 5);
        let next = page.info(&paging, bookmark).next_cursor;
        met.extend(page.items);
        match next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(met, expected);
}

async fn a_deleted_service_account_takes_its_keys_along(fixture: &Fixture) {
    let (one, other) = (
        account(fixture, "one", 10).await,
        account(fixture, "other", 10).await,
    );
    let (owner, other) = (
        Owner::ServiceAccount(one.id),
        Owner::ServiceAccount(other.id),
    );
    let (key, hash) = add(fixture, owner, None, 20).await;
    let (_, kept) = add(fixture, other, None, 20).await;
    assert_eq!(shown(fixture, hash).await.expect("found").holder, None);
    assert!(delete(fixture, one.id).await);
    assert!(shown(fixture, hash).await.expect("found").is_revoked);
    assert!(!shown(fixture, kept).await.expect("found").is_revoked);
    assert_eq!(fixture.revoked(51).await, [Revoked::Session(key.id)]);
    assert!(listed(fixture, owner).await.is_empty());
}

async fn add_late(fixture: &Fixture, owner: Owner) -> Result<(), Error> {
    let (key, secret) = new_key(owner, 60);
    let added = fixture
        .store
        .add_api_key(&key, secret.hash, None, None, &origin(60))
        .await;
    added.map(|_| ())
}

async fn a_service_account_that_is_not_there_gets_no_key(fixture: &Fixture) {
    let one = account(fixture, "one", 10).await;
    assert!(delete(fixture, one.id).await);
    for id in [one.id, Uuid::from_u128(9)] {
        let refused = add_late(fixture, Owner::ServiceAccount(id)).await;
        assert_eq!(reason(refused), "SERVICE_ACCOUNT_NOT_FOUND");
    }
}

async fn of_a_deletion_and_a_new_key_at_once_no_key_is_left(fixture: &Fixture) {
    for _ in 0..5 {
        let one = account(fixture, "one", 10).await;
        let owner = Owner::ServiceAccount(one.id);
        let (deleted, _) = tokio::join!(delete(fixture, one.id), add_late(fixture, owner));
        assert!(deleted);
        assert!(listed(fixture, owner).await.is_empty());
    }
}
