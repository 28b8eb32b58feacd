//! What an attacker would try at every route alike: things of others by their
//! ids, cookies from foreign pages, tokens that are none, and fields that are
//! none of one's business. The routes come from the table of the contract, so
//! that a new one is tried too, or missed here. What is particular to a route
//! stands beside the rest of it: guesses in `passwords`, replays in `links`,
//! `factors` and `live`, scopes in `scopes`, strangers' passkeys in `factors`.

use std::time::Instant;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{Instance, Person, in_both_shapes};

in_both_shapes! {
    what_belongs_to_others_is_neither_seen_nor_changed_by_its_id,
    a_foreign_page_uses_no_cookie,
    only_access_tokens_of_our_making_open_anything,
    nobody_is_made_more_than_was_meant,
    nothing_that_a_client_sends_splits_a_header,
}

/// Sign-ins of each kind whose times are compared.
const SIGN_INS: usize = 15;

const ROUTES: &str = include_str!("../../../../gateway/routes.txt");

/// The verbs and path templates of all routes, each with the rest of its line.
fn routes() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    ROUTES.lines().filter_map(|line| {
        let (verb, rest) = line.split_once(char::is_whitespace)?;
        let (template, rest) = rest.trim_start().split_once(char::is_whitespace)?;
        Some((verb, template, rest))
    })
}

/// A private project and all that comes with an account, of somebody.
struct Victim {
    person: Person,
    project: String,
    invitation: String,
    session: String,
    api_key: String,
    service_account: String,
}

impl Victim {
    async fn new(portico: &Instance) -> Self {
        let person = portico.verified("ada").await;
        let project = portico.project(&person, "Apollo").await;
        let project = text(&project["id"]);
        let invitation = portico
            .call(&format!("POST /api/v1/projects/{project}/invitations"))
            .bearer(&person)
            .json(json!({"email": "grace@example.com", "role": "MEMBER"}))
            .expect(201)
            .await;
        let sessions = portico.call("GET /api/v1/auth/sessions").bearer(&person);
        let api_key = portico
            .call("POST /api/v1/auth/api-keys")
            .bearer(&person)
            .json(json!({"name": "backup", "scopes": ["projects:read"]}))
            .expect(201)
            .await;
        let admin = portico.admin_person().await;
        let service_account = portico
            .call("POST /api/v1/service-accounts")
            .bearer(&admin)
            .json(json!({"name": "billing"}))
            .expect(201)
            .await;
        Self {
            session: text(&sessions.expect(200).await[0]["id"]),
            invitation: text(&invitation["id"]),
            api_key: text(&api_key["apiKey"]["id"]),
            service_account: text(&service_account["id"]),
            person,
            project,
        }
    }

    /// The path to what is its own by a template.
    fn path(&self, template: &str) -> String {
        let id = match template.split('/').nth(3).unwrap_or_default() {
            "projects" if template.contains("/invitations/") => &self.invitation,
            "projects" => &self.project,
            "invitations" => &self.invitation,
            "users" => &self.person.id,
            "service-accounts" => &self.service_account,
            "auth" if template.contains("/sessions/") => &self.session,
            "auth" if template.contains("/api-keys/") => &self.api_key,
            // Neither a mail nor a passkey is there; see `mails` and `factors`.
            "admin" => &self.project,
            "auth" if template.contains("/passkeys/") => &self.project,
            _ => panic!("{template} needs a case here"),
        };
        template
            .replace("{project_id}", &self.project)
            .replace("{service_account_id}", &self.service_account)
            .replace("{user_id}", &self.person.id)
            .replace("{id}", id)
    }

