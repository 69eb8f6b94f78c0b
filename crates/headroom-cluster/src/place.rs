//! Where a viewer is, as positions among the names that the configuration gives to edges and networks.

/// Positions of a viewer's edge and network among the names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Of the edge; 0: this process's own.
    pub edge: u16,
    /// Of the network; 0: none that has a name.
    pub network: u32,
}
