//! DYNAMIC: throughput while the buffer is short, BOLA once it is long; what dash.js does by default.
//!
//! Spiteri, Sitaraman, Sparacio: "From Theory to Practice: Improving Bitrate Adaptation in the DASH Reference
//! Player", MMSys 2018, §5: switch to BOLA when the buffer reaches the threshold and BOLA would choose at least
//! the throughput rung; back when it falls below half the threshold and BOLA would choose less.

use super::{Bola, Memory, Policy, Proposal, Throughput, View};
use crate::decision::Reason;

/// The two rules and the buffer that switches between them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dynamic {
    /// Rule of short buffers.
    pub throughput: Throughput,
    /// Rule of long buffers.
    pub bola: Bola,
    /// Buffer in seconds from which BOLA may take over (dash.js: 10 s), at most `threshold_share` of the capacity.
    pub threshold_s: f64,
    /// Share of the capacity that the threshold may take.
    pub threshold_share: f64,
}

impl Default for Dynamic {
    fn default() -> Self {
        Self { throughput: Throughput::default(), bola: Bola::default(), threshold_s: 10.0, threshold_share: 0.5 }
    }
}

/// Slot of [`Memory`]: 1 while BOLA decides.
const USING_BOLA: usize = 0;

impl Policy for Dynamic {
    fn name(&self) -> &'static str {
        "dynamic"
    }

    fn uses_forecast(&self) -> bool {
        false
    }

    fn decide(&self, view: &View<'_>, memory: &mut Memory) -> Proposal {
        let by_throughput = self.throughput.decide(view, memory);
        let by_buffer = self.bola.decide(view, memory);
        let (buffer, capacity) = (view.buffer_length.as_secs_f64(), view.buffer_capacity.as_secs_f64());
        let threshold = self.threshold_s.min(capacity * self.threshold_share);
        let using_bola = memory.0[USING_BOLA] > 0.0;
        let use_bola = if using_bola {
            buffer >= threshold / 2.0 || by_buffer.rung >= by_throughput.rung
        } else {
            buffer >= threshold && by_buffer.rung >= by_throughput.rung
        };
        memory.0[USING_BOLA] = f32::from(u8::from(use_bola));
        if use_bola && by_throughput.reason != Reason::NoEvidence { by_buffer } else { by_throughput }
    }
}
