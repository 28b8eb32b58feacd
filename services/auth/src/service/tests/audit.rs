//! The audit log while a peer is away, or knows somebody no more.

use futures::StreamExt as _;
use portico_proto::events::{AuditEntry, actor::Type};

use super::*;

async fn list(fixture: &Fixture) -> Result<Vec<AuditEntry>, String> {
    let request = with(Call::default(), proto::ListAuditEntriesRequest::default());
    let listed = fixture.accounts.list_audit_entries(request).await;
    let listed = listed.map_err(reason)?.into_inner();
    Ok(listed.entries)
}

/// The names of those who did something, of an export or until it failed.
async fn export(fixture: &Fixture) -> Result<Vec<String>, String> {
    let request = with(Call::default(), proto::ExportAuditEntriesRequest::default());
    let exported = fixture.accounts.export_audit_entries(request).await;
    let mut exported = exported.map_err(reason)?.into_inner();
    let mut names = Vec::new();
    while let Some(entry) = exported.next().await {
        let actor = entry.map_err(reason)?.actor.expect("an actor");
        names.push(actor.name.unwrap_or_default());
    }
    Ok(names)
}

#[tokio::test]
async fn somebody_whom_nobody_knows_any_more_has_no_name() {
    let fixture = Fixture::new().await;
    let id = user_id(fixture.register(None).await.expect("made"));
    for name in [Some("Ada"), None] {
        let entries = list(&fixture).await.expect("listed");
        let actor = entries[0].actor.as_ref().expect("an actor");
        assert_eq!(actor.r#type(), Type::User);
        assert_eq!(actor.id.as_ref(), Some(&id));
        assert_eq!(actor.name.as_deref(), name);
        let names = export(&fixture).await.expect("exported");
        assert_eq!(names, [name.unwrap_or_default()]);
        fixture.fakes.people.lock().expect("lock").clear();
    }
    fixture.database.close().await;
}

#[tokio::test]
async fn without_a_peer_there_is_no_list_that_looks_whole() {
    let fixture = Fixture::new().await;
    fixture.register(None).await.expect("made");
    // One of the two that have entries, or the one that knows names.
    for method in ["ReadAuditEntries", "BatchGetUsers"] {
        fixture.fakes.fail(method, Fault::Before);
        let listed = list(&fixture).await;
        assert_eq!(listed.expect_err("failed"), "SERVICE_UNAVAILABLE");
        fixture.fakes.fail(method, Fault::Before);
        let exported = export(&fixture).await;
        assert_eq!(exported.expect_err("failed"), "SERVICE_UNAVAILABLE");
    }
    assert_eq!(list(&fixture).await.expect("listed").len(), 1);
    fixture.database.close().await;
}
