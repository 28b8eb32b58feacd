//! Nothing secret is where others than its owner look: in the log, in what is
//! refused, in the audit log, or in the databases with their events. Mails are
//! the way by which links reach their owners, so the mailbox is left out.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{Plan, Rest, installation::ADMIN_EMAIL, program::PATIENCE, rest::PASSWORD};

const FIRST: &str = "the first of Ada's own";
const SECOND: &str = "the second of Ada's own";
const THIRD: &str = "the third of Ada's own";
const WRONG: &str = "none of Ada's at all";

/// What was kept secret, by name, and where it must not be.
#[derive(Default)]
struct Witness {
    secrets: Vec<(String, String)>,
    refusals: String,
}

impl Witness {
    fn keep(&mut self, name: &str, secret: &Value) -> String {
        let secret = secret.as_str().unwrap_or_else(|| panic!("no {name}"));
        self.secrets.push((name.to_owned(), secret.to_owned()));
        secret.to_owned()
    }

    /// Signs in; what comes of it, and the client of whoever it is.
    async fn login(&mut self, rest: &Rest, email: &str, password: &str) -> (Value, Rest) {
        let body = json!({"email": email, "password": password});
        let data = rest.post("/api/v1/auth/login", body).await;
        if data["mfaRequired"] == true {
            self.keep("token of a challenge", &data["mfaToken"]);
            return (data, rest.clone());
        }
        self.keep("refresh token", &data["refreshToken"]);
        let token = self.keep("access token", &data["token"]);
        (data, rest.with_token(&token))
    }

    async fn refused(&mut self, rest: &Rest, path: &str, body: Value) {
        let answer = rest.call(&format!("POST {path}"), &[], Some(&body)).await;
        let answer = answer.expect("an answer");
        assert!(answer.status >= 400, "{path}: {}", answer.body);
        self.refusals += &answer.body.to_string();
    }

