//! What people and programs do with secrets, and what they have seen of them.

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use data_encoding::{BASE32_NOPAD, HEXLOWER};
use portico_chassis::clock::fill_random;
use serde_json::{Value, json};

use super::places::Mails;
use crate::{
    Rest,
    rest::{Answer, PASSWORD},
};

const ADA: &str = "ada@example.com";
const CHANGED: &str = "a changed and long passphrase";
const RESET: &str = "a passphrase chosen by mail";
const WRONG: &str = "a passphrase that is wrong";
const OTHER: &str = "somebody else has this passphrase";
const CHOSEN: &str = "the first passphrase of bob";

/// What a scenario has seen.
pub(super) struct Seen {
    /// What it is, and the secret.
    secrets: Vec<(String, String)>,
    /// The bodies of errors.
    pub(super) errors: Vec<String>,
}

impl Seen {
    /// Nothing but the passwords that will be used.
    pub(super) fn new() -> Self {
        let mut seen = Self {
            secrets: Vec::new(),
            errors: Vec::new(),
        };
        for (what, password) in [
            ("the administrator's password", PASSWORD),
            ("the first password", OTHER),
            ("a changed password", CHANGED),
            ("a password chosen by mail", RESET),
            ("the first password of somebody who was added", CHOSEN),
            ("a wrong password", WRONG),
        ] {
            seen.note(what, password);
        }
        seen
    }

    pub(super) fn note(&mut self, what: &str, secret: &str) -> String {
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

    /// No secret is in this, in none of its forms.
    pub(super) fn look_through(&self, place: &str, bytes: &[u8]) {
        for (what, secret) in &self.secrets {
            for form in forms(secret) {
                let finder = memchr::memmem::Finder::new(&form);
                assert!(finder.find(bytes).is_none(), "{what} is in {place}");
            }
        }
    }
}

/// How a secret could be written: as it is, in a form or a URL, and as the bytes
/// that it stands for, in themselves and in hexadecimal.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.as_bytes().to_vec()];
    if secret.contains(' ') {
        forms.push(secret.replace(' ', "+").into_bytes());
        forms.push(secret.replace(' ', "%20").into_bytes());
    }
    let (_, random) = secret.split_once('_').unwrap_or(("", secret));
    for decoded in [
        BASE64_STANDARD.decode(random).ok(),
        BASE64_URL_SAFE_NO_PAD.decode(random).ok(),
        BASE32_NOPAD.decode(random.as_bytes()).ok(),
    ] {
        forms.extend(decoded.filter(|bytes| bytes.len() >= 16));
    }
    let in_hexadecimal: Vec<_> = forms.iter().map(|form| HEXLOWER.encode(form)).collect();
    forms.extend(in_hexadecimal.into_iter().map(String::into_bytes));
    forms
}

pub(super) fn random_secret() -> String {
    let mut secret = [0; 32];
    fill_random(&mut secret);
    BASE64_STANDARD.encode(secret)
}

/// Whoever forgets the password, and proves who is there in each way.
pub(super) async fn a_person(seen: &mut Seen, rest: &Rest, mails: &Mails) -> Value {
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

    let verification = seen.note("a link", &mails.link(ADA, "verify-email").await);
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
    let reset = seen.note("a link", &mails.link(ADA, "reset-password").await);
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
    an_address(seen, &ada, mails).await;
    let ticket = ada.post("/api/v1/events/ticket", json!({})).await;
    let ticket = seen.of(&ticket, "ticket");
    let line = format!("HEAD /api/v1/events?ticket={ticket}");
    rest.call(&line, &[], None).await.expect("an answer");
    let line = format!("GET /api/v1/events?ticket={ticket}x");
    seen.refused(rest, &line, Value::Null).await;
    made["user"].clone()
}

/// Another address, and the one before again, by the links of both.
async fn an_address(seen: &mut Seen, ada: &Rest, mails: &Mails) {
    let change = json!({"newEmail": "lovelace@example.com"});
    let line = "POST /api/v1/auth/email/change";
    let answer = ada.call(line, &[], Some(&change)).await;
    answer.expect("an answer").data(202);
    let confirm = mails.link("lovelace@example.com", "confirm-email").await;
    seen.note("a link", &confirm);
    // Nobody undoes it here: that would end the session.
    seen.note("a link", &mails.link(ADA, "undo-email-change").await);
    let body = json!({"token": confirm});
    ada.post("/api/v1/auth/email/verify", body.clone()).await;
    seen.refused(ada, "POST /api/v1/auth/email/verify", body)
        .await;
    let strength = json!({"password": CHOSEN, "email": ADA});
    ada.post("/api/v1/auth/password/strength", strength).await;
    let proof = json!({"password": WRONG});
    seen.refused(ada, "POST /api/v1/auth/reauthenticate", proof)
        .await;
}

/// An administrator who acts as somebody, and a program with a key.
pub(super) async fn an_administrator(
    seen: &mut Seen,
    rest: &Rest,
    mails: &Mails,
    person: &Value,
) -> Rest {
    let admin = json!({"email": "root@example.com", "password": PASSWORD});
    let admin = rest.post("/api/v1/auth/login", admin).await;
    seen.of(&admin, "refreshToken");
    let admin = rest.with_token(&seen.of(&admin, "token"));
    let body = json!({"email": "bob@example.com", "name": "Bob"});
    admin.post("/api/v1/users", body).await;
    let token = mails.link("bob@example.com", "set-password").await;
    seen.note("a link", &token);
    let body = json!({"token": token, "newPassword": CHOSEN});
    rest.post("/api/v1/auth/password/reset", body).await;
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
