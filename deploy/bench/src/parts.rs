//! What is measured, each part by itself.

pub(crate) mod alone;
pub(crate) mod events;
pub(crate) mod gateways;
pub(crate) mod shapes;
pub(crate) mod sockets;
