//! Who hears of what: each client here is a queue that a test reads.

use std::time::Duration;

use portico_chassis::caller::Grant;
use portico_proto::{
    FILE_DESCRIPTOR_SET,
    events::Event,
    projects::{self, project::Visibility},
    wkt::Any,
};
use prost_reflect::DescriptorPool;

use super::*;

const ENGINE: Uuid = Uuid::from_u128(100);
const ADA: Uuid = Uuid::from_u128(1);
const BOB: Uuid = Uuid::from_u128(2);
const EVE: Uuid = Uuid::from_u128(3);

/// The index of the projects service among the sources.
const PROJECTS: usize = 1;

/// A hub, and how far its stream of projects is.
struct Fixture {
    hub: Hub,
    told: usize,
}

/// A client that holds so many changes.
struct Client {
    id: ConnectionId,
    inbox: Arc<Inbox>,
}

struct Inbox {
    room: Mutex<usize>,
    heard: Mutex<Vec<String>>,
    ended: Mutex<Option<End>>,
}

impl Outlet for Inbox {
    fn transport(&self) -> &'static str {
        "socket"
    }

    fn begin(&self) {
        self.heard.lock().expect("lock").push("begin".to_owned());
    }

    fn tell(&self, told: &Told) -> bool {
        let mut room = self.room.lock().expect("lock");
        let Some(rest) = room.checked_sub(1) else {
            return false;
        };
        *room = rest;
        self.heard.lock().expect("lock").push(match told {
            Told::Resync => "resync".to_owned(),
            Told::Change(change) => {
                let packet = change.printed.packet();
                packet.split('"').nth(1).expect("a name").to_owned()
            }
        });
        true
    }

    fn end(&self, end: End) {
        *self.ended.lock().expect("lock") = Some(end);
    }
}

impl Client {
    /// What it has heard since it was last asked.
    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.inbox.heard.lock().expect("lock"))
    }

    fn ended(&self) -> Option<End> {
        *self.inbox.ended.lock().expect("lock")
    }
}

fn user(id: Uuid) -> User {
    User {
        id,
        session_id: Uuid::from_u128(id.as_u128() + 1_000),
        is_admin: false,
        grant: Grant::Session,
        issued_at: Timestamp::from_seconds(0),
        expires_at: Timestamp::from_seconds(600),
    }
}

impl Fixture {
    fn new() -> Self {
        let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("the contracts");
        let schema = Schema::new(&pool).expect("a schema");
        let limits = LiveConfig {
            connections_per_user: 3,
            connections_per_address: 3,
            rooms: 2,
            message_limit: 1024,
            messages: None,
        };
        let hub = Hub::new(Arc::new(schema), limits, Arc::default());
        Self { hub, told: 0 }
    }

    fn try_client(&self, person: Uuid, scope: Scope) -> Result<Client, Error> {
        let inbox = Arc::new(Inbox {
            room: Mutex::new(100),
            heard: Mutex::default(),
            ended: Mutex::default(),
        });
        let id = self.hub.connect(&user(person), scope, inbox.clone())?;
        let client = Client { id, inbox };
        assert_eq!(client.heard(), ["begin"]);
        Ok(client)
    }

    fn client(&self, person: Uuid, scope: Scope) -> Client {
        self.try_client(person, scope).expect("connected")
    }

    /// A socket in the room of a project, which is public or not.
    fn in_room(&self, person: Uuid, standing: Standing, is_public: bool) -> Client {
        let client = self.client(person, Scope::Joined);
        let asked = self.hub.ask(client.id, ENGINE).expect("a place");
        assert_eq!(asked, Asked::Kept);
        assert!(self.hub.settle(client.id, ENGINE, standing, is_public));
        client
    }

    /// The services tell of an event in a project.
    fn tell(&mut self, kind: &str, people: &[Uuid], resource: Option<Any>) {
        let event = Event {
            r#type: kind.to_owned(),
            subject: ENGINE.to_string(),
            project_id: ENGINE.to_string(),
            user_ids: people.iter().map(Uuid::to_string).collect(),
            resource,
            ..Event::default()
        };
        self.told += 1;
        let cursor = Cursor::from(format!("{:016x}", self.told));
        self.hub
            .publish(PROJECTS, cursor, News::of(&event).as_ref());
    }

