//! What people may know of what is kept of them, and how they are forgotten.

use std::time::Duration;

use portico_chassis::database::{Database, DatabaseUrl};
use serde_json::{Value, json};

use crate::{Instance, Person, in_both_shapes, instance::PASSWORD, links::WELCOME};

in_both_shapes! {
    one_document_has_all_that_is_kept_of_a_person,
    nobody_but_oneself_and_admins_gets_it,
    who_was_deleted_long_ago_leaves_nothing_but_ids,
}

/// How long a purge may take: people are looked for every few seconds.
const PATIENCE: Duration = Duration::from_secs(60);

impl Instance {
    async fn export(&self, of: &Person, by: &Person) -> Value {
        let line = format!("GET /api/v1/users/{}/export", of.id);
        self.call(&line).bearer(by).expect(200).await
    }

    /// A person who has shown that the address is its own.
    async fn proven(&self, name: &str) -> Person {
        let person = self.register(name).await;
        let token = self.mails.mail(&person.email, WELCOME).await.token();
        let call = self.call("POST /api/v1/auth/email/verify");
        call.json(json!({"token": token})).expect(200).await;
        person
    }

    /// Runs a statement in the database of the users service, as time would
    /// that the test does not have.
    async fn in_users(&self, sql: &'static str) {
        let database = match self.database("users") {
            Some(database) => database,
            None => {
                let url = DatabaseUrl::Sqlite(self.data("users.db"));
                Database::open(&url, 1).await.expect("it opens")
            }
        };
        match &database {
            Database::Postgres(database) => {
                let run = sqlx::query(sql).execute(&database.pool).await;
                run.expect("done");
            }
            Database::Sqlite(sqlite) => {
                let mut transaction = sqlite.begin().await.expect("begun");
                let run = sqlx::query(sql).execute(&mut transaction).await;
                run.expect("done");
                transaction.commit().await.expect("committed");
                database.close().await;
            }
        }
    }
}

async fn one_document_has_all_that_is_kept_of_a_person(portico: &Instance) {
    let ada = portico.proven("ada").await;
    let bob = portico.register("bob").await;
    let own = portico.project(&ada, "Engine").await;
    let others = portico.project(&bob, "Apollo").await;
    for (project, by, email) in [
        (&own, &ada, "carol@example.com"),
        (&others, &bob, ada.email.as_str()),
    ] {
        let id = project["id"].as_str().unwrap();
        let call = portico.call(&format!("POST /api/v1/projects/{id}/invitations"));
        let body = json!({"email": email, "role": "VIEWER"});
        call.bearer(by).json(body).expect(201).await;
    }
    let call = portico.call("POST /api/v1/auth/email/change").bearer(&ada);
    let body = json!({"newEmail": "countess@example.com"});
    call.json(body).expect(202).await;
    portico.mails.mail("countess@example.com", "Confirm").await;
    portico.mails.mail(&ada.email, "bob invites you").await;
    portico.mails.mail(&ada.email, "is being changed").await;

    let data = portico.export(&ada, &ada).await;
    assert_eq!(data["user"]["email"], json!(ada.email));
    assert!(data["exportedAt"].is_string());
    let account = &data["account"];
    assert!(account["passwordSetAt"].is_string());
    assert_eq!(account["sessions"][0]["ip"], "127.0.0.1");
    let change = &account["emailChanges"][0];
    assert_eq!(change["change"]["newEmail"], "countess@example.com");
    assert_eq!(change["state"], "PENDING");
    let participation = &data["participation"];
    assert_eq!(participation["memberships"][0]["projectName"], "Engine");
    assert_eq!(
        participation["invitationsReceived"][0]["projectName"],
        "Apollo"
    );
    assert_eq!(
        participation["invitationsSent"][0]["email"],
        "carol@example.com"
    );
    let mails = data["mails"].as_array().expect("mails");
    let templates: Vec<&str> = mails
        .iter()
        .map(|mail| mail["template"].as_str().unwrap())
        .collect();
    for template in ["verify-email", "invitation", "undo-email-change"] {
        assert!(templates.contains(&template), "{templates:?}");
    }
    let entries = account["auditEntries"].as_array().expect("entries");
    let actions: Vec<&str> = entries
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    for action in [
        "account.exported",
        "user.created",
        "user.updated",
        "project.created",
        "session.created",
        "email.change_requested",
    ] {
        assert!(actions.contains(&action), "{actions:?}");
    }
    let text = data.to_string();
    for secret in ["$argon2", "plk_", "prt_", PASSWORD] {
        assert!(!text.contains(secret), "{secret}");
    }
    // Nobody else's.
    assert!(!text.contains(&bob.email), "{text}");
}

