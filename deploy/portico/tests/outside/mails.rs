//! Mails on their way to a stock mail server, which is not always well, from
//! processes that do not always live long enough.

pub(crate) mod certificates;
pub(crate) mod server;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use portico_chassis::serve::testing::free_address;
use serde_json::{Value, json};

use self::{certificates::Certificates, server::Server};
use crate::{
    Plan, Rest,
    installation::Installation,
    program::{PATIENCE, Program, portico, run},
};

/// Waits until the mail to an address has a status.
async fn job(admin: &Rest, to: &str, status: &str) -> Value {
    let begun = Instant::now();
    loop {
        let jobs = admin.all("/api/v1/admin/mail-jobs").await;
        let job = jobs.iter().find(|job| job["to"] == to);
        if let Some(job) = job.filter(|job| job["status"] == status) {
            return job.clone();
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "{to} does not come to {status}: {job:?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Makes an account and answers its address.
async fn register(rest: &Rest, name: &str) -> String {
    rest.register(name).await;
    format!("{name}@example.com")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_arrives_as_it_should() {
    let mut server = Server::start(&[]);
    let mut plan = Plan::in_one_process();
    plan.set(
        "PORTICO_SMTP_URL",
        &format!("smtp://{}", server.address().await),
    );
    plan.set("PORTICO_MAIL_FROM", "Portico <no-reply@portico.example>");
    let installation = plan.start().await;
    let ada = register(&installation.rest, "ada").await;
    let mail = server.mail(&ada).await;
    let job = job(&installation.admin().await, &ada, "SENT").await;

    assert_eq!(mail["sender"], "no-reply@portico.example");
    assert_eq!(mail["kind"], "multipart/alternative");
    assert_eq!(mail["parts"], json!(["text/plain", "text/html"]));
    let id = job["id"].as_str().expect("an id");
    let headers = &mail["headers"];
    for (name, value) in [
        ("from", "Portico <no-reply@portico.example>"),
        ("to", "ada@example.com"),
        ("subject", "Welcome to Portico: confirm your e-mail address"),
        ("message-id", &format!("<{id}@portico.example>")),
        ("auto-submitted", "auto-generated"),
        ("mime-version", "1.0"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    assert!(headers["date"].is_string(), "{headers}");
    let link = format!("{}/verify-email#token=plk_", plan.http());
    for part in ["text", "html"] {
        let said = mail[part].as_str().expect("a part");
        assert!(
            said.contains("Welcome, ada") && said.contains(&link),
            "{said}"
        );
    }
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_well_loses_no_mail() {
    let mut server = Server::start(&[]);
    let mut plan = Plan::in_one_process();
    plan.set(
        "PORTICO_SMTP_URL",
        &format!("smtp://{}", server.address().await),
    );
    let installation = plan.start().await;
    let admin = installation.admin().await;
    let refused = register(&installation.rest, "refused-ada").await;
    let mut later = Vec::new();
    for name in ["busy-ada", "cut-ada", "lost-ada"] {
        later.push(register(&installation.rest, name).await);
    }
    let dead = job(&admin, &refused, "DEAD").await;
    assert_eq!(dead["attempts"], 1);
    assert_eq!(
        dead["lastError"],
        "The mail server answered 550 5.1.1 There is no such person"
    );
    for address in &later {
        server.mail(address).await;
        assert_eq!(
            job(&admin, address, "SENT").await["attempts"],
            2,
            "{address}"
        );
    }
    // Where only the answer was lost, the receiver knows the two for one.
    let twice = server.mails_to("lost-ada@example.com");
    let ids: BTreeSet<&str> = twice.iter().map(message_id).collect();
    assert_eq!((twice.len(), ids.len()), (2, 1));
    installation.stop().await;
}

/// What mails are told apart by.
fn message_id(mail: &Value) -> &str {
    mail["headers"]["message-id"].as_str().expect("an id")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stalls_holds_up_neither_other_mails_nor_a_stop() {
    let mut server = Server::start(&[]);
    let mut plan = Plan::in_one_process();
    plan.set(
        "PORTICO_SMTP_URL",
        &format!("smtp://{}", server.address().await),
    );
    let mut installation = plan.start().await;
    for number in 0..4 {
        let stalled = register(&installation.rest, &format!("stall-{number}")).await;
        server.stalls(&stalled).await;
    }
    let ada = register(&installation.rest, "ada").await;
    server.mail(&ada).await;
    let admin = installation.admin().await;
    job(&admin, "stall-0@example.com", "RUNNING").await;

    let begun = Instant::now();
    installation.take("dev").stop().await;
    assert!(
        begun.elapsed() < Duration::from_secs(19),
        "{:?}",
        begun.elapsed()
    );
    installation.start("dev");
    installation.ready().await;
    for number in 0..4 {
        server.mail(&format!("stall-{number}@example.com")).await;
    }
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_killed_loses_no_mail() {
    let mut server = Server::start(&[]);
    let mut plan = Plan::as_separate_roles();
    plan.set(
        "PORTICO_SMTP_URL",
        &format!("smtp://{}", server.address().await),
    );
    plan.migrate().await;
    let mut installation = plan.start().await;
    let mut people = Vec::new();
    for round in 0..6_u64 {
        for number in 0..3 {
            people.push(register(&installation.rest, &format!("slow-{round}-{number}")).await);
        }
        // Before, while and after the mails are sent.
        tokio::time::sleep(Duration::from_millis(round * 300)).await;
        installation.take("notifications").kill().await;
        installation.start("notifications");
    }
    installation.ready().await;
    let admin = installation.admin().await;
    for address in &people {
        server.mail(address).await;
        job(&admin, address, "SENT").await;
        let mails = server.mails_to(address);
        let ids: BTreeSet<&str> = mails.iter().map(message_id).collect();
        assert_eq!(ids.len(), 1, "{address} got different mails");
    }
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_send_each_mail_once() {
    let mut server = Server::start(&[]);
    let mut plan = Plan::as_separate_roles();
    plan.set(
        "PORTICO_SMTP_URL",
        &format!("smtp://{}", server.address().await),
    );
    plan.migrate().await;
    let installation = plan.start().await;
    let second = second(&plan);
    let mut people = Vec::new();
    for number in 0..20 {
        people.push(register(&installation.rest, &format!("ada{number}")).await);
    }
    let admin = installation.admin().await;
    for address in &people {
        server.mail(address).await;
        job(&admin, address, "SENT").await;
    }
    second.stop().await;
    installation.stop().await;
    for address in &people {
        assert_eq!(server.mails_to(address).len(), 1, "{address}");
    }
}

/// Another process of the notifications role, on the same database.
fn second(plan: &Plan) -> Program {
    let mut command = portico(&plan.variables, &["notifications"]);
    command.env("PORTICO_NOTIFICATIONS_LISTEN", free_address());
    command.env("PORTICO_ADMIN_LISTEN", free_address());
    Program::start("second", &mut command)
}

/// An installation that trusts the authority of these certificates, and what
/// its mails to a server at this URL come to.
async fn over_tls(
    certificates: &Certificates,
    url: &str,
    check: impl AsyncFnOnce(&Installation, &str),
) {
    let mut plan = Plan::in_one_process();
    plan.set("PORTICO_SMTP_URL", url);
    plan.set("SSL_CERT_FILE", &certificates.authority());
    let installation = plan.start().await;
    let ada = register(&installation.rest, "ada").await;
    check(&installation, &ada).await;
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_go_encrypted_with_a_sign_in() {
    let certificates = Certificates::make();
    for (scheme, more) in [("smtp", ""), ("smtps", "--implicit")] {
        let mut server = Server::start(&certificates.of_server("portico:pass word", more));
        let port = server.port().await;
        let url = format!("{scheme}://portico:pass%20word@localhost:{port}");
        over_tls(&certificates, &url, async |_, ada| {
            let mail = server.mail(ada).await;
            assert_eq!(mail["is_encrypted"], true, "{scheme}");
            assert_eq!(mail["user"], "portico", "{scheme}");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_the_one_gets_no_mail() {
    let (certificates, others) = (Certificates::make(), Certificates::make());
    let mut server = Server::start(&certificates.of_server("portico:secret", ""));
    let port = server.port().await;
    for (trusted, place, reason) in [
        (
            &others,
            "portico:secret@localhost",
            "invalid peer certificate",
        ),
        (
            &certificates,
            "portico:secret@127.0.0.1",
            "invalid peer certificate",
        ),
        (
            &certificates,
            "portico:wrong@localhost",
            "turned us away: 535.",
        ),
    ] {
        let url = format!("smtp://{place}:{port}");
        over_tls(trusted, &url, async |installation, ada| {
            let job = job(&installation.admin().await, ada, "FAILED").await;
            let error = job["lastError"].as_str().expect("a reason");
            assert!(error.contains(reason), "{error}");
            assert!(
                !error.contains("wrong") && !error.contains("secret"),
                "{error}"
            );
        })
        .await;
    }
    assert!(server.mails_to("ada@example.com").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_mail_server_mails_wait_in_the_mailbox() {
    let plan = Plan::in_one_process();
    let installation = plan.start().await;
    let ada = register(&installation.rest, "ada").await;
    job(&installation.admin().await, &ada, "SENT").await;
    let page = installation.rest.call("GET /dev/mailbox", &[], None).await;
    let page = page.expect("an answer");
    let html = page.body.as_str().expect("a page").to_owned();
    assert!(html.contains("<td>ada@example.com</td>"), "{html}");
    let path = html
        .split('"')
        .find(|part| part.starts_with("/dev/mailbox/0"));
    let line = format!("GET {}", path.expect("a link"));
    let mail = installation.rest.call(&line, &[], None).await;
    let mail = mail.expect("an answer").body;
    assert!(
        mail.as_str().is_some_and(|mail| mail.contains("Welcome, ")),
        "{mail}"
    );
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn production_needs_a_mail_server() {
    let mut plan = Plan::as_separate_roles();
    let names = ["PORTICO_SMTP_URL", "PORTICO_MAIL_FROM"];
    plan.variables
        .retain(|(name, _)| !names.contains(&name.as_str()));
    let (code, output) = run(&plan.variables, &["notifications"], "").await;
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(code, Some(2), "{told}");
    for name in names {
        assert!(told.contains(&format!("\n  {name} is not set: ")), "{told}");
    }
}
