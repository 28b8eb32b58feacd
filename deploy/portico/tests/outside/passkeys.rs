//! Passkeys in a real browser: Chromium with its virtual authenticator, on a
//! page that the gateway serves.

use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    Plan, Program,
    program::{from_environment, in_repository},
    rest::PASSWORD,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_adds_a_passkey_and_signs_in_by_it() {
    let mut plan = Plan::in_one_process();
    // Authenticators know an installation by its name, never by its address.
    let named = plan.http().replace("127.0.0.1", "localhost");
    plan.set("PORTICO_PUBLIC_URL", &named);
    let installation = plan.start().await;
    let script = in_repository("deploy/portico/tests/outside/passkeys.cjs");
    let mut browse = Command::new("node");
    browse
        .arg(script)
        .args([
            &from_environment("PORTICO_TEST_CHROMIUM"),
            &format!("{named}/docs"),
            PASSWORD,
        ])
        .env("NODE_PATH", from_environment("PORTICO_TEST_NODE_MODULES"));
    let printed = Program::succeed("the browser", &mut browse).await;
    let seen = printed.lines().find(|line| line.starts_with('{'));
    let seen: Value = serde_json::from_str(seen.expect("a line of JSON")).expect("JSON");

    assert_eq!(seen["added"]["status"], 201, "{seen}");
    assert_eq!(seen["added"]["data"]["name"], "Chromium");
    assert_eq!(seen["excluded"], "InvalidStateError");
    assert_eq!(seen["signedIn"]["status"], 200, "{seen}");
    let signed_in = &seen["signedIn"]["data"];
    assert_eq!(signed_in["user"]["email"], "ada@example.com");
    assert_eq!(signed_in["mfaRequired"], false);
    // It is in a cookie, which the next call sends.
    assert_eq!(signed_in["refreshToken"], Value::Null);
    assert_eq!(seen["refreshed"]["status"], 200, "{seen}");
    assert_eq!(seen["replayed"]["code"], "INVALID_CREDENTIALS");
    assert_eq!(seen["methods"], json!(["PASSKEY"]));
    assert_eq!(seen["answered"]["status"], 200, "{seen}");
    assert_eq!(seen["answered"]["data"]["user"], signed_in["user"]);
    let listed = seen["listed"]["data"].as_array().expect("a list");
    assert_eq!(listed.len(), 1);
    assert!(listed[0]["lastUsedAt"].is_string());
    installation.stop().await;
}
