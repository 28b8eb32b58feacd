//! Which answers are compressed, and how: whatever the client takes, if it is
//! worth the work and safe.

use http::{Extensions, HeaderMap, StatusCode, Version, header};
use tower_http::compression::{
    CompressionLayer,
    predicate::{NotForContentType, Predicate, SizeAbove},
};

/// A smaller answer fits into one packet either way.
const MIN_SIZE: u64 = 1024;

/// Marks an answer that was compressed as well as it can be, or need not be.
#[derive(Clone)]
pub(crate) struct AsItIs;

/// Compresses as gzip, Brotli or Zstandard.
pub(crate) fn layer() -> CompressionLayer<impl Predicate> {
    let worth_it = SizeAbove::new(MIN_SIZE)
        .and(NotForContentType::SSE)
        .and(NotForContentType::IMAGES)
        .and(is_not_secret)
        .and(is_not_marked);
    CompressionLayer::new().compress_when(worth_it)
}

/// The length of a compressed secret beside what an attacker can choose tells
/// him the secret (BREACH).
fn is_not_secret(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    headers
        .get(header::CACHE_CONTROL)
        .is_none_or(|value| value != "no-store")
}

fn is_not_marked(_: StatusCode, _: Version, _: &HeaderMap, marks: &Extensions) -> bool {
    marks.get::<AsItIs>().is_none()
}
