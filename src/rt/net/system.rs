//! The system calls of sockets, each in one safe function.

use std::io;
use std::mem::{self, MaybeUninit};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// A new TCP socket of the address's family, not blocking.
pub(super) fn stream_socket(address: &SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    // SAFETY: no memory is passed.
    let fd = check(unsafe {
        libc::socket(family, libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC, 0)
    })?;
    // SAFETY: the descriptor is new and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Binds.
pub(super) fn bind(fd: &OwnedFd, address: &SocketAddr) -> io::Result<()> {
    let (storage, length) = encode(address);
    // SAFETY: `storage` holds an address of `length` bytes.
    check(unsafe { libc::bind(fd.as_raw_fd(), (&raw const storage).cast(), length) }).map(drop)
}

/// Listens.
pub(super) fn listen(fd: &OwnedFd, backlog: i32) -> io::Result<()> {
    // SAFETY: no memory is passed.
    check(unsafe { libc::listen(fd.as_raw_fd(), backlog) }).map(drop)
}

/// Begins to connect: `WouldBlock` while it is under way (EINPROGRESS).
pub(super) fn connect(fd: &OwnedFd, address: &SocketAddr) -> io::Result<()> {
    let (storage, length) = encode(address);
    // SAFETY: `storage` holds an address of `length` bytes.
    match check(unsafe { libc::connect(fd.as_raw_fd(), (&raw const storage).cast(), length) }) {
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {
            Err(io::ErrorKind::WouldBlock.into())
        }
        other => other.map(drop),
    }
}

/// The next connection that waits, not blocking.
pub(super) fn accept(fd: &OwnedFd) -> io::Result<(OwnedFd, SocketAddr)> {
    // SAFETY: all zeros is a valid sockaddr_storage.
    let mut storage: libc::sockaddr_storage = unsafe { mem::zeroed() };
    let mut length = socket_length::<libc::sockaddr_storage>();
    // SAFETY: `storage` has room for `length` bytes.
    let accepted = check(unsafe {
        let place = (&raw mut storage).cast();
        libc::accept4(fd.as_raw_fd(), place, &raw mut length, libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC)
    })?;
    // SAFETY: the descriptor is new and nobody else's.
    let accepted = unsafe { OwnedFd::from_raw_fd(accepted) };
    Ok((accepted, decode(&storage)?))
}

/// The address at this end, or at the other.
pub(super) fn address(fd: &OwnedFd, of_peer: bool) -> io::Result<SocketAddr> {
    let call = if of_peer { libc::getpeername } else { libc::getsockname };
    // SAFETY: all zeros is a valid sockaddr_storage.
    let mut storage: libc::sockaddr_storage = unsafe { mem::zeroed() };
    let mut length = socket_length::<libc::sockaddr_storage>();
    // SAFETY: `storage` has room for `length` bytes.
    check(unsafe { call(fd.as_raw_fd(), (&raw mut storage).cast(), &raw mut length) })?;
    decode(&storage)
}

/// Sets an option that is an int.
pub(super) fn set_option(fd: &OwnedFd, level: i32, name: i32, value: i32) -> io::Result<()> {
    let length = socket_length::<i32>();
    // SAFETY: the option's value is an int that lives through the call.
    check(unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, (&raw const value).cast(), length) })
        .map(drop)
}

/// The error that is pending on the socket, taken off it.
pub(super) fn take_error(fd: &OwnedFd) -> io::Result<()> {
    let mut value: i32 = 0;
    let mut length = socket_length::<i32>();
    // SAFETY: `value` has room for `length` bytes.
    check(unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ERROR,
            (&raw mut value).cast(),
            &raw mut length,
        )
    })?;
    if value == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(value)) }
}

/// Receives what is there, up to the length of `into`, of which the first returned bytes are then initialised. Zero: the peer has closed.
pub(super) fn receive(fd: &OwnedFd, into: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
    // SAFETY: `into` is writable for its length.
    let bytes =
        unsafe { libc::recv(fd.as_raw_fd(), into.as_mut_ptr().cast(), into.len(), libc::MSG_DONTWAIT) };
    usize::try_from(bytes).map_err(|_| io::Error::last_os_error())
}

