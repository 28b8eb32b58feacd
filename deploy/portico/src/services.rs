//! Builds the services of a process on their databases. The only place that
//! knows all roles.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, bail};
use portico_auth::{Accounts, FirstAdmin, Tokens};
use portico_chassis::{
    clock::Clock,
    database::{Database, DatabaseUrl, Fit, Migrations},
    outbox::Outbox,
    serve::{App, Background, Check, Readiness},
    status::Kind,
    upstream::Upstream,
};
use portico_proto::{
    auth::{
        account_data_service_client::AccountDataServiceClient,
        auth_service_client::AuthServiceClient, links_service_client::LinksServiceClient,
    },
    projects::projects_service_client::ProjectsServiceClient,
    users::users_service_client::UsersServiceClient,
};
use tokio_util::sync::CancellationToken;

use crate::{
    commands::is_half_moved,
    platform::Platform,
    secrets,
    settings::{Profile, Role, Settings},
};

/// How often a peer that does not answer yet is tried.
const PEER_INTERVAL: Duration = Duration::from_millis(500);

/// The schema of a role.
pub(crate) fn migrations(role: Role) -> Option<&'static Migrations> {
    match role {
        Role::Users => Some(&portico_users::MIGRATIONS),
        Role::Auth => Some(&portico_auth::MIGRATIONS),
        Role::Projects => Some(&portico_projects::MIGRATIONS),
        Role::Notifications => Some(&portico_notifications::MIGRATIONS),
        Role::Gateway => None,
    }
}

/// Refuses a database whose schema lacks something that this version needs.
pub(crate) fn must_fit(name: &str, fit: Fit) -> anyhow::Result<()> {
    match fit {
        Fit::Fits => Ok(()),
        Fit::Behind(pending) => {
            bail!("the {name} database lacks {pending} migrations: run `portico migrate`")
        }
        Fit::TakenAway(taken_away) => bail!("the {name} database cannot be used: {taken_away}"),
    }
}

/// Opens a role's database, with its folder.
pub(crate) async fn open(url: &DatabaseUrl, connections: u32) -> anyhow::Result<Database> {
    if let DatabaseUrl::Sqlite(path) = url
        && let Some(folder) = path.parent()
        && !folder.as_os_str().is_empty()
    {
        secrets::make_folder(folder)?;
    }
    Database::open(url, connections)
        .await
        .with_context(|| match url {
            DatabaseUrl::Sqlite(path) => format!("cannot open the database {}", path.display()),
            DatabaseUrl::Postgres(_) => "cannot open the PostgreSQL database".to_owned(),
        })
}

/// The services of a process, ready to be called.
pub(crate) struct Services {
    pub(crate) platform: Platform,
    pub(crate) users: Option<Upstream>,
    pub(crate) auth: Option<Upstream>,
    pub(crate) projects: Option<Upstream>,
    pub(crate) notifications: Option<Upstream>,
    pub(crate) tokens: Option<Upstream>,
    tokens_ring: Option<Tokens>,
    pub(crate) accounts: Option<Accounts>,
    /// The routes that this process serves over gRPC.
    pub(crate) routes: Vec<axum::Router>,
    pub(crate) background: Vec<Background>,
    pub(crate) databases: Vec<(Role, Database)>,
    /// Whether the first administrator is still to be made.
    awaits_first_admin: Arc<AtomicBool>,
}

