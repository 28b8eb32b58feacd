//! What is live: which events of the services clients are told of, under which
//! name, who is told, and what. Beside what `services` asks, this is all that
//! the gateway knows of a domain.

use engineioxide::Str;
use portico_chassis::clock::parse_id;
use portico_proto::{
    events::Event,
    projects::{Project, project::Visibility},
};
use prost::Message as _;
use uuid::Uuid;

use crate::transcode::{PrintError, Schema};

/// The services whose events are followed.
pub(crate) const SOURCES: [&str; 3] = [
    "portico.auth.v1.AuthService",
    "portico.projects.v1.ProjectsService",
    "portico.users.v1.UsersService",
];

/// One kind of event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// What services call it.
    pub(crate) event: &'static str,
    /// What clients call it.
    name: &'static str,
    pub(crate) audience: Audience,
    payload: Payload,
    pub(crate) effect: Effect,
}

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// The people whom it concerns.
    People,
    /// Whoever may see the project.
    Project,
    /// The members of the project, and the people whom it concerns.
    Members,
}

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Payload {
    /// The resource.
    Resource,
    /// `{id}`, of the thing that is gone.
    Id,
    /// `{projectId, userId}`, of the member that is gone.
    Member,
}

/// What it changes about who may see what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    None,
    /// The people become members of the project.
    Joins,
    /// The people are members no more.
    Leaves,
    /// The project may now be seen by everybody, or by its members only.
    Shows,
    /// The project is gone.
    Ends,
}

pub(crate) const TABLE: [Row; 11] = {
    use Audience::{Members, People, Project};
    use Effect::{Ends, Joins, Leaves, None, Shows};
    use Payload::{Id, Member, Resource};
    [
        row("project.created", "project:created", People, Resource, None),
        row(
            "project.updated",
            "project:updated",
            Project,
            Resource,
            Shows,
        ),
        row("project.deleted", "project:deleted", Project, Id, Ends),
        row("member.added", "member:added", Members, Resource, Joins),
        row("member.updated", "member:updated", Members, Resource, None),
        row("member.removed", "member:removed", Members, Member, Leaves),
        row(
            "invitation.created",
            "invitation:created",
            People,
            Resource,
            None,
        ),
        row(
            "invitation.updated",
            "invitation:updated",
            People,
            Resource,
            None,
        ),
        row(
            "invitation.resent",
            "invitation:updated",
            People,
            Resource,
            None,
        ),
        row("user.updated", "user:updated", People, Resource, None),
        row("session.revoked", "session:revoked", People, Id, None),
    ]
};

/// What clients call what they are told of.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let is_first = |place: usize| {
        TABLE[..place]
            .iter()
            .all(|row| row.name != TABLE[place].name)
    };
    (0..TABLE.len())
        .filter(move |place| is_first(*place))
        .map(|place| TABLE[place].name)
}

const fn row(
    event: &'static str,
    name: &'static str,
    audience: Audience,
    payload: Payload,
    effect: Effect,
) -> Row {
    Row {
        event,
        name,
        audience,
        payload,
        effect,
    }
}

/// An event that clients are told of.
pub(crate) struct News<'e> {
    pub(crate) row: &'static Row,
    event: &'e Event,
    pub(crate) project: Option<Uuid>,
    pub(crate) people: Vec<Uuid>,
}

/// News as clients get them: printed once, and shared by all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Printed {
    /// The packet of Socket.IO: `2["name",{…}]`.
    packet: Str,
    name: &'static str,
}

impl<'e> News<'e> {
    /// `None` if clients are not told of it.
    pub(crate) fn of(event: &'e Event) -> Option<Self> {
        let row = TABLE.iter().find(|row| row.event == event.r#type)?;
        let people = event.user_ids.iter();
        Some(Self {
            row,
            event,
            project: parse_id(&event.project_id),
            people: people.filter_map(|id| parse_id(id)).collect(),
        })
    }

    /// Whether the project may now be seen by everybody.
    pub(crate) fn is_public(&self) -> bool {
        let resource = self.event.resource.as_ref();
        let project = resource.map(|resource| Project::decode(resource.value.as_slice()));
        matches!(project, Some(Ok(project)) if project.visibility() == Visibility::Public)
    }

    /// What clients are told.
    ///
    /// # Errors
    ///
    /// If the event has a resource that the contracts do not know.
    pub(crate) fn print(&self, schema: &Schema) -> Result<Printed, PrintError> {
        let name = self.row.name;
        let mut packet = Vec::with_capacity(512);
        packet.extend_from_slice(b"2[\"");
        packet.extend_from_slice(name.as_bytes());
        packet.extend_from_slice(b"\",");
        self.print_payload(schema, &mut packet)?;
        packet.push(b']');
        let packet = String::from_utf8(packet).map_err(|_| PrintError::Wire("not UTF-8"))?;
        Ok(Printed {
            packet: packet.into(),
            name,
        })
    }

    fn print_payload(&self, schema: &Schema, out: &mut Vec<u8>) -> Result<(), PrintError> {
        let event = self.event;
        let object = match self.row.payload {
            Payload::Resource => {
                let resource = event.resource.as_ref();
                let resource = resource.ok_or(PrintError::Value("an event without a resource"))?;
                let url = &resource.type_url;
                let name = url.rsplit_once('/').map_or(url.as_str(), |(_, name)| name);
                let message = schema.find(name);
                let message = message.ok_or_else(|| PrintError::UnknownType(name.into()))?;
                return schema.print(message, &resource.value, out);
            }
            Payload::Id => serde_json::json!({"id": event.subject}),
            Payload::Member => {
                serde_json::json!({"projectId": event.project_id, "userId": event.user_ids.first()})
            }
        };
        out.extend_from_slice(object.to_string().as_bytes());
        Ok(())
    }
}

impl Printed {
    /// As Socket.IO has it.
    pub(crate) fn packet(&self) -> Str {
        self.packet.clone()
    }

    /// As a server-sent event has it; JSON as it is printed has no line breaks.
    pub(crate) fn event(&self, id: &impl std::fmt::Display) -> String {
        let payload = &self.packet[self.name.len() + 5..self.packet.len() - 1];
        format!("event: {}\nid: {id}\ndata: {payload}\n\n", self.name)
    }
}

#[cfg(test)]
mod tests;
