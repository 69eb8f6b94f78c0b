//! Training of the learned forecast and the learned policy: gradients by hand, no framework, the same weights every time.
//!
//! Pure like the rest of this crate: seeds are arguments, and where work can be split the caller brings the threads. The same
//! data, settings and seed give the same weights, byte for byte, whatever the number of threads.

mod adam;
pub mod forecast;
mod gradient;
pub mod policy;
pub mod synthetic;

pub use adam::{Adam, Average};
pub use gradient::backward;

use rand::RngExt;
use rand_distr::StandardNormal;

/// Fills weights with normal numbers of variance 2 / inputs (He, Zhang, Ren, Sun: "Delving Deep into Rectifiers", ICCV 2015).
fn initialise<const IN: usize, const OUT: usize>(
    layer: &mut headroom_core::network::Dense<IN, OUT>,
    inputs: usize,
    random: &mut impl rand::Rng,
) {
    let deviation = (2.0 / inputs as f32).sqrt();
    for weight in layer.weights.as_flattened_mut() {
        let normal: f32 = random.sample(StandardNormal);
        *weight = deviation * normal;
    }
}

/// Puts the numbers from 0 to `count` − 1 into a random order (Fisher, Yates).
fn shuffled(count: usize, random: &mut impl rand::Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        order.swap(last, random.random_range(0..=last));
    }
    order
}
