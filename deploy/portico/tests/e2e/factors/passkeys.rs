//! Passkeys, over REST, with an authenticator that is not ours.

use serde_json::{Value, json};

use super::authenticator::Browser;
use crate::{
    Instance, Person, in_both_shapes,
    rest::{Answer, detail},
};

in_both_shapes! {
    a_passkey_signs_in_without_a_password,
    a_passkey_is_a_second_factor,
    a_passkey_proves_again_who_is_there,
    a_ceremony_is_good_once_also_for_twenty_at_once,
    a_copied_authenticator_is_refused,
    an_answer_counts_for_its_person_only,
    what_does_not_verify_is_refused,
    passkeys_are_named_listed_and_removed_by_their_owner,
    adding_a_passkey_again_under_a_key_answers_the_same,
    a_disabled_account_is_not_entered_by_a_passkey,
    a_refused_passkey_is_in_the_audit_log,
    a_browser_keeps_the_refresh_token_of_a_passkey_in_a_cookie,
}

impl Instance {
    async fn registration(&self, person: &Person) -> Value {
        let call = self.call("POST /api/v1/auth/passkeys/registration/options");
        call.bearer(person).json(json!({})).expect(200).await
    }

    /// Adds a passkey in a browser.
    pub(crate) async fn passkey(&self, person: &Person, browser: &mut Browser) -> Value {
        let ceremony = self.registration(person).await;
        let credential = browser.create(&ceremony["publicKey"]).await;
        let credential = credential.expect("created");
        let body = json!({
            "ceremonyId": ceremony["ceremonyId"], "name": "Key", "credential": credential,
        });
        let call = self.call("POST /api/v1/auth/passkeys").bearer(person);
        call.json(body).expect(201).await
    }

    /// What a browser answers a sign-in by a passkey with.
    async fn shown(&self, browser: &mut Browser) -> Value {
        let call = self.call("POST /api/v1/auth/passkeys/login/options");
        let ceremony = call.json(json!({})).expect(200).await;
        let credential = browser.get(&ceremony["publicKey"]).await;
        let credential = credential.expect("answered");
        json!({"ceremonyId": ceremony["ceremonyId"], "credential": credential})
    }

    async fn by_passkey(&self, shown: Value) -> Answer {
        let call = self.call("POST /api/v1/auth/passkeys/login");
        call.json(shown).send().await
    }
}

async fn a_passkey_signs_in_without_a_password(portico: &Instance) {
    let ada = portico.register("ada").await;
    let mut browser = Browser::new();
    let ceremony = portico.registration(&ada).await;
    let options = &ceremony["publicKey"];
    assert_eq!(options["rp"]["id"], "localhost");
    assert_eq!(options["user"]["name"], "ada@example.com");
    assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(
        options["authenticatorSelection"]["userVerification"],
        "required"
    );
    let passkey = portico.passkey(&ada, &mut browser).await;
    assert_eq!(passkey["name"], "Key");
    assert_eq!(passkey["lastUsedAt"], Value::Null);
    for _ in 0..2 {
        let shown = portico.shown(&mut browser).await;
        let signed_in = portico.by_passkey(shown).await.data(200);
        // It is two factors in itself.
        assert_eq!(signed_in["mfaRequired"], false);
        let person = Person::of(&signed_in);
        assert_eq!(person.id, ada.id);
        let call = portico.call("GET /api/v1/auth/passkeys").bearer(&person);
        let listed = call.expect(200).await;
        assert_eq!(listed[0]["id"], passkey["id"]);
        assert!(listed[0]["lastUsedAt"].is_string());
    }
    // On an authenticator that holds one, no second one is made.
    let ceremony = portico.registration(&ada).await;
    assert!(browser.create(&ceremony["publicKey"]).await.is_err());
    let mail = portico.mails.mail(&ada.email, "A passkey was added").await;
    assert!(mail.text.contains("Passkey: Key"), "{}", mail.text);
}

