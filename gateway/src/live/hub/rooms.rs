//! Who is in the room of which project, as a member or only because the project
//! is public; and how changes of access change that.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{ConnectionId, Scope};
use crate::live::table::{Effect, News};

/// How somebody in a room stands to the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Sees the project, like everybody.
    Visitor,
    Member,
}

/// What comes of asking for a place in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It is kept until it is found out how the person stands to the project.
    Kept,
    /// It is taken already.
    Taken,
    /// The connection has ended.
    Gone,
}

/// A place in a room.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// How the person stands to the project is being found out. If that
    /// changes meanwhile, the place is gone.
    Kept,
    Taken(Standing),
}

#[derive(Default)]
struct Room {
    places: HashMap<ConnectionId, Place>,
    /// Whether everybody sees the project, as far as that is known.
    is_public: Option<bool>,
}

/// All rooms that somebody is in.
#[derive(Default)]
pub(super) struct Rooms {
    rooms: HashMap<Uuid, Room>,
    /// The rooms of each connection that is in any.
    of: HashMap<ConnectionId, HashSet<Uuid>>,
    /// Connections whose projects are being found out, with the projects that
    /// their person has lost meanwhile.
    gathering: HashMap<ConnectionId, HashSet<Uuid>>,
}

impl Rooms {
    /// A place in a room; `None` if that would be one too many.
    pub(super) fn ask(&mut self, id: ConnectionId, project: Uuid, most: usize) -> Option<Asked> {
        let known = self.rooms.get(&project);
        if known.is_some_and(|room| room.places.contains_key(&id)) {
            return Some(Asked::Taken);
        }
        let mine = self.of.entry(id).or_default();
        if mine.len() >= most {
            return None;
        }
        mine.insert(project);
        let room = self.rooms.entry(project).or_default();
        room.places.insert(id, Place::Kept);
        Some(Asked::Kept)
    }

    /// Takes a place that was kept, unless it is gone.
    pub(super) fn settle(
        &mut self,
        id: ConnectionId,
        project: Uuid,
        standing: Standing,
        is_public: bool,
    ) -> bool {
        let Some(room) = self.rooms.get_mut(&project) else {
            return false;
        };
        let Some(place) = room.places.get_mut(&id) else {
            return false;
        };
        *place = Place::Taken(standing);
        // What an event said is newer.
        room.is_public.get_or_insert(is_public);
        true
    }

    /// From now on, what the person of a connection loses is noted.
    pub(super) fn gather(&mut self, id: ConnectionId) {
        self.gathering.insert(id, HashSet::new());
    }

    /// Enters all these rooms, but for what was lost since [`Rooms::gather`].
    pub(super) fn enter_all(&mut self, id: ConnectionId, projects: &[Uuid]) {
        let lost = self.gathering.remove(&id).unwrap_or_default();
        for project in projects.iter().filter(|project| !lost.contains(project)) {
            self.enter(id, *project);
        }
    }

    pub(super) fn leave(&mut self, id: ConnectionId, project: Uuid) {
        if let Some(room) = self.rooms.get_mut(&project) {
            room.places.remove(&id);
            if room.places.is_empty() {
                self.rooms.remove(&project);
            }
        }
        if let Some(mine) = self.of.get_mut(&id) {
            mine.remove(&project);
            if mine.is_empty() {
                self.of.remove(&id);
            }
        }
    }

    pub(super) fn leave_all(&mut self, id: ConnectionId) {
        self.gathering.remove(&id);
        for project in self.of.remove(&id).unwrap_or_default() {
            self.leave(id, project);
        }
    }

    /// Those in a room, all or only the members.
    pub(super) fn in_room(
        &self,
        project: Uuid,
        only_members: bool,
    ) -> impl Iterator<Item = ConnectionId> {
        let places = self.rooms.get(&project).map(|room| room.places.iter());
        places.into_iter().flatten().filter_map(move |(id, place)| {
            let hears = match place {
                Place::Kept => false,
                Place::Taken(standing) => !only_members || *standing == Standing::Member,
            };
            hears.then_some(*id)
        })
    }

    /// What news change before anybody hears of them: of a project that is no
    /// longer public, those who are no members do not.
    pub(super) fn before(&mut self, news: &News<'_>) {
        let Some(project) = news.project.filter(|_| news.row.effect == Effect::Shows) else {
            return;
        };
        let Some(room) = self.rooms.get_mut(&project) else {
            return;
        };
        let is_public = news.is_public();
        room.is_public = Some(is_public);
        if !is_public {
            let strangers = room.places.iter();
            let strangers = strangers.filter(|(_, place)| **place != MEMBER);
            let strangers: Vec<_> = strangers.map(|(id, _)| *id).collect();
            for id in strangers {
                self.leave(id, project);
            }
        }
    }

    /// What news change after everybody has heard of them. `concerned` are the
    /// connections of the people whom they concern.
    pub(super) fn after(
        &mut self,
        news: &News<'_>,
        concerned: impl Iterator<Item = (ConnectionId, Scope)>,
    ) {
        let Some(project) = news.project else {
            return;
        };
        match news.row.effect {
            Effect::None | Effect::Shows => {}
            Effect::Joins => concerned.for_each(|(id, scope)| self.join(id, scope, project)),
            Effect::Leaves => concerned.for_each(|(id, scope)| self.lose(id, scope, project)),
            Effect::Ends => {
                for lost in self.gathering.values_mut() {
                    lost.insert(project);
                }
                let ids = self.rooms.get(&project).map(|room| room.places.keys());
                let ids: Vec<_> = ids.into_iter().flatten().copied().collect();
                for id in ids {
                    self.leave(id, project);
                }
            }
        }
    }

    fn enter(&mut self, id: ConnectionId, project: Uuid) {
        self.of.entry(id).or_default().insert(project);
        let room = self.rooms.entry(project).or_default();
        room.places.insert(id, MEMBER);
    }

    /// The person of a connection became a member.
    fn join(&mut self, id: ConnectionId, scope: Scope, project: Uuid) {
        if let Some(lost) = self.gathering.get_mut(&id) {
            lost.remove(&project);
        }
        let room = self.rooms.get_mut(&project);
        let place = room.and_then(|room| room.places.get_mut(&id));
        match place {
            Some(Place::Kept) => {}
            Some(place) => *place = MEMBER,
            None if scope == Scope::All => self.enter(id, project),
            None => {}
        }
    }

    /// The person of a connection is a member no more. Where everybody sees
    /// the project, whoever joined its room stays, as one of them.
    fn lose(&mut self, id: ConnectionId, scope: Scope, project: Uuid) {
        if let Some(lost) = self.gathering.get_mut(&id) {
            lost.insert(project);
        }
        let Some(room) = self.rooms.get_mut(&project) else {
            return;
        };
        let is_public = room.is_public == Some(true);
        match room.places.get_mut(&id) {
            Some(place) if *place == MEMBER && is_public && scope == Scope::Joined => {
                *place = Place::Taken(Standing::Visitor);
            }
            Some(Place::Taken(Standing::Visitor)) => {}
            _ => self.leave(id, project),
        }
    }
}

const MEMBER: Place = Place::Taken(Standing::Member);
