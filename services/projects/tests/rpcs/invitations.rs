//! Invitations, and whose they are.

use std::time::Duration;

use portico_chassis::caller::metadata;
use portico_proto::projects::{
    AcceptInvitationRequest, CreateInvitationRequest, DeclineInvitationRequest,
    DeleteInvitationRequest, Invitation, ListInvitationsRequest, ListMyInvitationsRequest,
    ListMyInvitationsResponse, Member, Project, ResendInvitationRequest, UpdateProjectRequest,
    invitation::Status, member::Role,
};
use serde_json::{Value, json};

use super::{
    fixture::{self, ADA, BOB, DISABLED, EVE, Fixture, NOBODY, Reply, ZOE, reason, violations},
    made,
};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn inviting(project: &Project, email: &str) -> CreateInvitationRequest {
    CreateInvitationRequest {
        project_id: project.id.clone(),
        email: email.to_owned(),
        role: Role::Member.into(),
    }
}

async fn invited(fixture: &Fixture, project: &Project, email: &str) -> Invitation {
    let request = fixture.by(ADA, inviting(project, email));
    let answer = fixture.client().create_invitation(request).await;
    answer.expect("invited").into_inner()
}

async fn accept(fixture: &Fixture, by: &str, id: &str) -> Reply<Member> {
    let id = id.to_owned();
    let request = fixture.by(by, AcceptInvitationRequest { id });
    fixture.client().accept_invitation(request).await
}

async fn decline(fixture: &Fixture, by: &str, id: &str) -> Reply<Invitation> {
    let id = id.to_owned();
    let request = fixture.by(by, DeclineInvitationRequest { id });
    fixture.client().decline_invitation(request).await
}

async fn revoke(fixture: &Fixture, by: &str, project_id: &str, id: &str) -> Reply<()> {
    let request = DeleteInvitationRequest {
        project_id: project_id.to_owned(),
        id: id.to_owned(),
    };
    let request = fixture.by(by, request);
    fixture.client().delete_invitation(request).await
}

async fn resend(fixture: &Fixture, by: &str, project_id: &str, id: &str) -> Reply<Invitation> {
    let request = ResendInvitationRequest {
        project_id: project_id.to_owned(),
        id: id.to_owned(),
    };
    let request = fixture.by(by, request);
    fixture.client().resend_invitation(request).await
}

async fn mine(fixture: &Fixture, by: &str) -> ListMyInvitationsResponse {
    let request = fixture.by(by, ListMyInvitationsRequest::default());
    let answer = fixture.client().list_my_invitations(request).await;
    answer.expect("listed").into_inner()
}

/// The statuses in the list of a project's invitations.
async fn statuses(fixture: &Fixture, project: &Project, status: Option<Status>) -> Vec<Status> {
    let request = ListInvitationsRequest {
        project_id: project.id.clone(),
        status: status.map(Into::into),
        sort: Some("createdAt".to_owned()),
        ..Default::default()
    };
    let request = fixture.by(ADA, request);
    let answer = fixture.client().list_invitations(request).await;
    let listed = answer.expect("listed").into_inner();
    listed.invitations.iter().map(Invitation::status).collect()
}

#[tokio::test]
async fn an_invitation_names_project_and_inviter_as_they_are_now() {
    let fixture = Fixture::new().await;
    let project = made(&fixture, "Engine").await;
    let invitation = invited(&fixture, &project, " Bob@Example.com ").await;
    assert_eq!(invitation.email, "Bob@Example.com");
    assert_eq!(invitation.project_id, project.id);
    assert_eq!(invitation.project_name, "Engine");
    assert_eq!(invitation.role(), Role::Member);
    assert_eq!(invitation.status(), Status::Pending);
    let inviter = invitation.invited_by.clone().expect("an inviter");
    assert_eq!((inviter.id.as_str(), inviter.name.as_str()), (ADA, "Ada"));
    let [created_at, expires_at] = [invitation.created_at, invitation.expires_at];
    let seconds = expires_at.expect("a time").seconds - created_at.expect("a time").seconds;
    assert_eq!(seconds, 7 * 24 * 3600);
    let rename = UpdateProjectRequest {
        id: project.id.clone(),
        name: Some("Mill".to_owned()),
        ..Default::default()
    };
    let renamed = fixture
        .client()
        .update_project(fixture.by(ADA, rename))
        .await;
    renamed.expect("renamed");
    let expected = Invitation {
        project_name: "Mill".to_owned(),
        ..invitation
    };
    assert_eq!(mine(&fixture, BOB).await.invitations, [expected]);
}

