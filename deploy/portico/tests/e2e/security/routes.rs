//! Every route that reads the cookie, and every route that names something by
//! its id. Both are found in the table of routes, so that a new one is covered,
//! or fails here until it says how to call it.

use serde_json::{Value, json};

use crate::{
    Instance, Person, api_keys, factors::authenticator::Browser, in_both_shapes,
    instance::PASSWORD, service_accounts,
};

in_both_shapes! {
    a_foreign_page_gets_nothing_by_the_cookie,
    what_belongs_to_somebody_else_is_neither_shown_nor_changed,
}

/// The routes as the gateway's own test keeps them.
const ROUTES: &str = include_str!("../../../../../gateway/routes.txt");

/// A line of the table: verb, path, method, and what holds for it.
pub(super) fn routes() -> impl Iterator<Item = (&'static str, &'static str, Vec<&'static str>)> {
    ROUTES.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        Some((words.next()?, words.next()?, words.collect()))
    })
}

async fn a_foreign_page_gets_nothing_by_the_cookie(portico: &Instance) {
    let ada = portico.register("ada").await;
    let cookie = format!("portico_refresh={}", ada.refresh_token);
    let mut count = 0;
    for (verb, path, facts) in routes() {
        if !facts.contains(&"refresh-cookie") {
            continue;
        }
        count += 1;
        let body = match path.trim_start_matches("/api/v1/auth/") {
            "login" => json!({"email": ada.email, "password": PASSWORD, "cookie": true}),
            "register" => json!({
                "email": "eve@example.com", "password": PASSWORD, "name": "Eve", "cookie": true,
            }),
            "mfa/challenge" => json!({"mfaToken": "pmf_x", "code": "123456", "cookie": true}),
            "passkeys/login" => json!({
                "ceremonyId": "x", "credential": {}, "cookie": true,
            }),
            "logout" | "logout-all" | "refresh" => json!({}),
            _ => panic!("{path} is new: say how it asks for the cookie"),
        };
        for origin in [
            "https://evil.example",
            "null",
            "http://localhost:8080.evil.example",
        ] {
            let call = portico.call(&format!("{verb} {path}")).bearer(&ada);
            let call = call.header("Cookie", &cookie).header("Origin", origin);
            let answer = call.json(body.clone()).send().await;
            assert_eq!(answer.header("set-cookie"), None, "{path} for {origin}");
            answer.error(403, "ORIGIN_NOT_ALLOWED");
        }
    }
    assert!(count > 0, "no route reads the cookie");
    // The session is neither ended nor continued by any of them.
    let me = portico.call("GET /api/v1/auth/me").bearer(&ada);
    me.expect(200).await;
    let refresh = portico.call("POST /api/v1/auth/refresh");
    let refresh = refresh.json(json!({"refreshToken": ada.refresh_token}));
    refresh.expect(200).await;
}

/// What Ada has, and what is nobody's but the administrators'.
struct Belongings {
    ada: String,
    project: String,
    invitation: String,
    session: String,
    api_key: String,
    passkey: String,
    mail_job: String,
    service_account: String,
    service_account_key: String,
}

fn id(value: &Value) -> String {
    value["id"].as_str().expect("an id").to_owned()
}

impl Belongings {
    async fn of(portico: &Instance, ada: &Person, admin: &Person) -> Self {
        let first = async |line: &str, person: &Person| {
            let call = portico.call(line).bearer(person);
            id(&call.expect(200).await[0])
        };
        let project = id(&portico.project(ada, "Apollo").await);
        let call = portico.call(&format!("POST /api/v1/projects/{project}/invitations"));
        let body = json!({"email": "carol@example.com", "role": "MEMBER"});
        let invitation = id(&call.bearer(ada).json(body).expect(201).await);
        let (api_key, _) = api_keys::make_key(portico, ada, &["account:read"]).await;
        let passkey = id(&portico.passkey(ada, &mut Browser::new()).await);
        let service_account = service_accounts::make(portico, admin, "reader").await;
        let (service_account_key, _) =
            service_accounts::make_key(portico, admin, &service_account, &["users:read"]).await;
        portico.mails.mail(&ada.email, "Welcome").await;
        Self {
            ada: ada.id.clone(),
            project,
            invitation,
            session: first("GET /api/v1/auth/sessions", ada).await,
            api_key,
            passkey,
            mail_job: first("GET /api/v1/admin/mail-jobs", admin).await,
            service_account,
            service_account_key,
        }
    }

