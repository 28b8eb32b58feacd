//! From where people sign in, as far as it tells a known place from a new one.
//! No I/O, no protobuf, no SQL.

use std::net::IpAddr;

use sha2::{Digest as _, Sha256};

use crate::session::Session;

/// The network and the program of a sign-in, as a hash: a newer version of the
/// same program is the same one, and so is another address nearby. It says
/// nothing of a person by itself, and differs from person to person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Device(pub(crate) [u8; 32]);

impl Device {
    /// The device that a session was opened on.
    pub(crate) fn of(session: &Session) -> Self {
        let network = session.ip.as_deref().map(network).unwrap_or_default();
        let program = session.user_agent.as_deref().map(family);
        let program = program.unwrap_or_default();
        let user_id = session.user_id;
        Self(Sha256::digest(format!("{user_id}\0{network}\0{program}")).into())
    }
}

/// The network of an address: the first 24 bits of IPv4, 48 of IPv6.
fn network(ip: &str) -> String {
    match ip.parse() {
        Ok(IpAddr::V4(ip)) => {
            let [first, second, third, _] = ip.octets();
            format!("{first}.{second}.{third}")
        }
        Ok(IpAddr::V6(ip)) => {
            let [first, second, third, ..] = ip.segments();
            format!("{first:x}:{second:x}:{third:x}")
        }
        Err(_) => ip.to_owned(),
    }
}

/// The name of a program without its version.
fn family(user_agent: &str) -> String {
    user_agent
        .chars()
        .filter(|letter| !letter.is_ascii_digit() && !matches!(letter, '.' | '_'))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use portico_chassis::clock::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::session::Visit;

    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

    fn device(user: u128, ip: &str, user_agent: &str) -> Device {
        let visit = Visit {
            at: Timestamp::from_seconds(1),
            ip: ip.parse().ok(),
            user_agent: Some(user_agent.to_owned()),
        };
        let session = Session::begin(Uuid::from_u128(user), &visit, Duration::from_secs(60));
        Device::of(&session)
    }

    #[test]
    fn neither_a_new_version_nor_an_address_nearby_is_another_device() {
        let known = device(1, "203.0.113.9", FIREFOX);
        let newer = FIREFOX.replace("140", "141");
        assert_eq!(device(1, "203.0.113.200", &newer), known);
        assert_eq!(
            device(1, "2001:db8:1:2::3", FIREFOX),
            device(1, "2001:db8:1:ffff::9", FIREFOX)
        );
    }

    #[test]
    fn another_program_network_or_person_is() {
        let known = device(1, "203.0.113.9", FIREFOX);
        for other in [
            device(1, "203.0.114.9", FIREFOX),
            device(1, "2001:db8:1::9", FIREFOX),
            device(1, "203.0.113.9", &FIREFOX.replace("Linux", "Windows")),
            device(1, "203.0.113.9", "curl/8.5.0"),
            device(2, "203.0.113.9", FIREFOX),
            device(1, "nowhere", FIREFOX),
        ] {
            assert_ne!(other, known);
        }
    }
}
