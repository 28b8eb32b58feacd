//! What all roles of a process share: who they are, how they know callers, and
//! how they reach each other.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use portico_chassis::{
    clock::{Clock, parse_id},
    guard::{Guard, Rule},
    status::Error,
    telemetry::Metrics,
    tls::Tls,
    token::{
        Exchanged, KeyExchange, KeyHash, KeySource, PublicKey, Revocations, Revoked,
        ServiceIdentity, Verifier,
    },
    upstream::{Target, Upstream},
};
use portico_proto::{
    METHODS, Method,
    auth::{
        ExchangeApiKeyRequest, GetJwksRequest, WatchRevocationsRequest, WatchRevocationsResponse,
        revocation::Tokens, tokens_service_client::TokensServiceClient,
    },
};
use tokio_util::sync::CancellationToken;

use crate::settings::Settings;

/// The pause before the revocations are asked for again after a failure.
const RECONNECT: Duration = Duration::from_millis(200);

/// How long the stream of revocations may be silent before it is opened anew. It
/// tells every half second that nothing is new.
const SILENCE: Duration = Duration::from_secs(2);

/// The way to the tokens service. It is known only after the guard that stands
/// before it, which in turn needs the keys from it.
type TokensWay = Arc<OnceLock<Upstream>>;

/// What all roles of a process share.
pub(crate) struct Platform {
    pub(crate) clock: Clock,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) identity: Arc<ServiceIdentity>,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) guard: Arc<Guard>,
    pub(crate) tls: Option<Arc<Tls>>,
    revocations: Arc<Revocations>,
    idempotent: Arc<HashSet<&'static str>>,
    tokens: TokensWay,
}

impl Platform {
    pub(crate) fn new(settings: &Settings, name: &str, clock: Clock) -> Self {
        let metrics = Arc::new(Metrics::default());
        let secret = &settings.service_secret;
        let identity = Arc::new(ServiceIdentity::new(name, secret, clock.clone()));
        let revocations = Arc::new(Revocations::default());
        let tokens = TokensWay::default();
        let verifier = Arc::new(Verifier::new(
            &settings.public_url,
            &settings.audience,
            Box::new(Jwks(tokens.clone())),
            Box::new(ApiKeys(tokens.clone())),
            revocations.clone(),
            clock.clone(),
        ));
        let guard = Arc::new(Guard {
            verifier: verifier.clone(),
            identity: identity.clone(),
            rules: rules(),
            streams: paths(|method| method.is_stream),
            metrics: metrics.clone(),
        });
        Self {
            clock,
            metrics,
            identity,
            verifier,
            guard,
            tls: settings.tls.clone(),
            revocations,
            idempotent: Arc::new(paths(|method| method.idempotent)),
            tokens,
        }
    }

    /// The way to a role in this process.
    pub(crate) fn local(&self, routes: axum::Router) -> Upstream {
        Upstream::local(routes, self.identity.clone(), self.idempotent.clone())
    }

    /// The way to a role elsewhere.
    pub(crate) fn remote(&self, target: Target) -> Upstream {
        Upstream::remote(
            target,
            self.tls.clone(),
            self.identity.clone(),
            self.idempotent.clone(),
        )
    }

    /// Says where the tokens service is, once.
    pub(crate) fn set_tokens(&self, upstream: Upstream) {
        self.tokens.get_or_init(|| upstream);
    }

    /// Takes over revocations until the process stops.
    pub(crate) async fn follow_revocations(
        revocations: Arc<Revocations>,
        tokens: Upstream,
        stop: CancellationToken,
    ) {
        let mut cursor = String::new();
        while !stop.is_cancelled() {
            let followed = follow(&revocations, tokens.clone(), &mut cursor);
            tokio::select! {
                () = stop.cancelled() => return,
                ended = followed => {
                    if let Err(status) = ended {
                        tracing::warn!(code = ?status.code(), "lost the stream of revocations");
                    }
                }
            }
            tokio::time::sleep(RECONNECT).await;
        }
    }

