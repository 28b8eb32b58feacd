//! What ADMINs do in the place of other people.

use std::time::Instant;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{
    Instance, Person,
    api_keys::{SOON, make_key, until_refused},
    in_both_shapes,
    instance::PASSWORD,
};

in_both_shapes! {
    an_administrator_acts_as_somebody_else_and_both_are_on_record,
    an_impersonation_is_good_for_nothing_that_takes_the_person_itself,
    nobody_impersonates_an_administrator,
    an_impersonation_ends_with_a_logout,
    an_impersonation_ends_with_the_session_and_the_role_of_the_administrator,
    an_impersonation_ends_when_the_person_becomes_an_administrator,
    an_administrator_ends_all_sessions_of_somebody,
}

/// The person as this ADMIN impersonates it.
async fn impersonate(portico: &Instance, admin: &Person, person: &Person) -> Person {
    let call = portico.call(&format!("POST /api/v1/users/{}/impersonate", person.id));
    let call = call.bearer(admin).json(json!({"reason": "ticket 42"}));
    let answer = call.send().await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let data = answer.data(200);
    assert_eq!(data.as_object().expect("an object").len(), 2);
    Person {
        token: data["token"].as_str().expect("a token").to_owned(),
        refresh_token: String::new(),
        ..person.clone()
    }
}

/// A second ADMIN, whose role can be taken.
async fn another_admin(portico: &Instance, admin: &Person) -> Person {
    let kim = portico.register("kim").await;
    set(portico, admin, &kim, json!({"role": "ADMIN"})).await;
    until_refused(portico, &kim.token, "TOKEN_REVOKED").await;
    portico.login(&kim.email).await
}

async fn set(portico: &Instance, admin: &Person, person: &Person, change: Value) {
    let call = portico.call(&format!("PATCH /api/v1/users/{}", person.id));
    call.bearer(admin).json(change).expect(200).await;
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a payload");
    let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    serde_json::from_slice(&payload).expect("claims")
}

async fn an_administrator_acts_as_somebody_else_and_both_are_on_record(portico: &Instance) {
    let (admin, ada) = (portico.admin_person().await, portico.register("ada").await);
    let acting = impersonate(portico, &admin, &ada).await;
    let told = claims(&acting.token);
    assert_eq!(told["sub"], json!(ada.id));
    assert_eq!(told["act"], json!({"sub": admin.id}));
    assert_eq!(told["role"], "MEMBER");
    let lifetime = told["exp"].as_i64().unwrap() - told["iat"].as_i64().unwrap();
    assert!((3500..=3600).contains(&lifetime), "{lifetime}");

    let me = portico.call("GET /api/v1/auth/me").bearer(&acting);
    assert_eq!(me.expect(200).await["id"], json!(ada.id));
    let project = portico.project(&acting, "Apollo").await;
    assert_eq!(project["myRole"], "OWNER");
    let call = portico.call(&format!("PATCH /api/v1/users/{}", ada.id));
    let call = call.bearer(&acting).json(json!({"name": "Ada L."}));
    call.expect(200).await;

    let log = async |filter: &str| {
        let call = portico.call(&format!("GET /api/v1/audit-log?{filter}"));
        call.bearer(&admin).expect(200).await
    };
    let project = project["id"].as_str().unwrap();
    for filter in [
        format!("target={project}&action=project.created"),
        format!("target={}&action=user.updated", ada.id),
    ] {
        let entry = &log(&filter).await[0];
        assert_eq!(entry["actor"]["id"], json!(admin.id), "{entry}");
        assert_eq!(entry["details"]["impersonated"], json!(ada.id), "{entry}");
    }
    let entry = &log("action=impersonation.started").await[0];
    assert_eq!(entry["actor"]["id"], json!(admin.id));
    assert_eq!(entry["target"], json!({"type": "user", "id": ada.id}));
    assert_eq!(entry["details"]["reason"], "ticket 42");
    assert_eq!(entry["details"]["adminId"], json!(admin.id));
    for row in portico.outboxes().await {
        assert!(!row.contains(&acting.token), "{row}");
    }
}

