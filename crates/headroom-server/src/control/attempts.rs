//! A limit on wrong tokens: a client that sends too many has to wait, even with a right one.
//!
//! A wrong token that is repeated counts once: a dashboard or scraper with an outdated token does not lock its address out. The table is bounded and holds clients as keyed hashes, like
//! [`crate::clients`].

use crate::{
    bounded::Bounded,
    clients::{Bucket, client_hash},
    identity::random_key,
};
use headroom_cluster::lock::locked;
use siphasher::sip::SipHasher13;
use std::{
    hash::Hasher,
    net::IpAddr,
    sync::Mutex,
    time::{Duration, Instant},
};

/// Clients with an allowance of their own.
const MOST: usize = 4_096;

/// Wrong tokens by client.
pub(super) struct Attempts {
    /// Attempts of a client in a minute, and at once; 0: no limit.
    per_minute: f64,
    key: [u8; 16],
    clients: Mutex<Bounded<AttemptRecord, MOST>>,
}

#[derive(Clone, Copy)]
struct AttemptRecord {
    allowance: Bucket,
    /// The wrong token before, as a keyed hash.
    last: u64,
}

impl Attempts {
    pub(super) fn new(per_minute: u32) -> Self {
        Self { per_minute: f64::from(per_minute), key: random_key(), clients: Mutex::default() }
    }

    /// How long a client has to wait before any token of its is looked at; `None`: not at all.
    pub(super) fn wait(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let clients = locked(&self.clients);
        let held = clients.get(client_hash(&self.key, address))?.allowance.held(self.rate(), self.per_minute, now);
        (held < 1.0).then(|| Duration::from_secs_f64((1.0 - held) / self.rate()))
    }

    /// Takes note of a wrong token.
    pub(super) fn failed(&self, address: IpAddr, sent: &[u8], now: Instant) {
        if self.per_minute == 0.0 {
            return;
        }
        let mut hasher = SipHasher13::new_with_key(&self.key);
        hasher.write(sent);
        let token = hasher.finish();
        let (id, rate, burst) = (client_hash(&self.key, address), self.rate(), self.per_minute);
        let fresh = || AttemptRecord { allowance: Bucket::full(burst, now), last: token.wrapping_add(1) };
        let mut clients = locked(&self.clients);
        // A client whose allowance is full again is idle.
        let client = clients.entry(id, now, |client| client.allowance.held(rate, burst, now) >= burst, fresh);
        if std::mem::replace(&mut client.last, token) != token {
            client.allowance.take(rate, burst, now);
        }
    }

    /// Attempts a second.
    fn rate(&self) -> f64 {
        self.per_minute / 60.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn address(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(0x0a00_0000 + number).into()
    }

    /// Different wrong tokens until the client has to wait.
    fn tries(attempts: &Attempts, address: IpAddr, at: Instant) -> usize {
        let free = (0..1_000).take_while(|number: &u32| {
            let free = attempts.wait(address, at).is_none();
            attempts.failed(address, &number.to_le_bytes(), at);
            free
        });
        free.count()
    }

    #[test]
    fn guessing_gets_its_rate_and_no_more() {
        let (attempts, start) = (Attempts::new(10), Instant::now());
        assert_eq!(tries(&attempts, address(1), start), 10);
        let wait = attempts.wait(address(1), start).unwrap();
        assert!((5..=6).contains(&wait.as_secs()), "{wait:?}");
        assert_eq!(attempts.wait(address(2), start), None, "others are not concerned");
        assert_eq!(attempts.wait(address(1), start + Duration::from_secs(7)), None);
        assert_eq!(tries(&attempts, address(1), start + Duration::from_secs(61)), 10);
        assert_eq!(tries(&Attempts::new(0), address(1), start), 1_000, "no limit");
    }

    #[test]
    fn the_same_wrong_token_again_is_no_guess() {
        let (attempts, start) = (Attempts::new(10), Instant::now());
        (0..1_000).for_each(|_| attempts.failed(address(1), b"yesterday", start));
        assert_eq!(attempts.wait(address(1), start), None);
    }

    #[test]
    fn a_full_table_stays_bounded() {
        let (attempts, start) = (Attempts::new(2), Instant::now());
        let flood = 3 * MOST as u32;
        for number in 0..flood {
            (0..3_u8).for_each(|guess| attempts.failed(address(number), &[guess], start));
        }
        assert!(attempts.clients.lock().unwrap().len() <= MOST);
        assert!(attempts.wait(address(flood + 1), start).is_some(), "newcomers share one allowance");
        let later = start + Duration::from_secs(120);
        assert_eq!(tries(&attempts, address(flood + 2), later), 2);
    }
}
