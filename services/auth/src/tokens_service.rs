//! The RPCs about tokens: public keys, the issuer, revocations.

use portico_proto::auth::{self as proto, tokens_service_server::TokensService};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status as Failure};

use crate::{store::Cursor, tokens::Tokens};

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
                "iss", "aud", "sub", "sid", "role", "email", "iat", "exp", "jti",
            ]),
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
