//! A part of the scenario: what people may know of what is kept of them.

use serde_json::json;

use super::Play;

impl Play<'_> {
    pub(super) async fn privacy(&mut self) {
        let name = self.name("subject");
        let subject = self.portico.register(&name).await;
        let mails = &self.portico.mails;
        mails.mail(&subject.email, "Welcome").await;
        let other = self.portico.register(&self.name("curious")).await;
        let id = json!({"id": subject.id});
        self.step("ExportUser", Some(&subject), id.clone()).await;
        self.step("ExportUser", Some(&other), id.clone()).await;
        self.step("ExportUser", None, id).await;
        let admin = self.portico.admin_person().await;
        self.step("ExportUser", Some(&admin), json!({"id": "no id"}))
            .await;
    }
}