/// Sends as much of `parts` as the socket takes. SAFETY for the caller: each part is readable through the call.
pub(super) unsafe fn send(fd: &OwnedFd, parts: &mut [libc::iovec], more_follows: bool) -> io::Result<usize> {
    // SAFETY: all zeros is a valid msghdr.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = parts.as_mut_ptr();
    message.msg_iovlen = parts.len();
    let more = if more_follows { libc::MSG_MORE } else { 0 };
    // SAFETY: the parts are readable by the caller's word, and `message` lives through the call.
    let bytes = unsafe {
        libc::sendmsg(fd.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT | more)
    };
    usize::try_from(bytes).map_err(|_| io::Error::last_os_error())
}

/// Sends up to `length` bytes of a file; the socket must not be blocking. Zero: the file ends before `position`.
pub(super) fn send_file(fd: &OwnedFd, file: RawFd, position: u64, length: usize) -> io::Result<usize> {
    let mut position = libc::off_t::try_from(position).map_err(io::Error::other)?;
    // SAFETY: `position` lives through the call.
    let bytes = unsafe { libc::sendfile(fd.as_raw_fd(), file, &raw mut position, length) };
    usize::try_from(bytes).map_err(|_| io::Error::last_os_error())
}

/// Closes one direction, or both.
pub(super) fn shutdown(fd: &OwnedFd, how: i32) -> io::Result<()> {
    // SAFETY: no memory is passed.
    check(unsafe { libc::shutdown(fd.as_raw_fd(), how) }).map(drop)
}

fn check(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn socket_length<T>() -> libc::socklen_t {
    libc::socklen_t::try_from(mem::size_of::<T>()).unwrap_or(0)
}

fn encode(address: &SocketAddr) -> (libc::sockaddr_storage, libc::socklen_t) {
    // SAFETY: all zeros is a valid sockaddr_storage.
    let mut storage: libc::sockaddr_storage = unsafe { mem::zeroed() };
    let length = match address {
        SocketAddr::V4(v4) => {
            let encoded = libc::sockaddr_in {
                sin_family: libc::sa_family_t::try_from(libc::AF_INET).unwrap_or(0),
                sin_port: v4.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(v4.ip().octets()) },
                sin_zero: [0; 8],
            };
            // SAFETY: a sockaddr_storage has room and alignment for every address.
            unsafe { (&raw mut storage).cast::<libc::sockaddr_in>().write(encoded) };
            socket_length::<libc::sockaddr_in>()
        }
        SocketAddr::V6(v6) => {
            let encoded = libc::sockaddr_in6 {
                sin6_family: libc::sa_family_t::try_from(libc::AF_INET6).unwrap_or(0),
                sin6_port: v6.port().to_be(),
                sin6_flowinfo: v6.flowinfo(),
                sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
                sin6_scope_id: v6.scope_id(),
            };
            // SAFETY: as above.
            unsafe { (&raw mut storage).cast::<libc::sockaddr_in6>().write(encoded) };
            socket_length::<libc::sockaddr_in6>()
        }
    };
    (storage, length)
}

fn decode(storage: &libc::sockaddr_storage) -> io::Result<SocketAddr> {
    match i32::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says which address it is.
            let v4 = unsafe { (&raw const *storage).cast::<libc::sockaddr_in>().read() };
            let ip = Ipv4Addr::from(v4.sin_addr.s_addr.to_ne_bytes());
            Ok(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let v6 = unsafe { (&raw const *storage).cast::<libc::sockaddr_in6>().read() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            Ok(SocketAddrV6::new(ip, u16::from_be(v6.sin6_port), v6.sin6_flowinfo, v6.sin6_scope_id).into())
        }
        other => Err(io::Error::other(format!("an address of family {other}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_the_trip() {
        for text in ["127.0.0.1:9092", "[::1]:1", "[fe80::1234%7]:65535"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(decode(&encode(&address).0).unwrap(), address);
        }
    }
}
