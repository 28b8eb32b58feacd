//! Protobuf to domain and back.

use portico_chassis::{clock::Timestamp, page::PageInfo, status::Violations};
use portico_proto::{
    pagination,
    projects::{self as proto, check_access_request::check},
    users,
};

use crate::{
    invitation::{Invitation, Status},
    member::{Member, Role},
    policy::Permission,
    project::{Change, Description, Name, Project, Refusal, Slug, View, Visibility},
    store::Participation,
};

pub(crate) fn project(view: &View) -> proto::Project {
    let project = &view.project;
    proto::Project {
        id: project.id.to_string(),
        name: project.name.as_str().to_owned(),
        slug: project.slug.as_str().to_owned(),
        description: project
            .description
            .as_ref()
            .map(|description| description.as_str().to_owned()),
        visibility: match project.visibility {
            Visibility::Private => proto::project::Visibility::Private,
            Visibility::Public => proto::project::Visibility::Public,
        }
        .into(),
        archived_at: project.archived_at.map(Into::into),
        my_role: view.role.map(|role| role_number(role).into()),
        member_count: project.member_count,
        created_at: Some(project.created_at.into()),
        updated_at: Some(project.updated_at.into()),
        etag: etag(project, view.role),
    }
}

/// The rest tells apart what changes without a new version.
fn etag(project: &Project, role: Option<Role>) -> String {
    let (version, count) = (project.version, project.member_count);
    match role {
        Some(role) => format!("{version}.{count}-{}", role.as_str()),
        None => format!("{version}.{count}"),
    }
}

/// A member, as one who sees e-mail addresses or does not. A person whom the
/// users service does not know any more has no name.
pub(crate) fn member(
    member: &Member,
    user: Option<&users::User>,
    sees_email: bool,
) -> proto::Member {
    let person = proto::Person {
        id: member.user_id.to_string(),
        name: user.map(|user| user.name.clone()).unwrap_or_default(),
        email: user.filter(|_| sees_email).map(|user| user.email.clone()),
        avatar: user.and_then(|user| user.avatar.clone()),
    };
    proto::Member {
        project_id: member.project_id.to_string(),
        user: Some(person),
        role: role_number(member.role).into(),
        joined_at: Some(member.joined_at.into()),
        etag: format!("{}.0", member.version),
    }
}

