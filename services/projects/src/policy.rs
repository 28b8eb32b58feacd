//! Who may do what in a project. What a caller may not see does not exist for
//! it; being an administrator of the installation counts for nothing here.

use portico_chassis::{caller::forbidden, status::Error};
use uuid::Uuid;

use crate::{
    error,
    invitation::Invitation,
    member::{Member, Person, Role},
    project::{View, Visibility},
};

/// What another service asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    Read,
    Write,
    Manage,
    Own,
}

/// How a person stands to a project: what decides a [`Permission`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) visibility: Visibility,
    pub(crate) is_archived: bool,
    pub(crate) role: Option<Role>,
}

impl Standing {
    /// Whether the person may. Nobody writes in an archived project.
    pub(crate) fn allows(self, permission: Permission) -> bool {
        match permission {
            Permission::Read => self.role.is_some() || self.visibility == Visibility::Public,
            Permission::Write => {
                !self.is_archived && self.role.is_some_and(|role| role != Role::Viewer)
            }
            Permission::Manage => self.role.is_some_and(manages),
            Permission::Own => self.role == Some(Role::Owner),
        }
    }
}

/// Members see a project, and everybody sees a public one.
pub(crate) fn see(view: &View) -> Result<(), Error> {
    if view.role.is_some() || view.project.visibility == Visibility::Public {
        Ok(())
    } else {
        Err(error::project_not_found())
    }
}

/// OWNER and ADMIN change a project and invite people into it.
pub(crate) fn manage(view: &View) -> Result<(), Error> {
    require(view.role.is_some_and(manages))
}

/// The OWNER deletes and transfers a project.
pub(crate) fn own(view: &View) -> Result<(), Error> {
    require(view.role == Some(Role::Owner))
}

/// Members see who is in a project.
pub(crate) fn see_members(view: &View) -> Result<(), Error> {
    require(view.role.is_some())
}

/// A VIEWER does not see e-mail addresses.
pub(crate) fn sees_emails(role: Option<Role>) -> bool {
    role.is_some_and(|role| role != Role::Viewer)
}

/// OWNER and ADMIN add members; an OWNER is made by an OWNER.
pub(crate) fn add_member(view: &View, role: Role) -> Result<(), Error> {
    require(view.role.is_some_and(|own| handles(own, role)))
}

/// OWNER and ADMIN change members; an OWNER is touched and made by an OWNER.
pub(crate) fn change_member(view: &View, member: &Member, to: Role) -> Result<(), Error> {
    let may = |own| handles(own, member.role) && handles(own, to);
    require(view.role.is_some_and(may))
}

/// OWNER and ADMIN remove members, an OWNER only by an OWNER; anyone leaves.
pub(crate) fn remove_member(view: &View, by: Uuid, member: &Member) -> Result<(), Error> {
    let may = |own| member.user_id == by || handles(own, member.role);
    require(view.role.is_some_and(may))
}

/// The person with the address answers an invitation, once it has shown that
/// the address is its own. For others there is no such invitation.
pub(crate) fn answer(invitation: &Invitation, person: &Person) -> Result<(), Error> {
    if !invitation.is_to(person) {
        return Err(error::invitation_not_found());
    }
    if !person.is_email_verified {
        return Err(error::email_not_verified());
    }
    Ok(())
}

fn manages(role: Role) -> bool {
    matches!(role, Role::Owner | Role::Admin)
}

/// Whether one of this role may touch or make one of that role.
fn handles(own: Role, other: Role) -> bool {
    own == Role::Owner || (own == Role::Admin && other != Role::Owner)
}

fn require(is_allowed: bool) -> Result<(), Error> {
    if is_allowed { Ok(()) } else { Err(forbidden()) }
}

#[cfg(test)]
mod tests {
    use portico_chassis::{clock::Timestamp, email_address::EmailAddress};

    use super::*;
    use crate::{
        invitation::Offer,
        project::{Name, Project, Slug},
    };

    const ROLES: [Option<Role>; 5] = [
        Some(Role::Owner),
        Some(Role::Admin),
        Some(Role::Member),
        Some(Role::Viewer),
        None,
    ];
    const ME: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    fn view(visibility: Visibility, role: Option<Role>) -> View {
        let project = Project {
            id: Uuid::nil(),
            name: Name::parse("Engine").expect("valid"),
            slug: Slug::parse("engine").expect("valid"),
            description: None,
            visibility,
            archived_at: None,
            member_count: 1,
            version: 1,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        };
        View { project, role }
    }

    fn member(user_id: Uuid, role: Role) -> Member {
        Member {
            project_id: Uuid::nil(),
            user_id,
            role,
            version: 1,
            name_key: String::new(),
            joined_at: Timestamp::default(),
        }
    }

