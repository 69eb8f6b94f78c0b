//! What a policy remembers about one session.
//!
//! Every kind of memory is a structure with named fields (`states.rs`). A session's record holds
//! one of them and its kind, so that no policy can read what another one wrote.

use super::{
    measured::Averages,
    session_memory::SessionMemory,
    states::{BolaEMemory, DashThroughputMemory, DynamicMemory, L2aMemory, LolpMemory, RobustMpcMemory, ShakaMemory},
};

/// What a policy remembers about one session, at most 32 bytes; empty at the start of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Memory(Content);

/// One kind of memory, as a policy uses it.
pub(super) trait Remembered: Copy + Default + Into<Content> {
    fn from_content(content: &Content) -> Option<Self>;
}

impl Memory {
    /// What was kept last; the default where nothing was, or another kind of memory.
    pub(super) fn get<T: Remembered>(&self) -> T {
        T::from_content(&self.0).unwrap_or_default()
    }

    pub(super) fn set<T: Remembered>(&mut self, kept: T) {
        self.0 = kept.into();
    }

    /// Lets `change` read and write what is kept.
    pub(super) fn update<T: Remembered, R>(&mut self, change: impl FnOnce(&mut T) -> R) -> R {
        let mut kept = self.get();
        let result = change(&mut kept);
        self.set(kept);
        result
    }
}

macro_rules! kinds {
    ($($kind:ident($memory:ty),)*) => {
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        pub(super) enum Content {
            #[default]
            Empty,
            $($kind($memory),)*
        }

        $(
            impl From<$memory> for Content {
                fn from(memory: $memory) -> Self {
                    Self::$kind(memory)
                }
            }

            impl Remembered for $memory {
                fn from_content(content: &Content) -> Option<Self> {
                    match content {
                        Content::$kind(memory) => Some(*memory),
                        _ => None,
                    }
                }
            }
        )*
    };
}

// A policy that remembers adds its structure to `states.rs` and here, or takes one that is there.
kinds! {
    Averages(Averages),
    DashThroughput(DashThroughputMemory),
    BolaE(BolaEMemory),
    Dynamic(DynamicMemory),
    RobustMpc(RobustMpcMemory),
    Lolp(LolpMemory),
    L2a(L2aMemory),
    Shaka(ShakaMemory),
    SessionMemory(SessionMemory),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_fits_the_record_of_a_session() {
        assert!(size_of::<Memory>() <= 32, "{} bytes", size_of::<Memory>());
    }

    #[test]
    fn what_one_policy_wrote_no_other_reads() {
        let mut memory = Memory::default();
        memory.set(SessionMemory { abandonments: 2, ..SessionMemory::default() });
        assert_eq!(memory.get::<SessionMemory>().abandonments, 2);
        assert_eq!(memory.get::<Averages>(), Averages::default());
    }
}
