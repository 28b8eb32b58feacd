//! The RPCs about links in mails: convert, authorise, one use case.

use portico_chassis::{
    caller::Call,
    clock::parse_id,
    email_address::EmailAddress,
    status::{Error, Violations},
};
use portico_proto::{
    auth::{self as proto, links_service_server::LinksService},
    users,
};
use tonic::{Request, Response, Status as Failure};

use super::rules_of;
use crate::{
    accounts::{Accounts, NewAccount},
    convert, error,
    link::Aim,
    link_request::Wish,
    store::RegistrationKey,
};

#[tonic::async_trait]
impl LinksService for Accounts {
    async fn forgot_password(
        &self,
        request: Request<proto::ForgotPasswordRequest>,
    ) -> Result<Response<()>, Failure> {
        let call = Call::of(&request)?;
        let request = request.get_ref();
        let email = address(rules_of(request), "email", &request.email)?;
        self.ask(&call, Wish::NewPassword { email }).await?;
        Ok(Response::new(()))
    }

    async fn reset_password(
        &self,
        request: Request<proto::ResetPasswordRequest>,
    ) -> Result<Response<()>, Failure> {
        let call = Call::of(&request)?;
        let request = request.get_ref();
        let mut violations = rules_of(request);
        let chosen = self.0.passwords.chosen(&request.new_password).await;
        let chosen = violations.take("newPassword", chosen);
        violations.finish()?;
        let chosen = chosen.ok_or_else(|| Error::internal("a refused value left no violation"))?;
        Accounts::reset_password(self, &call, &request.token, &chosen).await?;
        Ok(Response::new(()))
    }

    async fn verify_email(
        &self,
        request: Request<proto::VerifyEmailRequest>,
    ) -> Result<Response<users::User>, Failure> {
        let call = Call::of(&request)?;
        let request = request.get_ref();
        rules_of(request).finish()?;
        let user = Accounts::verify_email(self, &call, &request.token).await?;
        Ok(Response::new(user))
    }

    async fn resend_verification(
        &self,
        request: Request<proto::ResendVerificationRequest>,
    ) -> Result<Response<()>, Failure> {
        let call = Call::of(&request)?;
        let user_id = call.user()?.id;
        self.ask(&call, Wish::Verification { user_id }).await?;
        Ok(Response::new(()))
    }

    async fn change_email(
        &self,
        request: Request<proto::ChangeEmailRequest>,
    ) -> Result<Response<()>, Failure> {
        let call = Call::of(&request)?;
        let user_id = call.user()?.id;
        let request = request.get_ref();
        let email = address(rules_of(request), "newEmail", &request.new_email)?;
        self.be_fresh(&call).await?;
        self.ask(&call, Wish::NewEmail { user_id, email }).await?;
        Ok(Response::new(()))
    }

    async fn undo_email_change(
        &self,
        request: Request<proto::UndoEmailChangeRequest>,
    ) -> Result<Response<users::User>, Failure> {
        let call = Call::of(&request)?;
        let request = request.get_ref();
        rules_of(request).finish()?;
        let user = Accounts::undo_email_change(self, &call, &request.token).await?;
        Ok(Response::new(user))
    }

    async fn mint_link(
        &self,
        request: Request<proto::MintLinkRequest>,
    ) -> Result<Response<proto::MintLinkResponse>, Failure> {
        let call = Call::of(&request)?;
        let request = request.get_ref();
        let email = address(rules_of(request), "email", &request.email)?;
        let purpose = convert::purpose(request.purpose());
        let aim = purpose
            .zip(parse_id(&request.user_id))
            .map(|(purpose, user_id)| Aim {
                purpose,
                user_id,
                email,
                change_id: request.change_id.as_deref().and_then(parse_id),
            });
        let aim = aim
            .filter(Aim::is_whole)
            .ok_or_else(error::link_not_needed)?;
        let (token, expires_at) = self.mint(&call, aim).await?;
        Ok(Response::new(proto::MintLinkResponse {
            token,
            expires_at: Some(expires_at.into()),
        }))
    }

    async fn get_password_state(
        &self,
        request: Request<proto::GetPasswordStateRequest>,
    ) -> Result<Response<proto::PasswordState>, Failure> {
        let request = request.get_ref();
        rules_of(request).finish()?;
        let hash = match parse_id(&request.user_id) {
            Some(user_id) => self.store().password_hash(user_id).await?,
            None => None,
        };
        Ok(Response::new(proto::PasswordState {
            is_set: hash.is_some(),
        }))
    }
}

impl Accounts {
    /// Writes down that an account is wanted whose address is to be verified
    /// first. Whether it was written down before under this key.
    pub(super) async fn ask_for_account(
        &self,
        call: &Call,
        account: NewAccount<'_>,
        password: &str,
        key: Option<&RegistrationKey>,
    ) -> Result<bool, Error> {
        let email = address(Violations::default(), "email", account.email)?;
        let password_hash = self.hash_chosen(password).await?;
        let wish = Wish::Account {
            user_id: portico_chassis::clock::new_id(self.now()),
            email,
            name: account.name.to_owned(),
            password_hash,
        };
        let request = self.link_request(call, wish);
        let is_replayed = self.store().add_account_request(&request, key).await?;
        self.0.bell.notify_one();
        Ok(is_replayed)
    }
}

/// An address, if it is one.
fn address(
    mut violations: Violations,
    field: &'static str,
    text: &str,
) -> Result<EmailAddress, Error> {
    let email = violations.take(field, EmailAddress::parse(text));
    violations.finish()?;
    email.ok_or_else(|| Error::internal("a refused value left no violation"))
}
