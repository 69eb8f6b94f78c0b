//! The control listener: one file for each resource of the API.

mod access;
mod alerts;
mod attempts;
mod audience;
mod bottlenecks;
mod capacity;
mod experiment_orders;
mod experiments;
mod guard;
pub(crate) mod guardrails;
mod history;
mod mode_orders;
mod modes;
mod objectives;
mod orders;
mod overrides;
mod pathways;
mod plan;
mod planner;
mod results;
mod role;
mod router;
mod scope;
mod sessions;
mod settings;
mod standing_orders;
mod state;
mod streams;
mod tokens;

pub(crate) use self::settings::Settings;
pub use self::tokens::TokensError;
pub(crate) use self::{
    access::Access,
    experiment_orders::{ExperimentOrders, unsupported},
    mode_orders::ModeOrders,
    planner::Planner,
    router::{Control, described},
    standing_orders::OrderStore,
    state::Resources,
    tokens::Tokens,
};
