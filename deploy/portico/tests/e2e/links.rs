//! What people prove by links in mails: addresses and forgotten passwords.

pub(crate) mod changes;
mod required;

use serde_json::{Value, json};

use crate::{Instance, Person, in_both_shapes, instance::PASSWORD};

in_both_shapes! {
    an_address_is_verified_by_a_link_that_works_once,
    another_link_is_sent_and_the_first_that_is_followed_ends_the_others,
    a_forgotten_password_is_replaced_by_a_link_that_works_once,
    looking_at_a_link_changes_nothing,
    a_link_is_good_for_nothing_else,
    who_forgot_the_password_is_answered_like_a_stranger,
    an_account_without_a_password_gets_its_first_one_by_mail,
    no_event_holds_what_stands_in_a_link,
}

pub(crate) const WELCOME: &str = "Welcome to Portico: confirm";
const VERIFY: &str = "Confirm your e-mail address";
pub(crate) const RESET: &str = "Choose a new password";
const ANOTHER: &str = "another good password";

impl Instance {
    /// Asks for something that is answered by mail.
    async fn ask(&self, who: Option<&Person>, what: &str, body: Value) {
        let mut call = self.call(&format!("POST /api/v1/auth/{what}"));
        if let Some(person) = who {
            call = call.bearer(person);
        }
        let data = call.json(body).expect(202).await;
        assert_eq!(data, Value::Null);
    }

    /// Shows the token of a link; the answer's code, or `OK`.
    async fn follow(&self, what: &str, token: &str) -> String {
        let mut body = json!({"token": token});
        if what == "password/reset" {
            body["newPassword"] = json!(ANOTHER);
        }
        let call = self.call(&format!("POST /api/v1/auth/{what}"));
        let answer = call.json(body).send().await;
        match answer.body["error"]["code"].as_str() {
            Some(code) => code.to_owned(),
            None => {
                assert_eq!(answer.status, 200);
                "OK".to_owned()
            }
        }
    }

    async fn me(&self, person: &Person) -> Value {
        let call = self.call("GET /api/v1/auth/me").bearer(person);
        call.expect(200).await
    }

    async fn can_sign_in(&self, email: &str, password: &str) -> bool {
        let body = json!({"email": email, "password": password});
        let answer = self.call("POST /api/v1/auth/login").json(body).send().await;
        answer.status == 200
    }
}

async fn an_address_is_verified_by_a_link_that_works_once(portico: &Instance) {
    let ada = portico.register("ada").await;
    assert_eq!(portico.me(&ada).await["emailVerified"], false);
    let mail = portico.mails.mail(&ada.email, WELCOME).await;
    let link = "http://localhost:8080/verify-email#token=plk_";
    assert!(mail.text.contains(link), "{}", mail.text);
    let token = mail.token();
    let call = portico.call("POST /api/v1/auth/email/verify");
    let user = call.json(json!({"token": token})).expect(200).await;
    assert_eq!(
        (&user["id"], &user["emailVerified"]),
        (&json!(ada.id), &json!(true))
    );
    assert_eq!(portico.me(&ada).await, user);
    for token in [token.as_str(), "plk_nonsense", &token[..46], "x"] {
        let code = portico.follow("email/verify", token).await;
        assert_eq!(code, "LINK_INVALID");
    }
    let empty = portico.follow("email/verify", "").await;
    assert_eq!(empty, "VALIDATION_FAILED");
    // The invitations to the address are the person's from now on.
    let call = portico.call("GET /api/v1/invitations").bearer(&ada);
    call.expect(200).await;
    // It is the person who did it.
    let admin = portico.admin_person().await;
    let line = format!(
        "GET /api/v1/audit-log?action=user.updated&target={}",
        ada.id
    );
    let entries = portico.call(&line).bearer(&admin).expect(200).await;
    assert_eq!(entries[0]["actor"]["id"], json!(ada.id));
    assert!(entries[0]["details"]["changes"]["emailVerified"].is_object());
}

async fn another_link_is_sent_and_the_first_that_is_followed_ends_the_others(portico: &Instance) {
    let ada = portico.register("ada").await;
    let first = portico.mails.mail(&ada.email, WELCOME).await.token();
    portico.ask(Some(&ada), "email/resend", json!({})).await;
    let second = portico.mails.mail(&ada.email, VERIFY).await.token();
    assert_ne!(first, second);
    assert_eq!(portico.follow("email/verify", &second).await, "OK");
    assert_eq!(portico.follow("email/verify", &first).await, "LINK_INVALID");
    // Nothing is sent to who is verified: the next mail is another one.
    portico.ask(Some(&ada), "email/resend", json!({})).await;
    let forgot = json!({"email": ada.email});
    portico.ask(None, "password/forgot", forgot).await;
    portico.mails.mail(&ada.email, RESET).await;
    assert_eq!(portico.mails.count(&ada.email), 3);
    let call = portico.call("POST /api/v1/auth/email/resend");
    call.refused(401, "UNAUTHENTICATED").await;
}