    fn member(&mut self, kind: &str, person: Uuid) {
        let member = Any::from_msg(&projects::Member::default()).expect("encoded");
        self.tell(kind, &[person], Some(member));
    }

    fn project(&mut self, kind: &str, visibility: Visibility) {
        let project = projects::Project {
            visibility: visibility.into(),
            ..projects::Project::default()
        };
        let project = Any::from_msg(&project).expect("encoded");
        self.tell(kind, &[], Some(project));
    }
}

#[test]
fn a_room_hears_of_its_project_and_nobody_else_does() {
    let mut fixture = Fixture::new();
    let member = fixture.in_room(ADA, Standing::Member, true);
    let visitor = fixture.in_room(BOB, Standing::Visitor, true);
    let elsewhere = fixture.client(EVE, Scope::Joined);
    fixture.project("project.updated", Visibility::Public);
    fixture.member("member.updated", ADA);
    assert_eq!(member.heard(), ["project:updated", "member:updated"]);
    assert_eq!(visitor.heard(), ["project:updated"]);
    assert!(elsewhere.heard().is_empty());
}

#[test]
fn a_person_hears_once_of_what_concerns_it_on_each_of_its_clients() {
    let mut fixture = Fixture::new();
    let in_room = fixture.in_room(ADA, Standing::Member, false);
    let other = fixture.client(ADA, Scope::Joined);
    let stranger = fixture.client(BOB, Scope::Joined);
    fixture.member("member.updated", ADA);
    let resource = Any::from_msg(&projects::Project::default()).expect("encoded");
    fixture.tell("project.created", &[ADA], Some(resource));
    for client in [&in_room, &other] {
        assert_eq!(client.heard(), ["member:updated", "project:created"]);
    }
    assert!(stranger.heard().is_empty());
}

#[test]
fn whoever_is_removed_leaves_the_room_of_a_private_project_at_once() {
    let mut fixture = Fixture::new();
    let ada = fixture.in_room(ADA, Standing::Member, false);
    let bob = fixture.in_room(BOB, Standing::Member, false);
    fixture.member("member.removed", BOB);
    fixture.project("project.updated", Visibility::Private);
    fixture.member("member.added", EVE);
    let all = ["member:removed", "project:updated", "member:added"];
    assert_eq!(ada.heard(), all);
    assert_eq!(bob.heard(), ["member:removed"]);
}

#[test]
fn whoever_is_removed_stays_with_a_public_project_as_a_visitor() {
    let mut fixture = Fixture::new();
    let bob = fixture.in_room(BOB, Standing::Member, true);
    fixture.member("member.removed", BOB);
    fixture.member("member.added", EVE);
    fixture.project("project.updated", Visibility::Public);
    assert_eq!(bob.heard(), ["member:removed", "project:updated"]);
    fixture.member("member.added", BOB);
    fixture.member("member.updated", EVE);
    assert_eq!(bob.heard(), ["member:added", "member:updated"]);
}

#[test]
fn visitors_do_not_hear_that_a_project_is_private_now() {
    let mut fixture = Fixture::new();
    let member = fixture.in_room(ADA, Standing::Member, true);
    let visitor = fixture.in_room(BOB, Standing::Visitor, true);
    fixture.project("project.updated", Visibility::Private);
    fixture.project("project.updated", Visibility::Public);
    assert_eq!(member.heard().len(), 2);
    assert!(visitor.heard().is_empty());
    // And the one who is removed now does not stay.
    fixture.project("project.updated", Visibility::Private);
    fixture.member("member.removed", ADA);
    fixture.project("project.updated", Visibility::Public);
    assert_eq!(member.heard(), ["project:updated", "member:removed"]);
}

#[test]
fn a_project_that_is_gone_is_told_to_its_room_which_is_gone_too() {
    let mut fixture = Fixture::new();
    let member = fixture.in_room(ADA, Standing::Member, false);
    let elsewhere = fixture.client(ADA, Scope::Joined);
    fixture.tell("project.deleted", &[ADA], None);
    fixture.project("project.updated", Visibility::Public);
    assert_eq!(member.heard(), ["project:deleted"]);
    assert!(elsewhere.heard().is_empty());
}