async fn a_passkey_is_a_second_factor(portico: &Instance) {
    let ada = portico.register("ada").await;
    let mut browser = Browser::new();
    let passkey = portico.passkey(&ada, &mut browser).await;
    let body = json!({"email": ada.email, "password": crate::instance::PASSWORD});
    let call = portico.call("POST /api/v1/auth/login").json(body);
    let challenged = call.expect(200).await;
    assert_eq!(challenged["methods"], json!(["PASSKEY"]));
    let token = challenged["mfaToken"].as_str().unwrap();
    let call = portico.call("POST /api/v1/auth/mfa/passkey/options");
    let ceremony = call.json(json!({"mfaToken": token})).expect(200).await;
    let options = &ceremony["publicKey"];
    assert_eq!(options["allowCredentials"].as_array().unwrap().len(), 1);
    let credential = browser.get(options).await.expect("answered");
    let proof = json!({"ceremonyId": ceremony["ceremonyId"], "credential": credential});
    let signed_in = portico.answer(token, proof.clone()).await.data(200);
    assert_eq!(signed_in["user"]["id"], json!(ada.id));
    let again = portico.answer(token, proof.clone()).await;
    again.error(401, "MFA_TOKEN_INVALID");
    let token = portico.challenge(&ada.email).await;
    let replayed = portico.answer(&token, proof).await;
    replayed.error(401, "INVALID_CREDENTIALS");
    // Without the passkey, the password is enough again.
    let path = format!(
        "DELETE /api/v1/auth/passkeys/{}",
        passkey["id"].as_str().unwrap()
    );
    portico.call(&path).bearer(&ada).expect(200).await;
    portico.login(&ada.email).await;
    let mails = &portico.mails;
    mails.mail(&ada.email, "A passkey was removed").await;
}

async fn a_passkey_proves_again_who_is_there(portico: &Instance) {
    let (ada, eve) = (portico.register("ada").await, portico.register("eve").await);
    let mut browser = Browser::new();
    portico.passkey(&ada, &mut browser).await;
    let prove = async |person: &Person, shown: Value| {
        let call = portico.call("POST /api/v1/auth/reauthenticate");
        call.bearer(person).json(shown).send().await
    };
    let shown = portico.shown(&mut browser).await;
    let proved = prove(&ada, shown.clone()).await.data(200);
    assert!(proved["validUntil"].is_string());
    let others = portico.shown(&mut browser).await;
    for (person, shown) in [(&ada, shown), (&eve, others)] {
        let error = prove(person, shown).await.error(400, "VALIDATION_FAILED");
        assert_eq!(detail(&error), ("credential", "CREDENTIAL_INVALID"));
    }
}

async fn a_ceremony_is_good_once_also_for_twenty_at_once(portico: &Instance) {
    let ada = portico.register("ada").await;
    let mut browser = Browser::new();
    let ceremony = portico.registration(&ada).await;
    let credential = browser.create(&ceremony["publicKey"]).await;
    let credential = credential.expect("created");
    let body = json!({
        "ceremonyId": ceremony["ceremonyId"], "name": "Key", "credential": credential,
    });
    let adds = (0..20).map(|_| {
        let call = portico.call("POST /api/v1/auth/passkeys").bearer(&ada);
        call.json(body.clone()).send()
    });
    let added = futures::future::join_all(adds).await;
    let (won, lost): (Vec<_>, Vec<_>) = added.into_iter().partition(|answer| answer.status == 201);
    assert_eq!((won.len(), lost.len()), (1, 19));
    for answer in lost {
        let error = answer.error(400, "VALIDATION_FAILED");
        assert_eq!(detail(&error), ("credential", "CREDENTIAL_INVALID"));
    }
    let shown = portico.shown(&mut browser).await;
    let uses = (0..20).map(|_| portico.by_passkey(shown.clone()));
    let used = futures::future::join_all(uses).await;
    let (won, lost): (Vec<_>, Vec<_>) = used.into_iter().partition(|answer| answer.status == 200);
    assert_eq!((won.len(), lost.len()), (1, 19));
    for answer in lost {
        answer.error(401, "INVALID_CREDENTIALS");
    }
}

async fn a_copied_authenticator_is_refused(portico: &Instance) {
    let ada = portico.register("ada").await;
    let mut browser = Browser::new();
    portico.passkey(&ada, &mut browser).await;
    let mut copy = browser.clone();
    for _ in 0..2 {
        let shown = portico.shown(&mut browser).await;
        portico.by_passkey(shown).await.data(200);
    }
    let shown = portico.shown(&mut copy).await;
    let refused = portico.by_passkey(shown).await;
    refused.error(401, "INVALID_CREDENTIALS");
}

async fn an_answer_counts_for_its_person_only(portico: &Instance) {
    let (ada, eve) = (portico.register("ada").await, portico.register("eve").await);
    let ceremony = portico.registration(&ada).await;
    let credential = Browser::new().create(&ceremony["publicKey"]).await;
    let body = json!({
        "ceremonyId": ceremony["ceremonyId"], "name": "Key",
        "credential": credential.expect("created"),
    });
    let call = portico.call("POST /api/v1/auth/passkeys").bearer(&eve);
    let error = call.json(body).refused(400, "VALIDATION_FAILED").await;
    assert_eq!(detail(&error), ("credential", "CREDENTIAL_INVALID"));
    // Eve knows the password of Ada, but not her passkey.
    let (mut of_ada, mut of_eve) = (Browser::new(), Browser::new());
    portico.passkey(&ada, &mut of_ada).await;
    portico.passkey(&eve, &mut of_eve).await;
    let token = portico.challenge(&ada.email).await;
    let proof = portico.shown(&mut of_eve).await;
    let refused = portico.answer(&token, proof).await;
    refused.error(401, "INVALID_CREDENTIALS");
    // Nor does a registration of hers sign in.
    let registration = portico.registration(&eve).await;
    let mut shown = portico.shown(&mut of_eve).await;
    shown["ceremonyId"] = registration["ceremonyId"].clone();
    let refused = portico.by_passkey(shown).await;
    refused.error(401, "INVALID_CREDENTIALS");
}