    /// Which of OWNER, ADMIN, MEMBER, VIEWER and a stranger may.
    fn allowed(check: impl Fn(&View) -> Result<(), Error>) -> [bool; 5] {
        ROLES.map(|role| check(&view(Visibility::Public, role)).is_ok())
    }

    #[test]
    fn a_private_project_does_not_exist_for_strangers() {
        let error = see(&view(Visibility::Private, None)).expect_err("hidden");
        assert_eq!(error.reason, "PROJECT_NOT_FOUND");
        assert!(see(&view(Visibility::Public, None)).is_ok());
        assert!(see(&view(Visibility::Private, Some(Role::Viewer))).is_ok());
    }

    #[test]
    fn owners_and_admins_manage_and_owners_own() {
        assert_eq!(allowed(manage), [true, true, false, false, false]);
        assert_eq!(allowed(own), [true, false, false, false, false]);
    }

    #[test]
    fn members_see_members_and_viewers_no_addresses() {
        assert_eq!(allowed(see_members), [true, true, true, true, false]);
        assert_eq!(ROLES.map(sees_emails), [true, true, true, false, false]);
    }

    #[test]
    fn only_an_owner_makes_an_owner() {
        let adds = |role| allowed(|view| add_member(view, role));
        assert_eq!(adds(Role::Owner), [true, false, false, false, false]);
        assert_eq!(adds(Role::Admin), [true, true, false, false, false]);
        let promotes =
            allowed(|view| change_member(view, &member(OTHER, Role::Admin), Role::Owner));
        assert_eq!(promotes, [true, false, false, false, false]);
    }

    #[test]
    fn only_an_owner_touches_an_owner() {
        let owner = member(OTHER, Role::Owner);
        let demotes = allowed(|view| change_member(view, &owner, Role::Viewer));
        assert_eq!(demotes, [true, false, false, false, false]);
        let removes = allowed(|view| remove_member(view, ME, &owner));
        assert_eq!(removes, [true, false, false, false, false]);
    }

    #[test]
    fn managers_change_and_remove_others() {
        let viewer = member(OTHER, Role::Viewer);
        let changes = allowed(|view| change_member(view, &viewer, Role::Member));
        assert_eq!(changes, [true, true, false, false, false]);
        let removes = allowed(|view| remove_member(view, ME, &viewer));
        assert_eq!(removes, [true, true, false, false, false]);
    }

    #[test]
    fn anyone_leaves_but_nobody_promotes_itself() {
        for role in [Role::Owner, Role::Admin, Role::Member, Role::Viewer] {
            let me = member(ME, role);
            let mine = view(Visibility::Private, Some(role));
            assert!(remove_member(&mine, ME, &me).is_ok());
            let promotion = change_member(&mine, &me, Role::Owner);
            assert_eq!(promotion.is_ok(), role == Role::Owner);
        }
    }

    #[test]
    fn an_invitation_is_answered_by_the_one_with_the_verified_address() {
        let email = |text: &str| EmailAddress::stored(text.to_owned());
        let offer = Offer {
            email: email("Bob@example.com"),
            role: Role::Member,
            addressee: None,
        };
        let project = view(Visibility::Private, None).project;
        let invitation = offer.invitation(&project, ME, Timestamp::default());
        let outcome = |text, is_email_verified| {
            let person = Person {
                id: OTHER,
                name: "Bob".to_owned(),
                email: email(text),
                is_email_verified,
            };
            let refused = answer(&invitation, &person).err();
            refused.map(|error| error.reason.into_owned())
        };
        assert_eq!(outcome("bob@EXAMPLE.com", true), None);
        let unverified = outcome("bob@example.com", false);
        assert_eq!(unverified.as_deref(), Some("EMAIL_NOT_VERIFIED"));
        for is_email_verified in [true, false] {
            let other = outcome("eve@example.com", is_email_verified);
            assert_eq!(other.as_deref(), Some("INVITATION_NOT_FOUND"));
        }
    }

    #[test]
    fn permissions_follow_role_visibility_and_archive() {
        let allowed = |visibility, is_archived, permission| {
            ROLES.map(|role| {
                let standing = Standing {
                    visibility,
                    is_archived,
                    role,
                };
                standing.allows(permission)
            })
        };
        use Permission::{Manage, Own, Read, Write};
        use Visibility::{Private, Public};
        assert_eq!(
            allowed(Private, true, Read),
            [true, true, true, true, false]
        );
        assert_eq!(allowed(Public, false, Read), [true; 5]);
        assert_eq!(
            allowed(Public, false, Write),
            [true, true, true, false, false]
        );
        assert_eq!(allowed(Private, true, Write), [false; 5]);
        assert_eq!(
            allowed(Private, true, Manage),
            [true, true, false, false, false]
        );
        assert_eq!(
            allowed(Public, false, Own),
            [true, false, false, false, false]
        );
    }
}
