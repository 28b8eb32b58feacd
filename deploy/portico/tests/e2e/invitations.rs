//! Invitations, over REST.

use serde_json::{Value, json};

use crate::{Instance, Person, in_both_shapes, rest::detail};

in_both_shapes! {
    an_invitation_may_be_older_than_the_account,
    owners_and_admins_invite,
    an_address_is_invited_once_and_not_as_an_owner,
    an_invitation_is_answered_by_its_verified_address_alone,
    an_invitation_that_is_not_pending_is_not_accepted,
    a_member_needs_no_invitation,
    one_key_invites_once,
    an_archived_project_invites_nobody,
    an_invitation_accepted_twice_at_once_makes_one_member,
    of_accepting_and_revoking_at_once_one_happens,
    lists_of_invitations_are_walked_and_filtered,
}

fn id(value: &Value) -> &str {
    value["id"].as_str().expect("an id")
}

/// The path of the invitations into a project.
fn path(project: &Value) -> String {
    format!("/api/v1/projects/{}/invitations", id(project))
}

async fn invite(portico: &Instance, by: &Person, project: &Value, email: &str) -> Value {
    let call = portico.call(&format!("POST {}", path(project))).bearer(by);
    let body = json!({"email": email, "role": "MEMBER"});
    call.json(body).expect(201).await
}

/// The line of a call that answers an invitation.
fn answer(invitation: &Value, verb: &str) -> String {
    format!("POST /api/v1/invitations/{}/{verb}", id(invitation))
}

async fn an_invitation_may_be_older_than_the_account(portico: &Instance) {
    let ada = portico.register("ada").await;
    let project = portico.project(&ada, "Apollo").await;
    let made = invite(portico, &ada, &project, "Bob@Example.com").await;
    assert_eq!(made["projectId"], project["id"]);
    assert_eq!(made["projectName"], "Apollo");
    assert_eq!(made["email"], "Bob@Example.com");
    assert_eq!(made["role"], "MEMBER");
    assert_eq!(made["status"], "PENDING");
    assert_eq!(made["invitedBy"], json!({"id": ada.id, "name": "ada"}));
    assert!(made["createdAt"].is_string() && made["expiresAt"].is_string());
    assert_eq!(made.as_object().expect("an object").len(), 9);

    let bob = portico.verified("bob").await;
    let mine = portico.call("GET /api/v1/invitations").bearer(&bob);
    assert_eq!(mine.expect(200).await, json!([made]));
    let hidden = portico.call(&format!("GET /api/v1/projects/{}", id(&project)));
    hidden.bearer(&bob).refused(404, "PROJECT_NOT_FOUND").await;
    let accept = portico.call(&answer(&made, "accept")).bearer(&bob);
    let member = accept.expect(200).await;
    assert_eq!(
        (&member["user"]["id"], &member["role"]),
        (&json!(bob.id), &json!("MEMBER"))
    );
    let again = portico.call(&answer(&made, "accept")).bearer(&bob);
    assert_eq!(again.expect(200).await, member);
    let seen = portico.call(&format!("GET /api/v1/projects/{}", id(&project)));
    let seen = seen.bearer(&bob).expect(200).await;
    assert_eq!(
        (&seen["myRole"], &seen["memberCount"]),
        (&json!("MEMBER"), &json!(2))
    );
    let list = portico
        .call(&format!("GET {}", path(&project)))
        .bearer(&ada);
    assert_eq!(list.expect(200).await[0]["status"], "ACCEPTED");
    let mine = portico.call("GET /api/v1/invitations").bearer(&bob);
    assert_eq!(mine.expect(200).await, json!([]));

    let leave = format!(
        "DELETE /api/v1/projects/{}/members/{}",
        id(&project),
        bob.id
    );
    portico.call(&leave).bearer(&bob).expect(200).await;
    let again = portico.call(&answer(&made, "accept")).bearer(&bob);
    again.refused(409, "INVITATION_NOT_PENDING").await;
}

