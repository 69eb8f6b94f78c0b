//! Virtual players over a traced link.
//!
//! Each player is one set of rules: [`OnDemand`] is Pensieve's environment, [`Sabre`] is sabre's, [`Live`] keeps near the
//! live edge. All implement [`Player`](crate::session::Player).

mod live;
mod observed;
mod on_demand;
mod sabre;
#[cfg(test)]
mod tests;

pub use live::{Live, LiveSettings};
pub use observed::Observed;
pub use on_demand::{OnDemand, OnDemandSettings};
pub use sabre::{Sabre, SabreSettings};
