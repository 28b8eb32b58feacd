//! A running installation, and the people in it.

use std::{collections::BTreeMap, process::Stdio};

use portico::{
    settings::{Purpose, Role, Settings},
    start::{Running, start},
};
use portico_chassis::{
    clock::{Clock, fill_random},
    config::Env,
    database::{
        Database, DatabaseUrl, Migrations,
        testing::{self, TestDatabase},
    },
    serve::testing::free_address,
    token::ServiceIdentity,
};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, process::Command};

use crate::{mail_server::MailServer, rest::Call};

/// The secret that the services of an installation share: 32 bytes of zero.
const SERVICE_SECRET: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
/// The services that tell of changes.
const CHANGING: [&str; 3] = ["users", "auth", "projects"];
const ADMIN_EMAIL: &str = "root@example.com";
/// Good enough for everybody here.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A running installation.
pub(crate) struct Instance {
    pub(crate) http: String,
    pub(crate) grpc: BTreeMap<&'static str, String>,
    pub(crate) client: reqwest::Client,
    /// Where its mails go.
    pub(crate) mails: MailServer,
    running: Vec<Running>,
    databases: Vec<TestDatabase>,
    variables: Variables,
    folder: tempfile::TempDir,
}

/// Somebody with an account, signed in.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) refresh_token: String,
}

type Variables = Vec<(String, String)>;

impl Instance {
    /// Everything in one process, on SQLite.
    pub(crate) async fn in_one_process() -> Self {
        Self::in_one_process_with(&[]).await
    }

    /// Everything in one process, with these settings besides.
    pub(crate) async fn in_one_process_with(extra: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mails = MailServer::start().await;
        let mut variables = common(&folder, &mails, extra);
        for name in ["GATEWAY", "ADMIN", "GRPC"] {
            variables.push((format!("PORTICO_{name}_LISTEN"), "127.0.0.1:0".to_owned()));
        }
        let running = run(variables.clone(), &Role::ALL).await;
        let grpc = format!("http://{}", running.grpc.expect("gRPC is served"));
        Self {
            http: format!("http://{}", running.gateway.expect("HTTP is served")),
            grpc: ["users", "auth", "projects", "notifications"]
                .map(|role| (role, grpc.clone()))
                .into(),
            client: client(),
            mails,
            running: vec![running],
            databases: Vec::new(),
            variables,
            folder,
        }
    }

    /// Each role on its own, on PostgreSQL.
    pub(crate) async fn as_separate_roles() -> Self {
        Self::as_separate_roles_with(&[]).await
    }

    /// Each role on its own, with these settings besides.
    pub(crate) async fn as_separate_roles_with(extra: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mails = MailServer::start().await;
        let mut variables = common(&folder, &mails, extra);
        variables.push(("PORTICO_PROFILE".to_owned(), "production".to_owned()));
        let mut key = [0; 32];
        fill_random(&mut key);
        variables.push(("PORTICO_MASTER_KEY".to_owned(), SERVICE_SECRET.to_owned()));
        variables.push(("PORTICO_ADMIN_LISTEN".to_owned(), "127.0.0.1:0".to_owned()));
        variables.push((
            "PORTICO_GATEWAY_LISTEN".to_owned(),
            "127.0.0.1:0".to_owned(),
        ));
        let (mut databases, mut grpc) = (Vec::new(), BTreeMap::new());
        let services: [(&str, &Migrations); 4] = [
            ("users", &portico_users::MIGRATIONS),
            ("auth", &portico_auth::MIGRATIONS),
            ("projects", &portico_projects::MIGRATIONS),
            ("notifications", &portico_notifications::MIGRATIONS),
        ];
        for (role, migrations) in services {
            let database = testing::postgres(migrations).await;
            let DatabaseUrl::Postgres(url) = database.url.clone() else {
                panic!("a PostgreSQL database");
            };
            let address = free_address();
            let name = role.to_uppercase();
            variables.push((format!("PORTICO_{name}_DATABASE_URL"), url));
            variables.push((format!("PORTICO_{name}_LISTEN"), address.clone()));
            variables.push((format!("PORTICO_{name}_URL"), format!("http://{address}")));
            grpc.insert(role, format!("http://{address}"));
            databases.push(database);
        }
        // All at once, as on a cluster: none waits for another.
        let running = tokio::join!(
            run(variables.clone(), &[Role::Users]),
            run(variables.clone(), &[Role::Projects]),
            run(variables.clone(), &[Role::Auth]),
            run(variables.clone(), &[Role::Notifications]),
            run(variables.clone(), &[Role::Gateway]),
        );
        let running = vec![running.0, running.1, running.2, running.3, running.4];
        let gateway = running[4].gateway.expect("HTTP is served");
        let instance = Self {
            http: format!("http://{gateway}"),
            grpc,
            client: client(),
            mails,
            running,
            databases,
            variables,
            folder,
        };
        instance.wait_until_ready().await;
        instance
    }