    /// A path of the table with the ids of what is here.
    fn fill(&self, path: &str) -> String {
        let own = match path {
            _ if path.starts_with("/api/v1/users/") => &self.ada,
            _ if path.contains("/invitations/") => &self.invitation,
            _ if path.starts_with("/api/v1/projects/{id}") => &self.project,
            _ if path.starts_with("/api/v1/auth/sessions/") => &self.session,
            _ if path.starts_with("/api/v1/auth/api-keys/") => &self.api_key,
            _ if path.starts_with("/api/v1/auth/passkeys/") => &self.passkey,
            _ if path.starts_with("/api/v1/admin/mail-jobs/") => &self.mail_job,
            _ if path.starts_with("/api/v1/service-accounts/{id}") => &self.service_account,
            _ if path.contains("/keys/") => &self.service_account_key,
            _ => "",
        };
        let filled = path
            .replace("{project_id}", &self.project)
            .replace("{user_id}", &self.ada)
            .replace("{service_account_id}", &self.service_account);
        assert!(
            !filled.contains('{') || !own.is_empty(),
            "{path} is new: say whose id it takes"
        );
        filled.replace("{id}", own)
    }

    /// Everything here, as those see it to whom it belongs.
    async fn seen(&self, portico: &Instance, ada: &Person, admin: &Person) -> Vec<Value> {
        let mut seen = Vec::new();
        let of_project = format!("/api/v1/projects/{}", self.project);
        let of_account = format!("/api/v1/service-accounts/{}/keys", self.service_account);
        for (path, person) in [
            ("/api/v1/auth/me", ada),
            ("/api/v1/auth/api-keys", ada),
            ("/api/v1/auth/passkeys", ada),
            (&of_project, ada),
            (&format!("{of_project}/members"), ada),
            (&format!("{of_project}/invitations"), ada),
            (&format!("/api/v1/users/{}", self.ada), admin),
            ("/api/v1/service-accounts", admin),
            (&of_account, admin),
        ] {
            let call = portico.call(&format!("GET {path}")).bearer(person);
            seen.push(call.expect(200).await);
        }
        seen
    }
}

/// What a call says that would be right for whoever may make it.
fn body(verb: &str, path: &str, stranger: &Person) -> Option<Value> {
    let body = match (verb, path) {
        ("GET" | "DELETE", _) => return None,
        ("PATCH", "/api/v1/projects/{project_id}/members/{user_id}") => json!({"role": "VIEWER"}),
        ("PATCH", _) => json!({"name": "Mine"}),
        ("POST", "/api/v1/projects/{project_id}/members") => {
            json!({"userId": stranger.id, "role": "ADMIN"})
        }
        ("POST", "/api/v1/projects/{project_id}/invitations") => {
            json!({"email": stranger.email, "role": "ADMIN"})
        }
        ("POST", "/api/v1/projects/{id}/transfer") => json!({"userId": stranger.id}),
        ("POST", "/api/v1/service-accounts/{service_account_id}/keys") => {
            json!({"name": "mine", "scopes": ["admin"]})
        }
        ("POST", "/api/v1/users/{id}/impersonate") => json!({"reason": "ticket 42"}),
        (
            "POST",
            "/api/v1/admin/mail-jobs/{id}/retry"
            | "/api/v1/invitations/{id}/accept"
            | "/api/v1/invitations/{id}/decline"
            | "/api/v1/projects/{id}/archive"
            | "/api/v1/projects/{id}/unarchive"
            | "/api/v1/projects/{project_id}/invitations/{id}/resend"
            | "/api/v1/users/{id}/reset-mfa"
            | "/api/v1/users/{id}/restore",
        ) => json!({}),
        _ => panic!("{verb} {path} is new: say what it takes"),
    };
    Some(body)
}

async fn what_belongs_to_somebody_else_is_neither_shown_nor_changed(portico: &Instance) {
    let admin = portico.admin_person().await;
    let (ada, bob) = (portico.register("ada").await, portico.register("bob").await);
    let belongings = Belongings::of(portico, &ada, &admin).await;
    let before = belongings.seen(portico, &ada, &admin).await;
    let mut count = 0;
    for (verb, path, _) in routes().filter(|(_, path, _)| path.contains('{')) {
        count += 1;
        let line = format!("{verb} {}", belongings.fill(path));
        for person in [Some(&bob), None] {
            let mut call = portico.call(&line);
            if let Some(person) = person {
                call = call.bearer(person);
            }
            if let Some(body) = body(verb, path, &bob) {
                call = call.json(body);
            }
            let answer = call.send().await;
            let status = answer.status.as_u16();
            let is_refused = match person {
                Some(_) => [403, 404].contains(&status),
                None => status == 401,
            };
            assert!(is_refused, "{line}: {status} {}", answer.body);
            assert_eq!(answer.body["data"], Value::Null, "{line}");
        }
    }
    assert!(count > 0, "no route takes an id");
    assert_eq!(belongings.seen(portico, &ada, &admin).await, before);
    let sessions = portico.call("GET /api/v1/auth/sessions").bearer(&ada);
    let sessions = sessions.expect(200).await;
    assert_eq!(id(&sessions[0]), belongings.session);
}
