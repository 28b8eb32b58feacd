//! What a gateway itself costs for one read of a project: ours, with tokens
//! checked, limits counted and traces sampled; Envoy, which checks tokens; and a
//! handler by hand, which checks nothing. All are before the same services.

mod by_hand;
mod collector;
mod envoy;

use std::{fmt::Write as _, net::SocketAddr};

use http::Method;

pub(crate) use self::by_hand::{COMMAND as BY_HAND, serve as serve_by_hand};
use crate::{
    client::Rest,
    goals::{Goal, figure},
    installation::{Installation, Shape},
    parts::alone,
    sample::{self, Drive, Sample, Series},
    scenarios::{Scenario, Session},
    settings::Settings,
    statistics::ratio,
    target::Running,
};

/// Callers at once.
const CALLERS: usize = 16;
/// The part of requests whose spans are exported, and how that is asked for.
const SAMPLER: &str = "parentbased_traceidratio";
const SAMPLED: &str = "0.01";

/// What came of it.
pub(crate) struct Gateways {
    gateways: Vec<Gateway>,
    /// The gateway that could not be had, and why.
    missing: Option<String>,
}

struct Gateway {
    /// The role of its process.
    role: &'static str,
    address: SocketAddr,
    saturated: Series,
    /// At one rate for all, half of what the slowest can do.
    equal: Series,
}

pub(crate) async fn measure(settings: &Settings) -> anyhow::Result<Gateways> {
    let collector = collector::start().await?;
    let mut installation = Installation::new(settings, Shape::SeparateOnPostgres)?;
    installation.set("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{collector}"));
    installation.set("OTEL_TRACES_SAMPLER", SAMPLER);
    installation.set("OTEL_TRACES_SAMPLER_ARG", SAMPLED);
    let portico = installation.start().await?;
    let session = alone::session(&portico).await?;
    let mut running = portico.running;

    let mut gateways = vec![Gateway::new("gateway", running.http)];
    let (process, address) = by_hand::start(&running).await?;
    running.processes.push(process);
    gateways.push(Gateway::new("by hand", address));
    let mut rest = Rest::connect(running.http, None).await?;
    let keys = rest
        .answer(Method::GET, "/.well-known/jwks.json", "")
        .await?;
    let folder = tempfile::tempdir_in(&settings.folder)?;
    let missing = match envoy::start(&running, &keys, folder.path()).await {
        Ok((process, address)) => {
            running.processes.push(process);
            gateways.push(Gateway::new("envoy", address));
            None
        }
        Err(error) => Some(format!("Envoy could not be measured: {error:#}")),
    };
    for _ in 0..settings.repetitions {
        take_turns(&mut gateways, &running, &session, settings).await?;
    }
    running.stop().await?;
    Ok(Gateways { gateways, missing })
}

async fn take_turns(
    gateways: &mut [Gateway],
    running: &Running,
    session: &Session,
    settings: &Settings,
) -> anyhow::Result<()> {
    let mut slowest = f64::INFINITY;
    for gateway in &mut *gateways {
        let mut callers = gateway.callers(session).await?;
        sample::measure(running, &mut callers, Drive::Saturate, settings.warm_up()).await?;
        let sample =
            sample::measure(running, &mut callers, Drive::Saturate, settings.length).await?;
        slowest = slowest.min(sample.rate);
        gateway.saturated.0.push(sample);
    }
    for gateway in gateways {
        let mut callers = gateway.callers(session).await?;
        let drive = Drive::Steady(slowest / 2.0);
        let sample = sample::measure(running, &mut callers, drive, settings.length).await?;
        gateway.equal.0.push(sample);
    }
    Ok(())
}

impl Gateway {
    fn new(role: &'static str, address: SocketAddr) -> Self {
        Self {
            role,
            address,
            saturated: Series::default(),
            equal: Series::default(),
        }
    }

    async fn callers(&self, session: &Session) -> anyhow::Result<Vec<crate::scenarios::Caller>> {
        let session = session.at(self.address);
        session.callers(Scenario::Read, CALLERS).await
    }

