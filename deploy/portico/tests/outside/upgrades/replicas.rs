//! An installation as a platform runs it: two replicas of each role, over one
//! PostgreSQL and one Redis.

use portico_chassis::serve::testing::free_address;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tonic::transport::{Channel, Endpoint};

use crate::{
    Plan, Program, Rest,
    installation::{SERVICES, Variables},
    program::{from_environment, portico},
};

const GATEWAY: &str = "gateway";

pub(super) struct Replicas {
    pub(super) plan: Plan,
    replicas: Vec<Replica>,
}

struct Replica {
    role: &'static str,
    /// Where it is called.
    address: String,
    /// Where it tells how it is.
    admin: Rest,
    variables: Variables,
    program: Option<Program>,
}

impl Replicas {
    /// Starts all of it and waits until it is ready.
    pub(super) async fn start() -> Self {
        let mut plan = Plan::as_separate_roles();
        use_postgres(&mut plan).await;
        plan.set("PORTICO_DATABASE_CONNECTIONS", "5");
        plan.set("PORTICO_DRAIN", "2s");
        let redis = from_environment("PORTICO_TEST_REDIS_URL");
        plan.set("PORTICO_RATE_LIMIT_URL", &format!("{redis}/7"));
        for limit in ["ANONYMOUS", "USER", "CREDENTIALS"] {
            plan.set(&format!("PORTICO_RATE_LIMIT_{limit}"), "100000/1m");
        }

        let mut places = Vec::new();
        for role in SERVICES {
            let name = role.to_uppercase();
            let first = plan.get(&format!("PORTICO_{name}_LISTEN")).to_owned();
            let second = free_address();
            let urls = format!("http://{first},http://{second}");
            plan.set(&format!("PORTICO_{name}_URL"), &urls);
            places.extend([(role, first), (role, second)]);
        }
        let first = plan.get("PORTICO_GATEWAY_LISTEN").to_owned();
        places.extend([(GATEWAY, first), (GATEWAY, free_address())]);
        plan.migrate().await;

        let replicas = places.into_iter();
        let replicas = replicas.map(|(role, address)| Replica::new(&plan, role, address));
        let mut replicas: Vec<Replica> = replicas.collect();
        replicas.iter_mut().for_each(Replica::start);
        for replica in &mut replicas {
            replica.ready().await;
        }
        Self { plan, replicas }
    }

    /// How many replicas there are of all roles.
    pub(super) fn count(&self) -> usize {
        self.replicas.len()
    }

    /// Stops a replica as a rollout does, which must go well, and starts it anew.
    pub(super) async fn restart(&mut self, index: usize) {
        let replica = &mut self.replicas[index];
        replica.program.take().expect("it runs").stop().await;
        replica.start();
        replica.ready().await;
    }

    /// Changes what every replica logs.
    pub(super) async fn log(&self, level: &str) {
        for replica in &self.replicas {
            replica.admin.put_text("/log-level", level).await;
        }
    }

    /// The gateways, as whoever uses them finds them.
    pub(super) fn gateways(&self) -> Vec<(Rest, Rest)> {
        let gateways = self.of(GATEWAY);
        gateways
            .map(|replica| (replica.admin.clone(), Rest::new(&replica.url())))
            .collect()
    }

    /// A service, as others call it over gRPC.
    pub(super) fn service(&self, role: &str) -> Vec<(Rest, Channel)> {
        let channel = |replica: &Replica| {
            let endpoint = Endpoint::from_shared(replica.url()).expect("an address");
            (replica.admin.clone(), endpoint.connect_lazy())
        };
        self.of(role).map(channel).collect()
    }

    fn of(&self, role: &str) -> impl Iterator<Item = &Replica> {
        self.replicas
            .iter()
            .filter(move |replica| replica.role == role)
    }

    /// Stops all of it, callers before those they call, which must go well.
    pub(super) async fn stop(&mut self) {
        for replica in self.replicas.iter_mut().rev() {
            replica.program.take().expect("it runs").stop().await;
        }
    }
}

impl Replica {
    fn new(plan: &Plan, role: &'static str, address: String) -> Self {
        let admin = free_address();
        let mut variables = plan.variables.clone();
        let own = format!("PORTICO_{}_LISTEN", role.to_uppercase());
        variables.retain(|(name, _)| *name != own);
        variables.push((own, address.clone()));
        variables.push(("PORTICO_ADMIN_LISTEN".to_owned(), admin.clone()));
        Self {
            role,
            address,
            admin: Rest::new(&format!("http://{admin}")),
            variables,
            program: None,
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn start(&mut self) {
        let mut command = portico(&self.variables, &[self.role]);
        self.program = Some(Program::start(self.role, &mut command));
    }

    async fn ready(&mut self) {
        let program = self.program.as_mut().expect("it runs");
        program
            .until("ready", async || self.admin.is_ready().await)
            .await;
    }
}

/// Has a plan use databases of its own on the PostgreSQL of the test run.
pub(super) async fn use_postgres(plan: &mut Plan) {
    for role in SERVICES {
        let url = make_database(plan, role).await;
        plan.set(
            &format!("PORTICO_{}_DATABASE_URL", role.to_uppercase()),
            &url,
        );
    }
}

/// Makes a database for a service, and answers its URL.
async fn make_database(plan: &Plan, role: &str) -> String {
    let server = from_environment("PORTICO_TEST_POSTGRES_URL");
    let mut connection = PgConnection::connect(&server).await.expect("it answers");
    // No two plans have the same addresses.
    let (_, port) = plan.http().rsplit_once(':').expect("a port");
    let name = format!("replicas_{port}_{role}");
    let sql = format!("CREATE DATABASE {name}");
    let made = sqlx::query(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await;
    made.expect("made");
    let (server, _) = server.rsplit_once('/').expect("a database");
    format!("{server}/{name}")
}
