//! Networks of viewers, by the operator's names for address prefixes: few, and no address is kept.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, net::IpAddr, str::FromStr};

/// Networks and prefixes at most: each request of a player without an identity walks over them.
const MAX_PREFIXES: usize = 1_024;

/// An address prefix, `192.0.2.0/24` or `2001:db8::/32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix {
    address: IpAddr,
    length: u8,
}

impl FromStr for Prefix {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (address, length) = text.split_once('/').ok_or_else(|| format!("{text}: no / before the length"))?;
        let address: IpAddr = address.parse().map_err(|_| format!("{text}: not an address"))?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let length = length.parse().ok().filter(|&length: &u8| length <= longest);
        Ok(Self { address, length: length.ok_or_else(|| format!("{text}: the length lies in 0..={longest}"))? })
    }
}

impl TryFrom<String> for Prefix {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Prefix> for String {
    fn from(prefix: Prefix) -> Self {
        format!("{}/{}", prefix.address, prefix.length)
    }
}

impl Prefix {
    /// Whether `address` lies in it.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        let differing = |ours: u128, theirs: u128, width: u32| {
            let length = u32::from(self.length);
            length > 0 && (ours ^ theirs) >> (width - length) != 0
        };
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                !differing(u128::from(ours.to_bits()), u128::from(theirs.to_bits()), 32)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => !differing(ours.to_bits(), theirs.to_bits(), 128),
            _ => false,
        }
    }
}

/// The configured networks.
#[derive(Debug, Default)]
pub(crate) struct Networks {
    names: Vec<String>,
    /// Longest first.
    prefixes: Vec<(Prefix, u16)>,
}

impl Networks {
    pub(crate) fn new(configured: &BTreeMap<String, Vec<Prefix>>) -> Self {
        let names = configured.keys().cloned().collect();
        let positions = (1..=u16::MAX).zip(configured.values());
        let mut prefixes: Vec<_> =
            positions.flat_map(|(position, prefixes)| prefixes.iter().map(move |&prefix| (prefix, position))).collect();
        prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.length));
        prefixes.truncate(MAX_PREFIXES);
        Self { names, prefixes }
    }

    /// Whether there is none to tell apart.
    pub(crate) fn is_empty(&self) -> bool {
        self.prefixes.is_empty()
    }

    /// Position of the network of an address; 0 when it lies in none.
    pub(crate) fn find(&self, address: IpAddr) -> u16 {
        self.prefixes.iter().find(|(prefix, _)| prefix.holds(address)).map_or(0, |&(_, position)| position)
    }

    /// Name of the network at a position.
    pub(crate) fn name(&self, position: u16) -> &str {
        usize::from(position).checked_sub(1).and_then(|index| self.names.get(index)).map_or("other", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_names_the_network() {
        let parse = |prefixes: &[&str]| prefixes.iter().map(|prefix| prefix.parse().unwrap()).collect();
        let configured = BTreeMap::from([
            ("cable".to_owned(), parse(&["192.0.2.0/24", "2001:db8::/32"])),
            ("mobile".to_owned(), parse(&["192.0.2.128/25"])),
            ("rest".to_owned(), parse(&["::/0"])),
        ]);
        let networks = Networks::new(&configured);
        for (address, expected) in [
            ("192.0.2.1", "cable"),
            ("192.0.2.200", "mobile"),
            ("::ffff:192.0.2.200", "mobile"),
            ("2001:db8::1", "cable"),
            ("2001:db9::1", "rest"),
            ("198.51.100.1", "other"),
        ] {
            assert_eq!(networks.name(networks.find(address.parse().unwrap())), expected, "{address}");
        }
        for wrong in ["192.0.2.0", "192.0.2.0/33", "x/8", "::/129", "1.2.3.4/-1"] {
            assert!(wrong.parse::<Prefix>().is_err(), "{wrong}");
        }
    }
}
