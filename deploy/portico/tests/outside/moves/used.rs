//! What people and programs do in an installation, and what they see of it
//! before and after it was moved.

use serde_json::{Value, json};

use crate::{
    Installation, Rest,
    installation::ADMIN_EMAIL,
    rest::{PASSWORD, account},
};

/// What the clients of an installation keep.
pub(super) struct Used {
    ada: String,
    admin: String,
    refresh_token: String,
    api_key: String,
    /// Ada's authenticator, and her recovery codes.
    generator: totp_rs::Totp,
    recovery_codes: Vec<Value>,
    project: Value,
    /// Where a stream of live changes was before the last change.
    last_event: String,
}

/// Lists that an administrator sees.
const FOR_ADMINS: [&str; 4] = [
    "/api/v1/users",
    "/api/v1/service-accounts",
    "/api/v1/audit-log",
    "/api/v1/admin/mail-jobs",
];

/// Lists and things that Ada sees.
const FOR_ADA: [&str; 5] = [
    "/api/v1/projects",
    "/api/v1/invitations",
    "/api/v1/auth/sessions",
    "/api/v1/auth/api-keys",
    "/api/v1/projects/apollo",
];

impl Used {
    /// Uses an installation in all its parts.
    pub(super) async fn begin(installation: &Installation) -> Self {
        let rest = &installation.rest;
        let admin = installation.admin().await;
        let made = rest.post("/api/v1/auth/register", account("ada")).await;
        let (eve, _) = rest.register("eve").await;
        let ada = rest.with_token(text(&made, "token"));
        let begun = ada.post("/api/v1/auth/mfa/totp", json!({})).await;
        let secret = data_encoding::BASE32_NOPAD.decode(text(&begun, "secret").as_bytes());
        let generator = totp_rs::Builder::new().with_secret(secret.expect("Base32"));
        let generator = generator.build().expect("a generator");
        let code = json!({"code": generator.generate_current().to_string()});
        let confirmed = ada.post("/api/v1/auth/mfa/totp/confirm", code).await;
        let recovery_codes = confirmed["recoveryCodes"].as_array().expect("codes");
        let key = json!({"name": "backup", "scopes": ["projects:read"]});
        let key = ada.post("/api/v1/auth/api-keys", key).await;
        let program = json!({"name": "billing"});
        let program = admin.post("/api/v1/service-accounts", program).await;
        let keys = format!("/api/v1/service-accounts/{}/keys", text(&program, "id"));
        let of_program = json!({"name": "main", "scopes": ["users:read"]});
        admin.post(&keys, of_program).await;

        let project = create(&ada).await;
        let path = format!("/api/v1/projects/{}", text(&project, "id"));
        let member = json!({"userId": eve["id"], "role": "VIEWER"});
        ada.post(&format!("{path}/members"), member).await;
        let invitation = json!({"email": "grace@example.com", "role": "MEMBER"});
        ada.post(&format!("{path}/invitations"), invitation).await;
        let added = format!("\"name\":\"{}\"", text(&eve, "name"));
        let added = told(rest.base(), ada.token(), Some("0.0.0"), &added).await;
        let last_event = id_of(&added).to_owned();
        let other = json!({"name": "Gemini"});
        let other = ada.post("/api/v1/projects", other).await;
        let archive = format!("/api/v1/projects/{}/archive", text(&other, "id"));
        ada.post(&archive, json!({})).await;
        // All that follows by events has followed.
        loop {
            let mails = admin.all("/api/v1/admin/mail-jobs").await;
            if mails.len() >= 4 && mails.iter().all(|mail| mail["status"] == "SENT") {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        Self {
            admin: admin.token().to_owned(),
            refresh_token: text(&made, "refreshToken").to_owned(),
            api_key: text(&key, "secret").to_owned(),
            ada: ada.token().to_owned(),
            generator,
            recovery_codes: recovery_codes.clone(),
            project,
            last_event,
        }
    }

    /// What everybody sees, with the tokens from before.
    pub(super) async fn seen(&self, installation: &Installation) -> Vec<(String, Value)> {
        let mut seen = Vec::new();
        let ada = installation.rest.with_token(&self.ada);
        let admin = installation.rest.with_token(&self.admin);
        let project = format!("/api/v1/projects/{}", text(&self.project, "id"));
        let more = [
            format!("{project}/members"),
            format!("{project}/invitations"),
        ];
        let for_ada = FOR_ADA.iter().map(|path| (&ada, (*path).to_owned()));
        let for_ada = for_ada.chain(more.into_iter().map(|path| (&ada, path)));
        let for_admins = FOR_ADMINS.iter().map(|path| (&admin, (*path).to_owned()));
        for (rest, path) in for_ada.chain(for_admins) {
            let data = if path.ends_with("/apollo") {
                rest.get(&path).await
            } else {
                Value::Array(rest.all(&path).await)
            };
            seen.push((path, data));
        }
        let me = ada.get("/api/v1/auth/mfa").await;
        seen.push(("/api/v1/auth/mfa".to_owned(), me));
        seen
    }

    /// Goes on with all that was kept, and changes more.
    pub(super) async fn go_on(&self, installation: &Installation) {
        let rest = &installation.rest;
        let with_key = rest.with_token(&self.api_key);
        let projects = with_key.get("/api/v1/projects").await;
        assert_eq!(projects[0]["id"], self.project["id"], "{projects}");
        let body = json!({"refreshToken": self.refresh_token});
        let refreshed = rest.post("/api/v1/auth/refresh", body).await;
        let ada = rest.with_token(text(&refreshed, "token"));

        // The code after that of now counts already, and none counts twice.
        let code = self.generator.next_step_current();
        let code = self.generator.generate(code).to_string();
        for proof in [
            json!({"code": code}),
            json!({"recoveryCode": self.recovery_codes[0]}),
        ] {
            let body = json!({"email": "ada@example.com", "password": PASSWORD});
            let challenged = rest.post("/api/v1/auth/login", body).await;
            let mut answer = proof;
            answer["mfaToken"] = challenged["mfaToken"].clone();
            rest.post("/api/v1/auth/mfa/challenge", answer).await;
        }

        // What was asked for before is not done again.
        let again = create(&ada).await;
        assert_eq!(again["id"], self.project["id"]);

        // The stream goes on after what was seen last, and with what is new.
        let token = ada.token();
        let missed = told(rest.base(), token, Some(&self.last_event), "data: ").await;
        assert!(missed.contains("Gemini"), "{missed}");
        let begun = told(rest.base(), token, None, "id: ").await;
        let body = json!({"name": "Mercury"});
        let mercury = ada.post("/api/v1/projects", body).await;
        let new = told(rest.base(), token, Some(id_of(&begun)), "data: ").await;
        assert!(new.contains("Mercury"), "{new}");

        let admin = rest.login(ADMIN_EMAIL).await;
        let path = format!("/api/v1/audit-log?target={}", text(&mercury, "id"));
        let entries = admin.all(&path).await;
        let is_told = entries
            .iter()
            .any(|entry| entry["action"] == "project.created");
        assert!(is_told, "{entries:?}");
        rest.register("newcomer").await;
    }

    /// What [`Used::go_on`] did is not known here.
    pub(super) async fn has_not_happened(&self, installation: &Installation) {
        let ada = installation.rest.with_token(&self.ada);
        let names = ada.all("/api/v1/projects").await;
        assert!(names.iter().all(|project| project["name"] != "Mercury"));
        assert!(
            names
                .iter()
                .any(|project| project["id"] == self.project["id"])
        );
    }
}

/// Makes the one project, once.
async fn create(ada: &Rest) -> Value {
    let body = json!({"name": "Apollo"});
    let headers = [("Idempotency-Key", "first")];
    let answer = ada.call("POST /api/v1/projects", &headers, Some(&body));
    answer.await.expect("an answer").data(201)
}

fn text<'a>(data: &'a Value, name: &str) -> &'a str {
    let text = data[name].as_str();
    text.unwrap_or_else(|| panic!("{name} in {data}"))
}

/// The first block of a stream that contains `text`.
async fn told(base: &str, token: &str, last: Option<&str>, text: &str) -> String {
    let client = reqwest::Client::new();
    let mut request = client
        .get(format!("{base}/api/v1/events"))
        .bearer_auth(token);
    if let Some(last) = last {
        request = request.header("Last-Event-ID", last);
    }
    let mut answer = request.send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
    let mut read = String::new();
    loop {
        let chunk = tokio::time::timeout(crate::program::PATIENCE, answer.chunk()).await;
        let chunk = chunk.expect("it goes on").expect("it is read");
        read += std::str::from_utf8(&chunk.expect("it does not end")).expect("text");
        let (blocks, _) = read.rsplit_once("\n\n").unwrap_or_default();
        if let Some(found) = blocks.split("\n\n").find(|block| block.contains(text)) {
            return found.to_owned();
        }
    }
}

/// Where a stream was at a block of it.
fn id_of(block: &str) -> &str {
    let mut lines = block.lines();
    let id = lines.find_map(|line| line.strip_prefix("id: "));
    id.expect("every block has an id")
}
