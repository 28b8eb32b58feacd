//! Idempotency keys: twenty creations under one key make one thing, whatever it
//! is, and a secret is shown once.

use serde_json::{Value, json};

use super::{Shown, text};
use crate::{
    Instance, Person, factors::authenticator::Browser, in_both_shapes, instance::PASSWORD,
    security::routes::routes, service_accounts,
};

in_both_shapes! {
    twenty_creations_under_one_key_make_one_thing,
}

/// A creation, and the list in which its things are.
struct Creation<'a> {
    shown: Shown<'a>,
    list: String,
    reader: &'a Person,
}

async fn count(portico: &Instance, list: &str, reader: &Person) -> u64 {
    let call = portico.call(&format!("GET {list}")).bearer(reader);
    let answer = call.send().await;
    let total = answer.body["meta"]["pagination"]["total"].as_u64();
    total.unwrap_or_else(|| panic!("{list}: {}", answer.body))
}

/// The id of what an answer shows.
fn id(data: &Value) -> String {
    for holder in [data, &data["user"], &data["apiKey"]] {
        if holder["id"].is_string() {
            return text(holder, "id");
        }
    }
    panic!("no id in {data}");
}

async fn twenty_creations_under_one_key_make_one_thing(portico: &Instance) {
    let admin = portico.admin_person().await;
    let (ada, bob) = (portico.register("ada").await, portico.register("bob").await);
    let project = text(&portico.project(&ada, "Apollo").await, "id");
    let account = service_accounts::make(portico, &admin, "reader").await;
    let options = portico.call("POST /api/v1/auth/passkeys/registration/options");
    let ceremony = options.bearer(&ada).json(json!({})).expect(200).await;
    let credential = Browser::new().create(&ceremony["publicKey"]).await;
    let credential = credential.expect("created");
    let mut met = 0;
    for (verb, path, facts) in routes() {
        if !facts.contains(&"idempotency-key") {
            continue;
        }
        met += 1;
        let (caller, body) = match path {
            "/api/v1/auth/register" => (
                None,
                json!({"email": "eve@example.com", "password": PASSWORD, "name": "Eve"}),
            ),
            "/api/v1/auth/api-keys" => (
                Some(&ada),
                json!({"name": "key", "scopes": ["account:read"]}),
            ),
            "/api/v1/auth/passkeys" => (
                Some(&ada),
                json!({
                    "ceremonyId": ceremony["ceremonyId"], "name": "Key",
                    "credential": credential,
                }),
            ),
            "/api/v1/projects" => (Some(&ada), json!({"name": "Gemini"})),
            "/api/v1/projects/{project_id}/members" => (
                Some(&ada),
                json!({"project_id": project, "userId": bob.id, "role": "MEMBER"}),
            ),
            "/api/v1/projects/{project_id}/invitations" => (
                Some(&ada),
                json!({"project_id": project, "email": "kim@example.com", "role": "MEMBER"}),
            ),
            "/api/v1/service-accounts" => (Some(&admin), json!({"name": "writer"})),
            "/api/v1/service-accounts/{service_account_id}/keys" => (
                Some(&admin),
                json!({"service_account_id": account, "name": "key", "scopes": ["users:read"]}),
            ),
            "/api/v1/users" => (
                Some(&admin),
                json!({"email": "kim@example.com", "name": "Kim"}),
            ),
            _ => panic!("{path} is new: say what it takes"),
        };
        let line = format!("{verb} {path}");
        let mut shown = Shown::new(&line, body).under("one");
        if let Some(person) = caller {
            shown = shown.by(person);
        }
        let list = match path {
            "/api/v1/auth/register" => "/api/v1/users".to_owned(),
            _ => path
                .replace("{project_id}", &project)
                .replace("{service_account_id}", &account),
        };
        let creation = Creation {
            shown,
            list,
            reader: caller.unwrap_or(&admin),
        };
        makes_one_thing(portico, &creation).await;
    }
    assert!(met > 0, "nothing is created under a key");
}

async fn makes_one_thing(portico: &Instance, creation: &Creation<'_>) {
    let Creation {
        shown,
        list,
        reader,
    } = creation;
    let before = count(portico, list, reader).await;
    let outcomes = shown.at_once(portico).await;
    outcomes.are_among(&["OK", "IDEMPOTENCY_KEY_IN_USE"]);
    let mut passed = outcomes.passed();
    passed.push(shown.over_rest(portico).await.1);
    passed.push(shown.over_grpc(portico).await.1);
    let mut ids: Vec<String> = passed.iter().map(id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1, "{}: {ids:?}", shown.line);
    assert_eq!(count(portico, list, reader).await, before + 1, "{list}");
    let secrets = passed.iter().filter(|data| data["secret"].is_string());
    assert!(secrets.count() <= 1, "{}", shown.line);
}
