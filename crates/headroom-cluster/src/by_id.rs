//! Maps keyed by identifiers that are hashes already.

use std::hash::{BuildHasherDefault, Hasher};

/// A map keyed by identifiers, which are hashes already. Its order of iteration means nothing and must decide nothing.
#[expect(clippy::disallowed_types, reason = "the table of every request: a look-up must not walk a tree")]
pub type ById<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// Passes an identifier through as its own hash.
#[derive(Default, Clone, Copy)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }
}
