//! What the doctor says of all that is no database: other roles and their
//! clocks, mail, Redis, the collector and the list of breached passwords.

use std::time::Instant;

use axum::{Router, http::HeaderValue, middleware::map_response, response::Response};
use portico_chassis::serve::testing::free_address;
use tokio::net::TcpListener;

use super::ask;
use crate::{
    Plan,
    mails::{certificates::Certificates, server::Server},
    program::{PATIENCE, from_environment},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_serve_until_one_dies_and_another_stands_still() {
    let plan = Plan::as_separate_roles();
    plan.migrate().await;
    let mut installation = plan.start().await;
    let at = |role: &str| {
        format!(
            "{role} at {}",
            plan.grpc(role).trim_start_matches("http://")
        )
    };
    let begun = Instant::now();
    // gRPC health follows what `/readyz` says within a second.
    let well = loop {
        let said = ask(&plan.variables, &[]).await;
        if !said.all().contains("is not ready") {
            break said;
        }
        assert!(begun.elapsed() < PATIENCE, "{}", said.all());
    };
    for role in ["users", "auth", "projects", "notifications"] {
        well.says(&at(role), "ok", "serves");
        well.says(&at(role), "ok", &format!("the clock of {role} is in step"));
    }
    // Nobody takes its mails.
    well.fails(&["mail"]);

    installation.take("notifications").kill().await;
    installation.process("users").signal("STOP").await;
    let ill = ask(&plan.variables, &["gateway"]).await;
    installation.process("users").signal("CONT").await;
    ill.says(&at("notifications"), "FAIL", "no connection to 127.0.0.1");
    ill.says(
        &at("notifications"),
        "skip",
        "health and clock: not checked",
    );
    ill.says(&at("users"), "FAIL", "does not answer within 3 s");
    installation.start("notifications");
    installation.ready().await;
    installation.stop().await;
}

/// Serves gRPC health with another date; answers where.
async fn at_another_time(date: &'static str) -> String {
    let (_, health) = tonic_health::server::health_reporter();
    let routes: Router = tonic::service::Routes::new(health).into_axum_router();
    let routes = routes.layer(map_response(async move |mut response: Response| {
        let date = HeaderValue::from_static(date);
        response.headers_mut().insert("date", date);
        response
    }));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async { axum::serve(listener, routes).await });
    address.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_wrong_is_told_of() {
    let mut plan = Plan::as_separate_roles();
    let past = at_another_time("Sun, 06 Nov 1994 08:49:37 GMT").await;
    plan.set("PORTICO_USERS_URL", &format!("http://{past}"));
    let said = ask(&plan.variables, &["gateway"]).await;
    let check = format!("users at {past}");
    said.says(&check, "ok", "serves");
    said.says(
        &check,
        "FAIL",
        "s behind this machine's: from 15 s on, services refuse",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_role_is_told_of() {
    let mut server = Server::start(&[]);
    let mut plan = Plan::as_separate_roles();
    let address = server.address().await;
    plan.set("PORTICO_USERS_URL", &format!("http://{address}"));
    let said = ask(&plan.variables, &["gateway"]).await;
    said.says(
        &format!("users at {address}"),
        "FAIL",
        "accepts connections, but does not answer",
    );
}

/// What the doctor says of a mail server, with its verdict.
async fn mail(plan: &mut Plan, url: &str) -> (String, String) {
    plan.set("PORTICO_SMTP_URL", url);
    let said = ask(&plan.variables, &[]).await;
    let row = said.rows.iter().find(|row| row["check"] == "mail");
    let row = row.unwrap_or_else(|| panic!("nothing of mail in {}", said.all()));
    let part = |name: &str| row[name].as_str().expect("a text").to_owned();
    (part("verdict"), part("text"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_server_is_greeted_and_signed_in_to_and_gets_no_mail() {
    let certificates = Certificates::make();
    let mut plan = Plan::in_one_process();
    plan.set("PORTICO_PROFILE", "dev");
    plan.set("SSL_CERT_FILE", &certificates.authority());
    for (scheme, more) in [("smtp", ""), ("smtps", "--implicit")] {
        let mut server = Server::start(&certificates.of_server("portico:pass word", more));
        let port = server.port().await;
        let url = format!("{scheme}://portico:pass%20word@localhost:{port}");
        let (verdict, text) = mail(&mut plan, &url).await;
        let expected = format!("localhost:{port}: the mail server is ready, encrypted, and takes");
        assert_eq!(verdict, "ok", "{text}");
        assert!(text.starts_with(&expected), "{text}");

        let url = format!("{scheme}://portico:hunter2@localhost:{port}");
        let (verdict, text) = mail(&mut plan, &url).await;
        assert_eq!(verdict, "FAIL", "{text}");
        assert!(
            text.contains("turned us away: 535. Check the user and the password"),
            "{text}"
        );

        // The certificate is that of another name.
        let url = format!("{scheme}://portico:hunter2@127.0.0.1:{port}");
        let (verdict, text) = mail(&mut plan, &url).await;
        assert_eq!(verdict, "FAIL", "{text}");
        assert!(text.contains("invalid peer certificate"), "{text}");
        server.has_no_mail();
    }
    let mut plain = Server::start(&[]);
    let url = format!("smtp://{}", plain.address().await);
    let (verdict, text) = mail(&mut plan, &url).await;
    assert_eq!(verdict, "ok", "{text}");
    let (verdict, text) = mail(&mut plan, &format!("{url}?tls=required")).await;
    assert_eq!(verdict, "FAIL", "{text}");
    let (verdict, text) = mail(&mut plan, &format!("smtp://{}", free_address())).await;
    assert_eq!(verdict, "FAIL", "{text}");
    assert!(text.contains("Connection refused"), "{text}");
    assert!(text.contains("Check the host and the port"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_the_collector_and_the_breached_list_are_looked_at() {
    let mut plan = Plan::in_one_process();
    plan.set("PORTICO_PROFILE", "dev");
    plan.set(
        "PORTICO_RATE_LIMIT_URL",
        &from_environment("PORTICO_TEST_REDIS_URL"),
    );
    let collector = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = collector.local_addr().expect("an address");
    plan.set("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{address}"));
    let list = plan.folder.path().join("breached.txt");
    let [one, two] = ["1", "2"].map(|digit| format!("{}:3\n", digit.repeat(40)));
    std::fs::write(&list, format!("{one}{two}")).expect("written");
    plan.set(
        "PORTICO_BREACHED_PASSWORDS_FILE",
        list.to_str().expect("a path"),
    );
    let well = ask(&plan.variables, &[]).await;
    well.is_well();
    well.says("gateway", "ok", "Redis answers");
    well.says("collector", "ok", "accepts connections");
    well.says("breached passwords", "ok", "in order");

    drop(collector);
    std::fs::write(&list, format!("{two}{one}")).expect("written");
    let nobody = free_address();
    plan.set(
        "PORTICO_RATE_LIMIT_URL",
        &format!("redis://u:hunter2@{nobody}"),
    );
    let ill = ask(&plan.variables, &[]).await;
    ill.fails(&["breached passwords", "gateway"]);
    ill.says("gateway", "FAIL", "Redis does not answer");
    ill.says("collector", "warn", "is not reached");
    ill.says(
        "breached passwords",
        "FAIL",
        "line 2 is not in the order of the hashes",
    );
    let url = from_environment("PORTICO_TEST_REDIS_URL");
    let (_, place) = url.rsplit_once('@').expect("a place");
    plan.set(
        "PORTICO_RATE_LIMIT_URL",
        &format!("redis://default:hunter2@{place}"),
    );
    ask(&plan.variables, &[])
        .await
        .says("gateway", "FAIL", "Redis does not answer");
}