impl Services {
    /// Builds the services of the process in the order tokens, users,
    /// projects, auth, notifications: each calls only those before it.
    pub(crate) async fn build(settings: &Settings) -> anyhow::Result<Self> {
        let name = match settings.roles.as_slice() {
            [role] => role.name(),
            _ => "portico",
        };
        let platform = Platform::new(settings, name, Clock::system());
        let mut services = Self {
            platform,
            users: None,
            auth: None,
            projects: None,
            notifications: None,
            tokens: None,
            tokens_ring: None,
            accounts: None,
            routes: Vec::new(),
            background: Vec::new(),
            databases: Vec::new(),
            awaits_first_admin: Arc::default(),
        };
        services.open_databases(settings).await?;
        let clock = services.platform.clock.clone();

        services.tokens = match &settings.auth {
            Some(config) => {
                let database = services.database(Role::Auth)?;
                let (ring, app) =
                    portico_auth::build_tokens(config, database, clock.clone()).await?;
                services.tokens_ring = Some(ring);
                Some(services.add(app))
            }
            None => services.remote(settings, Role::Auth),
        };
        if let Some(upstream) = services.tokens.clone() {
            services.platform.set_tokens(upstream.clone());
            let revocations = services.platform.revocations();
            let heard = revocations.clone();
            services.platform.metrics.look(move |metrics| {
                if let Some(age) = heard.age() {
                    metrics.set_revocations_age(age);
                }
            });
            services.background.push(Box::new(move |stop| {
                Box::pin(Platform::follow_revocations(revocations, upstream, stop))
            }));
        }

        services.users = if settings.runs(Role::Users) {
            let database = services.database(Role::Users)?;
            let outbox = services.outbox(Role::Users, settings)?;
            let app = portico_users::build(database, outbox, clock.clone());
            Some(services.add(app))
        } else {
            services.remote(settings, Role::Users)
        };

        services.projects = if settings.runs(Role::Projects) {
            let users = services.users.clone().context("projects needs users")?;
            let peers = portico_projects::Peers {
                users: UsersServiceClient::new(users),
            };
            let database = services.database(Role::Projects)?;
            let outbox = services.outbox(Role::Projects, settings)?;
            let metrics = &services.platform.metrics;
            let app = portico_projects::build(database, outbox, clock.clone(), peers, metrics);
            Some(services.add(app))
        } else {
            services.remote(settings, Role::Projects)
        };

        services.auth = match (&settings.auth, &services.tokens_ring) {
            (Some(config), Some(tokens)) => {
                let users = services.users.clone().context("auth needs users")?;
                let projects = services.projects.clone().context("auth needs projects")?;
                let peers = portico_auth::Peers {
                    users: UsersServiceClient::new(users),
                    projects: ProjectsServiceClient::new(projects),
                };
                let metrics = services.platform.metrics.clone();
                let outbox = services.outbox(Role::Auth, settings)?;
                let database = services.database(Role::Auth)?.clone();
                let accounts = Accounts::new(config, tokens, peers, database, outbox, metrics)?;
                let app = portico_auth::build(&accounts);
                services.accounts = Some(accounts);
                Some(services.add(app))
            }
            _ => services.remote(settings, Role::Auth),
        };

        services.notifications = match &settings.notifications {
            Some(config) => {
                let (users, auth) = (services.users.clone(), services.auth.clone());
                let (users, auth) = users.zip(auth).context("notifications needs auth")?;
                let projects = services.projects.clone();
                let projects = projects.context("notifications needs projects")?;
                let peers = portico_notifications::Peers {
                    users: UsersServiceClient::new(users),
                    auth: AuthServiceClient::new(auth.clone()),
                    links: LinksServiceClient::new(auth.clone()),
                    accounts: AccountDataServiceClient::new(auth),
                    projects: ProjectsServiceClient::new(projects),
                };
                let metrics = services.platform.metrics.clone();
                let database = services.database(Role::Notifications)?;
                let app = portico_notifications::build(config, database, clock, peers, metrics)?;
                Some(services.add(app))
            }
            None => services.remote(settings, Role::Notifications),
        };
        Ok(services)
    }

    /// What issues tokens, alone, for the operator's commands.
    pub(crate) async fn tokens_of(settings: &Settings) -> anyhow::Result<Tokens> {
        let config = settings.auth.as_ref().context("auth is not configured")?;
        let url = settings.place(Role::Auth).database.as_ref();
        let database = open(url.context("auth has no database")?, 2).await?;
        refuse_half_moved(&database, Role::Auth.name()).await?;
        let (tokens, _app) = portico_auth::build_tokens(config, &database, Clock::system()).await?;
        Ok(tokens)
    }

