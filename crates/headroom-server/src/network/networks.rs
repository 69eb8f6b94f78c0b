//! The known networks: those the operator names, and behind them the autonomous systems of a table.

use super::{
    prefix::Prefix,
    ranges::{Ranges, Span},
    table::{Table, TableError},
};
use std::{collections::BTreeMap, net::IpAddr, path::Path};

/// The known networks: those the operator names, and behind them the autonomous systems of a table.
#[derive(Debug, Default)]
pub(crate) struct Networks {
    names: Vec<String>,
    named: ByFamily,
    systems: ByFamily,
}

/// Prefixes of both families.
#[derive(Debug, Default)]
struct ByFamily {
    v4: Ranges<u32>,
    v6: Ranges<u128>,
}

impl Networks {
    /// The prefixes an operator named, and behind them the table in a file; an empty path stands for no table.
    ///
    /// # Errors
    /// When the table cannot be used.
    pub(crate) fn load(named: &BTreeMap<String, Vec<Prefix>>, table: &Path) -> Result<Self, TableError> {
        Ok(Self::new(named, Table::load(table)?))
    }

    pub(crate) fn new(configured: &BTreeMap<String, Vec<Prefix>>, table: Table) -> Self {
        let mut names: Vec<String> = configured.keys().cloned().collect();
        let positions = (1..).zip(configured.values());
        let named = positions.flat_map(|(position, prefixes)| prefixes.iter().map(move |&prefix| (prefix, position)));
        let named = ByFamily::new(named);
        let before = names.len() as u32;
        names.extend(table.names);
        let systems = ByFamily::new(table.prefixes.into_iter().map(|(prefix, index)| (prefix, before + 1 + index)));
        Self { names, named, systems }
    }

    /// Whether there is none to tell apart.
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Position of the network of an address; 0 when it lies in none. What the operator names goes before any table.
    pub(crate) fn find(&self, address: IpAddr) -> u32 {
        match self.named.find(address) {
            0 => self.systems.find(address),
            position => position,
        }
    }

    /// Name of the network at a position.
    pub(crate) fn name(&self, position: u32) -> &str {
        (position as usize).checked_sub(1).and_then(|index| self.names.get(index)).map_or("other", String::as_str)
    }
}

impl ByFamily {
    fn new(prefixes: impl Iterator<Item = (Prefix, u32)>) -> Self {
        let (mut v4, mut v6) = (Vec::<Span>::new(), Vec::<Span>::new());
        for (prefix, position) in prefixes {
            let (first, last) = prefix.span();
            if prefix.address.is_ipv4() { &mut v4 } else { &mut v6 }.push((first, last, position));
        }
        Self { v4: Ranges::new(v4), v6: Ranges::new(v6) }
    }

    fn find(&self, address: IpAddr) -> u32 {
        match address.to_canonical() {
            IpAddr::V4(address) => self.v4.find(address.to_bits()),
            IpAddr::V6(address) => self.v6.find(address.to_bits()),
        }
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
        let networks = Networks::new(&configured, Table::default());
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

    #[test]
    fn an_operator_s_name_goes_before_the_table() {
        let configured = BTreeMap::from([("mobile".to_owned(), vec!["192.0.2.0/24".parse().unwrap()])]);
        let path = std::env::temp_dir().join(format!("headroom-systems-{}.csv", std::process::id()));
        std::fs::write(&path, "192.0.0.0/8,64500,Cable\n192.0.2.128/25,64501,Inside\n2001:db8::/32,64500,Cable\n")
            .unwrap();
        let networks = Networks::new(&configured, Table::load(&path).unwrap());
        std::fs::remove_file(path).unwrap();
        for (address, expected) in [
            ("192.0.2.200", "mobile"),
            ("192.7.0.1", "AS64500 Cable"),
            ("2001:db8::1", "AS64500 Cable"),
            ("::ffff:192.7.0.1", "AS64500 Cable"),
            ("10.0.0.1", "other"),
        ] {
            assert_eq!(networks.name(networks.find(address.parse().unwrap())), expected, "{address}");
        }
    }
}
