//! One TCP connection.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use bytes::BytesMut;

use super::listener::AcceptedSocket;
use super::out::OutPart;
use super::system;
use crate::rt::disk::{DiskMode, LogFile};
use crate::rt::{ring, yield_if_needed};

/// Parts that one system call sends; more need another.
const PARTS_PER_SEND: usize = 64;
/// Bytes of a file that are sent before others have their turn: one such call holds the shard some 50 us.
const FILE_BYTES_PER_SEND: u64 = 256 * 1024;

/// How a socket is set up.
#[derive(Clone, Copy, Debug, Default)]
pub struct SocketOptions {
    /// SO_SNDBUF in bytes; the kernel's own tuning if `None`.
    pub send_buffer_bytes: Option<i32>,
    /// SO_RCVBUF in bytes; the kernel's own tuning if `None`.
    pub receive_buffer_bytes: Option<i32>,
}

/// A TCP connection of this shard. One task may read while another writes.
pub struct Socket {
    fd: Arc<OwnedFd>,
    local: SocketAddr,
    peer: SocketAddr,
    /// The last read took all there was: the next one waits before it tries.
    drained: Cell<bool>,
}

impl Socket {
    /// Takes over an accepted connection, with TCP_NODELAY. Errors: a peer that is gone already.
    pub fn from_accepted(accepted: AcceptedSocket, options: SocketOptions) -> io::Result<Self> {
        Self::set_up(accepted.fd, accepted.peer, options)
    }

    /// Connects to `address`. A deadline is the caller's (`timeout`).
    pub async fn connect(address: SocketAddr, options: SocketOptions) -> io::Result<Self> {
        let fd = system::stream_socket(&address)?;
        if let Err(error) = system::connect(&fd, &address) {
            if error.kind() != io::ErrorKind::WouldBlock {
                return Err(error);
            }
            let fd = Arc::new(fd);
            ring::ready(&fd, libc::POLLOUT).await?;
            system::take_error(&fd)?;
            return Self::set_up(fd, address, options);
        }
        Self::set_up(fd, address, options)
    }

    fn set_up(fd: impl Into<Arc<OwnedFd>>, peer: SocketAddr, options: SocketOptions) -> io::Result<Self> {
        let fd = fd.into();
        system::set_option(&fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, 1)?;
        if let Some(bytes) = options.send_buffer_bytes {
            system::set_option(&fd, libc::SOL_SOCKET, libc::SO_SNDBUF, bytes)?;
        }
        if let Some(bytes) = options.receive_buffer_bytes {
            system::set_option(&fd, libc::SOL_SOCKET, libc::SO_RCVBUF, bytes)?;
        }
        let local = system::address(&fd, false)?;
        Ok(Self { fd, local, peer, drained: Cell::new(false) })
    }

    /// The address at this end.
    pub fn local_address(&self) -> SocketAddr {
        self.local
    }

    /// The address at the other end.
    pub fn peer_address(&self) -> SocketAddr {
        self.peer
    }

