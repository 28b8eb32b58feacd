//! Certificates that are exchanged while everything runs.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tokio::{sync::watch, task::JoinSet};
use tonic::transport::Channel;

use super::{NAME, Secured, client, client::Client, metric};
use crate::{
    Installation, Rest,
    certificates::{Authority, Signed},
};

const PROCESSES: [&str; 5] = ["users", "projects", "auth", "notifications", "gateway"];

/// Clients that go on until they are told to stop; none of their calls may fail.
struct Load {
    is_over: Arc<AtomicBool>,
    calls: watch::Sender<u32>,
    clients: JoinSet<()>,
}

impl Load {
    /// By REST, and by gRPC over connections that are there already.
    fn start(ada: &Rest, channel: &Channel) -> Self {
        let mut load = Self {
            is_over: Arc::default(),
            calls: watch::Sender::new(0),
            clients: JoinSet::new(),
        };
        for client in 0..4 {
            let (is_over, calls) = (load.is_over.clone(), load.calls.clone());
            let (rest, channel) = (ada.clone(), channel.clone());
            load.clients.spawn(async move {
                let mut made = 0;
                while !is_over.load(Ordering::Relaxed) {
                    made += 1;
                    let name = format!("Project {client}-{made}");
                    rest.post("/api/v1/projects", json!({"name": name})).await;
                    rest.get("/api/v1/auth/me").await;
                    let read = client::project(channel.clone(), rest.token(), "apollo").await;
                    read.expect("by gRPC");
                    calls.send_modify(|calls| *calls += 3);
                }
            });
        }
        load
    }

    /// Waits until more calls have been answered.
    async fn go_on(&mut self) {
        let mut calls = self.calls.subscribe();
        let until = *calls.borrow() + 60;
        tokio::select! {
            waited = calls.wait_for(|calls| *calls >= until) => drop(waited.expect("they go on")),
            Some(ended) = self.clients.join_next() => panic!("a call failed: {ended:?}"),
        }
    }

    async fn stop(mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        while let Some(ended) = self.clients.join_next().await {
            ended.expect("no call fails");
        }
    }
}

/// Exchanges the files, and waits until every process has taken them.
async fn exchange(
    secured: &mut Secured,
    installation: &mut Installation,
    signed: &Signed,
    authorities: &str,
    times: usize,
) {
    secured.mounted.exchange(signed, authorities);
    for process in PROCESSES {
        let process = installation.process(process);
        process.signal("HUP").await;
        process.lines("new certificates are in use", times).await;
    }
}

/// How often a process had to ask anew for what was revoked.
fn lost_streams(installation: &mut Installation) -> Vec<usize> {
    let outputs = PROCESSES.map(|process| installation.process(process).output());
    let lost = outputs.map(|output| output.matches("lost the stream of revocations").count());
    lost.to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_and_authorities_are_exchanged_under_load_and_no_call_fails() {
    let (old, new) = (Authority::make("old"), Authority::make("new"));
    let mut secured = Secured::by(&old).await;
    secured.plan.set("RUST_LOG", "info");
    let mut installation = secured.plan.start().await;
    let (_, ada) = installation.rest.register("ada").await;
    ada.post("/api/v1/projects", json!({"name": "Apollo"}))
        .await;

    let address = secured.plan.get("PORTICO_PROJECTS_LISTEN").to_owned();
    let both = format!("{}{}", old.pem, new.pem);
    let old_client = Client::new(&both, Some(&old.sign("billing")));
    let new_client = Client::new(&both, Some(&new.sign("billing")));
    let before = old_client.handshake(&address).await.expect("trusted");
    let channel = old_client.connect(&address).await.expect("trusted");
    assert!(new_client.handshake(&address).await.is_err());

    let streams = lost_streams(&mut installation);
    let mut load = Load::start(&ada, &channel);
    load.go_on().await;
    // Both authorities first, then certificates by the new one, then only that.
    let (first, second) = (old.sign(NAME), new.sign(NAME));
    exchange(&mut secured, &mut installation, &first, &both, 1).await;
    load.go_on().await;
    let between = old_client.handshake(&address).await.expect("trusted");
    assert_ne!(before, between);
    exchange(&mut secured, &mut installation, &second, &both, 2).await;
    load.go_on().await;
    exchange(&mut secured, &mut installation, &second, &new.pem, 3).await;
    load.go_on().await;

    let after = new_client.handshake(&address).await.expect("trusted");
    assert_ne!(between, after);
    assert!(old_client.handshake(&address).await.is_err());
    // The old client's connection is the one that it had, or it had none.
    let read = client::project(channel, ada.token(), "apollo").await;
    assert_eq!(read.expect("an answer").name, "Apollo");
    load.stop().await;
    assert_eq!(lost_streams(&mut installation), streams);
    // What is started now meets those who have gone through all this.
    installation.take("users").stop().await;
    installation.start("users");
    installation.ready().await;
    ada.post("/api/v1/projects", json!({"name": "Gemini"}))
        .await;
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_used_leaves_in_force_what_was() {
    let authority = Authority::make("ours");
    let mut secured = Secured::by(&authority).await;
    let mut installation = secured.plan.start().await;
    let unusable = "portico_tls_files_unusable";
    assert_eq!(metric(&installation, "users", unusable).await, Some(0));
    let address = secured.plan.get("PORTICO_USERS_LISTEN").to_owned();
    let client = Client::new(&authority.pem, Some(&authority.sign("billing")));
    let before = client.handshake(&address).await.expect("trusted");

    let good = authority.sign(NAME);
    let mismatched = Signed {
        key: authority.sign(NAME).key,
        ..good.clone()
    };
    let broken = [
        (mismatched, &*authority.pem, "PORTICO_TLS_KEY names `"),
        (
            authority.sign_late(NAME),
            &authority.pem,
            "it has expired at",
        ),
        (good.clone(), "", "PORTICO_TLS_CLIENT_CA names `"),
    ];
    for (signed, authorities, reason) in broken {
        secured.mounted.exchange(&signed, authorities);
        let users = installation.process("users");
        users.signal("HUP").await;
        let line = users.line(reason).await;
        assert!(line.contains("what was read before stays in use"), "{line}");
        assert_eq!(metric(&installation, "users", unusable).await, Some(1));
        let shown = client.handshake(&address).await.expect("trusted");
        assert_eq!(shown, before);
    }
    installation.rest.register("ada").await;

    // By itself, without a signal; also from files that were missing for a while.
    fs::remove_file(secured.mounted.path("tls.crt")).expect("removed");
    secured.mounted.exchange(&good, &authority.pem);
    while metric(&installation, "users", unusable).await != Some(0) {
        installation.process("users").must_run();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let shown = client.handshake(&address).await.expect("trusted");
    assert_ne!(shown, before);
    installation.stop().await;
}
