//! What every store of projects does, whichever database it stands on. Each
//! case gets a fresh database on each engine.

mod access;
mod answers;
mod audit;
mod concurrency;
mod invitation_lists;
mod invitations;
mod lists;
mod many;
mod members;
mod privacy;
mod projects;
mod releases;
mod searches;

use portico_chassis::{
    caller::Call,
    clock::{Timestamp, new_id},
    database::testing::{self, TestDatabase, cases, origin, paging, reason},
    page::{Bookmark, SortKey},
};

use super::*;
use crate::{
    MIGRATIONS,
    project::{Deleted, Name, Visibility},
};

/// Statements that need no index.
const EXCUSES: [testing::Excuse; 7] = [
    (
        "Index Scan projects_public",
        "a search among public projects is planned for its words and the number of projects",
    ),
    (
        "SCAN search_pending",
        "what was changed a moment ago is little",
    ),
    (
        "AS project_name, m.role, m.joined_at FROM members",
        "what is sorted are the ids of one person's projects, for an export",
    ),
    ("SELECT id, $1, 'OWNER'", "a case fills"),
    ("FROM numbers", "a case fills"),
    (
        "WHERE p.visibility = 'PUBLIC' AND m.role",
        "with a role it is a list of one person's projects, which are few or many",
    ),
    (
        "projects p JOIN members",
        "what is sorted are at most 4,000 of one person's projects, as a count has told",
    ),
];

struct Fixture {
    store: Arc<dyn Store>,
    database: TestDatabase,
}

impl Fixture {
    fn new(database: TestDatabase) -> Self {
        let store = open(&database.database);
        Self { store, database }
    }

    async fn close(self) {
        drop(self.store);
        self.database.explain_and_close(&EXCUSES).await;
    }

    /// A private project of this owner.
    async fn project(&self, name: &str, owner: &Person) -> Project {
        self.made(&project(name, Visibility::Private), owner).await
    }

    async fn made(&self, project: &Project, owner: &Person) -> Project {
        let slugs = [project.slug.clone()];
        let made = self
            .store
            .create(project, &slugs, owner, None, &origin(1))
            .await;
        made.expect("created").value().project.clone()
    }

    /// Somebody new in the project, let in by its owner.
    async fn member(&self, project: &Project, owner: &Person, role: Role) -> Person {
        let person = person(role.as_str());
        self.join(project, owner, &person, role).await;
        person
    }

    async fn join(&self, project: &Project, by: &Person, person: &Person, role: Role) -> Member {
        let added = self.add(project, by, Some(person), role).await;
        added.expect("added").value().clone()
    }

    async fn add(
        &self,
        project: &Project,
        by: &Person,
        person: Option<&Person>,
        role: Role,
    ) -> Result<Created<Member>, Error> {
        self.store
            .add_member(project.id, by.id, person, role, None, &origin(2))
            .await
    }

    async fn archive(&self, project: &Project, by: &Person, is_archived: bool) -> View {
        self.store
            .archive(project.id, by.id, is_archived, &IfMatch::Any, &origin(3))
            .await
            .expect("allowed")
    }

    async fn delete(&self, project: &Project, by: &Person) {
        self.store
            .delete(project.id, by.id, &IfMatch::Any, &origin(4))
            .await
            .expect("deleted");
    }

    async fn update(&self, project: &Project, by: &Person, change: &Change) -> Result<View, Error> {
        let any = IfMatch::Any;
        self.store
            .update(project.id, by.id, change, &any, &origin(5))
            .await
    }

    async fn change_role(
        &self,
        project: &Project,
        by: &Person,
        person: &Person,
        role: Role,
    ) -> Result<Member, Error> {
        let at = Seat::new(project.id, person.id);
        self.store
            .update_member(at, by.id, Some(role), &IfMatch::Any, &origin(5))
            .await
    }

    async fn remove(&self, project: &Project, by: &Person, person: &Person) -> Result<(), Error> {
        let at = Seat::new(project.id, person.id);
        self.store
            .remove_member(at, by.id, &IfMatch::Any, &origin(6))
            .await
    }

    async fn find(&self, project: &Project, by: &Person) -> Result<View, Error> {
        self.store.find(&Reference::Id(project.id), by.id).await
    }

    async fn see(&self, project: &Project, by: &Person) -> View {
        self.find(project, by).await.expect("visible")
    }

    async fn role(&self, project: &Project, person: &Person) -> Option<Role> {
        let pair = (project.id, person.id);
        let standings = self.store.standings(&[pair]).await.expect("read");
        standings[&pair].role
    }
}

fn person(name: &str) -> Person {
    Person {
        id: new_id(Timestamp::from_millis(1_000)),
        name: name.to_owned(),
        email: email(&format!("{name}@example.com")),
        is_email_verified: true,
    }
}

fn email(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

fn project(name: &str, visibility: Visibility) -> Project {
    let name = Name::parse(name).expect("a name");
    let at = Timestamp::from_seconds(1);
    Project {
        id: new_id(at),
        slug: Slug::from_name(&name),
        name,
        description: None,
        visibility,
        archived_at: None,
        member_count: 1,
        version: 1,
        created_at: at,
        updated_at: at,
    }
}

fn slug(text: &str) -> Slug {
    Slug::parse(text).expect("a slug")
}

/// An idempotency key of a creation of something with this name.
fn key(key: &str, name: &str) -> IdempotencyKey {
    let mut call = Call::default();
    call.idempotency_key = Some(key.to_owned());
    let key = IdempotencyKey::of(&call, "Create", &name.to_owned());
    key.expect("valid").expect("given")
}

fn rename(name: &str) -> Change {
    Change {
        name: Some(Name::parse(name).expect("a name")),
        ..Change::default()
    }
}

/// The place of a project in a list.
fn bookmark(column: Column, view: &View) -> Bookmark {
    Bookmark {
        key: match column {
            Column::Name => SortKey::Text(view.project.name.sort_key()),
            Column::CreatedAt => SortKey::Time(view.project.created_at),
            Column::UpdatedAt => SortKey::Time(view.project.updated_at),
        },
        id: view.project.id,
    }
}

fn other_version() -> IfMatch {
    IfMatch::Versions(vec![99])
}
