//! Projects and their members, over REST.

use serde_json::{Value, json};

use crate::{Instance, Person, in_both_shapes, rest::detail};

in_both_shapes! {
    a_project_belongs_to_its_maker,
    a_slug_is_made_or_given_and_always_valid,
    strangers_see_public_projects_only,
    one_key_makes_one_project,
    members_act_by_their_roles,
    an_archived_project_is_read_only,
    a_project_is_transferred_to_a_member,
    a_project_keeps_an_owner_under_concurrency,
    a_joining_member_changes_the_rest_of_the_etag,
    lists_filter_and_search,
}

fn id(value: &Value) -> &str {
    value["id"].as_str().expect("an id")
}

async fn add(
    portico: &Instance,
    by: &Person,
    project: &Value,
    person: &Person,
    role: &str,
) -> Value {
    let call = portico
        .call(&format!("POST /api/v1/projects/{}/members", id(project)))
        .bearer(by);
    call.json(json!({"userId": person.id, "role": role}))
        .expect(201)
        .await
}

async fn a_project_belongs_to_its_maker(portico: &Instance) {
    let ada = portico.register("ada").await;
    let post = portico.call("POST /api/v1/projects").bearer(&ada);
    let made = post
        .json(json!({"name": " Apollo 11 ", "description": "To the moon"}))
        .expect(201)
        .await;
    assert_eq!(
        (&made["name"], &made["slug"]),
        (&json!("Apollo 11"), &json!("apollo-11"))
    );
    assert_eq!(
        (&made["visibility"], &made["myRole"]),
        (&json!("PRIVATE"), &json!("OWNER"))
    );
    assert_eq!(
        (&made["memberCount"], &made["archivedAt"]),
        (&json!(1), &Value::Null)
    );
    for key in [id(&made), "apollo-11"] {
        let got = portico
            .call(&format!("GET /api/v1/projects/{key}"))
            .bearer(&ada)
            .expect(200)
            .await;
        assert_eq!(got, made);
    }
    let line = format!("PATCH /api/v1/projects/{}", id(&made));
    let changed = portico
        .call(&line)
        .bearer(&ada)
        .json(json!({"description": null}))
        .expect(200)
        .await;
    assert_eq!(changed["description"], Value::Null);
    let unchanged = portico
        .call(&line)
        .bearer(&ada)
        .json(json!({}))
        .expect(200)
        .await;
    assert_eq!(unchanged, changed);
    let line = format!("DELETE /api/v1/projects/{}", id(&made));
    assert_eq!(
        portico.call(&line).bearer(&ada).expect(200).await,
        Value::Null
    );
    portico
        .call(&line)
        .bearer(&ada)
        .refused(404, "PROJECT_NOT_FOUND")
        .await;
}

async fn a_slug_is_made_or_given_and_always_valid(portico: &Instance) {
    let ada = portico.register("ada").await;
    let first = portico.project(&ada, "Apollo").await;
    let second = portico.project(&ada, "Apollo").await;
    assert_eq!(first["slug"], "apollo");
    assert!(second["slug"].as_str().unwrap().starts_with("apollo-"));
    let post = async |slug: &str| {
        let call = portico.call("POST /api/v1/projects").bearer(&ada);
        call.json(json!({"name": "x", "slug": slug})).send().await
    };
    post("apollo").await.error(409, "SLUG_EXISTS");
    for slug in [
        "ab",
        "-abc",
        "a--b",
        "Abc",
        "a_b",
        first["id"].as_str().unwrap(),
    ] {
        let error = post(slug).await.error(400, "VALIDATION_FAILED");
        assert_eq!(detail(&error), ("slug", "SLUG_INVALID"), "{slug}");
    }
    let exotic = portico.project(&ada, "日本").await;
    let slug = exotic["slug"].as_str().unwrap();
    assert!((3..=63).contains(&slug.len()), "{slug}");
}

