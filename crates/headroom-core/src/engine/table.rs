//! Sessions in one dense slab, found by an index of positions.

use crate::{session::Record, telemetry::SessionId};
use hashbrown::HashTable;

/// A slab of records and where each session's record lies in it.
pub(super) struct Table {
    records: Vec<Record>,
    index: HashTable<u32>,
    max: usize,
    hand: usize,
    shared: bool,
}

/// Where a new record went, and who left for it.
pub(super) struct Insertion {
    pub(super) slot: usize,
    pub(super) evicted: Option<Record>,
}

/// Records compared when one must leave: enough to find a long-idle one, few enough for any rate of new sessions.
const EVICTION_SAMPLE: usize = 16;

impl Table {
    pub(super) fn new(max: usize) -> Self {
        Self { records: Vec::new(), index: HashTable::new(), max: max.max(1), hand: 0, shared: false }
    }

    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    pub(super) fn record_mut(&mut self, slot: usize) -> &mut Record {
        &mut self.records[slot]
    }

    /// Whether records hold shares of a bottleneck.
    pub(super) const fn is_shared(&self) -> bool {
        self.shared
    }

    pub(super) const fn set_shared(&mut self, shared: bool) {
        self.shared = shared;
    }

    pub(super) fn find(&self, session: SessionId) -> Option<usize> {
        let found = self.index.find(spread(session), |&slot| self.records[slot as usize].id == session);
        found.map(|&slot| slot as usize)
    }

    pub(super) fn get(&self, session: SessionId) -> Option<&Record> {
        self.find(session).map(|slot| &self.records[slot])
    }

    /// Adds a record that is not in the table yet, evicting a long-idle one when the table is full.
    pub(super) fn insert(&mut self, record: Record) -> Insertion {
        let evicted = (self.records.len() >= self.max).then(|| {
            let idlest = self.idlest_nearby();
            self.remove(idlest)
        });
        let slot = self.records.len();
        self.records.push(record);
        let records = &self.records;
        self.index.insert_unique(spread(record.id), slot as u32, |&slot| spread(records[slot as usize].id));
        Insertion { slot, evicted }
    }

    /// Takes a record out; the last one moves into its slot.
    pub(super) fn remove(&mut self, slot: usize) -> Record {
        let gone = self.records.swap_remove(slot);
        if let Ok(entry) = self.index.find_entry(spread(gone.id), |&held| held as usize == slot) {
            entry.remove();
        }
        if let Some(moved) = self.records.get(slot) {
            let from = self.records.len() as u32;
            if let Some(held) = self.index.find_mut(spread(moved.id), |&held| held == from) {
                *held = slot as u32;
            }
        }
        gone
    }

    /// The longest idle of the next few records under a moving hand: near least-recently-used without a list.
    fn idlest_nearby(&mut self) -> usize {
        let len = self.records.len();
        let nearby = (0..EVICTION_SAMPLE.min(len)).map(|step| (self.hand + step) % len);
        let idlest = nearby.min_by_key(|&slot| self.records[slot].last_seen).unwrap_or(0);
        self.hand = (self.hand + EVICTION_SAMPLE) % len;
        idlest
    }
}

/// Spreads ids over the index: Fibonacci hashing (Knuth, TAOCP vol. 3 §6.4). Ids from the network are keyed hashes
/// already, so nobody outside can aim at one bucket.
fn spread(session: SessionId) -> u64 {
    session.0.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn finds_what_was_inserted_through_removals_and_evictions() {
        let mut table = Table::new(100);
        for id in 0..1_000_u64 {
            table.insert(Record::new(SessionId(id), 0, Timestamp::from_millis(id)));
            if id % 3 == 0 {
                let slot = table.find(SessionId(id)).unwrap();
                assert_eq!(table.remove(slot).id, SessionId(id));
                assert_eq!(table.find(SessionId(id)), None);
            }
        }
        assert_eq!(table.records().len(), 99, "the last one inserted was removed again");
        for (slot, record) in table.records().iter().enumerate() {
            assert_eq!(table.find(record.id), Some(slot));
        }
        assert!(table.find(SessionId(998)).is_some(), "the newest is never the idlest");
    }
}
