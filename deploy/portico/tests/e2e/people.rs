//! The people of an installation, over REST.

use serde_json::{Value, json};

use crate::{Instance, Person, in_both_shapes, instance::PASSWORD, rest::detail};

in_both_shapes! {
    people_see_and_change_themselves_only,
    admins_manage_people,
    an_admin_cannot_change_its_own_role,
    a_change_of_an_old_version_is_refused,
    deleting_oneself_frees_nothing_but_ends_everything,
    a_sole_owner_cannot_be_deleted,
    an_admin_gives_the_projects_of_a_sole_owner_to_another_person,
    the_last_admin_cannot_be_deleted,
    lists_are_walked_by_page_and_by_cursor,
    a_list_refuses_what_it_does_not_know,
}

fn path(method: &str, person: &Person) -> String {
    format!("{method} /api/v1/users/{}", person.id)
}

async fn people_see_and_change_themselves_only(portico: &Instance) {
    let (ada, bob) = (portico.register("ada").await, portico.register("bob").await);
    portico
        .call(&path("GET", &ada))
        .bearer(&ada)
        .expect(200)
        .await;
    portico
        .call(&path("GET", &bob))
        .bearer(&ada)
        .refused(404, "USER_NOT_FOUND")
        .await;
    portico
        .call("GET /api/v1/users/me")
        .bearer(&ada)
        .refused(404, "USER_NOT_FOUND")
        .await;
    portico
        .call("GET /api/v1/users")
        .bearer(&ada)
        .refused(403, "FORBIDDEN")
        .await;
    let avatar = "https://example.com/ada.png";
    let patch = portico.call(&path("PATCH", &ada)).bearer(&ada);
    let changed = patch
        .json(json!({"name": "Ada L", "avatar": avatar}))
        .expect(200)
        .await;
    assert_eq!(
        (&changed["name"], &changed["avatar"]),
        (&json!("Ada L"), &json!(avatar))
    );
    let patch = portico.call(&path("PATCH", &ada)).bearer(&ada);
    let changed = patch.json(json!({"avatar": null})).expect(200).await;
    assert_eq!(
        (&changed["name"], &changed["avatar"]),
        (&json!("Ada L"), &Value::Null)
    );
    let patch = portico.call(&path("PATCH", &ada)).bearer(&ada);
    patch
        .json(json!({"role": "ADMIN"}))
        .refused(403, "FORBIDDEN")
        .await;
    let patch = portico.call(&path("PATCH", &bob)).bearer(&ada);
    patch
        .json(json!({"name": "x"}))
        .refused(404, "USER_NOT_FOUND")
        .await;
    let patch = portico.call(&path("PATCH", &ada)).bearer(&ada);
    let error = patch
        .json(json!({"name": null}))
        .refused(400, "VALIDATION_FAILED")
        .await;
    assert_eq!(detail(&error), ("name", "REQUIRED"));
    let patch = portico.call(&path("PATCH", &ada)).bearer(&ada);
    let error = patch
        .json(json!({"email": "x@example.com"}))
        .refused(400, "VALIDATION_FAILED")
        .await;
    assert_eq!(detail(&error), ("email", "UNKNOWN_FIELD"));
}

async fn admins_manage_people(portico: &Instance) {
    let admin = portico.admin_person().await;
    let body =
        json!({"email": "eve@example.com", "name": "Eve", "role": "ADMIN", "password": PASSWORD});
    let post = portico.call("POST /api/v1/users").bearer(&admin);
    let made = post
        .header("Idempotency-Key", "k")
        .json(body.clone())
        .expect(201)
        .await;
    assert_eq!(made["role"], "ADMIN");
    let post = portico.call("POST /api/v1/users").bearer(&admin);
    let replay = post
        .header("Idempotency-Key", "k")
        .json(body.clone())
        .send()
        .await;
    assert_eq!(replay.header("idempotency-replayed"), Some("true"));
    assert_eq!(replay.data(201), made);
    let post = portico.call("POST /api/v1/users").bearer(&admin);
    post.json(body).refused(409, "EMAIL_EXISTS").await;
    let eve = portico.login("eve@example.com").await;
    let patch = portico.call(&path("PATCH", &eve)).bearer(&admin);
    patch.json(json!({"status": "DISABLED"})).expect(200).await;
    let login = json!({"email": eve.email, "password": PASSWORD});
    let call = portico.call("POST /api/v1/auth/login").json(login);
    call.refused(403, "ACCOUNT_DISABLED").await;
    let login = json!({"email": eve.email, "password": "wrong password"});
    let call = portico.call("POST /api/v1/auth/login").json(login);
    call.refused(401, "INVALID_CREDENTIALS").await;
    let patch = portico.call(&path("PATCH", &eve)).bearer(&admin);
    let error = patch
        .json(json!({"status": "DELETED"}))
        .refused(400, "VALIDATION_FAILED")
        .await;
    assert_eq!(detail(&error), ("status", "NOT_ALLOWED"));
    portico
        .call(&path("DELETE", &eve))
        .bearer(&admin)
        .expect(200)
        .await;
    portico
        .call(&path("DELETE", &eve))
        .bearer(&admin)
        .refused(404, "USER_NOT_FOUND")
        .await;
    let deleted = portico
        .call("GET /api/v1/users?status=DELETED")
        .bearer(&admin);
    assert_eq!(deleted.expect(200).await[0]["id"], json!(eve.id));
    let restore = format!("POST /api/v1/users/{}/restore", eve.id);
    let restored = portico.call(&restore).bearer(&admin).expect(200).await;
    assert_eq!(
        (&restored["status"], &restored["deletedAt"]),
        (&json!("ACTIVE"), &Value::Null)
    );
    portico.login("eve@example.com").await;
}

