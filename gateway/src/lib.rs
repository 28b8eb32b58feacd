//! The gateway: REST/JSON outside, gRPC inside, driven by descriptors. It knows
//! no domain; everything about one comes from the descriptor pool.

pub mod docs;
pub mod openapi;
pub mod routes;
pub mod transcode;
