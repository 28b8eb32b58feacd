//! Members: adding, changing and removing them.

use super::*;

cases! {
    a_member_changes_the_count_and_not_the_version,
    a_member_is_added_once,
    nobody_cannot_be_added,
    the_same_key_adds_one_member,
    a_role_counts_up_the_members_version_unless_nothing_changes,
    somebody_who_is_no_member_is_not_found,
    an_archived_project_gets_no_members_but_loses_them,
    the_last_owner_stays,
    an_owner_goes_where_another_one_is,
    anyone_leaves,
    each_change_of_a_member_leaves_one_event,
}

async fn a_member_changes_the_count_and_not_the_version(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    let member = fixture.member(&made, &owner, Role::Viewer).await;
    let seen = fixture.see(&made, &member).await;
    assert_eq!(seen.role, Some(Role::Viewer));
    assert_eq!(seen.project, made.clone().joined());
    fixture
        .remove(&made, &owner, &member)
        .await
        .expect("removed");
    assert_eq!(fixture.see(&made, &owner).await.project, made);
    assert_eq!(fixture.role(&made, &member).await, None);
}

async fn a_member_is_added_once(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    let member = fixture.member(&made, &owner, Role::Viewer).await;
    let again = fixture.add(&made, &owner, Some(&member), Role::Admin).await;
    assert_eq!(reason(again), "ALREADY_MEMBER");
    assert_eq!(fixture.role(&made, &member).await, Some(Role::Viewer));
    assert_eq!(fixture.see(&made, &owner).await.project.member_count, 2);
}

async fn nobody_cannot_be_added(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    let added = fixture.add(&made, &owner, None, Role::Admin).await;
    assert_eq!(reason(added), "USER_NOT_FOUND");
}

async fn the_same_key_adds_one_member(fixture: &Fixture) {
    let (owner, bob) = (person("Ada"), person("Bob"));
    let made = fixture.project("Engine", &owner).await;
    let key = key("k", "Bob");
    let at = origin(3);
    let add = || {
        let (key, bob) = (Some(&key), Some(&bob));
        let store = &fixture.store;
        store.add_member(made.id, owner.id, bob, Role::Member, key, &at)
    };
    let first = add().await.expect("added");
    assert!(!first.is_replayed());
    fixture.archive(&made, &owner, true).await;
    let second = add().await.expect("replayed");
    assert_eq!(second, Created::Replayed(first.value().clone()));
    assert_eq!(fixture.see(&made, &owner).await.project.member_count, 2);
}

async fn a_role_counts_up_the_members_version_unless_nothing_changes(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    let bob = person("Bob");
    let joined = fixture.join(&made, &owner, &bob, Role::Viewer).await;
    assert_eq!(
        (joined.version, joined.joined_at),
        (1, Timestamp::from_seconds(2))
    );
    let changed = fixture.change_role(&made, &owner, &bob, Role::Admin).await;
    let changed = changed.expect("changed");
    assert_eq!(
        changed,
        Member {
            role: Role::Admin,
            version: 2,
            ..joined
        }
    );
    let again = fixture.change_role(&made, &owner, &bob, Role::Admin).await;
    assert_eq!(again.expect("nothing to do"), changed);
    let unasked = fixture
        .store
        .update_member(
            changed.seat(),
            owner.id,
            None,
            &IfMatch::Versions(vec![2]),
            &origin(9),
        )
        .await;
    assert_eq!(unasked.expect("nothing to do"), changed);
    assert_eq!(fixture.see(&made, &owner).await.project.version, 1);
}

async fn somebody_who_is_no_member_is_not_found(fixture: &Fixture) {
    let (owner, stranger) = (person("Ada"), person("Eve"));
    let made = fixture.project("Engine", &owner).await;
    let changed = fixture
        .change_role(&made, &owner, &stranger, Role::Admin)
        .await;
    assert_eq!(reason(changed), "MEMBER_NOT_FOUND");
    let removed = fixture.remove(&made, &owner, &stranger).await;
    assert_eq!(reason(removed), "MEMBER_NOT_FOUND");
}

async fn an_archived_project_gets_no_members_but_loses_them(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    let admin = fixture.member(&made, &owner, Role::Admin).await;
    let viewer = fixture.member(&made, &owner, Role::Viewer).await;
    fixture.archive(&made, &owner, true).await;
    let bob = person("Bob");
    let added = fixture.add(&made, &owner, Some(&bob), Role::Member).await;
    assert_eq!(reason(added), "PROJECT_ARCHIVED");
    let changed = fixture
        .change_role(&made, &owner, &viewer, Role::Admin)
        .await;
    assert_eq!(reason(changed), "PROJECT_ARCHIVED");
    fixture
        .remove(&made, &admin, &viewer)
        .await
        .expect("removed");
    fixture.remove(&made, &admin, &admin).await.expect("left");
}

async fn the_last_owner_stays(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    fixture.member(&made, &owner, Role::Admin).await;
    let demoted = fixture
        .change_role(&made, &owner, &owner, Role::Viewer)
        .await;
    assert_eq!(reason(demoted), "LAST_OWNER");
    assert_eq!(
        reason(fixture.remove(&made, &owner, &owner).await),
        "LAST_OWNER"
    );
    assert_eq!(fixture.role(&made, &owner).await, Some(Role::Owner));
}

async fn an_owner_goes_where_another_one_is(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    let second = fixture.member(&made, &owner, Role::Owner).await;
    let demoted = fixture
        .change_role(&made, &second, &owner, Role::Viewer)
        .await;
    assert_eq!(demoted.expect("demoted").role, Role::Viewer);
    let third = fixture.member(&made, &second, Role::Owner).await;
    fixture
        .remove(&made, &third, &second)
        .await
        .expect("removed");
}

async fn anyone_leaves(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    for role in [Role::Owner, Role::Admin, Role::Member, Role::Viewer] {
        let member = fixture.member(&made, &owner, role).await;
        fixture.remove(&made, &member, &member).await.expect("left");
        assert_eq!(fixture.role(&made, &member).await, None);
    }
}

async fn each_change_of_a_member_leaves_one_event(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    let bob = fixture.member(&made, &owner, Role::Viewer).await;
    for _ in 0..2 {
        let changed = fixture.change_role(&made, &owner, &bob, Role::Member).await;
        changed.expect("changed");
    }
    reason(fixture.remove(&made, &owner, &owner).await);
    fixture.remove(&made, &bob, &bob).await.expect("left");
    assert_eq!(
        fixture.database.event_kinds().await,
        [
            "project.created",
            "member.added",
            "member.added",
            "member.updated",
            "member.removed",
        ]
    );
}
