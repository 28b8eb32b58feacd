//! Which passwords may be chosen, what becomes of those who guess them, and who
//! signed in, over REST.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::{
    Instance, Person, in_both_shapes,
    instance::PASSWORD,
    rest::{Answer, detail},
};

in_both_shapes! {
    a_common_password_is_refused_wherever_one_is_chosen,
    a_strength_is_told_and_nothing_kept,
    guesses_wait_and_the_owner_does_not,
    of_twenty_guesses_at_once_five_are_compared,
    who_signed_in_is_told_to_oneself_and_admins,
    what_failed_is_in_the_audit_log_without_what_was_typed,
    second_proofs_are_in_the_history,
    a_password_set_by_mail_forgets_what_failed_before,
}

async fn login(portico: &Instance, email: &str, password: &str) -> Answer {
    let body = json!({"email": email, "password": password});
    let call = portico.call("POST /api/v1/auth/login").json(body);
    call.header("User-Agent", "guesser/1").send().await
}

async fn sign_ins(portico: &Instance, caller: &Person, id: &str) -> Vec<Value> {
    let call = portico.call(&format!("GET /api/v1/users/{id}/sign-ins"));
    let data = call.bearer(caller).expect(200).await;
    data.as_array().expect("a list").clone()
}

async fn a_common_password_is_refused_wherever_one_is_chosen(portico: &Instance) {
    let common = "Password1";
    let register = json!({"email": "ada@example.com", "password": common, "name": "Ada"});
    let call = portico
        .call("POST /api/v1/auth/register")
        .json(register.clone());
    let error = call.refused(400, "VALIDATION_FAILED").await;
    assert_eq!(detail(&error), ("password", "PASSWORD_BREACHED"));
    let admin = portico.admin_person().await;
    let call = portico.call("POST /api/v1/users").bearer(&admin);
    let error = call.json(register).refused(400, "VALIDATION_FAILED").await;
    assert_eq!(detail(&error), ("password", "PASSWORD_BREACHED"));
    let ada = portico.register("ada").await;
    let change = json!({"currentPassword": PASSWORD, "newPassword": common});
    let call = portico
        .call("POST /api/v1/auth/password/change")
        .bearer(&ada);
    let error = call.json(change).refused(400, "VALIDATION_FAILED").await;
    assert_eq!(detail(&error), ("newPassword", "PASSWORD_BREACHED"));
}

async fn a_strength_is_told_and_nothing_kept(portico: &Instance) {
    let strength = async |password: &str| {
        let body = json!({"password": password, "email": "ada@example.com", "name": "Ada"});
        let call = portico.call("POST /api/v1/auth/password/strength");
        let answer = call.json(body).send().await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        answer.data(200)
    };
    let good = strength("correct horse battery").await;
    let expected = json!({"score": 4, "acceptable": true, "code": null, "hint": null});
    assert_eq!(good, expected);
    for (password, code) in [
        ("short", "PASSWORD_TOO_SHORT"),
        ("password1", "PASSWORD_BREACHED"),
        (&"long ".repeat(26), "PASSWORD_TOO_LONG"),
    ] {
        let told = strength(password).await;
        assert_eq!(
            (&told["score"], &told["acceptable"]),
            (&json!(0), &json!(false))
        );
        assert_eq!(told["code"], code);
        assert!(told["hint"].is_string());
    }
    assert!(strength("ada-ada-example").await["score"].as_i64() < Some(2));
}

async fn guesses_wait_and_the_owner_does_not(portico: &Instance) {
    let ada = portico.register("ada").await;
    for email in [&*ada.email, "nobody@example.com"] {
        let mut compared = 0;
        let refused = loop {
            let answer = login(portico, email, "a wrong guess").await;
            if answer.status != 401 {
                break answer;
            }
            answer.error(401, "INVALID_CREDENTIALS");
            compared += 1;
        };
        assert!((5..9).contains(&compared), "{email}: {compared}");
        let wait = refused.header("retry-after").expect("a time to wait");
        assert!((1..16).contains(&wait.parse().expect("seconds")), "{wait}");
        refused.error(429, "TOO_MANY_ATTEMPTS");
    }
    let body = json!({"email": ada.email, "password": "a wrong guess"});
    let refused = loop {
        let over_grpc = portico.grpc("Login", None, &[], &body).await;
        let refused = over_grpc.expect_err("refused");
        if refused.reason != "INVALID_CREDENTIALS" {
            break refused;
        }
    };
    assert_eq!(refused.reason, "TOO_MANY_ATTEMPTS");
    assert!(refused.retry_after.is_some());
}

async fn of_twenty_guesses_at_once_five_are_compared(portico: &Instance) {
    let ada = portico.register("ada").await;
    let guesses = (0..20).map(|_| login(portico, &ada.email, "a wrong guess"));
    let answers = join_all(guesses).await;
    let compared = answers.iter().filter(|answer| answer.status == 401);
    let compared = compared.count();
    // One more for each delay that has passed before the last of them.
    assert!((5..8).contains(&compared), "{compared}");
    let refused = answers.iter().filter(|answer| answer.status == 429);
    assert_eq!(refused.count(), 20 - compared);
}