async fn owners_and_admins_invite(portico: &Instance) {
    let owner = portico.register("owner").await;
    let project = portico.project(&owner, "Team").await;
    let known = invite(portico, &owner, &project, "kim@example.com").await;
    let one = format!("{}/{}", path(&project), id(&known));
    let calls = [
        (
            format!("POST {}", path(&project)),
            json!({"email": "x@example.com", "role": "VIEWER"}),
        ),
        (format!("GET {}", path(&project)), Value::Null),
        (format!("POST {one}/resend"), json!({})),
        (format!("DELETE {one}"), Value::Null),
    ];
    let outcomes = async |person: &Person| {
        let mut outcomes = Vec::new();
        for (line, body) in &calls {
            let mut call = portico.call(line).bearer(person);
            if !body.is_null() {
                call = call.json(body.clone());
            }
            let answer = call.send().await;
            let code = answer.body["error"]["code"].as_str().unwrap_or("OK");
            outcomes.push((answer.status.as_u16(), code.to_owned()));
        }
        outcomes
    };
    let all = |status: u16, code: &str| vec![(status, code.to_owned()); 4];
    let stranger = portico.register("stranger").await;
    assert_eq!(outcomes(&stranger).await, all(404, "PROJECT_NOT_FOUND"));
    let admin_of_all = portico.admin_person().await;
    assert_eq!(outcomes(&admin_of_all).await, all(404, "PROJECT_NOT_FOUND"));
    let members = format!("POST /api/v1/projects/{}/members", id(&project));
    for role in ["VIEWER", "MEMBER", "ADMIN"] {
        let person = portico.register(&role.to_lowercase()).await;
        let join = portico.call(&members).bearer(&owner);
        let body = json!({"userId": person.id, "role": role});
        join.json(body).expect(201).await;
        let expected = match role {
            "ADMIN" => vec![201, 200, 200, 200],
            _ => vec![403; 4],
        };
        let statuses = outcomes(&person)
            .await
            .into_iter()
            .map(|(status, _)| status);
        assert_eq!(statuses.collect::<Vec<_>>(), expected, "{role}");
    }
    for (line, _) in &calls {
        portico.call(line).refused(401, "UNAUTHENTICATED").await;
    }
    let other = portico.project(&stranger, "Other").await;
    let foreign = format!("DELETE {}/{}", path(&other), id(&known));
    let foreign = portico.call(&foreign).bearer(&stranger);
    foreign.refused(404, "INVITATION_NOT_FOUND").await;
}

async fn an_address_is_invited_once_and_not_as_an_owner(portico: &Instance) {
    let ada = portico.register("ada").await;
    let project = portico.project(&ada, "Apollo").await;
    let post = async |body: Value| {
        let call = portico.call(&format!("POST {}", path(&project)));
        call.bearer(&ada).json(body).send().await
    };
    for (body, expected) in [
        (
            json!({"email": "a@example.com", "role": "OWNER"}),
            ("role", "NOT_ALLOWED"),
        ),
        (
            json!({"email": "a@example.com", "role": "KING"}),
            ("role", "NOT_ALLOWED"),
        ),
        (json!({"email": "a@example.com"}), ("role", "REQUIRED")),
        (
            json!({"email": "nonsense", "role": "MEMBER"}),
            ("email", "EMAIL_INVALID"),
        ),
        (json!({"role": "MEMBER"}), ("email", "REQUIRED")),
        (
            json!({"email": "a@example.com", "role": "MEMBER", "status": "ACCEPTED"}),
            ("status", "UNKNOWN_FIELD"),
        ),
    ] {
        let error = post(body).await.error(400, "VALIDATION_FAILED");
        assert_eq!(detail(&error), expected);
    }
    let first = invite(portico, &ada, &project, "bob@b\u{fc}cher.example").await;
    let again = json!({"email": "BOB@xn--bcher-kva.example", "role": "VIEWER"});
    post(again.clone()).await.error(409, "ALREADY_INVITED");
    let mine = json!({"email": "ADA@example.com", "role": "VIEWER"});
    post(mine).await.error(409, "ALREADY_MEMBER");
    let revoke = format!("DELETE {}/{}", path(&project), id(&first));
    let revoked = portico.call(&revoke).bearer(&ada).expect(200).await;
    assert_eq!(revoked, Value::Null);
    let twice = portico.call(&revoke).bearer(&ada);
    twice.refused(409, "INVITATION_NOT_PENDING").await;
    let second = post(again).await.data(201);
    assert_ne!(second["id"], first["id"]);
    let resend = format!("POST {}/{}/resend", path(&project), id(&first));
    let resent = portico.call(&resend).bearer(&ada);
    resent.refused(409, "INVITATION_NOT_PENDING").await;
    let resend = format!("POST {}/{}/resend", path(&project), id(&second));
    let resent = portico.call(&resend).bearer(&ada).expect(200).await;
    assert_eq!(resent["status"], "PENDING");
    assert!(resent["expiresAt"].as_str() >= second["expiresAt"].as_str());
}

