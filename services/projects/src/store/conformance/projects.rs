//! Projects: making, changing, archiving, transferring and deleting them.

use portico_chassis::page::Search;

use super::*;

cases! {
    a_project_is_found_again_by_id_and_by_slug,
    a_private_project_does_not_exist_for_strangers,
    a_project_gets_the_first_slug_that_is_free,
    a_project_whose_slugs_are_all_taken_is_refused,
    the_same_key_makes_one_project,
    only_answers_that_have_expired_are_forgotten,
    a_change_counts_up_the_version_unless_nothing_changes,
    a_change_to_a_taken_slug_is_refused,
    an_archived_project_does_not_change_until_unarchived,
    archiving_again_changes_nothing,
    a_deleted_project_is_gone_with_its_members,
    the_event_of_a_deleted_project_names_its_members,
    an_archived_project_can_be_deleted,
    a_transfer_makes_the_former_owner_an_admin,
    a_transfer_to_oneself_changes_nothing,
    a_transfer_to_a_stranger_is_refused,
    an_archived_project_is_not_transferred,
    each_change_of_a_project_leaves_its_events,
}

async fn a_project_is_found_again_by_id_and_by_slug(fixture: &Fixture) {
    let (owner, mut wanted) = (person("Ada"), project("Engine", Visibility::Private));
    wanted.description = crate::convert::description(Some("Brass\nand steam")).expect("text");
    let made = fixture.made(&wanted, &owner).await;
    assert_eq!(made, wanted);
    let view = View {
        project: wanted,
        role: Some(Role::Owner),
    };
    assert_eq!(fixture.see(&made, &owner).await, view);
    let by_slug = Reference::Slug(slug("engine"));
    let found = fixture.store.find(&by_slug, owner.id).await;
    assert_eq!(found.expect("visible"), view);
    for missing in [Reference::Id(Uuid::nil()), Reference::Slug(slug("other"))] {
        let found = fixture.store.find(&missing, owner.id).await;
        assert_eq!(reason(found), "PROJECT_NOT_FOUND");
    }
}

async fn a_private_project_does_not_exist_for_strangers(fixture: &Fixture) {
    let (owner, stranger) = (person("Ada"), person("Eve"));
    let private = fixture.project("Private", &owner).await;
    assert_eq!(
        reason(fixture.find(&private, &stranger).await),
        "PROJECT_NOT_FOUND"
    );
    let public = fixture
        .made(&project("Public", Visibility::Public), &owner)
        .await;
    assert_eq!(fixture.see(&public, &stranger).await.role, None);
}

async fn a_project_gets_the_first_slug_that_is_free(fixture: &Fixture) {
    let owner = person("Ada");
    fixture.project("Engine", &owner).await;
    let again = project("Engine", Visibility::Private);
    let slugs = ["engine", "engine-2", "engine-3"].map(slug);
    let made = fixture
        .store
        .create(&again, &slugs, &owner, None, &origin(1))
        .await;
    let made = made.expect("created").value().project.clone();
    assert_eq!(made.slug, slug("engine-2"));
    assert_eq!(fixture.see(&made, &owner).await.project, made);
}

async fn a_project_whose_slugs_are_all_taken_is_refused(fixture: &Fixture) {
    let owner = person("Ada");
    fixture.project("Engine", &owner).await;
    let again = project("Engine", Visibility::Private);
    let made = fixture
        .store
        .create(&again, &[slug("engine")], &owner, None, &origin(1))
        .await;
    assert_eq!(reason(made), "SLUG_EXISTS");
    assert_eq!(
        reason(fixture.find(&again, &owner).await),
        "PROJECT_NOT_FOUND"
    );
}

