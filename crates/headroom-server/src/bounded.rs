//! A value for each client, for a bounded number of clients: newcomers share one value while the table is full.

use headroom_cluster::by_id::ById;
use std::time::{Duration, Instant};

/// The idle are looked for no more often than this: in a flood of newcomers each of them would cost a walk through the table.
const SWEEP_EVERY: Duration = Duration::from_millis(100);

/// What is known of at most `MOST` clients, and of all others together.
pub(crate) struct Bounded<T, const MOST: usize> {
    clients: ById<u64, T>,
    /// The value shared by clients that came while the table was full.
    others: Option<T>,
    swept: Option<Instant>,
}

impl<T, const MOST: usize> Default for Bounded<T, MOST> {
    fn default() -> Self {
        Self { clients: ById::default(), others: None, swept: None }
    }
}

impl<T, const MOST: usize> Bounded<T, MOST> {
    /// What counts for a client, if anything is known of it.
    pub(crate) fn get(&self, client: u64) -> Option<&T> {
        self.clients.get(&client).or(self.others.as_ref().filter(|_| self.is_full()))
    }

    /// What counts for a client; `fresh` where nothing is known. When the table is full, the `idle` make room first: they need
    /// not be remembered.
    pub(crate) fn entry(
        &mut self,
        client: u64,
        now: Instant,
        idle: impl Fn(&T) -> bool,
        fresh: impl FnOnce() -> T,
    ) -> &mut T {
        let known = self.clients.contains_key(&client);
        let due = self.swept.is_none_or(|swept| now.saturating_duration_since(swept) >= SWEEP_EVERY);
        if !known && self.is_full() && due {
            self.clients.retain(|_, value| !idle(value));
            self.swept = Some(now);
        }
        if !known && self.is_full() {
            return self.others.get_or_insert_with(fresh);
        }
        self.clients.entry(client).or_insert_with(fresh)
    }

    fn is_full(&self) -> bool {
        self.clients.len() >= MOST
    }

    /// Clients that are remembered.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.clients.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newcomers_share_until_somebody_is_idle() {
        let mut table = Bounded::<u32, 2>::default();
        let start = Instant::now();
        for client in 0..4 {
            *table.entry(client, start, |_| false, || 0) += 1;
        }
        assert_eq!((table.len(), table.get(0), table.get(3), table.get(9)), (2, Some(&1), Some(&2), Some(&2)));
        *table.entry(4, start, |_| unreachable!("just looked"), || 0) += 1;
        *table.entry(5, start + SWEEP_EVERY, |value| *value == 1, || 7) += 1;
        assert_eq!((table.len(), table.get(5), table.get(0)), (1, Some(&8), None), "there is room again");
    }
}
