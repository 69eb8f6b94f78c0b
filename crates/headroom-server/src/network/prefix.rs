//! Address prefixes.

use serde::{Deserialize, Serialize};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// An address prefix, `192.0.2.0/24` or `2001:db8::/32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix {
    pub(super) address: IpAddr,
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
    /// The first and the last address, as numbers of the family's width.
    pub(super) fn span(self) -> (u128, u128) {
        let (bits, width) = match self.address {
            IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        // Bits that tell the addresses of the prefix apart: none where it is a single address.
        let within = u128::MAX.checked_shr(128 - width + u32::from(self.length)).unwrap_or(0);
        (bits & !within, bits | within)
    }

    /// The same prefix without bits beyond its length.
    pub(super) fn masked(self) -> Self {
        let (first, _) = self.span();
        let address = match self.address {
            // A prefix of IPv4 begins with an address of IPv4.
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(first as u32)),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(first)),
        };
        Self { address, ..self }
    }
}