async fn nobody_but_oneself_and_admins_gets_it(portico: &Instance) {
    let (ada, bob) = (portico.register("ada").await, portico.register("bob").await);
    let line = format!("GET /api/v1/users/{}/export", ada.id);
    portico.call(&line).refused(401, "UNAUTHENTICATED").await;
    let call = portico.call(&line).bearer(&bob);
    call.refused(404, "USER_NOT_FOUND").await;
    let admin = portico.admin_person().await;
    for id in ["no-id", "01900000-0000-7000-8000-000000000001"] {
        let line = format!("GET /api/v1/users/{id}/export");
        let call = portico.call(&line).bearer(&admin);
        call.refused(404, "USER_NOT_FOUND").await;
    }
    let answer = portico.call(&line).bearer(&admin).send().await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let data = answer.data(200);
    // Mails to an address that was never shown to be the person's may be for
    // somebody else.
    assert_eq!(data["mails"], json!([]));
    let entries = portico.export(&ada, &ada).await["account"]["auditEntries"].clone();
    let by_admin = entries
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["actor"]["id"] == json!(admin.id))
        .expect("the admin's export is noted");
    assert_eq!(by_admin["action"], "account.exported");
    assert_eq!(by_admin["ip"], Value::Null);
}

async fn who_was_deleted_long_ago_leaves_nothing_but_ids(portico: &Instance) {
    let admin = portico.admin_person().await;
    let ada = portico.proven("ada").await;
    let bob = portico.register("bob").await;
    let project = portico.project(&bob, "Engine").await;
    let id = project["id"].as_str().unwrap();
    let line = format!("POST /api/v1/projects/{id}/invitations");
    let body = json!({"email": ada.email, "role": "VIEWER"});
    portico
        .call(&line)
        .bearer(&bob)
        .json(body)
        .expect(201)
        .await;
    portico.mails.mail(&ada.email, "bob invites you").await;
    portico.mail_job(&admin, &ada.email, "SENT").await;
    let line = format!("DELETE /api/v1/users/{}", ada.id);
    portico.call(&line).bearer(&ada).expect(200).await;

    // Within the grace, all is there.
    assert_eq!(
        portico.export(&ada, &admin).await["user"]["status"],
        "DELETED"
    );
    let body = json!({"email": ada.email, "password": PASSWORD, "name": "Eve"});
    let call = portico
        .call("POST /api/v1/auth/register")
        .json(body.clone());
    call.refused(409, "EMAIL_EXISTS").await;

    portico
        .in_users(match portico.database("users") {
            Some(_) => "UPDATE users SET deleted_at = deleted_at - interval '30 days' WHERE status = 'DELETED'",
            None => "UPDATE users SET deleted_at = deleted_at - 2592000000 WHERE status = 'DELETED'",
        })
        .await;
    let line = format!("POST /api/v1/users/{}/restore", ada.id);
    let restore = portico.call(&line).bearer(&admin).json(json!({}));
    restore.refused(404, "USER_NOT_FOUND").await;
    // The others forget while the person is still there to be looked up.
    let forgotten = async {
        loop {
            let data = portico.export(&ada, &admin).await;
            let is_empty = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
            if is_empty(&data["mails"])
                && is_empty(&data["participation"]["invitationsReceived"])
                && data["account"]["passwordSetAt"].is_null()
            {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, forgotten)
        .await
        .expect("forgotten");

    portico
        .in_users(match portico.database("users") {
            Some(_) => {
                "UPDATE users SET purge_announced_at = purge_announced_at - interval '1 hour'"
            }
            None => "UPDATE users SET purge_announced_at = purge_announced_at - 3600000",
        })
        .await;
    let gone = async {
        loop {
            let line = format!("GET /api/v1/users/{}", ada.id);
            if portico.call(&line).bearer(&admin).send().await.status == 404 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("purged");
    let line = format!("GET /api/v1/users/{}/export", ada.id);
    let export = portico.call(&line).bearer(&admin);
    export.refused(404, "USER_NOT_FOUND").await;
    // The trace: who did what, without a name and an address.
    let line = format!("GET /api/v1/audit-log?actor={}&limit=100", ada.id);
    let entries = portico.call(&line).bearer(&admin).expect(200).await;
    let entries = entries.as_array().expect("a list").clone();
    assert!(!entries.is_empty());
    for entry in &entries {
        assert_eq!(
            (&entry["actor"]["name"], &entry["ip"]),
            (&Value::Null, &Value::Null)
        );
    }
    let of_users_and_auth = portico.outboxes().await;
    for row in of_users_and_auth.iter().filter(|row| row.contains(&ada.id)) {
        let is_about_projects = row.starts_with("invitation.") || row.starts_with("member.");
        assert!(is_about_projects || !row.contains("ada@"), "{row}");
        assert!(is_about_projects || !row.contains("\"ada\""), "{row}");
    }
    // The address is free again.
    let call = portico.call("POST /api/v1/auth/register").json(body);
    call.expect(201).await;
}
