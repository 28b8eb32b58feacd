//! Where a service account gets an access token by its key: the client
//! credentials grant of OAuth 2.0 (RFC 6749, section 4.4). What is asked and
//! answered has the form of that standard, and not that of the API.

use std::borrow::Cow;

use axum::{body::Body, response::Response};
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use portico_chassis::{
    caller::{insert, metadata},
    clock::Timestamp,
    status::{Error, Kind},
    token::KeyHash,
    upstream::Upstream,
};
use portico_proto::auth::{
    ExchangeApiKeyRequest, ExchangeApiKeyResponse, tokens_service_client::TokensServiceClient,
};
use serde_json::{Value, json};

use crate::{
    api::{Api, NO_STORE},
    body,
    failure::{Failure, allow},
    limits::{Policy, Subject},
    transcode::query_pairs,
    visit::Visit,
};

/// Where it is.
pub(crate) const PATH: &str = "/oauth2/token";

/// What the path takes.
const METHODS: [Method; 2] = [Method::OPTIONS, Method::POST];

/// A longer body asks for nothing sensible.
const MAX_BODY: usize = 8 << 10;

/// What a client is asked for that failed to say who it is (RFC 7617).
const CHALLENGE: HeaderValue =
    HeaderValue::from_static("Basic realm=\"portico\", charset=\"UTF-8\"");

/// The endpoint.
pub(crate) struct TokenEndpoint {
    tokens: TokensServiceClient<Upstream>,
}

/// Why there is no token (RFC 6749, section 5.2).
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    code: &'static str,
    description: Cow<'static, str>,
    failure: Option<Box<Failure>>,
}

/// What a client asks for.
#[derive(Debug, Default)]
struct Asked {
    grant_type: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    scope: Option<String>,
}

/// A client, as it says.
#[derive(Debug, PartialEq, Eq)]
struct Client {
    id: String,
    secret: String,
}

impl TokenEndpoint {
    pub(crate) fn new(tokens: Upstream) -> Self {
        Self {
            tokens: TokensServiceClient::new(tokens),
        }
    }

    /// Answers a request for the path.
    pub(crate) async fn answer(
        &self,
        api: &Api,
        parts: &Parts,
        body: Body,
        visit: &mut Visit,
    ) -> Response {
        visit.route = PATH;
        let mut response = match parts.method {
            Method::POST => match self.issue(api, parts, body, visit).await {
                Ok((token, now)) => respond(StatusCode::OK, &granted(&token, now)),
                Err(refusal) => refusal.respond(),
            },
            Method::OPTIONS => empty(StatusCode::NO_CONTENT),
            _ => empty(StatusCode::METHOD_NOT_ALLOWED),
        };
        let headers = response.headers_mut();
        if parts.method != Method::POST {
            headers.insert(header::ALLOW, allow(&METHODS));
        }
        if let Some(standing) = &visit.standing {
            standing.write(headers);
        }
        api.origins.write(&parts.method, &parts.headers, headers);
        response
    }

    async fn issue(
        &self,
        api: &Api,
        parts: &Parts,
        body: Body,
        visit: &mut Visit,
    ) -> Result<(ExchangeApiKeyResponse, Timestamp), Refusal> {
        // By address alone: a key cannot be guessed, and nobody must be able to
        // keep a client out who only knows its id.
        let address = Subject::address(visit.address);
        api.count(Policy::Credentials, address, visit).await?;
        let body = body::read_form(&parts.headers, body, MAX_BODY).await?;
        let asked = Asked::parse(&body)?;
        let scope = asked.scope.clone().unwrap_or_default();
        let client = asked.client(&parts.headers)?;
        let hash = KeyHash::of(&client.secret).ok_or_else(Refusal::invalid_client)?;
        let mut request = tonic::Request::new(ExchangeApiKeyRequest {
            key_hash: hash.0.to_vec(),
            client_id: Some(client.id),
            scopes: scope.split_ascii_whitespace().map(str::to_owned).collect(),
        });
        let map = request.metadata_mut();
        let request_id = visit.request_id.to_str().unwrap_or_default();
        insert(map, metadata::REQUEST_ID, request_id);
        insert(map, metadata::CLIENT_IP, &visit.address.to_string());
        let exchanged = self.tokens.clone().exchange_api_key(request).await;
        let exchanged = exchanged.map_err(|status| Error::from_status(&status))?;
        Ok((exchanged.into_inner(), api.clock.now()))
    }
}

