//! All settings of a process, read from the environment before anything
//! starts, so that every mistake is told at once.

use std::{net::SocketAddr, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use clap::ValueEnum;
use portico_chassis::{
    clock::Clock,
    config::{self, Env},
    database::DatabaseUrl,
    telemetry::LogFormat,
    tls::Tls,
    upstream::Target,
};

use crate::secrets;

const MASTER_KEY_FILE: &str = "master.key";

const EVENT_RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);

/// The longest that a process may go on serving after it was told to stop.
const MAX_DRAIN: Duration = Duration::from_secs(5 * 60);

/// A part of Portico that can run in a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// People.
    Users,
    /// Accounts and sign-in.
    Auth,
    /// Projects and members.
    Projects,
    /// Mails.
    Notifications,
    /// REST/JSON for the outside.
    Gateway,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [
        Self::Users,
        Self::Auth,
        Self::Projects,
        Self::Notifications,
        Self::Gateway,
    ];

    /// The role's name, as in `portico users` and `service:users`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Auth => "auth",
            Self::Projects => "projects",
            Self::Notifications => "notifications",
            Self::Gateway => "gateway",
        }
    }

    /// Where the role listens for gRPC on its own, unless told otherwise.
    const fn default_port(self) -> u16 {
        match self {
            Self::Users => 50061,
            Self::Auth => 50062,
            Self::Projects => 50063,
            Self::Notifications => 50064,
            Self::Gateway => 8080,
        }
    }

    /// The name of a setting of the role.
    pub(crate) fn variable(self, setting: &str) -> String {
        format!("PORTICO_{}_{setting}", self.name().to_uppercase())
    }
}

/// Which defaults are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Made secrets, embedded databases, migrations at start.
    Dev,
    /// Nothing that is not stated.
    Production,
}

/// A role's address for others, and its data.
#[derive(Debug, Clone)]
pub struct Place {
    /// The role.
    pub role: Role,
    /// Where it keeps its data; the gateway has none.
    pub database: Option<DatabaseUrl>,
    /// Where it is reached, if not in this process.
    pub target: Option<Target>,
}

