//! The mails of an installation, and the administrators who look after them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{Instance, Person, in_both_shapes, instance::PASSWORD, rest::detail};

in_both_shapes! {
    who_registers_is_welcomed_once,
    who_changes_the_password_is_told,
    who_is_invited_is_told_where_to_answer,
    admins_list_and_retry_mails,
    mails_are_for_admins_only,
}

impl Instance {
    /// Waits until the mail to an address has a status.
    pub(crate) async fn mail_job(&self, admin: &Person, to: &str, status: &str) -> Value {
        let line = format!("GET /api/v1/admin/mail-jobs?limit=100&status={status}");
        loop {
            let jobs = self.call(&line).bearer(admin).expect(200).await;
            let jobs = jobs.as_array().expect("a list");
            if let Some(job) = jobs.iter().find(|job| job["to"] == to) {
                return job.clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn who_registers_is_welcomed_once(portico: &Instance) {
    let ada = portico.register("ada").await;
    let mail = portico.mails.mail(&ada.email, "Welcome to Portico").await;
    assert!(mail.text.starts_with("Welcome, ada\r\n"), "{}", mail.text);
    assert!(
        mail.text.contains("http://localhost:8080/verify-email#"),
        "{}",
        mail.text
    );
    let admin = portico.admin_person().await;
    let job = portico.mail_job(&admin, &ada.email, "SENT").await;
    assert_eq!(job["template"], "verify-email");
    assert_eq!(job["attempts"], 1);
    for absent in ["lastError", "nextAttemptAt"] {
        assert_eq!(job[absent], Value::Null);
    }
    assert!(job["createdAt"].is_string());
    assert_eq!(portico.mails.count(&ada.email), 1);
}

async fn who_changes_the_password_is_told(portico: &Instance) {
    let ada = portico.register("ada").await;
    let change = json!({"currentPassword": PASSWORD, "newPassword": "another password"});
    let call = portico
        .call("POST /api/v1/auth/password/change")
        .bearer(&ada);
    call.json(change).expect(200).await;
    let mail = portico
        .mails
        .mail(&ada.email, "Your password was changed")
        .await;
    assert!(mail.text.contains("Hello ada,"), "{}", mail.text);
}

async fn who_is_invited_is_told_where_to_answer(portico: &Instance) {
    let ada = portico.register("ada").await;
    let project = portico.project(&ada, "Apollo").await;
    let path = format!(
        "/api/v1/projects/{}/invitations",
        project["id"].as_str().unwrap()
    );
    let email = "bob@example.com";
    let call = portico.call(&format!("POST {path}")).bearer(&ada);
    let body = json!({"email": email, "role": "VIEWER"});
    let invitation = call.json(body).expect(201).await;
    let mail = portico.mails.mail(email, "ada invites you to Apollo").await;
    for part in ["Your role: Viewer", "http://localhost:8080/invitations\r\n"] {
        assert!(mail.text.contains(part), "{}", mail.text);
    }
    let id = invitation["id"].as_str().expect("an id");
    let call = portico
        .call(&format!("POST {path}/{id}/resend"))
        .bearer(&ada);
    call.json(json!({})).expect(200).await;
    let admin = portico.admin_person().await;
    portico.mails.until(email, 2).await;
    let job = portico.mail_job(&admin, email, "SENT").await;
    assert_eq!(job["template"], "invitation");
}

async fn admins_list_and_retry_mails(portico: &Instance) {
    let admin = portico.admin_person().await;
    let (ada, refused) = (
        portico.register("ada").await,
        portico.register("refused").await,
    );
    let dead = portico.mail_job(&admin, &refused.email, "DEAD").await;
    assert_eq!(dead["attempts"], 1);
    let reason = "The mail server answered 550 5.1.1 no such person";
    assert_eq!(dead["lastError"], reason);
    assert_eq!(dead["nextAttemptAt"], Value::Null);

    let retry = |id: &str| {
        let line = format!("POST /api/v1/admin/mail-jobs/{id}/retry");
        portico.call(&line).bearer(&admin).json(json!({}))
    };
    let id = dead["id"].as_str().expect("an id");
    let retried = retry(id).expect(202).await;
    assert_eq!(
        (&retried["status"], &retried["attempts"]),
        (&json!("QUEUED"), &json!(0))
    );
    let again = portico.mail_job(&admin, &refused.email, "DEAD").await;
    assert_eq!((&again["id"], &again["attempts"]), (&dead["id"], &json!(1)));

    let sent = portico.mail_job(&admin, &ada.email, "SENT").await;
    let sent = sent["id"].as_str().expect("an id");
    retry(sent).refused(409, "JOB_NOT_DEAD").await;
    for nothing in [ada.id.as_str(), "no-id"] {
        retry(nothing).refused(404, "JOB_NOT_FOUND").await;
    }

    // Newest first, each once.
    let (mut met, mut cursor) = (Vec::new(), String::new());
    loop {
        let line = format!("GET /api/v1/admin/mail-jobs?limit=1{cursor}");
        let answer = portico.call(&line).bearer(&admin).send().await;
        let next = answer.body["meta"]["pagination"]["nextCursor"].clone();
        met.push(answer.data(200)[0].clone());
        match next.as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let moments: Vec<&str> = met
        .iter()
        .map(|job| job["createdAt"].as_str().unwrap())
        .collect();
    assert!(
        moments.is_sorted_by(|one, other| one >= other),
        "{moments:?}"
    );
    let mut receivers: Vec<&str> = met.iter().map(|job| job["to"].as_str().unwrap()).collect();
    receivers.sort_unstable();
    assert_eq!(receivers, [&*ada.email, &*refused.email, &*admin.email]);
    let call = portico
        .call("GET /api/v1/admin/mail-jobs?status=LOST")
        .bearer(&admin);
    let error = call.refused(400, "VALIDATION_FAILED").await;
    assert_eq!(detail(&error), ("status", "NOT_ALLOWED"));
}

async fn mails_are_for_admins_only(portico: &Instance) {
    let ada = portico.register("ada").await;
    for line in [
        "GET /api/v1/admin/mail-jobs".to_owned(),
        format!("POST /api/v1/admin/mail-jobs/{}/retry", ada.id),
    ] {
        portico.call(&line).refused(401, "UNAUTHENTICATED").await;
        portico
            .call(&line)
            .bearer(&ada)
            .refused(403, "FORBIDDEN")
            .await;
    }
}