impl Asked {
    /// Reads a form. What is empty counts as absent, and what is not known is
    /// ignored (RFC 6749, section 3.2).
    fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(body);
        let text = text.map_err(|_| Refusal::invalid_request("The body is not UTF-8."))?;
        let mut asked = Self::default();
        for pair in query_pairs(text) {
            let unreadable = |_| Refusal::invalid_request("The body cannot be read.");
            let (name, value) = pair.map_err(unreadable)?;
            let slot = match &*name {
                "grant_type" => &mut asked.grant_type,
                "client_id" => &mut asked.client_id,
                "client_secret" => &mut asked.client_secret,
                "scope" => &mut asked.scope,
                _ => continue,
            };
            if value.is_empty() {
                continue;
            }
            if slot.replace(value.into_owned()).is_some() {
                return Err(Refusal::invalid_request("A parameter is there twice."));
            }
        }
        match asked.grant_type.as_deref() {
            Some("client_credentials") => Ok(asked),
            Some(_) => Err(Refusal::bad(
                "unsupported_grant_type",
                "The grant type must be `client_credentials`.",
            )),
            None => Err(Refusal::invalid_request("`grant_type` is required.")),
        }
    }

    /// Who asks: by `client_secret_basic` or `client_secret_post`, not by both
    /// (RFC 6749, section 2.3).
    fn client(self, headers: &HeaderMap) -> Result<Client, Refusal> {
        let mut shown = headers.get_all(header::AUTHORIZATION).iter();
        let client = match (shown.next(), shown.next(), self.client_secret) {
            (Some(value), None, None) => basic(value).ok_or_else(Refusal::invalid_client)?,
            (None, None, Some(secret)) => {
                let id = self.client_id.clone();
                let id = id.ok_or_else(|| Refusal::invalid_request("`client_id` is required."))?;
                Client { id, secret }
            }
            (None, None, None) => return Err(Refusal::invalid_client()),
            _ => {
                let message = "Say in one way who you are.";
                return Err(Refusal::invalid_request(message));
            }
        };
        if self.client_id.is_some_and(|id| id != client.id) {
            return Err(Refusal::invalid_request("There are two client ids."));
        }
        Ok(client)
    }
}

/// The client of a header (RFC 7617), whose parts are encoded as a form's are
/// (RFC 6749, section 2.3.1).
fn basic(value: &HeaderValue) -> Option<Client> {
    let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = BASE64_STANDARD.decode(encoded.trim());
    let decoded = decoded.or_else(|_| BASE64_URL_SAFE.decode(encoded.trim()));
    let pair = String::from_utf8(decoded.ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    let form = format!("{id}={secret}");
    let (id, secret) = query_pairs(&form).next()?.ok()?;
    Some(Client {
        id: id.into_owned(),
        secret: secret.into_owned(),
    })
}

impl Refusal {
    fn bad(code: &'static str, description: &'static str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code,
            description: description.into(),
            failure: None,
        }
    }

    fn invalid_request(description: &'static str) -> Self {
        Self::bad("invalid_request", description)
    }

    fn invalid_client() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            ..Self::bad(
                "invalid_client",
                "There is no such client with such a key, or the key counts no more.",
            )
        }
    }

    fn respond(self) -> Response {
        let body = json!({"error": self.code, "error_description": self.description});
        let mut response = respond(self.status, &body);
        let headers = response.headers_mut();
        if let Some(failure) = &self.failure {
            failure.log();
            failure.write(headers);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, CHALLENGE);
        }
        response
    }
}

