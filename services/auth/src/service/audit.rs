//! The RPCs about the audit log.

use std::collections::{BTreeSet, HashMap};

use futures::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use portico_chassis::{
    caller::Call,
    clock::parse_id,
    page::{Bookmark, COUNT_CAP, Paging, SortKey},
    status::{Error, Violations},
};
use portico_proto::{
    auth as proto,
    events::{Actor, AuditEntry, ReadAuditEntriesRequest, actor::Type},
};
use tonic::{Request, Response, Status as Failure};

use super::rules_of;
use crate::{
    accounts::Accounts,
    audit::{self, Source, Walk},
    convert,
    peers::answer,
};

/// Entries of an export that are made ready at once.
const EXPORTED_AT_ONCE: usize = 100;

/// Entries, as they are exported.
pub(crate) type Exported = BoxStream<'static, Result<AuditEntry, Failure>>;

/// What each service is asked for, by a request for all of them.
macro_rules! asked {
    ($request:expr) => {
        ReadAuditEntriesRequest {
            actor: $request.actor,
            action: $request.action,
            target: $request.target,
            since: $request.since,
            until: $request.until,
            ..ReadAuditEntriesRequest::default()
        }
    };
}

impl Accounts {
    pub(super) async fn list_audit(
        &self,
        request: Request<proto::ListAuditEntriesRequest>,
    ) -> Result<Response<proto::ListAuditEntriesResponse>, Failure> {
        let call = Call::of(&request)?.for_nobody();
        let request = request.into_inner();
        let mut violations = rules_of(&request);
        let (page, limit, cursor) = (request.page, request.limit, request.cursor.clone());
        let mut asked = asked!(request);
        self.tell_accounts(&mut asked).await?;
        let scope = ("audit", &asked);
        let paging = Paging::parse(&mut violations, page, limit, cursor.as_deref(), &scope);
        paging.check_place(&mut violations, false);
        check_depth(&paging, &mut violations);
        violations.finish()?;
        let mut page = audit::page(self.sources(&call), asked, &paging).await?;
        self.name(&call, &mut page.items).await?;
        let info = page.info(&paging, bookmark);
        Ok(Response::new(proto::ListAuditEntriesResponse {
            entries: page.items,
            page_info: Some(convert::page_info(info)),
        }))
    }

    pub(super) async fn export_audit(
        &self,
        request: Request<proto::ExportAuditEntriesRequest>,
    ) -> Result<Response<Exported>, Failure> {
        let call = Call::of(&request)?.for_nobody();
        let request = request.into_inner();
        rules_of(&request).finish()?;
        let mut asked = asked!(request);
        self.tell_accounts(&mut asked).await?;
        let walk = Walk::new(self.sources(&call), asked, usize::MAX);
        let start = (self.clone(), call, walk);
        // Read only as it is taken: a slow reader holds up nothing but itself.
        let parts = stream::try_unfold(start, |(accounts, call, mut walk)| async move {
            let mut entries = walk.take(EXPORTED_AT_ONCE).await?;
            accounts.name(&call, &mut entries).await?;
            let has_ended = entries.is_empty();
            let entries = stream::iter(entries).map(Ok::<_, Error>);
            Ok::<_, Error>((!has_ended).then_some((entries, (accounts, call, walk))))
        });
        let entries = parts.try_flatten().map_err(Failure::from);
        Ok(Response::new(entries.boxed()))
    }

    /// Lets a filter by the id of a service account mean that one, and not a
    /// person.
    async fn tell_accounts(&self, asked: &mut ReadAuditEntriesRequest) -> Result<(), Error> {
        let id = asked.actor.as_deref().and_then(parse_id);
        let Some(id) = id else { return Ok(()) };
        let found = self.store().named_service_accounts(&[id]).await?;
        if !found.is_empty() {
            asked.actor = Some(format!("service:{id}"));
        }
        Ok(())
    }

    /// Where the entries of this installation are.
    pub(super) fn sources(&self, call: &Call) -> Vec<Source> {
        let own = self.0.outbox.clone();
        let (users, of_users) = (self.0.peers.users.clone(), call.clone());
        let (projects, of_projects) = (self.0.peers.projects.clone(), call.clone());
        vec![
            Box::new(move |request| {
                let own = own.clone();
                Box::pin(async move { own.audit(&request).await })
            }),
            Box::new(move |request| {
                let (mut users, request) = (users.clone(), of_users.forward(request));
                Box::pin(async move { answer(users.read_audit_entries(request).await) })
            }),
            Box::new(move |request| {
                let (mut projects, request) = (projects.clone(), of_projects.forward(request));
                Box::pin(async move { answer(projects.read_audit_entries(request).await) })
            }),
        ]
    }

    /// Adds what the people and the service accounts among the actors, at most
    /// 100, are called now.
    async fn name(&self, call: &Call, entries: &mut [AuditEntry]) -> Result<(), Error> {
        let actors = entries.iter_mut().filter_map(|entry| entry.actor.as_mut());
        let mut actors: Vec<_> = actors.collect();
        let ids_of = |kind: Type, actors: &[&mut Actor]| -> BTreeSet<String> {
            let of_kind = actors.iter().filter(|actor| actor.r#type() == kind);
            of_kind.filter_map(|actor| actor.id.clone()).collect()
        };
        let people = ids_of(Type::User, &actors).into_iter().collect();
        let people = self.0.peers.people(call, people).await?;
        let services = ids_of(Type::Service, &actors);
        // The others are services of this installation, which are their names.
        let accounts: Vec<_> = services.iter().filter_map(|id| parse_id(id)).collect();
        let accounts = self.store().named_service_accounts(&accounts).await?;
        let people = people.into_iter().map(|user| (user.id, user.name));
        let accounts = accounts
            .into_iter()
            .map(|one| (one.id.to_string(), one.name));
        let names: HashMap<_, _> = people.chain(accounts).collect();
        for actor in &mut actors {
            actor.name = actor.id.as_ref().and_then(|id| names.get(id)).cloned();
        }
        Ok(())
    }
}

/// Notes a page that lies beyond what a list by page number reaches.
pub(super) fn check_depth(paging: &Paging, violations: &mut Violations) {
    if paging.offset() >= i64::from(COUNT_CAP) {
        let message = format!("must not lie beyond {COUNT_CAP} entries; go on with `cursor`");
        violations.add("page", "OUT_OF_RANGE", message);
    }
}

/// The place of an entry in the list.
fn bookmark(entry: &AuditEntry) -> Bookmark {
    Bookmark {
        key: SortKey::Time(entry.created_at.map(Into::into).unwrap_or_default()),
        id: parse_id(&entry.id).unwrap_or_default(),
    }
}