async fn an_impersonation_is_good_for_nothing_that_takes_the_person_itself(portico: &Instance) {
    let (admin, ada, bob) = (
        portico.admin_person().await,
        portico.register("ada").await,
        portico.register("bob").await,
    );
    let (key, _) = make_key(portico, &ada, &["account:read"]).await;
    let acting = impersonate(portico, &admin, &ada).await;
    let revoke = portico.call(&format!("DELETE /api/v1/auth/api-keys/{key}"));
    revoke.bearer(&acting).refused(403, "FORBIDDEN").await;
    for (line, body) in [
        (
            "POST /api/v1/auth/api-keys".to_owned(),
            json!({"name": "x", "scopes": ["account:read"]}),
        ),
        (
            "POST /api/v1/auth/password/change".to_owned(),
            json!({"currentPassword": PASSWORD, "newPassword": "a new password"}),
        ),
        (
            "POST /api/v1/auth/reauthenticate".to_owned(),
            json!({"password": PASSWORD}),
        ),
        ("POST /api/v1/auth/logout-all".to_owned(), json!({})),
        (
            format!("POST /api/v1/users/{}/impersonate", bob.id),
            json!({"reason": "x"}),
        ),
        (
            "POST /api/v1/service-accounts".to_owned(),
            json!({"name": "x"}),
        ),
    ] {
        let call = portico.call(&line).bearer(&acting).json(body);
        call.refused(403, "FORBIDDEN").await;
    }
    let delete = portico.call(&format!("DELETE /api/v1/users/{}", ada.id));
    delete.bearer(&acting).refused(403, "FORBIDDEN").await;
    let other = portico.call(&format!("GET /api/v1/users/{}", bob.id));
    other.bearer(&acting).refused(404, "USER_NOT_FOUND").await;
    let list = portico.call("GET /api/v1/users").bearer(&acting);
    list.refused(403, "FORBIDDEN").await;
}

async fn nobody_impersonates_an_administrator(portico: &Instance) {
    let admin = portico.admin_person().await;
    let kim = another_admin(portico, &admin).await;
    let ada = portico.register("ada").await;
    let ask = |who: &Person, id: &str, body: Value| {
        let call = portico.call(&format!("POST /api/v1/users/{id}/impersonate"));
        call.bearer(who).json(body)
    };
    let reason = json!({"reason": "ticket 42"});
    for (who, id) in [(&admin, &kim.id), (&admin, &admin.id), (&ada, &kim.id)] {
        ask(who, id, reason.clone()).refused(403, "FORBIDDEN").await;
    }
    let nobody = "01900000-0000-7000-8000-000000000001";
    for id in ["1", nobody] {
        let call = ask(&admin, id, reason.clone());
        call.refused(404, "USER_NOT_FOUND").await;
    }
    let call = ask(&admin, &ada.id, json!({"reason": " "}));
    call.refused(400, "VALIDATION_FAILED").await;
    set(portico, &admin, &ada, json!({"status": "DISABLED"})).await;
    ask(&admin, &ada.id, reason).refused(403, "FORBIDDEN").await;
}

async fn an_impersonation_ends_with_a_logout(portico: &Instance) {
    let (admin, ada) = (portico.admin_person().await, portico.register("ada").await);
    let acting = impersonate(portico, &admin, &ada).await;
    let other = impersonate(portico, &admin, &ada).await;
    let call = portico.call("POST /api/v1/auth/logout").bearer(&acting);
    call.expect(200).await;
    assert!(until_refused(portico, &acting.token, "TOKEN_REVOKED").await < SOON);
    for token in [&other.token, &ada.token, &admin.token] {
        let me = portico.call("GET /api/v1/auth/me").token(token);
        me.expect(200).await;
    }
    // The person can end what is done as it is.
    let call = portico.call("POST /api/v1/auth/logout-all").bearer(&ada);
    call.expect(200).await;
    assert!(until_refused(portico, &other.token, "TOKEN_REVOKED").await < SOON);
}

