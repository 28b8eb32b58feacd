//! Secrets stay where they belong: after a whole scenario none of those that it
//! saw is in the program's log (with all of its own events and the fields of
//! their spans, which are what traces carry), in an error's body, in the audit
//! log, or in a database, where they are hashed or encrypted (ASVS 5.0, 16.2.5).
//! The databases hold the outboxes, of which events are made. The mails of the
//! development profile carry links by design and are not looked at.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use portico_chassis::clock::fill_random;
use serde_json::{Value, json};

use crate::{
    Plan, Rest,
    program::PATIENCE,
    rest::{Answer, PASSWORD},
};

const CHANGED: &str = "a changed and long passphrase";
const RESET: &str = "a passphrase chosen by mail";
const WRONG: &str = "a passphrase that is wrong";
const OTHER: &str = "somebody else has this passphrase";

/// What a scenario has seen.
#[derive(Default)]
struct Seen {
    /// What it is, and the secret.
    secrets: Vec<(String, String)>,
    /// The bodies of errors.
    errors: Vec<String>,
}

impl Seen {
    fn note(&mut self, what: &str, secret: &str) -> String {
        assert!(secret.len() >= 8, "{what} is too short to be looked for");
        self.secrets.push((what.to_owned(), secret.to_owned()));
        secret.to_owned()
    }

    /// Notes a secret of an answer.
    fn of(&mut self, data: &Value, name: &str) -> String {
        let secret = data[name].as_str();
        self.note(name, secret.unwrap_or_else(|| panic!("{name} in {data}")))
    }

    /// Makes a call that is refused.
    async fn refused(&mut self, rest: &Rest, line: &str, body: Value) {
        let answer = rest.call(line, &[], Some(&body)).await;
        let Answer { status, body, .. } = answer.expect("an answer");
        assert!((400..500).contains(&status), "{line}: {status}");
        self.errors.push(body.to_string());
    }

    /// No secret is in this.
    fn look_through(&self, place: &str, bytes: &[u8]) {
        for (what, secret) in &self.secrets {
            let secret = secret.as_bytes();
            let is_there = bytes.windows(secret.len()).any(|part| part == secret);
            assert!(!is_there, "{what} is in {place}");
        }
    }
}

