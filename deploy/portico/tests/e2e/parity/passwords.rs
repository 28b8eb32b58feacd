//! Passwords, and who signed in by them.

use serde_json::json;

use super::{PASSWORD, Play};

impl Play<'_> {
    pub(super) async fn passwords(&mut self) {
        let ada = self.portico.register(&self.name("chooser")).await;
        let bob = self.portico.register(&self.name("guesser")).await;
        let strength =
            json!({"password": "riverbed candle 9", "email": ada.email, "name": ada.name});
        self.step("EstimateStrength", None, strength).await;
        self.step("EstimateStrength", None, json!({"password": "password1"}))
            .await;
        self.step("EstimateStrength", None, json!({})).await;
        let wrong = json!({"email": ada.email, "password": "a wrong guess"});
        self.step("Login", None, wrong).await;
        let id = json!({"id": ada.id});
        self.step("ListSignIns", Some(&ada), id.clone()).await;
        self.step("ListSignIns", Some(&bob), id.clone()).await;
        self.step("ListSignIns", None, id).await;
        let page = json!({"id": ada.id, "limit": 1});
        self.step("ListSignIns", Some(&ada), page).await;
        let change = json!({"currentPassword": PASSWORD, "newPassword": "password1"});
        self.step("ChangePassword", Some(&ada), change).await;
    }
}
