//! TCP_INFO of a client connection, asked of the kernel over netlink (Linux `sock_diag(7)`).
//!
//! `getsockopt(TCP_INFO)` has no safe wrapper among maintained crates; `NETLINK_SOCK_DIAG` hands out the same structure
//! for a pair of addresses, needs no privilege for one's own sockets, and rustix speaks netlink safely.

use std::net::SocketAddr;

/// include/net/tcp_states.h: `TCP_LISTEN`.
const LISTENING: u8 = 10;

/// What the kernel knows of one connection. Field names are those of `struct tcp_info` (linux/tcp.h) spelled out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TcpInfo {
    /// Smoothed round-trip time, µs.
    pub(crate) rtt_micros: u32,
    /// Mean deviation of the round-trip time, µs.
    pub(crate) rtt_variation_micros: u32,
    /// Segments sent and not yet acknowledged.
    pub(crate) unacknowledged: u32,
    /// Bytes queued and not yet sent.
    pub(crate) not_sent_bytes: u32,
    /// Bytes acknowledged since the connection began.
    pub(crate) acknowledged_bytes: u64,
    /// Latest delivery rate, bytes per second.
    pub(crate) delivery_rate: u64,
    /// The rate was measured while there was too little to send.
    pub(crate) application_limited: bool,
    /// Time with data to send or to be acknowledged, µs.
    pub(crate) busy_micros: u64,
    /// Part of it in which the receiver's window was shut, µs.
    pub(crate) receiver_limited_micros: u64,
    /// Bytes sent, those sent again included.
    pub(crate) sent_bytes: u64,
    /// Bytes sent again.
    pub(crate) retransmitted_bytes: u64,
}

impl TcpInfo {
    /// Reads `struct tcp_info`. The kernel only ever appends to it; 216 bytes exist since Linux 4.19.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        // The kernel answers for the listening socket when the connection itself is gone.
        if *bytes.first()? == LISTENING {
            return None;
        }
        let u32_at = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes);
        let u64_at = |at: usize| bytes.get(at..at + 8)?.try_into().ok().map(u64::from_ne_bytes);
        Some(Self {
            application_limited: bytes.get(7)? & 1 == 1,
            unacknowledged: u32_at(24)?,
            rtt_micros: u32_at(68)?,
            rtt_variation_micros: u32_at(72)?,
            acknowledged_bytes: u64_at(120)?,
            not_sent_bytes: u32_at(144)?,
            delivery_rate: u64_at(160)?,
            busy_micros: u64_at(168)?,
            receiver_limited_micros: u64_at(176)?,
            sent_bytes: u64_at(200)?,
            retransmitted_bytes: u64_at(208)?,
        })
    }

    /// Everything handed to the kernel has reached the peer.
    pub(crate) fn is_settled(&self) -> bool {
        self.unacknowledged == 0 && self.not_sent_bytes == 0
    }
}

#[cfg(target_os = "linux")]
mod netlink {
    use super::{SocketAddr, TcpInfo};
    use headroom_cluster::lock::locked;
    use rustix::{
        fd::OwnedFd,
        net::{
            AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType,
            netlink::{SOCK_DIAG, SocketAddrNetlink},
            recv, sendto, socket_with,
        },
    };
    use std::{net::IpAddr, sync::Mutex};

    /// linux/sock_diag.h: `SOCK_DIAG_BY_FAMILY`.
    const BY_FAMILY: u16 = 20;
    /// linux/netlink.h: `NLM_F_REQUEST`.
    const REQUEST: u16 = 1;
    /// linux/inet_diag.h: attribute `INET_DIAG_INFO`.
    const INFO: u16 = 2;
    /// `IPPROTO_TCP`.
    const TCP: u8 = 6;
    /// `struct nlmsghdr` and `struct inet_diag_msg`.
    const HEADER: usize = 16;
    const MESSAGE: usize = 72;
    /// `struct nlmsghdr` and `struct inet_diag_req_v2`.
    const QUESTION: usize = HEADER + 56;

    /// A netlink socket that answers one question at a time; the kernel answers within the call that asks.
    pub(crate) struct Diagnosis {
        socket: Mutex<(OwnedFd, u32)>,
    }

    impl Diagnosis {
        /// Opens the socket; `None` where the system has none.
        pub(crate) fn open() -> Option<Self> {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, Some(SOCK_DIAG)).ok()?;
            Some(Self { socket: Mutex::new((socket, 0)) })
        }