    /// Starts one more gateway over the separate roles, and returns where it is.
    pub(crate) async fn another_gateway(&mut self) -> String {
        let gateway = run(self.variables.clone(), &[Role::Gateway]).await;
        let http = format!("http://{}", gateway.gateway.expect("HTTP is served"));
        self.running.push(gateway);
        self.wait_until_ready().await;
        http
    }

    /// Stops the gateway that was started last, as SIGTERM would.
    pub(crate) async fn stop_gateway(&mut self) {
        let gateway = self.running.pop().expect("a gateway");
        assert!(gateway.gateway.is_some(), "the last one is a gateway");
        gateway.stop().await.expect("it stops in time");
    }

    /// Waits until every role finds its peers, and the first administrator is
    /// made.
    async fn wait_until_ready(&self) {
        for running in &self.running {
            let url = format!("http://{}/readyz", running.admin);
            loop {
                let answer = self
                    .client
                    .get(&url)
                    .send()
                    .await
                    .expect("the admin port answers");
                if answer.text().await.expect("a text") == "ok\n" {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
    }

    /// Stops the installation as SIGTERM would, and removes its data.
    pub(crate) async fn stop(self) {
        for running in self.running.into_iter().rev() {
            running.stop().await.expect("it stops in time");
        }
        for database in self.databases {
            database.close().await;
        }
    }

    /// Everything that the outboxes of all services hold, a row a text.
    pub(crate) async fn outboxes(&self) -> Vec<String> {
        let sql = "SELECT kind || ' ' || payload || ' ' || coalesce(changes, '') || ' ' || \
            coalesce(details, '') || ' ' || actor || ' ' || request_id || ' ' || \
            coalesce(traceparent, '') || ' ' || coalesce(client_ip, '') FROM outbox";
        let mut rows: Vec<String> = Vec::new();
        // Notifications, the last of the services, has none.
        for database in self.databases.iter().take(CHANGING.len()) {
            if let Database::Postgres(database) = &database.database {
                let query = sqlx::query_scalar(sql).fetch_all(&database.pool);
                rows.extend(query.await.expect("rows"));
            }
        }
        if self.databases.is_empty() {
            for role in CHANGING {
                let file = self.folder.path().join(format!("data/{role}.db"));
                let url = DatabaseUrl::Sqlite(file);
                let database = Database::open(&url, 1).await.expect("it opens");
                if let Database::Sqlite(database) = &database {
                    let query = sqlx::query_scalar(sql).fetch_all(&database.readers);
                    rows.extend(query.await.expect("rows"));
                }
                database.close().await;
            }
        }
        rows
    }

    /// The database of a service, where each has one on PostgreSQL.
    pub(crate) fn database(&self, role: &str) -> Option<Database> {
        let place = ["users", "auth", "projects", "notifications"]
            .iter()
            .position(|known| *known == role)?;
        self.databases
            .get(place)
            .map(|known| known.database.clone())
    }

    /// A file of the installation's data.
    pub(crate) fn data(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("data").join(name)
    }

    /// The address of the admin port of the first process.
    pub(crate) fn admin(&self) -> String {
        format!("http://{}", self.running[0].admin)
    }

    /// A call over REST, such as `GET /api/v1/projects`.
    pub(crate) fn call(&self, line: &str) -> Call<'_> {
        let (method, path) = line.split_once(' ').expect("a method and a path");
        Call::new(&self.client, method, &format!("{}{path}", self.http))
    }

    /// Makes an account over REST.
    pub(crate) async fn register(&self, name: &str) -> Person {
        let email = format!("{name}@example.com");
        let body = json!({"email": email, "password": PASSWORD, "name": name});
        let data = self
            .call("POST /api/v1/auth/register")
            .json(body)
            .expect(201)
            .await;
        Person::of(&data)
    }

    /// Makes an account as the operator does, who vouches for its address.
    pub(crate) async fn verified(&self, name: &str) -> Person {
        let email = format!("{name}@example.com");
        let arguments = ["--password-stdin", "--email", &email, "--name", name];
        self.admin_command("create-user", &arguments).await;
        self.login(&email).await
    }

    /// Runs one of the operator's commands about accounts. Who asks for a
    /// password gets the one of everybody here.
    pub(crate) async fn admin_command(&self, name: &str, arguments: &[&str]) {
        let mut command = self
            .command(&["admin", name])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut stdin = command.stdin.take().expect("it is piped");
        // Who asks for none may have ended before.
        let _ = stdin.write_all(PASSWORD.as_bytes()).await;
        drop(stdin);
        let status = command.wait().await.expect("it ends");
        assert!(status.success(), "{status}");
    }

    /// A command of the operator's, beside this installation.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portico"));
        command
            .args(arguments)
            .env_clear()
            .envs(self.variables.iter().cloned())
            .kill_on_drop(true);
        command
    }

    /// A folder that vanishes with this installation.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Signs in over REST.
    pub(crate) async fn login(&self, email: &str) -> Person {
        let body = json!({"email": email, "password": PASSWORD});
        let data = self
            .call("POST /api/v1/auth/login")
            .json(body)
            .expect(200)
            .await;
        Person::of(&data)
    }

    /// The first administrator, signed in.
    pub(crate) async fn admin_person(&self) -> Person {
        self.login(ADMIN_EMAIL).await
    }

    /// A project of this person.
    pub(crate) async fn project(&self, owner: &Person, name: &str) -> Value {
        let call = self.call("POST /api/v1/projects").bearer(owner);
        call.json(json!({"name": name})).expect(201).await
    }

    /// A token of another service of this installation.
    pub(crate) fn service_token(&self) -> String {
        let secret = [0; 32];
        let identity = ServiceIdentity::new("test", &secret, Clock::system());
        identity.token().expect("a token").to_string()
    }
}

impl Person {
    /// The person that a sign-in answered.
    pub(crate) fn of(data: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let there = |value| text(value).unwrap_or_else(|| panic!("nobody is signed in by {data}"));
        Self {
            id: there(&data["user"]["id"]),
            email: there(&data["user"]["email"]),
            name: there(&data["user"]["name"]),
            token: there(&data["token"]),
            // A browser has it in a cookie.
            refresh_token: text(&data["refreshToken"]).unwrap_or_default(),
        }
    }
}

fn common(folder: &tempfile::TempDir, mails: &MailServer, extra: &[(&str, &str)]) -> Variables {
    let data = folder.path().join("data");
    let mail_server = format!("smtp://{}", mails.address);
    let mut variables: Vec<(String, String)> = [
        ("PORTICO_DATA_DIR", data.to_str().expect("a path")),
        ("PORTICO_SERVICE_SECRET", SERVICE_SECRET),
        ("PORTICO_PUBLIC_URL", "http://localhost:8080"),
        ("PORTICO_SMTP_URL", &mail_server),
        ("PORTICO_MAIL_FROM", "Portico <portico@example.com>"),
        ("PORTICO_BOOTSTRAP_ADMIN_EMAIL", ADMIN_EMAIL),
        ("PORTICO_BOOTSTRAP_ADMIN_PASSWORD", PASSWORD),
        ("PORTICO_RATE_LIMIT_ANONYMOUS", "off"),
        ("PORTICO_RATE_LIMIT_USER", "off"),
        ("PORTICO_RATE_LIMIT_CREDENTIALS", "off"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    for (name, value) in extra {
        variables.retain(|(known, _)| known != name);
        variables.push(((*name).to_owned(), (*value).to_owned()));
    }
    variables
}

async fn run(variables: Variables, roles: &'static [Role]) -> Running {
    let settings = Settings::read(Env::of(variables), Purpose::Serve(roles)).expect("valid");
    start(&settings).await.expect("it starts")
}

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client")
}
