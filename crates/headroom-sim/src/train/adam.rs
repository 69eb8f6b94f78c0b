//! Gradient steps, and the running average of the weights that is kept in the end.

use headroom_core::network::Network;

/// Adam (Kingma, Ba: "Adam: A Method for Stochastic Optimization", ICLR 2015) with decoupled weight decay (Loshchilov,
/// Hutter, ICLR 2019). Moments are plain vectors in the order of the file.
#[derive(Clone, Debug)]
pub struct Adam {
    mean: Vec<f32>,
    square: Vec<f32>,
    steps: i32,
    decay: f32,
}

/// β₁, β₂ and ε of the paper.
const FADE_MEAN: f32 = 0.9;
const FADE_SQUARE: f32 = 0.999;
const EPSILON: f32 = 1e-8;

impl Adam {
    /// No step made yet; every step shrinks the weights by `decay` × learning rate.
    #[must_use]
    pub fn new<N: Network>(network: &N, decay: f32) -> Self {
        let count = network.parameters().iter().map(|part| part.len()).sum();
        Self { mean: vec![0.0; count], square: vec![0.0; count], steps: 0, decay }
    }

    /// Moves `network` against `gradient`, which is first shortened to length `longest`.
    pub fn step<N: Network>(&mut self, network: &mut N, gradient: &N, rate: f32, longest: f32) {
        self.steps += 1;
        let gradient = gradient.parameters();
        let length = gradient.iter().copied().flatten().map(|slope| slope * slope).sum::<f32>().sqrt();
        let shorten = if length > longest { longest / length } else { 1.0 };
        let mean_share = 1.0 - FADE_MEAN.powi(self.steps);
        let square_share = 1.0 - FADE_SQUARE.powi(self.steps);
        let moments = self.mean.iter_mut().zip(&mut self.square);
        let parameters = network.parameters_mut().into_iter().flatten();
        for ((parameter, slope), (mean, square)) in parameters.zip(gradient.into_iter().flatten()).zip(moments) {
            let slope = slope * shorten;
            *mean += (1.0 - FADE_MEAN) * (slope - *mean);
            *square += (1.0 - FADE_SQUARE) * (slope * slope - *square);
            let direction = (*mean / mean_share) / ((*square / square_share).sqrt() + EPSILON);
            *parameter -= rate * (direction + self.decay * *parameter);
        }
    }
}

/// Average of the weights along the way (Polyak, Juditsky 1992): calmer than the last of them.
#[derive(Clone, Debug)]
pub struct Average<N> {
    network: N,
    steps: u32,
    /// Share of the newest weights once the average has settled.
    share: f32,
}

impl<N: Network> Average<N> {
    /// Starts with nothing; the first weights count in full.
    #[must_use]
    pub fn new(share: f32) -> Self {
        Self { network: N::zero(), steps: 0, share }
    }

    /// Takes in the weights after a step.
    pub fn observe(&mut self, network: &N) {
        self.steps += 1;
        let share = self.share.max(1.0 / self.steps as f32);
        let newest = network.parameters().into_iter().flatten();
        for (average, newest) in self.network.parameters_mut().into_iter().flatten().zip(newest) {
            *average += share * (newest - *average);
        }
    }

    /// The average so far.
    #[must_use]
    pub fn network(&self) -> &N {
        &self.network
    }
}
