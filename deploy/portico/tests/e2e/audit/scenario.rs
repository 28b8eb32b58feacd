//! Who does what, before the log is read.

use super::*;

/// What is done in the scenario, each in a request of its own name.
pub(super) struct Scenario<'a> {
    pub(super) portico: &'a Instance,
    pub(super) admin: Person,
    pub(super) ada: Person,
    pub(super) bob: Person,
    pub(super) project: Value,
}

impl<'a> Scenario<'a> {
    /// Registers two people, and makes what they share.
    pub(super) async fn begin(portico: &'a Instance) -> Self {
        let admin = portico.admin_person().await;
        let register = async |name: &str| {
            let account = json!({
                "email": format!("{name}@example.com"),
                "password": PASSWORD,
                "name": name,
            });
            let call = portico.call("POST /api/v1/auth/register");
            let id = format!("register-{name}");
            let call = call.header("x-request-id", &id).json(account);
            Person::of(&call.expect(201).await)
        };
        let (ada, bob) = (register("ada").await, register("bob").await);
        let mut scenario = Self {
            portico,
            admin,
            ada,
            bob,
            project: Value::Null,
        };
        let body = json!({"name": "Apollo"});
        let ada = scenario.ada.clone();
        scenario.project = scenario
            .send("make", &ada, "POST /api/v1/projects", body, 201)
            .await;
        scenario
    }

    /// One call, whose request has this id.
    pub(super) async fn send(
        &self,
        id: &str,
        by: &Person,
        line: &str,
        body: Value,
        status: u16,
    ) -> Value {
        let call = self.portico.call(line).bearer(by);
        let call = call.header("x-request-id", id).json(body);
        call.expect(status).await
    }

    /// What changes something, and what changes nothing.
    pub(super) async fn go_on(&self) {
        let (admin, ada, bob) = (&self.admin, &self.ada, &self.bob);
        let user = |person: &Person| format!("/api/v1/users/{}", person.id);
        let project = format!("/api/v1/projects/{}", self.project["id"].as_str().unwrap());
        let members = format!("{project}/members");
        let member = format!("{members}/{}", bob.id);

        let rename = format!("PATCH {}", user(ada));
        let body = json!({"name": "Augusta"});
        self.send("rename", ada, &rename, body.clone(), 200).await;
        self.send("rename-again", ada, &rename, body, 200).await;
        let publish = format!("PATCH {project}");
        let body = json!({"visibility": "PUBLIC", "description": "To the moon"});
        self.send("publish", ada, &publish, body, 200).await;
        let body = json!({"userId": bob.id, "role": "VIEWER"});
        let share = format!("POST {members}");
        self.send("share", ada, &share, body.clone(), 201).await;
        let refused = self.portico.call(&share).bearer(ada).json(body);
        let refused = refused.header("x-request-id", "share-again");
        refused.refused(409, "ALREADY_MEMBER").await;
        let invite = format!("POST {project}/invitations");
        let body = json!({"email": "eve@example.com", "role": "MEMBER"});
        self.send("invite", ada, &invite, body, 201).await;
        let promote = format!("PATCH {member}");
        self.send("promote", ada, &promote, json!({"role": "ADMIN"}), 200)
            .await;
        let transfer = format!("POST {project}/transfer");
        self.send("transfer", ada, &transfer, json!({"userId": bob.id}), 200)
            .await;
        let change = json!({"currentPassword": PASSWORD, "newPassword": OTHER_PASSWORD});
        let change_password = "POST /api/v1/auth/password/change";
        self.send("password", ada, change_password, change, 200)
            .await;
        let leave = format!("DELETE {members}/{}", ada.id);
        self.send("leave", ada, &leave, json!({}), 200).await;
        let logout = "POST /api/v1/auth/logout";
        self.send("logout", ada, logout, json!({}), 200).await;
        let remove = format!("DELETE {project}");
        self.send("remove", bob, &remove, json!({}), 200).await;
        let disable = format!("PATCH {}", user(bob));
        self.send(
            "disable",
            admin,
            &disable,
            json!({"status": "DISABLED"}),
            200,
        )
        .await;
        let delete = format!("DELETE {}", user(ada));
        self.send("delete", admin, &delete, json!({}), 200).await;
        let restore = format!("POST {}/restore", user(ada));
        self.send("restore", admin, &restore, json!({}), 200).await;
        // What follows from it by itself.
        while entries(self.portico, admin, "actor=system")
            .await
            .is_empty()
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
