//! The list values of CMCD: numbers by object type, next objects, error codes.

use super::token::ObjectType;
use std::borrow::Cow;
use std::fmt;

/// A version 2 inner list of numbers, each for one object type: `(1200;v 64;a)`.
///
/// A version 1 scalar is a list of one entry without a type. An empty list is an absent key. Order is kept: a key such
/// as `bsd` lists several durations of one type.
#[derive(Clone, Default, PartialEq)]
pub struct ByObjectType {
    storage: Storage,
}

#[derive(Clone, PartialEq)]
enum Storage {
    Inline { length: u8, types: [Option<ObjectType>; ByObjectType::INLINE], values: [u32; ByObjectType::INLINE] },
    Heap(Vec<(u32, Option<ObjectType>)>),
}

impl Default for Storage {
    #[inline]
    fn default() -> Self {
        Self::Inline { length: 0, types: [None; ByObjectType::INLINE], values: [0; ByObjectType::INLINE] }
    }
}

impl ByObjectType {
    /// Numbers held without allocation; two (video and audio) is what players send.
    pub(super) const INLINE: usize = 3;

    /// A list of one number without a type: what version 1 sends.
    pub fn untyped(value: u32) -> Self {
        let mut list = Self::default();
        list.push(value, None);
        list
    }

    /// Appends an entry.
    #[inline]
    pub fn push(&mut self, value: u32, object_type: Option<ObjectType>) {
        match &mut self.storage {
            Storage::Inline { length, types, values } => {
                let index = usize::from(*length);
                if index < Self::INLINE {
                    types[index] = object_type;
                    values[index] = value;
                    *length += 1;
                } else {
                    self.spill(value, object_type);
                }
            }
            Storage::Heap(_) => self.spill(value, object_type),
        }
    }

    /// Appends an entry beyond those held inline.
    #[cold]
    fn spill(&mut self, value: u32, object_type: Option<ObjectType>) {
        if let Storage::Inline { types, values, .. } = &self.storage {
            self.storage = Storage::Heap(values.iter().copied().zip(types.iter().copied()).collect());
        }
        if let Storage::Heap(entries) = &mut self.storage {
            entries.push((value, object_type));
        }
    }

    /// The entries in the order sent.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = (u32, Option<ObjectType>)> + '_ {
        (0..self.len()).map(|index| match &self.storage {
            Storage::Inline { types, values, .. } => (values[index], types[index]),
            Storage::Heap(entries) => entries[index],
        })
    }

    /// Number of entries.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.storage {
            Storage::Inline { length, .. } => usize::from(*length),
            Storage::Heap(entries) => entries.len(),
        }
    }

    /// Whether the key was absent.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first entry of exactly this type.
    #[inline]
    pub fn get(&self, object_type: ObjectType) -> Option<u32> {
        self.iter().find(|&(_, entry)| entry == Some(object_type)).map(|(value, _)| value)
    }

    /// The entry that speaks for `object_type`: of that type, else without a type, else muxed.
    ///
    /// A version 1 value, and a version 2 value of a player that leaves types out, is for the requested object.
    #[inline]
    pub fn value_for(&self, object_type: ObjectType) -> Option<u32> {
        let mut best: Option<(u8, u32)> = None;
        for (value, entry) in self.iter() {
            let rank = match entry {
                Some(named) if named == object_type => 0,
                None => 1,
                Some(ObjectType::Muxed) => 2,
                Some(_) => continue,
            };
            // Of several entries of one rank the first counts.
            if best.is_none_or(|(known, _)| rank < known) {
                best = Some((rank, value));
            }
        }
        best.map(|(_, value)| value)
    }

    /// The first entry, whatever its type.
    pub fn first(&self) -> Option<u32> {
        self.iter().next().map(|(value, _)| value)
    }

    /// The sum of all entries; cannot overflow.
    pub fn sum(&self) -> u64 {
        self.iter().map(|(value, _)| u64::from(value)).sum()
    }
}

impl fmt::Debug for ByObjectType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.iter().map(|(value, object_type)| match object_type {
            Some(object_type) => format!("{value};{}", object_type.as_wire()),
            None => value.to_string(),
        });
        f.debug_list().entries(entries).finish()
    }
}

impl FromIterator<(u32, Option<ObjectType>)> for ByObjectType {
    fn from_iter<I: IntoIterator<Item = (u32, Option<ObjectType>)>>(entries: I) -> Self {
        let mut list = Self::default();
        for (value, object_type) in entries {
            list.push(value, object_type);
        }
        list
    }
}

/// A list whose first entry needs no allocation, since one entry is what players send.
#[derive(Debug, Clone, PartialEq)]
pub struct ShortList<T> {
    first: Option<T>,
    /// Empty while `first` is.
    rest: Vec<T>,
}

impl<T> Default for ShortList<T> {
    fn default() -> Self {
        Self { first: None, rest: Vec::new() }
    }
}

impl<T> ShortList<T> {
    /// Appends an entry.
    pub fn push(&mut self, entry: T) {
        if self.first.is_none() {
            self.first = Some(entry);
        } else {
            self.rest.push(entry);
        }
    }

    /// The entries in the order sent.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(&self.rest)
    }

    /// The entries in the order sent, for change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.first.iter_mut().chain(&mut self.rest)
    }

    /// The first entry.
    pub fn first(&self) -> Option<&T> {
        self.first.as_ref()
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len()
    }

    /// Whether the key was absent.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn map<U>(self, convert: impl Fn(T) -> U) -> ShortList<U> {
        ShortList { first: self.first.map(&convert), rest: self.rest.into_iter().map(convert).collect() }
    }
}

impl<T> FromIterator<T> for ShortList<T> {
    fn from_iter<I: IntoIterator<Item = T>>(entries: I) -> Self {
        let mut entries = entries.into_iter();
        Self { first: entries.next(), rest: entries.collect() }
    }
}

/// An object the player will likely request next.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NextObject<'a> {
    /// Path relative to the request that carries it, not percent-encoded.
    pub path: Cow<'a, str>,
    /// Byte range as in an HTTP `Range` header without the unit: `0-99`, `100-` or `-50`.
    pub range: Option<Cow<'a, str>>,
}

/// Objects requested next.
pub type NextObjects<'a> = ShortList<NextObject<'a>>;

/// A list of strings.
pub type TextList<'a> = ShortList<Cow<'a, str>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_stays_small_and_spills_when_it_must() {
        assert!(size_of::<ByObjectType>() <= 24, "{}", size_of::<ByObjectType>());
        let entries: Vec<_> = (0..7).map(|value| (value, Some(ObjectType::Video))).collect();
        for length in 0..=entries.len() {
            let list: ByObjectType = entries[..length].iter().copied().collect();
            assert_eq!(list.len(), length);
            assert_eq!(list.iter().collect::<Vec<_>>(), entries[..length]);
        }
    }

    #[test]
    fn value_for_prefers_the_type_then_untyped_then_muxed() {
        let (video, audio) = (ObjectType::Video, ObjectType::Audio);
        let typed: ByObjectType = [(1200, Some(video)), (64, Some(audio))].into_iter().collect();
        assert_eq!((typed.value_for(video), typed.value_for(audio)), (Some(1200), Some(64)));
        assert_eq!(typed.value_for(ObjectType::Caption), None);
        assert_eq!(ByObjectType::untyped(900).value_for(video), Some(900));
        let muxed: ByObjectType = [(2000, Some(ObjectType::Muxed))].into_iter().collect();
        assert_eq!(muxed.value_for(video), Some(2000));
    }
}
