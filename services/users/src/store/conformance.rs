//! What every store of people does, whichever database it stands on. Each case
//! gets a fresh database on each engine.

mod addresses;
mod audit;
mod lists;
mod purges;
mod searches;

use futures::future::join_all;
use portico_chassis::{
    clock::{Timestamp, new_id},
    database::testing::{self, TestDatabase, cases, origin, paging, reason},
    page::{Bookmark, SortKey, Start},
};

use super::*;
use crate::{
    MIGRATIONS,
    user::{Avatar, Name},
};

cases! {
    a_person_is_found_again_as_it_was_made,
    an_imported_person_is_told_of_otherwise,
    making_the_same_person_again_changes_nothing,
    an_address_belongs_to_one_person_in_whatever_case,
    unknown_ids_are_left_out_of_a_batch,
    a_change_counts_up_the_version_unless_nothing_changes,
    a_change_of_another_version_is_refused,
    a_change_of_nobody_is_refused,
    a_deleted_person_cannot_be_changed_until_restored,
    the_last_admin_stays_also_under_concurrency,
    a_deleted_persons_address_stays_taken,
    checking_a_deletion_changes_nothing,
    each_change_leaves_one_event,
}

/// Statements that need no index.
const EXCUSES: [testing::Excuse; 5] = [
    ("FROM numbers", "a case fills"),
    ("AS left_over", "a case counts"),
    (
        "SCAN search_pending",
        "what was changed a moment ago is little",
    ),
    ("users_admins", "administrators are few"),
    (
        "INDEXED BY users_standing",
        "what is sorted are at most 4,000, as a count has told",
    ),
];

struct Fixture {
    store: Arc<dyn Store>,
    database: TestDatabase,
}

impl Fixture {
    fn new(database: TestDatabase) -> Self {
        let store = open(&database.database);
        Self { store, database }
    }

    async fn close(self) {
        drop(self.store);
        self.database.explain_and_close(&EXCUSES).await;
    }

    async fn add(&self, name: &str, role: Role) -> User {
        let user = person(name, role);
        self.store.create(&user, &origin(1)).await.expect("created")
    }

    async fn get(&self, id: Uuid) -> User {
        self.store.get(id).await.expect("read").expect("there")
    }

    async fn names(&self, filter: &Filter, sort: &str, paging: &Paging) -> Vec<String> {
        let page = self
            .store
            .list(filter, sorted(sort), paging)
            .await
            .expect("listed");
        page.items
            .iter()
            .map(|user| user.name.as_str().to_owned())
            .collect()
    }
}

fn person(name: &str, role: Role) -> User {
    let at = Timestamp::from_millis(1_000);
    User {
        id: new_id(at),
        email: EmailAddress::parse(&format!("{name}@example.com")).expect("address"),
        name: Name::parse(name).expect("name"),
        avatar: None,
        role,
        status: Status::Active,
        email_verified: false,
        version: 1,
        created_at: at,
        updated_at: at,
        deleted_at: None,
    }
}

fn sorted(text: &str) -> Sort<Column> {
    let default = Sort {
        column: Column::CreatedAt,
        is_descending: true,
    };
    Sort::parse(Some(text), default, Column::parse).expect("a column")
}

fn rename(name: &str) -> Change {
    Change {
        name: Some(Name::parse(name).expect("name")),
        ..Change::default()
    }
}

fn demotion() -> Change {
    Change {
        role: Some(Role::Member),
        ..Change::default()
    }
}

async fn a_person_is_found_again_as_it_was_made(fixture: &Fixture) {
    let mut user = person("ada", Role::Admin);
    user.avatar = Some(Avatar::parse("https://example.com/a.png").expect("url"));
    user.email_verified = true;
    fixture
        .store
        .create(&user, &origin(1))
        .await
        .expect("created");
    assert_eq!(fixture.get(user.id).await, user);
    let found = fixture
        .store
        .lookup(&EmailAddress::parse("ADA@example.COM").expect("address"))
        .await;
    assert_eq!(found.expect("read"), Some(user));
    assert_eq!(fixture.store.get(Uuid::nil()).await.expect("read"), None);
}