    /// The CPU time in µs of its own process for one call, in each measurement.
    fn own_cpu(&self, series: &Series) -> Vec<f64> {
        series.each(|sample| sample.cpu_of(self.role))
    }
}

impl Gateways {
    /// Our own CPU time as a part of another's.
    fn cpu_ratio(&self, other: &str, series: fn(&Gateway) -> &Series) -> Option<f64> {
        let cpu = |role| {
            let gateway = self.gateways.iter().find(|gateway| gateway.role == role)?;
            Some(gateway.own_cpu(series(gateway)))
        };
        ratio(&cpu("gateway")?, &cpu(other)?)
    }

    pub(crate) fn write(&self, text: &mut String) -> std::fmt::Result {
        text.push_str(concat!(
            "\n## What a gateway costs\n\n",
            "Reads of a project through three gateways before the same separate services. The CPU time is that ",
            "of the gateway's\nprocess alone, for one request. At one rate for all (half of what the slowest can ",
            "do), and at saturation.\n\n",
            "| gateway | CPU at one rate | p50 | p99 | CPU at saturation | per second | failed |\n",
            "|---|--:|--:|--:|--:|--:|--:|\n",
        ));
        for gateway in &self.gateways {
            gateway.write(text)?;
        }
        match &self.missing {
            Some(missing) => writeln!(text, "\n{missing}"),
            None => Ok(()),
        }
    }
}

impl Gateway {
    fn write(&self, text: &mut String) -> std::fmt::Result {
        let name = match self.role {
            "gateway" => "Portico's: tokens, revocations, limits, traces (1 % exported)",
            "envoy" => "Envoy: transcoder, jwt_authn with its token cache",
            _ => "axum by hand: one route, no check",
        };
        let of = |series: &Series, of: fn(&Sample) -> f64| figure(series.median(of).unwrap_or(0.0));
        let own = |series: &Series| {
            let median = series.median(|sample| sample.cpu_of(self.role));
            figure(median.unwrap_or(0.0))
        };
        writeln!(
            text,
            "| {name} | {} µs | {} ms | {} ms | {} µs | {} | {} |",
            own(&self.equal),
            of(&self.equal, |sample| sample.p50),
            of(&self.equal, |sample| sample.p99),
            own(&self.saturated),
            of(&self.saturated, |sample| sample.rate),
            self.equal.failed() + self.saturated.failed(),
        )
    }
}

/// The goals, also if nothing was measured.
pub(crate) fn goals(gateways: Option<&Gateways>) -> Vec<Goal> {
    let mut goals = Vec::new();
    for (other, name, bound) in [
        ("envoy", "Envoy's with its token cache", 0.45),
        ("by hand", "an axum handler's by hand", 1.15),
    ] {
        let mut add = |load, measured| {
            let what = format!("gateway's own CPU for a read, of {name}, {load}");
            goals.push(Goal::at_most(what, measured, bound, "×"));
        };
        let ratio = |series| gateways.and_then(|it| it.cpu_ratio(other, series));
        add("at one rate", ratio(|gateway: &Gateway| &gateway.equal));
        add("at saturation", ratio(|gateway| &gateway.saturated));
    }
    goals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_gateways_own_process_counts() {
        let gateway = |role, cpu| {
            let mut gateway = Gateway::new(role, SocketAddr::from(([127, 0, 0, 1], 1)));
            let cpu = vec![(role, cpu), ("projects", 90.0)];
            gateway.equal.0.push(Sample {
                cpu,
                ..Sample::default()
            });
            gateway
        };
        let gateways = Gateways {
            gateways: vec![gateway("gateway", 40.0), gateway("envoy", 100.0)],
            missing: None,
        };
        let goals = goals(Some(&gateways));
        let what = "gateway's own CPU for a read, of Envoy's with its token cache, at one rate";
        assert_eq!(goals[0], Goal::at_most(what, Some(0.4), 0.45, "×"));
        let what = "gateway's own CPU for a read, of an axum handler's by hand, at one rate";
        assert_eq!(goals[2], Goal::at_most(what, None, 1.15, "×"));
    }
}