async fn an_invitation_is_answered_by_its_verified_address_alone(portico: &Instance) {
    let ada = portico.register("ada").await;
    let unverified = portico.register("unverified").await;
    let eve = portico.verified("eve").await;
    let project = portico.project(&ada, "Apollo").await;
    let invitation = invite(portico, &ada, &project, &unverified.email).await;
    let list = portico.call("GET /api/v1/invitations").bearer(&unverified);
    let list = list.send().await;
    assert_eq!(list.body["meta"]["pagination"]["total"], 0);
    assert_eq!(list.data(200), json!([]));
    for verb in ["accept", "decline"] {
        let line = answer(&invitation, verb);
        let own = portico.call(&line).bearer(&unverified);
        own.refused(403, "EMAIL_NOT_VERIFIED").await;
        // Not even the one who invited, nor an administrator.
        let admin = portico.admin_person().await;
        for other in [&eve, &ada, &admin] {
            let foreign = portico.call(&line).bearer(other);
            foreign.refused(404, "INVITATION_NOT_FOUND").await;
        }
        portico.call(&line).refused(401, "UNAUTHENTICATED").await;
        let malformed = portico.call(&format!("POST /api/v1/invitations/x/{verb}"));
        let malformed = malformed.bearer(&eve);
        malformed.refused(404, "INVITATION_NOT_FOUND").await;
    }
}

async fn an_invitation_that_is_not_pending_is_not_accepted(portico: &Instance) {
    let ada = portico.register("ada").await;
    let bob = portico.verified("bob").await;
    let project = portico.project(&ada, "Apollo").await;
    let revoked = invite(portico, &ada, &project, &bob.email).await;
    let revoke = format!("DELETE {}/{}", path(&project), id(&revoked));
    portico.call(&revoke).bearer(&ada).expect(200).await;
    let declined = invite(portico, &ada, &project, &bob.email).await;
    for _ in 0..2 {
        let decline = portico.call(&answer(&declined, "decline")).bearer(&bob);
        let expected = {
            let mut expected = declined.clone();
            expected["status"] = json!("DECLINED");
            expected
        };
        assert_eq!(decline.expect(200).await, expected);
    }
    for ended in [&revoked, &declined] {
        let accept = portico.call(&answer(ended, "accept")).bearer(&bob);
        accept.refused(409, "INVITATION_NOT_PENDING").await;
    }
    let decline = portico.call(&answer(&revoked, "decline")).bearer(&bob);
    decline.refused(409, "INVITATION_NOT_PENDING").await;
    let pending = invite(portico, &ada, &project, &bob.email).await;
    let delete = format!("DELETE /api/v1/projects/{}", id(&project));
    portico.call(&delete).bearer(&ada).expect(200).await;
    let accept = portico.call(&answer(&pending, "accept")).bearer(&bob);
    accept.refused(404, "INVITATION_NOT_FOUND").await;
    let mine = portico.call("GET /api/v1/invitations").bearer(&bob);
    assert_eq!(mine.expect(200).await, json!([]));
}

async fn a_member_needs_no_invitation(portico: &Instance) {
    let ada = portico.register("ada").await;
    let bob = portico.verified("bob").await;
    let project = portico.project(&ada, "Apollo").await;
    let invitation = invite(portico, &ada, &project, &bob.email).await;
    let members = format!("/api/v1/projects/{}/members", id(&project));
    let add = portico.call(&format!("POST {members}")).bearer(&ada);
    let body = json!({"userId": bob.id, "role": "VIEWER"});
    add.json(body).expect(201).await;
    let accept = portico.call(&answer(&invitation, "accept")).bearer(&bob);
    accept.refused(409, "ALREADY_MEMBER").await;
    let list = portico
        .call(&format!("GET {}", path(&project)))
        .bearer(&ada);
    assert_eq!(list.expect(200).await[0]["status"], "REVOKED");
    let remove = portico.call(&format!("DELETE {members}/{}", bob.id));
    remove.bearer(&ada).expect(200).await;
    let accept = portico.call(&answer(&invitation, "accept")).bearer(&bob);
    accept.refused(409, "INVITATION_NOT_PENDING").await;
}

async fn one_key_invites_once(portico: &Instance) {
    let ada = portico.register("ada").await;
    let project = portico.project(&ada, "Apollo").await;
    let post = async |email: &str| {
        let call = portico.call(&format!("POST {}", path(&project)));
        let call = call.bearer(&ada).header("Idempotency-Key", "k");
        let body = json!({"email": email, "role": "VIEWER"});
        call.json(body).send().await
    };
    let bob = "bob@example.com";
    let (one, other) = tokio::join!(post(bob), post(bob));
    assert_eq!(one.data(201), other.data(201));
    let replay = post(bob).await;
    assert_eq!(replay.header("idempotency-replayed"), Some("true"));
    let eve = post("eve@example.com").await;
    eve.error(422, "IDEMPOTENCY_KEY_REUSED");
    let list = portico
        .call(&format!("GET {}", path(&project)))
        .bearer(&ada);
    assert_eq!(list.expect(200).await.as_array().expect("a list").len(), 1);
}

