//! Limits by client address: connections at a time, requests a second.
//!
//! An address is an IPv4 address or the /64 of an IPv6 one, the least a provider gives a customer. It is held as a keyed
//! hash and only for as long as it matters. The table is bounded: when it is full of busy clients, those who are new share
//! one allowance.

use crate::{bounded::Bounded, identity::random_key};
use headroom_cluster::{by_id::ById, lock::locked};
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;
use std::{
    hash::Hasher,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Instant,
};

/// Parts of the table: requests of different clients rarely meet.
const PARTS: usize = 16;

/// Clients with an allowance of their own, in one part.
const MOST: usize = 8_192;

/// `limits = { … }` of the public listener.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections of one address at a time; 0: no limit.
    pub connections: u32,
    /// Requests of one address a second, media and `/decide` not counted; 0: no limit.
    pub requests_per_s: u32,
    /// Requests it may make at once before that counts.
    pub burst: u32,
    /// Requests of all addresses a second; 0: no limit.
    pub total_requests_per_s: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 5_000, requests_per_s: 500, burst: 5_000, total_requests_per_s: 0 }
    }
}

/// Open connections and request allowances by client.
pub(crate) struct Clients {
    limits: Limits,
    /// Loopback is a web server on this machine, whose clients are known only where it names them.
    trusts_loopback: bool,
    key: [u8; 16],
    parts: [Mutex<Part>; PARTS],
    total: Mutex<Bucket>,
}

#[derive(Default)]
struct Part {
    connections: ById<u64, u32>,
    buckets: Bounded<Bucket, MOST>,
}

/// The right to a connection; given back when dropped.
pub(crate) struct ConnectionPermit {
    clients: Arc<Clients>,
    client: Option<u64>,
}

impl Clients {
    pub(crate) fn new(limits: Limits, trusts_loopback: bool) -> Self {
        let now = Instant::now();
        Self {
            limits,
            trusts_loopback,
            key: random_key(),
            parts: std::array::from_fn(|_| Mutex::default()),
            total: Mutex::new(Bucket::full(f64::from(limits.total_requests_per_s), now)),
        }
    }

    /// A connection more, if the address may have one.
    pub(crate) fn connect(self: &Arc<Self>, address: IpAddr) -> Option<ConnectionPermit> {
        let client = self.client(address).filter(|_| self.limits.connections > 0);
        if let Some(client) = client {
            let mut part = self.part(client);
            let held = part.connections.entry(client).or_default();
            if *held >= self.limits.connections {
                return None;
            }
            *held += 1;
        }
        Some(ConnectionPermit { clients: Arc::clone(self), client })
    }

    /// Whether an address may make a request now.
    pub(crate) fn admit(&self, address: IpAddr, now: Instant) -> bool {
        let Limits { requests_per_s, burst, total_requests_per_s, .. } = self.limits;
        if let Some(client) = self.client(address).filter(|_| requests_per_s > 0) {
            let (rate, burst) = (f64::from(requests_per_s), f64::from(burst.max(1)));
            let mut part = self.part(client);
            // A client whose allowance is full again is idle.
            let idle = |bucket: &Bucket| bucket.held(rate, burst, now) >= burst;
            let bucket = part.buckets.entry(client, now, idle, || Bucket::full(burst, now));
            if !bucket.take(rate, burst, now) {
                return false;
            }
        }
        let rate = f64::from(total_requests_per_s);
        rate == 0.0 || locked(&self.total).take(rate, rate, now)
    }

    /// The client an address belongs to; `None` for clients without limits.
    fn client(&self, address: IpAddr) -> Option<u64> {
        let address = address.to_canonical();
        if self.trusts_loopback && address.is_loopback() {
            return None;
        }
        Some(client_hash(&self.key, address))
    }

    fn part(&self, client: u64) -> MutexGuard<'_, Part> {
        locked(&self.parts[client as usize % PARTS])
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let Some(client) = self.client else { return };
        let mut part = self.clients.part(client);
        if let Some(held) = part.connections.get_mut(&client) {
            *held -= 1;
            if *held == 0 {
                part.connections.remove(&client);
            }
        }
    }
}