    pub(crate) fn revocations(&self) -> Arc<Revocations> {
        self.revocations.clone()
    }
}

async fn follow(
    revocations: &Revocations,
    tokens: Upstream,
    cursor: &mut String,
) -> Result<(), tonic::Status> {
    let request = WatchRevocationsRequest {
        cursor: cursor.clone(),
    };
    let mut client = TokensServiceClient::new(tokens);
    let opened = heard(client.watch_revocations(request)).await?;
    let mut stream = opened.into_inner();
    while let Some(message) = heard(stream.message()).await? {
        note(revocations, &message);
        *cursor = message.cursor;
    }
    Ok(())
}

/// What the tokens service says, unless it is silent for too long.
async fn heard<T>(
    said: impl Future<Output = Result<T, tonic::Status>>,
) -> Result<T, tonic::Status> {
    let said = tokio::time::timeout(SILENCE, said).await;
    said.unwrap_or_else(|_| Err(Error::deadline_exceeded().into()))
}

fn note(revocations: &Revocations, message: &WatchRevocationsResponse) {
    if message.caught_up {
        revocations.catch_up();
    }
    let Some(revocation) = &message.revocation else {
        return;
    };
    let tokens = match &revocation.tokens {
        Some(Tokens::SessionId(id)) => parse_id(id).map(Revoked::Session),
        Some(Tokens::UserId(id)) => parse_id(id).map(Revoked::User),
        None => None,
    };
    if let (Some(tokens), Some(revoked_at), Some(expires_at)) =
        (tokens, revocation.revoked_at, revocation.expires_at)
    {
        revocations.add(tokens, revoked_at.into(), expires_at.into());
    }
}

/// The public keys, from the tokens service.
struct Jwks(TokensWay);

#[async_trait]
impl KeySource for Jwks {
    async fn fetch(&self) -> Result<Vec<PublicKey>, Error> {
        let upstream = self.0.get().cloned();
        let upstream = upstream.ok_or_else(|| Error::unavailable("not started yet"))?;
        let jwks = TokensServiceClient::new(upstream)
            .get_jwks(GetJwksRequest {})
            .await
            .map_err(|status| Error::from_status(&status))?
            .into_inner();
        let keys = jwks.keys.into_iter();
        Ok(keys
            .map(|key| PublicKey {
                kid: key.kid,
                x: key.x,
            })
            .collect())
    }
}

/// Tokens for API keys, from the tokens service.
struct ApiKeys(TokensWay);

#[async_trait]
impl KeyExchange for ApiKeys {
    async fn exchange(&self, hash: KeyHash) -> Result<Exchanged, Error> {
        let upstream = self.0.get().cloned();
        let upstream = upstream.ok_or_else(|| Error::unavailable("not started yet"))?;
        let request = ExchangeApiKeyRequest {
            key_hash: hash.0.to_vec(),
            client_id: None,
            scopes: Vec::new(),
        };
        let answer = TokensServiceClient::new(upstream)
            .exchange_api_key(request)
            .await
            .map_err(|status| Error::from_status(&status))?
            .into_inner();
        let (Some(issued_at), Some(expires_at)) = (answer.issued_at, answer.expires_at) else {
            return Err(Error::internal(
                "the tokens service sent a malformed answer",
            ));
        };
        Ok(Exchanged {
            token: answer.token.into(),
            issued_at: issued_at.into(),
            expires_at: expires_at.into(),
        })
    }
}

/// The methods of which something is true.
fn paths(is_meant: impl Fn(&Method) -> bool) -> HashSet<&'static str> {
    let meant = METHODS.iter().filter(|method| is_meant(method));
    meant.map(|method| method.path).collect()
}

/// Which callers each method is for.
fn rules() -> HashMap<&'static str, Rule> {
    let rule = |method: &Method| (method.path, Rule::of(method));
    METHODS.iter().map(rule).collect()
}
