//! The OpenTelemetry collector: whether something accepts connections there.

use std::time::Duration;

use axum::http::Uri;
use portico_chassis::finding::Finding;
use tokio::{net::TcpStream, time::timeout};

/// So long may a connection take.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) async fn examine(url: &str) -> Finding {
    let Some((host, port)) = place(url) else {
        return Finding::failure(
            "OTEL_EXPORTER_OTLP_ENDPOINT is no URL such as http://otel-collector:4317",
        );
    };
    let advice = "spans are lost until it is; requests are served all the same. Check \
        OTEL_EXPORTER_OTLP_ENDPOINT, and that the collector runs";
    match timeout(PATIENCE, TcpStream::connect((host.as_str(), port))).await {
        Ok(Ok(_)) => Finding::fine(format!("{host}:{port} accepts connections")),
        Ok(Err(error)) => {
            Finding::warning(format!("{host}:{port} is not reached: {error}; {advice}"))
        }
        Err(_elapsed) => Finding::warning(format!(
            "{host}:{port} is not reached within {} s; {advice}",
            PATIENCE.as_secs()
        )),
    }
}

/// The host and the port of an endpoint of OTLP over gRPC.
fn place(url: &str) -> Option<(String, u16)> {
    let uri: Uri = url.parse().ok()?;
    let usual = match uri.scheme_str()? {
        "http" | "grpc" => 4317,
        "https" => 443,
        _ => return None,
    };
    let host = uri.host()?.trim_matches(['[', ']']);
    Some((host.to_owned(), uri.port_u16().unwrap_or(usual)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_has_a_host_and_a_port() {
        let found = |url: &str| place(url).map(|(host, port)| format!("{host} {port}"));
        assert_eq!(found("http://otel:4317").as_deref(), Some("otel 4317"));
        assert_eq!(
            found("https://user:secret@otel").as_deref(),
            Some("otel 443")
        );
        assert_eq!(found("http://[::1]:5").as_deref(), Some("::1 5"));
        for url in ["", "otel:4317", "ftp://otel", "/otel"] {
            assert_eq!(found(url), None, "{url}");
        }
    }
}
