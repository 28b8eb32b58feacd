//! Schemathesis makes up requests by the served OpenAPI document and judges the
//! answers. What it is told is in `schemathesis.toml` and `schemathesis_auth.py`.

use tokio::process::Command;

use crate::{
    Plan, Program,
    installation::ADMIN_EMAIL,
    program::{from_environment, in_repository},
    rest::PASSWORD,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemathesis_finds_no_fault_with_the_served_document() {
    let plan = Plan::in_one_process();
    let installation = plan.start().await;
    let folder = in_repository("deploy/portico/tests/outside");
    let mut command = Command::new(from_environment("PORTICO_TEST_PYTHON"));
    command
        .args(["-m", "schemathesis.cli", "--config-file"])
        .arg(folder.join("schemathesis.toml"))
        .arg("run")
        .arg(format!("{}/api/openapi.json", plan.http()))
        // It leaves its memory of failures where it runs.
        .current_dir(plan.folder.path())
        .env("PYTHONPATH", &folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("SCHEMATHESIS_HOOKS", "schemathesis_auth")
        .env("PORTICO_HTTP", plan.http())
        .env("PORTICO_EMAIL", ADMIN_EMAIL)
        .env("PORTICO_PASSWORD", PASSWORD);
    Program::succeed("Schemathesis", &mut command).await;
    installation.stop().await;
}
