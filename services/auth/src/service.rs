//! The RPCs about accounts and sessions: convert, authorise, one use case.

mod admission;
pub(crate) mod api_keys;
mod audit;
mod cookie;
mod factors;
mod links;
mod passkeys;
mod passwords;
mod privacy;
mod proof;
mod reauthentication;
mod service_accounts;
mod support;
mod tickets;

use std::sync::Arc;

use portico_chassis::{
    caller::{Call, Grant},
    clock::parse_id,
    idempotency::{accepted, respond},
    outbox::{Actor, EventStream, Origin},
    page::{Bookmark, Paging, SortKey},
    status::{Error, Violations},
};
use portico_proto::{
    Validate,
    auth::{self as proto, auth_service_server::AuthService},
    events::WatchEventsRequest,
    users,
};
use tonic::{Request, Response, Status as Failure};

use self::cookie::Delivery;
use crate::{
    accounts::{Accounts, Made, NewAccount},
    admission::{Admission, SignedIn},
    attempts, convert, error,
    events::Events,
    history::Proof,
    password::Password,
    policy,
    session::{EndReason, RefreshToken, Refreshed, Session},
    throttle::Claimed,
};

/// The violations of the contract's own rules.
fn rules_of(request: &impl Validate) -> Violations {
    Violations::collect(|report| request.validate(report))
}

