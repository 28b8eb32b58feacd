//! Who may do what, and in which order refusals come.

use std::collections::BTreeMap;

use super::*;

cases! {
    a_change_is_refused_by_sight_then_role_then_version_then_state,
    a_change_of_a_member_is_refused_in_the_same_order,
    changes_are_for_the_roles_that_the_contract_names,
    only_an_owner_makes_and_touches_an_owner,
    standings_name_role_visibility_and_archive,
    memberships_are_the_projects_of_a_person_with_its_roles,
}

/// How each kind of change of a project ends, by its name.
async fn outcomes(
    fixture: &Fixture,
    project: &Project,
    by: &Person,
    if_match: &IfMatch,
) -> BTreeMap<&'static str, String> {
    let (store, id, by, at) = (&fixture.store, project.id, by.id, origin(5));
    let (mill, nobody) = (rename("Mill"), Uuid::nil());
    let outcome = |refusal: Option<Error>| match refusal {
        None => "allowed".to_owned(),
        Some(error) => error.reason.into_owned(),
    };
    let archived = store.archive(id, by, true, if_match, &at).await;
    let updated = store.update(id, by, &mill, if_match, &at).await;
    let transferred = store.transfer(id, by, nobody, if_match, &at).await;
    let added = store
        .add_member(id, by, None, Role::Viewer, None, &at)
        .await;
    let deleted = store.delete(id, by, if_match, &at).await;
    BTreeMap::from([
        ("archive", outcome(archived.err())),
        ("update", outcome(updated.err())),
        ("transfer", outcome(transferred.err())),
        ("add", outcome(added.err())),
        ("delete", outcome(deleted.err())),
    ])
}

