//! Each service enforces the scope of each of its methods itself, whoever stands
//! before it.

use portico_proto::{CallerClass, METHODS, Method};
use serde_json::{Value, json};

use crate::{Instance, api_keys::make_key, in_both_shapes, service_accounts};

in_both_shapes! {
    every_method_refuses_a_key_without_its_scope,
    every_method_that_is_the_persons_own_is_closed_to_impersonation,
}

/// What a call without a useful message comes to.
async fn outcome(portico: &Instance, method: &Method, token: &str) -> String {
    let name = method.path.trim_start_matches('/').replace('/', ".");
    match portico.grpc(&name, Some(token), &[], &json!({})).await {
        Ok(_) => "OK".to_owned(),
        Err(error) => error.reason.into_owned(),
    }
}

const SCOPES: [&str; 8] = [
    "account:read",
    "account:write",
    "users:read",
    "users:write",
    "projects:read",
    "projects:write",
    "events:read",
    "admin",
];

async fn every_method_refuses_a_key_without_its_scope(portico: &Instance) {
    let admin = portico.admin_person().await;
    let account = service_accounts::make(portico, &admin, "reader").await;
    for without in SCOPES {
        let others: Vec<&str> = SCOPES
            .into_iter()
            .filter(|scope| *scope != without)
            .collect();
        let (_, of_admin) = make_key(portico, &admin, &others).await;
        let (_, of_account) = service_accounts::make_key(portico, &admin, &account, &others).await;
        let needing = METHODS.iter().filter(|method| method.scope == without);
        for method in needing.filter(|method| method.caller != CallerClass::Public) {
            let person = outcome(portico, method, &of_admin).await;
            let service = outcome(portico, method, &of_account).await;
            let is_for_people = method.caller != CallerClass::Service;
            let is_for_services = method.caller != CallerClass::User || method.service_accounts;
            let expected = |is_meant| {
                if is_meant {
                    "SCOPE_MISSING"
                } else {
                    "FORBIDDEN"
                }
            };
            assert_eq!(person, expected(is_for_people), "{}", method.path);
            assert_eq!(service, expected(is_for_services), "{}", method.path);
        }
    }
    let (_, of_admin) = make_key(portico, &admin, &SCOPES).await;
    let (_, of_account) = service_accounts::make_key(portico, &admin, &account, &SCOPES).await;
    for method in METHODS {
        if method.caller == CallerClass::Public {
            continue;
        }
        let person = outcome(portico, method, &of_admin).await;
        let service = outcome(portico, method, &of_account).await;
        let is_open = !method.scope.is_empty();
        let is_for_people = is_open && method.caller != CallerClass::Service;
        let is_for_services =
            is_open && (method.caller != CallerClass::User || method.service_accounts);
        let is_refused = |outcome: &str| ["FORBIDDEN", "SCOPE_MISSING"].contains(&outcome);
        assert_eq!(
            is_refused(&person),
            !is_for_people,
            "{}: {person}",
            method.path
        );
        assert_eq!(
            is_refused(&service),
            !is_for_services,
            "{}: {service}",
            method.path
        );
    }
}

async fn every_method_that_is_the_persons_own_is_closed_to_impersonation(portico: &Instance) {
    let (admin, ada) = (portico.admin_person().await, portico.register("ada").await);
    let call = portico.call(&format!("POST /api/v1/users/{}/impersonate", ada.id));
    let begun = call.bearer(&admin).json(json!({"reason": "ticket 42"}));
    let begun: Value = begun.expect(200).await;
    let token = begun["token"].as_str().expect("a token");
    for method in METHODS {
        let is_logout = method.path.ends_with("/Logout");
        if method.caller != CallerClass::User || is_logout {
            continue;
        }
        let outcome = outcome(portico, method, token).await;
        let is_closed = ["", "account:write"].contains(&method.scope);
        assert_eq!(
            outcome == "FORBIDDEN",
            is_closed,
            "{}: {outcome}",
            method.path
        );
    }
}
