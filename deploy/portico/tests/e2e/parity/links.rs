//! A part of the scenario: what people prove by links in mails.

use serde_json::json;

use super::Play;

impl Play<'_> {
    pub(super) async fn links(&mut self) {
        let (name, new) = (self.name("lin"), self.name("new"));
        let lin = self.portico.register(&name).await;
        let (old, new) = (lin.email.clone(), format!("{new}@example.com"));
        let mails = &self.portico.mails;
        let welcome = mails.mail(&old, "Welcome").await.token();

        let token = json!({"token": welcome});
        self.step("VerifyEmail", None, json!({})).await;
        self.step("VerifyEmail", None, json!({"token": "x"})).await;
        self.step("VerifyEmail", None, token.clone()).await;
        self.step("VerifyEmail", None, token).await;
        self.step("ResendVerification", None, json!({})).await;
        self.step("ResendVerification", Some(&lin), json!({})).await;

        for email in [&old, "nobody@example.com", "no address"] {
            let forgot = json!({"email": email});
            self.step("ForgotPassword", None, forgot).await;
        }
        let reset = self.portico.mails.mail(&old, "Choose a new").await.token();
        for password in ["short", "another good password", "a third password"] {
            let reset = json!({"token": reset, "newPassword": password});
            self.step("ResetPassword", None, reset).await;
        }

        let lin = json!({"email": old, "password": "another good password"});
        let lin = self.step("Login", None, lin).await;
        let lin = crate::Person::of(&lin);
        self.step("ChangeEmail", None, json!({"newEmail": new}))
            .await;
        self.step("ChangeEmail", Some(&lin), json!({"newEmail": "x"}))
            .await;
        self.step("ChangeEmail", Some(&lin), json!({"newEmail": new}))
            .await;
        let mails = &self.portico.mails;
        let confirm = mails.mail(&new, "Confirm your new").await.token();
        let undo = mails.mail(&old, "is being changed").await.token();
        self.step("VerifyEmail", None, json!({"token": confirm}))
            .await;
        self.step("UndoEmailChange", None, json!({"token": confirm}))
            .await;
        for _ in 0..2 {
            self.step("UndoEmailChange", None, json!({"token": undo}))
                .await;
        }
    }
}