/// An invitation, as it is at a moment. An inviter whom the users service does
/// not know any more, or who is not looked up, has no name.
pub(crate) fn invitation(
    invitation: &Invitation,
    inviter: Option<&users::User>,
    at: Timestamp,
) -> proto::Invitation {
    let invited_by = proto::invitation::Inviter {
        id: invitation.invited_by.to_string(),
        name: inviter.map(|user| user.name.clone()).unwrap_or_default(),
    };
    proto::Invitation {
        id: invitation.id.to_string(),
        project_id: invitation.project_id.to_string(),
        project_name: invitation.project_name.as_str().to_owned(),
        email: invitation.email.as_str().to_owned(),
        role: role_number(invitation.role).into(),
        status: match invitation.status_at(at) {
            Status::Pending => proto::invitation::Status::Pending,
            Status::Accepted => proto::invitation::Status::Accepted,
            Status::Declined => proto::invitation::Status::Declined,
            Status::Revoked => proto::invitation::Status::Revoked,
            Status::Expired => proto::invitation::Status::Expired,
        }
        .into(),
        invited_by: Some(invited_by),
        created_at: Some(invitation.created_at.into()),
        expires_at: Some(invitation.expires_at.into()),
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

pub(crate) fn role_number(role: Role) -> proto::member::Role {
    match role {
        Role::Owner => proto::member::Role::Owner,
        Role::Admin => proto::member::Role::Admin,
        Role::Member => proto::member::Role::Member,
        Role::Viewer => proto::member::Role::Viewer,
    }
}

/// A role; `None` for the unspecified one, which validation has refused where
/// a role is needed.
pub(crate) fn role(value: i32) -> Option<Role> {
    match proto::member::Role::try_from(value) {
        Ok(proto::member::Role::Owner) => Some(Role::Owner),
        Ok(proto::member::Role::Admin) => Some(Role::Admin),
        Ok(proto::member::Role::Member) => Some(Role::Member),
        Ok(proto::member::Role::Viewer) => Some(Role::Viewer),
        _ => None,
    }
}

pub(crate) fn visibility(value: i32) -> Option<Visibility> {
    match proto::project::Visibility::try_from(value) {
        Ok(proto::project::Visibility::Private) => Some(Visibility::Private),
        Ok(proto::project::Visibility::Public) => Some(Visibility::Public),
        _ => None,
    }
}

/// What a person has to do with projects, at a moment. Invitations are shown
/// without the names of others.
pub(crate) fn participation(
    participation: &Participation,
    at: Timestamp,
) -> proto::ParticipationData {
    let invitations = |invitations: &[Invitation]| {
        let shown = |one: &Invitation| invitation(one, None, at);
        invitations.iter().map(shown).collect()
    };
    let memberships = participation.memberships.iter();
    proto::ParticipationData {
        memberships: memberships
            .map(|membership| proto::participation_data::Membership {
                project_id: membership.project_id.to_string(),
                project_name: membership.project_name.as_str().to_owned(),
                role: role_number(membership.role).into(),
                joined_at: Some(membership.joined_at.into()),
            })
            .collect(),
        invitations_received: invitations(&participation.received),
        invitations_sent: invitations(&participation.sent),
    }
}

pub(crate) fn invitation_status(value: i32) -> Option<Status> {
    match proto::invitation::Status::try_from(value) {
        Ok(proto::invitation::Status::Pending) => Some(Status::Pending),
        Ok(proto::invitation::Status::Accepted) => Some(Status::Accepted),
        Ok(proto::invitation::Status::Declined) => Some(Status::Declined),
        Ok(proto::invitation::Status::Revoked) => Some(Status::Revoked),
        Ok(proto::invitation::Status::Expired) => Some(Status::Expired),
        _ => None,
    }
}

pub(crate) fn permission(value: i32) -> Option<Permission> {
    match check::Permission::try_from(value) {
        Ok(check::Permission::Read) => Some(Permission::Read),
        Ok(check::Permission::Write) => Some(Permission::Write),
        Ok(check::Permission::Manage) => Some(Permission::Manage),
        Ok(check::Permission::Own) => Some(Permission::Own),
        _ => None,
    }
}

/// The change that a request asks for: the fields that its mask names, or
/// without a mask those that are present (AIP-134).
pub(crate) fn change(request: &proto::UpdateProjectRequest, violations: &mut Violations) -> Change {
    let is_asked = |path: &str, is_present: bool| match &request.update_mask {
        Some(mask) => mask.paths.iter().any(|named| named == path),
        None => is_present,
    };
    let mut change = Change::default();
    if is_asked("name", request.name.is_some()) {
        let name = given(request.name.as_deref()).and_then(Name::parse);
        change.name = violations.take("name", name);
    }
    if is_asked("description", request.description.is_some()) {
        let description = description(request.description.as_deref());
        change.description = violations.take("description", description);
    }
    if is_asked("visibility", request.visibility.is_some()) {
        let visibility = given(request.visibility.and_then(visibility));
        change.visibility = violations.take("visibility", visibility);
    }
    if is_asked("slug", request.slug.is_some()) {
        let slug = given(request.slug.as_deref()).and_then(Slug::parse);
        change.slug = violations.take("slug", slug);
    }
    let known = ["name", "description", "visibility", "slug"];
    refuse_others(request.update_mask.as_ref(), &known, violations);
    change
}

/// The role that a request asks for, if it asks for one.
pub(crate) fn role_change(
    request: &proto::UpdateMemberRequest,
    violations: &mut Violations,
) -> Option<Role> {
    refuse_others(request.update_mask.as_ref(), &["role"], violations);
    let is_asked = match &request.update_mask {
        Some(mask) => mask.paths.iter().any(|path| path == "role"),
        None => request.role.is_some(),
    };
    let role = is_asked.then(|| given(request.role.and_then(role)))?;
    violations.take("role", role)
}

pub(crate) fn description(text: Option<&str>) -> Result<Option<Description>, Refusal> {
    text.map(Description::parse).transpose()
}

fn given<T>(value: Option<T>) -> Result<T, Refusal> {
    value.ok_or_else(|| ("REQUIRED", "must have a value".to_owned()))
}

/// Notes the paths of a mask that are not fields which a change may name.
fn refuse_others(
    mask: Option<&portico_proto::wkt::FieldMask>,
    known: &[&str],
    violations: &mut Violations,
) {
    for path in mask.iter().flat_map(|mask| &mask.paths) {
        if !known.contains(&path.as_str()) {
            violations.add(&json_name(path), "NOT_ALLOWED", "cannot be changed");
        }
    }
}

/// A path in its JSON spelling: `archived_at` as `archivedAt`.
fn json_name(path: &str) -> String {
    let mut name = String::with_capacity(path.len());
    let mut is_after_underscore = false;
    for letter in path.chars() {
        if is_after_underscore {
            name.push(letter.to_ascii_uppercase());
        } else if letter != '_' {
            name.push(letter);
        }
        is_after_underscore = letter == '_' && !is_after_underscore;
    }
    name
}