#[tonic::async_trait]
impl AuthService for Accounts {
    async fn register(
        &self,
        request: Request<proto::RegisterRequest>,
    ) -> Result<Response<proto::RegisterResponse>, Failure> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        let mut violations = rules_of(&request);
        violations.take("password", self.0.passwords.chosen(&request.password).await);
        let account = NewAccount {
            email: &request.email,
            name: &request.name,
            role: users::user::Role::Member,
            email_verified: false,
            password: Some(&request.password),
            by_itself: true,
        };
        self.check(&call, violations, &account).await?;
        let delivery = Delivery::of(&call, request.cookie)?;
        let key = self.registration_key(&call, "Register", &request)?;
        if self.0.requires_verified_email {
            let asked = self.ask_for_account(&call, account, &request.password, key.as_ref());
            return Ok(accepted(proto::RegisterResponse::default(), asked.await?));
        }
        let made = self.make(&call, account, key.as_ref()).await?;
        let (user, is_replayed) = (made.user.clone(), made.is_replayed);
        let admission = self.first_sign_in(&call, made, &request.password).await?;
        let Admission::SignedIn(signed_in) = admission else {
            let message = proto::RegisterResponse {
                user: Some(user),
                ..Default::default()
            };
            return Ok(respond(message, is_replayed));
        };
        let message = proto::RegisterResponse {
            user: Some(user),
            token: Some(signed_in.token),
            expires_at: Some(signed_in.expires_at.into()),
            refresh_token: delivery.in_body(&signed_in.refresh_token),
        };
        let mut response = respond(message, is_replayed);
        delivery.write(&mut response, &signed_in.refresh_token, self.0.session_ttl);
        Ok(response)
    }

    async fn login(
        &self,
        request: Request<proto::LoginRequest>,
    ) -> Result<Response<proto::LoginResponse>, Failure> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        rules_of(&request).finish()?;
        let delivery = Delivery::of(&call, request.cookie)?;
        let found = self.0.peers.lookup(&call, &request.email).await?;
        let address = attempts::address_key(&request.email);
        let claimed = attempts::claimed(found.as_ref(), &address)?;
        let sign_in = self.sign_in(&call, found, &request.password);
        let admission = self
            .throttled(
                &call,
                claimed,
                Proof::SignIn,
                Admission::needs_more,
                sign_in,
            )
            .await?;
        Ok(self.admitted(admission, delivery))
    }

    async fn refresh_token(
        &self,
        request: Request<proto::RefreshTokenRequest>,
    ) -> Result<Response<proto::RefreshTokenResponse>, Failure> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        rules_of(&request).finish()?;
        // A token in the body wins; without one it is the cookie's turn.
        let delivery = Delivery::of(&call, request.refresh_token.is_none())?;
        let shown = request
            .refresh_token
            .as_ref()
            .or(call.refresh_cookie.as_ref());
        let shown = shown.ok_or_else(error::refresh_token_invalid)?;
        let signed_in = self.refresh(&call, shown).await?;
        let mut response = Response::new(proto::RefreshTokenResponse {
            token: signed_in.token,
            expires_at: Some(signed_in.expires_at.into()),
            refresh_token: delivery.in_body(&signed_in.refresh_token),
        });
        delivery.write(&mut response, &signed_in.refresh_token, self.0.session_ttl);
        Ok(response)
    }

    async fn logout(
        &self,
        request: Request<proto::LogoutRequest>,
    ) -> Result<Response<()>, Failure> {
        let call = Call::of(&request)?;
        let user = call.user()?;
        let response = cookie::forget(&call)?;
        let origin = call.origin(self.now());
        if matches!(user.grant, Grant::Impersonation { .. }) {
            self.end_impersonation(user.session_id, &origin).await?;
            return Ok(response);
        }
        let reason = EndReason::SignedOut;
        self.store()
            .end_session(user.id, user.session_id, reason, &origin)
            .await?;
        self.0.tokens.0.feed.wake();
        Ok(response)
    }

    async fn logout_all(
        &self,
        request: Request<proto::LogoutAllRequest>,
    ) -> Result<Response<()>, Failure> {
        let call = Call::of(&request)?;
        let user = call.user()?;
        let response = cookie::forget(&call)?;
        let origin = call.origin(self.now());
        self.store()
            .end_sessions(user.id, EndReason::SignedOut, &origin)
            .await?;
        self.0.tokens.0.feed.wake();
        Ok(response)
    }

    async fn reauthenticate(
        &self,
        request: Request<proto::ReauthenticateRequest>,
    ) -> Result<Response<proto::ReauthenticateResponse>, Failure> {
        let call = Call::of(&request)?;
        let proved = self.prove_again(&call, &request.into_inner()).await?;
        Ok(Response::new(proved))
    }

    async fn get_me(
        &self,
        request: Request<proto::GetMeRequest>,
    ) -> Result<Response<users::User>, Failure> {
        let call = Call::of(&request)?;
        let user = call.user()?;
        Ok(Response::new(self.0.peers.me(&call, user.id).await?))
    }

    async fn list_sessions(
        &self,
        request: Request<proto::ListSessionsRequest>,
    ) -> Result<Response<proto::ListSessionsResponse>, Failure> {
        let call = Call::of(&request)?;
        let user = call.user()?;
        let request = request.into_inner();
        let mut violations = rules_of(&request);
        let paging = Paging::parse(
            &mut violations,
            request.page,
            request.limit,
            request.cursor.as_deref(),
            &("sessions", user.id),
        );
        paging.check_place(&mut violations, false);
        violations.finish()?;
        let page = self.store().sessions(user.id, &paging, self.now()).await?;
        let info = page.info(&paging, bookmark);
        let current = user.session_id;
        let sessions = page.items.iter();
        Ok(Response::new(proto::ListSessionsResponse {
            sessions: sessions
                .map(|session| convert::session(session, current))
                .collect(),
            page_info: Some(convert::page_info(info)),
        }))
    }

    async fn delete_session(
        &self,
        request: Request<proto::DeleteSessionRequest>,
    ) -> Result<Response<()>, Failure> {
        let call = Call::of(&request)?;
        let user = call.user()?;
        let id = parse_id(&request.get_ref().id).ok_or_else(error::session_not_found)?;
        let origin = call.origin(self.now());
        let was_there = self
            .store()
            .end_session(user.id, id, EndReason::Revoked, &origin)
            .await?;
        if !was_there {
            return Err(error::session_not_found().into());
        }
        self.0.tokens.0.feed.wake();
        Ok(Response::new(()))
    }

    async fn change_password(
        &self,
        request: Request<proto::ChangePasswordRequest>,
    ) -> Result<Response<()>, Failure> {
        let call = Call::of(&request)?;
        let user = call.user()?;
        let request = request.into_inner();
        let mut violations = rules_of(&request);
        let chosen = self.0.passwords.chosen(&request.new_password).await;
        let chosen = violations.take("newPassword", chosen);
        violations.finish()?;
        let chosen = chosen.ok_or_else(|| Error::internal("a refused value left no violation"))?;
        let field = "currentPassword";
        let from = self
            .prove(&call, user.id, &request.current_password, field)
            .await?;
        let to = self.0.passwords.hash(&chosen).await?;
        let origin = call.origin(self.now());
        let was_changed = self
            .store()
            .change_password(user.id, &from, &to, user.session_id, &origin)
            .await?;
        if !was_changed {
            // Another change came first.
            return Err(error::password_incorrect(field).into());
        }
        self.0.tokens.0.feed.wake();
        // What others guessed at is gone.
        self.forget_attempts(user.id).await?;
        Ok(Response::new(()))
    }

    async fn create_account(
        &self,
        request: Request<proto::CreateAccountRequest>,
    ) -> Result<Response<users::User>, Failure> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        let mut violations = rules_of(&request);
        if let Some(password) = &request.password {
            violations.take("password", self.0.passwords.chosen(password).await);
        }
        let role = match request.role {
            Some(_) => request.role(),
            None => users::user::Role::Member,
        };
        policy::create(&call.caller, role == users::user::Role::Admin)?;
        let account = NewAccount {
            email: &request.email,
            name: &request.name,
            role,
            email_verified: false,
            password: request.password.as_deref(),
            by_itself: false,
        };
        self.check(&call, violations, &account).await?;
        let key = self.registration_key(&call, "CreateAccount", &request)?;
        let made = self.make(&call, account, key.as_ref()).await?;
        Ok(respond(made.user, made.is_replayed))
    }

    async fn delete_account(
        &self,
        request: Request<proto::DeleteAccountRequest>,
    ) -> Result<Response<()>, Failure> {
        let call = Call::of(&request)?;
        let request = request.get_ref();
        let target = parse_id(&request.id).ok_or_else(error::user_not_found)?;
        let new_owner = request.new_owner_id.as_deref();
        self.delete(&call, target, new_owner).await?;
        Ok(Response::new(()))
    }

    async fn create_events_ticket(
        &self,
        request: Request<proto::CreateEventsTicketRequest>,
    ) -> Result<Response<proto::EventsTicket>, Failure> {
        let call = Call::of(&request)?;
        Ok(Response::new(self.make_ticket(&call).await?))
    }

    async fn redeem_events_ticket(
        &self,
        request: Request<proto::RedeemEventsTicketRequest>,
    ) -> Result<Response<proto::RedeemEventsTicketResponse>, Failure> {
        let holder = self.redeem_ticket(request.get_ref()).await?;
        Ok(Response::new(holder))
    }

    type WatchEventsStream = EventStream;

    async fn watch_events(
        &self,
        request: Request<WatchEventsRequest>,
    ) -> Result<Response<EventStream>, Failure> {
        let request = request.into_inner();
        rules_of(&request).finish()?;
        let stream = self.0.outbox.watch(request, Arc::new(Events)).await?;
        Ok(Response::new(stream))
    }

    async fn list_audit_entries(
        &self,
        request: Request<proto::ListAuditEntriesRequest>,
    ) -> Result<Response<proto::ListAuditEntriesResponse>, Failure> {
        self.list_audit(request).await
    }

    type ExportAuditEntriesStream = audit::Exported;

    async fn export_audit_entries(
        &self,
        request: Request<proto::ExportAuditEntriesRequest>,
    ) -> Result<Response<audit::Exported>, Failure> {
        self.export_audit(request).await
    }
}

