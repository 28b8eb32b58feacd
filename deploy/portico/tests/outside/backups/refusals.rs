//! What is no whole backup is not taken for one, and nothing is overwritten that
//! somebody may want.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf, time::Instant};

use tokio::process::Command;

use super::{name_databases, refused, succeed, text, with_postgresql};
use crate::{
    Plan, Program,
    crash::cluster::Cluster,
    program::{PATIENCE, PORTICO, portico},
};

/// A backup of an installation that has been started once.
async fn backup() -> (Plan, PathBuf) {
    let plan = Plan::in_one_process();
    plan.start().await.stop().await;
    let folder = plan.folder.path().join("backup");
    succeed(&plan.variables, &["backup", text(&folder)]).await;
    (plan, folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_overwritten_unless_told_and_never_while_it_runs() {
    let (plan, folder) = backup().await;
    let told = refused(&plan.variables, &["backup", text(&folder)]).await;
    assert!(
        told.contains("is there already: name a new folder"),
        "{told}"
    );
    let told = refused(&plan.variables, &["restore", text(&folder)]).await;
    assert!(told.contains(".db is there already"), "{told}");

    let installation = plan.start().await;
    let replace = ["restore", text(&folder), "--replace"];
    let told = refused(&plan.variables, &replace).await;
    assert!(told.contains("stop what uses "), "{told}");
    let (_, later) = installation.rest.register("later").await;
    later.get("/api/v1/auth/me").await;
    installation.stop().await;

    succeed(&plan.variables, &replace).await;
    let installation = plan.start().await;
    // Signed in by the token of somebody who is not there any more.
    let found = installation.admin().await.all("/api/v1/users").await;
    assert_eq!(found.len(), 1, "{found:?}");
    installation.stop().await;
    let data = fs::read_dir(plan.folder.path().join("data")).expect("a folder");
    let aside = data.filter(|file| {
        let name = file.as_ref().expect("a file").file_name();
        name.to_string_lossy().contains(".db.replaced-")
    });
    assert_eq!(aside.count(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_is_not_whole_or_not_ones_own_is_refused() {
    let (plan, folder) = backup().await;
    let other = Plan::in_one_process();
    let data = other.folder.path().join("data");
    fs::create_dir(&data).expect("made");
    let key = data.join("master.key");

    // Another key than the one of the installation.
    fs::write(&key, "A".repeat(43) + "=").expect("written");
    let told = refused(&other.variables, &["restore", text(&folder)]).await;
    assert!(
        told.contains("PORTICO_MASTER_KEY is not the key that they"),
        "{told}"
    );
    fs::copy(plan.folder.path().join("data/master.key"), &key).expect("copied");

    // A file that has changed by one bit.
    let file = folder.join("projects.db");
    let whole = fs::read(&file).expect("a file");
    let mut changed = whole.clone();
    changed[whole.len() - 1] ^= 1;
    fs::write(&file, changed).expect("written");
    let told = refused(&other.variables, &["restore", text(&folder)]).await;
    assert!(told.contains("projects.db is not as it was"), "{told}");
    fs::write(&file, whole).expect("written");

    let manifest = folder.join("manifest.json");
    let listed = fs::read_to_string(&manifest).expect("a manifest");
    // Of a version that knows more migrations.
    let newer = listed.replacen("\"migrations\": [", "\"migrations\": [\n 9999,", 1);
    fs::write(&manifest, newer).expect("written");
    let told = refused(&other.variables, &["restore", text(&folder)]).await;
    assert!(told.contains("1 migrations of a newer version"), "{told}");
    let other_form = listed.replacen("\"format\": 1", "\"format\": 2", 1);
    fs::write(&manifest, other_form).expect("written");
    let told = refused(&other.variables, &["restore", text(&folder)]).await;
    assert!(
        told.contains("in a form that this version does not know"),
        "{told}"
    );
    // A name that leads elsewhere.
    let elsewhere = listed.replace("\"users.db\"", "\"../data/users.db\"");
    fs::write(&manifest, elsewhere).expect("written");
    let told = refused(&other.variables, &["restore", text(&folder)]).await;
    assert!(told.contains("is no name of a file"), "{told}");
    fs::remove_file(&manifest).expect("removed");
    let told = refused(&other.variables, &["restore", text(&folder)]).await;
    assert!(told.contains("is no whole backup"), "{told}");

    // Nothing of all this is left, and the right one is still welcome.
    let left: Vec<_> = fs::read_dir(&data).expect("a folder").collect();
    let left: Vec<_> = left
        .into_iter()
        .map(|file| file.expect("a file").file_name())
        .collect();
    assert!(
        !left
            .iter()
            .any(|name| name.to_string_lossy().contains(".db")),
        "{left:?}"
    );
    fs::write(&manifest, &listed).expect("written");
    // The log of a database that somebody has removed.
    let log = data.join("users.db-wal");
    fs::write(&log, "").expect("written");
    let told = refused(&other.variables, &["restore", text(&folder)]).await;
    assert!(
        told.contains("users.db-wal is left from a database"),
        "{told}"
    );
    fs::remove_file(&log).expect("removed");
    succeed(&other.variables, &["restore", text(&folder)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_leaves_nothing_behind() {
    let (plan, folder) = backup().await;
    let next = folder.with_file_name("next");
    // No file may become larger than 64 KiB: writing fails as on a full disk.
    let script = "trap '' XFSZ; ulimit -f 128; exec \"$0\" backup \"$1\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, PORTICO, text(&next)]);
    command.env_clear().envs(plan.variables.iter().cloned());
    let mut program = Program::start("backup", &mut command);
    assert_eq!(program.end().await.code(), Some(1));
    let told = program.output();
    assert!(told.contains("portico: cannot copy the "), "{told}");
    assert!(told.contains("disk"), "{told}");
    assert!(!next.exists() && !folder.with_file_name("next.partial").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_is_killed_half_way_looks_like_none() {
    let cluster = Cluster::start().await;
    let mut plan = Plan::as_separate_roles();
    with_postgresql(&mut plan).await;
    name_databases(&mut plan, &cluster, "killed").await;
    plan.migrate().await;
    let path = plan.get("PATH").to_owned();

    // A program that begins to write, and goes on for ever.
    let bin = plan.folder.path().join("bin");
    fs::create_dir(&bin).expect("made");
    let stalls = bin.join("pg_dump");
    let mark = plan.folder.path().join("began");
    let script = format!(
        "#!/bin/sh\necho began >'{}'\nexec sleep 600\n",
        mark.display()
    );
    fs::write(&stalls, script).expect("written");
    fs::set_permissions(&stalls, fs::Permissions::from_mode(0o700)).expect("permissions");
    plan.set("PATH", &format!("{}:{path}", text(&bin)));
    let folder = plan.folder.path().join("backup");
    let program = Program::start(
        "backup",
        &mut portico(&plan.variables, &["backup", text(&folder)]),
    );
    let begun = Instant::now();
    while !mark.exists() {
        assert!(begun.elapsed() < PATIENCE, "it does not begin");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    program.kill().await;
    plan.set("PATH", &path);
    assert!(!folder.exists());
    let partial = plan.folder.path().join("backup.partial");
    let told = refused(&plan.variables, &["restore", text(&partial)]).await;
    assert!(told.contains("is no whole backup"), "{told}");
    let told = refused(&plan.variables, &["backup", text(&folder)]).await;
    assert!(
        told.contains("left from a backup that was cut off, remove it"),
        "{told}"
    );
    fs::remove_dir_all(&partial).expect("removed");
    succeed(&plan.variables, &["backup", text(&folder)]).await;

    // Where there is something, it stays.
    let told = refused(&plan.variables, &["restore", text(&folder)]).await;
    assert!(
        told.contains("it is not empty: make an empty database"),
        "{told}"
    );
    plan.set("PATH", "/nowhere");
    let next = plan.folder.path().join("next");
    let told = refused(&plan.variables, &["backup", text(&next)]).await;
    assert!(
        told.contains("cannot run pg_dump: it comes with PostgreSQL's client"),
        "{told}"
    );
    cluster.stop().await;
}
