//! What other services ask: who may do what, who is where, and what is to become
//! of somebody's projects.

use portico_proto::{
    events::ReadAuditEntriesRequest,
    projects::{
        CheckAccessRequest, ExportParticipationRequest, ListMembershipsRequest, ParticipationData,
        ReleaseUserRequest,
        check_access_request::{Check, check::Permission},
        list_memberships_response::Membership,
        member::Role,
    },
    wkt::Timestamp,
};

use super::{
    fixture::{ADA, BOB, DISABLED, EVE, Fixture, NOBODY, Reply, reason, violations},
    joined, made, seen,
};

async fn released(
    fixture: &Fixture,
    user_id: &str,
    validate_only: bool,
    heir_id: Option<&str>,
) -> Reply<()> {
    let request = fixture.by_service(ReleaseUserRequest {
        user_id: user_id.to_owned(),
        validate_only,
        heir_id: heir_id.map(str::to_owned),
    });
    fixture.client().release_user(request).await
}

#[tokio::test]
async fn access_is_answered_in_the_order_of_the_questions() {
    let fixture = Fixture::new().await;
    let project = made(&fixture, "Engine").await;
    joined(&fixture, &project, BOB, Role::Viewer).await;
    let check = |project_id: &str, user_id: &str, permission: Permission| Check {
        project_id: project_id.to_owned(),
        user_id: user_id.to_owned(),
        permission: permission.into(),
    };
    let checks = vec![
        check(&project.id, BOB, Permission::Write),
        check("x", ADA, Permission::Read),
        check(&project.id, ADA, Permission::Own),
        check(NOBODY, ADA, Permission::Read),
        check(&project.id, EVE, Permission::Read),
        check(&project.id, BOB, Permission::Read),
    ];
    let request = tonic::Request::new(CheckAccessRequest { checks });
    let answer = fixture.client().check_access(request).await;
    let answer = answer.expect("answered").into_inner();
    let results = answer.results.iter();
    let results: Vec<_> = results
        .map(|result| (result.allowed, result.role))
        .collect();
    let (owner, viewer) = (Some(Role::Owner.into()), Some(Role::Viewer.into()));
    assert_eq!(
        results,
        [
            (false, viewer),
            (false, None),
            (true, owner),
            (false, None),
            (false, None),
            (true, viewer),
        ]
    );
}

#[tokio::test]
async fn memberships_are_told_to_services() {
    let fixture = Fixture::new().await;
    let project = made(&fixture, "Engine").await;
    joined(&fixture, &project, BOB, Role::Viewer).await;
    let list = async |user_id: &str| {
        let request = fixture.by_service(ListMembershipsRequest {
            user_id: user_id.to_owned(),
        });
        let answer = fixture.client().list_memberships(request).await;
        answer.map(|answer| answer.into_inner().memberships)
    };
    let found = list(BOB).await.expect("answered");
    let expected = Membership {
        project_id: project.id,
        role: Role::Viewer.into(),
    };
    assert_eq!(found, [expected]);
    assert_eq!(list(EVE).await.expect("answered"), []);
    assert_eq!(list("no id").await.expect("answered"), []);
    assert!(list("").await.is_err());
}

#[tokio::test]
async fn a_release_can_be_tried_before_it_is_made() {
    let fixture = Fixture::new().await;
    let project = made(&fixture, "Engine").await;
    joined(&fixture, &project, BOB, Role::Member).await;
    let release =
        async |user_id: &str, validate_only| released(&fixture, user_id, validate_only, None).await;
    assert_eq!(reason(release(ADA, true).await), "LAST_OWNER");
    release(BOB, true).await.expect("possible");
    assert!(seen(&fixture, BOB, &project.id).await.is_ok());
    release(BOB, false).await.expect("released");
    assert_eq!(
        reason(seen(&fixture, BOB, &project.id).await),
        "PROJECT_NOT_FOUND"
    );
}

#[tokio::test]
async fn an_heir_is_another_person_who_is_active() {
    let fixture = Fixture::new().await;
    let project = made(&fixture, "Engine").await;
    for heir in [ADA, DISABLED, NOBODY, "x", ""] {
        for validate_only in [true, false] {
            let refused = released(&fixture, ADA, validate_only, Some(heir)).await;
            assert_eq!(reason(refused), "USER_NOT_FOUND", "{heir}");
        }
    }
    let checked = released(&fixture, ADA, true, Some(EVE)).await;
    checked.expect("possible");
    let found = seen(&fixture, ADA, &project.id).await.expect("found");
    assert_eq!(found.into_inner().my_role(), Role::Owner);
    let done = released(&fixture, ADA, false, Some(EVE)).await;
    done.expect("released");
    let found = seen(&fixture, EVE, &project.id).await.expect("found");
    assert_eq!(found.into_inner().etag, "1.1-OWNER");
    assert_eq!(
        reason(seen(&fixture, ADA, &project.id).await),
        "PROJECT_NOT_FOUND"
    );
}

#[tokio::test]
async fn a_moment_that_there_is_not_is_refused() {
    let fixture = Fixture::new().await;
    let read = async |seconds, nanos| {
        let request = fixture.by_service(ReadAuditEntriesRequest {
            since: Some(Timestamp { seconds, nanos }),
            limit: 10,
            ..ReadAuditEntriesRequest::default()
        });
        fixture.client().read_audit_entries(request).await
    };
    for (seconds, nanos) in [
        (i64::MAX, 0),
        (-62_135_596_801, 0),
        (0, -1),
        (0, 1_000_000_000),
    ] {
        let refused = violations(read(seconds, nanos).await);
        assert_eq!(refused, [("since".to_owned(), "OUT_OF_RANGE".to_owned())]);
    }
    for (seconds, nanos) in [(253_402_300_799, 999_999_999), (-62_135_596_800, 0)] {
        read(seconds, nanos).await.expect("answered");
    }
}

#[tokio::test]
async fn services_get_all_that_is_kept_of_a_person() {
    let fixture = Fixture::new().await;
    let project = made(&fixture, "Engine").await;
    joined(&fixture, &project, BOB, Role::Viewer).await;
    let export = async |user_id: &str| {
        let request = fixture.by_service(ExportParticipationRequest {
            user_id: user_id.to_owned(),
        });
        let answer = fixture.client().export_participation(request).await;
        answer.map(|answer| answer.into_inner())
    };
    let data = export(BOB).await.expect("answered");
    assert_eq!(data.memberships[0].project_name, "Engine");
    assert_eq!(data.memberships[0].role(), Role::Viewer);
    for nobody in [NOBODY, "no id"] {
        let data = export(nobody).await.expect("answered");
        assert_eq!(data, ParticipationData::default());
    }
    assert!(export("").await.is_err());
}