    /// All that could have been changed.
    async fn state(&self, portico: &Instance) -> Vec<Value> {
        let mut state = Vec::new();
        for path in [
            "auth/me".to_owned(),
            "auth/sessions".to_owned(),
            "auth/api-keys".to_owned(),
            format!("projects/{}", self.project),
            format!("projects/{}/members", self.project),
            format!("projects/{}/invitations", self.project),
        ] {
            let call = portico.call(&format!("GET /api/v1/{path}"));
            state.push(call.bearer(&self.person).expect(200).await);
        }
        state
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// A body that would be taken from whoever may.
fn body(verb: &str, template: &str, stranger: &Person) -> Value {
    match (verb, template.rsplit('/').next().unwrap_or_default()) {
        ("POST", "transfer") => json!({"userId": stranger.id}),
        ("POST", "members") => json!({"userId": stranger.id, "role": "ADMIN"}),
        ("POST", "invitations") => json!({"email": stranger.email, "role": "ADMIN"}),
        ("POST", "keys") => json!({"name": "mine", "scopes": ["users:read"]}),
        ("POST", "impersonate") => json!({"reason": "curiosity"}),
        ("PATCH", "{user_id}") => json!({"role": "VIEWER"}),
        ("PATCH", _) => json!({"name": "Taken over"}),
        _ => json!({}),
    }
}

async fn what_belongs_to_others_is_neither_seen_nor_changed_by_its_id(portico: &Instance) {
    let victim = Victim::new(portico).await;
    let stranger = portico.verified("eve").await;
    let before = victim.state(portico).await;
    let mut tried = 0;
    for (verb, template, _) in routes().filter(|(_, template, _)| template.contains('{')) {
        let line = format!("{verb} {}", victim.path(template));
        let mut call = portico.call(&line).bearer(&stranger);
        if matches!(verb, "POST" | "PATCH") {
            call = call.json(body(verb, template, &stranger));
        }
        let answer = call.send().await;
        let is_refused = matches!(answer.status.as_u16(), 403 | 404);
        assert!(is_refused, "{line}: {} {}", answer.status, answer.body);
        assert_eq!(answer.body["data"], Value::Null, "{line}");
        tried += 1;
    }
    assert!(tried > 30, "{tried} routes with an id");
    assert_eq!(victim.state(portico).await, before);
}

async fn a_foreign_page_uses_no_cookie(portico: &Instance) {
    let ada = portico.register("ada").await;
    let cookie = format!("portico_refresh={}", ada.refresh_token);
    let mut tried = 0;
    for (verb, template, _) in routes().filter(|(.., rest)| rest.contains("refresh-cookie")) {
        let credentials = match template.rsplit('/').next() {
            Some("login") if template.contains("passkeys") => {
                json!({"ceremonyId": ada.id, "credential": {"id": "x"}, "cookie": true})
            }
            Some("login") => json!({"email": ada.email, "password": "wrong one", "cookie": true}),
            Some("register") => {
                json!({"email": "eve@example.com", "password": "correct horse", "name": "Eve", "cookie": true})
            }
            Some("challenge") => json!({"mfaToken": "pmf_x", "code": "123456", "cookie": true}),
            Some("refresh" | "logout" | "logout-all") => json!({}),
            _ => panic!("{template} needs a case here"),
        };
        portico
            .call(&format!("{verb} {template}"))
            .bearer(&ada)
            .header("Cookie", &cookie)
            .header("Origin", "https://evil.example")
            .json(credentials)
            .refused(403, "ORIGIN_NOT_ALLOWED")
            .await;
        tried += 1;
    }
    assert!(tried >= 7, "{tried} routes with a cookie");
    // Nothing of it happened: the session goes on.
    let mine = portico.call("GET /api/v1/auth/sessions").bearer(&ada);
    assert_eq!(mine.expect(200).await.as_array().map(Vec::len), Some(1));
}

async fn only_access_tokens_of_our_making_open_anything(portico: &Instance) {
    let ada = portico.register("ada").await;
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let parts: Vec<&str> = ada.token.split('.').collect();
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(parts[0]).expect("base64");
    let header: Value = serde_json::from_slice(&decoded).expect("a header");
    let keys = portico.call("GET /.well-known/jwks.json").send().await.body;
    let public_key = BASE64_URL_SAFE_NO_PAD.decode(keys["keys"][0]["x"].as_str().expect("a key"));
    let public_key = public_key.expect("base64");
    let with = |name: &str, value: Value| {
        let mut changed = header.clone();
        changed[name] = value;
        format!("{}.{}.{}", part(&changed), parts[1], parts[2])
    };
    let unsigned = |algorithm: &str| {
        let mut changed = header.clone();
        changed["alg"] = algorithm.into();
        format!("{}.{}.", part(&changed), parts[1])
    };
    let symmetric = {
        let mut changed = header.clone();
        changed["alg"] = "HS256".into();
        let signed = format!("{}.{}", part(&changed), parts[1]);
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &public_key);
        let signature = aws_lc_rs::hmac::sign(&key, signed.as_bytes());
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    };
    let promoted = {
        let decoded = BASE64_URL_SAFE_NO_PAD.decode(parts[1]).expect("base64");
        let mut claims: Value = serde_json::from_slice(&decoded).expect("claims");
        claims["role"] = "ADMIN".into();
        format!("{}.{}.{}", parts[0], part(&claims), parts[2])
    };
    let forged = [
        unsigned("none"),
        unsigned("NONE"),
        symmetric,
        promoted,
        with("kid", json!("../../../../dev/null")),
        with("kid", json!("' OR '1'='1")),
        with("kid", Value::Null),
        with("jku", json!("https://evil.example/jwks.json")),
        with("jwk", keys["keys"][0].clone()),
        with("crit", json!(["exp"])),
        with("typ", json!("JWT")),
        format!("{}.{}", parts[0], parts[1]),
        format!("{}.", ada.token),
        ada.refresh_token.clone(),
        portico.service_token(),
    ];
    for token in forged {
        let call = portico.call("GET /api/v1/auth/me").token(&token);
        call.refused(401, "UNAUTHENTICATED").await;
    }
    let me = portico.call("GET /api/v1/auth/me").bearer(&ada);
    assert_eq!(me.expect(200).await["id"], json!(ada.id));
}

async fn nobody_is_made_more_than_was_meant(portico: &Instance) {
    let ada = portico.register("ada").await;
    let account = json!({"email": "eve@example.com", "password": "correct horse", "name": "Eve"});
    for field in [
        "role",
        "status",
        "emailVerified",
        "id",
        "isAdmin",
        "createdAt",
    ] {
        let mut body = account.clone();
        body[field] = json!("ADMIN");
        let error = portico
            .call("POST /api/v1/auth/register")
            .json(body)
            .refused(400, "VALIDATION_FAILED")
            .await;
        assert_eq!(error["details"][0]["field"], field);
    }
    let own = format!("PATCH /api/v1/users/{}", ada.id);
    for (field, value) in [("role", "ADMIN"), ("status", "DISABLED")] {
        let call = portico.call(&own).bearer(&ada).json(json!({field: value}));
        call.refused(403, "FORBIDDEN").await;
    }
    for (field, value) in [
        ("emailVerified", json!(true)),
        ("email", json!("eve@example.com")),
        ("id", json!(ada.id)),
        ("deletedAt", Value::Null),
    ] {
        let call = portico.call(&own).bearer(&ada).json(json!({field: value}));
        let error = call.refused(400, "VALIDATION_FAILED").await;
        assert_eq!(error["details"][0]["field"], field);
    }
    let me = portico.call("GET /api/v1/auth/me").bearer(&ada);
    let me = me.expect(200).await;
    assert_eq!(
        (&me["role"], &me["status"], &me["emailVerified"]),
        (&json!("MEMBER"), &json!("ACTIVE"), &json!(false))
    );
}

async fn nothing_that_a_client_sends_splits_a_header(portico: &Instance) {
    let ada = portico.register("ada").await;
    for id in ["%0d%0aSet-Cookie:%20x=1", "a b", "\u{7f}", &"x".repeat(129)] {
        let Ok(value) = reqwest::header::HeaderValue::from_str(id) else {
            continue;
        };
        let answer = portico
            .call("GET /api/v1/auth/me")
            .bearer(&ada)
            .header("X-Request-Id", value.to_str().expect("text"))
            .send()
            .await;
        assert_ne!(answer.header("x-request-id"), Some(id));
        assert_eq!(answer.header("set-cookie"), None);
    }
    // Line breaks are no part of a name, so none reaches the header of a mail.
    let call = portico.call(&format!("PATCH /api/v1/users/{}", ada.id));
    let call = call
        .bearer(&ada)
        .json(json!({"name": "Ada\r\nBcc: all@example.com"}));
    let error = call.refused(400, "VALIDATION_FAILED").await;
    assert_eq!(error["details"][0]["field"], "name");
    for path in [
        "//evil.example",
        "/\\evil.example",
        "/login?redirect=//evil.example",
    ] {
        let answer = portico.call(&format!("GET {path}")).send().await;
        assert_eq!(answer.header("location"), None, "{path}");
        assert!(!answer.status.is_redirection(), "{path}");
    }
}

/// Medians of sign-ins that take turns, so that a busy machine slows both alike.
/// A missing hash would make one of them many times as fast as the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_answer_nor_time_tells_whether_there_is_an_account() {
    let portico = Instance::in_one_process_with(&[("PORTICO_AUTH_THROTTLE", "off")]).await;
    portico.register("ada").await;
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..SIGN_INS {
        for (email, times) in ["ada@example.com", "bob@example.com"]
            .into_iter()
            .zip(&mut times)
        {
            let begun = Instant::now();
            let error = portico
                .call("POST /api/v1/auth/login")
                .json(json!({"email": email, "password": "not the one"}))
                .refused(401, "INVALID_CREDENTIALS")
                .await;
            times.push(begun.elapsed());
            assert_eq!(error["details"], Value::Null);
        }
    }
    let [known, unknown] = times.map(|mut times| {
        times.sort();
        times[SIGN_INS / 2].as_secs_f64()
    });
    let ratio = known / unknown;
    assert!((0.5..2.0).contains(&ratio), "{known} s and {unknown} s");
    let eve = portico.register("eve").await;
    for (route, field) in [("password/forgot", "email"), ("email/change", "newEmail")] {
        let ask = async |email: &str| {
            let call = portico.call(&format!("POST /api/v1/auth/{route}"));
            let body = json!({field: email});
            call.bearer(&eve).json(body).expect(202).await
        };
        assert_eq!(ask("ada@example.com").await, Value::Null, "{route}");
        assert_eq!(ask("bob@example.com").await, Value::Null, "{route}");
    }
    portico.stop().await;
}
