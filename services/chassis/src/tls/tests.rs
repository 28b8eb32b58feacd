//! How long certificates are good, and what is no certificate for now.

use std::fs;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};

use super::Tls;
use crate::{
    clock::{Clock, Timestamp},
    config::Env,
    telemetry::Metrics,
};

const NOON: OffsetDateTime = time::macros::datetime!(2026-11-22 12:00 UTC);

/// Whether an authority or another, and from when until when it is good.
type Made = (bool, Duration, Duration);

fn params((is_authority, from, until): Made) -> CertificateParams {
    let mut params = CertificateParams::new(vec!["users".to_owned()]).expect("a name");
    params.not_before = NOON + from;
    params.not_after = NOON + until;
    if is_authority {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    params
}

/// Reads, at noon, a certificate by an authority in between, whose authority is
/// one of two that are trusted.
fn read(own: Made, between: Made, trusted: [Made; 2]) -> Result<Tls, String> {
    let (key, between_key) = (KeyPair::generate(), KeyPair::generate());
    let (key, between_key) = (key.expect("a key"), between_key.expect("a key"));
    let mut authorities = String::new();
    let mut top = None;
    for made in trusted {
        let key = KeyPair::generate().expect("a key");
        let params = params(made);
        authorities += &params.self_signed(&key).expect("signed").pem();
        top = Some(Issuer::new(params, key));
    }
    let top = top.expect("two");
    let link = params(between).signed_by(&between_key, &top);
    let issuer = Issuer::new(params(between), between_key);
    let own = params(own).signed_by(&key, &issuer);
    let chain = own.expect("signed").pem() + &link.expect("signed").pem();

    let folder = TempDir::new().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let files = [
        ("PORTICO_TLS_CERT", path("tls.crt"), chain),
        ("PORTICO_TLS_KEY", path("tls.key"), key.serialize_pem()),
        ("PORTICO_TLS_CLIENT_CA", path("ca.crt"), authorities),
    ];
    for (_, path, text) in &files {
        fs::write(path, text).expect("written");
    }
    let mut env = Env::of(files.map(|(name, path, _)| (name.to_owned(), path)));
    let noon = Timestamp::from_seconds(NOON.unix_timestamp());
    let tls = Tls::read(&mut env, Clock::manual(noon));
    env.finish().map_err(|error| error.to_string())?;
    Ok(tls.expect("all is set"))
}

const HOUR: Duration = Duration::HOUR;

#[test]
fn a_chain_is_good_until_its_first_link_is_not() {
    let trusted = [(true, -HOUR, HOUR * 9), (true, -HOUR, HOUR * 5)];
    let tls = read((false, -HOUR, HOUR * 3), (true, -HOUR, HOUR * 2), trusted);
    let tls = tls.expect("all is good");
    let metrics = Metrics::default();
    tls.tell(&metrics);
    let text = metrics.text();
    // Of the authorities, the last: one is there to be replaced by it.
    for line in [
        "portico_tls_expiry_seconds{certificate=\"own\"} 7200",
        "portico_tls_expiry_seconds{certificate=\"authority\"} 32400",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn what_is_not_good_now_is_a_mistake() {
    let good = (true, -HOUR, HOUR);
    let own = (false, -HOUR, HOUR);
    for (own, between, told) in [
        (
            (false, HOUR, HOUR * 2),
            good,
            "it is good only from 2026-11-22T13:00:00Z on",
        ),
        (
            (false, -HOUR * 2, -HOUR),
            good,
            "it has expired at 2026-11-22T11:00:00Z",
        ),
        (
            own,
            (true, -HOUR * 2, -HOUR),
            "it has expired at 2026-11-22T11:00:00Z",
        ),
    ] {
        let error = read(own, between, [good, good]).err().expect("a mistake");
        assert!(error.contains("PORTICO_TLS_CERT names `"), "{error}");
        assert!(error.contains(told), "{error}");
    }
}
