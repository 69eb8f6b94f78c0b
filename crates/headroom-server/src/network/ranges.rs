//! Longest prefix match by one binary search: nested prefixes, laid out as ranges that do not overlap.

use std::cmp::Reverse;

/// For every address the position of the longest prefix that holds it; 0 where none does.
#[derive(Debug)]
pub(super) struct Ranges<A> {
    /// First address of each range, ascending.
    starts: Vec<A>,
    positions: Vec<u32>,
}

/// A prefix as its first and last address, and the position it stands for.
pub(super) type Span = (u128, u128, u32);

impl<A> Default for Ranges<A> {
    fn default() -> Self {
        Self { starts: Vec::new(), positions: Vec::new() }
    }
}

impl<A: TryFrom<u128> + Ord + Copy> Ranges<A> {
    /// Lays out prefixes: spans that are apart or within one another, never across. Of equal ones the last counts.
    pub(super) fn new(mut prefixes: Vec<Span>) -> Self {
        prefixes.sort_by_key(|&(first, last, _)| (first, Reverse(last)));
        let mut ranges = Self::default();
        // Prefixes around the address that is looked at, the longest last.
        let mut around: Vec<(u128, u32)> = Vec::new();
        for (first, last, position) in prefixes {
            ranges.leave(&mut around, first);
            around.push((last, position));
            ranges.begin(first, position);
        }
        ranges.leave(&mut around, u128::MAX);
        ranges
    }

    /// Leaves the prefixes that end before `address`.
    fn leave(&mut self, around: &mut Vec<(u128, u32)>, address: u128) {
        while let Some((last, _)) = around.pop_if(|&mut (last, _)| last < address) {
            self.begin(last + 1, around.last().map_or(0, |&(_, position)| position));
        }
    }

    fn begin(&mut self, first: u128, position: u32) {
        // Beyond the last address of the family nothing begins.
        let Ok(first) = A::try_from(first) else { return };
        if self.starts.last() == Some(&first) {
            self.starts.pop();
            self.positions.pop();
        }
        if self.positions.last() != Some(&position) {
            self.starts.push(first);
            self.positions.push(position);
        }
    }

    /// Position of the longest prefix around an address; 0 where there is none.
    pub(super) fn find(&self, address: A) -> u32 {
        let after = self.starts.partition_point(|&start| start <= address);
        after.checked_sub(1).map_or(0, |index| self.positions[index])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// The same answer as trying every prefix, the longest first, on prefixes that nest deeply in a small space.
    #[test]
    fn ranges_say_what_a_walk_over_all_prefixes_says() {
        let mut random = Random::new(11);
        for _ in 0..200 {
            let mut prefixes = std::collections::BTreeMap::new();
            for position in 1..=(random.uniform() * 20.0) as u32 {
                let length = (random.uniform() * 9.0) as u32;
                let size = 1_u128 << (8 - length);
                let first = (random.uniform() * 256.0) as u128 / size * size;
                prefixes.insert((first, first + size - 1), position);
            }
            let spans = prefixes.iter().map(|(&(first, last), &position)| (first, last, position));
            let ranges = Ranges::<u8>::new(spans.clone().collect());
            for address in 0..=u8::MAX {
                let holding = spans.clone().filter(|(first, last, _)| (first..=last).contains(&&u128::from(address)));
                let longest =
                    holding.min_by_key(|(first, last, _)| last - first).map_or(0, |(_, _, position)| position);
                assert_eq!(ranges.find(address), longest, "{address} in {prefixes:?}");
            }
        }
    }

    #[test]
    fn the_whole_of_a_family_ends_with_it() {
        let all = Ranges::<u128>::new(vec![(0, u128::MAX, 1), (7, 7, 2)]);
        assert_eq!([6, 7, 8, u128::MAX].map(|address| all.find(address)), [1, 2, 1, 1]);
        assert_eq!(Ranges::<u32>::default().find(7), 0);
    }
}
