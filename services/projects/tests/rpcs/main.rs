//! The RPCs on a store of their own, beside a users service that knows a few
//! people. What guard and gateway do is tested with the whole program.

mod fixture;
mod invitations;
mod services;

use portico_chassis::{caller::metadata, etag::IfMatch};
use portico_proto::{
    projects::{
        CreateMemberRequest, CreateProjectRequest, DeleteMemberRequest, GetProjectRequest,
        ListMembersRequest, ListProjectsRequest, Project, UpdateMemberRequest,
        UpdateProjectRequest, member::Role, project::Visibility,
    },
    wkt::FieldMask,
};

use self::fixture::{ADA, BOB, DISABLED, EVE, Fixture, NOBODY, Reply, reason, violations};

fn creation(name: &str) -> CreateProjectRequest {
    CreateProjectRequest {
        name: name.to_owned(),
        ..Default::default()
    }
}

fn joining(project: &Project, user_id: &str, role: Role) -> CreateMemberRequest {
    CreateMemberRequest {
        project_id: project.id.clone(),
        user_id: user_id.to_owned(),
        role: role.into(),
    }
}

async fn made(fixture: &Fixture, name: &str) -> Project {
    let request = fixture.by(ADA, creation(name));
    let answer = fixture.client().create_project(request).await;
    answer.expect("created").into_inner()
}

async fn seen(fixture: &Fixture, by: &str, id: &str) -> Reply<Project> {
    let id = id.to_owned();
    let request = fixture.by(by, GetProjectRequest { id });
    fixture.client().get_project(request).await
}

async fn joined(fixture: &Fixture, project: &Project, user_id: &str, role: Role) {
    let request = fixture.by(ADA, joining(project, user_id, role));
    let answer = fixture.client().create_member(request).await;
    answer.expect("added");
}

#[tokio::test]
async fn a_new_project_is_private_and_its_makers() {
    let fixture = Fixture::new().await;
    let project = made(&fixture, "  Caf\u{e9} Engine ").await;
    assert_eq!(project.name, "Caf\u{e9} Engine");
    assert_eq!(project.slug, "cafe-engine");
    assert_eq!(project.visibility(), Visibility::Private);
    assert_eq!((project.my_role(), project.member_count), (Role::Owner, 1));
    assert_eq!(project.etag, "1.1-OWNER");
    for name in [&project.id, &project.slug] {
        let found = seen(&fixture, ADA, name).await.expect("found");
        assert_eq!(found.into_inner(), project);
    }
    let list = fixture.by(ADA, ListProjectsRequest::default());
    let list = fixture.client().list_projects(list).await.expect("listed");
    assert_eq!(list.into_inner().projects, [project]);
}

