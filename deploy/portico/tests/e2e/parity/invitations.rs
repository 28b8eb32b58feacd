//! Two parts of the scenario: invitations, and what becomes of the projects of
//! somebody who is deleted.

use serde_json::json;

use super::Play;

impl Play<'_> {
    pub(super) async fn invitations(&mut self) {
        let owner = self.portico.register(&self.name("host")).await;
        let guest = self.portico.verified(&self.name("guest")).await;
        let unverified = self.portico.register(&self.name("unverified")).await;
        let project = self.portico.project(&owner, &self.name("gemini")).await;
        let id = &project["id"];
        let offer =
            |email: &str, role: &str| json!({"projectId": id, "email": email, "role": role});
        let faulty = offer("no address", "OWNER");
        self.step("CreateInvitation", Some(&owner), faulty).await;
        let of_owner = offer(&owner.email, "VIEWER");
        self.step("CreateInvitation", Some(&owner), of_owner).await;
        let of_guest = offer(&guest.email.replace("example", "EXAMPLE"), "VIEWER");
        self.step("CreateInvitation", Some(&guest), of_guest.clone())
            .await;
        let step = self.step("CreateInvitation", Some(&owner), of_guest.clone());
        let invitation = step.await;
        self.step("CreateInvitation", Some(&owner), of_guest.clone())
            .await;
        let path = json!({"projectId": id, "id": invitation["id"]});
        let answer = json!({"id": invitation["id"]});
        self.step("ResendInvitation", Some(&owner), path.clone())
            .await;
        self.step("ResendInvitation", Some(&guest), path.clone())
            .await;
        self.step("ListMyInvitations", Some(&guest), json!({"limit": 1}))
            .await;
        self.step("ListMyInvitations", Some(&unverified), json!({}))
            .await;
        self.step("ListMyInvitations", None, json!({})).await;
        self.step("AcceptInvitation", Some(&owner), answer.clone())
            .await;
        self.step("DeclineInvitation", Some(&guest), answer.clone())
            .await;
        self.step("DeclineInvitation", Some(&guest), answer.clone())
            .await;
        self.step("AcceptInvitation", Some(&guest), answer).await;
        self.step("DeleteInvitation", Some(&owner), path).await;
        let of_unverified = offer(&unverified.email, "MEMBER");
        let step = self.step("CreateInvitation", Some(&owner), of_unverified);
        let invitation = step.await;
        let answer = json!({"id": invitation["id"]});
        for name in ["AcceptInvitation", "DeclineInvitation"] {
            self.step(name, Some(&unverified), answer.clone()).await;
        }
        let path = json!({"projectId": id, "id": invitation["id"]});
        self.step("DeleteInvitation", Some(&guest), path.clone())
            .await;
        self.step("DeleteInvitation", Some(&owner), path.clone())
            .await;
        self.step("DeleteInvitation", Some(&owner), path).await;
        let unknown = json!({"projectId": id, "id": "no id"});
        self.step("DeleteInvitation", Some(&owner), unknown).await;
        let query = json!({"projectId": id, "status": "REVOKED", "sort": "createdAt"});
        self.step("ListInvitations", Some(&owner), query).await;
        let query = json!({"projectId": id, "sort": "email", "limit": 0});
        self.step("ListInvitations", Some(&owner), query).await;
        let step = self.step("CreateInvitation", Some(&owner), of_guest);
        let answer = json!({"id": step.await["id"]});
        for _ in 0..2 {
            self.step("AcceptInvitation", Some(&guest), answer.clone())
                .await;
        }
        self.step("ListInvitations", Some(&guest), json!({"projectId": id}))
            .await;
        self.step("ListInvitations", Some(&owner), json!({"projectId": id}))
            .await;
        self.step("ArchiveProject", Some(&owner), json!({"id": id}))
            .await;
        let late = offer("late@example.com", "MEMBER");
        self.step("CreateInvitation", Some(&owner), late).await;
    }

    pub(super) async fn inheritance(&mut self) {
        let ada = self.portico.register(&self.name("sole")).await;
        self.portico.project(&ada, &self.name("sole")).await;
        let heir = self.portico.register(&self.name("heir")).await;
        let admin = self.portico.admin_person().await;
        for (who, new_owner) in [
            (&ada, None),
            (&ada, Some(&heir.id)),
            (&admin, Some(&ada.id)),
            (&admin, Some(&self.name("nobody"))),
            (&admin, Some(&heir.id)),
        ] {
            let mut request = json!({"id": ada.id});
            if let Some(new_owner) = new_owner {
                request["newOwnerId"] = json!(new_owner);
            }
            self.step("DeleteAccount", Some(who), request).await;
        }
        let list = self.step("ListProjects", Some(&heir), json!({})).await;
        let project = &list["data"][0]["id"];
        let delete = json!({"id": project});
        self.step("DeleteProject", Some(&heir), delete).await;
        self.step("DeleteAccount", Some(&heir), json!({"id": heir.id}))
            .await;
    }
}
