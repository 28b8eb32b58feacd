//! Installations of the program: where each role is, and where its data.

use portico_chassis::{database::DatabaseUrl, serve::testing::free_address};

use crate::{Program, Rest, program::portico, rest::PASSWORD};

pub(crate) const ADMIN_EMAIL: &str = "root@example.com";

/// 32 bytes of zero.
const SECRET: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// The services, each before those that call it.
pub(crate) const SERVICES: [&str; 4] = ["users", "projects", "auth", "notifications"];

pub(crate) type Variables = Vec<(String, String)>;

/// What an installation is to be. It can be started any number of times.
pub(crate) struct Plan {
    pub(crate) variables: Variables,
    pub(crate) folder: tempfile::TempDir,
    /// The name of each process, and its admin port.
    processes: Vec<(&'static str, String)>,
}

/// A running installation.
pub(crate) struct Installation {
    processes: Vec<(&'static str, String, Option<Program>)>,
    variables: Variables,
    pub(crate) rest: Rest,
}

impl Plan {
    /// Everything in one process, on SQLite.
    pub(crate) fn in_one_process() -> Self {
        let mut plan = Self::new();
        plan.set("PORTICO_GRPC_LISTEN", &free_address());
        plan.processes.push(("dev", free_address()));
        plan
    }

    /// Each role on its own; on SQLite, as databases do not matter here.
    pub(crate) fn as_separate_roles() -> Self {
        let mut plan = Self::new();
        plan.set("PORTICO_PROFILE", "production");
        plan.set("PORTICO_MASTER_KEY", SECRET);
        plan.set("PORTICO_SERVICE_SECRET", SECRET);
        // Nobody listens there: mails wait, where a test does not look at them.
        plan.set("PORTICO_SMTP_URL", "smtp://127.0.0.1:9");
        plan.set("PORTICO_MAIL_FROM", "Portico <portico@example.com>");
        for role in SERVICES {
            let (address, name) = (free_address(), role.to_uppercase());
            let database = plan.folder.path().join(format!("data/{role}.db"));
            let database = format!("sqlite://{}", database.display());
            plan.set(&format!("PORTICO_{name}_DATABASE_URL"), &database);
            plan.set(&format!("PORTICO_{name}_LISTEN"), &address);
            plan.set(&format!("PORTICO_{name}_URL"), &format!("http://{address}"));
            plan.processes.push((role, free_address()));
        }
        plan.processes.push(("gateway", free_address()));
        plan
    }

    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let gateway = free_address();
        let mut plan = Self {
            variables: Vec::new(),
            folder,
            processes: Vec::new(),
        };
        plan.set("PORTICO_DATA_DIR", data.to_str().expect("a path"));
        plan.set("PORTICO_GATEWAY_LISTEN", &gateway);
        plan.set("PORTICO_PUBLIC_URL", &format!("http://{gateway}"));
        plan.set("PORTICO_BOOTSTRAP_ADMIN_EMAIL", ADMIN_EMAIL);
        plan.set("PORTICO_BOOTSTRAP_ADMIN_PASSWORD", PASSWORD);
        plan.set("PORTICO_LOG_FORMAT", "pretty");
        plan.set("RUST_LOG", "warn");
        plan.set("PORTICO_AUTH_THROTTLE", "off");
        for limit in ["ANONYMOUS", "USER", "CREDENTIALS"] {
            plan.set(&format!("PORTICO_RATE_LIMIT_{limit}"), "off");
        }
        plan
    }

    /// Sets a variable, or another value of it.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.variables.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("{name} is not set")).1
    }

    /// The database of a service.
    pub(crate) fn database(&self, service: &str) -> DatabaseUrl {
        let name = format!("PORTICO_{service}_DATABASE_URL");
        let is_stated = self.variables.iter().any(|(known, _)| *known == name);
        if is_stated {
            return self.get(&name).parse().expect("a URL");
        }
        let file = format!("{}.db", service.to_lowercase());
        DatabaseUrl::Sqlite(self.folder.path().join("data").join(file))
    }

    /// Where a service is served over gRPC.
    pub(crate) fn grpc(&self, service: &str) -> String {
        let own = format!("PORTICO_{}_LISTEN", service.to_uppercase());
        let found = self.variables.iter().find(|(known, _)| *known == own);
        match found {
            Some((_, address)) => format!("http://{address}"),
            None => format!("http://{}", self.get("PORTICO_GRPC_LISTEN")),
        }
    }

    /// Where HTTP is served.
    pub(crate) fn http(&self) -> &str {
        self.get("PORTICO_PUBLIC_URL")
    }

    /// Brings the databases up to date, where that is not done at start.
    pub(crate) async fn migrate(&self) {
        Program::succeed("migrate", &mut portico(&self.variables, &["migrate"])).await;
    }

    /// Starts it and waits until it is ready.
    pub(crate) async fn start(&self) -> Installation {
        let mut installation = self.lay_out();
        for (name, _) in &self.processes {
            installation.start(name);
        }
        installation.ready().await;
        installation
    }

    /// The installation before any of its processes is started.
    pub(crate) fn lay_out(&self) -> Installation {
        let mut installation = Installation {
            processes: Vec::new(),
            variables: self.variables.clone(),
            rest: Rest::new(self.http()),
        };
        for (name, admin) in &self.processes {
            installation.processes.push((*name, admin.clone(), None));
        }
        installation
    }
}

impl Installation {
    /// Starts one of its processes.
    pub(crate) fn start(&mut self, name: &str) {
        let slot = self.processes.iter_mut().find(|(known, ..)| *known == name);
        let (_, admin, program) = slot.expect("a process");
        let mut command = portico(&self.variables, &[name]);
        command.env("PORTICO_ADMIN_LISTEN", admin);
        *program = Some(Program::start(name, &mut command));
    }

    /// The names of its processes.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.processes.iter().map(|(name, ..)| *name)
    }

    /// The number of one of its processes, if it runs.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        let slot = self.processes.iter().find(|(known, ..)| *known == name);
        let (.., program) = slot.expect("a process");
        program.as_ref().map(Program::id)
    }

    /// One of its processes.
    pub(crate) fn process(&mut self, name: &str) -> &mut Program {
        let slot = self.processes.iter_mut().find(|(known, ..)| *known == name);
        slot.and_then(|(.., program)| program.as_mut())
            .unwrap_or_else(|| panic!("{name} does not run"))
    }

    /// Takes one of its processes, to end it.
    pub(crate) fn take(&mut self, name: &str) -> Program {
        let slot = self.processes.iter_mut().find(|(known, ..)| *known == name);
        slot.and_then(|(.., program)| program.take())
            .unwrap_or_else(|| panic!("{name} does not run"))
    }

    /// Waits until every process is ready.
    pub(crate) async fn ready(&mut self) {
        for (_, admin, program) in &mut self.processes {
            let Some(program) = program else { continue };
            let probe = Rest::new(&format!("http://{admin}"));
            program
                .until("ready", async || probe.is_ready().await)
                .await;
        }
    }

    /// Where one of its processes has its probes.
    pub(crate) fn admin_port(&self, name: &str) -> String {
        let found = self.processes.iter().find(|(known, ..)| *known == name);
        let (_, admin, _) = found.expect("a process");
        format!("http://{admin}")
    }

    /// The first administrator.
    pub(crate) async fn admin(&self) -> Rest {
        self.rest.login(ADMIN_EMAIL).await
    }

    /// Stops it, callers before those they call, which must go well.
    pub(crate) async fn stop(self) {
        for (_, _, program) in self.processes.into_iter().rev() {
            if let Some(program) = program {
                program.stop().await;
            }
        }
    }
}