/// Its project was not among those that it may see when it came back.
#[test]
fn a_project_that_is_gone_is_told_to_a_member_that_came_back_too_late_for_its_room() {
    let mut fixture = Fixture::new();
    let back = fixture.client(ADA, Scope::All);
    fixture.hub.enter_all(back.id, &[]);
    fixture.tell("project.deleted", &[ADA], None);
    assert_eq!(back.heard(), ["project:deleted"]);
}

#[test]
fn a_place_is_not_taken_if_the_access_changed_while_it_was_found_out() {
    for change in ["member.removed", "project.updated", "project.deleted"] {
        let mut fixture = Fixture::new();
        let bob = fixture.client(BOB, Scope::Joined);
        fixture.hub.ask(bob.id, ENGINE).expect("a place");
        match change {
            "project.updated" => fixture.project(change, Visibility::Private),
            _ => fixture.tell(change, &[BOB], None),
        }
        let settled = fixture.hub.settle(bob.id, ENGINE, Standing::Member, true);
        assert!(!settled, "{change}");
        bob.heard();
        fixture.project("project.updated", Visibility::Public);
        assert!(bob.heard().is_empty());
    }
}

#[test]
fn nothing_is_heard_before_a_place_is_taken_or_after_it_is_given_back() {
    let mut fixture = Fixture::new();
    let bob = fixture.client(BOB, Scope::Joined);
    fixture.hub.ask(bob.id, ENGINE).expect("a place");
    fixture.project("project.updated", Visibility::Public);
    assert!(bob.heard().is_empty());
    assert!(fixture.hub.settle(bob.id, ENGINE, Standing::Visitor, true));
    assert_eq!(fixture.hub.ask(bob.id, ENGINE).ok(), Some(Asked::Taken));
    fixture.project("project.updated", Visibility::Public);
    assert_eq!(bob.heard(), ["project:updated"]);
    fixture.hub.leave(bob.id, ENGINE);
    fixture.project("project.updated", Visibility::Public);
    assert!(bob.heard().is_empty());
}

#[test]
fn a_stream_hears_of_all_projects_also_of_those_that_come_and_go() {
    let mut fixture = Fixture::new();
    let ada = fixture.client(ADA, Scope::All);
    fixture.hub.enter_all(ada.id, &[ENGINE]);
    fixture.project("project.updated", Visibility::Public);
    fixture.member("member.removed", ADA);
    // It follows projects of its own, and not all that are public.
    fixture.project("project.updated", Visibility::Public);
    fixture.member("member.added", ADA);
    fixture.project("project.updated", Visibility::Private);
    let heard = [
        "project:updated",
        "member:removed",
        "member:added",
        "project:updated",
    ];
    assert_eq!(ada.heard(), heard);
}

#[test]
fn what_a_stream_loses_while_its_projects_are_found_out_stays_lost() {
    let mut fixture = Fixture::new();
    let [ada, bob] = [ADA, BOB].map(|person| fixture.client(person, Scope::All));
    fixture.member("member.removed", ADA);
    fixture.member("member.removed", BOB);
    fixture.member("member.added", BOB);
    for client in [&ada, &bob] {
        fixture.hub.enter_all(client.id, &[ENGINE]);
        client.heard();
    }
    fixture.project("project.updated", Visibility::Private);
    assert!(ada.heard().is_empty());
    assert_eq!(bob.heard(), ["project:updated"]);
}

#[test]
fn a_client_that_is_behind_is_told_so_and_holds_up_nobody() {
    let mut fixture = Fixture::new();
    let slow = fixture.in_room(ADA, Standing::Member, false);
    let quick = fixture.in_room(BOB, Standing::Member, false);
    *slow.inbox.room.lock().expect("lock") = 2;
    for _ in 0..4 {
        fixture.project("project.updated", Visibility::Private);
    }
    assert_eq!(quick.heard().len(), 4);
    assert_eq!(slow.heard(), ["project:updated"; 2]);
    assert!(fixture.hub.handed_over(slow.id).is_none());
    // There is room for one: what was lost is told first.
    *slow.inbox.room.lock().expect("lock") = 1;
    fixture.project("project.updated", Visibility::Private);
    assert_eq!(slow.heard(), ["resync"]);
    // And if nothing happens, it is told all the same.
    *slow.inbox.room.lock().expect("lock") = 10;
    fixture.hub.tick(Timestamp::from_seconds(1));
    assert_eq!(slow.heard(), ["resync"]);
    fixture.hub.tick(Timestamp::from_seconds(1));
    fixture.project("project.updated", Visibility::Private);
    assert_eq!(slow.heard(), ["project:updated"]);
    let text = fixture.hub.metrics.text();
    assert!(
        text.contains("portico_live_resyncs_total{transport=\"socket\"} 2"),
        "{text}"
    );
    assert!(
        text.contains("portico_live_connections{transport=\"socket\"} 2"),
        "{text}"
    );
}

