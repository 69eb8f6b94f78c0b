//! DYNAMIC: throughput while the buffer is short, BOLA-E once it is long; what dash.js does by default.
//!
//! Spiteri, Sitaraman, Sparacio: "From Theory to Practice: Improving Bitrate Adaptation in the DASH Reference
//! Player", MMSys 2018, §5, as dash.js has it since version 3: BOLA above the default buffer time, throughput below
//! half of it (`AbrController._updateDynamicAbrStrategy`). A live player holds less than that and stays with throughput.

use super::bola_e::BolaE;
use super::dash_throughput::DashThroughput;
use super::measured;
use super::states::DynamicMemory;
use super::{Delivery, Evidence, Policy, Progress, Proposal, Tuning, View};
use crate::{decision::Reason, ladder::RungIndex, time::Duration};

/// The two rules and the buffers that switch between them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dynamic {
    /// Rule of short buffers.
    pub throughput: DashThroughput,
    /// Rule of long buffers.
    pub bola: BolaE,
    /// Buffer in seconds above which BOLA takes over (dash.js `bufferTimeDefault`: 18).
    pub on_s: f64,
    /// Buffer in seconds below which throughput takes over again (dash.js: half of it).
    pub off_s: f64,
}

impl Default for Dynamic {
    fn default() -> Self {
        Self { throughput: DashThroughput::default(), bola: BolaE::default(), on_s: 18.0, off_s: 9.0 }
    }
}

impl Dynamic {
    /// The policy with what a comparison sets of it.
    #[must_use]
    pub fn tuned(tuning: &Tuning) -> Self {
        Self { throughput: DashThroughput::tuned(tuning), bola: BolaE::tuned(tuning), ..Self::default() }
    }

    fn choose(&self, view: &View<'_>, kept: &mut DynamicMemory) -> Proposal {
        let Some(measured) = kept.averages.update(view, self.throughput.first_byte_s) else {
            return Proposal::hold(view);
        };
        let buffer_s = view.buffer_length.as_secs_f64();
        kept.bola_decides = if kept.bola_decides { buffer_s >= self.off_s } else { buffer_s > self.on_s };
        if kept.bola_decides {
            let rung = self.bola.rung(view, measured, &mut kept.buffer, &mut kept.bola_decisions);
            return Proposal { rung, reason: Reason::Buffer };
        }
        let nth = kept.throughput_decisions.min(measured::LAST_SHARE);
        kept.throughput_decisions = nth + 1;
        kept.buffer.pause_s = 0.0;
        Proposal { rung: self.throughput.rung(view, measured, nth), reason: Reason::Throughput }
    }
}

impl Policy for Dynamic {
    fn name(&self) -> &'static str {
        "dynamic"
    }

    fn evidence(&self) -> Evidence {
        Evidence::Transfers
    }

    fn decide(&self, view: &View<'_>, memory: &mut super::Memory) -> Proposal {
        memory.update(|kept| self.choose(view, kept))
    }

    fn pause(&self, memory: &super::Memory) -> Duration {
        memory.get::<DynamicMemory>().buffer.pause()
    }

    fn delivered(&self, view: &View<'_>, delivery: &Delivery, memory: &mut super::Memory) {
        memory.update(|kept: &mut DynamicMemory| kept.buffer.delivered(view, delivery));
    }

    fn abandon(&self, view: &View<'_>, progress: &Progress, memory: &mut super::Memory) -> Option<RungIndex> {
        let kept: DynamicMemory = memory.get();
        if kept.bola_decides { kept.buffer.lower(view, progress) } else { self.throughput.lower(view, progress) }
    }
}