async fn an_archived_project_invites_nobody(portico: &Instance) {
    let ada = portico.register("ada").await;
    let bob = portico.verified("bob").await;
    let project = portico.project(&ada, "Apollo").await;
    let invitation = invite(portico, &ada, &project, &bob.email).await;
    let archive = format!("POST /api/v1/projects/{}/archive", id(&project));
    portico.call(&archive).bearer(&ada).expect(200).await;
    let call = portico
        .call(&format!("POST {}", path(&project)))
        .bearer(&ada);
    let body = json!({"email": "eve@example.com", "role": "MEMBER"});
    call.json(body).refused(409, "PROJECT_ARCHIVED").await;
    let resend = format!("POST {}/{}/resend", path(&project), id(&invitation));
    let resend = portico.call(&resend).bearer(&ada);
    resend.refused(409, "PROJECT_ARCHIVED").await;
    let accept = portico.call(&answer(&invitation, "accept")).bearer(&bob);
    accept.refused(409, "PROJECT_ARCHIVED").await;
    let decline = portico.call(&answer(&invitation, "decline")).bearer(&bob);
    decline.expect(200).await;
}

async fn an_invitation_accepted_twice_at_once_makes_one_member(portico: &Instance) {
    let ada = portico.register("ada").await;
    let bob = portico.verified("bob").await;
    for round in 0..5 {
        let project = portico.project(&ada, &format!("Round {round}")).await;
        let invitation = invite(portico, &ada, &project, &bob.email).await;
        let accept = async || {
            let call = portico.call(&answer(&invitation, "accept")).bearer(&bob);
            call.expect(200).await
        };
        let (one, two, three) = tokio::join!(accept(), accept(), accept());
        assert!(one == two && two == three);
        let seen = portico.call(&format!("GET /api/v1/projects/{}", id(&project)));
        assert_eq!(seen.bearer(&bob).expect(200).await["memberCount"], 2);
    }
}

async fn of_accepting_and_revoking_at_once_one_happens(portico: &Instance) {
    let ada = portico.register("ada").await;
    let bob = portico.verified("bob").await;
    for round in 0..5 {
        let project = portico.project(&ada, &format!("Round {round}")).await;
        let invitation = invite(portico, &ada, &project, &bob.email).await;
        let revoke = format!("DELETE {}/{}", path(&project), id(&invitation));
        let (accepted, revoked) = tokio::join!(
            portico
                .call(&answer(&invitation, "accept"))
                .bearer(&bob)
                .send(),
            portico.call(&revoke).bearer(&ada).send(),
        );
        let (status, refused) = if accepted.status == 200 {
            ("ACCEPTED", revoked)
        } else {
            revoked.data(200);
            ("REVOKED", accepted)
        };
        refused.error(409, "INVITATION_NOT_PENDING");
        let list = portico
            .call(&format!("GET {}", path(&project)))
            .bearer(&ada);
        assert_eq!(list.expect(200).await[0]["status"], status);
    }
}

async fn lists_of_invitations_are_walked_and_filtered(portico: &Instance) {
    let ada = portico.register("ada").await;
    let bob = portico.verified("bob").await;
    let (mut projects, mut invitations) = (Vec::new(), Vec::new());
    for round in 0..3 {
        let project = portico.project(&ada, &format!("Round {round}")).await;
        invitations.push(invite(portico, &ada, &project, &bob.email).await);
        projects.push(project);
    }
    invitations.reverse();
    let (mut walked, mut cursor) = (Vec::new(), String::new());
    loop {
        let line = format!("GET /api/v1/invitations?limit=2{cursor}");
        let page = portico.call(&line).bearer(&bob).send().await.body;
        walked.extend(page["data"].as_array().expect("a list").clone());
        assert_eq!(page["meta"]["pagination"]["total"], 3);
        match page["meta"]["pagination"]["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(walked, invitations);
    let oldest = portico.call("GET /api/v1/invitations?sort=createdAt&limit=1");
    let oldest = oldest.bearer(&bob).expect(200).await;
    assert_eq!(oldest, json!([invitations[2]]));
    let of_project = async |query: &str| {
        let line = format!("GET {}?{query}", path(&projects[0]));
        portico.call(&line).bearer(&ada).send().await
    };
    let pending = of_project("status=PENDING").await.data(200);
    assert_eq!(pending, json!([invitations[2]]));
    assert_eq!(of_project("status=EXPIRED").await.data(200), json!([]));
    for (query, field, code) in [
        ("status=OPEN", "status", "NOT_ALLOWED"),
        ("sort=email", "sort", "NOT_ALLOWED"),
        ("limit=0", "limit", "OUT_OF_RANGE"),
        ("page=1&cursor=x", "page", "NOT_ALLOWED"),
        ("cursor=x", "cursor", "CURSOR_INVALID"),
        ("email=bob@example.com", "email", "UNKNOWN_FIELD"),
    ] {
        let error = of_project(query).await.error(400, "VALIDATION_FAILED");
        assert_eq!(detail(&error), (field, code), "{query}");
    }
}