    async fn open_databases(&mut self, settings: &Settings) -> anyhow::Result<()> {
        for place in &settings.places {
            let (Some(url), Some(migrations)) = (&place.database, migrations(place.role)) else {
                continue;
            };
            if !settings.runs(place.role) {
                continue;
            }
            let name = place.role.name();
            let connections = match (place.role, url) {
                // Each reader of a file takes memory, and few read mails.
                (Role::Notifications, DatabaseUrl::Sqlite(_)) => 1,
                _ => settings.connections,
            };
            let database = open(url, connections).await?;
            refuse_half_moved(&database, name).await?;
            if settings.profile == Profile::Dev {
                database
                    .migrate(migrations)
                    .await
                    .with_context(|| format!("cannot bring the {name} database up to date"))?;
            } else {
                let fit = database
                    .fit(migrations)
                    .await
                    .with_context(|| format!("the {name} database does not answer"))?;
                must_fit(name, fit)?;
            }
            database.count_connections(&self.platform.metrics, name);
            self.databases.push((place.role, database));
        }
        Ok(())
    }

    fn database(&self, role: Role) -> anyhow::Result<&Database> {
        let found = self.databases.iter().find(|(owner, _)| *owner == role);
        found
            .map(|(_, database)| database)
            .with_context(|| format!("the {} role has no database", role.name()))
    }

    /// The events of a role of this process.
    fn outbox(&self, role: Role, settings: &Settings) -> anyhow::Result<Outbox> {
        let database = self.database(role)?.clone();
        let clock = self.platform.clock.clone();
        Ok(Outbox::new(database, clock, settings.event_retention))
    }

    /// Takes in a service of this process: behind the guard, on the gRPC port,
    /// and reachable for the others.
    fn add(&mut self, app: App) -> Upstream {
        let routes = self.platform.guard.protect(app.routes);
        self.background.extend(app.background);
        self.routes.push(routes.clone());
        self.platform.local(routes)
    }

    fn remote(&self, settings: &Settings, role: Role) -> Option<Upstream> {
        let target = settings.place(role).target.clone()?;
        Some(self.platform.remote(target))
    }

    /// Makes the first administrator: in one process before anything is
    /// served, so that a password that was made for it can be shown; on its own,
    /// auth does it as soon as its peers answer. One that was configured is known
    /// already, and is not shown.
    pub(crate) async fn first_admin(
        &mut self,
        settings: &Settings,
    ) -> anyhow::Result<Option<FirstAdmin>> {
        let (Some(config), Some(accounts)) = (&settings.auth, &self.accounts) else {
            return Ok(None);
        };
        if !settings.runs(Role::Users) {
            if let Some(admin) = config.first_admin.clone() {
                let (accounts, awaited) = (accounts.clone(), self.awaits_first_admin.clone());
                awaited.store(true, Ordering::SeqCst);
                self.background.push(Box::new(move |stop| {
                    Box::pin(make_first_admin(accounts, admin, awaited, stop))
                }));
            }
            return Ok(None);
        }
        let admin = match &config.first_admin {
            Some(admin) => admin.clone(),
            None if settings.profile == Profile::Dev => FirstAdmin {
                email: "admin@example.com".to_owned(),
                password: secrets::random_password(),
            },
            None => return Ok(None),
        };
        let is_new = accounts.make_first_admin(&admin).await?;
        let is_told = is_new && config.first_admin.is_none();
        Ok(is_told.then_some(admin))
    }

