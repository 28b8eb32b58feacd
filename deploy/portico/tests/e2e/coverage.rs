//! Every RPC has its policy enforced by its service itself, whoever stands
//! before it; and the RPCs that only services call do what they say.

use portico_proto::{CallerClass, METHODS};
use serde_json::{Value, json};

use crate::{Instance, Person, in_both_shapes};

in_both_shapes! {
    every_method_refuses_the_callers_that_its_policy_excludes,
    internal_methods_answer_services,
    identity_headers_of_strangers_count_for_nothing,
}

/// What a call without a useful message comes to.
async fn outcome(portico: &Instance, path: &str, token: Option<&str>) -> String {
    let name = path.trim_start_matches('/').replace('/', ".");
    match portico.grpc(&name, token, &[], &json!({})).await {
        Ok(_) => "OK".to_owned(),
        Err(error) => error.reason.into_owned(),
    }
}

async fn every_method_refuses_the_callers_that_its_policy_excludes(portico: &Instance) {
    portico.register("ada").await;
    let is_refused = |outcome: &str| ["UNAUTHENTICATED", "FORBIDDEN"].contains(&outcome);
    for method in METHODS {
        // Signed in anew each time: some methods end sessions, and a service
        // token lasts for a minute.
        let service = portico.service_token();
        let ada = portico.login("ada@example.com").await;
        let nobody = outcome(portico, method.path, None).await;
        let forged = outcome(portico, method.path, Some("eyJhbGciOiJub25lIn0.e30.")).await;
        let peer = outcome(portico, method.path, Some(&service)).await;
        let person = outcome(portico, method.path, Some(&ada.token)).await;
        if method.caller == CallerClass::Public {
            assert!(!is_refused(&nobody), "{}: {nobody}", method.path);
            continue;
        }
        assert_eq!(nobody, "UNAUTHENTICATED", "{}", method.path);
        assert_eq!(forged, "UNAUTHENTICATED", "{}", method.path);
        let is_for_people = method.caller == CallerClass::User;
        assert_eq!(
            !is_refused(&person),
            is_for_people,
            "{}: {person}",
            method.path
        );
        let is_for_services = method.caller == CallerClass::Service;
        assert_eq!(
            !is_refused(&peer),
            is_for_services,
            "{}: {peer}",
            method.path
        );
    }
}