async fn an_imported_person_is_told_of_otherwise(fixture: &Fixture) {
    let user = person("ada", Role::Member);
    for _ in 0..2 {
        let imported = fixture.store.import(&user, &origin(1)).await;
        assert_eq!(imported.expect("imported"), user);
    }
    assert_eq!(fixture.database.event_kinds().await, ["user.imported"]);
    let mut other = person("ADA", Role::Member);
    other.id = Uuid::from_u128(1);
    let refused = fixture.store.import(&other, &origin(1)).await;
    assert_eq!(reason(refused), "EMAIL_EXISTS");
}

async fn making_the_same_person_again_changes_nothing(fixture: &Fixture) {
    let user = fixture.add("ada", Role::Member).await;
    let renamed = fixture
        .store
        .update(user.id, &rename("Ada L"), &IfMatch::Any, &origin(2))
        .await;
    let renamed = renamed.expect("updated");
    assert_eq!(
        fixture
            .store
            .create(&user, &origin(3))
            .await
            .expect("repeated"),
        renamed
    );
    assert_eq!(fixture.get(user.id).await, renamed);
}

async fn an_address_belongs_to_one_person_in_whatever_case(fixture: &Fixture) {
    fixture.add("ada", Role::Member).await;
    let other = person("ADA", Role::Member);
    assert_eq!(
        reason(fixture.store.create(&other, &origin(1)).await),
        "EMAIL_EXISTS"
    );
    let people: Vec<User> = (0..8).map(|_| person("bob", Role::Member)).collect();
    let at = origin(1);
    let attempts = people.iter().map(|user| fixture.store.create(user, &at));
    let made = join_all(attempts)
        .await
        .into_iter()
        .filter(Result::is_ok)
        .count();
    assert_eq!(made, 1);
}

async fn unknown_ids_are_left_out_of_a_batch(fixture: &Fixture) {
    let ada = fixture.add("ada", Role::Member).await;
    let bob = fixture.add("bob", Role::Admin).await;
    let mut found = fixture
        .store
        .batch_get(&[bob.id, Uuid::nil(), ada.id])
        .await
        .expect("read");
    found.sort_by_key(|user| user.name.sort_key());
    assert_eq!(found, [ada, bob.clone()]);
    for (ids, expected) in [
        (&[][..], &[][..]),
        (&[Uuid::nil()], &[]),
        (&[bob.id], &[bob]),
    ] {
        let found = fixture.store.batch_get(ids).await;
        assert_eq!(found.expect("read"), expected);
    }
}

async fn a_change_counts_up_the_version_unless_nothing_changes(fixture: &Fixture) {
    let user = fixture.add("ada", Role::Member).await;
    let change = rename("Ada L");
    let changed = fixture
        .store
        .update(user.id, &change, &IfMatch::Any, &origin(9))
        .await;
    let changed = changed.expect("updated");
    assert_eq!((changed.version, changed.name.as_str()), (2, "Ada L"));
    assert_eq!(changed.updated_at, Timestamp::from_seconds(9));
    let again = fixture
        .store
        .update(user.id, &change, &IfMatch::Any, &origin(10))
        .await;
    assert_eq!(again.expect("updated"), changed);
    assert_eq!(fixture.get(user.id).await, changed);
    let found = Filter {
        search: Search::new("ada l"),
        ..Filter::default()
    };
    assert_eq!(
        fixture.names(&found, "name", &paging(None, 20, None)).await,
        ["Ada L"]
    );
}

async fn a_change_of_another_version_is_refused(fixture: &Fixture) {
    let user = fixture.add("ada", Role::Member).await;
    let wrong = IfMatch::Versions(vec![7]);
    let update = fixture
        .store
        .update(user.id, &rename("x"), &wrong, &origin(2))
        .await;
    assert_eq!(reason(update), "ETAG_MISMATCH");
    let delete = fixture.store.delete(user.id, &wrong, &origin(2)).await;
    assert_eq!(reason(delete), "ETAG_MISMATCH");
    assert_eq!(fixture.get(user.id).await, user);
}

async fn a_change_of_nobody_is_refused(fixture: &Fixture) {
    let (store, nobody, at) = (&fixture.store, Uuid::nil(), origin(2));
    let update = store.update(nobody, &rename("x"), &IfMatch::Any, &at).await;
    assert_eq!(reason(update), "USER_NOT_FOUND");
    assert_eq!(
        reason(store.delete(nobody, &IfMatch::Any, &at).await),
        "USER_NOT_FOUND"
    );
    assert_eq!(reason(store.restore(nobody, &at).await), "USER_NOT_FOUND");
}