/// An address as a keyed hash: an IPv4 address, or the /64 of an IPv6 one.
pub(crate) fn client_hash(key: &[u8; 16], address: IpAddr) -> u64 {
    let mut hasher = SipHasher13::new_with_key(key);
    match address.to_canonical() {
        IpAddr::V4(address) => hasher.write(&address.octets()),
        IpAddr::V6(address) => hasher.write(&address.octets()[..8]),
    }
    hasher.finish()
}

/// A token bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    /// One that holds `burst`.
    pub(crate) fn full(burst: f64, now: Instant) -> Self {
        Self { left: burst, at: now }
    }

    /// Takes one, of what `rate` a second and at most `burst` have filled in.
    pub(crate) fn take(&mut self, rate: f64, burst: f64, now: Instant) -> bool {
        self.left = self.held(rate, burst, now);
        self.at = now;
        let allowed = self.left >= 1.0;
        self.left -= f64::from(u8::from(allowed));
        allowed
    }

    /// What it holds by `now`.
    pub(crate) fn held(&self, rate: f64, burst: f64, now: Instant) -> f64 {
        (self.left + now.saturating_duration_since(self.at).as_secs_f64() * rate).min(burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{net::Ipv4Addr, time::Duration};

    fn clients(limits: Limits) -> Arc<Clients> {
        Arc::new(Clients::new(limits, true))
    }

    fn address(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(0x0a00_0000 + number).into()
    }

    #[test]
    fn a_client_gets_its_rate_and_no_more() {
        let clients = clients(Limits { requests_per_s: 10, burst: 20, ..Limits::default() });
        let start = Instant::now();
        let admitted = |at: Instant| (0..1_000).filter(|_| clients.admit(address(1), at)).count();
        assert_eq!(admitted(start), 20);
        assert_eq!(admitted(start + Duration::from_secs(1)), 10);
        assert_eq!(admitted(start + Duration::from_secs(3_600)), 20);
        assert!(clients.admit(address(2), start), "others are not concerned");
        assert!((0..1_000).all(|_| clients.admit(Ipv4Addr::LOCALHOST.into(), start)), "a web server on this machine");
    }

    #[test]
    fn all_clients_together_get_no_more_than_the_total() {
        let clients = clients(Limits { total_requests_per_s: 50, ..Limits::default() });
        let start = Instant::now();
        assert_eq!((0..1_000).filter(|&number| clients.admit(address(number), start)).count(), 50);
    }

    #[test]
    fn a_full_table_stays_bounded_and_those_in_it_keep_what_is_theirs() {
        let clients = clients(Limits { requests_per_s: 1, burst: 2, ..Limits::default() });
        let start = Instant::now();
        assert!(clients.admit(address(0), start));
        let flood = 3 * (PARTS * MOST) as u32;
        let admitted = (1..=flood).filter(|&number| clients.admit(address(number), start)).count();
        let held: usize = clients.parts.iter().map(|part| part.lock().unwrap().buckets.len()).sum();
        assert!(held <= PARTS * MOST, "{held}");
        assert!(admitted <= PARTS * (MOST + 2), "{admitted}");
        assert!(clients.admit(address(0), start));
        // Once the flood is over, newcomers have an allowance of their own again.
        let later = start + Duration::from_secs(10);
        assert!((1..=100).all(|number| clients.admit(address(flood + number), later)));
    }

    #[test]
    fn connections_of_one_address_are_bounded() {
        let clients = clients(Limits { connections: 2, ..Limits::default() });
        let neighbour: IpAddr = "2001:db8::2".parse().unwrap();
        let held: Vec<_> =
            (0..2).map(|_| clients.connect("2001:db8::1".parse().unwrap()).expect("within the bound")).collect();
        assert!(clients.connect(neighbour).is_none(), "the same /64");
        assert!(clients.connect(address(1)).is_some());
        drop(held);
        assert!(clients.connect(neighbour).is_some());
        assert!(clients.parts.iter().all(|part| part.lock().unwrap().connections.len() <= 1));
    }
}
