//! Which address a request comes from, past the proxies that are trusted.

use std::net::IpAddr;

use http::HeaderMap;

use crate::config::Network;

/// The address of the client: the peer's, or if the peer is a trusted proxy the
/// last one in `X-Forwarded-For` that is none. Everything left of it is what
/// the client claims.
pub(crate) fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut nearest = peer.to_canonical();
    if !is_trusted(nearest) {
        return nearest;
    }
    let lines = headers.get_all("x-forwarded-for").into_iter().rev();
    for hop in lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(',')) {
        let Some(address) = parse(hop.trim()) else {
            break;
        };
        nearest = address;
        if !is_trusted(nearest) {
            break;
        }
    }
    nearest
}

/// Reads an address, with a port or without.
fn parse(text: &str) -> Option<IpAddr> {
    let address = text
        .parse()
        .or_else(|_| text.parse().map(|socket: std::net::SocketAddr| socket.ip()))
        .ok()?;
    Some(IpAddr::to_canonical(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen_from(peer: &str, forwarded: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", http::HeaderValue::from_static(line));
        }
        let trusted = ["10.0.0.0/8".parse().expect("a network")];
        address(peer.parse().expect("an address"), &headers, &trusted).to_string()
    }

    #[test]
    fn a_stranger_cannot_claim_an_address() {
        assert_eq!(seen_from("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
    }

    #[test]
    fn the_last_address_that_no_trusted_proxy_has_counts() {
        let forwarded = ["1.1.1.1, 198.51.100.1, 10.0.0.2"];
        assert_eq!(seen_from("10.0.0.1", &forwarded), "198.51.100.1");
        assert_eq!(
            seen_from("10.0.0.1", &["1.1.1.1", "198.51.100.1"]),
            "198.51.100.1"
        );
        assert_eq!(
            seen_from("10.0.0.1", &["198.51.100.1:4711"]),
            "198.51.100.1"
        );
    }

    #[test]
    fn what_is_no_address_hides_everything_before_it() {
        assert_eq!(
            seen_from("10.0.0.1", &["1.1.1.1, nonsense, 10.0.0.2"]),
            "10.0.0.2"
        );
        assert_eq!(seen_from("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn an_address_has_one_form() {
        assert_eq!(seen_from("::ffff:203.0.113.9", &[]), "203.0.113.9");
    }
}
