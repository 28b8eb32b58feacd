//! Protobuf to domain and back.

use portico_chassis::{
    caller::User,
    etag,
    page::PageInfo,
    status::{Error, Violations, to_struct},
    token::Revoked,
};
use portico_proto::{
    auth::{self as proto, account_data, mint_link_request::Purpose as Asked},
    pagination, users,
};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    api_key::{ApiKey, ServiceAccount},
    factors::{Factors, Method},
    history::SignIn,
    link::{EmailChange, Purpose},
    passkey::{self, Ceremony, Passkey},
    session::Session,
    store::Revocation,
};

pub(crate) fn session(session: &Session, current: Uuid) -> proto::Session {
    proto::Session {
        id: session.id.to_string(),
        created_at: Some(session.created_at.into()),
        last_seen_at: Some(session.last_seen_at.into()),
        expires_at: Some(session.expires_at.into()),
        ip: session.ip.clone(),
        user_agent: session.user_agent.clone(),
        current: session.id == current,
    }
}

pub(crate) fn sign_in(sign_in: &SignIn) -> proto::SignIn {
    proto::SignIn {
        id: sign_in.id.to_string(),
        created_at: Some(sign_in.at.into()),
        succeeded: sign_in.reason.is_none(),
        reason: sign_in.reason.clone(),
        method: sign_in.method.clone(),
        ip: sign_in.ip.clone(),
        user_agent: sign_in.user_agent.clone(),
    }
}

pub(crate) fn api_key(key: &ApiKey) -> proto::ApiKey {
    proto::ApiKey {
        id: key.id.to_string(),
        name: key.name.clone(),
        prefix: key.prefix.clone(),
        scopes: key.scopes.names(),
        created_at: Some(key.created_at.into()),
        last_used_at: key.last_used_at.map(Into::into),
        expires_at: key.expires_at.map(Into::into),
    }
}

pub(crate) fn service_account(account: &ServiceAccount) -> proto::ServiceAccount {
    proto::ServiceAccount {
        id: account.id.to_string(),
        name: account.name.clone(),
        created_at: Some(account.created_at.into()),
    }
}

pub(crate) fn factors(factors: &Factors, passkeys: usize) -> proto::Factors {
    let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    proto::Factors {
        totp: factors.has_totp(),
        recovery_codes_left: number(factors.recovery_codes.len()),
        passkeys: number(passkeys),
    }
}

pub(crate) fn passkey(passkey: &Passkey) -> proto::Passkey {
    proto::Passkey {
        id: passkey.id.to_string(),
        name: passkey.name.clone(),
        created_at: Some(passkey.created_at.into()),
        last_used_at: passkey.last_used_at.map(Into::into),
    }
}

/// The name that a request asks for, if it asks for one.
pub(crate) fn passkey_name(
    request: &proto::UpdatePasskeyRequest,
    violations: &mut Violations,
) -> Option<String> {
    let paths = request.update_mask.as_ref().map(|mask| &mask.paths);
    for path in paths.into_iter().flatten() {
        if path != "name" {
            violations.add(path, "NOT_ALLOWED", "cannot be changed");
        }
    }
    let is_asked = match paths {
        Some(paths) => paths.iter().any(|path| path == "name"),
        None => request.name.is_some(),
    };
    let name = is_asked.then(|| passkey::name(request.name.as_deref().unwrap_or_default()))?;
    violations.take("name", name)
}

pub(crate) fn method(method: Method) -> proto::login_response::MfaMethod {
    use proto::login_response::MfaMethod;
    match method {
        Method::Totp => MfaMethod::Totp,
        Method::RecoveryCode => MfaMethod::RecoveryCode,
        Method::Passkey => MfaMethod::Passkey,
    }
}

/// A ceremony with the options that the browser takes.
pub(crate) fn ceremony(ceremony: &Ceremony, options: Value) -> Result<proto::Ceremony, Error> {
    let Value::Object(options) = options else {
        return Err(Error::internal("the options of a ceremony are no object"));
    };
    Ok(proto::Ceremony {
        ceremony_id: ceremony.id.to_string(),
        public_key: Some(to_struct(options)),
    })
}

pub(crate) fn revocation(revocation: &Revocation) -> proto::Revocation {
    use proto::revocation::Tokens;
    let tokens = match revocation.tokens {
        Revoked::Session(id) => Tokens::SessionId(id.to_string()),
        Revoked::User(id) => Tokens::UserId(id.to_string()),
    };
    proto::Revocation {
        tokens: Some(tokens),
        revoked_at: Some(revocation.revoked_at.into()),
        expires_at: Some(revocation.expires_at.into()),
    }
}

pub(crate) fn page_info(info: PageInfo) -> pagination::PageInfo {
    let number = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    pagination::PageInfo {
        total: number(info.total),
        page: info.page.map(number),
        limit: number(info.limit),
        total_pages: info.total_pages.map(number),
        has_more: info.has_more,
        next_cursor: info.next_cursor,
        total_capped: info.total_capped,
    }
}

pub(crate) fn ticket_holder(holder: &User) -> proto::RedeemEventsTicketResponse {
    let role = if holder.is_admin {
        users::user::Role::Admin
    } else {
        users::user::Role::Member
    };
    proto::RedeemEventsTicketResponse {
        user_id: holder.id.to_string(),
        session_id: holder.session_id.to_string(),
        role: role.into(),
        issued_at: Some(holder.issued_at.into()),
        expires_at: Some(holder.expires_at.into()),
    }
}

/// The role of a person, as a token says it.
pub(crate) fn role(user: &users::User) -> &'static str {
    match user.role() {
        users::user::Role::Admin => "ADMIN",
        _ => "MEMBER",
    }
}

/// The version at which a person was read.
pub(crate) fn version(user: &users::User) -> Result<i64, Error> {
    let version = etag::version(&user.etag).and_then(|version| version.try_into().ok());
    version.ok_or_else(|| Error::internal("the users service told of a malformed etag"))
}

pub(crate) fn email_change(change: &EmailChange) -> account_data::RequestedEmailChange {
    account_data::RequestedEmailChange {
        change: Some(proto::EmailChange {
            id: change.id.to_string(),
            user_id: change.user_id.to_string(),
            old_email: change.old_email.as_str().to_owned(),
            new_email: change.new_email.as_str().to_owned(),
        }),
        requested_at: Some(change.requested_at.into()),
        state: change.state.as_str().to_owned(),
    }
}

/// What a link is for; `None` for no purpose, which validation has refused.
pub(crate) fn purpose(purpose: Asked) -> Option<Purpose> {
    match purpose {
        Asked::Unspecified => None,
        Asked::VerifyEmail => Some(Purpose::VerifyEmail),
        Asked::ConfirmEmail => Some(Purpose::ConfirmEmail),
        Asked::UndoEmailChange => Some(Purpose::UndoEmailChange),
        Asked::ResetPassword => Some(Purpose::ResetPassword),
        Asked::SetPassword => Some(Purpose::SetPassword),
    }
}
