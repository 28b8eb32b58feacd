//! API keys, service accounts and what ADMINs do for others, in both faces.

use serde_json::json;

use super::Play;

impl Play<'_> {
    pub(super) async fn keys(&mut self) {
        let ada = self.portico.register(&self.name("keeper")).await;
        let bob = self.portico.register(&self.name("other")).await;
        let admin = self.portico.admin_person().await;

        let bad = json!({"name": " ", "scopes": ["users:read", "root"], "expiresAt": "2020-01-31T09:30:00Z"});
        self.step("CreateApiKey", Some(&ada), bad).await;
        self.step("CreateApiKey", Some(&ada), json!({})).await;
        let body = json!({"name": "ci", "scopes": ["users:read", "account:read", "users:read"]});
        let made = self.step("CreateApiKey", Some(&ada), body.clone()).await;
        self.step("CreateApiKey", None, body).await;
        let expiring =
            json!({"name": "soon", "scopes": ["admin"], "expiresAt": "2999-01-31T09:30:00Z"});
        self.step("CreateApiKey", Some(&ada), expiring).await;
        self.step("ListApiKeys", Some(&ada), json!({})).await;
        self.step("ListApiKeys", Some(&ada), json!({"page": 2, "limit": 1}))
            .await;
        self.step("ListApiKeys", Some(&bob), json!({})).await;
        self.step("ListApiKeys", Some(&ada), json!({"limit": 0}))
            .await;
        let id = json!({"id": made["apiKey"]["id"]});
        self.step("DeleteApiKey", Some(&bob), id.clone()).await;
        self.step("DeleteApiKey", Some(&ada), id.clone()).await;
        self.step("DeleteApiKey", Some(&ada), id).await;
        self.step("DeleteApiKey", Some(&ada), json!({"id": "no id"}))
            .await;

        self.step("CreateServiceAccount", Some(&ada), json!({"name": "x"}))
            .await;
        self.step("CreateServiceAccount", Some(&admin), json!({"name": ""}))
            .await;
        let name = self.name("billing");
        let account = self
            .step("CreateServiceAccount", Some(&admin), json!({"name": name}))
            .await;
        self.step("ListServiceAccounts", Some(&admin), json!({"limit": 1}))
            .await;
        self.step("ListServiceAccounts", Some(&ada), json!({}))
            .await;
        let of = account["id"].clone();
        let body = json!({"serviceAccountId": of, "name": "first", "scopes": ["users:read"]});
        let key = self
            .step("CreateServiceAccountKey", Some(&admin), body.clone())
            .await;
        self.step("CreateServiceAccountKey", Some(&ada), body).await;
        let body = json!({"serviceAccountId": of, "name": "first", "scopes": []});
        self.step("CreateServiceAccountKey", Some(&admin), body)
            .await;
        let body = json!({"serviceAccountId": ada.id, "name": "x", "scopes": ["admin"]});
        self.step("CreateServiceAccountKey", Some(&admin), body)
            .await;
        for id in [&of, &json!("no id")] {
            let asked = json!({"serviceAccountId": id});
            self.step("ListServiceAccountKeys", Some(&admin), asked)
                .await;
        }
        let key = json!({"serviceAccountId": of, "id": key["apiKey"]["id"]});
        for _ in 0..2 {
            self.step("DeleteServiceAccountKey", Some(&admin), key.clone())
                .await;
        }
        for _ in 0..2 {
            self.step("DeleteServiceAccount", Some(&admin), json!({"id": of}))
                .await;
        }

        let reason = "ticket 42";
        let asked = json!({"id": ada.id, "reason": reason});
        self.step("Impersonate", Some(&admin), asked.clone()).await;
        self.step("Impersonate", Some(&bob), asked).await;
        let nothing = json!({"id": ada.id, "reason": ""});
        self.step("Impersonate", Some(&admin), nothing).await;
        let oneself = json!({"id": admin.id, "reason": reason});
        self.step("Impersonate", Some(&admin), oneself).await;
        let nobody = json!({"id": "no id", "reason": reason});
        self.step("Impersonate", Some(&admin), nobody).await;
        let of_bob = json!({"id": bob.id});
        self.step("EndUserSessions", Some(&ada), of_bob.clone())
            .await;
        self.step("EndUserSessions", Some(&admin), of_bob).await;
        self.step("EndUserSessions", Some(&admin), json!({"id": "no id"}))
            .await;
    }
}