    /// The gateway does nothing by itself, so it needs the roles that it calls.
    /// A service needs its database and to know who was revoked; auth, which tells
    /// that, needs nobody: a circle would never come up.
    pub(crate) fn readiness(&self, settings: &Settings) -> Arc<Readiness> {
        let (mut needed, mut told) = (Vec::new(), Vec::new());
        for (role, database) in &self.databases {
            let name = match role {
                Role::Users => "users database",
                Role::Auth => "auth database",
                Role::Projects => "projects database",
                Role::Notifications | Role::Gateway => "notifications database",
            };
            let database = database.clone();
            needed.push(check(name, move || {
                let database = database.clone();
                async move { database.ping().await.map_err(|error| error.to_string()) }
            }));
        }
        let revocations = self.platform.revocations();
        needed.push(check("revocations", move || {
            let is_current = revocations.is_current();
            async move { is_there(is_current, "not caught up") }
        }));
        // Without notifications, mails wait, and all else goes on.
        let peers = if settings.runs(Role::Gateway) {
            &mut needed
        } else {
            &mut told
        };
        for (name, upstream) in [
            ("users", &self.users),
            ("auth", &self.auth),
            ("projects", &self.projects),
        ] {
            let Some(upstream) = upstream.clone() else {
                continue;
            };
            peers.push(check(name, move || {
                let upstream = upstream.clone();
                async move { is_there(upstream.is_reachable().await, "not reachable") }
            }));
        }
        let awaited = self.awaits_first_admin.clone();
        told.push(check("first administrator", move || {
            let is_made = !awaited.load(Ordering::SeqCst);
            async move { is_there(is_made, "not made yet") }
        }));
        Readiness::new(needed, told)
    }

    /// The way to each gRPC service that the gateway routes to.
    pub(crate) fn upstreams(&self) -> HashMap<&'static str, Upstream> {
        [
            ("portico.users.v1.UsersService", &self.users),
            ("portico.auth.v1.AuthService", &self.auth),
            ("portico.auth.v1.ApiKeysService", &self.auth),
            ("portico.auth.v1.ServiceAccountsService", &self.auth),
            ("portico.auth.v1.SupportService", &self.auth),
            ("portico.auth.v1.FactorsService", &self.auth),
            ("portico.auth.v1.LinksService", &self.auth),
            ("portico.auth.v1.PasswordsService", &self.auth),
            ("portico.auth.v1.TokensService", &self.tokens),
            ("portico.projects.v1.ProjectsService", &self.projects),
            (
                "portico.notifications.v1.NotificationsService",
                &self.notifications,
            ),
            ("portico.privacy.v1.PrivacyService", &self.notifications),
        ]
        .into_iter()
        .filter_map(|(name, upstream)| Some((name, upstream.clone()?)))
        .collect()
    }
}

/// Nobody works on a database that is not all there yet.
async fn refuse_half_moved(database: &Database, name: &str) -> anyhow::Result<()> {
    let is_half_moved = is_half_moved(database).await;
    if is_half_moved.with_context(|| format!("the {name} database does not answer"))? {
        bail!("the {name} database is not all moved yet: repeat `portico move`");
    }
    Ok(())
}

fn check<F>(
    name: &'static str,
    look: impl Fn() -> F + Send + Sync + 'static,
) -> (&'static str, Check)
where
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    (name, Box::new(move || Box::pin(look())))
}

fn is_there(is_there: bool, otherwise: &str) -> Result<(), String> {
    is_there.then_some(()).ok_or_else(|| otherwise.to_owned())
}

/// Tries until it is done.
async fn make_first_admin(
    accounts: Accounts,
    admin: FirstAdmin,
    awaited: Arc<AtomicBool>,
    stop: CancellationToken,
) {
    loop {
        match accounts.make_first_admin(&admin).await {
            Err(error) if error.kind == Kind::Unavailable => {}
            ended => {
                if let Err(error) = ended {
                    tracing::error!(%error, "the first administrator cannot be made");
                }
                awaited.store(false, Ordering::SeqCst);
                return;
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PEER_INTERVAL) => {}
        }
    }
}