    /// Receives up to `max` bytes onto the end of `into`; zero means that the peer has closed its side (or `max` is 0).
    /// Memory is reserved only when there is something to receive, so a connection that waits with an empty buffer
    /// holds none. Errors: ECONNRESET and the like.
    pub async fn read(&self, into: &mut BytesMut, max: usize) -> io::Result<usize> {
        if max == 0 {
            return Ok(0);
        }
        let mut wait = self.drained.get() || into.capacity() == into.len();
        loop {
            if wait {
                ring::ready(&self.fd, libc::POLLIN).await?;
            }
            into.reserve(max);
            let spare = into.spare_capacity_mut();
            let asked = spare.len().min(max);
            match system::receive(&self.fd, spare.get_mut(..asked).unwrap_or_default()) {
                Ok(bytes) => {
                    // SAFETY: the kernel has initialised the first `bytes` of the spare capacity.
                    unsafe { into.set_len(into.len() + bytes) };
                    self.drained.set(bytes < asked);
                    return Ok(bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => wait = false,
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until there is something to read, or the peer has closed or failed.
    pub async fn readable(&self) -> io::Result<()> {
        ring::ready(&self.fd, libc::POLLIN).await
    }

    /// Waits until the peer has closed its side, or the connection has failed, whatever there is still to read.
    pub async fn peer_closed(&self) {
        // An error is as good: the connection is of no use then.
        let _ = ring::ready(&self.fd, libc::POLLRDHUP).await;
    }

    /// Sends all parts in order and empties the queue. Cut off (dropped, or an error), the queue holds what was not sent.
    /// Errors: EPIPE, ECONNRESET; `UnexpectedEof` for a file that ends before its range.
    pub async fn write_parts(&self, parts: &mut VecDeque<OutPart>) -> io::Result<()> {
        loop {
            while parts.front().is_some_and(OutPart::is_empty) {
                parts.pop_front();
            }
            let sent = match parts.front() {
                None => return Ok(()),
                Some(OutPart::File { file, position, len }) => {
                    match file.fd().filter(|_| file.mode() == DiskMode::PageCache) {
                        Some(fd) => {
                            let piece =
                                usize::try_from((*len).min(FILE_BYTES_PER_SEND)).unwrap_or(usize::MAX);
                            file.warm(*position, piece as u64).await?;
                            system::send_file(&self.fd, fd, *position, piece).and_then(not_at_the_end)
                        }
                        None => {
                            let piece = load(file, *position, *len).await?;
                            let loaded = piece.len();
                            advance(parts, loaded);
                            parts.push_front(piece);
                            continue;
                        }
                    }
                }
                Some(_) => self.send_memory(parts),
            };
            match sent {
                Ok(bytes) => {
                    advance(parts, bytes as u64);
                    yield_if_needed().await;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ring::ready(&self.fd, libc::POLLOUT).await?
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends `bytes`.
    pub async fn write_all(&self, bytes: impl Into<bytes::Bytes>) -> io::Result<()> {
        self.write_parts(&mut VecDeque::from([OutPart::Bytes(bytes.into())])).await
    }

    /// One system call for the parts in memory at the front.
    fn send_memory(&self, parts: &VecDeque<OutPart>) -> io::Result<usize> {
        let mut vectors = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; PARTS_PER_SEND];
        let mut used = 0;
        for (vector, bytes) in vectors.iter_mut().zip(parts.iter().map_while(OutPart::in_memory)) {
            *vector = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
            used += 1;
        }
        let more_follows = parts.len() > used;
        // SAFETY: the vectors point into `parts`, which is borrowed through the call; sendmsg only reads them.
        unsafe { system::send(&self.fd, vectors.get_mut(..used).unwrap_or_default(), more_follows) }
    }

    /// Closes both directions: a task that reads gets the end, one that writes an error.
    pub fn shutdown(&self) {
        // A connection that is gone already needs no closing.
        let _ = system::shutdown(&self.fd, libc::SHUT_RDWR);
    }

    /// Stops reading: a task that reads gets the end; what is written still leaves.
    pub fn shutdown_read(&self) {
        // A connection that is gone already needs no closing.
        let _ = system::shutdown(&self.fd, libc::SHUT_RD);
    }

    /// Says that nothing more will be sent; reading goes on.
    pub fn shutdown_write(&self) -> io::Result<()> {
        system::shutdown(&self.fd, libc::SHUT_WR)
    }
}

/// Takes `bytes` off the front of the queue.
fn advance(parts: &mut VecDeque<OutPart>, mut bytes: u64) {
    while bytes > 0 {
        let Some(front) = parts.front_mut() else { return };
        bytes -= front.advance(bytes);
        if front.is_empty() {
            parts.pop_front();
        }
    }
}

/// The next piece of a file that cannot be sent from the page cache.
async fn load(file: &LogFile, position: u64, len: u64) -> io::Result<OutPart> {
    let piece = usize::try_from(len.min(FILE_BYTES_PER_SEND)).unwrap_or(usize::MAX);
    let slice = file.read(position, piece).await?;
    not_at_the_end(slice.len())?;
    Ok(OutPart::Slice(slice))
}

fn not_at_the_end(bytes: usize) -> io::Result<usize> {
    if bytes == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests;
