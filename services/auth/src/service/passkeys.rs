//! What the RPCs about passkeys do.

use portico_chassis::{
    caller::Call,
    clock::parse_id,
    idempotency::respond,
    page::{Bookmark, Paging, SortKey},
    status::Error,
};
use portico_proto::{auth as proto, users};
use prost::Message as _;
use tonic::Response;
use uuid::Uuid;

use super::{
    proof::{ShownPasskey, json, required},
    rules_of,
};
use crate::{
    accounts::Accounts,
    admission::SignedIn,
    convert, error,
    passkey::{self, Ceremony, Holder, Passkey, RelyingParty, Use},
    store::{Added, NewPasskey},
};

impl Accounts {
    pub(super) async fn begin_registration(&self, call: &Call) -> Result<proto::Ceremony, Error> {
        let user_id = call.user()?.id;
        self.be_fresh(call).await?;
        let party = self.relying_party()?;
        let user = self.0.peers.me(call, user_id).await?;
        let known = self.store().passkeys(user_id).await?;
        if known.len() >= passkey::LIMIT {
            return Err(error::passkey_limit_reached());
        }
        let holder = Holder {
            user_id,
            email: &user.email,
            name: &user.name,
        };
        let (ceremony, options) = party.begin_registration(holder, &known, self.now())?;
        self.store().begin_ceremony(&ceremony).await?;
        convert::ceremony(&ceremony, options)
    }

    pub(super) async fn add_passkey(
        &self,
        call: &Call,
        request: &proto::CreatePasskeyRequest,
    ) -> Result<Response<proto::Passkey>, Error> {
        let user_id = call.user()?.id;
        let mut violations = rules_of(request);
        let name = match request.name.is_empty() {
            true => None,
            false => violations.take("name", passkey::name(&request.name)),
        };
        if request.credential.is_none() {
            violations.add("credential", "REQUIRED", "is required");
        }
        violations.finish()?;
        let credential = request.credential.as_ref().map(json);
        let (name, credential) = name.zip(credential).ok_or_else(|| required("credential"))?;
        self.be_fresh(call).await?;
        let party = self.relying_party()?;
        let ceremony_id = parse_id(&request.ceremony_id).ok_or_else(error::credential_invalid)?;
        let key = self.registration_key(call, "CreatePasskey", request)?;
        let now = self.now();
        let check =
            |ceremony: &Ceremony| party.registered(ceremony, user_id, &credential, &name, now);
        let answer = |passkey: &Passkey| convert::passkey(passkey).encode_to_vec();
        let new = NewPasskey {
            ceremony_id,
            user_id,
            key: key.as_ref(),
            check: &check,
            answer: &answer,
        };
        match self.store().add_passkey(&new, &call.origin(now)).await? {
            Added::New(passkey) => Ok(respond(convert::passkey(&passkey), false)),
            Added::Replayed(answer) => {
                let passkey = proto::Passkey::decode(&answer[..]).map_err(Error::internal)?;
                Ok(respond(passkey, true))
            }
            Added::Refused => Err(error::credential_invalid()),
            Added::TooMany => Err(error::passkey_limit_reached()),
        }
    }

    pub(super) async fn passkeys_of(
        &self,
        call: &Call,
        request: &proto::ListPasskeysRequest,
    ) -> Result<proto::ListPasskeysResponse, Error> {
        let user_id = call.user()?.id;
        let mut violations = rules_of(request);
        let paging = Paging::parse(
            &mut violations,
            request.page,
            request.limit,
            request.cursor.as_deref(),
            &("passkeys", user_id),
        );
        paging.check_place(&mut violations, false);
        violations.finish()?;
        let page = self.store().list_passkeys(user_id, &paging).await?;
        let info = page.info(&paging, bookmark);
        Ok(proto::ListPasskeysResponse {
            passkeys: page.items.iter().map(convert::passkey).collect(),
            page_info: Some(convert::page_info(info)),
        })
    }