        /// TCP_INFO of the connection between our `local` address and `peer`; `None` when it is gone.
        pub(crate) fn ask(&self, local: SocketAddr, peer: SocketAddr) -> Option<TcpInfo> {
            let mut guard = locked(&self.socket);
            let (socket, sequence) = &mut *guard;
            *sequence = sequence.wrapping_add(1);
            let question = question(local, peer, *sequence);
            sendto(&*socket, &question, SendFlags::empty(), &SocketAddrNetlink::new(0, 0)).ok()?;
            let mut reply = [0_u8; 2_048];
            // An answer left over from a question that failed half-way has another number: skip it.
            for _ in 0..4 {
                let (length, _) = recv(&*socket, &mut reply[..], RecvFlags::empty()).ok()?;
                let message = reply.get(..length)?;
                if message.get(8..12)? == sequence.to_ne_bytes() {
                    return answer(message);
                }
            }
            None
        }
    }

    fn question(local: SocketAddr, peer: SocketAddr, sequence: u32) -> [u8; QUESTION] {
        let mut text = [0; QUESTION];
        text[0..4].copy_from_slice(&(QUESTION as u32).to_ne_bytes());
        text[4..6].copy_from_slice(&BY_FAMILY.to_ne_bytes());
        text[6..8].copy_from_slice(&REQUEST.to_ne_bytes());
        text[8..12].copy_from_slice(&sequence.to_ne_bytes());
        let family = if local.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        text[16] = family.as_raw() as u8;
        text[17] = TCP;
        text[18] = 1 << (INFO - 1);
        text[20..24].copy_from_slice(&u32::MAX.to_ne_bytes());
        text[24..26].copy_from_slice(&local.port().to_be_bytes());
        text[26..28].copy_from_slice(&peer.port().to_be_bytes());
        let mut write_address = |at: usize, address: IpAddr| match address {
            IpAddr::V4(address) => text[at..at + 4].copy_from_slice(&address.octets()),
            IpAddr::V6(address) => text[at..at + 16].copy_from_slice(&address.octets()),
        };
        write_address(28, local.ip());
        write_address(44, peer.ip());
        // No cookie: the addresses alone identify the socket.
        text[64..72].copy_from_slice(&[0xff; 8]);
        text
    }

    fn answer(message: &[u8]) -> Option<TcpInfo> {
        if u16::from_ne_bytes(message.get(4..6)?.try_into().ok()?) != BY_FAMILY {
            return None;
        }
        let mut rest = message.get(HEADER + MESSAGE..)?;
        loop {
            let length = usize::from(u16::from_ne_bytes(rest.get(0..2)?.try_into().ok()?));
            let kind = u16::from_ne_bytes(rest.get(2..4)?.try_into().ok()?);
            if kind == INFO {
                return TcpInfo::from_bytes(rest.get(4..length)?);
            }
            // Attributes are padded to four bytes; one shorter than its own header would never end the loop.
            rest = rest.get(length.max(4).next_multiple_of(4)..)?;
        }
    }
}

#[cfg(target_os = "linux")]
pub(crate) use netlink::Diagnosis;

/// Systems without `sock_diag`: nothing is known of connections.
#[cfg(not(target_os = "linux"))]
pub(crate) struct Diagnosis;

#[cfg(not(target_os = "linux"))]
impl Diagnosis {
    pub(crate) fn open() -> Option<Self> {
        None
    }

    pub(crate) fn ask(&self, _: SocketAddr, _: SocketAddr) -> Option<TcpInfo> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::{
        io::{Read, Write},
        net::{TcpListener, TcpStream},
    };

    #[test]
    fn counts_what_a_real_connection_delivered() {
        let diagnosis = Diagnosis::open().expect("netlink sockets need no privilege");
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (mut server, peer) = listener.accept().unwrap();
            let local = server.local_addr().unwrap();
            let before = diagnosis.ask(local, peer).unwrap();
            server.write_all(&[7; 40_000]).unwrap();
            client.read_exact(&mut [0; 40_000]).unwrap();
            let after = diagnosis.ask(local, peer).unwrap();
            assert!(after.sent_bytes - before.sent_bytes >= 40_000, "{after:?}");
            assert!(after.rtt_micros > 0, "{after:?}");
            drop((client, server));
            assert_eq!(diagnosis.ask(local, "192.0.2.1:9".parse().unwrap()), None, "no such connection");
        }
    }

    #[test]
    fn short_structures_are_refused() {
        assert_eq!(TcpInfo::from_bytes(&[0; 215]), None);
        assert_eq!(TcpInfo::from_bytes(&[0; 216]), Some(TcpInfo::default()));
    }
}
