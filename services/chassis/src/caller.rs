//! Who calls, and what comes with a call beside its message.

mod principal;

use std::{net::IpAddr, sync::Arc};

use tonic::{
    metadata::{Ascii, MetadataMap, MetadataValue},
    transport::server::TcpConnectInfo,
};

pub use self::principal::{Caller, Grant, Key, Pass, Principal, Scopes, ServiceAccount, User};
use crate::{
    clock::Timestamp,
    etag::IfMatch,
    outbox::{Actor, Origin},
    status::{Error, Kind},
};

/// The names of metadata between processes. Those that begin with `portico-`
/// count only beside a service token, and the gateway takes none of them over
/// from clients.
pub mod metadata {
    /// The access token of the person, or the service token of the caller.
    pub const AUTHORIZATION: &str = "authorization";
    /// The service token of a service that acts for a person.
    pub const SERVICE: &str = "portico-service";
    /// The id that connects all log lines of one request.
    pub const REQUEST_ID: &str = "x-request-id";
    /// The trace that the call is part of (W3C Trace Context).
    pub const TRACEPARENT: &str = "traceparent";
    /// The key under which a creation happens once.
    pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
    /// In an answer: it is a replay of an earlier one.
    pub const IDEMPOTENCY_REPLAYED: &str = "idempotency-replayed";
    /// In an answer: what was asked for is done later.
    pub const ACCEPTED: &str = "portico-accepted";
    /// The version that a change expects.
    pub const IF_MATCH: &str = "if-match";
    /// The address of the client.
    pub const CLIENT_IP: &str = "portico-client-ip";
    /// The program of the client.
    pub const CLIENT_AGENT: &str = "portico-client-agent";
    /// The refresh token that a browser sent in its cookie. In an answer: the
    /// refresh token that it should keep from now on; empty to forget it.
    pub const REFRESH_COOKIE: &str = "portico-refresh-cookie";
    /// Present if a browser sent the call from a page of a foreign origin.
    pub const FOREIGN_ORIGIN: &str = "portico-foreign-origin";
}

/// What comes with a call beside its message. The guard puts it into the
/// request's extensions.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// Who calls.
    pub caller: Caller,
    /// The id that connects all log lines of one request.
    pub request_id: Arc<str>,
    /// The W3C trace context of the caller.
    pub traceparent: Option<Arc<str>>,
    /// The address of the client.
    pub client_ip: Option<IpAddr>,
    /// The program of the client.
    pub client_agent: Option<String>,
    /// The key under which a creation happens once.
    pub idempotency_key: Option<String>,
    /// The version that a change expects.
    pub if_match: IfMatch,
    /// The refresh token from a browser's cookie.
    pub refresh_cookie: Option<String>,
    /// Whether a browser sent the call from a page of a foreign origin.
    pub foreign_origin: bool,
    /// The caller's token, to be passed on where a service acts for the caller.
    bearer: Option<MetadataValue<Ascii>>,
}

impl Call {
    /// The call that a request came with.
    ///
    /// # Errors
    ///
    /// `INTERNAL_ERROR` if the routes stand behind no guard.
    pub fn of<T>(request: &tonic::Request<T>) -> Result<Arc<Self>, Error> {
        request
            .extensions()
            .get::<Arc<Self>>()
            .cloned()
            .ok_or_else(|| Error::internal("the routes stand behind no guard"))
    }

    /// The person who calls.
    ///
    /// # Errors
    ///
    /// `UNAUTHENTICATED`, or `FORBIDDEN` for one who is known and no person.
    pub fn user(&self) -> Result<&User, Error> {
        match (&self.caller.user, &self.caller.service_account) {
            (Some(user), _) => Ok(user),
            (None, Some(_)) => Err(forbidden()),
            (None, None) => Err(unauthenticated()),
        }
    }

    /// Who changes something, for the record.
    #[must_use]
    pub fn origin(&self, at: Timestamp) -> Origin {
        let Caller {
            user,
            service_account,
            service,
        } = &self.caller;
        let mut impersonated = None;
        let actor = if let Some(user) = user {
            match user.grant {
                Grant::Impersonation { by } => {
                    impersonated = Some(user.id);
                    Actor::User(by)
                }
                Grant::Session | Grant::Key(_) => Actor::User(user.id),
            }
        } else if let Some(account) = service_account {
            Actor::Service(account.id.to_string())
        } else if let Some(service) = service {
            Actor::Service(service.to_string())
        } else {
            Actor::System
        };
        Origin {
            actor,
            impersonated,
            at,
            request_id: self.request_id.to_string(),
            traceparent: self.traceparent.as_deref().map(str::to_owned),
            client_ip: self.client_ip,
        }
    }

    /// The same on behalf of nobody, for what may outlive the person's token.
    #[must_use]
    pub fn for_nobody(&self) -> Self {
        Self {
            caller: Caller::default(),
            bearer: None,
            ..self.clone()
        }
    }

