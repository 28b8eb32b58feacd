//! An installation whose every arrow leads through a proxy, on a PostgreSQL, a
//! Redis and a mail server of its own.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    proxy::{Proxy, Way},
    redis_server::Redis,
};
use crate::{
    Installation, Plan, Rest, crash::cluster::Cluster, installation::SERVICES,
    mails::server::Server,
};

/// How much later everything arrives where the way is slow, in each direction.
pub(super) const DELAY: Duration = Duration::from_millis(50);

/// What can have something wrong with it.
pub(super) const DEPENDENCIES: [&str; 8] = [
    "postgres",
    "redis",
    "smtp",
    "users",
    "projects",
    "auth",
    "notifications",
    "gateway",
];

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Its processes end at once, and are started again.
    Killed,
    /// Its processes stand still, and go on.
    Stopped,
    /// The way there is slow.
    Slow,
    /// The way there is closed, and connections have ended.
    Refused,
    /// The way there is silent, and the connections of before stay so.
    Silent,
}

impl Fault {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::Stopped => "stopped",
            Self::Slow => "slow",
            Self::Refused => "refused",
            Self::Silent => "silent",
        }
    }
}

pub(super) struct Site {
    pub(super) plan: Plan,
    pub(super) installation: Installation,
    /// Who calls through the gateway's proxy.
    pub(super) anybody: Rest,
    pub(super) mails: Server,
    /// What mail servers took that were killed.
    mails_before: Vec<Value>,
    proxies: BTreeMap<&'static str, Proxy>,
    postgres: Option<Cluster>,
    redis: Option<Redis>,
}

impl Site {
    /// Starts one that has what can be wrong with this dependency; where there
    /// is none, with each.
    pub(super) async fn start(dependency: Option<&str>) -> Self {
        let needs = |name| dependency.is_none_or(|dependency| dependency == name);
        let mut plan = Plan::as_separate_roles();
        let mut proxies = BTreeMap::new();
        for role in SERVICES {
            let upper = role.to_uppercase();
            let proxy = Proxy::to(plan.get(&format!("PORTICO_{upper}_LISTEN")));
            let url = format!("http://{}", proxy.address());
            plan.set(&format!("PORTICO_{upper}_URL"), &url);
            proxies.insert(role, proxy);
        }
        let gateway = Proxy::to(plan.get("PORTICO_GATEWAY_LISTEN"));
        let anybody = Rest::new(&format!("http://{}", gateway.address()));
        proxies.insert("gateway", gateway);

        let mut mails = Server::start(&[]);
        let smtp = Proxy::to(&mails.address().await);
        plan.set("PORTICO_SMTP_URL", &format!("smtp://{}", smtp.address()));
        proxies.insert("smtp", smtp);

        let mut postgres = None;
        if needs("postgres") {
            let cluster = Cluster::start().await;
            let proxy = Proxy::to(cluster.address());
            for role in SERVICES {
                let url = cluster.make_database(role).await;
                let url = url.replace(cluster.address(), &proxy.address());
                plan.set(
                    &format!("PORTICO_{}_DATABASE_URL", role.to_uppercase()),
                    &url,
                );
            }
            proxies.insert("postgres", proxy);
            postgres = Some(cluster);
        }
        let mut redis = None;
        if needs("redis") {
            let server = Redis::start().await;
            let proxy = Proxy::to(&server.address);
            plan.set("PORTICO_RATE_LIMIT_URL", &Redis::url(&proxy.address()));
            plan.set("PORTICO_RATE_LIMIT_USER", "1000000/1m");
            match dependency {
                Some(_) => plan.set("PORTICO_RATE_LIMIT_ANONYMOUS", "60/1h"),
                // Nobody signs in anew for as long as it lasts.
                None => plan.set("PORTICO_ACCESS_TOKEN_TTL", "24h"),
            }
            proxies.insert("redis", proxy);
            redis = Some(server);
        }
        plan.migrate().await;
        let installation = plan.start().await;
        Self {
            plan,
            installation,
            anybody,
            mails,
            mails_before: Vec::new(),
            proxies,
            postgres,
            redis,
        }
    }

