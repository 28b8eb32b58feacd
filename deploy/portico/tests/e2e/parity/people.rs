//! People, as administrators see them.

use serde_json::json;

use super::Play;
use crate::instance::PASSWORD;

impl Play<'_> {
    pub(super) async fn people(&mut self) {
        let admin = self.portico.admin_person().await;
        let name = self.name("eve");
        let email = format!("{name}@example.com");
        let body = json!({"email": email, "name": name, "role": "MEMBER", "password": PASSWORD});
        let eve = self.step("CreateAccount", Some(&admin), body.clone()).await;
        self.step("CreateAccount", Some(&admin), body).await;
        let person = self.portico.login(&email).await;
        let id = &eve["id"];
        self.step("CreateAccount", Some(&person), json!({})).await;
        self.step("GetUser", Some(&person), json!({"id": id})).await;
        self.step("GetUser", Some(&person), json!({"id": admin.id}))
            .await;
        self.step("GetUser", Some(&admin), json!({"id": "no id"}))
            .await;
        self.step("ListUsers", Some(&person), json!({})).await;
        let query = json!({"q": name, "role": "MEMBER", "sort": "-email", "limit": 5});
        self.step("ListUsers", Some(&admin), query).await;
        self.step(
            "ListUsers",
            Some(&admin),
            json!({"sort": "age", "limit": 0}),
        )
        .await;
        let change = json!({"id": id, "name": name, "avatar": "https://example.com/e.png"});
        self.step("UpdateUser", Some(&person), change).await;
        self.step(
            "UpdateUser",
            Some(&person),
            json!({"id": id, "avatar": null}),
        )
        .await;
        self.step(
            "UpdateUser",
            Some(&person),
            json!({"id": id, "avatar": "e.png"}),
        )
        .await;
        self.step(
            "UpdateUser",
            Some(&person),
            json!({"id": id, "role": "ADMIN"}),
        )
        .await;
        self.step(
            "UpdateUser",
            Some(&admin),
            json!({"id": id, "status": "DISABLED"}),
        )
        .await;
        self.step("DeleteAccount", Some(&admin), json!({"id": id}))
            .await;
        self.step("DeleteAccount", Some(&admin), json!({"id": id}))
            .await;
        self.step("UpdateUser", Some(&admin), json!({"id": id, "name": "x"}))
            .await;
        self.step("RestoreUser", Some(&admin), json!({"id": id}))
            .await;
    }
}