async fn an_admin_cannot_change_its_own_role(portico: &Instance) {
    let admin = portico.admin_person().await;
    let patch = portico.call(&path("PATCH", &admin)).bearer(&admin);
    patch
        .json(json!({"role": "MEMBER"}))
        .refused(403, "FORBIDDEN")
        .await;
}

async fn a_change_of_an_old_version_is_refused(portico: &Instance) {
    let ada = portico.register("ada").await;
    let answer = portico.call(&path("GET", &ada)).bearer(&ada).send().await;
    let etag = answer.header("etag").expect("an etag").to_owned();
    let body = answer.data(200);
    assert_eq!(etag, format!("\"{}\"", body["etag"].as_str().unwrap()));
    let patch = portico
        .call(&path("PATCH", &ada))
        .bearer(&ada)
        .header("If-Match", &etag);
    patch.json(json!({"name": "one"})).expect(200).await;
    let patch = portico
        .call(&path("PATCH", &ada))
        .bearer(&ada)
        .header("If-Match", &etag);
    patch
        .json(json!({"name": "two"}))
        .refused(412, "ETAG_MISMATCH")
        .await;
    let delete = portico
        .call(&path("DELETE", &ada))
        .bearer(&ada)
        .header("If-Match", &etag);
    delete.refused(412, "ETAG_MISMATCH").await;
    let fresh = portico
        .call(&path("GET", &ada))
        .bearer(&ada)
        .header("If-None-Match", &etag);
    let fresh = fresh.send().await;
    let etag = fresh.header("etag").expect("an etag").to_owned();
    assert_eq!(fresh.data(200)["name"], "one");
    let same = portico
        .call(&path("GET", &ada))
        .bearer(&ada)
        .header("If-None-Match", &etag);
    let same = same.send().await;
    assert_eq!((same.status.as_u16(), &same.body), (304, &json!("")));
}

async fn deleting_oneself_frees_nothing_but_ends_everything(portico: &Instance) {
    let ada = portico.register("ada").await;
    portico
        .call(&path("DELETE", &ada))
        .bearer(&ada)
        .expect(200)
        .await;
    let body = json!({"email": ada.email, "password": PASSWORD});
    let login = portico.call("POST /api/v1/auth/login").json(body);
    login.refused(401, "INVALID_CREDENTIALS").await;
    let body = json!({"email": ada.email, "password": PASSWORD, "name": "Ada"});
    let call = portico.call("POST /api/v1/auth/register").json(body);
    call.refused(409, "EMAIL_EXISTS").await;
    let call = portico.call("POST /api/v1/auth/refresh");
    let call = call.json(json!({"refreshToken": ada.refresh_token}));
    call.refused(401, "REFRESH_TOKEN_INVALID").await;
}

async fn a_sole_owner_cannot_be_deleted(portico: &Instance) {
    let (ada, bob) = (portico.register("ada").await, portico.register("bob").await);
    let project = portico.project(&ada, "Apollo").await;
    let id = project["id"].as_str().unwrap();
    let refused = portico.call(&path("DELETE", &ada)).bearer(&ada);
    let error = refused.refused(409, "LAST_OWNER").await;
    assert_eq!(
        error["details"]["projects"],
        json!([{"id": id, "name": "Apollo"}])
    );
    portico
        .call(&path("GET", &ada))
        .bearer(&ada)
        .expect(200)
        .await;
    let add = portico
        .call(&format!("POST /api/v1/projects/{id}/members"))
        .bearer(&ada);
    add.json(json!({"userId": bob.id, "role": "OWNER"}))
        .expect(201)
        .await;
    portico
        .call(&path("DELETE", &ada))
        .bearer(&ada)
        .expect(200)
        .await;
    let left = portico
        .call(&format!("GET /api/v1/projects/{id}"))
        .bearer(&bob)
        .expect(200)
        .await;
    assert_eq!(
        (&left["memberCount"], &left["myRole"]),
        (&json!(1), &json!("OWNER"))
    );
}

