//! Where a viewer is, as positions among the names that the configuration gives to edges and networks.

/// Positions of a viewer's edge and network among the names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// 0: this process's own edge.
    pub(crate) edge: u16,
    /// 0: none that has a name.
    pub(crate) network: u32,
}