    /// A message to another service on behalf of this call's caller, with its
    /// request id, its trace and what is known of the client.
    pub fn forward<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        let map = request.metadata_mut();
        if let Some(bearer) = &self.bearer {
            map.insert(metadata::AUTHORIZATION, bearer.clone());
        }
        insert(map, metadata::REQUEST_ID, &self.request_id);
        if let Some(traceparent) = &self.traceparent {
            insert(map, metadata::TRACEPARENT, traceparent);
        }
        if let Some(ip) = self.client_ip {
            insert(map, metadata::CLIENT_IP, &ip.to_string());
        }
        request
    }

    /// Reads everything but the caller from the metadata of a call. What only
    /// a service may say counts only where `from_service` is true.
    pub(crate) fn read(map: &MetadataMap, from_service: bool) -> Self {
        let text = |name: &str| map.get(name).and_then(|value| value.to_str().ok());
        let internal = |name: &str| text(name).filter(|_| from_service);
        Self {
            caller: Caller::default(),
            request_id: text(metadata::REQUEST_ID)
                .filter(|id| is_request_id(id))
                .map_or_else(new_request_id, Arc::from),
            traceparent: text(metadata::TRACEPARENT).map(Arc::from),
            client_ip: internal(metadata::CLIENT_IP).and_then(|ip| ip.parse().ok()),
            client_agent: internal(metadata::CLIENT_AGENT).map(str::to_owned),
            idempotency_key: text(metadata::IDEMPOTENCY_KEY).map(str::to_owned),
            if_match: text(metadata::IF_MATCH).map_or(IfMatch::Any, IfMatch::parse),
            refresh_cookie: internal(metadata::REFRESH_COOKIE).map(str::to_owned),
            foreign_origin: internal(metadata::FOREIGN_ORIGIN).is_some(),
            bearer: None,
        }
    }

    /// What is known of a client that calls without a service in between: the
    /// address of its connection, and its program.
    pub(crate) fn seen_from(self, peer: Option<&TcpConnectInfo>, map: &MetadataMap) -> Self {
        if self.caller.service.is_some() {
            return self;
        }
        let address = peer.and_then(TcpConnectInfo::remote_addr);
        let agent = map.get("user-agent").and_then(|agent| agent.to_str().ok());
        Self {
            client_ip: address.map(|address| address.ip().to_canonical()),
            client_agent: agent.map(str::to_owned),
            ..self
        }
    }

    pub(crate) fn with_caller(self, caller: Caller, bearer: Option<MetadataValue<Ascii>>) -> Self {
        Self {
            caller,
            bearer,
            ..self
        }
    }
}

/// Adds a metadata value; text that metadata cannot carry is left out.
pub fn insert(map: &mut MetadataMap, name: &'static str, value: &str) {
    if let Ok(value) = value.parse() {
        map.insert(name, value);
    }
}

/// Whether a client's request id may be taken over.
#[must_use]
pub fn is_request_id(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// A request id for a request that came without one.
#[must_use]
pub fn new_request_id() -> Arc<str> {
    let mut random = [0; 16];
    crate::clock::fill_random(&mut random);
    uuid::Builder::from_random_bytes(random)
        .into_uuid()
        .simple()
        .to_string()
        .into()
}

/// The failure of a caller who must sign in.
#[must_use]
pub fn unauthenticated() -> Error {
    Error::new(
        Kind::Unauthenticated,
        "UNAUTHENTICATED",
        "Sign in and send the access token as `Authorization: Bearer`.",
    )
}

/// The failure of a caller whose key is not for this.
#[must_use]
pub fn scope_missing(scope: &str) -> Error {
    let message = format!("This needs an API key with the scope `{scope}`.");
    let mut details = serde_json::Map::new();
    details.insert("scope".to_owned(), scope.into());
    Error::new(Kind::PermissionDenied, "SCOPE_MISSING", message).with_details(details)
}

/// The failure of a caller who may not do this.
#[must_use]
pub fn forbidden() -> Error {
    Error::new(
        Kind::PermissionDenied,
        "FORBIDDEN",
        "You are not allowed to do this.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_has_plain_characters_and_a_bounded_length() {
        assert!(is_request_id("abc-1.2_3"));
        assert!(is_request_id(&new_request_id()));
        assert!(!is_request_id(""));
        assert!(!is_request_id("a b"));
        assert!(!is_request_id("a\nb"));
        assert!(!is_request_id(&"a".repeat(129)));
    }

    #[test]
    fn whoever_impersonates_is_the_one_who_acts() {
        let (person, admin) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
        let user = User {
            id: person,
            session_id: uuid::Uuid::from_u128(3),
            is_admin: false,
            grant: Grant::Impersonation { by: admin },
            issued_at: Timestamp::default(),
            expires_at: Timestamp::default(),
        };
        let call = Call {
            caller: Principal::User(Arc::new(user)).into(),
            ..Call::default()
        };
        let origin = call.origin(Timestamp::default());
        assert_eq!(origin.actor, Actor::User(admin));
        assert_eq!(origin.impersonated, Some(person));
    }

    #[test]
    fn what_only_services_may_say_is_ignored_from_others() {
        let mut map = MetadataMap::new();
        insert(&mut map, metadata::CLIENT_IP, "203.0.113.9");
        insert(&mut map, metadata::REFRESH_COOKIE, "stolen");
        assert_eq!(Call::read(&map, false).client_ip, None);
        assert_eq!(Call::read(&map, false).refresh_cookie, None);
        assert!(Call::read(&map, true).client_ip.is_some());
    }
}