/// What a process is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// Serving roles.
    Serve(&'a [Role]),
    /// One command that works on the data of these roles.
    Command(&'a [Role]),
    /// Looking whether these roles could be served; without any, those that the
    /// environment has something for.
    Check(&'a [Role]),
}

/// All settings of a process.
pub struct Settings {
    /// Which roles it runs, or works for.
    pub roles: Vec<Role>,
    /// Which defaults are allowed.
    pub profile: Profile,
    /// The public URL, which is the issuer of access tokens.
    pub public_url: String,
    /// The audience of access tokens.
    pub audience: String,
    /// The secret that the services share.
    pub service_secret: Vec<u8>,
    /// Where HTTP is served, by the gateway.
    pub gateway_listen: SocketAddr,
    /// Where probes and metrics are served.
    pub admin_listen: SocketAddr,
    /// Where gRPC is served, by the services.
    pub grpc_listen: SocketAddr,
    /// The name of the setting behind `grpc_listen`, for messages.
    pub grpc_setting: String,
    /// Where each role is.
    pub places: Vec<Place>,
    /// What this process shows to others, and whom it trusts, by TLS.
    pub tls: Option<Arc<Tls>>,
    /// Database connections of each service.
    pub connections: u32,
    /// How long the process goes on serving, not ready any more, after it was
    /// told to stop.
    pub drain: Duration,
    /// How long events are kept for streams.
    pub event_retention: Duration,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which events are logged, in `RUST_LOG`'s syntax.
    pub log_level: String,
    /// The OpenTelemetry collector that spans are exported to.
    pub collector: Option<String>,
    /// What the auth role needs, if this process runs it.
    pub auth: Option<portico_auth::Config>,
    /// What the notifications role needs, if this process runs it.
    pub notifications: Option<portico_notifications::Config>,
    /// What the gateway needs, if this process runs it.
    pub gateway: Option<portico_gateway::Config>,
    /// What is odd about the environment, but no mistake.
    pub warnings: Vec<String>,
}

impl Settings {
    /// Reads the settings of a process.
    ///
    /// # Errors
    ///
    /// All mistakes, by name.
    pub fn read(mut env: Env, purpose: Purpose<'_>) -> anyhow::Result<Self> {
        let data = PathBuf::from(env.text("PORTICO_DATA_DIR").unwrap_or("./data".to_owned()));
        let is_dev_usual = match purpose {
            Purpose::Serve(roles) => roles == Role::ALL,
            // A command beside a development installation is meant for it.
            Purpose::Command(_) | Purpose::Check(_) => data.join(MASTER_KEY_FILE).exists(),
        };
        let usual = if is_dev_usual {
            Profile::Dev
        } else {
            Profile::Production
        };
        let profile = env.parse("PORTICO_PROFILE", usual, |text| match text {
            "dev" => Ok(Profile::Dev),
            "production" => Ok(Profile::Production),
            _ => Err("dev or production".to_owned()),
        });
        if profile == Profile::Dev {
            set_dev_defaults(&mut env, &data)?;
        }
        let roles = match purpose {
            Purpose::Check([]) => configured(&mut env),
            Purpose::Serve(roles) | Purpose::Command(roles) | Purpose::Check(roles) => {
                roles.to_vec()
            }
        };
        let service_secret = env
            .secret("PORTICO_SERVICE_SECRET", key)
            .unwrap_or_else(|| {
                env.missing("PORTICO_SERVICE_SECRET", "32 bytes or more in base64");
                Vec::new()
            });
        let places = Role::ALL
            .into_iter()
            .map(|role| place(&mut env, role, &roles, purpose))
            .collect();
        env.know(portico_auth::Config::read);
        env.know(portico_gateway::Config::read);
        env.know(|env| portico_notifications::Config::read(env, None));
        let auth = if roles.contains(&Role::Auth) {
            portico_auth::Config::read(&mut env)
        } else {
            None
        };
        let has_mailbox = profile == Profile::Dev && !env.is_given("PORTICO_SMTP_URL");
        let mailbox = has_mailbox.then(|| data.join("mailbox"));
        let notifications = if roles.contains(&Role::Notifications) {
            portico_notifications::Config::read(&mut env, mailbox.clone())
        } else {
            None
        };
        let gateway = roles
            .contains(&Role::Gateway)
            .then(|| portico_gateway::Config::read(&mut env))
            .map(|gateway| portico_gateway::Config { mailbox, ..gateway });
        let (grpc_listen, grpc_setting) = grpc_listen(&mut env, &roles);
        let tls = tls(&mut env, purpose);
        let pretty = if profile == Profile::Dev {
            LogFormat::Pretty
        } else {
            LogFormat::Json
        };
        let settings = Self {
            roles,
            profile,
            public_url: public_url(&mut env),
            audience: env
                .text("PORTICO_TOKEN_AUDIENCE")
                .unwrap_or("portico".to_owned()),
            service_secret,
            gateway_listen: listen(
                &mut env,
                "PORTICO_GATEWAY_LISTEN",
                Role::Gateway.default_port(),
            ),
            admin_listen: listen(&mut env, "PORTICO_ADMIN_LISTEN", 9090),
            grpc_listen,
            grpc_setting,
            places,
            tls,
            connections: env.parse("PORTICO_DATABASE_CONNECTIONS", 10, |text| {
                text.parse()
                    .ok()
                    .filter(|number| (1..=1000).contains(number))
                    .ok_or_else(|| "a number from 1 to 1000".to_owned())
            }),
            drain: env.parse("PORTICO_DRAIN", Duration::ZERO, drain),
            event_retention: env.parse("PORTICO_EVENT_RETENTION", EVENT_RETENTION, event_retention),
            log_format: env.parse("PORTICO_LOG_FORMAT", pretty, |text| match text {
                "pretty" => Ok(LogFormat::Pretty),
                "json" => Ok(LogFormat::Json),
                _ => Err("pretty or json".to_owned()),
            }),
            log_level: env.text("RUST_LOG").unwrap_or("info".to_owned()),
            collector: [
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                "OTEL_EXPORTER_OTLP_ENDPOINT",
            ]
            .iter()
            .find_map(|name| env.text(name)),
            auth,
            notifications,
            gateway,
            warnings: env.unknown(),
        };
        env.finish()?;
        Ok(settings)
    }

    /// Whether the process runs this role.
    #[must_use]
    pub fn runs(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Where a role is.
    #[must_use]
    pub fn place(&self, role: Role) -> &Place {
        &self.places[role as usize]
    }
}

/// What a development installation need not state.
fn set_dev_defaults(env: &mut Env, data: &std::path::Path) -> anyhow::Result<()> {
    let listen = env.text("PORTICO_GATEWAY_LISTEN");
    let port = listen
        .and_then(|listen| config::listen(&listen).ok())
        .map(|address| address.port())
        .filter(|port| *port != 0)
        .unwrap_or(Role::Gateway.default_port());
    env.set_default("PORTICO_PUBLIC_URL", format!("http://localhost:{port}"));
    for (name, file) in [
        ("PORTICO_MASTER_KEY", MASTER_KEY_FILE),
        ("PORTICO_SERVICE_SECRET", "service.secret"),
    ] {
        env.set_default(name, secrets::read_or_make(data, file)?);
    }
    env.set_default("PORTICO_MAIL_FROM", "Portico <portico@localhost>");
    for role in Role::ALL {
        if role == Role::Gateway {
            continue;
        }
        let file = data.join(format!("{}.db", role.name()));
        env.set_default(
            &role.variable("DATABASE_URL"),
            format!("sqlite://{}", file.display()),
        );
    }
    Ok(())
}

/// The roles that an environment has something for: the services that have a
/// database, and the gateway where it can reach all others.
fn configured(env: &mut Env) -> Vec<Role> {
    let services = &Role::ALL[..4];
    let has_database = |role: &Role, env: &mut Env| env.is_given(&role.variable("DATABASE_URL"));
    let mut roles = services.to_vec();
    roles.retain(|role| has_database(role, env));
    let mut is_reached =
        |role: &Role| roles.contains(role) || env.text(&role.variable("URL")).is_some();
    if services.iter().all(&mut is_reached) || roles.is_empty() {
        roles.push(Role::Gateway);
    }
    roles
}

/// Where a role is: its database if this process runs it or works on it, and
/// its address if this process calls it elsewhere.
fn place(env: &mut Env, role: Role, roles: &[Role], purpose: Purpose<'_>) -> Place {
    let (mut database, mut target) = (None, None);
    if role == Role::Gateway {
        return Place {
            role,
            database,
            target,
        };
    }
    let name = role.variable("DATABASE_URL");
    database = env.secret(&name, DatabaseUrl::from_str);
    if database.is_none() && roles.contains(&role) {
        env.missing(&name, "postgres://… or sqlite://…");
    }
    let name = role.variable("URL");
    target = env.parse(&name, None, |text| Target::from_str(text).map(Some));
    // Several processes may share one environment; what this one does not call
    // it need not wait for.
    let is_needed = !roles.contains(&role) && calls(roles, role);
    let (is_called, is_kept) = match purpose {
        Purpose::Serve(_) => (is_needed, is_needed),
        Purpose::Command(_) => (false, false),
        Purpose::Check(_) => (is_needed, true),
    };
    if !is_kept {
        target = None;
    } else if is_called && target.is_none() {
        env.missing(
            &name,
            "where the service is, http(s)://host:port or dns:///host:port",
        );
    }
    Place {
        role,
        database,
        target,
    }
}

/// Events tell of people, of whom nothing is kept 30 days after they were
/// deleted.
fn event_retention(text: &str) -> Result<Duration, String> {
    match config::duration(text)? {
        longer if longer > EVENT_RETENTION => Err("at most 30d".to_owned()),
        retention => Ok(retention),
    }
}

fn drain(text: &str) -> Result<Duration, String> {
    match config::duration(text)? {
        longer if longer > MAX_DRAIN => Err("at most 5m".to_owned()),
        drain => Ok(drain),
    }
}

/// Whether one of the roles calls `other`: all need auth to check tokens.
fn calls(roles: &[Role], other: Role) -> bool {
    roles.iter().any(|role| match role {
        Role::Users => other == Role::Auth,
        Role::Projects => matches!(other, Role::Auth | Role::Users),
        Role::Auth => matches!(other, Role::Users | Role::Projects),
        Role::Notifications => matches!(other, Role::Users | Role::Auth | Role::Projects),
        Role::Gateway => true,
    })
}

/// One gRPC port for everything, or that of the one role.
fn grpc_listen(env: &mut Env, roles: &[Role]) -> (SocketAddr, String) {
    let (name, port) = match roles {
        [role] if *role != Role::Gateway => (role.variable("LISTEN"), role.default_port()),
        _ => ("PORTICO_GRPC_LISTEN".to_owned(), 50051),
    };
    // All names are known to every process, so that one environment can serve
    // several of them.
    for role in Role::ALL {
        env.text(&role.variable("LISTEN"));
    }
    env.text("PORTICO_GRPC_LISTEN");
    (listen(env, &name, port), name)
}

/// The certificates, which a command that calls nobody needs none of.
fn tls(env: &mut Env, purpose: Purpose) -> Option<Arc<Tls>> {
    let read = |env: &mut Env| Tls::read(env, Clock::system());
    match purpose {
        Purpose::Serve(_) | Purpose::Check(_) => read(env).map(Arc::new),
        Purpose::Command(_) => {
            env.know(read);
            None
        }
    }
}

/// The issuer that every role expects in tokens.
fn public_url(env: &mut Env) -> String {
    let name = "PORTICO_PUBLIC_URL";
    let url = env.text(name).unwrap_or_else(|| {
        env.missing(
            name,
            "the URL that clients find Portico at, which is the issuer of tokens",
        );
        String::new()
    });
    url.trim_end_matches('/').to_owned()
}

fn listen(env: &mut Env, name: &str, port: u16) -> SocketAddr {
    env.parse(
        name,
        SocketAddr::from(([127, 0, 0, 1], port)),
        config::listen,
    )
}

fn key(text: &str) -> Result<Vec<u8>, String> {
    BASE64_STANDARD
        .decode(text)
        .ok()
        .filter(|bytes| bytes.len() >= 32)
        .ok_or_else(|| "32 bytes or more in base64".to_owned())
}
