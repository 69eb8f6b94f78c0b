//! The server as a whole.

mod assembly;
mod error;
mod running;
mod ticker;

pub use error::StartError;
pub use running::Server;
