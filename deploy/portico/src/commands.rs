//! The operator's commands. They work on the databases directly, beside a
//! running installation or without one.

mod accounts;
mod backup;
mod doctor;
mod import_users;
mod keys;
mod migrate;
mod move_databases;
mod restore;

use std::io::Write as _;

use anyhow::Context as _;
use portico_chassis::{clock::Clock, config::Env, token::ServiceIdentity};
use portico_proto::{COMMENTED_DESCRIPTOR_SET, METHODS};

pub(crate) use self::move_databases::is_half_moved;
pub use self::move_databases::{PostgresDatabases, SqliteFiles};
use crate::{
    cli::{Command, ServiceToken},
    memory,
    settings::{Purpose, Role, Settings},
    start,
};

/// What a command came to, beside what it printed.
pub type Outcome = anyhow::Result<()>;

/// Runs a command, or serves until the process is told to stop.
///
/// # Errors
///
/// What is in the way, for the operator to read.
pub async fn run(command: Command) -> Outcome {
    match command {
        Command::Dev => serve(&Role::ALL).await,
        Command::Users => serve(&[Role::Users]).await,
        Command::Auth => serve(&[Role::Auth]).await,
        Command::Projects => serve(&[Role::Projects]).await,
        Command::Notifications => serve(&[Role::Notifications]).await,
        Command::Gateway => serve(&[Role::Gateway]).await,
        Command::Migrate { check } => migrate::run(&read(&[])?, check).await,
        Command::Move(command) => move_databases::run(&command).await,
        Command::Admin(command) => {
            accounts::run(&read(&[Role::Users, Role::Auth, Role::Projects])?, command).await
        }
        Command::ImportUsers(command) => {
            let settings = read(&[Role::Users, Role::Auth, Role::Projects])?;
            import_users::run(&settings, &command).await
        }
        Command::Keys(command) => keys::run(&read(&[Role::Auth])?, command).await,
        Command::Openapi => openapi(),
        Command::ServiceToken(command) => service_token(&read(&[])?, &command),
        Command::Backup { folder } => backup::run(&read(&[])?, &folder).await,
        Command::Restore(command) => restore::run(&read(&[Role::Auth])?, &command).await,
        Command::Doctor(command) => doctor::run(&command).await,
    }
}

fn read(roles: &'static [Role]) -> anyhow::Result<Settings> {
    Settings::read(Env::of_process(), Purpose::Command(roles))
}

/// Prints what a command was asked for.
pub(crate) fn print(text: &str) -> Outcome {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{text}").context("cannot write to standard output")
}

async fn serve(roles: &'static [Role]) -> Outcome {
    let settings = Settings::read(Env::of_process(), Purpose::Serve(roles))?;
    let name = match roles {
        [role] => role.name(),
        _ => "all",
    };
    let telemetry = portico_chassis::telemetry::init(
        name,
        settings.log_format,
        &settings.log_level,
        settings.collector.is_some(),
    )?;
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    let served = serve_until_told(&settings).await;
    telemetry.shutdown();
    served
}

async fn serve_until_told(settings: &Settings) -> Outcome {
    let told = told_to_stop()?;
    let mut running = start::start(settings).await?;
    if let Some(gateway) = running.gateway {
        tracing::info!(%gateway, public_url = settings.public_url, "serving HTTP");
    }
    if settings
        .gateway
        .as_ref()
        .is_some_and(|gateway| gateway.web.is_none())
    {
        tracing::info!("the web client was left out: this program was built without npm");
    }
    if let Some(grpc) = running.grpc {
        tracing::info!(%grpc, "serving gRPC");
    }
    tracing::info!(admin = %running.admin, "serving probes and metrics");
    if settings.roles == Role::ALL {
        greet(settings, &running)?;
    }
    tokio::spawn(memory::give_back_the_start());
    tokio::spawn(memory::give_back_what_is_free());
    tokio::select! {
        name = told => tracing::info!(signal = name, "stopping"),
        failed = running.failed() => return failed,
    }
    running.stop().await?;
    tracing::info!("stopped");
    Ok(())
}

/// The signal that asked the process to stop.
fn told_to_stop() -> anyhow::Result<impl Future<Output = &'static str>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    })
}

/// What somebody who just started everything wants to know.
fn greet(settings: &Settings, running: &start::Running) -> Outcome {
    let mut text = format!(
        "\n  Portico is ready.\n\n  Open      {}",
        settings.public_url
    );
    text += &format!("\n  API docs  {}/docs", settings.public_url);
    if let Some(grpc) = running.grpc {
        text += &format!("\n  gRPC      {grpc}");
    }
    let mailbox = settings
        .gateway
        .as_ref()
        .and_then(|gateway| gateway.mailbox.as_ref());
    if mailbox.is_some() {
        text += &format!("\n  Mails     {}/dev/mailbox", settings.public_url);
    }
    text += &format!("\n  Metrics   http://{}/metrics\n", running.admin);
    if let Some(admin) = &running.first_admin {
        text += &format!(
            "\n  The first administrator, shown this once:\n    e-mail    {}\n    password  {}\n",
            admin.email, admin.password
        );
    }
    print(&text)
}

fn openapi() -> Outcome {
    let pool = prost_reflect::DescriptorPool::decode(COMMENTED_DESCRIPTOR_SET)?;
    let document = portico_gateway::openapi::document(&pool, METHODS, "http://localhost:8080");
    print(&serde_json::to_string_pretty(&document)?)
}

fn service_token(settings: &Settings, command: &ServiceToken) -> Outcome {
    let identity = ServiceIdentity::new(&command.name, &settings.service_secret, Clock::system());
    print(&identity.mint(&command.name, command.ttl)?)
}
