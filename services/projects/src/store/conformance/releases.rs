//! Taking people out of all projects, with an heir or without.

use serde_json::json;

use super::*;

cases! {
    a_released_person_is_in_no_project,
    a_sole_owner_is_released_from_nothing,
    a_check_of_a_release_changes_nothing,
    an_heir_owns_what_would_be_left_without_an_owner,
    an_heir_gets_nothing_that_others_own,
    an_heir_needs_no_invitation,
    an_heir_that_leaves_at_once_leaves_no_project_without_an_owner,
}

async fn a_released_person_is_in_no_project(fixture: &Fixture) {
    let (owner, bob) = (person("Ada"), person("Bob"));
    let shared = fixture.project("Shared", &owner).await;
    fixture.join(&shared, &owner, &bob, Role::Owner).await;
    let seen = fixture.project("Seen", &owner).await;
    fixture.join(&seen, &owner, &bob, Role::Viewer).await;
    fixture.archive(&seen, &owner, true).await;
    for _ in 0..2 {
        let released = fixture.store.release(bob.id, None, &origin(5)).await;
        released.expect("released");
    }
    for project in [&shared, &seen] {
        assert_eq!(fixture.role(project, &bob).await, None);
        assert_eq!(fixture.see(project, &owner).await.project.member_count, 1);
    }
    let removals = fixture.database.event_kinds().await;
    let removals = removals.iter().filter(|kind| *kind == "member.removed");
    assert_eq!(removals.count(), 2);
}

async fn a_sole_owner_is_released_from_nothing(fixture: &Fixture) {
    let (owner, bob) = (person("Ada"), person("Bob"));
    let sole = fixture.project("Sole", &owner).await;
    fixture.join(&sole, &owner, &bob, Role::Admin).await;
    let alone = fixture.project("Alone", &owner).await;
    let shared = fixture.project("Shared", &bob).await;
    fixture.join(&shared, &bob, &owner, Role::Owner).await;
    let refused = fixture.store.release(owner.id, None, &origin(5)).await;
    let error = refused.expect_err("refused");
    assert_eq!(error.reason, "LAST_OWNER");
    let mut projects = [&sole, &alone];
    projects.sort_by_key(|project| project.id);
    let expected = projects.map(|project| json!({ "id": project.id, "name": project.name }));
    let expected = json!(expected);
    assert_eq!(error.details.expect("details")["projects"], expected);
    for project in [&sole, &alone, &shared] {
        assert_eq!(fixture.role(project, &owner).await, Some(Role::Owner));
    }
}

async fn a_check_of_a_release_changes_nothing(fixture: &Fixture) {
    let (owner, bob) = (person("Ada"), person("Bob"));
    let made = fixture.project("Engine", &owner).await;
    fixture.join(&made, &owner, &bob, Role::Member).await;
    let before = fixture.database.event_kinds().await;
    let refused = fixture.store.check_release(owner.id, None).await;
    assert_eq!(reason(refused), "LAST_OWNER");
    fixture
        .store
        .check_release(bob.id, None)
        .await
        .expect("possible");
    assert_eq!(fixture.role(&made, &bob).await, Some(Role::Member));
    assert_eq!(fixture.database.event_kinds().await, before);
}

async fn an_heir_owns_what_would_be_left_without_an_owner(fixture: &Fixture) {
    let (owner, heir) = (person("Ada"), person("Bob"));
    let joined = fixture.project("Joined", &owner).await;
    fixture.join(&joined, &owner, &heir, Role::Viewer).await;
    let strange = fixture.project("Strange", &owner).await;
    fixture.archive(&strange, &owner, true).await;
    let before = fixture.database.event_kinds().await.len();
    let check = fixture.store.check_release(owner.id, Some(&heir)).await;
    check.expect("possible");
    assert_eq!(fixture.role(&strange, &heir).await, None);
    for _ in 0..2 {
        let released = fixture
            .store
            .release(owner.id, Some(&heir), &origin(5))
            .await;
        released.expect("released");
    }
    for project in [&joined, &strange] {
        assert_eq!(fixture.role(project, &owner).await, None);
        let seen = fixture.see(project, &heir).await;
        assert_eq!(seen.role, Some(Role::Owner));
        assert_eq!(seen.project.member_count, 1);
    }
    let mut kinds = fixture.database.event_kinds().await.split_off(before);
    kinds.sort();
    assert_eq!(
        kinds,
        [
            "member.added",
            "member.removed",
            "member.removed",
            "member.updated"
        ]
    );
}

async fn an_heir_gets_nothing_that_others_own(fixture: &Fixture) {
    let (ada, bob, heir) = (person("Ada"), person("Bob"), person("Eve"));
    let shared = fixture.project("Shared", &ada).await;
    fixture.join(&shared, &ada, &bob, Role::Owner).await;
    let seen = fixture.project("Seen", &bob).await;
    fixture.join(&seen, &bob, &ada, Role::Admin).await;
    fixture.join(&seen, &bob, &heir, Role::Viewer).await;
    let released = fixture.store.release(ada.id, Some(&heir), &origin(5)).await;
    released.expect("released");
    assert_eq!(fixture.role(&shared, &heir).await, None);
    assert_eq!(fixture.role(&seen, &heir).await, Some(Role::Viewer));
    assert_eq!(fixture.role(&seen, &ada).await, None);
}

async fn an_heir_needs_no_invitation(fixture: &Fixture) {
    let (owner, heir) = (person("Ada"), person("Bob"));
    let made = fixture.project("Engine", &owner).await;
    let invited = fixture.invited(&made, &owner, &heir).await;
    let released = fixture
        .store
        .release(owner.id, Some(&heir), &origin(5))
        .await;
    released.expect("released");
    assert_eq!(fixture.role(&made, &heir).await, Some(Role::Owner));
    assert_eq!(fixture.status(&invited, 5).await, Status::Revoked);
}

async fn an_heir_that_leaves_at_once_leaves_no_project_without_an_owner(fixture: &Fixture) {
    for round in 0..20 {
        let (ada, heir) = (person("Ada"), person("Bob"));
        let made = fixture.project(&format!("Engine {round}"), &ada).await;
        fixture.join(&made, &ada, &heir, Role::Admin).await;
        let at = origin(5);
        let (left, released) = tokio::join!(
            fixture.remove(&made, &heir, &heir),
            fixture.store.release(ada.id, Some(&heir), &at),
        );
        released.expect("released");
        // It either left first and was made a member anew, or cannot leave.
        if left.is_err() {
            assert_eq!(reason(left), "LAST_OWNER");
        }
        let seen = fixture.see(&made, &heir).await;
        assert_eq!(
            (seen.role, seen.project.member_count),
            (Some(Role::Owner), 1)
        );
    }
}
