//! Taking a person out of all projects.

use portico_chassis::{outbox::Origin, status::Error};
use uuid::Uuid;

use super::{
    Transaction,
    invitations::withdraw,
    members::{is_last_owner, join, record_member, remove},
};
use crate::{
    error,
    member::{Member, Person, Role, Seat},
    project::Project,
};

/// A membership that ends, and its project, which is locked.
pub(super) struct Leaving {
    project: Project,
    member: Member,
    /// Whether the project is left without an owner.
    is_orphaned: bool,
}

/// A person's memberships, if all may end: those of a last owner only where
/// there is an heir.
pub(super) async fn releasable(
    transaction: &mut impl Transaction,
    person: Uuid,
    heir: Option<&Person>,
) -> Result<Vec<Leaving>, Error> {
    let mut memberships = Vec::new();
    for project in transaction.lock_all_of(person).await? {
        let Some(member) = transaction.member(Seat::new(project.id, person)).await? else {
            // It left while the lock was waited for.
            continue;
        };
        let is_orphaned = is_last_owner(transaction, &member).await?;
        memberships.push(Leaving {
            project,
            member,
            is_orphaned,
        });
    }
    let orphaned = memberships.iter().filter(|leaving| leaving.is_orphaned);
    let orphans: Vec<&Project> = orphaned.map(|leaving| &leaving.project).collect();
    if heir.is_none() && !orphans.is_empty() {
        return Err(error::last_owner_of(&orphans));
    }
    Ok(memberships)
}

/// Ends a membership; a project that is left without an owner goes to the heir.
pub(super) async fn release(
    transaction: &mut impl Transaction,
    origin: &Origin,
    leaving: Leaving,
    heir: Option<&Person>,
) -> Result<(), Error> {
    let project = match heir.filter(|_| leaving.is_orphaned) {
        Some(heir) => inherit(transaction, origin, leaving.project, heir).await?,
        None => leaving.project,
    };
    remove(transaction, origin, project, &leaving.member).await
}

/// Makes a person an owner, and a member where it is none, also of an archived
/// project.
async fn inherit(
    transaction: &mut impl Transaction,
    origin: &Origin,
    project: Project,
    heir: &Person,
) -> Result<Project, Error> {
    let member = transaction.member(Seat::new(project.id, heir.id)).await?;
    let Some(member) = member else {
        withdraw(transaction, origin, project.id, heir).await?;
        let owner = heir.joining(project.id, Role::Owner, origin.at);
        return join(transaction, origin, project, &owner).await;
    };
    if let Some(owner) = member.with_role(Role::Owner) {
        transaction.update_member(&owner).await?;
        record_member(transaction, origin, "member.updated", Some(&member), &owner).await?;
    }
    Ok(project)
}
