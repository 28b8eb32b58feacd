//! Proving again who is there.

use portico_chassis::{caller::Call, status::Error};
use portico_proto::auth as proto;

use super::{
    proof::{Proof, right},
    rules_of,
};
use crate::{accounts::Accounts, error, factors::Shown, session::FRESHNESS};

impl Accounts {
    pub(super) async fn prove_again(
        &self,
        call: &Call,
        request: &proto::ReauthenticateRequest,
    ) -> Result<proto::ReauthenticateResponse, Error> {
        let user = call.user()?;
        rules_of(request).finish()?;
        let store = self.store();
        let (origin, is_there) = match Proof::of_reauthentication(request)? {
            Proof::Password(password) => {
                self.prove(call, user.id, password, "password").await?;
                let origin = call.origin(self.now());
                let is_there = store.reauthenticate(user.session_id, &origin).await?;
                (origin, is_there)
            }
            Proof::Code(code) | Proof::RecoveryCode(code) => {
                let attempt = self.attempt(user.id, Shown::Code(code));
                let origin = call.origin(attempt.at);
                let tried = store
                    .reauthenticate_by_code(user.session_id, &attempt, &origin)
                    .await?;
                tried.as_ref().map(right).transpose()?;
                (origin, tried.is_some())
            }
            Proof::Passkey {
                ceremony_id,
                credential,
            } => {
                let used = self.used_passkey(ceremony_id, credential).await?;
                let used = used
                    .filter(|used| used.passkey.user_id == user.id)
                    .ok_or_else(error::credential_invalid)?;
                let origin = call.origin(self.now());
                let proved = store
                    .reauthenticate_by_passkey(user.session_id, &used, &origin)
                    .await?;
                if proved == Some(false) {
                    return Err(error::credential_invalid());
                }
                (origin, proved.is_some())
            }
        };
        if !is_there {
            return Err(error::session_ended());
        }
        Ok(proto::ReauthenticateResponse {
            valid_until: Some((origin.at + FRESHNESS).into()),
        })
    }
}
