//! What telemetry costs that nobody asked for. It is set up once for a process,
//! so this one has no other tests.

use portico_chassis::telemetry::{self, LogFormat};
use tracing::level_filters::LevelFilter;

/// Libraries have hundreds of events for a request that are less important.
#[tokio::test]
async fn what_is_neither_logged_nor_traced_is_not_even_looked_at() {
    let telemetry = telemetry::init("test", LogFormat::Json, "info", true).expect("set up");
    assert_eq!(LevelFilter::current(), LevelFilter::INFO);
    telemetry::set_level("info,h2=debug").expect("set");
    assert_eq!(LevelFilter::current(), LevelFilter::DEBUG);
    telemetry::set_level("warn").expect("set");
    assert_eq!(LevelFilter::current(), LevelFilter::INFO);
    telemetry.shutdown();
}