    pub(super) async fn rename_passkey(
        &self,
        call: &Call,
        request: &proto::UpdatePasskeyRequest,
    ) -> Result<proto::Passkey, Error> {
        let user_id = call.user()?.id;
        let mut violations = rules_of(request);
        let name = convert::passkey_name(request, &mut violations);
        violations.finish()?;
        let id = parse_id(&request.id).ok_or_else(error::passkey_not_found)?;
        let passkey = match name {
            Some(name) => {
                let origin = call.origin(self.now());
                self.store()
                    .rename_passkey(user_id, id, &name, &origin)
                    .await?
            }
            None => self.find_passkey(user_id, id).await?,
        };
        let passkey = passkey.ok_or_else(error::passkey_not_found)?;
        Ok(convert::passkey(&passkey))
    }

    pub(super) async fn remove_passkey(
        &self,
        call: &Call,
        request: &proto::DeletePasskeyRequest,
    ) -> Result<(), Error> {
        let user_id = call.user()?.id;
        let id = parse_id(&request.id).ok_or_else(error::passkey_not_found)?;
        self.be_fresh(call).await?;
        let origin = call.origin(self.now());
        let was_there = self.store().remove_passkey(user_id, id, &origin).await?;
        was_there.then_some(()).ok_or_else(error::passkey_not_found)
    }

    /// Begins the use of a passkey: one of this person's, or of whomever.
    pub(super) async fn begin_passkey(
        &self,
        user_id: Option<Uuid>,
    ) -> Result<proto::Ceremony, Error> {
        let party = self.relying_party()?;
        let allowed = match user_id {
            Some(user_id) => self.store().passkeys(user_id).await?,
            None => Vec::new(),
        };
        let (ceremony, options) = party.begin_authentication(user_id, &allowed, self.now())?;
        self.store().begin_ceremony(&ceremony).await?;
        convert::ceremony(&ceremony, options)
    }

    pub(super) async fn sign_in_by_passkey(
        &self,
        call: &Call,
        request: &proto::LoginWithPasskeyRequest,
    ) -> Result<SignedIn, Error> {
        let credential = request.credential.as_ref();
        let credential = credential.ok_or_else(|| required("credential"))?;
        let ceremony_id = &request.ceremony_id;
        let ShownPasskey { used, tried } = self.shown_passkey(ceremony_id, credential).await?;
        let admitted = match used {
            Some(used) => self.admit_by_passkey(call, &used).await,
            None => Err(error::passkey_refused()),
        };
        if let (Err(error), Some(tried)) = (&admitted, tried) {
            self.passkey_failed(call, tried, error).await?;
        }
        admitted
    }

    async fn admit_by_passkey(&self, call: &Call, used: &Use) -> Result<SignedIn, Error> {
        let person = self.0.peers.person(call, used.passkey.user_id).await?;
        let person = person.ok_or_else(error::passkey_refused)?;
        match person.status() {
            users::user::Status::Active => {}
            users::user::Status::Disabled => return Err(error::account_disabled()),
            _ => return Err(error::passkey_refused()),
        }
        self.be_verified(call, &person).await?;
        let (session, origin) = self.session_of(call, used.passkey.user_id);
        let store = self.store();
        if !store
            .open_session_by_passkey(&session, used, &origin)
            .await?
        {
            return Err(error::passkey_refused());
        }
        self.signed_in_from(call, session.user_id).await?;
        self.enter(call, &session, &origin).await
    }

    async fn find_passkey(&self, user_id: Uuid, id: Uuid) -> Result<Option<Passkey>, Error> {
        let passkeys = self.store().passkeys(user_id).await?;
        Ok(passkeys.into_iter().find(|passkey| passkey.id == id))
    }

    fn relying_party(&self) -> Result<&RelyingParty, Error> {
        let party = self.0.relying_party.as_ref();
        party.ok_or_else(error::passkeys_unavailable)
    }
}

/// The place of a passkey in the list.
fn bookmark(passkey: &Passkey) -> Bookmark {
    Bookmark {
        key: SortKey::Time(passkey.created_at),
        id: passkey.id,
    }
}
