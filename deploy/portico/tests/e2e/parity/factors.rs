//! Second factors and passkeys, in both faces.

use serde_json::{Value, json};

use super::Play;
use crate::{
    Person,
    factors::authenticator::{Browser, Generator},
    instance::PASSWORD,
};

impl Play<'_> {
    pub(super) async fn factors(&mut self) {
        let ada = self.portico.register(&self.name("factors")).await;
        self.step("GetFactors", None, json!({})).await;
        self.step("GetFactors", Some(&ada), json!({})).await;
        let codes = self.authenticator(&ada).await;
        self.step("GetFactors", Some(&ada), json!({})).await;
        self.passkeys(&ada).await;
        self.step("RenewRecoveryCodes", None, json!({})).await;
        let step = self.step("RenewRecoveryCodes", Some(&ada), json!({}));
        let renewed = step.await;
        for code in [&codes[1], &renewed["recoveryCodes"][0]] {
            self.step("DisableTotp", Some(&ada), json!({"code": code}))
                .await;
        }
        self.step("RenewRecoveryCodes", Some(&ada), json!({})).await;
        self.resets(&ada).await;
    }

    /// Adds an authenticator and signs in by it. The recovery codes.
    async fn authenticator(&mut self, ada: &Person) -> Value {
        self.step("BeginTotp", None, json!({})).await;
        let begun = self.step("BeginTotp", Some(ada), json!({})).await;
        let generator = Generator::of(begun["secret"].as_str().expect("text"));
        self.step("ConfirmTotp", Some(ada), json!({})).await;
        self.step("ConfirmTotp", Some(ada), json!({"code": "12345"}))
            .await;
        let confirm = json!({"code": generator.code()});
        let step = self.step("ConfirmTotp", Some(ada), confirm.clone());
        let confirmed = step.await;
        self.step("ConfirmTotp", Some(ada), confirm).await;
        self.step("BeginTotp", Some(ada), json!({})).await;
        let login = json!({"email": ada.email, "password": PASSWORD});
        let challenged = self.step("Login", None, login).await;
        let token = &challenged["mfaToken"];
        self.step("AnswerChallenge", None, json!({})).await;
        for proof in [
            json!({"mfaToken": token}),
            json!({"mfaToken": token, "code": "12345", "recoveryCode": "x"}),
            json!({"mfaToken": token, "code": "12345"}),
            json!({"mfaToken": token, "recoveryCode": confirmed["recoveryCodes"][0]}),
            json!({"mfaToken": token, "recoveryCode": confirmed["recoveryCodes"][1]}),
        ] {
            self.step("AnswerChallenge", None, proof).await;
        }
        let code = json!({"code": generator.next_code()});
        for _ in 0..2 {
            self.step("Reauthenticate", Some(ada), code.clone()).await;
        }
        confirmed["recoveryCodes"].clone()
    }

    /// Adds passkeys and signs in by one, alone and as a second factor.
    async fn passkeys(&mut self, ada: &Person) {
        let mut browser = Browser::new();
        self.step("BeginPasskeyRegistration", None, json!({})).await;
        let step = self.step("BeginPasskeyRegistration", Some(ada), json!({}));
        let ceremony = step.await;
        let credential = browser.create(&ceremony["publicKey"]).await;
        let create = json!({
            "ceremonyId": ceremony["ceremonyId"], "name": "Key",
            "credential": credential.expect("created"),
        });
        self.step("CreatePasskey", Some(ada), json!({})).await;
        let step = self.step("CreatePasskey", Some(ada), create.clone());
        let passkey = step.await;
        self.step("CreatePasskey", Some(ada), create).await;
        // The options now name the passkey that there is.
        self.step("BeginPasskeyRegistration", Some(ada), json!({}))
            .await;
        self.step("ListPasskeys", Some(ada), json!({"limit": 1}))
            .await;
        self.step("ListPasskeys", Some(ada), json!({"limit": 0}))
            .await;
        self.step("ListPasskeys", None, json!({})).await;

        let ceremony = self.step("BeginPasskeyLogin", None, json!({})).await;
        let shown = answer(&mut browser, &ceremony).await;
        self.step("LoginWithPasskey", None, json!({})).await;
        for _ in 0..2 {
            self.step("LoginWithPasskey", None, shown.clone()).await;
        }
        let ceremony = self.step("BeginPasskeyLogin", None, json!({})).await;
        let shown = answer(&mut browser, &ceremony).await;
        for _ in 0..2 {
            self.step("Reauthenticate", Some(ada), shown.clone()).await;
        }
        let login = json!({"email": ada.email, "password": PASSWORD});
        let challenged = self.step("Login", None, login).await;
        let begin = json!({"mfaToken": challenged["mfaToken"]});
        self.step("BeginPasskeyChallenge", None, json!({"mfaToken": "x"}))
            .await;
        let ceremony = self.step("BeginPasskeyChallenge", None, begin).await;
        let mut shown = answer(&mut browser, &ceremony).await;
        shown["mfaToken"] = challenged["mfaToken"].clone();
        for _ in 0..2 {
            self.step("AnswerChallenge", None, shown.clone()).await;
        }

        let id = &passkey["id"];
        for request in [
            json!({"id": id, "name": "Phone"}),
            json!({"id": id, "name": ""}),
            json!({"id": id, "name": null}),
            json!({"id": "no id", "name": "Phone"}),
        ] {
            self.step("UpdatePasskey", Some(ada), request).await;
        }
        for _ in 0..2 {
            self.step("DeletePasskey", Some(ada), json!({"id": id}))
                .await;
        }
    }

    async fn resets(&mut self, ada: &Person) {
        let admin = self.portico.admin_person().await;
        let reset = |id: &str| json!({"id": id});
        self.step("ResetMfa", None, reset(&ada.id)).await;
        self.step("ResetMfa", Some(ada), reset(&ada.id)).await;
        self.step("ResetMfa", Some(&admin), reset(&admin.id)).await;
        self.step("ResetMfa", Some(&admin), reset("no id")).await;
        self.step("ResetMfa", Some(&admin), reset(&ada.id)).await;
    }
}

/// What a browser answers a ceremony with.
async fn answer(browser: &mut Browser, ceremony: &Value) -> Value {
    let credential = browser.get(&ceremony["publicKey"]).await;
    json!({
        "ceremonyId": ceremony["ceremonyId"],
        "credential": credential.expect("answered"),
    })
}
