//! Where a secret could have been left, and where mails with links go.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use futures::StreamExt as _;
use portico_chassis::database::DatabaseUrl;
use portico_proto::{
    auth::auth_service_client::AuthServiceClient,
    events::{WatchEventsRequest, WatchEventsResponse},
    projects::projects_service_client::ProjectsServiceClient,
    users::users_service_client::UsersServiceClient,
};
use prost_reflect::prost::Message as _;
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};
use tonic::{Request, Streaming, transport::Channel};

use crate::{Plan, installation::SERVICES, mails::server::Server, program::PATIENCE};

/// Where the mails of an installation go.
pub(super) enum Mails {
    /// The mailbox of the development profile.
    Folder(PathBuf),
    Server(Box<Server>),
}

pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

impl Mails {
    /// Waits for a mail to an address with a link to this page, and answers the
    /// link's token.
    pub(super) async fn link(&self, to: &str, page: &str) -> String {
        let begun = Instant::now();
        loop {
            for mail in self.all(to) {
                let text = mail["text"].as_str().expect("a text");
                let token = text.split_once(&format!("/{page}#token="));
                let token = token.and_then(|(_, rest)| rest.split_whitespace().next());
                if let Some(token) = token {
                    return token.to_owned();
                }
            }
            assert!(begun.elapsed() < PATIENCE, "no mail links to {page}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn all(&self, to: &str) -> Vec<Value> {
        match self {
            // One that is still being written is read the next time.
            Self::Folder(folder) => files(folder)
                .into_iter()
                .filter_map(|file| serde_json::from_slice(&fs::read(file).ok()?).ok())
                .filter(|mail: &Value| mail["to"] == to)
                .collect(),
            Self::Server(server) => server.mails_to(to),
        }
    }
}

/// Everything that the databases hold.
pub(super) async fn databases(plan: &Plan) -> Vec<(String, Vec<u8>)> {
    let mut held = Vec::new();
    for service in SERVICES {
        match plan.database(&service.to_uppercase()) {
            DatabaseUrl::Postgres(url) => held.extend(tables(&url).await),
            DatabaseUrl::Sqlite(file) => {
                // While it runs, what is not yet in the database is in its log.
                let log = PathBuf::from(format!("{}-wal", file.display()));
                for file in [file, log] {
                    let bytes = fs::read(&file).expect("it is there");
                    held.push((file.display().to_string(), bytes));
                }
            }
        }
    }
    held
}

/// The rows of all tables, each value as the bytes that it has.
async fn tables(url: &str) -> Vec<(String, Vec<u8>)> {
    let mut connection = PgConnection::connect(url).await.expect("it answers");
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()",
    )
    .fetch_all(&mut connection)
    .await
    .expect("tables");
    let mut held = Vec::new();
    for table in tables {
        let sql = format!("COPY {table} TO STDOUT (FORMAT binary)");
        let mut rows = connection.copy_out_raw(&sql).await.expect("a table");
        let mut bytes = Vec::new();
        while let Some(part) = rows.next().await {
            bytes.extend_from_slice(&part.expect("rows"));
        }
        held.push((table, bytes));
    }
    held
}

/// Every event of a service from its first on, up to one that tells of the thing
/// with this id.
async fn until(stream: Streaming<WatchEventsResponse>, last: &str) -> Vec<u8> {
    let mut stream = stream;
    let mut events = Vec::new();
    loop {
        let event = tokio::time::timeout(PATIENCE, stream.message()).await;
        let event = event.expect("the last event comes");
        let event = event.expect("events").expect("it goes on").encode_to_vec();
        events.extend_from_slice(&event);
        let is_last = event
            .windows(last.len())
            .any(|part| part == last.as_bytes());
        if is_last {
            return events;
        }
    }
}

/// The events of all services, as internal callers see them. Somebody and a
/// project of this person are what was made last.
pub(super) async fn events(
    address: impl Fn(&str) -> String,
    token: &str,
    person: &str,
    project: &str,
) -> Vec<(&'static str, Vec<u8>)> {
    let request = || {
        let mut request = Request::new(WatchEventsRequest {
            cursor: Some("0".to_owned()),
            ..WatchEventsRequest::default()
        });
        let bearer = format!("Bearer {token}").parse().expect("metadata");
        request.metadata_mut().insert("authorization", bearer);
        request
    };
    let channel = async |service: &str| {
        let endpoint = Channel::from_shared(address(service)).expect("an address");
        endpoint.connect().await.expect("gRPC is served")
    };
    let mut users = UsersServiceClient::new(channel("users").await);
    let mut auth = AuthServiceClient::new(channel("auth").await);
    let mut projects = ProjectsServiceClient::new(channel("projects").await);
    let users = users.watch_events(request()).await.expect("a stream");
    let auth = auth.watch_events(request()).await.expect("a stream");
    let projects = projects.watch_events(request()).await.expect("a stream");
    vec![
        (
            "the events of users",
            until(users.into_inner(), person).await,
        ),
        ("the events of auth", until(auth.into_inner(), person).await),
        (
            "the events of projects",
            until(projects.into_inner(), project).await,
        ),
    ]
}