#[test]
fn a_person_has_so_many_connections_and_a_socket_so_many_rooms() {
    let fixture = Fixture::new();
    let clients = [(); 3].map(|()| fixture.client(ADA, Scope::Joined));
    let refused = fixture.try_client(ADA, Scope::All).err().expect("refused");
    assert_eq!(refused.reason, "RATE_LIMITED");
    fixture.hub.disconnect(clients[0].id);
    fixture.client(ADA, Scope::All);
    let [one, two, three] = [1, 2, 3].map(Uuid::from_u128);
    for project in [one, two] {
        fixture.hub.ask(clients[1].id, project).expect("a place");
    }
    let refused = fixture.hub.ask(clients[1].id, three).expect_err("refused");
    assert_eq!(refused.reason, "RATE_LIMITED");
    fixture.hub.leave(clients[1].id, one);
    fixture.hub.ask(clients[1].id, three).expect("a place");
    assert_eq!(fixture.hub.ask(clients[0].id, one).ok(), Some(Asked::Gone));
}

#[test]
fn connections_end_with_their_token_and_others_go_on() {
    let fixture = Fixture::new();
    let [ada, bob, eve] = [ADA, BOB, EVE].map(|person| fixture.client(person, Scope::Joined));
    let session = user(ADA).session_id;
    fixture.hub.revoke(Revoked::Session(session), |_| false);
    assert_eq!(ada.ended(), Some(End::SignedOut));
    // The token is from after the revocation.
    fixture.hub.revoke(Revoked::User(BOB), |_| true);
    assert_eq!(bob.ended(), None);
    let renewed = User {
        expires_at: Timestamp::from_seconds(1_200),
        ..user(EVE)
    };
    fixture.hub.renew(eve.id, &renewed);
    fixture.hub.tick(Timestamp::from_seconds(600));
    assert_eq!(bob.ended(), Some(End::SignedOut));
    assert_eq!(eve.ended(), None);
    fixture.hub.tick(Timestamp::from_seconds(1_200));
    assert_eq!(eve.ended(), Some(End::SignedOut));
    assert!(fixture.hub.lock().people.is_empty());
    assert!(fixture.hub.lock().expiries.is_empty());
}

#[test]
fn a_gap_in_a_stream_sends_everybody_away_to_come_back() {
    let mut fixture = Fixture::new();
    let ada = fixture.in_room(ADA, Standing::Member, false);
    fixture.project("project.updated", Visibility::Private);
    fixture.hub.interrupt(PROJECTS);
    assert_eq!(ada.heard(), ["project:updated", "resync"]);
    assert_eq!(ada.ended(), Some(End::GoingAway));
    assert_eq!(*fixture.hub.listeners.borrow(), 0);
    fixture.hub.stop();
    let refused = fixture.try_client(ADA, Scope::All).err().expect("refused");
    assert_eq!(refused.reason, "SERVICE_UNAVAILABLE");
}

#[tokio::test(start_paused = true)]
async fn clients_wait_until_every_stream_is_followed() {
    let fixture = Fixture::new();
    let waiting = tokio::time::timeout(Duration::from_secs(1), fixture.hub.listen());
    assert!(waiting.await.is_err(), "nothing is followed");
    assert!(fixture.hub.position().is_none());
    for source in 0..SOURCES.len() {
        assert!(fixture.hub.rest(source), "nobody listens");
        fixture.hub.publish(source, "01".into(), None);
    }
    let listening = fixture.hub.listen().await;
    assert_eq!(
        fixture.hub.position().expect("followed").to_string(),
        "01.01.01"
    );
    assert!(!fixture.hub.rest(0), "somebody listens");
    drop(listening);
    assert!(fixture.hub.rest(0));
    assert!(fixture.hub.position().is_none());
}
