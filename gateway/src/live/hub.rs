//! Who is connected, and who hears of what. Everything here happens at once,
//! under one lock, and waits for nobody: a client that does not keep up is told
//! to resynchronise, and holds up no other.

mod outlet;
mod rooms;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use portico_chassis::{
    caller::User,
    clock::Timestamp,
    status::{Error, Kind},
    telemetry::{InProgress, Metrics},
    token::Revoked,
};
use tokio::sync::watch;
use uuid::Uuid;

use self::rooms::Rooms;
pub(crate) use self::{
    outlet::{Change, End, Outlet, Told},
    rooms::{Asked, Standing},
};
use super::{
    position::{Cursor, Position},
    table::{Audience, Effect, News, SOURCES},
};
use crate::{config::LiveConfig, transcode::Schema};

/// What a connection hears of beside what concerns its person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The projects that it joins.
    Joined,
    /// All projects of the person.
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ConnectionId(u64);

/// All connections of this process.
pub(crate) struct Hub {
    schema: Arc<Schema>,
    limits: LiveConfig,
    metrics: Arc<Metrics>,
    inner: Mutex<Inner>,
    /// How many want to hear of changes; without any, no stream is followed.
    listeners: watch::Sender<usize>,
    /// Whether all streams are followed.
    ready: watch::Sender<bool>,
}

#[derive(Default)]
struct Inner {
    next: u64,
    connections: HashMap<ConnectionId, Connection>,
    people: HashMap<Uuid, Vec<ConnectionId>>,
    sessions: HashMap<Uuid, Vec<ConnectionId>>,
    rooms: Rooms,
    expiries: BTreeSet<(Timestamp, ConnectionId)>,
    /// Those that are to be told to resynchronise as soon as they can take it.
    behind: HashSet<ConnectionId>,
    /// How far each stream was followed; nothing while it is not.
    reached: [Option<Cursor>; SOURCES.len()],
    is_stopping: bool,
}

struct Connection {
    user: User,
    outlet: Arc<dyn Outlet>,
    scope: Scope,
    _counted: InProgress,
}

/// Somebody wants to hear of changes, until it is dropped.
pub(crate) struct Listening<'h>(&'h Hub);

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        self.0.listeners.send_modify(|count| *count -= 1);
    }
}

impl Hub {
    pub(crate) fn new(schema: Arc<Schema>, limits: LiveConfig, metrics: Arc<Metrics>) -> Self {
        Self {
            schema,
            limits,
            metrics,
            inner: Mutex::default(),
            listeners: watch::Sender::default(),
            ready: watch::Sender::default(),
        }
    }

