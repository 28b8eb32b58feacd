//! The benchmark's message in typed form, with generated serde. Nothing else
//! belongs here: it exists so that the gateway itself needs no build script.

include!(concat!(env!("OUT_DIR"), "/portico.bench.v1.rs"));
include!(concat!(env!("OUT_DIR"), "/portico.bench.v1.serde.rs"));

/// The encoded descriptors of the message and its imports.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