async fn a_forgotten_password_is_replaced_by_a_link_that_works_once(portico: &Instance) {
    let ada = portico.register("ada").await;
    let forgot = json!({"email": "ADA@example.com"});
    portico.ask(None, "password/forgot", forgot).await;
    let mail = portico.mails.mail(&ada.email, RESET).await;
    assert!(mail.text.contains("/reset-password#token=plk_"));
    let reset = |password: &str| {
        let body = json!({"token": mail.token(), "newPassword": password});
        portico.call("POST /api/v1/auth/password/reset").json(body)
    };
    // A password that is refused does not use the link up.
    let error = reset("short").refused(400, "VALIDATION_FAILED").await;
    assert_eq!(error["details"][0]["code"], "PASSWORD_TOO_SHORT");
    assert_eq!(reset(ANOTHER).expect(200).await, Value::Null);
    reset("a third password").refused(400, "LINK_INVALID").await;
    let changed = "Your password was changed";
    portico.mails.mail(&ada.email, changed).await;
    assert!(!portico.can_sign_in(&ada.email, PASSWORD).await);
    assert!(portico.can_sign_in(&ada.email, ANOTHER).await);
    // Every session has ended.
    let body = json!({"refreshToken": ada.refresh_token});
    let refresh = portico.call("POST /api/v1/auth/refresh").json(body);
    refresh.refused(401, "REFRESH_TOKEN_INVALID").await;
    let me = portico.call("GET /api/v1/auth/me").bearer(&ada);
    me.refused(401, "TOKEN_REVOKED").await;
    // Whoever reads the mails of an address has it.
    let admin = portico.admin_person().await;
    let line = format!("GET /api/v1/users/{}", ada.id);
    let user = portico.call(&line).bearer(&admin).expect(200).await;
    assert_eq!(user["emailVerified"], true);
}

async fn looking_at_a_link_changes_nothing(portico: &Instance) {
    let ada = portico.register("ada").await;
    let mail = portico.mails.mail(&ada.email, WELCOME).await;
    let token = mail.token();
    // As a program would that looks at what mails link to.
    for path in [
        "/verify-email".to_owned(),
        format!("/verify-email?token={token}"),
        format!("/api/v1/auth/email/verify?token={token}"),
    ] {
        for method in ["GET", "HEAD"] {
            portico.call(&format!("{method} {path}")).send().await;
        }
    }
    assert_eq!(portico.me(&ada).await["emailVerified"], false);
    assert_eq!(portico.follow("email/verify", &token).await, "OK");
}

async fn a_link_is_good_for_nothing_else(portico: &Instance) {
    let ada = portico.register("ada").await;
    let verification = portico.mails.mail(&ada.email, WELCOME).await.token();
    let forgot = json!({"email": ada.email});
    portico.ask(None, "password/forgot", forgot).await;
    let reset = portico.mails.mail(&ada.email, RESET).await.token();
    for (what, token) in [
        ("password/reset", &verification),
        ("email/undo", &verification),
        ("email/verify", &reset),
        ("email/undo", &reset),
    ] {
        assert_eq!(portico.follow(what, token).await, "LINK_INVALID");
    }
    for (what, token) in [("email/verify", &verification), ("password/reset", &reset)] {
        assert_eq!(portico.follow(what, token).await, "OK");
    }
    // Whoever is deleted has no account to get into.
    portico
        .ask(None, "password/forgot", json!({"email": ada.email}))
        .await;
    let tokens = portico.mails.tokens(&ada.email, RESET, 2).await;
    let admin = portico.admin_person().await;
    let line = format!("DELETE /api/v1/users/{}", ada.id);
    portico.call(&line).bearer(&admin).expect(200).await;
    let code = portico.follow("password/reset", &tokens[1]).await;
    assert_eq!(code, "LINK_INVALID");
}

async fn who_forgot_the_password_is_answered_like_a_stranger(portico: &Instance) {
    let ada = portico.register("ada").await;
    let mut answers = Vec::new();
    for email in [&ada.email, "nobody@example.com"] {
        let call = portico.call("POST /api/v1/auth/password/forgot");
        let answer = call.json(json!({"email": email})).send().await;
        let names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
        answers.push((answer.status, names, answer.body["data"].clone()));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].0, 202);
    portico.mails.mail(&ada.email, RESET).await;
    assert_eq!(portico.mails.count("nobody@example.com"), 0);
    let call = portico.call("POST /api/v1/auth/password/forgot");
    let error = call
        .json(json!({"email": "x"}))
        .refused(400, "VALIDATION_FAILED");
    assert_eq!(error.await["details"][0]["code"], "EMAIL_INVALID");
}

async fn an_account_without_a_password_gets_its_first_one_by_mail(portico: &Instance) {
    let admin = portico.admin_person().await;
    let body = json!({"email": "bob@example.com", "name": "Bob"});
    let call = portico.call("POST /api/v1/users").bearer(&admin);
    let bob = call.json(body).expect(201).await;
    assert_eq!(bob["emailVerified"], false);
    let mail = portico
        .mails
        .mail("bob@example.com", "Choose a password")
        .await;
    assert!(
        mail.text.contains("/set-password#token=plk_"),
        "{}",
        mail.text
    );
    assert_eq!(portico.follow("password/reset", &mail.token()).await, "OK");
    assert!(portico.can_sign_in("bob@example.com", ANOTHER).await);
    let line = format!("GET /api/v1/users/{}", bob["id"].as_str().unwrap());
    let user = portico.call(&line).bearer(&admin).expect(200).await;
    assert_eq!(user["emailVerified"], true);
    let code = portico.follow("password/reset", &mail.token()).await;
    assert_eq!(code, "LINK_INVALID");
}

async fn no_event_holds_what_stands_in_a_link(portico: &Instance) {
    let ada = portico.register("ada").await;
    let token = portico.mails.mail(&ada.email, WELCOME).await.token();
    portico
        .ask(None, "password/forgot", json!({"email": ada.email}))
        .await;
    let reset = portico.mails.mail(&ada.email, RESET).await.token();
    assert_eq!(portico.follow("email/verify", &token).await, "OK");
    let rows = portico.outboxes().await;
    assert!(
        rows.iter()
            .any(|row| row.contains("password.reset_requested"))
    );
    for row in rows {
        assert!(!row.contains("plk_"), "{row}");
        assert!(
            !row.contains(&token[4..]) && !row.contains(&reset[4..]),
            "{row}"
        );
    }
}