async fn an_admin_gives_the_projects_of_a_sole_owner_to_another_person(portico: &Instance) {
    let admin = portico.admin_person().await;
    let (ada, bob) = (portico.register("ada").await, portico.register("bob").await);
    let gone = portico.register("gone").await;
    let deleted = portico.call(&path("DELETE", &gone)).bearer(&gone);
    deleted.expect(200).await;
    let project = portico.project(&ada, "Apollo").await;
    let delete = async |by: &Person, new_owner: &str| {
        let line = format!("{}?newOwnerId={new_owner}", path("DELETE", &ada));
        portico.call(&line).bearer(by).send().await
    };
    delete(&ada, &bob.id).await.error(403, "FORBIDDEN");
    delete(&bob, &bob.id).await.error(404, "USER_NOT_FOUND");
    for (new_owner, code) in [
        (&*ada.id, "NOT_ALLOWED"),
        (&*gone.id, "USER_NOT_FOUND"),
        (project["id"].as_str().unwrap(), "USER_NOT_FOUND"),
        ("x", "USER_NOT_FOUND"),
        ("", "USER_NOT_FOUND"),
    ] {
        let answer = delete(&admin, new_owner).await;
        let error = answer.error(400, "VALIDATION_FAILED");
        assert_eq!(detail(&error), ("newOwnerId", code));
    }
    let forced = portico.call(&path("DELETE", &ada)).bearer(&admin);
    forced.refused(409, "LAST_OWNER").await;
    assert_eq!(delete(&admin, &bob.id).await.data(200), Value::Null);
    let line = format!("GET /api/v1/projects/{}", project["id"].as_str().unwrap());
    let left = portico.call(&line).bearer(&bob).expect(200).await;
    assert_eq!(
        (&left["memberCount"], &left["myRole"]),
        (&json!(1), &json!("OWNER"))
    );
    let body = json!({"email": ada.email, "password": PASSWORD});
    let login = portico.call("POST /api/v1/auth/login").json(body);
    login.refused(401, "INVALID_CREDENTIALS").await;
}

async fn the_last_admin_cannot_be_deleted(portico: &Instance) {
    let admin = portico.admin_person().await;
    portico.project(&admin, "Mine").await;
    let delete = portico.call(&path("DELETE", &admin)).bearer(&admin);
    delete.refused(409, "LAST_ADMIN").await;
}

async fn lists_are_walked_by_page_and_by_cursor(portico: &Instance) {
    let admin = portico.admin_person().await;
    let mut expected = vec![admin.name.clone()];
    for name in ["ada", "bob", "eve", "kim"] {
        portico.register(name).await;
        expected.push(name.to_owned());
    }
    expected.sort_by_key(|name| name.to_lowercase());
    let names = |answer: &Value| -> Vec<String> {
        let items = answer["data"].as_array().expect("a list").iter();
        items
            .map(|user| user["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let page = portico
        .call("GET /api/v1/users?sort=name&page=2&limit=2")
        .bearer(&admin);
    let page = page.send().await.body;
    assert_eq!(names(&page), expected[2..4]);
    let info = &page["meta"]["pagination"];
    assert_eq!(
        (
            &info["total"],
            &info["page"],
            &info["limit"],
            &info["totalPages"],
            &info["hasMore"]
        ),
        (&json!(5), &json!(2), &json!(2), &json!(3), &json!(true))
    );
    let (mut walked, mut cursor) = (Vec::new(), String::new());
    loop {
        let line = format!("GET /api/v1/users?sort=name&limit=2{cursor}");
        let page = portico.call(&line).bearer(&admin).send().await.body;
        walked.extend(names(&page));
        let info = &page["meta"]["pagination"];
        assert_eq!(info["page"].is_null(), !cursor.is_empty());
        match info["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(walked, expected);
    let found = portico
        .call("GET /api/v1/users?q=EVE")
        .bearer(&admin)
        .send()
        .await
        .body;
    assert_eq!(names(&found), ["eve"]);
}

async fn a_list_refuses_what_it_does_not_know(portico: &Instance) {
    let admin = portico.admin_person().await;
    for (query, field, code) in [
        ("limit=0", "limit", "OUT_OF_RANGE"),
        ("limit=101", "limit", "OUT_OF_RANGE"),
        ("limit=ten", "limit", "WRONG_TYPE"),
        ("page=0", "page", "OUT_OF_RANGE"),
        ("page=1&cursor=x", "page", "NOT_ALLOWED"),
        ("cursor=x", "cursor", "CURSOR_INVALID"),
        ("sort=password", "sort", "NOT_ALLOWED"),
        ("role=KING", "role", "NOT_ALLOWED"),
        ("limit=1&limit=2", "limit", "NOT_ALLOWED"),
        ("order=asc", "order", "UNKNOWN_FIELD"),
    ] {
        let call = portico
            .call(&format!("GET /api/v1/users?{query}"))
            .bearer(&admin);
        let error = call.refused(400, "VALIDATION_FAILED").await;
        assert_eq!(detail(&error), (field, code), "{query}");
    }
}
