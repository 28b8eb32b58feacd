//! The way of a request through the API, in the order that the contract states:
//! its route, the limit of the address, who calls, the limit of the person,
//! whether the method is for such a caller, and only then its body; then the
//! call, and the answer.

use std::{collections::HashMap, sync::Arc};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use portico_chassis::{
    caller::metadata::{ACCEPTED, REFRESH_COOKIE},
    clock::Clock,
    guard::{Access, Rule},
    status::Error,
    telemetry::Metrics,
    token::{Known, Verifier},
    upstream::Upstream,
};
use portico_proto::Success;

use crate::{
    authenticate::Credential,
    body,
    call::{self, Answer, Messages},
    cookie::RefreshCookie,
    cors::Origins,
    envelope::{self, Meta, Shape},
    failure::{Failure, allow},
    headers::{IDEMPOTENCY_REPLAYED, accepts, none_match_names},
    limits::{Limits, Policy, Standing, Subject},
    live::{self, Live},
    metadata::{self, Facts},
    ndjson::{Lines, NDJSON},
    routes::{Lookup, Match, Route, RouteTable},
    transcode::{FieldId, Schema},
    visit::Visit,
};

const JSON: &str = "application/json";
pub(crate) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");
const PUBLIC: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The folder whose answers stand in an envelope.
pub(crate) const ENVELOPED: &str = "/api/";
/// The folder of documents that other programs expect as they are (RFC 8615).
pub(crate) const WELL_KNOWN: &str = "/.well-known/";

/// Everything that the API is served with.
pub(crate) struct Api {
    pub(crate) schema: Arc<Schema>,
    pub(crate) routes: RouteTable,
    /// By the gRPC path.
    pub(crate) endpoints: HashMap<&'static str, Endpoint>,
    /// What no RPC serves: the stream of live changes.
    pub(crate) live: Arc<Live>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) cookie: RefreshCookie,
    pub(crate) origins: Origins,
    pub(crate) body_limit: usize,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Clock,
}

/// What is known of an RPC beside its routes.
pub(crate) struct Endpoint {
    method: &'static portico_proto::Method,
    rule: Rule,
    upstream: Upstream,
    shape: Shape,
    /// Whether the answer is a stream of messages.
    is_stream: bool,
    /// The field of a call that tries a password or a token in which it names
    /// an account.
    account: Option<FieldId>,
    /// The path template, as a name for metrics.
    template: &'static str,
}

impl Endpoint {
    /// # Errors
    ///
    /// If the route is one that cannot be served.
    pub(crate) fn new(
        route: &Route,
        method: &'static portico_proto::Method,
        upstream: Upstream,
        schema: &Schema,
    ) -> anyhow::Result<Self> {
        let template = &*route.template;
        let is_enveloped = template.starts_with(ENVELOPED);
        let is_served = is_enveloped || template.starts_with(WELL_KNOWN);
        anyhow::ensure!(
            is_served,
            "{template} is neither below /api nor below /.well-known"
        );
        anyhow::ensure!(
            !route.is_client_streaming,
            "{} takes a stream, which has no form in REST",
            method.path
        );
        anyhow::ensure!(
            route.response_body.is_none(),
            "{} has a response_body; a list is known by its shape",
            method.path
        );
        anyhow::ensure!(
            !route.is_server_streaming || !method.idempotency_key && !method.refresh_cookie,
            "{} is a stream, which has no headers of its own",
            method.path
        );
        let rule = Rule::of(method);
        anyhow::ensure!(
            rule.access != Access::Service,
            "{} is for services, but has a route",
            method.path
        );
        let account = schema.find_field(route.binding.input, "email");
        Ok(Self {
            method,
            rule,
            upstream,
            shape: Shape::of(schema, route.output, is_enveloped),
            is_stream: route.is_server_streaming,
            account: account.filter(|_| method.credentials),
            // Once for each RPC, at the start.
            template: String::from(template).leak(),
        })
    }

    /// What a success is written as.
    fn media_type(&self) -> &'static str {
        if self.is_stream { NDJSON } else { JSON }
    }

    fn status(&self) -> StatusCode {
        match self.method.success {
            Success::Ok => StatusCode::OK,
            Success::Created => StatusCode::CREATED,
            Success::Accepted => StatusCode::ACCEPTED,
        }
    }

    /// How long an answer may be kept, and by whom.
    fn cache_control(&self) -> HeaderValue {
        match self.shape {
            _ if self.method.secret => NO_STORE,
            Shape::Bare => PUBLIC,
            _ => PRIVATE,
        }
    }
}

impl Api {
    /// Answers a request for a path of the API.
    pub(crate) async fn answer(&self, parts: &Parts, body: Body, visit: &mut Visit) -> Response {
        let mut response = match self.route(parts, body, visit).await {
            Ok(response) => response,
            Err(failure) => self.refuse(&failure, visit),
        };
        if let Some(standing) = &visit.standing {
            standing.write(response.headers_mut());
        }
        self.origins
            .write(&parts.method, &parts.headers, response.headers_mut());
        response
    }