async fn the_same_key_makes_one_project(fixture: &Fixture) {
    let owner = person("Ada");
    let make = async |name: &'static str| {
        let project = project(name, Visibility::Private);
        let (slugs, key) = ([project.slug.clone()], key("k", name));
        fixture
            .store
            .create(&project, &slugs, &owner, Some(&key), &origin(1))
            .await
    };
    let first = make("Engine").await.expect("created");
    assert!(!first.is_replayed());
    fixture
        .update(&first.value().project, &owner, &rename("Mill"))
        .await
        .expect("updated");
    let second = make("Engine").await.expect("replayed");
    assert_eq!(second, Created::Replayed(first.value().clone()));
    assert_eq!(reason(make("Loom").await), "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(
        fixture.database.event_kinds().await,
        ["project.created", "member.added", "project.updated"]
    );
}

async fn only_answers_that_have_expired_are_forgotten(fixture: &Fixture) {
    let (owner, key, at) = (person("Ada"), key("k", "Engine"), origin(0));
    let slugs = [slug("engine"), slug("engine-2")];
    let make = async || {
        let project = project("Engine", Visibility::Private);
        let made = fixture
            .store
            .create(&project, &slugs, &owner, Some(&key), &at)
            .await;
        made.expect("answered")
    };
    make().await;
    for (hours, is_replayed) in [(23, true), (24, false)] {
        let now = Timestamp::from_seconds(hours * 3600);
        let forgotten = fixture.store.forget_expired(now).await;
        forgotten.expect("forgotten");
        assert_eq!(make().await.is_replayed(), is_replayed);
    }
}

async fn a_change_counts_up_the_version_unless_nothing_changes(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    let change = Change {
        visibility: Some(Visibility::Public),
        slug: Some(slug("the-mill")),
        description: Some(crate::convert::description(Some("Grinds")).expect("text")),
        ..rename("Mill")
    };
    let changed = fixture.update(&made, &owner, &change).await.expect("ok");
    assert_eq!(changed.project.version, 2);
    assert_eq!(changed.project.updated_at, Timestamp::from_seconds(5));
    assert_eq!(changed.project.created_at, made.created_at);
    assert_eq!(fixture.see(&made, &owner).await, changed);
    let again = fixture.update(&made, &owner, &change).await.expect("ok");
    assert_eq!(again, changed);
    let removal = Change {
        description: Some(None),
        ..Change::default()
    };
    let removed = fixture.update(&made, &owner, &removal).await.expect("ok");
    assert_eq!(removed.project.description, None);
    let filter = Filter {
        search: Search::new("mill"),
        ..lists::mine()
    };
    let found = lists::names(fixture, &owner, &filter, "name").await;
    assert_eq!(found, ["Mill"]);
}

async fn a_change_to_a_taken_slug_is_refused(fixture: &Fixture) {
    let owner = person("Ada");
    fixture.project("Engine", &owner).await;
    let mill = fixture.project("Mill", &owner).await;
    let change = Change {
        slug: Some(slug("engine")),
        ..Change::default()
    };
    assert_eq!(
        reason(fixture.update(&mill, &owner, &change).await),
        "SLUG_EXISTS"
    );
    assert_eq!(fixture.see(&mill, &owner).await.project, mill);
}

async fn an_archived_project_does_not_change_until_unarchived(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    fixture.archive(&made, &owner, true).await;
    assert_eq!(
        reason(fixture.update(&made, &owner, &rename("Mill")).await),
        "PROJECT_ARCHIVED"
    );
    let back = fixture.archive(&made, &owner, false).await;
    assert_eq!(back.project.archived_at, None);
    fixture
        .update(&made, &owner, &rename("Mill"))
        .await
        .expect("changes again");
}

async fn archiving_again_changes_nothing(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    let archived = fixture.archive(&made, &owner, true).await;
    assert_eq!(
        archived.project.archived_at,
        Some(Timestamp::from_seconds(3))
    );
    assert_eq!(fixture.archive(&made, &owner, true).await, archived);
    assert_eq!(fixture.see(&made, &owner).await, archived);
}