async fn strangers_see_public_projects_only(portico: &Instance) {
    let (ada, bob) = (portico.register("ada").await, portico.register("bob").await);
    let admin = portico.admin_person().await;
    let project = portico.project(&ada, "Secret").await;
    let line = format!("GET /api/v1/projects/{}", id(&project));
    for stranger in [&bob, &admin] {
        portico
            .call(&line)
            .bearer(stranger)
            .refused(404, "PROJECT_NOT_FOUND")
            .await;
        let members = portico.call(&format!("{line}/members")).bearer(stranger);
        members.refused(404, "PROJECT_NOT_FOUND").await;
    }
    portico
        .call("GET /api/v1/projects/no-such-thing")
        .bearer(&bob)
        .refused(404, "PROJECT_NOT_FOUND")
        .await;
    let patch = portico.call(&line.replace("GET", "PATCH")).bearer(&ada);
    patch
        .json(json!({"visibility": "PUBLIC"}))
        .expect(200)
        .await;
    let seen = portico.call(&line).bearer(&bob).expect(200).await;
    assert_eq!(seen["myRole"], Value::Null);
    portico
        .call(&format!("{line}/members"))
        .bearer(&bob)
        .refused(403, "FORBIDDEN")
        .await;
    let patch = portico.call(&line.replace("GET", "PATCH")).bearer(&bob);
    patch
        .json(json!({"name": "Mine"}))
        .refused(403, "FORBIDDEN")
        .await;
    portico.call(&line).refused(401, "UNAUTHENTICATED").await;
}

async fn one_key_makes_one_project(portico: &Instance) {
    let (ada, bob) = (portico.register("ada").await, portico.register("bob").await);
    let post = async |person: &Person, name: &str| {
        let call = portico.call("POST /api/v1/projects").bearer(person);
        call.header("Idempotency-Key", "k")
            .json(json!({"name": name}))
            .send()
            .await
    };
    let all = tokio::join!(post(&ada, "A"), post(&ada, "A"), post(&ada, "A"));
    let made: Vec<Value> = [all.0, all.1, all.2]
        .into_iter()
        .map(|one| one.data(201))
        .collect();
    assert!(made[0] == made[1] && made[1] == made[2]);
    let list = portico
        .call("GET /api/v1/projects")
        .bearer(&ada)
        .expect(200)
        .await;
    assert_eq!(list.as_array().expect("a list").len(), 1);
    post(&ada, "B").await.error(422, "IDEMPOTENCY_KEY_REUSED");
    let others = post(&bob, "A").await;
    assert_eq!(others.header("idempotency-replayed"), None);
    assert_ne!(others.data(201)["id"], made[0]["id"]);
    let call = portico
        .call("POST /api/v1/projects")
        .bearer(&ada)
        .header("Idempotency-Key", "");
    call.json(json!({"name": "A"}))
        .refused(400, "VALIDATION_FAILED")
        .await;
}

