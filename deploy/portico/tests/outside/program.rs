//! Programs that a test starts, with what they print.

use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Output, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use portico_chassis::config::Env;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader},
    process::{Child, Command},
    sync::Notify,
    task::JoinHandle,
};

/// How long anything here may take, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// As long may a program work that has much to do.
const WORK: Duration = Duration::from_secs(600);

/// The program under test.
pub(crate) const PORTICO: &str = env!("CARGO_BIN_EXE_portico");

/// A variable of the test run's own environment.
pub(crate) fn from_environment(name: &str) -> String {
    let value = Env::of_process().text(name);
    value.unwrap_or_else(|| panic!("{name} is not set: run the tests by .ci/with-services"))
}

/// A file of the repository.
pub(crate) fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// A running program. It ends with the test at the latest.
pub(crate) struct Program {
    child: Child,
    name: String,
    printed: Arc<Printed>,
    readers: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Printed {
    lines: Mutex<Vec<String>>,
    more: Notify,
}

impl Program {
    /// Starts a program.
    pub(crate) fn start(name: &str, command: &mut Command) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let printed = Arc::new(Printed::default());
        let stdout = child.stdout.take().expect("it is piped");
        let stderr = child.stderr.take().expect("it is piped");
        let readers = vec![
            tokio::spawn(collect(stdout, printed.clone())),
            tokio::spawn(collect(stderr, printed.clone())),
        ];
        Self {
            child,
            name: name.to_owned(),
            printed,
            readers,
        }
    }

    /// Waits for a line with this text in it.
    pub(crate) async fn line(&mut self, text: &str) -> String {
        self.lines(text, 1).await
    }

    /// Waits until so many lines had this text in them, and answers the last.
    pub(crate) async fn lines(&mut self, text: &str, times: usize) -> String {
        let found = async {
            loop {
                let more = self.printed.more.notified();
                let lines = self.printed.lines.lock().expect("not poisoned").clone();
                let mut lines = lines.into_iter().filter(|line| line.contains(text));
                if let Some(line) = lines.nth(times - 1) {
                    return line;
                }
                tokio::select! {
                    () = more => {}
                    ended = self.child.wait() => panic!("it ended instead: {ended:?}"),
                }
            }
        };
        tokio::time::timeout(PATIENCE, found)
            .await
            .unwrap_or_else(|_| panic!("{} did not print `{text}`", self.name))
    }

    /// Everything that it has printed.
    pub(crate) fn output(&self) -> String {
        self.printed.lines.lock().expect("not poisoned").join("\n")
    }

    /// Waits until something is so, while it runs.
    pub(crate) async fn until(&mut self, what: &str, is_so: impl AsyncFn() -> bool) {
        let begun = Instant::now();
        while !is_so().await {
            self.must_run();
            assert!(begun.elapsed() < PATIENCE, "{} is not {what}", self.name);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Fails if it has ended by itself.
    pub(crate) fn must_run(&mut self) {
        if let Some(status) = self.child.try_wait().expect("a child") {
            panic!("{} ended by itself: {status}", self.name);
        }
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Sends a signal, such as TERM.
    pub(crate) async fn signal(&self, signal: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(sent.await.expect("kill runs").success(), "{}", self.name);
    }

    /// Ends it as a power cut would.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("it runs");
    }

    /// Waits for its end, which is near.
    pub(crate) async fn end(&mut self) -> ExitStatus {
        self.end_within(PATIENCE).await
    }

    async fn end_within(&mut self, patience: Duration) -> ExitStatus {
        let ended = tokio::time::timeout(patience, self.child.wait()).await;
        let status = ended
            .unwrap_or_else(|_| panic!("{} does not end", self.name))
            .expect("a child");
        for reader in self.readers.drain(..) {
            reader.await.expect("reads to the end");
        }
        status
    }

    /// Asks it to stop, which must go well.
    pub(crate) async fn stop(mut self) {
        self.signal("TERM").await;
        let status = self.end().await;
        assert!(status.success(), "{} stopped with {status}", self.name);
    }

    /// Runs it to its end, which must go well.
    pub(crate) async fn succeed(name: &str, command: &mut Command) -> String {
        let mut program = Self::start(name, command);
        let status = program.end_within(WORK).await;
        assert!(status.success(), "{name} ended with {status}");
        program.output()
    }
}

impl Drop for Program {
    #[expect(
        clippy::print_stderr,
        reason = "a failed test shows what its programs said"
    )]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let output = self.output();
            let lines: Vec<&str> = output.lines().rev().take(20).collect();
            eprintln!("--- {} printed at last:", self.name);
            for line in lines.into_iter().rev() {
                eprintln!("{line}");
            }
        }
    }
}

async fn collect(source: impl AsyncRead + Unpin, printed: Arc<Printed>) {
    let mut lines = BufReader::new(source).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        printed.lines.lock().expect("not poisoned").push(line);
        printed.more.notify_one();
    }
}

/// A command with an environment of its own.
pub(crate) fn portico(variables: &[(String, String)], arguments: &[&str]) -> Command {
    let mut command = Command::new(PORTICO);
    command
        .args(arguments)
        .env_clear()
        .envs(variables.iter().cloned());
    command
}

/// Runs a command of the program to its end.
pub(crate) async fn run(
    variables: &[(String, String)],
    arguments: &[&str],
    input: &str,
) -> (Option<i32>, Output) {
    let mut child = portico(variables, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).await.expect("it reads");
    drop(stdin);
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
    let output = output.expect("it ends").expect("a child");
    (output.status.code(), output)
}
