//! Settings that cannot be used are told of at the start, each with its variable
//! and its file.

use std::fs;

use super::NAME;
use crate::{
    Plan,
    certificates::{Authority, Mounted},
    program::run,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_used_is_told_by_variable_and_file() {
    let (ours, folder) = (
        Authority::make("ours"),
        tempfile::tempdir().expect("a folder"),
    );
    let (good, late) = (ours.sign(NAME), ours.sign_late(NAME));
    let other = Mounted::new(&folder.path().join("other"), &late, "no certificate");
    let garbage = folder.path().join("garbage");
    let text = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    fs::write(&garbage, text).expect("written");
    let garbage = garbage.display().to_string();
    let (certificate, key) = ("PORTICO_TLS_CERT", "PORTICO_TLS_KEY");
    let authorities = "PORTICO_TLS_CLIENT_CA";
    let late_one = other.path("tls.crt");
    let cases = [
        (
            certificate,
            "",
            "is not set: the file with the certificate that PORTICO_TLS_KEY is for",
        ),
        (
            key,
            "",
            "is not set: the file with the key of PORTICO_TLS_CERT",
        ),
        (
            certificate,
            "/nowhere",
            "names `/nowhere`: No such file or directory",
        ),
        (
            certificate,
            &other.path("ca.crt"),
            "there is no certificate in it",
        ),
        (
            certificate,
            &garbage,
            "what is in it is not an X.509 certificate",
        ),
        (certificate, &late_one, "it has expired at 20"),
        (key, &other.path("tls.crt"), "there is no key in it"),
        (
            key,
            &other.path("tls.key"),
            "it is not the key of the certificate in PORTICO_TLS_CERT",
        ),
        (
            authorities,
            &other.path("ca.crt"),
            "there is no certificate in it",
        ),
        (
            authorities,
            "/nowhere",
            "names `/nowhere`: No such file or directory",
        ),
    ];
    for (name, value, reason) in cases {
        let mounted = Mounted::new(folder.path(), &good, &ours.pem);
        let mut plan = Plan::as_separate_roles();
        for (name, path) in mounted.settings() {
            plan.set(name, &path);
        }
        plan.set(name, value);
        let (code, output) = run(&plan.variables, &["users"], "").await;
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(code, Some(2), "{told}");
        let line = told.lines().find(|line| line.contains(name));
        let line = line.unwrap_or_else(|| panic!("{name} in {told}"));
        assert!(line.contains(reason) && line.contains(value), "{line}");
        assert!(!told.contains("PRIVATE KEY"), "a secret is told: {told}");
    }
    // All at once, also what goes with nothing.
    let mut plan = Plan::as_separate_roles();
    plan.set(authorities, &garbage);
    let (code, output) = run(&plan.variables, &["users"], "").await;
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(code, Some(2), "{told}");
    for name in [certificate, key] {
        assert!(told.contains(&format!("\n  {name} is not set: ")), "{told}");
    }
    // A command calls nobody, and needs no file.
    plan.set(certificate, "/nowhere");
    plan.set(key, "/nowhere");
    let (code, output) = run(&plan.variables, &["migrate"], "").await;
    assert_eq!(code, Some(0), "{output:?}");
    // But one looks at them for others.
    let mounted = Mounted::new(folder.path(), &good, &ours.pem);
    let settings = mounted
        .settings()
        .map(|(name, path)| (name.to_owned(), path));
    let (_, output) = run(&[&*plan.variables, &settings].concat(), &["doctor"], "").await;
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        told.contains("the certificate of PORTICO_TLS_CERT is good until 20"),
        "{told}"
    );
    let (code, output) = run(&plan.variables, &["doctor"], "").await;
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("PORTICO_TLS_CERT names `/nowhere`: "),
        "{told}"
    );
}