async fn a_deleted_project_is_gone_with_its_members(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    let member = fixture.member(&made, &owner, Role::Member).await;
    fixture.delete(&made, &owner).await;
    assert_eq!(
        reason(fixture.find(&made, &owner).await),
        "PROJECT_NOT_FOUND"
    );
    let left = lists::names(fixture, &member, &lists::mine(), "name").await;
    assert_eq!(left, Vec::<String>::new());
    let again = fixture.project("Engine", &owner).await;
    assert_eq!(again.slug, made.slug);
    assert_eq!(fixture.see(&again, &owner).await.project.member_count, 1);
}

async fn the_event_of_a_deleted_project_names_its_members(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    let member = fixture.member(&made, &owner, Role::Viewer).await;
    fixture.delete(&made, &owner).await;
    let events = fixture.database.events().await;
    let (kind, payload) = events.last().expect("an event");
    assert_eq!(kind, "project.deleted");
    let deleted: Deleted = serde_json::from_str(payload).expect("readable");
    assert_eq!(deleted.project.id, made.id);
    assert_eq!(deleted.members, [owner.id, member.id]);
}

async fn an_archived_project_can_be_deleted(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    fixture.archive(&made, &owner, true).await;
    fixture.delete(&made, &owner).await;
}

async fn transfer(
    fixture: &Fixture,
    project: &Project,
    by: &Person,
    to: &Person,
) -> Result<View, Error> {
    fixture
        .store
        .transfer(project.id, by.id, to.id, &IfMatch::Any, &origin(7))
        .await
}

async fn a_transfer_makes_the_former_owner_an_admin(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    let heir = fixture.member(&made, &owner, Role::Viewer).await;
    let view = transfer(fixture, &made, &owner, &heir).await.expect("ok");
    assert_eq!(view.role, Some(Role::Admin));
    assert_eq!(view, fixture.see(&made, &owner).await);
    assert_eq!(fixture.role(&made, &heir).await, Some(Role::Owner));
    assert_eq!(
        reason(transfer(fixture, &made, &owner, &owner).await),
        "FORBIDDEN"
    );
}

async fn a_transfer_to_oneself_changes_nothing(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    let before = fixture.database.event_kinds().await;
    let view = transfer(fixture, &made, &owner, &owner).await.expect("ok");
    assert_eq!(view.role, Some(Role::Owner));
    assert_eq!(fixture.see(&made, &owner).await, view);
    assert_eq!(fixture.database.event_kinds().await, before);
}

async fn a_transfer_to_a_stranger_is_refused(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    assert_eq!(
        reason(transfer(fixture, &made, &owner, &person("Eve")).await),
        "MEMBER_NOT_FOUND"
    );
    assert_eq!(fixture.role(&made, &owner).await, Some(Role::Owner));
}

async fn an_archived_project_is_not_transferred(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    let heir = fixture.member(&made, &owner, Role::Admin).await;
    fixture.archive(&made, &owner, true).await;
    assert_eq!(
        reason(transfer(fixture, &made, &owner, &heir).await),
        "PROJECT_ARCHIVED"
    );
}

async fn each_change_of_a_project_leaves_its_events(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    let heir = fixture.member(&made, &owner, Role::Admin).await;
    for _ in 0..2 {
        let renamed = fixture.update(&made, &owner, &rename("Mill")).await;
        renamed.expect("updated");
    }
    fixture.archive(&made, &owner, true).await;
    fixture.archive(&made, &owner, true).await;
    reason(fixture.update(&made, &owner, &rename("Loom")).await);
    fixture.archive(&made, &owner, false).await;
    let transferred = transfer(fixture, &made, &owner, &heir).await;
    transferred.expect("transferred");
    fixture.delete(&made, &heir).await;
    assert_eq!(
        fixture.database.event_kinds().await,
        [
            "project.created",
            "member.added",
            "member.added",
            "project.updated",
            "project.updated",
            "project.updated",
            "member.updated",
            "member.updated",
            "project.deleted",
        ]
    );
}