    fn search(&self, place: &str, content: &str) {
        for (name, secret) in &self.secrets {
            assert!(!content.contains(secret), "the {name} stands in {place}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_secret_is_logged_told_or_kept() {
    let mut plan = Plan::in_one_process();
    plan.set("RUST_LOG", "debug");
    plan.set("PORTICO_LOG_FORMAT", "json");
    let mut installation = plan.start().await;
    let data = plan.folder.path().join("data");
    let rest = installation.rest.clone();
    let mut witness = Witness::default();
    for (name, secret) in [
        ("password", FIRST),
        ("password", SECOND),
        ("password", THIRD),
    ] {
        witness.keep(name, &secret.into());
    }
    witness.keep("wrong password", &WRONG.into());

    let ada = json!({"email": "ada@example.com", "password": FIRST, "name": "Ada"});
    let made = rest.post("/api/v1/auth/register", ada).await;
    witness.keep("refresh token", &made["refreshToken"]);
    let wrong = json!({"email": "ada@example.com", "password": WRONG});
    witness.refused(&rest, "/api/v1/auth/login", wrong).await;
    let (signed_in, own) = witness.login(&rest, "ada@example.com", FIRST).await;
    let shown = json!({"refreshToken": signed_in["refreshToken"]});
    let refreshed = rest.post("/api/v1/auth/refresh", shown).await;
    witness.keep("refresh token", &refreshed["refreshToken"]);
    let ticket = own.post("/api/v1/events/ticket", json!({})).await;
    witness.keep("ticket", &ticket["ticket"]);
    let key = json!({"name": "backup", "scopes": ["account:read"]});
    let key = own.post("/api/v1/auth/api-keys", key).await;
    let key = witness.keep("API key", &key["secret"]);
    rest.with_token(&key).get("/api/v1/auth/me").await;
    let change = json!({"currentPassword": FIRST, "newPassword": SECOND});
    own.post("/api/v1/auth/password/change", change).await;

    let forgotten = json!({"email": "ada@example.com"});
    let asked = rest.call("POST /api/v1/auth/password/forgot", &[], Some(&forgotten));
    assert_eq!(asked.await.expect("an answer").status, 202);
    let link = mailed(&data.join("mailbox"), "/reset-password#token=").await;
    let reset = json!({"token": link, "newPassword": THIRD});
    rest.post("/api/v1/auth/password/reset", reset.clone())
        .await;
    witness
        .refused(&rest, "/api/v1/auth/password/reset", reset)
        .await;
    witness.keep("token of a link", &link.into());

    let (_, own) = witness.login(&rest, "ada@example.com", THIRD).await;
    let totp = own.post("/api/v1/auth/mfa/totp", json!({})).await;
    let secret = witness.keep("secret of an authenticator", &totp["secret"]);
    let code = json!({"code": code(&secret)});
    let codes = own.post("/api/v1/auth/mfa/totp/confirm", code).await;
    let codes = codes["recoveryCodes"].as_array().expect("codes").clone();
    for code in &codes {
        witness.keep("recovery code", code);
    }
    let (challenge, _) = witness.login(&rest, "ada@example.com", THIRD).await;
    let token = &challenge["mfaToken"];
    let wrong = json!({"mfaToken": token, "recoveryCode": "aaaa-aaaa-aaaa-aaaa"});
    witness
        .refused(&rest, "/api/v1/auth/mfa/challenge", wrong)
        .await;
    let right = json!({"mfaToken": token, "recoveryCode": codes[0]});
    rest.post("/api/v1/auth/mfa/challenge", right).await;

    let (_, admin) = witness.login(&rest, ADMIN_EMAIL, PASSWORD).await;
    let account = admin.post("/api/v1/service-accounts", json!({"name": "billing"}));
    let account = account.await["id"].as_str().expect("an id").to_owned();
    let scopes = json!({"name": "first", "scopes": ["users:read"]});
    let path = format!("/api/v1/service-accounts/{account}/keys");
    let client = admin.post(&path, scopes).await;
    let client = witness.keep("key of a service account", &client["secret"]);
    let granted = reqwest::Client::new()
        .post(format!("{}/oauth2/token", plan.http()))
        .basic_auth(&account, Some(&client))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body("grant_type=client_credentials")
        .send()
        .await
        .expect("an answer");
    let granted: Value = granted.json().await.expect("JSON");
    witness.keep("token of a service account", &granted["access_token"]);
    let person = made["user"]["id"].as_str().expect("an id");
    let path = format!("/api/v1/users/{person}/impersonate");
    let impersonation = admin.post(&path, json!({"reason": "request 4711"})).await;
    witness.keep("token of an impersonation", &impersonation["token"]);

    let exported = admin.call("GET /api/v1/audit-log/export", &[], None).await;
    let exported = exported.expect("an answer").body.to_string();
    assert!(exported.contains("password.changed"), "{exported}");
    witness.search("the audit log", &exported);
    witness.search("a refusal", &witness.refusals);
    for file in ["master.key", "service.secret"] {
        let secret = fs::read_to_string(data.join(file)).expect("a secret");
        witness.keep(file, &secret.trim().into());
    }
    let log = installation.process("dev").output();
    assert!(log.contains("\"level\":\"DEBUG\""), "it logs all");
    witness.search("the log", &log);
    installation.stop().await;
    for entry in fs::read_dir(&data).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.to_string_lossy().contains(".db") {
            let content = fs::read(&path).expect("a file");
            witness.search(&path.to_string_lossy(), &String::from_utf8_lossy(&content));
        }
    }
}

/// What follows this text in one of the mails, as soon as it has come.
async fn mailed(mailbox: &Path, before: &str) -> String {
    let found = || {
        fs::read_dir(mailbox).ok()?.find_map(|entry| {
            let mail = fs::read_to_string(entry.ok()?.path()).ok()?;
            let mail = mail.replace("=\r\n", "").replace("=3D", "=");
            let (_, after) = mail.split_once(before)?;
            let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
            Some(
                after
                    .chars()
                    .take_while(|&letter| is_part(letter))
                    .collect(),
            )
        })
    };
    let came = async {
        loop {
            if let Some(token) = found() {
                return token;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, came).await.expect("a mail")
}

/// The code of an authenticator at this moment.
fn code(secret: &str) -> String {
    let secret = data_encoding::BASE32_NOPAD.decode(secret.as_bytes());
    let totp = totp_rs::Builder::new().with_secret(secret.expect("Base32"));
    let totp = totp.build().expect("an authenticator");
    totp.generate_current().to_string()
}
