//! Addresses, and how they change.

use super::*;

cases! {
    an_address_is_changed_and_the_version_counted_up,
    the_same_address_again_changes_nothing_unless_it_overrides_others,
    the_spelling_of_an_address_stays,
    a_change_of_the_address_of_nobody_or_at_another_version_is_refused,
    a_deleted_persons_address_is_not_changed,
    an_address_that_somebody_has_is_refused_also_under_concurrency,
    an_address_that_was_given_up_is_reserved_for_a_time,
    an_address_that_was_given_up_is_not_taken_at_that_very_moment,
}

const DAY: i64 = 24 * 3600;

fn address(name: &str) -> Address {
    Address {
        email: EmailAddress::parse(&format!("{name}@example.com")).expect("address"),
        is_verified: true,
        overrides_others: false,
    }
}

impl Fixture {
    async fn set_email(&self, id: Uuid, name: &str, seconds: i64) -> Result<User, Error> {
        self.store
            .set_email(id, &address(name), &IfMatch::Any, &origin(seconds))
            .await
    }

    async fn add_at(&self, name: &str, seconds: i64) -> Result<User, Error> {
        let user = person(name, Role::Member);
        self.store.create(&user, &origin(seconds)).await
    }
}

async fn an_address_is_changed_and_the_version_counted_up(fixture: &Fixture) {
    let ada = fixture.add("ada", Role::Member).await;
    let changed = fixture
        .set_email(ada.id, "lovelace", 9)
        .await
        .expect("changed");
    assert_eq!(changed.email.as_str(), "lovelace@example.com");
    assert!(changed.email_verified);
    assert_eq!(
        (changed.version, changed.updated_at),
        (2, Timestamp::from_seconds(9))
    );
    assert_eq!(fixture.get(ada.id).await, changed);
    let found = fixture.store.lookup(&address("lovelace").email).await;
    assert_eq!(found.expect("read"), Some(changed));
    let found = fixture.store.lookup(&ada.email).await;
    assert_eq!(found.expect("read"), None);
}

async fn the_same_address_again_changes_nothing_unless_it_overrides_others(fixture: &Fixture) {
    let ada = fixture.add("ada", Role::Member).await;
    for _ in 0..2 {
        let verified = fixture.set_email(ada.id, "ada", 9).await.expect("verified");
        assert!(verified.email_verified);
        assert_eq!(verified.version, 2);
    }
    let overriding = Address {
        overrides_others: true,
        ..address("ada")
    };
    let set = fixture
        .store
        .set_email(ada.id, &overriding, &IfMatch::Any, &origin(10))
        .await;
    assert_eq!(set.expect("set").version, 3);
    let late = fixture
        .store
        .set_email(ada.id, &address("eve"), &IfMatch::parse("2.0"), &origin(11))
        .await;
    assert_eq!(reason(late), "ETAG_MISMATCH");
}

async fn the_spelling_of_an_address_stays(fixture: &Fixture) {
    let ada = fixture.add("Ada", Role::Member).await;
    let set = fixture.set_email(ada.id, "aDA", 9).await.expect("verified");
    assert_eq!(set.email.as_str(), "Ada@example.com");
}

async fn a_change_of_the_address_of_nobody_or_at_another_version_is_refused(fixture: &Fixture) {
    let ada = fixture.add("ada", Role::Member).await;
    let nobody = fixture.set_email(Uuid::nil(), "eve", 9).await;
    assert_eq!(reason(nobody), "USER_NOT_FOUND");
    let other = IfMatch::parse("7.0");
    let refused = fixture
        .store
        .set_email(ada.id, &address("eve"), &other, &origin(9))
        .await;
    assert_eq!(reason(refused), "ETAG_MISMATCH");
    assert_eq!(fixture.get(ada.id).await, ada);
}

async fn a_deleted_persons_address_is_not_changed(fixture: &Fixture) {
    let ada = fixture.add("ada", Role::Member).await;
    let deleted = fixture
        .store
        .delete(ada.id, &IfMatch::Any, &origin(2))
        .await;
    deleted.expect("deleted");
    let refused = fixture.set_email(ada.id, "eve", 9).await;
    assert_eq!(reason(refused), "USER_DELETED");
}

async fn an_address_that_somebody_has_is_refused_also_under_concurrency(fixture: &Fixture) {
    let (ada, bob) = (
        fixture.add("ada", Role::Member).await,
        fixture.add("bob", Role::Member).await,
    );
    let taken = fixture.set_email(ada.id, "BOB", 9).await;
    assert_eq!(reason(taken), "EMAIL_EXISTS");
    assert_eq!(fixture.get(ada.id).await, ada);
    let both = join_all([ada.id, bob.id].map(|id| fixture.set_email(id, "carol", 10))).await;
    let refused: Vec<String> = both
        .into_iter()
        .filter_map(|set| set.err().map(|error| error.reason.into_owned()))
        .collect();
    assert_eq!(refused, ["EMAIL_EXISTS"]);
}

async fn an_address_that_was_given_up_is_reserved_for_a_time(fixture: &Fixture) {
    let (ada, bob) = (
        fixture.add("ada", Role::Member).await,
        fixture.add("bob", Role::Member).await,
    );
    fixture.set_email(ada.id, "eve", 0).await.expect("changed");
    let last = 15 * DAY - 1;
    for seconds in [1, last] {
        assert_eq!(reason(fixture.add_at("ada", seconds).await), "EMAIL_EXISTS");
        let refused = fixture.set_email(bob.id, "Ada", seconds).await;
        assert_eq!(reason(refused), "EMAIL_EXISTS");
    }
    // Back and forth, and it is the latest time that counts.
    fixture.set_email(ada.id, "ada", last).await.expect("back");
    fixture.set_email(ada.id, "eve", last).await.expect("again");
    let refused = fixture.set_email(bob.id, "ada", last + 2).await;
    assert_eq!(reason(refused), "EMAIL_EXISTS");
    let free = 2 * 15 * DAY;
    fixture.set_email(bob.id, "ada", free).await.expect("free");
    fixture.add_at("bob", free).await.expect_err("reserved");
    fixture.add_at("bob", 2 * free).await.expect("free");
}

async fn an_address_that_was_given_up_is_not_taken_at_that_very_moment(fixture: &Fixture) {
    for round in 0..5 {
        let name = format!("ada{round}");
        let ada = fixture.add(&name, Role::Member).await;
        let other = format!("eve{round}");
        let (changed, made) = tokio::join!(
            fixture.set_email(ada.id, &other, 9),
            fixture.add_at(&name, 9)
        );
        changed.expect("changed");
        assert_eq!(reason(made), "EMAIL_EXISTS");
    }
}
