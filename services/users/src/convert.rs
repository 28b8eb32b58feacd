//! Protobuf to domain and back.

use portico_chassis::{clock::Timestamp, page::PageInfo, status::Violations};
use portico_proto::{pagination, users as proto};

use crate::user::{Avatar, Change, Name, Refusal, Role, Status, User};

pub(crate) fn user(user: &User) -> proto::User {
    proto::User {
        id: user.id.to_string(),
        email: user.email.as_str().to_owned(),
        name: user.name.as_str().to_owned(),
        avatar: user
            .avatar
            .as_ref()
            .map(|avatar| avatar.as_str().to_owned()),
        role: match user.role {
            Role::Admin => proto::user::Role::Admin,
            Role::Member => proto::user::Role::Member,
        }
        .into(),
        status: match user.status {
            Status::Active => proto::user::Status::Active,
            Status::Disabled => proto::user::Status::Disabled,
            Status::Deleted => proto::user::Status::Deleted,
        }
        .into(),
        email_verified: user.email_verified,
        created_at: Some(user.created_at.into()),
        updated_at: Some(user.updated_at.into()),
        deleted_at: user.deleted_at.map(Into::into),
        etag: format!("{}.0", user.version),
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

/// A role; `None` for the unspecified one, which validation has refused where
/// a role is needed.
pub(crate) fn role(value: i32) -> Option<Role> {
    match proto::user::Role::try_from(value) {
        Ok(proto::user::Role::Admin) => Some(Role::Admin),
        Ok(proto::user::Role::Member) => Some(Role::Member),
        _ => None,
    }
}

pub(crate) fn status(value: i32) -> Option<Status> {
    match proto::user::Status::try_from(value) {
        Ok(proto::user::Status::Active) => Some(Status::Active),
        Ok(proto::user::Status::Disabled) => Some(Status::Disabled),
        Ok(proto::user::Status::Deleted) => Some(Status::Deleted),
        _ => None,
    }
}

/// The change that a request asks for: the fields that its mask names, or
/// without a mask those that are present (AIP-134).
pub(crate) fn change(request: &proto::UpdateUserRequest, violations: &mut Violations) -> Change {
    let is_asked = |path: &str, is_present: bool| match &request.update_mask {
        Some(mask) => mask.paths.iter().any(|named| named == path),
        None => is_present,
    };
    let mut change = Change::default();
    if is_asked("name", request.name.is_some()) {
        let name = Name::parse(request.name.as_deref().unwrap_or_default());
        change.name = violations.take("name", name);
    }
    if is_asked("avatar", request.avatar.is_some()) {
        let avatar = request.avatar.as_deref().map(Avatar::parse).transpose();
        change.avatar = violations.take("avatar", avatar);
    }
    if is_asked("role", request.role.is_some()) {
        let given = request.role.and_then(role).ok_or_else(required);
        change.role = violations.take("role", given);
    }
    if is_asked("status", request.status.is_some()) {
        let given = match request.status.and_then(status) {
            None => Err(required()),
            Some(Status::Deleted) => {
                Err(("NOT_ALLOWED", "must be one of ACTIVE, DISABLED".to_owned()))
            }
            Some(status) => Ok(status),
        };
        change.status = violations.take("status", given);
    }
    for path in request.update_mask.iter().flat_map(|mask| &mask.paths) {
        if !["name", "avatar", "role", "status"].contains(&path.as_str()) {
            violations.add(path, "NOT_ALLOWED", "cannot be changed");
        }
    }
    change
}

/// When a person was made: now, unless it was imported.
pub(crate) fn made_at(
    request: &proto::CreateUserRequest,
    now: Timestamp,
) -> Result<Timestamp, Refusal> {
    let Some(at) = request.created_at else {
        return Ok(now);
    };
    let at = Timestamp::from(at);
    if !request.imported {
        return Err(("NOT_ALLOWED", "can be said of an import only".to_owned()));
    }
    if !(Timestamp::from_millis(0)..=now).contains(&at) {
        let message = "must be a time since 1970 that has passed";
        return Err(("OUT_OF_RANGE", message.to_owned()));
    }
    Ok(at)
}

fn required() -> (&'static str, String) {
    ("REQUIRED", "must have a value".to_owned())
}
