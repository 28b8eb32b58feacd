//! The audit log, in both faces.

use serde_json::{Value, json};

use super::Play;

impl Play<'_> {
    /// What is told of all that was done to a project.
    pub(super) async fn audit_log(&mut self, project: &Value) {
        let admin = self.portico.admin_person().await;
        let eve = self.portico.register(&self.name("reader")).await;
        for name in ["ListAuditEntries", "ExportAuditEntries"] {
            let of_project = json!({"target": project["id"]});
            self.step(name, Some(&admin), of_project).await;
            let changes = json!({
                "target": project["id"],
                "action": "project.updated",
                "since": "2020-01-31T09:30:00.000Z",
                "until": "2999-01-31T09:30:00.000Z",
            });
            self.step(name, Some(&admin), changes).await;
            self.step(name, Some(&admin), json!({"actor": "nobody"}))
                .await;
            self.step(name, Some(&eve), json!({})).await;
            self.step(name, None, json!({})).await;
        }
        self.step("ListAuditEntries", Some(&admin), json!({"page": 501}))
            .await;
        self.step("ListAuditEntries", Some(&admin), json!({"cursor": "x"}))
            .await;
    }
}