#[tokio::test]
async fn a_slug_that_is_taken_gets_a_suffix_unless_it_was_asked_for() {
    let fixture = Fixture::new().await;
    let first = made(&fixture, "Engine").await;
    let second = made(&fixture, "Engine").await;
    let suffix = second.slug.strip_prefix("engine-").expect("a suffix");
    assert_eq!((first.slug.as_str(), suffix.len()), ("engine", 6));
    let asked = CreateProjectRequest {
        slug: Some("engine".to_owned()),
        ..creation("Another")
    };
    let refused = fixture
        .client()
        .create_project(fixture.by(ADA, asked))
        .await;
    assert_eq!(reason(refused), "SLUG_EXISTS");
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once() {
    let fixture = Fixture::new().await;
    let request = CreateProjectRequest {
        name: " ".to_owned(),
        description: Some("a\0".to_owned()),
        visibility: Some(0),
        slug: Some("-Engine".to_owned()),
    };
    let refused = fixture
        .client()
        .create_project(fixture.by(ADA, request))
        .await;
    assert_eq!(
        violations(refused),
        [
            ("description", "NOT_ALLOWED"),
            ("name", "REQUIRED"),
            ("slug", "SLUG_INVALID"),
            ("visibility", "NOT_ALLOWED"),
        ]
        .map(|(field, code)| (field.to_owned(), code.to_owned()))
    );
    let project = made(&fixture, "Engine").await;
    let request = UpdateProjectRequest {
        id: project.id.clone(),
        update_mask: Some(FieldMask {
            paths: ["name", "slug", "visibility", "archived_at"]
                .map(str::to_owned)
                .into(),
        }),
        ..Default::default()
    };
    let refused = fixture
        .client()
        .update_project(fixture.by(ADA, request))
        .await;
    assert_eq!(
        violations(refused),
        [
            ("archivedAt", "NOT_ALLOWED"),
            ("name", "REQUIRED"),
            ("slug", "REQUIRED"),
            ("visibility", "REQUIRED"),
        ]
        .map(|(field, code)| (field.to_owned(), code.to_owned()))
    );
}

#[tokio::test]
async fn what_cannot_be_an_id_or_a_slug_is_not_found() {
    let fixture = Fixture::new().await;
    let project = made(&fixture, "Engine").await;
    for id in ["", "x", "No Slug", "a\0b", "some-other", NOBODY] {
        let found = seen(&fixture, ADA, id).await;
        assert_eq!(reason(found), "PROJECT_NOT_FOUND", "{id}");
    }
    // Only reading takes a slug.
    let request = UpdateProjectRequest {
        id: project.slug.clone(),
        ..Default::default()
    };
    let refused = fixture
        .client()
        .update_project(fixture.by(ADA, request))
        .await;
    assert_eq!(reason(refused), "PROJECT_NOT_FOUND");
    let request = DeleteMemberRequest {
        project_id: project.id.clone(),
        user_id: "x".to_owned(),
    };
    let refused = fixture
        .client()
        .delete_member(fixture.by(ADA, request))
        .await;
    assert_eq!(reason(refused), "MEMBER_NOT_FOUND");
}

#[tokio::test]
async fn an_administrator_of_the_installation_is_a_stranger_in_private_projects() {
    let fixture = Fixture::new().await;
    let project = made(&fixture, "Engine").await;
    let id = project.id.clone();
    let request = fixture.by_admin(EVE, GetProjectRequest { id });
    let found = fixture.client().get_project(request).await;
    assert_eq!(reason(found), "PROJECT_NOT_FOUND");
}

#[tokio::test]
async fn a_change_names_its_fields_and_null_clears() {
    let fixture = Fixture::new().await;
    let project = made(&fixture, "Engine").await;
    let describe = UpdateProjectRequest {
        id: project.id.clone(),
        description: Some("Brass".to_owned()),
        visibility: Some(Visibility::Public.into()),
        ..Default::default()
    };
    let request = fixture.by(ADA, describe);
    let described = fixture.client().update_project(request).await;
    let described = described.expect("changed").into_inner();
    assert_eq!(described.description(), "Brass");
    assert_eq!(described.visibility(), Visibility::Public);
    assert_eq!(described.etag, "2.1-OWNER");
    let clear = UpdateProjectRequest {
        id: project.id.clone(),
        name: Some("Not named by the mask".to_owned()),
        update_mask: Some(FieldMask {
            paths: vec!["description".to_owned()],
        }),
        ..Default::default()
    };
    let mut request = fixture.by(ADA, clear.clone());
    fixture::with(&mut request, |call| {
        call.if_match = IfMatch::parse(&project.etag);
    });
    let refused = fixture.client().update_project(request).await;
    assert_eq!(reason(refused), "ETAG_MISMATCH");
    let cleared = fixture
        .client()
        .update_project(fixture.by(ADA, clear))
        .await;
    let cleared = cleared.expect("changed").into_inner();
    assert_eq!(
        (cleared.description.as_deref(), cleared.name),
        (None, project.name)
    );
}

#[tokio::test]
async fn a_stranger_sees_a_public_project_and_not_its_members() {
    let fixture = Fixture::new().await;
    let public = CreateProjectRequest {
        visibility: Some(Visibility::Public.into()),
        ..creation("Engine")
    };
    let project = fixture
        .client()
        .create_project(fixture.by(ADA, public))
        .await;
    let project = project.expect("created").into_inner();
    let found = seen(&fixture, EVE, &project.slug).await.expect("found");
    let found = found.into_inner();
    assert_eq!((found.my_role, found.etag.as_str()), (None, "1.1"));
    let request = ListMembersRequest {
        project_id: project.id,
        ..Default::default()
    };
    let refused = fixture
        .client()
        .list_members(fixture.by(EVE, request))
        .await;
    assert_eq!(reason(refused), "FORBIDDEN");
}

#[tokio::test]
async fn members_are_listed_as_they_are_now_and_a_viewer_sees_no_addresses() {
    let fixture = Fixture::new().await;
    let project = made(&fixture, "Engine").await;
    joined(&fixture, &project, BOB, Role::Viewer).await;
    let listed = async |by: &str| {
        let request = ListMembersRequest {
            project_id: project.id.clone(),
            sort: Some("name".to_owned()),
            ..Default::default()
        };
        let answer = fixture.client().list_members(fixture.by(by, request)).await;
        answer.expect("listed").into_inner()
    };
    let answer = listed(ADA).await;
    assert_eq!(answer.page_info.expect("a page").total, 2);
    let people: Vec<_> = answer.members.into_iter().filter_map(|m| m.user).collect();
    assert_eq!([&people[0].name, &people[1].name], ["Ada", "Bob"]);
    assert_eq!(people[1].email(), "bob@example.com");
    let answer = listed(BOB).await;
    let mut people = answer.members.into_iter().filter_map(|member| member.user);
    assert!(people.all(|person| person.email.is_none() && !person.name.is_empty()));
    let found = seen(&fixture, BOB, &project.id).await.expect("found");
    assert_eq!(found.into_inner().etag, "1.2-VIEWER");
}

#[tokio::test]
async fn only_somebody_active_is_added_and_a_stranger_learns_nothing() {
    let fixture = Fixture::new().await;
    let project = made(&fixture, "Engine").await;
    for missing in [NOBODY, DISABLED, "x"] {
        let request = fixture.by(ADA, joining(&project, missing, Role::Member));
        let refused = fixture.client().create_member(request).await;
        assert_eq!(reason(refused), "USER_NOT_FOUND", "{missing}");
    }
    joined(&fixture, &project, BOB, Role::Member).await;
    for person in [NOBODY, EVE] {
        let request = fixture.by(BOB, joining(&project, person, Role::Viewer));
        let refused = fixture.client().create_member(request).await;
        assert_eq!(reason(refused), "FORBIDDEN");
    }
}

#[tokio::test]
async fn a_repeated_creation_is_answered_again_and_says_so() {
    let fixture = Fixture::new().await;
    let create = async |name: &str| {
        let mut request = fixture.by(ADA, creation(name));
        fixture::with(&mut request, |call| {
            call.idempotency_key = Some("key".to_owned());
        });
        fixture.client().create_project(request).await
    };
    let first = create("Engine").await.expect("created");
    assert!(
        first
            .metadata()
            .get(metadata::IDEMPOTENCY_REPLAYED)
            .is_none()
    );
    let second = create("Engine").await.expect("replayed");
    let replayed = second.metadata().get(metadata::IDEMPOTENCY_REPLAYED);
    assert!(replayed.is_some_and(|value| value == "true"));
    assert_eq!(first.into_inner(), second.into_inner());
    assert_eq!(reason(create("Mill").await), "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test]
async fn a_member_without_a_role_is_refused_and_without_a_change_unchanged() {
    let fixture = Fixture::new().await;
    let project = made(&fixture, "Engine").await;
    joined(&fixture, &project, BOB, Role::Member).await;
    let mut change = UpdateMemberRequest {
        project_id: project.id,
        user_id: BOB.to_owned(),
        ..Default::default()
    };
    let unchanged = fixture
        .client()
        .update_member(fixture.by(ADA, change.clone()))
        .await;
    let unchanged = unchanged.expect("nothing to do").into_inner();
    assert_eq!(
        (unchanged.role(), unchanged.etag.as_str()),
        (Role::Member, "1.0")
    );
    change.update_mask = Some(FieldMask {
        paths: vec!["role".to_owned()],
    });
    let refused = fixture
        .client()
        .update_member(fixture.by(ADA, change))
        .await;
    assert_eq!(
        violations(refused),
        [("role".to_owned(), "REQUIRED".to_owned())]
    );
}