async fn a_deleted_person_cannot_be_changed_until_restored(fixture: &Fixture) {
    let (store, at) = (&fixture.store, origin(5));
    let user = fixture.add("ada", Role::Member).await;
    assert_eq!(
        store.restore(user.id, &at).await.expect("nothing to do"),
        user
    );
    store
        .delete(user.id, &IfMatch::Any, &at)
        .await
        .expect("deleted");
    let deleted = fixture.get(user.id).await;
    assert_eq!(
        (deleted.status, deleted.deleted_at),
        (Status::Deleted, Some(at.at))
    );
    let update = store
        .update(user.id, &rename("x"), &IfMatch::Any, &at)
        .await;
    assert_eq!(reason(update), "USER_DELETED");
    assert_eq!(
        reason(store.delete(user.id, &IfMatch::Any, &at).await),
        "USER_NOT_FOUND"
    );
    let restored = store.restore(user.id, &at).await.expect("restored");
    assert_eq!(
        (restored.status, restored.deleted_at, restored.version),
        (Status::Active, None, 3)
    );
}

async fn the_last_admin_stays_also_under_concurrency(fixture: &Fixture) {
    let (store, at) = (&fixture.store, origin(2));
    let last = fixture.add("last", Role::Admin).await;
    let update = store.update(last.id, &demotion(), &IfMatch::Any, &at).await;
    assert_eq!(reason(update), "LAST_ADMIN");
    assert_eq!(
        reason(store.delete(last.id, &IfMatch::Any, &at).await),
        "LAST_ADMIN"
    );
    store
        .update(last.id, &rename("Last"), &IfMatch::Any, &at)
        .await
        .expect("a name is free");
    for round in 0..20 {
        let other = fixture.add(&format!("other{round}"), Role::Admin).await;
        let demotion = demotion();
        let (demoted, deleted) = tokio::join!(
            store.update(last.id, &demotion, &IfMatch::Any, &at),
            store.delete(other.id, &IfMatch::Any, &at),
        );
        assert!(
            demoted.is_ok() != deleted.is_ok(),
            "exactly one goes: {demoted:?} {deleted:?}"
        );
        let promotion = Change {
            role: Some(Role::Admin),
            ..Change::default()
        };
        store
            .update(last.id, &promotion, &IfMatch::Any, &at)
            .await
            .expect("promoted");
        if deleted.is_err() {
            store
                .delete(other.id, &IfMatch::Any, &at)
                .await
                .expect("deleted");
        }
    }
}

async fn a_deleted_persons_address_stays_taken(fixture: &Fixture) {
    let user = fixture.add("ada", Role::Member).await;
    fixture
        .store
        .delete(user.id, &IfMatch::Any, &origin(2))
        .await
        .expect("deleted");
    let other = person("ada", Role::Member);
    assert_eq!(
        reason(fixture.store.create(&other, &origin(3)).await),
        "EMAIL_EXISTS"
    );
}

async fn checking_a_deletion_changes_nothing(fixture: &Fixture) {
    let admin = fixture.add("root", Role::Admin).await;
    let check = fixture.store.check_delete(admin.id, &IfMatch::Any).await;
    assert_eq!(reason(check), "LAST_ADMIN");
    let user = fixture.add("ada", Role::Member).await;
    fixture
        .store
        .check_delete(user.id, &IfMatch::Any)
        .await
        .expect("could be deleted");
    assert_eq!(fixture.get(user.id).await, user);
}

async fn each_change_leaves_one_event(fixture: &Fixture) {
    let (store, at) = (&fixture.store, origin(2));
    let user = fixture.add("ada", Role::Member).await;
    store.create(&user, &at).await.expect("repeated");
    for _ in 0..2 {
        store
            .update(user.id, &rename("Ada L"), &IfMatch::Any, &at)
            .await
            .expect("updated");
    }
    let refused = store
        .update(user.id, &rename("x"), &IfMatch::Versions(vec![9]), &at)
        .await;
    assert_eq!(reason(refused), "ETAG_MISMATCH");
    store
        .delete(user.id, &IfMatch::Any, &at)
        .await
        .expect("deleted");
    store.restore(user.id, &at).await.expect("restored");
    assert_eq!(
        fixture.database.event_kinds().await,
        [
            "user.created",
            "user.updated",
            "user.deleted",
            "user.restored"
        ]
    );
}
