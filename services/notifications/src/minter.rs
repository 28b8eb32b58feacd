//! Asks the auth service for the token of a link, when the mail that has it is
//! sent.

use portico_chassis::{
    caller::Call,
    status::{Error, Kind},
    upstream::Upstream,
};
use portico_proto::auth::{MintLinkRequest, links_service_client::LinksServiceClient};

use crate::{
    convert,
    job::{Claim, Refusal},
    mail::Proof,
};

/// Makes the tokens of links.
pub(crate) struct Minter {
    pub(crate) links: LinksServiceClient<Upstream>,
}

impl Minter {
    /// The token of the link in a mail.
    pub(crate) async fn token(&self, claim: &Claim, proof: &Proof) -> Result<String, Refusal> {
        let mut call = Call::default();
        call.request_id = claim.cause.request_id.as_str().into();
        let request = call.forward(MintLinkRequest {
            purpose: convert::purpose(proof.purpose).into(),
            user_id: proof.user_id.to_string(),
            email: claim.to.clone(),
            change_id: proof.change_id.map(|id| id.to_string()),
        });
        match self.links.clone().mint_link(request).await {
            Ok(minted) => Ok(minted.into_inner().token),
            Err(status) => Err(refusal(&Error::from_status(&status))),
        }
    }
}

/// Why there is no token: what the link is for is done already, or asked for
/// anew, or it cannot be told at the moment.
fn refusal(error: &Error) -> Refusal {
    match error.kind {
        Kind::FailedPrecondition => Refusal::NotNeeded,
        _ => {
            tracing::warn!(%error, "the link of a mail cannot be made at the moment");
            Refusal::ForNow("The auth service could not make the link.".to_owned())
        }
    }
}