#[tokio::test]
async fn an_invitation_needs_an_address_and_a_role_other_than_owner() {
    let fixture = Fixture::new().await;
    let project = made(&fixture, "Engine").await;
    let long = format!("{}@example.com", "a".repeat(250));
    for (email, email_code, role, role_code) in [
        ("", "REQUIRED", 0, "REQUIRED"),
        ("no address", "EMAIL_INVALID", 1, "NOT_ALLOWED"),
        (long.as_str(), "TOO_LONG", 9, "NOT_ALLOWED"),
    ] {
        let request = CreateInvitationRequest {
            role,
            ..inviting(&project, email)
        };
        let refused = fixture
            .client()
            .create_invitation(fixture.by(ADA, request))
            .await;
        let expected = [("email", email_code), ("role", role_code)]
            .map(|(field, code)| (field.to_owned(), code.to_owned()));
        assert_eq!(violations(refused), expected);
    }
}

#[tokio::test]
async fn a_repeated_invitation_is_answered_again_and_says_so() {
    let fixture = Fixture::new().await;
    let project = made(&fixture, "Engine").await;
    let invite = async |email: &str| {
        let mut request = fixture.by(ADA, inviting(&project, email));
        fixture::with(&mut request, |call| {
            call.idempotency_key = Some("key".to_owned());
        });
        fixture.client().create_invitation(request).await
    };
    let first = invite("bob@example.com").await.expect("invited");
    let second = invite("bob@example.com").await.expect("replayed");
    let replayed = second.metadata().get(metadata::IDEMPOTENCY_REPLAYED);
    assert!(replayed.is_some_and(|value| value == "true"));
    assert_eq!(first.into_inner(), second.into_inner());
    let other = invite("eve@example.com").await;
    assert_eq!(reason(other), "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test]
async fn who_does_not_manage_a_project_learns_nothing_of_its_invitations() {
    let fixture = Fixture::new().await;
    let project = made(&fixture, "Engine").await;
    let known = invited(&fixture, &project, "bob@example.com").await;
    for id in [known.id.as_str(), NOBODY, "x", ""] {
        let refusals = [
            reason(revoke(&fixture, EVE, &project.id, id).await),
            reason(resend(&fixture, EVE, &project.id, id).await),
        ];
        assert_eq!(refusals, ["PROJECT_NOT_FOUND"; 2]);
    }
    let list = ListInvitationsRequest {
        project_id: project.id.clone(),
        ..Default::default()
    };
    let list = fixture.by(EVE, list);
    let list = fixture.client().list_invitations(list).await;
    assert_eq!(reason(list), "PROJECT_NOT_FOUND");
    let invite = fixture.by(EVE, inviting(&project, "bob@example.com"));
    let invite = fixture.client().create_invitation(invite).await;
    assert_eq!(reason(invite), "PROJECT_NOT_FOUND");
    accept(&fixture, BOB, &known.id).await.expect("accepted");
    for id in [known.id.as_str(), "x"] {
        let refused = revoke(&fixture, BOB, &project.id, id).await;
        assert_eq!(reason(refused), "FORBIDDEN");
    }
    for id in [NOBODY, "x", ""] {
        let refused = revoke(&fixture, ADA, &project.id, id).await;
        assert_eq!(reason(refused), "INVITATION_NOT_FOUND");
    }
    let other = made(&fixture, "Mill").await;
    let refused = resend(&fixture, ADA, &other.id, &known.id).await;
    assert_eq!(reason(refused), "INVITATION_NOT_FOUND");
}

#[tokio::test]
async fn the_person_with_the_verified_address_answers() {
    let fixture = Fixture::new().await;
    let project = made(&fixture, "Engine").await;
    let of_bob = invited(&fixture, &project, "BOB@example.com").await;
    fixture.clock.advance(Duration::from_secs(1));
    let of_eve = invited(&fixture, &project, "eve@example.com").await;
    for id in [of_bob.id.as_str(), NOBODY, "x", ""] {
        let refusals = [
            reason(accept(&fixture, EVE, id).await),
            reason(decline(&fixture, EVE, id).await),
        ];
        assert_eq!(refusals, ["INVITATION_NOT_FOUND"; 2]);
    }
    let member = accept(&fixture, BOB, &of_bob.id).await.expect("accepted");
    let member = member.into_inner();
    assert_eq!(member.role(), Role::Member);
    let user = member.user.clone().expect("a person");
    assert_eq!((user.id.as_str(), user.email()), (BOB, "bob@example.com"));
    let again = accept(&fixture, BOB, &of_bob.id).await.expect("accepted");
    assert_eq!(again.into_inner(), member);
    let declined = decline(&fixture, EVE, &of_eve.id).await.expect("declined");
    let declined = declined.into_inner();
    assert_eq!(declined.status(), Status::Declined);
    assert_eq!(declined.invited_by.expect("an inviter").name, "Ada");
    let again = decline(&fixture, EVE, &of_eve.id).await.expect("declined");
    assert_eq!(again.into_inner().status(), Status::Declined);
    for (status, expected) in [
        (None, vec![Status::Accepted, Status::Declined]),
        (Some(Status::Accepted), vec![Status::Accepted]),
        (Some(Status::Pending), vec![]),
    ] {
        assert_eq!(statuses(&fixture, &project, status).await, expected);
    }
    assert!(mine(&fixture, BOB).await.invitations.is_empty());
}

#[tokio::test]
async fn an_address_that_is_not_verified_gets_no_invitations() {
    let fixture = Fixture::new().await;
    let project = made(&fixture, "Engine").await;
    let of_zoe = invited(&fixture, &project, "zoe@example.com").await;
    let of_bob = invited(&fixture, &project, "bob@example.com").await;
    let listed = mine(&fixture, ZOE).await;
    assert!(listed.invitations.is_empty());
    let page = listed.page_info.expect("a page");
    assert_eq!((page.total, page.has_more), (0, false));
    let refusals = [
        reason(accept(&fixture, ZOE, &of_zoe.id).await),
        reason(decline(&fixture, ZOE, &of_zoe.id).await),
    ];
    assert_eq!(refusals, ["EMAIL_NOT_VERIFIED"; 2]);
    let refused = accept(&fixture, ZOE, &of_bob.id).await;
    assert_eq!(reason(refused), "INVITATION_NOT_FOUND");
    // The token still counts, the account does not.
    let of_dan = invited(&fixture, &project, "dan@example.com").await;
    let refused = accept(&fixture, DISABLED, &of_dan.id).await;
    assert_eq!(reason(refused), "UNAUTHENTICATED");
    let request = fixture.by(DISABLED, ListMyInvitationsRequest::default());
    let refused = fixture.client().list_my_invitations(request).await;
    assert_eq!(reason(refused), "UNAUTHENTICATED");
}

#[tokio::test]
async fn an_invitation_expires_and_is_sent_again() {
    let fixture = Fixture::new().await;
    let project = made(&fixture, "Engine").await;
    let invitation = invited(&fixture, &project, "bob@example.com").await;
    fixture.clock.advance(7 * DAY);
    assert_eq!(statuses(&fixture, &project, None).await, [Status::Expired]);
    assert!(
        statuses(&fixture, &project, Some(Status::Pending))
            .await
            .is_empty()
    );
    assert!(mine(&fixture, BOB).await.invitations.is_empty());
    let refused = accept(&fixture, BOB, &invitation.id).await;
    assert_eq!(reason(refused), "INVITATION_NOT_PENDING");
    let resent = resend(&fixture, ADA, &project.id, &invitation.id).await;
    let resent = resent.expect("resent").into_inner();
    assert_eq!(resent.status(), Status::Pending);
    assert_eq!(resent.invited_by, invitation.invited_by);
    assert_eq!(mine(&fixture, BOB).await.invitations, [resent]);
    revoke(&fixture, ADA, &project.id, &invitation.id)
        .await
        .expect("revoked");
    let refused = resend(&fixture, ADA, &project.id, &invitation.id).await;
    assert_eq!(reason(refused), "INVITATION_NOT_PENDING");
}

#[tokio::test]
async fn a_cursor_belongs_to_one_list_of_invitations() {
    let fixture = Fixture::new().await;
    let project = made(&fixture, "Engine").await;
    for name in ["bob", "eve", "zoe"] {
        invited(&fixture, &project, &format!("{name}@example.com")).await;
        fixture.clock.advance(DAY);
    }
    let request = ListInvitationsRequest {
        project_id: project.id.clone(),
        limit: Some(2),
        ..Default::default()
    };
    let first = fixture
        .client()
        .list_invitations(fixture.by(ADA, request.clone()))
        .await;
    let first = first.expect("listed").into_inner();
    let page = first.page_info.expect("a page");
    assert_eq!((page.total, page.has_more), (3, true));
    let next = ListInvitationsRequest {
        cursor: page.next_cursor,
        ..request
    };
    let second = fixture
        .client()
        .list_invitations(fixture.by(ADA, next.clone()))
        .await;
    let second = second.expect("listed").into_inner();
    assert_eq!(second.invitations[0].email, "bob@example.com");
    let other = ListInvitationsRequest {
        status: Some(Status::Pending.into()),
        sort: Some("email".to_owned()),
        ..next
    };
    let refused = fixture
        .client()
        .list_invitations(fixture.by(ADA, other))
        .await;
    let expected = [("cursor", "CURSOR_INVALID"), ("sort", "NOT_ALLOWED")]
        .map(|(field, code)| (field.to_owned(), code.to_owned()));
    assert_eq!(violations(refused), expected);
}

#[tokio::test]
async fn events_name_the_account_with_the_verified_address() {
    let fixture = Fixture::new().await;
    let project = made(&fixture, "Engine").await;
    let before = fixture.database.events().await.len();
    for name in ["bob", "zoe", "kim", "nobody"] {
        let email = format!("{name}@example.com");
        let invitation = invited(&fixture, &project, &email).await;
        let resent = resend(&fixture, ADA, &project.id, &invitation.id).await;
        resent.expect("resent");
        let revoked = revoke(&fixture, ADA, &project.id, &invitation.id).await;
        revoked.expect("revoked");
    }
    let told = fixture.database.events().await.split_off(before);
    let told: Vec<_> = told
        .iter()
        .map(|(kind, payload)| {
            let invitation: Value = serde_json::from_str(payload).expect("JSON");
            (kind.as_str(), invitation["account_id"].clone())
        })
        .collect();
    let kinds = [
        "invitation.created",
        "invitation.resent",
        "invitation.updated",
    ];
    // Neither an unverified nor a deleted account counts.
    let accounts = [json!(BOB), Value::Null, Value::Null, Value::Null];
    let expected = accounts
        .iter()
        .flat_map(|account| kinds.iter().map(|kind| (*kind, account.clone())));
    assert_eq!(told, expected.collect::<Vec<_>>());
}
