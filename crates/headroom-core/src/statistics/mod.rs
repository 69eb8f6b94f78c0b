//! Statistics that several parts of Headroom need: of comparisons between arms, and the median.
//!
//! | question | method | source |
//! |---|---|---|
//! | how sure is a ratio of two sums | delta method over units ([`Moments`]) | Deng, Knoblich, Lu 2018, "Applying the Delta Method in Metric Analytics" |
//! | may one look every minute | confidence sequence, normal mixture ([`Mixture`]) | Howard, Ramdas, McAuliffe, Sekhon 2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences"; asymptotic: Waudby-Smith and others 2024 |
//! | were sessions assigned as planned | sequential multinomial test ([`sample_ratio_e_value`]) | Lindon, Malek 2022, "Anytime-Valid Inference for Multinomial Count Data" |
//! | can less noise be had for nothing | control variate ([`Comparison::adjusted`]) | Deng, Xu, Kohavi, Walker 2013 (CUPED) |
//! | how much traffic is needed | normal approximation ([`power`]) | Cohen 1988; Kohavi, Tang, Xu 2020 |
//! | several arms | Holm's step-down, Bonferroni for intervals ([`holm`]) | Holm 1979 |

mod comparison;
mod median;
mod mixture;
mod moments;
pub mod normal;
pub mod power;
mod sample_ratio;
mod several;

pub use comparison::{Comparison, LEAST_UNITS, Sequence};
pub use median::median;
pub use mixture::Mixture;
pub use moments::Moments;
pub use sample_ratio::sample_ratio_e_value;
pub use several::holm;

#[cfg(test)]
mod tests;
