//! The RPC about what is kept of a person.

use portico_chassis::{
    caller::Call,
    clock::parse_id,
    page::Paging,
    status::{Error, Violations},
};
use portico_proto::{
    auth::{self as proto, account_data_service_server::AccountDataService},
    events::{AuditEntry, ReadAuditEntriesRequest},
};
use tonic::{Request, Response, Status as Failure};
use uuid::Uuid;

use super::rules_of;
use crate::{accounts::Accounts, api_key::Owner, audit::Walk, convert, error};

/// The most entries of the audit log in an export, of each kind.
const MOST_ENTRIES: usize = 10_000;

/// The most sign-ins and API keys in an export.
const MOST_LISTED: i32 = 100;

#[tonic::async_trait]
impl AccountDataService for Accounts {
    async fn export_account(
        &self,
        request: Request<proto::ExportAccountRequest>,
    ) -> Result<Response<proto::AccountData>, Failure> {
        let call = Call::of(&request)?;
        let request = request.get_ref();
        rules_of(request).finish()?;
        let id = parse_id(&request.user_id).ok_or_else(error::user_not_found)?;
        let (store, now) = (self.store(), self.now());
        store.note_export(id, &call.origin(now)).await?;
        let sessions = store.all_sessions(id, now).await?;
        let changes = store.email_changes(id).await?;
        let totp = store.factors(id).await?.totp;
        let passkeys = store.passkeys(id).await?;
        let first = Paging::parse(
            &mut Violations::default(),
            None,
            Some(MOST_LISTED),
            None,
            &(),
        );
        let sign_ins = store.sign_ins(id, &first).await?;
        let api_keys = store.api_keys(Owner::Person(id), &first).await?;
        Ok(Response::new(proto::AccountData {
            password_set_at: store.password_set_at(id).await?.map(Into::into),
            sessions: sessions
                .iter()
                .map(|session| convert::session(session, Uuid::nil()))
                .collect(),
            totp_confirmed_at: totp.and_then(|totp| totp.confirmed_at).map(Into::into),
            passkeys: passkeys.iter().map(convert::passkey).collect(),
            api_keys: api_keys.items.iter().map(convert::api_key).collect(),
            sign_ins: sign_ins.items.iter().map(convert::sign_in).collect(),
            email_changes: changes.iter().map(convert::email_change).collect(),
            audit_entries: self.entries(&call, &id.to_string()).await?,
        }))
    }
}

impl Accounts {
    /// What a person did, and what was done to it, newest first.
    async fn entries(&self, call: &Call, id: &str) -> Result<Vec<AuditEntry>, Error> {
        let call = call.for_nobody();
        let by = ReadAuditEntriesRequest {
            actor: Some(id.to_owned()),
            ..ReadAuditEntriesRequest::default()
        };
        let about = ReadAuditEntriesRequest {
            target: Some(id.to_owned()),
            ..ReadAuditEntriesRequest::default()
        };
        let mut entries = Vec::new();
        for asked in [by, about] {
            let mut walk = Walk::new(self.sources(&call), asked, MOST_ENTRIES);
            entries.extend(walk.take(MOST_ENTRIES).await?);
        }
        // Ids in their one form are in order as texts too.
        entries.sort_by(|one, other| other.id.cmp(&one.id));
        entries.dedup_by(|one, other| one.id == other.id);
        for entry in &mut entries {
            let actor = entry.actor.as_ref().and_then(|actor| actor.id.as_deref());
            if actor != Some(id) {
                entry.ip = None;
            }
        }
        Ok(entries)
    }
}