fn random_secret() -> String {
    let mut secret = [0; 32];
    fill_random(&mut secret);
    BASE64_STANDARD.encode(secret)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

/// Waits for a mail to Ada with a link to this page, and answers the link's token.
async fn link(mailbox: &Path, page: &str) -> String {
    let begun = Instant::now();
    loop {
        for file in files(mailbox) {
            let mail = fs::read(file).unwrap_or_default();
            // One that is still being written is read the next time.
            let mail: Value = serde_json::from_slice(&mail).unwrap_or_default();
            if mail["to"] != "ada@example.com" {
                continue;
            }
            let text = mail["text"].as_str().expect("a text");
            let token = text.split_once(&format!("/{page}#token="));
            let token = token.and_then(|(_, rest)| rest.split_whitespace().next());
            if let Some(token) = token {
                return token.to_owned();
            }
        }
        assert!(begun.elapsed() < PATIENCE, "no mail links to {page}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Whoever forgets the password, and proves who is there in each way.
async fn a_person(seen: &mut Seen, rest: &Rest, mailbox: &Path) -> Value {
    let body = json!({"email": "ada@example.com", "password": OTHER, "name": "Ada"});
    let made = rest.post("/api/v1/auth/register", body).await;
    seen.of(&made, "token");
    let refresh_token = seen.of(&made, "refreshToken");
    let login = |password: &str| json!({"email": "ada@example.com", "password": password});
    seen.refused(rest, "POST /api/v1/auth/login", login(WRONG))
        .await;
    let body = json!({"refreshToken": refresh_token});
    let refreshed = rest.post("/api/v1/auth/refresh", body).await;
    let ada = rest.with_token(&seen.of(&refreshed, "token"));
    seen.of(&refreshed, "refreshToken");

    let verification = seen.note("a link", &link(mailbox, "verify-email").await);
    rest.post("/api/v1/auth/email/verify", json!({"token": verification}))
        .await;
    let again = json!({"token": verification});
    seen.refused(rest, "POST /api/v1/auth/email/verify", again)
        .await;
    let change = json!({"currentPassword": WRONG, "newPassword": CHANGED});
    seen.refused(&ada, "POST /api/v1/auth/password/change", change)
        .await;
    let change = json!({"currentPassword": OTHER, "newPassword": CHANGED});
    ada.post("/api/v1/auth/password/change", change).await;
    let forgot = json!({"email": "ada@example.com"});
    let line = "POST /api/v1/auth/password/forgot";
    let answer = rest.call(line, &[], Some(&forgot)).await;
    answer.expect("an answer").data(202);
    let reset = seen.note("a link", &link(mailbox, "reset-password").await);
    let body = json!({"token": reset, "newPassword": RESET});
    rest.post("/api/v1/auth/password/reset", body.clone()).await;
    seen.refused(rest, "POST /api/v1/auth/password/reset", body)
        .await;

    let signed_in = rest.post("/api/v1/auth/login", login(RESET)).await;
    seen.of(&signed_in, "refreshToken");
    let ada = rest.with_token(&seen.of(&signed_in, "token"));
    let begun = ada.post("/api/v1/auth/mfa/totp", json!({})).await;
    let secret = seen.of(&begun, "secret");
    let secret = data_encoding::BASE32_NOPAD.decode(secret.as_bytes());
    let generator = totp_rs::Builder::new().with_secret(secret.expect("Base32"));
    let generator = generator.build().expect("a generator");
    let code = json!({"code": generator.generate_current().to_string()});
    let confirmed = ada.post("/api/v1/auth/mfa/totp/confirm", code).await;
    let codes = confirmed["recoveryCodes"].as_array().expect("codes");
    for code in codes {
        seen.note("a recovery code", code.as_str().expect("a code"));
    }
    let challenged = rest.post("/api/v1/auth/login", login(RESET)).await;
    let challenge = seen.of(&challenged, "mfaToken");
    let line = "POST /api/v1/auth/mfa/challenge";
    let wrong = json!({"mfaToken": challenge, "recoveryCode": WRONG});
    seen.refused(rest, line, wrong).await;
    let body = json!({"mfaToken": challenge, "recoveryCode": codes[0]});
    let answered = rest.post("/api/v1/auth/mfa/challenge", body.clone()).await;
    seen.of(&answered, "refreshToken");
    seen.refused(rest, line, body).await;

    let ada = rest.with_token(&seen.of(&answered, "token"));
    let key = json!({"name": "key", "scopes": ["account:read"]});
    let key = ada.post("/api/v1/auth/api-keys", key).await;
    let key = rest.with_token(&seen.of(&key, "secret"));
    key.get("/api/v1/auth/me").await;
    seen.refused(&key, "POST /api/v1/projects", json!({"name": "Apollo"}))
        .await;
    let ticket = ada.post("/api/v1/events/ticket", json!({})).await;
    let ticket = seen.of(&ticket, "ticket");
    let line = format!("HEAD /api/v1/events?ticket={ticket}");
    rest.call(&line, &[], None).await.expect("an answer");
    let line = format!("GET /api/v1/events?ticket={ticket}x");
    seen.refused(rest, &line, Value::Null).await;
    made["user"].clone()
}

/// An administrator who acts as somebody, and a program with a key.
async fn an_administrator(seen: &mut Seen, rest: &Rest, person: &Value) -> Rest {
    let admin = json!({"email": "root@example.com", "password": PASSWORD});
    let admin = rest.post("/api/v1/auth/login", admin).await;
    seen.of(&admin, "refreshToken");
    let admin = rest.with_token(&seen.of(&admin, "token"));
    let path = format!(
        "/api/v1/users/{}/impersonate",
        person["id"].as_str().expect("an id")
    );
    let acting = admin.post(&path, json!({"reason": "ticket 42"})).await;
    let acting = rest.with_token(&seen.of(&acting, "token"));
    acting.get("/api/v1/auth/me").await;

    let account = json!({"name": "reader"});
    let account = admin.post("/api/v1/service-accounts", account).await;
    let account = account["id"].as_str().expect("an id");
    let path = format!("/api/v1/service-accounts/{account}/keys");
    let key = json!({"name": "key", "scopes": ["users:read"]});
    let key = admin.post(&path, key).await;
    let secret = seen.of(&key, "secret");
    for (secret, status) in [(&*secret, 200), (WRONG, 401)] {
        let form = format!(
            "grant_type=client_credentials&client_id={account}&client_secret={}",
            secret.replace(' ', "+")
        );
        let answer = rest.form("/oauth2/token", &form).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        match status {
            200 => drop(seen.of(&answer.body, "access_token")),
            _ => seen.errors.push(answer.body.to_string()),
        }
    }
    admin
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_left_where_it_does_not_belong() {
    let mut seen = Seen::default();
    for (what, password) in [
        ("the administrator's password", PASSWORD),
        ("the first password", OTHER),
        ("a changed password", CHANGED),
        ("a password chosen by mail", RESET),
        ("a wrong password", WRONG),
    ] {
        seen.note(what, password);
    }
    let mut plan = Plan::in_one_process();
    for name in ["PORTICO_MASTER_KEY", "PORTICO_SERVICE_SECRET"] {
        plan.set(name, &seen.note(name, &random_secret()));
    }
    plan.set("PORTICO_LOG_FORMAT", "json");
    let crates = [
        "portico",
        "portico_chassis",
        "portico_gateway",
        "portico_auth",
        "portico_users",
        "portico_projects",
        "portico_notifications",
    ];
    let levels = crates.map(|name| format!("{name}=trace")).join(",");
    plan.set("RUST_LOG", &format!("info,{levels}"));
    let mut installation = plan.start().await;
    let data = plan.folder.path().join("data");
    let rest = installation.rest.clone();
    let person = a_person(&mut seen, &rest, &data.join("mailbox")).await;
    let admin = an_administrator(&mut seen, &rest, &person).await;

    let line = "GET /api/v1/audit-log/export";
    let exported = admin.call(line, &[], None).await.expect("an answer");
    assert_eq!(exported.status, 200);
    let exported = exported.body.to_string();
    assert!(exported.contains("impersonation.started"), "{exported}");
    seen.look_through("the audit log", exported.as_bytes());
    for error in &seen.errors {
        seen.look_through(error, error.as_bytes());
    }
    // While it runs, so that what is not yet in the databases is in their logs.
    let databases = files(&data).into_iter().filter(|file| {
        let name = file.to_string_lossy();
        name.ends_with(".db") || name.ends_with(".db-wal")
    });
    let mut kept = Vec::new();
    for file in databases {
        let bytes = fs::read(&file).expect("it is there");
        seen.look_through(&file.display().to_string(), &bytes);
        kept.extend(bytes);
    }
    // What is no secret is found, so that secrets would be as well.
    let address = b"ada@example.com";
    assert!(kept.windows(address.len()).any(|part| part == address));

    let mut program = installation.take("dev");
    program.signal("TERM").await;
    assert!(program.end().await.success());
    let log = program.output();
    assert!(log.contains("/api/v1/auth/login"), "requests are logged");
    seen.look_through("the log", log.as_bytes());
}
