//! PostgreSQL's own programs, which know best how its databases are written out
//! and read back.

use std::{path::Path, process::Stdio};

use anyhow::{Context as _, bail};
use portico_chassis::database::{DatabaseUrl, PostgresView};
use tokio::{io::AsyncWriteExt as _, process::Command};

/// Writes out what a view shows, in the form that `pg_restore` reads.
pub(crate) async fn dump(
    url: &DatabaseUrl,
    view: &PostgresView,
    path: &Path,
) -> anyhow::Result<()> {
    let mut command = program("pg_dump", url)?;
    command
        .arg("--format=custom")
        .arg("--no-password")
        .arg(format!("--snapshot={}", view.id))
        .arg(format!("--schema={}", pattern(&view.schema)))
        .arg("--file")
        .arg(path);
    for extension in &view.extensions {
        command.arg(format!("--extension={}", pattern(extension)));
    }
    run("pg_dump", &mut command, "").await.map(drop)
}

/// What a dump consists of, a line each, as `pg_restore` takes it back.
pub(crate) async fn list(path: &Path) -> anyhow::Result<String> {
    let mut command = Command::new("pg_restore");
    command.arg("--list").arg(path);
    run("pg_restore", &mut command, "").await
}

/// Makes what a list chooses of a dump, all of it or nothing.
pub(crate) async fn restore(url: &DatabaseUrl, path: &Path, list: &str) -> anyhow::Result<()> {
    let mut command = program("pg_restore", url)?;
    command
        .args(["--single-transaction", "--exit-on-error", "--no-password"])
        // Who connects owns it. Extensions may be somebody else's, and to be
        // left as they are.
        .args(["--no-owner", "--no-privileges", "--no-comments"])
        .arg("--use-list=/dev/stdin")
        .arg(path);
    run("pg_restore", &mut command, list).await.map(drop)
}

/// A program that is told where the database is; the password in its
/// environment, where others do not see it.
fn program(name: &str, url: &DatabaseUrl) -> anyhow::Result<Command> {
    let place = url.for_libpq().context("it is no PostgreSQL database")?;
    let mut command = Command::new(name);
    command
        .envs(place.environment)
        .arg(format!("--dbname={}", place.url));
    Ok(command)
}

/// A name as a pattern that matches nothing else.
fn pattern(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What a program prints that reads this.
async fn run(name: &str, command: &mut Command, input: &str) -> anyhow::Result<String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| {
            format!(
                "cannot run {name}: it comes with PostgreSQL's client programs, of the server's \
                 version or newer, and must be in the PATH"
            )
        })?;
    let stdin = child.stdin.take();
    let output = child.wait_with_output();
    let written = async {
        if let Some(mut stdin) = stdin {
            // It may end without having read all; then its exit code tells.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let (output, ()) = tokio::join!(output, written);
    let output = output?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        bail!("{name} failed: {}", told.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