async fn who_signed_in_is_told_to_oneself_and_admins(portico: &Instance) {
    let (ada, bob) = (portico.register("ada").await, portico.register("bob").await);
    login(portico, &ada.email, "a wrong guess")
        .await
        .error(401, "INVALID_CREDENTIALS");
    login(portico, &ada.email, PASSWORD).await.data(200);
    let listed = sign_ins(portico, &ada, &ada.id).await;
    let told = |one: &Value| (one["succeeded"].clone(), one["reason"].clone());
    let expected = [
        (json!(true), Value::Null),
        (json!(false), json!("WRONG_CREDENTIALS")),
        (json!(true), Value::Null),
    ];
    assert_eq!(listed.iter().map(told).collect::<Vec<_>>(), expected);
    for one in &listed[..2] {
        assert_eq!(one["method"], "PASSWORD");
        assert_eq!(one["ip"], "127.0.0.1");
        assert_eq!(one["userAgent"], "guesser/1");
        assert!(one["createdAt"].is_string() && one["id"].is_string());
    }
    let admin = portico.admin_person().await;
    assert_eq!(sign_ins(portico, &admin, &ada.id).await, listed);
    let path = |id: &str| format!("GET /api/v1/users/{id}/sign-ins");
    let call = portico.call(&path(&ada.id)).bearer(&bob);
    call.refused(404, "USER_NOT_FOUND").await;
    let nobody = "01900000-0000-7000-8000-000000000001";
    for id in [nobody, "no-id"] {
        let call = portico.call(&path(id)).bearer(&admin);
        call.refused(404, "USER_NOT_FOUND").await;
    }
    portico
        .call(&path(&ada.id))
        .refused(401, "UNAUTHENTICATED")
        .await;
    let call = portico.call(&format!("{}?limit=1", path(&ada.id)));
    let page = call.bearer(&ada).send().await;
    let cursor = page.body["meta"]["pagination"]["nextCursor"].clone();
    assert_eq!(page.body["meta"]["pagination"]["total"], 3);
    let cursor = cursor.as_str().expect("a cursor");
    let call = portico.call(&format!("{}?cursor={cursor}", path(&ada.id)));
    let rest = call.bearer(&ada).expect(200).await;
    assert_eq!(rest, json!(listed[1..]));
    // The place in one's list is none in that of another.
    let call = portico.call(&format!("{}?cursor={cursor}", path(&bob.id)));
    let error = call.bearer(&admin).refused(400, "VALIDATION_FAILED").await;
    assert_eq!(detail(&error), ("cursor", "CURSOR_INVALID"));
}

async fn what_failed_is_in_the_audit_log_without_what_was_typed(portico: &Instance) {
    let ada = portico.register("ada").await;
    for _ in 0..9 {
        login(portico, &ada.email, "what was typed").await;
        login(portico, "nobody@example.com", "what was typed").await;
    }
    let admin = portico.admin_person().await;
    let call = portico.call("GET /api/v1/audit-log?action=sign_in.failed");
    let entries = call.bearer(&admin).expect(200).await;
    let entries = entries.as_array().expect("a list");
    // The first, and the one after which others have to wait.
    let throttled: Vec<_> = entries
        .iter()
        .rev()
        .map(|entry| &entry["details"]["throttled"])
        .collect();
    assert_eq!(throttled[..2], [&Value::Null, &json!("ADDRESS")]);
    for entry in entries {
        assert_eq!(entry["target"], json!({"type": "user", "id": ada.id}));
        assert_eq!(entry["actor"]["type"], "SYSTEM");
        assert_eq!(entry["ip"], "127.0.0.1");
        assert_eq!(entry["details"]["reason"], "WRONG_CREDENTIALS");
    }
    for row in portico.outboxes().await {
        assert!(
            !row.contains("what was typed") && !row.contains("nobody@"),
            "{row}"
        );
    }
}

async fn second_proofs_are_in_the_history(portico: &Instance) {
    let ada = portico.protected("ada").await;
    let token = portico.challenge(&ada.person.email).await;
    let wrong = portico.answer(&token, json!({"code": "12345"})).await;
    wrong.error(401, "MFA_CODE_INVALID");
    let code = json!({"recoveryCode": ada.recovery_codes[0]});
    portico.answer(&token, code).await.data(200);
    let listed = sign_ins(portico, &ada.person, &ada.person.id).await;
    let told = |one: &Value| (one["method"].clone(), one["succeeded"].clone());
    let expected = [
        (json!("PASSWORD_AND_RECOVERY_CODE"), json!(true)),
        (json!("PASSWORD_AND_TOTP"), json!(false)),
        (json!("PASSWORD"), json!(true)),
    ];
    assert_eq!(listed.iter().map(told).collect::<Vec<_>>(), expected);
}

async fn a_password_set_by_mail_forgets_what_failed_before(portico: &Instance) {
    let ada = portico.register("ada").await;
    while login(portico, &ada.email, "a wrong guess").await.status == 401 {}
    let forgot = json!({"email": ada.email});
    let call = portico
        .call("POST /api/v1/auth/password/forgot")
        .json(forgot);
    call.expect(202).await;
    let mail = portico
        .mails
        .mail(&ada.email, "Choose a new password")
        .await;
    let common = json!({"token": mail.token(), "newPassword": "password1"});
    let reset = |body: Value| portico.call("POST /api/v1/auth/password/reset").json(body);
    let error = reset(common).refused(400, "VALIDATION_FAILED").await;
    assert_eq!(detail(&error), ("newPassword", "PASSWORD_BREACHED"));
    let new = "a better password";
    reset(json!({"token": mail.token(), "newPassword": new}))
        .expect(200)
        .await;
    for _ in 0..4 {
        let answer = login(portico, &ada.email, "a wrong guess").await;
        answer.error(401, "INVALID_CREDENTIALS");
    }
    login(portico, &ada.email, new).await.data(200);
}