    /// Lets something go wrong.
    pub(super) async fn break_down(&mut self, dependency: &'static str, fault: Fault) {
        match fault {
            Fault::Killed => self.kill(dependency).await,
            Fault::Stopped => self.signal(dependency, "STOP").await,
            Fault::Slow => self.proxy(dependency).set(Way::Slow(DELAY)),
            Fault::Refused => self.proxy(dependency).set(Way::Closed),
            Fault::Silent => self.proxy(dependency).set(Way::Silent),
        }
    }

    /// The end of it.
    pub(super) async fn mend(&mut self, dependency: &'static str, fault: Fault) {
        match fault {
            Fault::Killed => self.begin(dependency).await,
            Fault::Stopped => self.signal(dependency, "CONT").await,
            Fault::Slow | Fault::Refused | Fault::Silent => self.proxy(dependency).set(Way::Open),
        }
    }

    fn proxy(&self, dependency: &str) -> &Proxy {
        &self.proxies[dependency]
    }

    async fn kill(&mut self, dependency: &'static str) {
        match dependency {
            "postgres" => self.postgres.as_mut().expect("it has one").kill().await,
            "redis" => self.redis.as_mut().expect("it has one").kill().await,
            "smtp" => {
                self.mails.kill().await;
                self.mails_before.extend(self.mails.mails());
            }
            role => {
                self.installation.take(role).kill().await;
                // Nobody listens behind the proxy either.
                self.proxies[role].set(Way::Closed);
            }
        }
    }

    async fn begin(&mut self, dependency: &'static str) {
        match dependency {
            "postgres" => {
                let cluster = self.postgres.as_mut().expect("it has one");
                cluster.begin().await;
                self.proxies[dependency].lead_to(cluster.address());
            }
            "redis" => self.redis.as_mut().expect("it has one").begin().await,
            "smtp" => {
                self.mails = Server::start(&[]);
                let address = self.mails.address().await;
                self.proxy(dependency).lead_to(&address);
            }
            role => {
                self.installation.start(role);
                self.proxies[role].set(Way::Open);
            }
        }
    }

    async fn signal(&mut self, dependency: &'static str, signal: &str) {
        match dependency {
            "postgres" => self.postgres.as_ref().expect("it has one").signal(signal),
            "redis" => {
                let redis = self.redis.as_ref().expect("it has one");
                redis.signal(signal).await;
            }
            "smtp" => self.mails.signal(signal).await,
            role => self.installation.process(role).signal(signal).await,
        }
    }

    /// All mails that were taken.
    pub(super) fn mails(&self) -> Vec<Value> {
        let mut mails = self.mails_before.clone();
        mails.extend(self.mails.mails());
        mails
    }

    /// Waits until Redis counts calls, of which it has forgotten everything.
    pub(super) async fn counts_again(&self, within: Duration) {
        let redis = self.redis.as_ref().expect("it has one");
        redis.ask("FLUSHALL").await;
        let begun = Instant::now();
        loop {
            let answer = self.anybody.call("GET /api/v1/nothing", &[], None).await;
            answer.expect("an answer");
            if redis.ask("DBSIZE").await != ":0" {
                return;
            }
            assert!(begun.elapsed() <= within, "Redis does not count");
        }
    }

    /// The memory of each of the roles that run, in MiB.
    pub(super) fn memory(&mut self) -> BTreeMap<&'static str, u64> {
        let names: Vec<&'static str> = self.installation.names().collect();
        let mut memory = BTreeMap::new();
        for name in names {
            let Some(id) = self.installation.number(name) else {
                continue;
            };
            let status = fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
            let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
            let kibibytes: u64 = kibibytes.expect("its memory");
            memory.insert(name, kibibytes / 1024);
        }
        memory
    }

    /// Stops everything, the roles first, which must go well.
    pub(super) async fn stop(self) {
        self.stop_and(async |_| {}).await;
    }

    /// Looks at the databases when the roles have stopped.
    pub(super) async fn stop_and(self, look: impl AsyncFnOnce(&Plan)) {
        self.installation.stop().await;
        look(&self.plan).await;
        if let Some(cluster) = self.postgres {
            cluster.stop().await;
        }
    }
}