async fn an_impersonation_ends_with_the_session_and_the_role_of_the_administrator(
    portico: &Instance,
) {
    let admin = portico.admin_person().await;
    let ada = portico.register("ada").await;
    let kim = another_admin(portico, &admin).await;
    let acting = impersonate(portico, &kim, &ada).await;
    let call = portico.call("POST /api/v1/auth/logout").bearer(&kim);
    call.expect(200).await;
    assert!(until_refused(portico, &acting.token, "TOKEN_REVOKED").await < SOON);

    for change in [json!({"role": "MEMBER"}), json!({"status": "DISABLED"})] {
        set(
            portico,
            &admin,
            &kim,
            json!({"role": "ADMIN", "status": "ACTIVE"}),
        )
        .await;
        let begun = Instant::now();
        // Its role may be seen only later.
        let acting = loop {
            let kim = portico.login(&kim.email).await;
            let call = portico.call(&format!("POST /api/v1/users/{}/impersonate", ada.id));
            let call = call.bearer(&kim).json(json!({"reason": "ticket 42"}));
            let answer = call.send().await;
            if answer.status == 200 {
                let data = answer.data(200);
                let token = data["token"].as_str().expect("a token").to_owned();
                let me = portico.call("GET /api/v1/auth/me").token(&token);
                if me.send().await.status == 200 {
                    break token;
                }
            }
            assert!(begun.elapsed() < crate::live::clients::PATIENCE);
        };
        set(portico, &admin, &kim, change).await;
        assert!(until_refused(portico, &acting, "TOKEN_REVOKED").await < SOON);
    }
}

async fn an_impersonation_ends_when_the_person_becomes_an_administrator(portico: &Instance) {
    let (admin, ada) = (portico.admin_person().await, portico.register("ada").await);
    let acting = impersonate(portico, &admin, &ada).await;
    set(portico, &admin, &ada, json!({"role": "ADMIN"})).await;
    assert!(until_refused(portico, &acting.token, "TOKEN_REVOKED").await < SOON);
}

async fn an_administrator_ends_all_sessions_of_somebody(portico: &Instance) {
    let (admin, ada) = (portico.admin_person().await, portico.register("ada").await);
    let other = portico.login(&ada.email).await;
    let path = format!("DELETE /api/v1/users/{}/sessions", ada.id);
    let bob = portico.register("bob").await;
    for stranger in [&bob, &ada] {
        let call = portico.call(&path).bearer(stranger);
        call.refused(403, "FORBIDDEN").await;
    }
    portico.call(&path).bearer(&admin).expect(200).await;
    for person in [&ada, &other] {
        assert!(until_refused(portico, &person.token, "TOKEN_REVOKED").await < SOON);
        let call = portico.call("POST /api/v1/auth/refresh");
        let call = call.json(json!({"refreshToken": person.refresh_token}));
        call.refused(401, "REFRESH_TOKEN_INVALID").await;
    }
    let me = portico.call("GET /api/v1/auth/me").bearer(&bob);
    me.expect(200).await;
    // There is an entry also where there was no session.
    portico.call(&path).bearer(&admin).expect(200).await;
    let call = portico.call(&format!("GET /api/v1/audit-log?actor={}", admin.id));
    let entries = call.bearer(&admin).expect(200).await;
    let entries = entries.as_array().expect("a list");
    let of = |action: &str| {
        let entries = entries.iter();
        entries.filter(|entry| entry["action"] == action).count()
    };
    assert_eq!(of("account.sessions_ended"), 2);
    assert_eq!(of("session.revoked"), 2);
    let reason = &entries
        .iter()
        .find(|entry| entry["action"] == "session.revoked");
    assert_eq!(reason.expect("one")["details"]["reason"], "ENDED_BY_ADMIN");
    let nobody = portico.call("DELETE /api/v1/users/1/sessions");
    nobody.bearer(&admin).refused(404, "USER_NOT_FOUND").await;
}
