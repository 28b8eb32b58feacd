//! TLS between processes: the certificate that this one shows, to those who
//! call it and to those whom it calls, and the authorities that must have
//! signed theirs. The files are looked at again and again, so that a new
//! certificate is in use without a restart. Connections that are open go on.

mod credentials;
mod files;
mod reason;
#[cfg(test)]
mod tests;

use std::{io, sync::Arc, time::Duration};

use rustls::ServerConfig;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};
use tokio_util::sync::CancellationToken;
use tonic::transport::ClientTlsConfig;

use self::{
    credentials::date,
    files::{Contents, Files, Mistake},
};
pub(crate) use self::{
    credentials::{ALPN, Credentials},
    reason::reason,
};
use crate::{
    clock::{Clock, Timestamp},
    config::Env,
    serve::Background,
    telemetry::Metrics,
};

/// The time between two looks at the files. A SIGHUP has them looked at at once.
const INTERVAL: Duration = Duration::from_secs(5);

/// What this process shows and whom it trusts, at any moment.
pub struct Tls {
    files: Files,
    current: watch::Sender<Arc<Credentials>>,
    clock: Clock,
}

impl Tls {
    /// Reads `PORTICO_TLS_CERT`, `PORTICO_TLS_KEY` and `PORTICO_TLS_CLIENT_CA`,
    /// and the files that they name; nothing if none is set, or if there is a
    /// mistake, which is noted.
    pub fn read(env: &mut Env, clock: Clock) -> Option<Self> {
        let files = Files::of(env)?;
        match files
            .read()
            .and_then(|contents| Credentials::of(contents, clock.now()))
        {
            Ok(credentials) => Some(Self {
                files,
                current: watch::Sender::new(Arc::new(credentials)),
                clock,
            }),
            Err(mistakes) => {
                for mistake in mistakes {
                    env.mistake(mistake.variable, &mistake.what);
                }
                None
            }
        }
    }

    /// When the certificate that this process shows is no longer good, for
    /// people.
    #[must_use]
    pub fn expiry(&self) -> String {
        date(self.current.borrow().expires_at)
    }

    /// How those are met who call this process, from now on.
    #[must_use]
    pub fn server(&self) -> Arc<ServerConfig> {
        self.current.borrow().server.clone()
    }

    /// How a process by this name is called, from now on.
    #[must_use]
    pub fn client(&self, name: &str) -> ClientTlsConfig {
        self.current.borrow().client(name)
    }

    /// Tells when [`Self::server`] and [`Self::client`] have changed.
    pub(crate) fn changes(&self) -> watch::Receiver<Arc<Credentials>> {
        self.current.subscribe()
    }

    /// Work that follows the files until the process stops. What cannot be used
    /// leaves in force what was.
    ///
    /// # Errors
    ///
    /// If SIGHUP cannot be heard.
    pub fn follow(self: Arc<Self>, metrics: Arc<Metrics>) -> io::Result<Background> {
        let asked = signal(SignalKind::hangup())?;
        metrics.set_tls_files_unusable(false);
        let shown = self.clone();
        metrics.look(move |metrics| shown.tell(metrics));
        Ok(Box::new(move |stop| {
            Box::pin(self.look_until(stop, asked, metrics))
        }))
    }

    /// Notes how long what is in use is good for.
    fn tell(&self, metrics: &Metrics) {
        let now = self.clock.now();
        let credentials = self.current.borrow();
        let left = |until: Timestamp| until.seconds() - now.seconds();
        metrics.set_tls_expiry("own", left(credentials.expires_at));
        if let Some(until) = credentials.authorities_expire_at {
            metrics.set_tls_expiry("authority", left(until));
        }
    }

    async fn look_until(
        self: Arc<Self>,
        stop: CancellationToken,
        mut asked: Signal,
        metrics: Arc<Metrics>,
    ) {
        let mut told = Vec::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(INTERVAL) => {}
                _ = asked.recv() => {}
            }
            let files = self.files.clone();
            let Ok(read) = tokio::task::spawn_blocking(move || files.read()).await else {
                return; // The runtime stops.
            };
            let mistakes = self.take(read).err().unwrap_or_default();
            metrics.set_tls_files_unusable(!mistakes.is_empty());
            if mistakes != told {
                for Mistake { variable, what } in &mistakes {
                    tracing::warn!("{variable} {what}; what was read before stays in use");
                }
                told = mistakes;
            }
        }
    }

    /// Takes into use what was read, if it is something else.
    fn take(&self, read: Result<Contents, Vec<Mistake>>) -> Result<(), Vec<Mistake>> {
        let contents = read?;
        if self.current.borrow().contents == contents {
            return Ok(());
        }
        let credentials = Credentials::of(contents, self.clock.now())?;
        tracing::info!(
            expires_at = date(credentials.expires_at),
            "new certificates are in use"
        );
        self.current.send_replace(Arc::new(credentials));
        Ok(())
    }
}
