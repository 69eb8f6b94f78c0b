//! Capacity: what will be carried in the next hours and weeks, when it no longer fits, what it costs, and what if.
//!
//! A past ([`Demand`]: the history of a server, or a table) becomes an [`Outlook`] once; questions to it ([`Scenario`]) are
//! cheap. Pure but for reading the history: no clock, and the synthetic audience has a seed.

mod demand;
mod forecast;
mod outlook;
mod scenario;
pub mod synthetic;
mod trial;

pub use demand::{Demand, DemandError, HOUR_S, Load};
pub use forecast::{
    DAY, Forecast, LEAST_HOURS, MOST_HOURS, Model, Skill, TooShort, WEEK, forecast, point, weekly_growth,
};
pub use outlook::{Delivery, Line, Outlook, Past, Peak, Plan, Saturation};
pub use scenario::{Pathway, Scenario, ScenarioError, Segments, Settings};
pub use trial::{Trial, trial};

pub(crate) use demand::{Sums, WEEKS_READ, mix};
