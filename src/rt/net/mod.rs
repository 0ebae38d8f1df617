//! TCP: listeners and sockets. System calls are tried at once and never block; readiness comes from the shard's ring.

mod listener;
mod out;
mod socket;
mod system;

pub use listener::{AcceptedSocket, Listener, Reserved};
pub use out::OutPart;
pub use socket::{Socket, SocketOptions};