    /// Answers with a failure.
    pub(crate) fn refuse(&self, failure: &Failure, visit: &Visit) -> Response {
        failure.log();
        let body = envelope::failure(&failure.error, &self.meta(visit));
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = failure.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
        headers.insert(
            header::CACHE_CONTROL,
            visit.cache_control.clone().unwrap_or(PRIVATE),
        );
        failure.write(headers);
        response
    }

    async fn route(
        &self,
        parts: &Parts,
        body: Body,
        visit: &mut Visit,
    ) -> Result<Response, Failure> {
        let is_read = matches!(parts.method, Method::GET | Method::HEAD);
        let lookup = match parts.uri.path() == live::stream::PATH {
            true if is_read => return self.live.stream(self, parts, visit).await,
            true => Lookup::MethodNotAllowed(live::stream::METHODS.to_vec()),
            false => self.routes.find(&parts.method, parts.uri.path()),
        };
        match lookup {
            Lookup::Found(found) => {
                // The table has only routes that have an endpoint.
                let endpoint = self.endpoints.get(found.route.grpc_path.as_str());
                let endpoint = endpoint.ok_or_else(Failure::route_not_found)?;
                visit.route = endpoint.template;
                visit.cache_control = endpoint.method.secret.then_some(NO_STORE);
                self.admit(endpoint, parts, visit).await?;
                self.call(endpoint, found, parts, body, visit).await
            }
            Lookup::MethodNotAllowed(methods) if parts.method == Method::OPTIONS => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::NO_CONTENT;
                response
                    .headers_mut()
                    .insert(header::ALLOW, allow(&methods));
                Ok(response)
            }
            Lookup::MethodNotAllowed(methods) => {
                self.count(Policy::Anonymous, Subject::address(visit.address), visit)
                    .await?;
                Err(Failure::method_not_allowed(allow(&methods)))
            }
            Lookup::NotFound => {
                self.count(Policy::Anonymous, Subject::address(visit.address), visit)
                    .await?;
                Err(Failure::route_not_found())
            }
        }
    }

    /// Finds out who calls, and whether it may, before anything is read.
    async fn admit(
        &self,
        endpoint: &Endpoint,
        parts: &Parts,
        visit: &mut Visit,
    ) -> Result<(), Failure> {
        if endpoint.method.credentials {
            let address = Subject::address(visit.address);
            self.count(Policy::Credentials, address, visit).await?;
        }
        let credential = Credential::of(&parts.headers);
        let verified = self.verify(&credential, visit).await?;
        self.admit_as(verified, &endpoint.rule, visit).await
    }

    /// Finds out who is behind a credential. Where somebody must be asked for it,
    /// the address may not try any number of them.
    pub(crate) async fn verify(
        &self,
        credential: &Credential<'_>,
        visit: &mut Visit,
    ) -> Result<Result<Option<Known>, Error>, Failure> {
        if !credential.is_at_hand(&self.verifier) {
            let address = Subject::address(visit.address);
            self.count(Policy::Anonymous, address, visit).await?;
        }
        Ok(credential.verify(&self.verifier).await)
    }

    /// Lets a caller in, or what tried to be one.
    pub(crate) async fn admit_as(
        &self,
        verified: Result<Option<Known>, Error>,
        rule: &Rule,
        visit: &mut Visit,
    ) -> Result<(), Failure> {
        let address = Subject::address(visit.address);
        match verified {
            Ok(Some(known)) => {
                let subject = Subject::User(known.principal.id());
                visit.exchanged = known.exchanged;
                visit.caller = known.principal.into();
                self.count(Policy::User, subject, visit).await?;
            }
            Ok(None) => self.count(Policy::Anonymous, address, visit).await?,
            Err(error) => {
                self.count(Policy::Anonymous, address, visit).await?;
                // A stale token is no reason to refuse a new sign-in.
                if rule.access != Access::Public {
                    return Err(error.into());
                }
            }
        }
        Ok(rule.check(&visit.caller)?)
    }

    async fn call(
        &self,
        endpoint: &Endpoint,
        found: Match<'_, '_>,
        parts: &Parts,
        body: Body,
        visit: &mut Visit,
    ) -> Result<Response, Failure> {
        let media_type = endpoint.media_type();
        if !accepts(&parts.headers, media_type) {
            return Err(Failure::not_acceptable(media_type));
        }
        let has_body = found.route.binding.body != crate::transcode::Body::None;
        let body = if has_body {
            body::read(&parts.headers, body, self.body_limit).await?
        } else {
            bytes::Bytes::new()
        };
        // Nothing sent where an object is due is an object without members.
        let body = if body.is_empty() { &b"{}"[..] } else { &body };
        let message = found.request(&self.schema, parts.uri.query(), body)?.wire;
        if endpoint.method.credentials {
            let subject = self.account(endpoint, found.route, &message, visit);
            if let Some(subject) = subject {
                self.count(Policy::Credentials, subject, visit).await?;
            }
        }
        let metadata = self.metadata(endpoint, parts, visit)?;
        let path = &found.route.grpc_path;
        if endpoint.is_stream {
            let begun = call::stream(&endpoint.upstream, path, metadata, message).await?;
            return Ok(self.stream(endpoint, found.route, begun, visit));
        }
        let answer = call::unary(&endpoint.upstream, path, metadata, message).await?;
        self.respond(endpoint, found.route, &answer, parts, visit)
    }

    /// Counts a call, and remembers the limit that leaves the least.
    pub(crate) async fn count(
        &self,
        policy: Policy,
        subject: Subject,
        visit: &mut Visit,
    ) -> Result<(), Failure> {
        let Some(standing) = self.limits.count(policy, subject).await else {
            return Ok(());
        };
        let is_least = |known: &Standing| standing.remaining() <= known.remaining();
        if visit.standing.as_ref().is_none_or(is_least) {
            visit.standing = Some(standing);
        }
        standing
            .check()
            .inspect_err(|_| self.metrics.rate_limited(policy.name()))?;
        Ok(())
    }

    /// Whose password or token a call tries: the account that it names, else the
    /// caller.
    fn account(
        &self,
        endpoint: &Endpoint,
        route: &Route,
        message: &[u8],
        visit: &Visit,
    ) -> Option<Subject> {
        let named = endpoint.account.and_then(|field| {
            let email = self.schema.read_str(route.binding.input, field, message);
            email.ok().filter(|email| !email.is_empty())
        });
        let caller = || visit.caller_id().map(Subject::User);
        let account = |email| Subject::account(email, visit.address);
        named.map(account).or_else(caller)
    }

    fn metadata(
        &self,
        endpoint: &Endpoint,
        parts: &Parts,
        visit: &Visit,
    ) -> Result<HeaderMap, Error> {
        let uses_cookie = endpoint.method.refresh_cookie;
        let cookie = uses_cookie.then(|| self.cookie.read(&parts.headers));
        let facts = Facts {
            authorization: visit.authorization(&parts.headers),
            request_id: &visit.request_id,
            address: visit.address,
            refresh_cookie: cookie.flatten(),
            is_foreign_origin: uses_cookie && self.origins.is_foreign(&parts.headers),
        };
        metadata::of(&parts.headers, &facts)
    }

    fn respond(
        &self,
        endpoint: &Endpoint,
        route: &Route,
        answer: &Answer,
        parts: &Parts,
        visit: &Visit,
    ) -> Result<Response, Failure> {
        let etag = self.etag(endpoint, route, &answer.message);
        let is_read = matches!(parts.method, Method::GET | Method::HEAD);
        let is_known = |etag: &HeaderValue| none_match_names(&parts.headers, etag);
        let mut response = if is_read && etag.as_ref().is_some_and(is_known) {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else {
            let (shape, meta) = (endpoint.shape, self.meta(visit));
            let body = envelope::success(&self.schema, shape, route.output, &answer.message, &meta)
                .map_err(Error::internal)?;
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = match answer.metadata.contains_key(ACCEPTED) {
                true => StatusCode::ACCEPTED,
                false => endpoint.status(),
            };
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
            response
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, endpoint.cache_control());
        if let Some(etag) = etag {
            headers.insert(header::ETAG, etag);
        }
        if let Some(replayed) = answer.metadata.get(&IDEMPOTENCY_REPLAYED) {
            headers.insert(IDEMPOTENCY_REPLAYED, replayed.clone());
        }
        let asked = answer
            .metadata
            .get(REFRESH_COOKIE)
            .filter(|_| endpoint.method.refresh_cookie);
        if let Some(asked) = asked.and_then(|value| value.to_str().ok()) {
            let cookie = self.cookie.write(asked);
            let cookie =
                cookie.ok_or_else(|| Error::internal("the service's cookie is malformed"))?;
            headers.append(header::SET_COOKIE, cookie);
        }
        Ok(response)
    }

    fn stream(
        &self,
        endpoint: &Endpoint,
        route: &Route,
        (first, messages): (Option<Bytes>, Messages),
        visit: &Visit,
    ) -> Response {
        let lines = Lines {
            schema: self.schema.clone(),
            output: route.output,
            first,
            messages,
            span: visit.span.clone(),
        };
        let mut response = Response::new(lines.into_body());
        *response.status_mut() = endpoint.status();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(endpoint.media_type()),
        );
        headers.insert(header::CACHE_CONTROL, endpoint.cache_control());
        response
    }

    /// The entity tag of a single resource.
    fn etag(&self, endpoint: &Endpoint, route: &Route, message: &[u8]) -> Option<HeaderValue> {
        let Shape::Resource(Some(field)) = endpoint.shape else {
            return None;
        };
        let etag = self.schema.read_str(route.output, field, message).ok()?;
        if etag.is_empty() {
            return None;
        }
        HeaderValue::try_from(format!("\"{etag}\"")).ok()
    }

    fn meta<'v>(&self, visit: &'v Visit) -> Meta<'v> {
        Meta {
            timestamp: self.clock.now(),
            request_id: visit.request_id.to_str().unwrap_or_default(),
        }
    }
}