fn expected<const N: usize>(outcomes: [(&'static str, &str); N]) -> BTreeMap<&'static str, String> {
    let owned = outcomes.map(|(name, outcome)| (name, outcome.to_owned()));
    BTreeMap::from(owned)
}

fn all(outcome: &str) -> BTreeMap<&'static str, String> {
    expected(["archive", "update", "transfer", "add", "delete"].map(|name| (name, outcome)))
}

async fn a_change_is_refused_by_sight_then_role_then_version_then_state(fixture: &Fixture) {
    let (owner, stranger) = (person("Ada"), person("Eve"));
    let (private, other) = (fixture.project("Engine", &owner).await, other_version());
    let hidden = outcomes(fixture, &private, &stranger, &other).await;
    assert_eq!(hidden, all("PROJECT_NOT_FOUND"));
    let public = project("Public", Visibility::Public);
    let public = fixture.made(&public, &owner).await;
    let refused = outcomes(fixture, &public, &stranger, &other).await;
    assert_eq!(refused, all("FORBIDDEN"));
    fixture.archive(&public, &owner, true).await;
    let mismatched = outcomes(fixture, &public, &owner, &other).await;
    let order = expected([
        ("archive", "ETAG_MISMATCH"),
        ("update", "ETAG_MISMATCH"),
        ("transfer", "MEMBER_NOT_FOUND"),
        ("add", "USER_NOT_FOUND"),
        ("delete", "ETAG_MISMATCH"),
    ]);
    assert_eq!(mismatched, order);
    let missing = project("Missing", Visibility::Public);
    let missing = outcomes(fixture, &missing, &owner, &IfMatch::Any).await;
    assert_eq!(missing, all("PROJECT_NOT_FOUND"));
}

async fn a_change_of_a_member_is_refused_in_the_same_order(fixture: &Fixture) {
    let (owner, stranger) = (person("Ada"), person("Eve"));
    let made = fixture.project("Engine", &owner).await;
    let bob = fixture.member(&made, &owner, Role::Member).await;
    let refusals = async |by: &Person, person: &Person, if_match: &IfMatch| {
        let (at, role, now) = (Seat::new(made.id, person.id), Some(Role::Viewer), origin(5));
        let changed = fixture
            .store
            .update_member(at, by.id, role, if_match, &now)
            .await;
        let removed = fixture.store.remove_member(at, by.id, if_match, &now).await;
        assert_eq!(
            reason(removed),
            changed.as_ref().expect_err("refused").reason
        );
        reason(changed)
    };
    let (any, other) = (IfMatch::Any, other_version());
    assert_eq!(refusals(&stranger, &bob, &other).await, "PROJECT_NOT_FOUND");
    assert_eq!(refusals(&bob, &stranger, &other).await, "MEMBER_NOT_FOUND");
    assert_eq!(refusals(&bob, &owner, &other).await, "FORBIDDEN");
    assert_eq!(refusals(&owner, &owner, &other).await, "ETAG_MISMATCH");
    assert_eq!(refusals(&owner, &owner, &any).await, "LAST_OWNER");
    let public = Change {
        visibility: Some(Visibility::Public),
        ..Change::default()
    };
    fixture.update(&made, &owner, &public).await.expect("ok");
    // Who is a member is not for strangers to find out.
    assert_eq!(refusals(&stranger, &bob, &any).await, "FORBIDDEN");
    assert_eq!(refusals(&stranger, &stranger, &any).await, "FORBIDDEN");
}

async fn changes_are_for_the_roles_that_the_contract_names(fixture: &Fixture) {
    let owner = person("Ada");
    let allowed_to = async |role: Role| {
        let made = fixture.project(role.as_str(), &owner).await;
        let person = fixture.member(&made, &owner, role).await;
        outcomes(fixture, &made, &person, &IfMatch::Any).await
    };
    let as_owner = expected([
        ("archive", "allowed"),
        ("update", "PROJECT_ARCHIVED"),
        ("transfer", "MEMBER_NOT_FOUND"),
        ("add", "USER_NOT_FOUND"),
        ("delete", "allowed"),
    ]);
    assert_eq!(allowed_to(Role::Owner).await, as_owner);
    let as_admin = expected([
        ("archive", "allowed"),
        ("update", "PROJECT_ARCHIVED"),
        ("transfer", "FORBIDDEN"),
        ("add", "USER_NOT_FOUND"),
        ("delete", "FORBIDDEN"),
    ]);
    assert_eq!(allowed_to(Role::Admin).await, as_admin);
    assert_eq!(allowed_to(Role::Member).await, all("FORBIDDEN"));
    assert_eq!(allowed_to(Role::Viewer).await, all("FORBIDDEN"));
}

async fn only_an_owner_makes_and_touches_an_owner(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    let admin = fixture.member(&made, &owner, Role::Admin).await;
    let other = fixture.member(&made, &owner, Role::Owner).await;
    let refusals = [
        reason(
            fixture
                .change_role(&made, &admin, &admin, Role::Owner)
                .await,
        ),
        reason(
            fixture
                .change_role(&made, &admin, &other, Role::Admin)
                .await,
        ),
        reason(fixture.remove(&made, &admin, &other).await),
        reason(fixture.add(&made, &admin, None, Role::Owner).await),
    ];
    assert_eq!(refusals, ["FORBIDDEN"; 4]);
    let demoted = fixture
        .change_role(&made, &owner, &other, Role::Admin)
        .await;
    demoted.expect("an owner may");
}

async fn standings_name_role_visibility_and_archive(fixture: &Fixture) {
    let (owner, stranger) = (person("Ada"), person("Eve"));
    let private = fixture.project("Engine", &owner).await;
    let public = project("Public", Visibility::Public);
    let public = fixture.made(&public, &owner).await;
    fixture.archive(&public, &owner, true).await;
    let pairs = [
        (private.id, owner.id),
        (public.id, stranger.id),
        (Uuid::nil(), owner.id),
        (private.id, owner.id),
    ];
    let standings = fixture.store.standings(&pairs).await.expect("read");
    let in_private = Standing {
        visibility: Visibility::Private,
        is_archived: false,
        role: Some(Role::Owner),
    };
    let in_public = Standing {
        visibility: Visibility::Public,
        is_archived: true,
        role: None,
    };
    let expected = [(pairs[0], in_private), (pairs[1], in_public)];
    assert_eq!(standings, HashMap::from(expected));
    let none = fixture.store.standings(&[]).await.expect("read");
    assert_eq!(none, HashMap::new());
}

async fn memberships_are_the_projects_of_a_person_with_its_roles(fixture: &Fixture) {
    let (ada, bob) = (person("Ada"), person("Bob"));
    let engine = fixture.project("Engine", &ada).await;
    let mill = fixture.project("Mill", &ada).await;
    fixture.project("Loom", &bob).await;
    fixture.join(&engine, &ada, &bob, Role::Viewer).await;
    fixture.join(&mill, &ada, &bob, Role::Admin).await;
    fixture.remove(&mill, &ada, &bob).await.expect("removed");
    let of = async |person: &Person| {
        let read = fixture.store.memberships(person.id).await;
        BTreeMap::from_iter(read.expect("read"))
    };
    let expected = BTreeMap::from([(engine.id, Role::Owner), (mill.id, Role::Owner)]);
    assert_eq!(of(&ada).await, expected);
    assert_eq!(of(&bob).await.get(&engine.id), Some(&Role::Viewer));
    assert_eq!(of(&bob).await.len(), 2);
    assert_eq!(of(&person("Eve")).await, BTreeMap::new());
}
