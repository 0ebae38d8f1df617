//! Accepting connections.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use super::system;
use crate::rt::{ring, sleep};

/// Connections that the kernel completes before they are accepted; it may allow fewer (net.core.somaxconn).
const BACKLOG: i32 = 1024;
/// How long to wait when the process or the system is out of descriptors or memory.
const BACK_OFF: Duration = Duration::from_millis(100);

/// A TCP address that is taken, but not listened to yet: clients are refused as long as nobody could serve them.
pub struct Reserved {
    fd: OwnedFd,
    address: SocketAddr,
}

/// A listening TCP socket of this shard.
pub struct Listener {
    fd: Arc<OwnedFd>,
    address: SocketAddr,
}

/// A connection that has just been accepted, on its way to the shard that will serve it.
#[derive(Debug)]
pub struct AcceptedSocket {
    pub(super) fd: OwnedFd,
    pub(super) peer: SocketAddr,
}

impl AcceptedSocket {
    /// Who connected.
    pub fn peer_address(&self) -> SocketAddr {
        self.peer
    }
}

/// Says which address and what to do.
fn explained(address: SocketAddr, error: io::Error) -> io::Error {
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse => "another process listens there: stop it or choose another port",
        io::ErrorKind::PermissionDenied => "ports below 1024 need CAP_NET_BIND_SERVICE: choose another port",
        io::ErrorKind::AddrNotAvailable => "no network interface of this machine has the address",
        _ => return io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")),
    };
    io::Error::new(error.kind(), format!("cannot listen on {address}: {hint}"))
}

impl Reserved {
    /// Takes `address`; port 0 takes any free one. Errors say which address and what to do.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        Self::try_bind(address).map_err(|error| explained(address, error))
    }

    fn try_bind(address: SocketAddr) -> io::Result<Self> {
        let fd = system::stream_socket(&address)?;
        system::set_option(&fd, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
        if address.is_ipv6() && address.ip().is_unspecified() {
            // "::" serves IPv4 as well, as it does in Kafka.
            system::set_option(&fd, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 0)?;
        }
        system::bind(&fd, &address)?;
        let address = system::address(&fd, false)?;
        Ok(Self { fd, address })
    }

    /// The address, with the port that was chosen.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Begins to listen. Errors: as `bind`; another process that had taken the address as well was faster.
    pub fn listen(self) -> io::Result<Listener> {
        system::listen(&self.fd, BACKLOG).map_err(|error| explained(self.address, error))?;
        Ok(Listener { fd: Arc::new(self.fd), address: self.address })
    }
}

impl Listener {
    /// Listens on `address`; port 0 takes any free one. Errors say which address and what to do.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        Reserved::bind(address)?.listen()
    }

    /// Where it listens, with the port that was chosen.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the next connection. Out of descriptors or memory, it lets connections wait and tries again later;
    /// connections that were gone before they were accepted are passed over. Errors: only what makes listening impossible.
    pub async fn accept(&self) -> io::Result<AcceptedSocket> {
        let mut exhausted = false;
        loop {
            let error = match system::accept(&self.fd) {
                Ok((fd, peer)) => return Ok(AcceptedSocket { fd, peer }),
                Err(error) => error,
            };
            match error.raw_os_error() {
                Some(libc::EAGAIN) => ring::ready(&self.fd, libc::POLLIN).await?,
                Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM) => {
                    if !exhausted {
                        tracing::warn!(address = %self.address, %error, "cannot accept connections for now");
                        exhausted = true;
                    }
                    sleep(BACK_OFF).await;
                }
                Some(libc::EBADF | libc::EINVAL | libc::ENOTSOCK | libc::EOPNOTSUPP | libc::EFAULT) => {
                    return Err(error);
                }
                // EINTR, ECONNABORTED, and the network errors that accept(2) says to treat like EAGAIN.
                _ => {}
            }
        }
    }
}