async fn members_act_by_their_roles(portico: &Instance) {
    let owner = portico.register("owner").await;
    let (admin, viewer) = (
        portico.register("admin").await,
        portico.register("viewer").await,
    );
    let project = portico.project(&owner, "Team").await;
    let members = format!("/api/v1/projects/{}/members", id(&project));
    let added = add(portico, &owner, &project, &admin, "ADMIN").await;
    assert_eq!(
        (&added["user"]["name"], &added["role"]),
        (&json!("admin"), &json!("ADMIN"))
    );
    add(portico, &admin, &project, &viewer, "VIEWER").await;

    let again = portico.call(&format!("POST {members}")).bearer(&owner);
    let body = json!({"userId": viewer.id, "role": "MEMBER"});
    again.json(body).refused(409, "ALREADY_MEMBER").await;
    let nobody = portico.call(&format!("POST {members}")).bearer(&owner);
    let body = json!({"userId": id(&project), "role": "MEMBER"});
    nobody.json(body).refused(404, "USER_NOT_FOUND").await;

    let list = portico
        .call(&format!("GET {members}?sort=name"))
        .bearer(&admin)
        .expect(200)
        .await;
    let names: Vec<&str> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["user"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["admin", "owner", "viewer"]);
    assert_eq!(list[0]["user"]["email"], "admin@example.com");
    let blind = portico
        .call(&format!("GET {members}"))
        .bearer(&viewer)
        .expect(200)
        .await;
    assert!(
        blind
            .as_array()
            .unwrap()
            .iter()
            .all(|member| member["user"]["email"].is_null())
    );

    let own = format!("{members}/{}", owner.id);
    let demote = portico.call(&format!("PATCH {own}")).bearer(&admin);
    demote
        .json(json!({"role": "MEMBER"}))
        .refused(403, "FORBIDDEN")
        .await;
    portico
        .call(&format!("DELETE {own}"))
        .bearer(&admin)
        .refused(403, "FORBIDDEN")
        .await;
    let promote = portico
        .call(&format!("PATCH {members}/{}", viewer.id))
        .bearer(&admin);
    promote
        .json(json!({"role": "OWNER"}))
        .refused(403, "FORBIDDEN")
        .await;
    let patch = portico
        .call(&format!("PATCH {members}/{}", viewer.id))
        .bearer(&viewer);
    patch
        .json(json!({"role": "ADMIN"}))
        .refused(403, "FORBIDDEN")
        .await;
    let patch = portico
        .call(&format!("PATCH {members}/{}", viewer.id))
        .bearer(&admin);
    let changed = patch.json(json!({"role": "MEMBER"})).expect(200).await;
    assert_eq!(changed["role"], "MEMBER");
    portico
        .call(&format!("DELETE {own}"))
        .bearer(&owner)
        .refused(409, "LAST_OWNER")
        .await;
    portico
        .call(&format!("DELETE {members}/{}", viewer.id))
        .bearer(&viewer)
        .expect(200)
        .await;
    let gone = portico
        .call(&format!("DELETE {members}/{}", viewer.id))
        .bearer(&admin);
    gone.refused(404, "MEMBER_NOT_FOUND").await;
    let delete = portico
        .call(&format!("DELETE /api/v1/projects/{}", id(&project)))
        .bearer(&admin);
    delete.refused(403, "FORBIDDEN").await;
}

async fn an_archived_project_is_read_only(portico: &Instance) {
    let (ada, bob) = (portico.register("ada").await, portico.register("bob").await);
    let project = portico.project(&ada, "Old").await;
    add(portico, &ada, &project, &bob, "MEMBER").await;
    let base = format!("/api/v1/projects/{}", id(&project));
    let archived = portico
        .call(&format!("POST {base}/archive"))
        .bearer(&ada)
        .expect(200)
        .await;
    assert!(archived["archivedAt"].is_string());
    let again = portico
        .call(&format!("POST {base}/archive"))
        .bearer(&ada)
        .expect(200)
        .await;
    assert_eq!(again, archived);
    portico
        .call(&format!("POST {base}/archive"))
        .bearer(&bob)
        .refused(403, "FORBIDDEN")
        .await;
    let patch = portico.call(&format!("PATCH {base}")).bearer(&ada);
    patch
        .json(json!({"name": "New"}))
        .refused(409, "PROJECT_ARCHIVED")
        .await;
    let patch = portico
        .call(&format!("PATCH {base}/members/{}", bob.id))
        .bearer(&ada);
    patch
        .json(json!({"role": "ADMIN"}))
        .refused(409, "PROJECT_ARCHIVED")
        .await;
    portico
        .call(&format!("DELETE {base}/members/{}", bob.id))
        .bearer(&bob)
        .expect(200)
        .await;
    assert_eq!(
        portico
            .call("GET /api/v1/projects")
            .bearer(&ada)
            .expect(200)
            .await,
        json!([])
    );
    let list = portico
        .call("GET /api/v1/projects?archived=true")
        .bearer(&ada)
        .expect(200)
        .await;
    assert_eq!(list[0]["id"], project["id"]);
    let open = portico
        .call(&format!("POST {base}/unarchive"))
        .bearer(&ada)
        .expect(200)
        .await;
    assert_eq!(open["archivedAt"], Value::Null);
}

