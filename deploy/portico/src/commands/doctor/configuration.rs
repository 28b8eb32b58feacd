//! Whether the settings, which are valid, are also safe.

use std::net::IpAddr;

use portico_chassis::finding::Finding;

use crate::settings::{Profile, Settings};

pub(super) fn examine(settings: &Settings) -> Vec<Finding> {
    let roles: Vec<&str> = settings.roles.iter().map(|role| role.name()).collect();
    let profile = match settings.profile {
        Profile::Dev => "dev",
        Profile::Production => "production",
    };
    let mut findings = vec![Finding::fine(format!(
        "can be read, with the profile {profile}, for {}",
        roles.join(", ")
    ))];
    findings.extend(settings.warnings.iter().map(Finding::warning));
    findings.extend(public_url(settings.profile, &settings.public_url));
    if settings
        .auth
        .as_ref()
        .is_some_and(|auth| !auth.is_throttled)
    {
        findings.push(Finding::warning(
            "PORTICO_AUTH_THROTTLE is off: passwords can be guessed without waiting; it is meant for \
             load tests only",
        ));
    }
    if let Some(tls) = &settings.tls {
        findings.push(Finding::fine(format!(
            "the certificate of PORTICO_TLS_CERT is good until {}",
            tls.expiry()
        )));
    }
    if settings.profile == Profile::Production {
        let in_the_clear: Vec<&str> = settings
            .places
            .iter()
            .filter_map(|place| {
                let target = place.target.as_ref()?;
                let is_far = target.hosts().iter().any(|host| !is_near(host_of(host)));
                (is_far && !target.is_encrypted(settings.tls.is_some()))
                    .then_some(place.role.name())
            })
            .collect();
        if !in_the_clear.is_empty() {
            findings.push(Finding::warning(format!(
                "{} are called without encryption: name them by https:// unless the network \
                 encrypts",
                in_the_clear.join(", ")
            )));
        }
    }
    findings
}

/// Browsers keep passkeys and cookies safe over https only.
fn public_url(profile: Profile, url: &str) -> Option<Finding> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let host = host_of(rest.split('/').next().unwrap_or(rest));
    match (profile, scheme, is_near(host)) {
        (Profile::Production, "https", _) => Some(Finding::fine("PORTICO_PUBLIC_URL is https")),
        (Profile::Production, _, false) => Some(Finding::failure(format!(
            "PORTICO_PUBLIC_URL is {url}: in production it begins with https://, or passwords, tokens \
             and cookies travel in the clear"
        ))),
        (Profile::Production, _, true) => Some(Finding::warning(format!(
            "PORTICO_PUBLIC_URL is {url}: nobody finds it from another machine"
        ))),
        (Profile::Dev, _, false) => Some(Finding::warning(format!(
            "PORTICO_PROFILE is dev, and PORTICO_PUBLIC_URL is {url}: in dev, secrets are made, the \
             mailbox is open to everybody, and migrations run at start; set it to production"
        ))),
        (Profile::Dev, _, true) => None,
    }
}

/// A host without its port.
fn host_of(place: &str) -> &str {
    let host = place.rsplit_once(':').map_or(place, |(host, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) {
            host
        } else {
            place
        }
    });
    host.trim_matches(['[', ']'])
}

/// Whether a host is this machine.
fn is_near(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse().is_ok_and(|host: IpAddr| host.is_loopback())
}

#[cfg(test)]
mod tests {
    use portico_chassis::finding::Verdict;

    use super::*;

    #[test]
    fn production_is_found_by_https() {
        use Profile::{Dev, Production};
        for (profile, url, expected) in [
            (Production, "https://id.example.com", Some(Verdict::Fine)),
            (Production, "http://id.example.com", Some(Verdict::Failure)),
            (Production, "http://10.0.0.1:8080", Some(Verdict::Failure)),
            (Production, "http://localhost:8080", Some(Verdict::Warning)),
            (Production, "http://[::1]:8080", Some(Verdict::Warning)),
            (Dev, "http://127.0.0.1:8080", None),
            (Dev, "http://portico.localhost", None),
            (Dev, "https://id.example.com", Some(Verdict::Warning)),
        ] {
            let found = public_url(profile, url).map(|finding| finding.verdict);
            assert_eq!(found, expected, "{profile:?} {url}");
        }
    }
}
