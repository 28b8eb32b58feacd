//! Addresses for processes that tests start, which must know each other's before
//! they listen.

use std::{
    net::TcpListener,
    sync::atomic::{AtomicU16, Ordering},
};

use crate::clock::fill_random;

/// An address that nobody listens at, and no other test of this run is given.
/// They lie outside of what the system gives away by itself.
#[must_use]
pub fn free_address() -> String {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let mut random = [0; 2];
    fill_random(&mut random);
    let first = u16::from_le_bytes(random) % 10_000;
    let _ = NEXT.compare_exchange(0, first, Ordering::Relaxed, Ordering::Relaxed);
    loop {
        let port = 10_000 + NEXT.fetch_add(1, Ordering::Relaxed) % 10_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return format!("127.0.0.1:{port}");
        }
    }
}
