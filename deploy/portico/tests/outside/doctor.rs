//! `portico doctor`: what it says of an installation that is well, and of each
//! thing that can be wrong with one. It never shows a secret.

mod databases;
mod others;

use serde_json::{Value, json};

use crate::{Plan, installation::Variables, program::run};

/// What the doctor said.
struct Said {
    code: Option<i32>,
    rows: Vec<Value>,
}

impl Said {
    /// What was said of a check with a verdict, if anything.
    fn find(&self, check: &str, verdict: &str) -> Vec<&str> {
        let found = self.rows.iter();
        found
            .filter(|row| row["check"] == check && row["verdict"] == verdict)
            .map(|row| row["text"].as_str().expect("a text"))
            .collect()
    }

    /// Fails unless this was said of a check, with this verdict.
    fn says(&self, check: &str, verdict: &str, text: &str) {
        let found = self.find(check, verdict);
        assert!(
            found.iter().any(|found| found.contains(text)),
            "{verdict} {check}: {text}\nis not among\n{}",
            self.all()
        );
    }

    /// Fails if something does not work.
    fn is_well(&self) {
        assert_eq!(self.code, Some(0), "{}", self.all());
        assert!(!self.all().contains("FAIL"), "{}", self.all());
    }

    /// Fails unless exactly these checks failed.
    fn fails(&self, checks: &[&str]) {
        assert_eq!(self.code, Some(1), "{}", self.all());
        let failed = self.rows.iter().filter(|row| row["verdict"] == "FAIL");
        let mut failed: Vec<&str> = failed.filter_map(|row| row["check"].as_str()).collect();
        failed.dedup();
        assert_eq!(failed, checks, "{}", self.all());
    }

    fn all(&self) -> String {
        let rows = self.rows.iter();
        let lines = rows.map(|row| format!("{} {}: {}", row["verdict"], row["check"], row["text"]));
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// Asks the doctor, of these roles.
async fn ask(variables: &Variables, roles: &[&str]) -> Said {
    let arguments: Vec<&str> = ["doctor", "--json"].iter().chain(roles).copied().collect();
    let (code, output) = run(variables, &arguments, "").await;
    let printed = String::from_utf8(output.stdout).expect("text");
    let told = String::from_utf8_lossy(&output.stderr);
    for secret in ["hunter2", "AAAAAAAAAAAAAAAA"] {
        assert!(!printed.contains(secret), "a secret is told: {printed}");
        assert!(!told.contains(secret), "a secret is told: {told}");
    }
    let rows = serde_json::from_str(&printed);
    Said {
        code,
        rows: rows.unwrap_or_else(|error| panic!("{error}: {printed}{told}")),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_is_well_before_its_first_start_while_it_runs_and_after() {
    let mut plan = Plan::in_one_process();
    // Nothing is there yet by which the doctor could tell.
    plan.set("PORTICO_PROFILE", "dev");
    let before = ask(&plan.variables, &[]).await;
    before.is_well();
    before.says("users database", "ok", "not made yet: the first start");
    assert!(!plan.folder.path().join("data/users.db").exists());

    let installation = plan.start().await;
    plan.variables.retain(|(name, _)| name != "PORTICO_PROFILE");
    let during = ask(&plan.variables, &[]).await;
    during.is_well();
    let roles = "for users, auth, projects, notifications, gateway";
    during.says("configuration", "ok", roles);
    during.says("configuration", "warn", "PORTICO_AUTH_THROTTLE is off");
    during.says("gateway", "warn", "PORTICO_RATE_LIMIT_USER is off");
    during.says("auth database", "ok", "the signing keys open, 1 in all");
    during.says("notifications database", "ok", "up to date");
    installation.stop().await;
    ask(&plan.variables, &[]).await.is_well();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_get_a_line_for_each_finding() {
    let mut plan = Plan::in_one_process();
    plan.set("PORTICO_PROFILE", "dev");
    plan.set("PORTICO_RATE_LIMITS_USER", "off");
    let (code, output) = run(&plan.variables, &["doctor"], "").await;
    let printed = String::from_utf8(output.stdout).expect("text");
    assert_eq!(code, Some(0), "{printed}");
    for line in [
        "ok    configuration: can be read, with the profile dev",
        "warn  configuration: the variable PORTICO_RATE_LIMITS_USER is not known; did you mean",
        "ok    mail: no mail server is set",
    ] {
        assert!(
            printed.lines().any(|printed| printed.starts_with(line)),
            "{line} in {printed}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_that_is_not_valid_is_told_of_by_name() {
    let mut plan = Plan::as_separate_roles();
    plan.set("PORTICO_SMTP_URL", "smtp://portico:hunter2@");
    plan.set("PORTICO_MASTER_KEY", "hunter2");
    let said = ask(&plan.variables, &[]).await;
    said.fails(&["configuration"]);
    said.says("configuration", "FAIL", "PORTICO_SMTP_URL is not a mail");
    said.says(
        "configuration",
        "FAIL",
        "PORTICO_MASTER_KEY is not 32 bytes",
    );
    said.says(
        "configuration",
        "skip",
        "everything else: not checked because",
    );

    // What one role needs is asked for that role only.
    let users = ask(&plan.variables, &["users"]).await;
    assert!(!users.all().contains("MASTER_KEY"), "{}", users.all());
    plan.variables
        .retain(|(name, _)| name != "PORTICO_MASTER_KEY");
    let auth = ask(&plan.variables, &["auth"]).await;
    auth.says("configuration", "FAIL", "PORTICO_MASTER_KEY is not set");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_unsafe_in_production_is_named() {
    let mut plan = Plan::as_separate_roles();
    plan.migrate().await;
    plan.set("PORTICO_TRUSTED_PROXIES", "0.0.0.0/0");
    plan.set(
        "PORTICO_PROJECTS_URL",
        "dns:///projects.portico.invalid:50063",
    );
    let said = ask(&plan.variables, &["gateway"]).await;
    assert_eq!(said.code, Some(1));
    let in_the_clear = "projects are called without encryption";
    said.says("configuration", "warn", in_the_clear);
    said.says(
        "gateway",
        "warn",
        "PORTICO_TRUSTED_PROXIES trusts everybody",
    );
    let unknown = "projects at projects.portico.invalid:50063";
    said.says(unknown, "FAIL", "the name has no address");

    plan.set("PORTICO_PUBLIC_URL", "http://id.example.com");
    let said = ask(&plan.variables, &["auth"]).await;
    let url = "PORTICO_PUBLIC_URL is http://id.example.com: in production";
    said.says("configuration", "FAIL", url);
    said.says("auth database", "ok", "up to date");
    assert!(
        said.find("users database", "ok").is_empty(),
        "{}",
        said.all()
    );
    assert_eq!(said.rows[0]["check"], json!("configuration"));
}