impl Accounts {
    /// The session that comes with a new account. A replay shows no secret of
    /// then: the password opens a new session.
    async fn first_sign_in(
        &self,
        call: &Call,
        made: Made,
        password: &str,
    ) -> Result<Admission, Error> {
        let user_id = crate::accounts::id_of(&made.user)?;
        if let Some(hash) = &made.password_hash
            && let Some(admission) = self.admit(call, made.user, hash).await?
        {
            return Ok(admission);
        }
        let found = self.0.peers.person(call, user_id).await?;
        let sign_in = self.sign_in(call, found, password);
        let claimed = Claimed::Person(user_id);
        self.throttled(call, claimed, Proof::SignIn, Admission::needs_more, sign_in)
            .await
    }

    /// Refreshes the session of a refresh token, if its person may still sign
    /// in.
    async fn refresh(&self, call: &Call, shown: &str) -> Result<SignedIn, Error> {
        let token = RefreshToken::parse(shown).ok_or_else(error::refresh_token_invalid)?;
        let visit = self.visit(call);
        let session = self.store().session(token.session_id(), visit.at).await?;
        let session = session
            .filter(|session| token.is_authentic(&self.0.tokens.0.master_key, session))
            .ok_or_else(error::refresh_token_invalid)?;
        // Whoever holds the token did not sign in: if the session ends now, it is
        // Portico that ends it.
        let origin = Origin {
            actor: Actor::System,
            ..call.origin(visit.at)
        };
        // Asked first, so that a token is not used up if there is no answer.
        self.still_active(call, &session, &origin)
            .await?
            .ok_or_else(error::refresh_token_invalid)?;
        let refreshed = self
            .store()
            .refresh_session(
                session.id,
                token.generation(),
                &visit,
                self.0.session_ttl,
                &origin,
            )
            .await?;
        match refreshed {
            None => Err(error::refresh_token_invalid()),
            Some(Refreshed::Continued(session)) => {
                // And again: the token tells the role, which may be another now.
                let now = self.now();
                let user = self.still_active(call, &session, &origin).await?;
                let user = user.ok_or_else(error::refresh_token_invalid)?;
                self.signed_in(user, &session, now)
            }
            Some(Refreshed::Reused) => {
                tracing::warn!(
                    session_id = %session.id,
                    user_id = %session.user_id,
                    "a refresh token was used twice, so the session was ended"
                );
                self.0.tokens.0.feed.wake();
                Err(error::refresh_token_reused())
            }
        }
    }

    /// The hash of the caller's password, if that is what `field` holds.
    async fn prove(
        &self,
        call: &Call,
        user_id: uuid::Uuid,
        password: &str,
        field: &'static str,
    ) -> Result<String, Error> {
        let hash = async {
            let hash = self.store().password_hash(user_id).await?;
            let password = Password::given(password);
            let matches = self.0.passwords.verify(&password, hash.as_deref()).await?;
            hash.filter(|_| matches)
                .ok_or_else(|| error::password_incorrect(field))
        };
        let (claimed, proof) = (Claimed::Person(user_id), Proof::Reauthentication);
        self.throttled(call, claimed, proof, |_| false, hash).await
    }
}

/// The place of a session in the list.
fn bookmark(session: &Session) -> Bookmark {
    Bookmark {
        key: SortKey::Time(session.last_seen_at),
        id: session.id,
    }
}

#[cfg(test)]
mod tests;