async fn a_project_is_transferred_to_a_member(portico: &Instance) {
    let (ada, bob) = (portico.register("ada").await, portico.register("bob").await);
    let project = portico.project(&ada, "Team").await;
    let line = format!("POST /api/v1/projects/{}/transfer", id(&project));
    let transfer = async |by: &Person, to: &Person| {
        portico
            .call(&line)
            .bearer(by)
            .json(json!({"userId": to.id}))
            .send()
            .await
    };
    transfer(&ada, &bob).await.error(404, "MEMBER_NOT_FOUND");
    add(portico, &ada, &project, &bob, "VIEWER").await;
    transfer(&bob, &bob).await.error(403, "FORBIDDEN");
    assert_eq!(transfer(&ada, &ada).await.data(200)["myRole"], "OWNER");
    assert_eq!(transfer(&ada, &bob).await.data(200)["myRole"], "ADMIN");
    let seen = portico
        .call(&format!("GET /api/v1/projects/{}", id(&project)))
        .bearer(&bob);
    assert_eq!(seen.expect(200).await["myRole"], "OWNER");
}

async fn a_project_keeps_an_owner_under_concurrency(portico: &Instance) {
    let (ada, bob) = (portico.register("ada").await, portico.register("bob").await);
    for round in 0..5 {
        let project = portico.project(&ada, &format!("Round {round}")).await;
        add(portico, &ada, &project, &bob, "OWNER").await;
        let leave = async |person: &Person| {
            let line = format!(
                "DELETE /api/v1/projects/{}/members/{}",
                id(&project),
                person.id
            );
            portico.call(&line).bearer(person).send().await
        };
        let (one, other) = tokio::join!(leave(&ada), leave(&bob));
        let stays = if one.status == 200 {
            (other, &bob)
        } else {
            (one, &ada)
        };
        stays.0.error(409, "LAST_OWNER");
        let left = portico
            .call(&format!("GET /api/v1/projects/{}", id(&project)))
            .bearer(stays.1);
        assert_eq!(left.expect(200).await["memberCount"], 1);
    }
}

async fn a_joining_member_changes_the_rest_of_the_etag(portico: &Instance) {
    let (ada, bob) = (portico.register("ada").await, portico.register("bob").await);
    let project = portico.project(&ada, "Team").await;
    let line = format!("GET /api/v1/projects/{}", id(&project));
    let before = project["etag"].as_str().unwrap().to_owned();
    add(portico, &ada, &project, &bob, "MEMBER").await;
    let after = portico.call(&line).bearer(&ada).expect(200).await["etag"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_ne!(before, after);
    assert_eq!(before.split('.').next(), after.split('.').next());
    let fresh = portico
        .call(&line)
        .bearer(&ada)
        .header("If-None-Match", &format!("\"{before}\""));
    fresh.expect(200).await;
    let patch = portico.call(&line.replace("GET", "PATCH")).bearer(&ada);
    let patch = patch.header("If-Match", &format!("\"{before}\""));
    patch.json(json!({"name": "Crew"})).expect(200).await;
}

async fn lists_filter_and_search(portico: &Instance) {
    let (ada, bob) = (portico.register("ada").await, portico.register("bob").await);
    for (name, visibility) in [
        ("Apollo", "PRIVATE"),
        ("Gemini", "PUBLIC"),
        ("Mercury", "PUBLIC"),
    ] {
        let call = portico.call("POST /api/v1/projects").bearer(&ada);
        call.json(json!({"name": name, "visibility": visibility}))
            .expect(201)
            .await;
    }
    let shared = portico.project(&bob, "Soyuz").await;
    add(portico, &bob, &shared, &ada, "VIEWER").await;
    let names = async |person: &Person, query: &str| -> Vec<String> {
        let call = portico
            .call(&format!("GET /api/v1/projects?sort=name{query}"))
            .bearer(person);
        let list = call.expect(200).await;
        list.as_array()
            .unwrap()
            .iter()
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        names(&ada, "").await,
        ["Apollo", "Gemini", "Mercury", "Soyuz"]
    );
    assert_eq!(names(&ada, "&role=VIEWER").await, ["Soyuz"]);
    assert_eq!(
        names(&ada, "&visibility=PRIVATE").await,
        ["Apollo", "Soyuz"]
    );
    assert_eq!(names(&bob, "").await, ["Soyuz"]);
    assert_eq!(
        names(&bob, "&visibility=PUBLIC").await,
        ["Gemini", "Mercury"]
    );
    assert_eq!(names(&bob, "&visibility=PUBLIC&q=MERC").await, ["Mercury"]);
    assert!(names(&bob, "&q=apollo").await.is_empty());
}
