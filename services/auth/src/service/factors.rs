//! The RPCs about second factors. Those about passkeys stand in
//! [`super::passkeys`].

use portico_chassis::{caller::Call, clock::parse_id, status::Error};
use portico_proto::{
    auth::{self as proto, factors_service_server::FactorsService},
    users,
};
use tonic::{Request, Response, Status as Failure};
use url::Url;

use super::{
    cookie::Delivery,
    proof::{Proof, right},
    rules_of,
};
use crate::{
    accounts::Accounts,
    admission::Admission,
    challenge::ChallengeHash,
    convert, error,
    factors::Shown,
    policy,
    recovery::RecoveryCodes,
    store::Answered,
    totp::{self, Secret},
};

/// The failure of a wrong second proof.
fn wrong(proof: &Proof<'_>) -> Error {
    match proof {
        Proof::Passkey { .. } => error::passkey_refused(),
        Proof::Code(_) | Proof::Password(_) | Proof::RecoveryCode(_) => error::mfa_code_invalid(),
    }
}

#[tonic::async_trait]
impl FactorsService for Accounts {
    async fn answer_challenge(
        &self,
        request: Request<proto::AnswerChallengeRequest>,
    ) -> Result<Response<proto::LoginResponse>, Failure> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        rules_of(&request).finish()?;
        let proof = Proof::of_challenge(&request)?;
        let delivery = Delivery::of(&call, request.cookie)?;
        let hash = ChallengeHash::of(&request.mfa_token);
        let challenge = self.store().challenge(hash, self.now()).await?;
        let challenge = challenge.ok_or_else(error::mfa_token_invalid)?;
        let (session, origin) = self.session_of(&call, challenge.user_id);
        let answered = match proof {
            Proof::Passkey {
                ceremony_id,
                credential,
            } => {
                let used = self.used_passkey(ceremony_id, credential).await?;
                let used = used.filter(|used| used.passkey.user_id == challenge.user_id);
                self.store()
                    .answer_by_passkey(hash, used.as_ref(), &session, &origin)
                    .await?
            }
            Proof::Code(code) | Proof::Password(code) => {
                let attempt = self.attempt(challenge.user_id, Shown::Code(code));
                self.store()
                    .answer_by_code(hash, &attempt, &session, &origin)
                    .await?
            }
            Proof::RecoveryCode(code) => {
                let attempt = self.attempt(challenge.user_id, Shown::RecoveryCode(code));
                self.store()
                    .answer_by_code(hash, &attempt, &session, &origin)
                    .await?
            }
        };
        match answered {
            Answered::Opened => {
                self.signed_in_from(&call, challenge.user_id).await?;
                let signed_in = self.enter(&call, &session, &origin).await?;
                Ok(self.admitted(Admission::SignedIn(Box::new(signed_in)), delivery))
            }
            Answered::Gone => Err(error::mfa_token_invalid().into()),
            Answered::Wrong => Err(wrong(&proof).into()),
            Answered::Blocked(pause) => Err(error::too_many_codes(pause).into()),
        }
    }

    async fn begin_passkey_challenge(
        &self,
        request: Request<proto::BeginPasskeyChallengeRequest>,
    ) -> Result<Response<proto::Ceremony>, Failure> {
        let request = request.get_ref();
        rules_of(request).finish()?;
        let hash = ChallengeHash::of(&request.mfa_token);
        let challenge = self.store().challenge(hash, self.now()).await?;
        let challenge = challenge.ok_or_else(error::mfa_token_invalid)?;
        let ceremony = self.begin_passkey(Some(challenge.user_id)).await?;
        Ok(Response::new(ceremony))
    }

    async fn get_factors(
        &self,
        request: Request<proto::GetFactorsRequest>,
    ) -> Result<Response<proto::Factors>, Failure> {
        let call = Call::of(&request)?;
        let user_id = call.user()?.id;
        let factors = self.store().factors(user_id).await?;
        let passkeys = self.store().count_passkeys(user_id).await?;
        Ok(Response::new(convert::factors(&factors, passkeys)))
    }

    async fn begin_totp(
        &self,
        request: Request<proto::BeginTotpRequest>,
    ) -> Result<Response<proto::TotpSecret>, Failure> {
        let call = Call::of(&request)?;
        let user_id = call.user()?.id;
        self.be_fresh(&call).await?;
        let user = self.0.peers.me(&call, user_id).await?;
        let secret = Secret::generate();
        let sealed = secret.seal(&self.0.tokens.0.master_key, user_id)?;
        if !self.store().begin_totp(user_id, &sealed).await? {
            return Err(error::mfa_already_enabled().into());
        }
        let url = secret.url(&self.host()?, &user.email)?;
        Ok(Response::new(proto::TotpSecret {
            secret: secret.text(),
            qr_svg: totp::qr_svg(&url)?,
            otpauth_url: url,
        }))
    }

    async fn confirm_totp(
        &self,
        request: Request<proto::ConfirmTotpRequest>,
    ) -> Result<Response<proto::RecoveryCodes>, Failure> {
        let call = Call::of(&request)?;
        let user_id = call.user()?.id;
        let request = request.into_inner();
        rules_of(&request).finish()?;
        self.be_fresh(&call).await?;
        if self.store().factors(user_id).await?.has_totp() {
            return Err(error::mfa_already_enabled().into());
        }
        let master_key = &self.0.tokens.0.master_key;
        let (kept, shown) = RecoveryCodes::generate(master_key, user_id);
        let attempt = self.attempt(user_id, Shown::FirstCode(&request.code));
        let origin = call.origin(attempt.at);
        let tried = self.store().confirm_totp(&attempt, &kept, &origin).await?;
        right(&tried)?;
        Ok(Response::new(proto::RecoveryCodes {
            recovery_codes: shown,
        }))
    }

    async fn disable_totp(
        &self,
        request: Request<proto::DisableTotpRequest>,
    ) -> Result<Response<()>, Failure> {
        let call = Call::of(&request)?;
        let user_id = call.user()?.id;
        let request = request.into_inner();
        rules_of(&request).finish()?;
        self.be_fresh(&call).await?;
        if !self.store().factors(user_id).await?.has_totp() {
            return Err(error::code_incorrect().into());
        }
        let attempt = self.attempt(user_id, Shown::AnyCode(&request.code));
        let origin = call.origin(attempt.at);
        right(&self.store().disable_totp(&attempt, &origin).await?)?;
        Ok(Response::new(()))
    }

    async fn renew_recovery_codes(
        &self,
        request: Request<proto::RenewRecoveryCodesRequest>,
    ) -> Result<Response<proto::RecoveryCodes>, Failure> {
        let call = Call::of(&request)?;
        let user_id = call.user()?.id;
        self.be_fresh(&call).await?;
        let master_key = &self.0.tokens.0.master_key;
        let (kept, shown) = RecoveryCodes::generate(master_key, user_id);
        let origin = call.origin(self.now());
        let store = self.store();
        if !store.renew_recovery_codes(user_id, &kept, &origin).await? {
            return Err(error::mfa_not_enabled().into());
        }
        Ok(Response::new(proto::RecoveryCodes {
            recovery_codes: shown,
        }))
    }

    async fn begin_passkey_registration(
        &self,
        request: Request<proto::BeginPasskeyRegistrationRequest>,
    ) -> Result<Response<proto::Ceremony>, Failure> {
        let call = Call::of(&request)?;
        Ok(Response::new(self.begin_registration(&call).await?))
    }

    async fn create_passkey(
        &self,
        request: Request<proto::CreatePasskeyRequest>,
    ) -> Result<Response<proto::Passkey>, Failure> {
        let call = Call::of(&request)?;
        Ok(self.add_passkey(&call, &request.into_inner()).await?)
    }

    async fn list_passkeys(
        &self,
        request: Request<proto::ListPasskeysRequest>,
    ) -> Result<Response<proto::ListPasskeysResponse>, Failure> {
        let call = Call::of(&request)?;
        let listed = self.passkeys_of(&call, request.get_ref()).await?;
        Ok(Response::new(listed))
    }

    async fn update_passkey(
        &self,
        request: Request<proto::UpdatePasskeyRequest>,
    ) -> Result<Response<proto::Passkey>, Failure> {
        let call = Call::of(&request)?;
        let renamed = self.rename_passkey(&call, request.get_ref()).await?;
        Ok(Response::new(renamed))
    }

    async fn delete_passkey(
        &self,
        request: Request<proto::DeletePasskeyRequest>,
    ) -> Result<Response<()>, Failure> {
        let call = Call::of(&request)?;
        self.remove_passkey(&call, request.get_ref()).await?;
        Ok(Response::new(()))
    }

    async fn begin_passkey_login(
        &self,
        _: Request<proto::BeginPasskeyLoginRequest>,
    ) -> Result<Response<proto::Ceremony>, Failure> {
        Ok(Response::new(self.begin_passkey(None).await?))
    }

    async fn login_with_passkey(
        &self,
        request: Request<proto::LoginWithPasskeyRequest>,
    ) -> Result<Response<proto::LoginResponse>, Failure> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        rules_of(&request).finish()?;
        let delivery = Delivery::of(&call, request.cookie)?;
        let signed_in = self.sign_in_by_passkey(&call, &request).await?;
        Ok(self.admitted(Admission::SignedIn(Box::new(signed_in)), delivery))
    }

    async fn reset_mfa(
        &self,
        request: Request<proto::ResetMfaRequest>,
    ) -> Result<Response<()>, Failure> {
        let call = Call::of(&request)?;
        let target = parse_id(&request.get_ref().id).ok_or_else(error::user_not_found)?;
        policy::reset_mfa(&call.caller, target)?;
        let person = self.0.peers.person(&call, target).await?;
        let is_there = |user: &users::User| user.status() != users::user::Status::Deleted;
        person.filter(is_there).ok_or_else(error::user_not_found)?;
        let origin = call.origin(self.now());
        self.store().reset_factors(target, &origin).await?;
        self.0.tokens.0.feed.wake();
        Ok(Response::new(()))
    }
}

impl Accounts {
    /// The host of this installation, which authenticators show.
    fn host(&self) -> Result<String, Error> {
        let url = Url::parse(&self.0.tokens.0.issuer).map_err(Error::internal)?;
        let host = url.host_str().map(str::to_owned);
        host.ok_or_else(|| Error::internal("the public URL has no host"))
    }
}