async fn what_does_not_verify_is_refused(portico: &Instance) {
    let ada = portico.register("ada").await;
    let mut browser = Browser::new();
    portico.passkey(&ada, &mut browser).await;
    let nobody = json!({"ceremonyId": "no id", "credential": {}});
    let refused = portico.by_passkey(nobody).await;
    refused.error(401, "INVALID_CREDENTIALS");
    let missing = portico.by_passkey(json!({"ceremonyId": ada.id})).await;
    let error = missing.error(400, "VALIDATION_FAILED");
    assert_eq!(detail(&error), ("credential", "REQUIRED"));
    let elsewhere = portico.shown(&mut browser).await;
    let mut shown = portico.shown(&mut browser).await;
    shown["credential"]["response"] = elsewhere["credential"]["response"].clone();
    let refused = portico.by_passkey(shown).await;
    refused.error(401, "INVALID_CREDENTIALS");
    let ceremony = portico.registration(&ada).await;
    for (name, credential, expected) in [
        ("", json!({}), ("name", "REQUIRED")),
        (" ", json!({}), ("name", "REQUIRED")),
        ("Key", Value::Null, ("credential", "REQUIRED")),
        ("Key", json!({}), ("credential", "CREDENTIAL_INVALID")),
    ] {
        let body = json!({
            "ceremonyId": ceremony["ceremonyId"], "name": name, "credential": credential,
        });
        let call = portico.call("POST /api/v1/auth/passkeys").bearer(&ada);
        let error = call.json(body).refused(400, "VALIDATION_FAILED").await;
        assert_eq!(detail(&error), expected);
    }
}

async fn passkeys_are_named_listed_and_removed_by_their_owner(portico: &Instance) {
    let (ada, eve) = (portico.register("ada").await, portico.register("eve").await);
    let mut ids = Vec::new();
    for _ in 0..3 {
        let passkey = portico.passkey(&ada, &mut Browser::new()).await;
        ids.push(passkey["id"].as_str().unwrap().to_owned());
    }
    let call = portico.call("GET /api/v1/auth/passkeys?limit=2");
    let page = call.bearer(&ada).send().await;
    let pagination = page.body["meta"]["pagination"].clone();
    assert_eq!(
        (&pagination["total"], &pagination["hasMore"]),
        (&json!(3), &json!(true))
    );
    let listed = page.data(200);
    assert_eq!(
        (&listed[0]["id"], &listed[1]["id"]),
        (&json!(ids[2]), &json!(ids[1]))
    );
    let of_eve = portico.call("GET /api/v1/auth/passkeys").bearer(&eve);
    assert_eq!(of_eve.expect(200).await, json!([]));
    let path = format!("/api/v1/auth/passkeys/{}", ids[0]);
    let rename = |person: &Person, name: Value| {
        let call = portico.call(&format!("PATCH {path}"));
        call.bearer(person).json(json!({"name": name}))
    };
    let renamed = rename(&ada, json!(" Phone ")).expect(200).await;
    assert_eq!(
        (&renamed["id"], &renamed["name"]),
        (&json!(ids[0]), &json!("Phone"))
    );
    rename(&eve, json!("Mine"))
        .refused(404, "PASSKEY_NOT_FOUND")
        .await;
    let error = rename(&ada, Value::Null).refused(400, "VALIDATION_FAILED");
    assert_eq!(detail(&error.await), ("name", "REQUIRED"));
    let remove = |person: &Person| portico.call(&format!("DELETE {path}")).bearer(person);
    remove(&eve).refused(404, "PASSKEY_NOT_FOUND").await;
    assert_eq!(remove(&ada).expect(200).await, Value::Null);
    remove(&ada).refused(404, "PASSKEY_NOT_FOUND").await;
    let unknown = portico.call("DELETE /api/v1/auth/passkeys/login");
    unknown.bearer(&ada).refused(404, "PASSKEY_NOT_FOUND").await;
}

