//! The RPCs about tokens: public keys, the issuer, tokens for API keys,
//! revocations.

use portico_chassis::{
    status::{Error, Violations},
    token::KeyHash,
};
use portico_proto::{
    Validate as _,
    auth::{self as proto, tokens_service_server::TokensService},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status as Failure};

use crate::{
    api_key::{Scope, Shown},
    store::Cursor,
    tokens::Tokens,
};

#[tonic::async_trait]
impl TokensService for Tokens {
    async fn get_jwks(
        &self,
        _: Request<proto::GetJwksRequest>,
    ) -> Result<Response<proto::Jwks>, Failure> {
        let keys = self.published().into_iter().map(|(kid, x)| proto::Jwk {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x,
            kid,
            alg: "EdDSA".to_owned(),
            r#use: "sig".to_owned(),
        });
        let keys = keys.collect();
        Ok(Response::new(proto::Jwks { keys }))
    }

    async fn get_issuer_metadata(
        &self,
        _: Request<proto::GetIssuerMetadataRequest>,
    ) -> Result<Response<proto::IssuerMetadata>, Failure> {
        let list = |items: &[&str]| items.iter().map(|&item| item.to_owned()).collect();
        let issuer = &self.0.issuer;
        Ok(Response::new(proto::IssuerMetadata {
            issuer: issuer.clone(),
            jwks_uri: format!("{issuer}/.well-known/jwks.json"),
            response_types_supported: Vec::new(),
            subject_types_supported: list(&["public"]),
            id_token_signing_alg_values_supported: list(&["EdDSA"]),
            claims_supported: list(&[
                "iss",
                "aud",
                "sub",
                "sid",
                "role",
                "email",
                "iat",
                "exp",
                "jti",
                "scope",
                "client_id",
                "act",
            ]),
            token_endpoint: format!("{issuer}/oauth2/token"),
            grant_types_supported: list(&["client_credentials"]),
            token_endpoint_auth_methods_supported: list(&[
                "client_secret_basic",
                "client_secret_post",
            ]),
            scopes_supported: list(&Scope::ALL.map(Scope::as_str)),
        }))
    }

    async fn exchange_api_key(
        &self,
        request: Request<proto::ExchangeApiKeyRequest>,
    ) -> Result<Response<proto::ExchangeApiKeyResponse>, Failure> {
        let request = request.into_inner();
        Violations::collect(|report| request.validate(report)).finish()?;
        let hash = request.key_hash.as_slice().try_into();
        let hash =
            hash.map_err(|_| Error::invalid_field("keyHash", "NOT_ALLOWED", "must be a SHA-256"))?;
        let token = self
            .exchange(&Shown {
                hash: KeyHash(hash),
                client_id: request.client_id.as_deref(),
                scopes: &request.scopes,
            })
            .await?;
        Ok(Response::new(proto::ExchangeApiKeyResponse {
            token: token.token,
            issued_at: Some(token.issued_at.into()),
            expires_at: Some(token.expires_at.into()),
            scopes: token.scopes.names(),
        }))
    }

    type WatchRevocationsStream = ReceiverStream<Result<proto::WatchRevocationsResponse, Failure>>;

    async fn watch_revocations(
        &self,
        request: Request<proto::WatchRevocationsRequest>,
    ) -> Result<Response<Self::WatchRevocationsStream>, Failure> {
        let after = Cursor::parse(&request.get_ref().cursor);
        Ok(Response::new(self.0.feed.watch(after)))
    }
}