    /// Waits until every stream is followed, which lasts as long as somebody
    /// listens.
    pub(crate) async fn listen(&self) -> Listening<'_> {
        self.listeners.send_modify(|count| *count += 1);
        let listening = Listening(self);
        let mut ready = self.ready.subscribe();
        // The sender lives as long as the hub.
        let _ = ready.wait_for(|is_ready| *is_ready).await;
        listening
    }

    /// Waits until somebody listens, or nobody.
    pub(super) async fn until(&self, is_heard: bool) {
        let mut listeners = self.listeners.subscribe();
        let _ = listeners.wait_for(|count| (*count > 0) == is_heard).await;
    }

    /// Connects a client. From now on it hears of what concerns its person.
    ///
    /// # Errors
    ///
    /// `RATE_LIMITED` if the person has too many connections, and
    /// `SERVICE_UNAVAILABLE` if the process is about to stop.
    pub(crate) fn connect(
        &self,
        user: &User,
        scope: Scope,
        outlet: Arc<dyn Outlet>,
    ) -> Result<ConnectionId, Error> {
        let mut inner = self.lock();
        if inner.is_stopping {
            return Err(Error::unavailable("the gateway stops"));
        }
        let mine = inner.people.get(&user.id).map_or(0, Vec::len);
        if mine >= self.limits.connections_per_user {
            return Err(too_many(
                "You have too many live connections. Close one first.",
            ));
        }
        let id = ConnectionId(inner.next);
        inner.next += 1;
        outlet.begin();
        let connection = Connection {
            user: user.clone(),
            scope,
            _counted: self.metrics.begin_live(outlet.transport()),
            outlet,
        };
        inner.index(id, user);
        inner.connections.insert(id, connection);
        if scope == Scope::All {
            inner.rooms.gather(id);
        }
        self.listeners.send_modify(|count| *count += 1);
        Ok(id)
    }

    /// Forgets a connection that its client has left.
    pub(crate) fn disconnect(&self, id: ConnectionId) {
        self.remove(&mut self.lock(), id);
    }

    /// Goes on with a connection by another token of the same person.
    pub(crate) fn renew(&self, id: ConnectionId, user: &User) {
        let mut inner = self.lock();
        let Some(before) = inner.connections.get(&id).map(|known| known.user.clone()) else {
            return;
        };
        inner.unindex(id, &before);
        inner.index(id, user);
        if let Some(connection) = inner.connections.get_mut(&id) {
            connection.user = user.clone();
        }
    }

    /// Asks for a place in the room of a project, before it is known whether
    /// the person may see it.
    ///
    /// # Errors
    ///
    /// `RATE_LIMITED` if the connection is in too many rooms.
    pub(crate) fn ask(&self, id: ConnectionId, project: Uuid) -> Result<Asked, Error> {
        let mut inner = self.lock();
        if !inner.connections.contains_key(&id) {
            return Ok(Asked::Gone);
        }
        let asked = inner.rooms.ask(id, project, self.limits.rooms);
        asked.ok_or_else(|| too_many("You are in too many rooms. Leave one first."))
    }

    /// Takes the place, as somebody whose standing was found out since. False
    /// if the access to the project changed meanwhile: then ask again.
    pub(crate) fn settle(
        &self,
        id: ConnectionId,
        project: Uuid,
        standing: Standing,
        is_public: bool,
    ) -> bool {
        self.lock().rooms.settle(id, project, standing, is_public)
    }

    /// Gives the place back.
    pub(crate) fn leave(&self, id: ConnectionId, project: Uuid) {
        self.lock().rooms.leave(id, project);
    }

    /// Enters the rooms of all projects of which the person was found to be a
    /// member, and returns the position from which on it hears of them. The
    /// access may have changed meanwhile, which has been noted.
    pub(crate) fn enter_all(&self, id: ConnectionId, projects: &[Uuid]) -> Option<Position> {
        let mut inner = self.lock();
        if inner.connections.contains_key(&id) {
            inner.rooms.enter_all(id, projects);
        }
        inner.position()
    }

    /// How far the streams are followed.
    pub(crate) fn position(&self) -> Option<Position> {
        self.lock().position()
    }

    /// The position up to which everything was handed over to a connection;
    /// nothing if something was lost of which it does not know yet.
    pub(crate) fn handed_over(&self, id: ConnectionId) -> Option<Position> {
        let inner = self.lock();
        let is_behind = inner.behind.contains(&id);
        inner.position().filter(|_| !is_behind)
    }

    /// Tells of what a service told, up to this cursor.
    pub(super) fn publish(&self, source: usize, cursor: Cursor, news: Option<&News<'_>>) {
        let mut inner = self.lock();
        inner.reached[source] = Some(cursor.clone());
        if inner.reached.iter().all(Option::is_some) {
            let become_ready = |is_ready: &mut bool| !std::mem::replace(is_ready, true);
            self.ready.send_if_modified(become_ready);
        }
        let Some(news) = news else {
            return;
        };
        inner.rooms.before(news);
        let audience = inner.audience(news);
        if !audience.is_empty() {
            match news.print(&self.schema) {
                Ok(printed) => {
                    let change = Change {
                        printed,
                        source,
                        cursor,
                        position: inner.position(),
                    };
                    let told = Told::Change(Arc::new(change));
                    self.tell(&mut inner, &audience, &told);
                }
                Err(error) => {
                    let kind = news.row.event;
                    tracing::error!(kind, %error, "an event cannot be shown to clients");
                }
            }
        }
        let Inner {
            rooms,
            people,
            connections,
            ..
        } = &mut *inner;
        let concerned = news.people.iter().filter_map(|person| people.get(person));
        let concerned = concerned.flatten().filter_map(|id| {
            let connection = connections.get(id)?;
            Some((*id, connection.scope))
        });
        rooms.after(news, concerned);
    }

    /// Stops following a stream, if nobody listens.
    pub(super) fn rest(&self, source: usize) -> bool {
        let mut inner = self.lock();
        if *self.listeners.borrow() > 0 {
            return false;
        }
        inner.reached[source] = None;
        self.ready.send_replace(false);
        true
    }

    /// A stream does not go on where it was left: everybody is told, and must
    /// come back, since nobody knows who may still see what.
    pub(super) fn interrupt(&self, source: usize) {
        let mut inner = self.lock();
        inner.reached[source] = None;
        self.ready.send_replace(false);
        for connection in inner.connections.values() {
            connection.outlet.tell(&Told::Resync);
        }
        self.end_all(inner);
    }

    /// Ends all connections, and takes no more.
    pub(super) fn stop(&self) {
        let mut inner = self.lock();
        inner.is_stopping = true;
        self.end_all(inner);
    }

    /// Ends the connections by these tokens that `counts` says no more of.
    pub(super) fn revoke(&self, tokens: Revoked, counts: impl Fn(&User) -> bool) {
        let inner = self.lock();
        let ids = match tokens {
            Revoked::Session(session) => inner.sessions.get(&session),
            Revoked::User(user) => inner.people.get(&user),
        };
        let ids = ids.cloned().unwrap_or_default();
        self.end_unless(inner, &ids, counts);
    }

    /// Ends a connection if `counts` says no more of its token.
    pub(super) fn check(&self, id: ConnectionId, counts: impl Fn(&User) -> bool) {
        self.end_unless(self.lock(), &[id], counts);
    }

    /// Ends all connections whose token `counts` says no more of.
    pub(super) fn check_all(&self, counts: impl Fn(&User) -> bool) {
        let inner = self.lock();
        let ids: Vec<_> = inner.connections.keys().copied().collect();
        self.end_unless(inner, &ids, counts);
    }

    /// Ends the connections whose token has expired, and tells those to
    /// resynchronise that can take it now.
    pub(super) fn tick(&self, now: Timestamp) {
        let mut inner = self.lock();
        let behind: Vec<_> = inner.behind.iter().copied().collect();
        for id in behind {
            let connection = inner.connections.get(&id);
            if connection.is_none_or(|connection| connection.outlet.tell(&Told::Resync)) {
                inner.behind.remove(&id);
            }
        }
        let expired = inner.expiries.iter();
        let expired = expired.take_while(|(expires_at, _)| *expires_at <= now);
        let expired: Vec<_> = expired.map(|(_, id)| *id).collect();
        self.end_unless(inner, &expired, |user| user.expires_at > now);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands something over to these connections. One that was behind hears
    /// first that it was.
    fn tell(&self, inner: &mut Inner, audience: &[ConnectionId], told: &Told) {
        let mut counts: HashMap<&'static str, u64> = HashMap::new();
        for id in audience {
            let Some(connection) = inner.connections.get(id) else {
                continue;
            };
            let outlet = &connection.outlet;
            if inner.behind.contains(id) {
                if !outlet.tell(&Told::Resync) {
                    continue;
                }
                inner.behind.remove(id);
            }
            if outlet.tell(told) {
                *counts.entry(outlet.transport()).or_default() += 1;
            } else {
                self.metrics.live_resync(outlet.transport());
                inner.behind.insert(*id);
            }
        }
        for (transport, clients) in counts {
            self.metrics.live_told(transport, clients);
        }
    }

    fn end_unless(
        &self,
        mut inner: MutexGuard<'_, Inner>,
        ids: &[ConnectionId],
        counts: impl Fn(&User) -> bool,
    ) {
        let mut ended = Vec::new();
        for id in ids {
            let connection = inner.connections.get(id);
            if connection.is_some_and(|connection| !counts(&connection.user)) {
                ended.extend(self.remove(&mut inner, *id));
            }
        }
        drop(inner);
        for connection in ended {
            connection.outlet.end(End::SignedOut);
        }
    }

    fn end_all(&self, mut inner: MutexGuard<'_, Inner>) {
        let ids: Vec<_> = inner.connections.keys().copied().collect();
        let ended: Vec<_> = ids
            .into_iter()
            .filter_map(|id| self.remove(&mut inner, id))
            .collect();
        drop(inner);
        for connection in ended {
            connection.outlet.end(End::GoingAway);
        }
    }

    fn remove(&self, inner: &mut Inner, id: ConnectionId) -> Option<Connection> {
        let connection = inner.connections.remove(&id)?;
        inner.unindex(id, &connection.user);
        inner.rooms.leave_all(id);
        inner.behind.remove(&id);
        self.listeners.send_modify(|count| *count -= 1);
        Some(connection)
    }
}

