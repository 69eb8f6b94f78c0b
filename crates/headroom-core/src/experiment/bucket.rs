//! Where a unit falls: a hash, so that every process finds the same.
//!
//! `bucket = (first 13 hexadecimal digits of SHA-256(salt "/" unit)) mod 1 000 000`. All of it is exact in 64-bit integers and in
//! SQL; deploy/sql has the same in DuckDB and ClickHouse.

use sha2::{Digest, Sha256};

/// Buckets that units fall into; a share is a whole number of them.
pub const BUCKETS: u64 = 1_000_000;

/// Bucket of a unit, below [`BUCKETS`].
#[must_use]
pub fn bucket(salt: &str, unit: &str) -> u64 {
    let digest = Sha256::new().chain_update(salt).chain_update("/").chain_update(unit).finalize();
    // Thirteen hexadecimal digits are 52 bits: exact also where numbers are 64-bit floating point.
    let first = digest.iter().take(7).fold(0, |sum, &byte| (sum << 8) | u64::from(byte));
    (first >> 4) % BUCKETS
}
