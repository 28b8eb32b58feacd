//! What clients see while a role is down or does not move, and after.

use std::time::{Duration, Instant};

use crate::{Plan, Rest, program::PATIENCE};

/// What a call comes to: status, code and when to try again.
async fn status(rest: &Rest, line: &str) -> (u16, String, Option<String>) {
    let answer = rest.call(line, &[], None).await.expect("an answer");
    let code = answer.body["error"]["code"].as_str().unwrap_or_default();
    let retry_after = answer.header("retry-after").map(str::to_owned);
    (answer.status, code.to_owned(), retry_after)
}

async fn until(rest: &Rest, line: &str, expected: u16) {
    let begun = Instant::now();
    while status(rest, line).await.0 != expected {
        assert!(
            begun.elapsed() < PATIENCE,
            "{line} does not come to {expected}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until a process is ready, and tells this of the others.
async fn until_told(probe: &Rest, text: &str) {
    let begun = Instant::now();
    loop {
        let answer = probe.call("GET /readyz", &[], None).await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.body);
        if answer.body == text {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{} is told", answer.body);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_service_is_503_until_it_is_back_and_a_slow_one_504() {
    let plan = Plan::as_separate_roles();
    plan.migrate().await;
    let mut installation = plan.start().await;
    let (_, ada) = installation.rest.register("ada").await;
    let admin = installation.admin().await;
    let projects = "GET /api/v1/projects";
    assert_eq!(status(&ada, projects).await.0, 200);

    installation.take("projects").kill().await;
    let (code, reason, retry_after) = status(&ada, projects).await;
    assert_eq!((code, &*reason), (503, "SERVICE_UNAVAILABLE"));
    let seconds = retry_after.and_then(|text| text.parse::<u32>().ok());
    assert!(seconds.is_some_and(|seconds| seconds >= 1), "{seconds:?}");
    // What is merged of all services is not told in part.
    for path in ["audit-log", "audit-log/export"] {
        let (code, reason, _) = status(&admin, &format!("GET /api/v1/{path}")).await;
        assert_eq!((code, &*reason), (503, "SERVICE_UNAVAILABLE"), "{path}");
    }
    // The others go on, and the gateway says of itself what is missing.
    assert_eq!(status(&ada, "GET /api/v1/auth/me").await.0, 200);
    until(&ada, "GET /readyz", 503).await;
    // A service goes on, and tells whom it calls in vain.
    for (service, told) in [("users", "ok\n"), ("auth", "ok, without: projects\n")] {
        let probe = Rest::new(&installation.admin_port(service));
        until_told(&probe, told).await;
    }

    installation.start("projects");
    installation.ready().await;
    until(&ada, projects, 200).await;
    until(&admin, "GET /api/v1/audit-log", 200).await;

    installation.process("projects").signal("STOP").await;
    let (code, reason, _) = status(&ada, projects).await;
    installation.process("projects").signal("CONT").await;
    assert_eq!((code, &*reason), (504, "DEADLINE_EXCEEDED"));
    assert_eq!(status(&ada, projects).await.0, 200);
    installation.stop().await;
}