async fn adding_a_passkey_again_under_a_key_answers_the_same(portico: &Instance) {
    let ada = portico.register("ada").await;
    let ceremony = portico.registration(&ada).await;
    let credential = Browser::new().create(&ceremony["publicKey"]).await;
    let credential = credential.expect("created");
    let add = async |name: &str| {
        let body = json!({
            "ceremonyId": ceremony["ceremonyId"], "name": name, "credential": credential,
        });
        let call = portico.call("POST /api/v1/auth/passkeys").bearer(&ada);
        call.header("Idempotency-Key", "one")
            .json(body)
            .send()
            .await
    };
    let first = add("Key").await;
    assert_eq!(first.header("idempotency-replayed"), None);
    let again = add("Key").await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(first.data(201), again.data(201));
    add("Other").await.error(422, "IDEMPOTENCY_KEY_REUSED");
}

async fn a_disabled_account_is_not_entered_by_a_passkey(portico: &Instance) {
    let ada = portico.register("ada").await;
    let mut browser = Browser::new();
    portico.passkey(&ada, &mut browser).await;
    let admin = portico.admin_person().await;
    let path = format!("PATCH /api/v1/users/{}", ada.id);
    let disable = portico.call(&path).bearer(&admin);
    disable
        .json(json!({"status": "DISABLED"}))
        .expect(200)
        .await;
    let shown = portico.shown(&mut browser).await;
    let refused = portico.by_passkey(shown).await;
    refused.error(403, "ACCOUNT_DISABLED");
    let path = format!("DELETE /api/v1/users/{}", ada.id);
    portico.call(&path).bearer(&admin).expect(200).await;
    let shown = portico.shown(&mut browser).await;
    let refused = portico.by_passkey(shown).await;
    refused.error(401, "INVALID_CREDENTIALS");
}

async fn a_refused_passkey_is_in_the_audit_log(portico: &Instance) {
    let (ada, eve) = (portico.register("ada").await, portico.register("eve").await);
    let (mut of_ada, mut of_eve) = (Browser::new(), Browser::new());
    portico.passkey(&ada, &mut of_ada).await;
    let removed = portico.passkey(&eve, &mut of_eve).await;
    let path = format!(
        "DELETE /api/v1/auth/passkeys/{}",
        removed["id"].as_str().unwrap()
    );
    portico.call(&path).bearer(&eve).expect(200).await;
    // An answer that was used before, one to another ceremony, and one by a
    // passkey that nobody has.
    let shown = portico.shown(&mut of_ada).await;
    portico.by_passkey(shown.clone()).await.data(200);
    let mut swapped = portico.shown(&mut of_ada).await;
    swapped["credential"]["response"] = shown["credential"]["response"].clone();
    let unknown = portico.shown(&mut of_eve).await;
    for refused in [&shown, &swapped, &unknown] {
        let refused = portico.by_passkey(refused.clone()).await;
        refused.error(401, "INVALID_CREDENTIALS");
    }
    // Nothing was tried here.
    let nothing = json!({"ceremonyId": "no id", "credential": {}});
    let refused = portico.by_passkey(nothing).await;
    refused.error(401, "INVALID_CREDENTIALS");

    let admin = portico.admin_person().await;
    let log = portico.call("GET /api/v1/audit-log?action=sign_in.failed");
    let entries = log.bearer(&admin).expect(200).await;
    let of_ada = json!({"type": "user", "id": ada.id});
    let ceremony = json!({"type": "ceremony", "id": unknown["ceremonyId"]});
    let targets: Vec<&Value> = entries
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["target"])
        .collect();
    assert_eq!(targets, [&ceremony, &of_ada, &of_ada]);
    for entry in entries.as_array().unwrap() {
        assert_eq!(entry["actor"]["type"], "SYSTEM");
        assert_eq!(entry["ip"], "127.0.0.1");
        let told = json!({"method": "PASSKEY", "reason": "WRONG_CREDENTIALS"});
        assert_eq!(entry["details"], told);
    }
}

async fn a_browser_keeps_the_refresh_token_of_a_passkey_in_a_cookie(portico: &Instance) {
    let ada = portico.register("ada").await;
    let mut browser = Browser::new();
    portico.passkey(&ada, &mut browser).await;
    let mut shown = portico.shown(&mut browser).await;
    shown["cookie"] = json!(true);
    let call = portico.call("POST /api/v1/auth/passkeys/login");
    let foreign = call.header("Origin", "https://evil.example");
    let foreign = foreign.json(shown.clone());
    foreign.refused(403, "ORIGIN_NOT_ALLOWED").await;
    let answer = portico.by_passkey(shown).await;
    let cookie = answer.header("set-cookie").unwrap().to_owned();
    assert!(cookie.starts_with("portico_refresh=prt_"), "{cookie}");
    assert!(answer.data(200)["refreshToken"].is_null());
}