impl From<Failure> for Refusal {
    fn from(mut failure: Failure) -> Self {
        let code = match failure.error.kind {
            Kind::Unauthenticated => return Self::invalid_client(),
            Kind::PermissionDenied => "invalid_scope",
            Kind::ResourceExhausted => "slow_down",
            Kind::Unavailable | Kind::DeadlineExceeded => "temporarily_unavailable",
            Kind::Internal => "server_error",
            _ => "invalid_request",
        };
        if failure.error.kind == Kind::PermissionDenied {
            failure.status = StatusCode::BAD_REQUEST;
        }
        let description = match code {
            "invalid_scope" => "The key has not all of these scopes.".into(),
            _ => failure.error.message.clone(),
        };
        Self {
            status: failure.status,
            code,
            description,
            failure: Some(Box::new(failure)),
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Failure::from(error).into()
    }
}

/// The answer with a token (RFC 6749, section 5.1).
fn granted(token: &ExchangeApiKeyResponse, now: Timestamp) -> Value {
    let expires_at: Timestamp = token.expires_at.map(Into::into).unwrap_or_default();
    json!({
        "access_token": token.token,
        "token_type": "Bearer",
        "expires_in": expires_at.since(now).as_secs(),
        "scope": token.scopes.join(" "),
    })
}

fn respond(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(authorization: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in authorization {
            let value = HeaderValue::from_str(value).expect("a header");
            headers.append(header::AUTHORIZATION, value);
        }
        headers
    }

    fn client(form: &str, authorization: &[&str]) -> Result<Client, &'static str> {
        let asked = Asked::parse(form.as_bytes()).map_err(|refusal| refusal.code)?;
        let client = asked.client(&headers(authorization));
        client.map_err(|refusal| refusal.code)
    }

    fn ada() -> Client {
        Client {
            id: "ada".to_owned(),
            secret: "s:1+".to_owned(),
        }
    }

    #[test]
    fn a_client_says_who_it_is_in_the_header_or_in_the_form() {
        let grant = "grant_type=client_credentials";
        let post = format!("{grant}&client_id=ada&client_secret=s%3A1%2B&resource=ignored");
        assert_eq!(client(&post, &[]), Ok(ada()));
        let header = format!("basic {}", BASE64_STANDARD.encode("ada:s%3A1%2B"));
        assert_eq!(client(grant, &[&header]), Ok(ada()));
        let same = format!("{grant}&client_id=ada");
        assert_eq!(client(&same, &[&header]), Ok(ada()));
    }

    #[test]
    fn whoever_says_it_twice_or_not_at_all_is_refused() {
        let grant = "grant_type=client_credentials";
        let header = format!("Basic {}", BASE64_STANDARD.encode("ada:secret"));
        for (form, authorization, code) in [
            ("", vec![], "invalid_request"),
            ("grant_type=", vec![], "invalid_request"),
            ("grant_type=password", vec![], "unsupported_grant_type"),
            ("grant_type=%ff", vec![], "invalid_request"),
            (&format!("{grant}&{grant}"), vec![], "invalid_request"),
            (grant, vec![], "invalid_client"),
            (&format!("{grant}&client_id=ada"), vec![], "invalid_client"),
            (
                &format!("{grant}&client_secret=x"),
                vec![],
                "invalid_request",
            ),
            (
                &format!("{grant}&client_secret=x"),
                vec![&*header],
                "invalid_request",
            ),
            (
                &format!("{grant}&client_id=eve"),
                vec![&*header],
                "invalid_request",
            ),
            (grant, vec![&*header, &*header], "invalid_request"),
            (grant, vec!["Bearer abc"], "invalid_client"),
            (grant, vec!["Basic %%%"], "invalid_client"),
            (grant, vec!["Basic YWRh"], "invalid_client"),
        ] {
            let refused = client(form, &authorization);
            assert_eq!(refused, Err(code), "{form} {authorization:?}");
        }
    }
}