impl Inner {
    fn index(&mut self, id: ConnectionId, user: &User) {
        self.people.entry(user.id).or_default().push(id);
        self.sessions.entry(user.session_id).or_default().push(id);
        self.expiries.insert((user.expires_at, id));
    }

    fn unindex(&mut self, id: ConnectionId, user: &User) {
        for (index, key) in [
            (&mut self.people, user.id),
            (&mut self.sessions, user.session_id),
        ] {
            if let Some(ids) = index.get_mut(&key) {
                ids.retain(|known| *known != id);
                if ids.is_empty() {
                    index.remove(&key);
                }
            }
        }
        self.expiries.remove(&(user.expires_at, id));
    }

    /// Whoever hears of it, each once.
    fn audience(&self, news: &News<'_>) -> Vec<ConnectionId> {
        let mut audience = Vec::new();
        let whom = news.row.audience;
        if let Some(project) = news.project.filter(|_| whom != Audience::People) {
            let only_members = whom == Audience::Members;
            audience.extend(self.rooms.in_room(project, only_members));
        }
        let in_room = audience.len();
        let people = news.people.iter();
        let mine = people.filter_map(|person| self.people.get(person));
        let mine = mine.flatten().copied();
        if whom != Audience::Project {
            audience.extend(mine);
        } else if news.row.effect == Effect::Ends {
            // Whoever has just come back enters no room of what is gone.
            audience.extend(mine.filter(|id| self.hears_of_all(*id)));
        }
        if audience.len() > in_room {
            audience.sort_unstable();
            audience.dedup();
        }
        audience
    }

    fn hears_of_all(&self, id: ConnectionId) -> bool {
        let connection = self.connections.get(&id);
        connection.is_some_and(|connection| connection.scope == Scope::All)
    }

    fn position(&self) -> Option<Position> {
        let reached = self.reached.iter().cloned();
        let reached: Option<Vec<Cursor>> = reached.collect();
        reached?.try_into().ok().map(Position)
    }
}

fn too_many(message: &'static str) -> Error {
    Error::new(Kind::ResourceExhausted, "RATE_LIMITED", message)
}

#[cfg(test)]
mod tests;
