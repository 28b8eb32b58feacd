//! What changes who is in a project, as parts of what people do.

use portico_chassis::{
    outbox::{Event, Origin},
    status::Error,
};

use super::Transaction;
use crate::{
    error,
    member::{Member, Role, Seat},
    project::Project,
};

pub(super) async fn member(transaction: &mut impl Transaction, at: Seat) -> Result<Member, Error> {
    transaction
        .member(at)
        .await?
        .ok_or_else(error::member_not_found)
}

/// Whether the project would be left without an owner if this one went.
pub(super) async fn is_last_owner(
    transaction: &mut impl Transaction,
    member: &Member,
) -> Result<bool, Error> {
    Ok(member.role == Role::Owner && transaction.owners(member.project_id).await? == 1)
}

/// Adds a member. The project with one member more.
pub(super) async fn join(
    transaction: &mut impl Transaction,
    origin: &Origin,
    project: Project,
    member: &Member,
) -> Result<Project, Error> {
    let project = project.joined();
    transaction.insert_member(member).await?;
    transaction.update_project(&project).await?;
    record_member(transaction, origin, "member.added", None, member).await?;
    Ok(project)
}

pub(super) async fn remove(
    transaction: &mut impl Transaction,
    origin: &Origin,
    project: Project,
    member: &Member,
) -> Result<(), Error> {
    transaction.delete_member(member.seat()).await?;
    transaction.update_project(&project.left()).await?;
    record_member(transaction, origin, "member.removed", None, member).await
}

/// What happens to a member happens to its project.
pub(super) async fn record_member(
    transaction: &mut impl Transaction,
    origin: &Origin,
    kind: &'static str,
    before: Option<&Member>,
    member: &Member,
) -> Result<(), Error> {
    let changes = before.map(|before| member.changes_from(before));
    let event = Event::new(kind, member.project_id, member)
        .with(changes.unwrap_or_default())
        .on("project")
        .id("userId", member.user_id)
        .word("role", member.role.as_str());
    transaction.append(origin, event).await
}
