//! A process that is measured. It ends with its owner, whatever happens.

use std::{
    net::SocketAddr,
    process::{Child, Command},
    time::{Duration, Instant},
};

use anyhow::ensure;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::sleep,
};

/// How often a process that starts is asked whether it is ready.
const POLL: Duration = Duration::from_micros(200);
/// How long a start may take before the measurement gives up.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Process {
    /// What it is for: `gateway`.
    pub(crate) role: &'static str,
    child: Option<Child>,
    pub(crate) number: u32,
    started: Instant,
}

impl Process {
    pub(crate) fn start(role: &'static str, command: &mut Command) -> anyhow::Result<Self> {
        let started = Instant::now();
        let child = command.spawn()?;
        Ok(Self {
            role,
            number: child.id(),
            child: Some(child),
            started,
        })
    }

    /// Waits until an answer to `GET` of the path is as it should be, and says
    /// how long that was since the start.
    pub(crate) async fn until(
        &mut self,
        address: SocketAddr,
        path: &str,
        is_ready: impl Fn(&str) -> bool,
    ) -> anyhow::Result<Duration> {
        loop {
            let answer = get(address, path).await;
            if answer.as_ref().is_ok_and(|answer| is_ready(answer)) {
                return Ok(self.started.elapsed());
            }
            let has_ended = match &mut self.child {
                Some(child) => child.try_wait()?.is_some(),
                None => true,
            };
            ensure!(!has_ended, "{} has ended", self.role);
            ensure!(
                self.started.elapsed() < PATIENCE,
                "{} is not ready: {answer:?}",
                self.role
            );
            sleep(POLL).await;
        }
    }

    /// What it prints first, for which its standard output must be a pipe.
    pub(crate) fn output(&mut self) -> Option<std::process::ChildStdout> {
        self.child.as_mut()?.stdout.take()
    }

    /// Stops it as an operator would.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let Some(mut child) = self.child.take() else {
            return Ok(());
        };
        terminate(self.number);
        let status = tokio::task::spawn_blocking(move || child.wait()).await??;
        ensure!(status.success(), "{} ended with {status}", self.role);
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            terminate(self.number);
            // Its data is removed next, so it must be gone.
            let _ = child.wait();
        }
    }
}

fn terminate(process: u32) {
    // It may have ended already.
    let _ = Command::new("kill").arg(process.to_string()).status();
}

/// The whole answer, as text.
async fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
