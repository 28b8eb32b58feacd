//! A gateway that serves on a port of its own, and people who call it.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use portico_chassis::{
    caller::unauthenticated,
    clock::{Clock, Timestamp, new_id},
    config::Env,
    serve::Readiness,
    status::Error,
    telemetry::Metrics,
    token::{
        ACCESS_TOKEN_TYPE, ApiKeySecret, Claims, Exchanged, KeyExchange, KeyHash, KeySource,
        PublicKey, Revocations, Revoked, Verifier,
    },
    upstream::Upstream,
};
use portico_gateway::Config;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{client::Request, services::Services};

/// When the tests take place.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const ISSUER: &str = "http://localhost:8080";

/// A gateway that serves.
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    pub(crate) services: Services,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Clock,
    pub(crate) revocations: Arc<Revocations>,
    pub(crate) keys: Keys,
    pub(crate) stop: CancellationToken,
    pub(crate) served: JoinHandle<anyhow::Result<()>>,
    key: EncodingKey,
}

/// The settings of a gateway in a test: one without the web client.
pub(crate) fn config(variables: &[(&str, &str)]) -> Config {
    let limits_off = ["ANONYMOUS", "USER", "CREDENTIALS"]
        .map(|limit| (format!("PORTICO_RATE_LIMIT_{limit}"), "off".to_owned()));
    let variables = variables
        .iter()
        .map(|(name, value)| (format!("PORTICO_{name}"), (*value).to_owned()));
    let mut env = Env::of(limits_off.into_iter().chain(variables));
    let config = Config::read(&mut env);
    env.finish().expect("a valid configuration");
    Config {
        web: None,
        ..config
    }
}

impl Gateway {
    pub(crate) async fn start() -> Self {
        Self::with(config(&[])).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let services = Services::default();
        let upstream = services.upstream();
        Self::over(
            config,
            services,
            upstream,
            Readiness::new(Vec::new(), Vec::new()),
        )
        .await
    }

    pub(crate) async fn over(
        config: Config,
        services: Services,
        upstream: Upstream,
        readiness: Arc<Readiness>,
    ) -> Self {
        let clock = Clock::manual(NOW);
        let metrics = Arc::new(Metrics::default());
        let revocations = Arc::new(Revocations::default());
        tokio::spawn(follow(revocations.clone()));
        let keys = Keys::default();
        let pair = Ed25519KeyPair::generate().expect("a key");
        let x = BASE64_URL_SAFE_NO_PAD.encode(pair.public_key());
        let key = pair.to_pkcs8().expect("its encoding");
        let verifier = Verifier::new(
            ISSUER,
            "portico",
            Box::new(OneKey(x)),
            Box::new(keys.clone()),
            revocations.clone(),
            clock.clone(),
        );
        let app = portico_gateway::build(
            config,
            &Services::upstreams(&upstream),
            Arc::new(verifier),
            metrics.clone(),
            readiness,
            clock.clone(),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let stop = CancellationToken::new();
        let app = app.expect("a gateway");
        tokio::spawn((app.background)(stop.clone()));
        Self {
            address,
            services,
            metrics,
            clock,
            revocations,
            keys,
            served: tokio::spawn(portico_gateway::serve(listener, app.router, stop.clone())),
            stop,
            key: EncodingKey::from_ed_der(key.as_ref()),
        }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> Request {
        Request::new(self.address, method, path)
    }

    pub(crate) fn get(&self, path: &str) -> Request {
        self.request("GET", path)
    }

    pub(crate) fn post(&self, path: &str) -> Request {
        self.request("POST", path)
    }

    /// A token of a member, who is somebody else each time.
    pub(crate) fn member(&self) -> String {
        self.token(new_id(NOW), "MEMBER")
    }

    pub(crate) fn admin(&self) -> String {
        self.token(new_id(NOW), "ADMIN")
    }

    pub(crate) fn token(&self, user: Uuid, role: &str) -> String {
        self.token_for(user, role, None)
    }

    /// A key of a person, and what it is exchanged for.
    pub(crate) fn api_key(&self, user: Uuid, role: &str, scope: &str) -> (String, String) {
        let key = ApiKeySecret::generate();
        let token = self.token_for(user, role, Some(scope.to_owned()));
        let now = self.clock.now();
        let exchanged = Exchanged {
            token: token.clone().into(),
            issued_at: now,
            expires_at: now + Duration::from_secs(600),
        };
        let mut known = self.keys.known.lock().expect("lock");
        known.insert(key.hash, exchanged);
        (key.text, token)
    }

    fn token_for(&self, user: Uuid, role: &str, scope: Option<String>) -> String {
        let now = self.clock.now();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: "portico".to_owned(),
            sub: user,
            sid: new_id(now),
            role: role.to_owned(),
            email: Some("ada@example.org".to_owned()),
            iat: now.seconds(),
            exp: now.seconds() + 600,
            jti: new_id(now),
            client_id: None,
            scope,
            key_exp: None,
            act: None,
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(ACCESS_TOKEN_TYPE.to_owned());
        header.kid = Some("one".to_owned());
        jsonwebtoken::encode(&header, &claims, &self.key).expect("a token")
    }

    pub(crate) fn revoke(&self, user: Uuid) {
        let soon = self.clock.now() + Duration::from_secs(1);
        self.revocations
            .add(Revoked::User(user), soon, soon + Duration::from_secs(600));
    }
}

/// The keys that there are, and how often one was exchanged.
#[derive(Clone, Default)]
pub(crate) struct Keys {
    known: Arc<Mutex<HashMap<KeyHash, Exchanged>>>,
    asked: Arc<AtomicUsize>,
}

impl Keys {
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl KeyExchange for Keys {
    async fn exchange(&self, hash: KeyHash) -> Result<Exchanged, Error> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let known = self.known.lock().expect("lock");
        known.get(&hash).cloned().ok_or_else(unauthenticated)
    }
}

/// The key that all tokens of a test are signed with.
struct OneKey(String);

#[async_trait]
impl KeySource for OneKey {
    async fn fetch(&self) -> Result<Vec<PublicKey>, Error> {
        Ok(vec![PublicKey {
            kid: "one".to_owned(),
            x: self.0.clone(),
        }])
    }
}

/// Notes again and again that all revocations are known, as a stream does.
async fn follow(revocations: Arc<Revocations>) {
    loop {
        revocations.catch_up();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