async fn internal_methods_answer_services(portico: &Instance) {
    let (ada, bob) = (portico.register("ada").await, portico.register("bob").await);
    let project = portico.project(&ada, "Apollo").await;
    let service = portico.service_token();
    let call =
        async |name: &str, request: Value| portico.grpc(name, Some(&service), &[], &request).await;
    let ok = async |name: &str, request: Value| call(name, request).await.expect(name);

    let missing = project["id"].clone();
    let found = ok("BatchGetUsers", json!({"ids": [ada.id, missing, "no id"]})).await;
    assert_eq!(found["users"][0]["id"], json!(ada.id));
    assert_eq!(found["missingIds"], json!([missing, "no id"]));
    let ids: Vec<&str> = vec![&ada.id; 101];
    let error = call("BatchGetUsers", json!({"ids": ids}))
        .await
        .expect_err("too many");
    assert_eq!(
        (&*error.violations[0].field, &*error.violations[0].code),
        ("ids", "TOO_LONG")
    );

    let looked_up = ok("LookupUser", json!({"email": "ADA@example.com"})).await;
    assert_eq!(looked_up["id"], json!(ada.id));
    let error = call("LookupUser", json!({"email": "nobody"}))
        .await
        .expect_err("nobody");
    assert_eq!(error.reason, "USER_NOT_FOUND");

    let check = |user: &str, permission: &str| json!({"projectId": project["id"], "userId": user, "permission": permission});
    let checks = json!({"checks": [
        check(&ada.id, "OWN"), check(&bob.id, "READ"), check("no id", "READ"), check(&ada.id, "WRITE"),
    ]});
    let results = ok("CheckAccess", checks).await;
    let allowed: Vec<bool> = results["results"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["allowed"] == true)
        .collect();
    assert_eq!(allowed, [true, false, false, true]);
    assert_eq!(results["results"][0]["role"], "OWNER");
    let error = call(
        "CheckAccess",
        json!({"checks": [{"projectId": "x", "userId": "y"}]}),
    )
    .await;
    let error = error.expect_err("no permission");
    assert_eq!(&*error.violations[0].field, "checks[0].permission");

    let person = json!({"id": "01900000-0000-7000-8000-000000000001", "email": "kim@example.com", "name": "Kim"});
    let made = ok("CreateUser", person.clone()).await;
    assert_eq!(ok("CreateUser", person).await, made);
    assert_eq!(
        ok("PromoteUser", json!({"id": made["id"]})).await["role"],
        "ADMIN"
    );
    ok(
        "DeleteUser",
        json!({"id": made["id"], "validateOnly": true}),
    )
    .await;
    ok("DeleteUser", json!({"id": made["id"]})).await;
    let error = call("ReleaseUser", json!({"userId": ada.id}))
        .await
        .expect_err("an owner");
    assert_eq!(error.reason, "LAST_OWNER");
    ok("ReleaseUser", json!({"userId": bob.id})).await;
    let memberships = ok("ListMemberships", json!({"userId": ada.id})).await;
    let membership = json!({"projectId": project["id"], "role": "OWNER"});
    assert_eq!(memberships["memberships"], json!([membership]));
    let set = json!({"id": ada.id, "email": "ADA@example.com", "emailVerified": true});
    let user = ok("SetUserEmail", set).await;
    assert_eq!(
        (&user["email"], &user["emailVerified"]),
        (&json!(ada.email), &json!(true))
    );
    let error = call("SetUserEmail", json!({"id": ada.id, "email": bob.email})).await;
    assert_eq!(error.expect_err("taken").reason, "EMAIL_EXISTS");
    let state = ok("GetPasswordState", json!({"userId": ada.id})).await;
    assert_eq!(state["isSet"], true);
    let state = ok("GetPasswordState", json!({"userId": missing})).await;
    assert_eq!(state["isSet"], false);
    let link = |person: &Person, purpose: &str| json!({"userId": person.id, "email": person.email, "purpose": purpose});
    let minted = ok("MintLink", link(&ada, "RESET_PASSWORD")).await;
    assert!(minted["token"].as_str().unwrap().starts_with("plk_"));
    for moot in [
        link(&ada, "VERIFY_EMAIL"),
        link(&ada, "SET_PASSWORD"),
        link(&ada, "UNDO_EMAIL_CHANGE"),
        json!({"userId": ada.id, "email": bob.email, "purpose": "RESET_PASSWORD"}),
        json!({"userId": missing, "email": ada.email, "purpose": "RESET_PASSWORD"}),
    ] {
        let error = call("MintLink", moot).await.expect_err("moot");
        assert_eq!(error.reason, "LINK_NOT_NEEDED");
    }
    let error = call("MintLink", json!({"userId": ada.id, "email": ada.email})).await;
    let error = error.expect_err("no purpose");
    assert_eq!(&*error.violations[0].field, "purpose");
    let data = ok("ExportPerson", json!({"id": ada.id})).await;
    assert_eq!(data["user"]["id"], json!(ada.id));
    let error = call("ExportPerson", json!({"id": missing})).await;
    assert_eq!(error.expect_err("nobody").reason, "USER_NOT_FOUND");
    let data = ok("ExportAccount", json!({"userId": ada.id})).await;
    assert!(data["passwordSetAt"].is_string());
    let data = ok("ExportParticipation", json!({"userId": ada.id})).await;
    assert_eq!(data["memberships"][0]["role"], "OWNER");
    let ticket = portico.call("POST /api/v1/events/ticket").bearer(&ada);
    let ticket = ticket.expect(200).await;
    let holder = ok("RedeemEventsTicket", ticket.clone()).await;
    assert_eq!(
        (&holder["userId"], &holder["role"]),
        (&json!(ada.id), &json!("MEMBER"))
    );
    let error = call("RedeemEventsTicket", ticket).await.expect_err("used");
    assert_eq!(error.reason, "UNAUTHENTICATED");
    let error = call("ReleaseUser", json!({"userId": ada.id, "heirId": missing}))
        .await
        .expect_err("no heir");
    assert_eq!(error.reason, "USER_NOT_FOUND");
    let release = json!({"userId": ada.id, "heirId": bob.id});
    ok("ReleaseUser", release).await;
    let check = json!({"checks": [check(&bob.id, "OWN"), check(&ada.id, "READ")]});
    let results = ok("CheckAccess", check).await;
    assert_eq!(results["results"][0]["allowed"], true);
    assert_eq!(results["results"][1]["allowed"], false);
    let first = ok("WatchRevocations", json!({})).await;
    assert!(first["cursor"].is_string());

    let of = |service: &str| format!("portico.{service}.WatchEvents");
    let beginning =
        json!({"cursor": "0", "types": ["user.created", "session.created", "project.created"]});
    for (service, kind, subject) in [
        ("users.v1.UsersService", "user.created", None),
        ("auth.v1.AuthService", "session.created", None),
        (
            "projects.v1.ProjectsService",
            "project.created",
            project["id"].as_str(),
        ),
    ] {
        let first = ok(&of(service), beginning.clone()).await;
        let event = &first["event"];
        assert_eq!(event["type"], kind);
        assert!(event["actor"]["type"].is_string());
        assert!(subject.is_none_or(|id| event["resource"]["id"] == id));
        let error = call(&of(service), json!({"cursor": "x"})).await;
        let error = error.expect_err("no cursor");
        assert_eq!(&*error.violations[0].code, "CURSOR_INVALID");
    }
}

async fn identity_headers_of_strangers_count_for_nothing(portico: &Instance) {
    let ada = portico.register("ada").await;
    let service = portico.service_token();
    for (name, value) in [
        ("portico-service", service.as_str()),
        ("x-user-id", ada.id.as_str()),
        ("grpc-metadata-authorization", ada.token.as_str()),
        ("portico-service-bin", "AAAA"),
    ] {
        let call = portico.call("GET /api/v1/auth/me").header(name, value);
        call.refused(401, "UNAUTHENTICATED").await;
    }
    let spoofed = portico
        .call("POST /api/v1/auth/login")
        .header("portico-client-ip", "203.0.113.9");
    let body = json!({"email": ada.email, "password": crate::instance::PASSWORD});
    let data = spoofed
        .header("X-Forwarded-For", "203.0.113.9")
        .json(body)
        .expect(200)
        .await;
    let sessions = portico
        .call("GET /api/v1/auth/sessions")
        .token(data["token"].as_str().unwrap());
    let sessions = sessions.expect(200).await;
    assert!(
        sessions
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["ip"] == "127.0.0.1")
    );
}
