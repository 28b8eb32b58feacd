//! What the events of this service are about.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use portico_chassis::{
    caller::Call,
    outbox::{Actor, Describe, Described, Record},
    status::Error,
};
use portico_proto::{users, wkt::Any};
use uuid::Uuid;

use crate::{
    convert,
    invitation::Invitation,
    member::Member,
    people::People,
    project::{Deleted, Project, View},
};

/// Knows the projects, members and invitations that events are about.
pub(crate) struct Events {
    people: Arc<People>,
}

/// What an event is about, as it was kept.
enum Subject {
    Project(Project),
    Deleted(Deleted),
    Member(Member),
    Invitation(Invitation),
}

impl Events {
    pub(crate) fn new(people: Arc<People>) -> Self {
        Self { people }
    }
}

#[async_trait]
impl Describe for Events {
    async fn describe(&self, records: &[Record]) -> Result<Vec<Described>, Error> {
        let subjects: Vec<Subject> = records
            .iter()
            .map(Subject::of)
            .collect::<Result<_, Error>>()?;
        let named = subjects.iter().filter_map(|subject| match subject {
            Subject::Project(_) | Subject::Deleted(_) => None,
            Subject::Member(member) => Some(member.user_id),
            Subject::Invitation(invitation) => Some(invitation.invited_by),
        });
        let people = self.people.all(&Call::default(), named).await?;
        records
            .iter()
            .zip(&subjects)
            .map(|(record, subject)| subject.describe(record, &people))
            .collect()
    }
}

impl Subject {
    fn of(record: &Record) -> Result<Self, Error> {
        Ok(match record.kind.split_once('.') {
            Some(("project", "deleted")) => Self::Deleted(record.payload()?),
            Some(("member", _)) => Self::Member(record.payload()?),
            Some(("invitation", _)) => Self::Invitation(record.payload()?),
            _ => Self::Project(record.payload()?),
        })
    }

    /// Without what depends on who looks: a role of one's own, the e-mail
    /// addresses of members.
    fn describe(
        &self,
        record: &Record,
        people: &HashMap<String, users::User>,
    ) -> Result<Described, Error> {
        let resource = match self {
            Self::Project(project) | Self::Deleted(Deleted { project, .. }) => {
                Any::from_msg(&convert::project(&View {
                    project: project.clone(),
                    role: None,
                }))
            }
            Self::Member(member) => {
                let person = people.get(&member.user_id.to_string());
                Any::from_msg(&convert::member(member, person, false))
            }
            Self::Invitation(invitation) => {
                let inviter = people.get(&invitation.invited_by.to_string());
                Any::from_msg(&convert::invitation(invitation, inviter, record.at))
            }
        };
        Ok(Described {
            resource: Some(resource.map_err(Error::internal)?),
            project_id: Some(self.project_id()),
            user_ids: self.concerned(record),
        })
    }

    fn project_id(&self) -> Uuid {
        match self {
            Self::Project(project) | Self::Deleted(Deleted { project, .. }) => project.id,
            Self::Member(member) => member.project_id,
            Self::Invitation(invitation) => invitation.project_id,
        }
    }

    /// The member, the account that is invited, the owner of a new project, or
    /// the members of a deleted one.
    fn concerned(&self, record: &Record) -> Vec<Uuid> {
        match (self, &record.actor) {
            (Self::Member(member), _) => vec![member.user_id],
            (Self::Invitation(invitation), _) => invitation.account_id.into_iter().collect(),
            (Self::Deleted(deleted), _) => deleted.members.clone(),
            (Self::Project(_), Actor::User(owner)) if record.kind == "project.created" => {
                vec![*owner]
            }
            (Self::Project(_), _) => Vec::new(),
        }
    }
}
