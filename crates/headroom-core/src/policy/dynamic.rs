//! DYNAMIC: throughput while the buffer is short, BOLA-E once it is long; what dash.js does by default.
//!
//! Spiteri, Sitaraman, Sparacio: "From Theory to Practice: Improving Bitrate Adaptation in the DASH Reference
//! Player", MMSys 2018, §5, as dash.js has it since version 3: BOLA above the default buffer time, throughput below
//! half of it (`AbrController._updateDynamicAbrStrategy`). A live player holds less than that and stays with throughput.

use super::bola_e::{BolaE, PAUSE};
use super::dash_throughput::DashThroughput;
use super::measured::{self, Measured};
use super::{Delivery, Evidence, Memory, Policy, Progress, Proposal, View};
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

/// Slot of [`Memory`]: decisions of the throughput rule up to [`measured::LAST_SHARE`], plus [`BOLA_DECIDES`] while it does.
/// The slots before belong to the averages and to BOLA-E.
const STATE: usize = measured::FREE + 3;
const BOLA_DECIDES: u8 = 16;

impl Dynamic {
    fn bola_decides(memory: &Memory) -> bool {
        memory.0[STATE] as u8 >= BOLA_DECIDES
    }
}

impl Policy for Dynamic {
    fn name(&self) -> &'static str {
        "dynamic"
    }

    fn evidence(&self) -> Evidence {
        Evidence::Transfers
    }

    fn decide(&self, view: &View<'_>, memory: &mut Memory) -> Proposal {
        let Some(measured) = Measured::update(view, memory, self.throughput.first_byte_s) else {
            return Proposal::hold(view);
        };
        let buffer_s = view.buffer_length.as_secs_f64();
        let decided = memory.0[STATE] as u8 % BOLA_DECIDES;
        let use_bola = if Self::bola_decides(memory) { buffer_s >= self.off_s } else { buffer_s > self.on_s };
        if use_bola {
            memory.0[STATE] = f32::from(decided + BOLA_DECIDES);
            return Proposal { rung: self.bola.rung(view, measured, memory), reason: Reason::Buffer };
        }
        let nth = decided.min(measured::LAST_SHARE);
        memory.0[STATE] = f32::from(nth + 1);
        memory.0[PAUSE] = 0.0;
        Proposal { rung: self.throughput.rung(view, measured, nth), reason: Reason::Throughput }
    }

    fn pause(&self, memory: &Memory) -> Duration {
        self.bola.pause(memory)
    }

    fn delivered(&self, view: &View<'_>, delivery: &Delivery, memory: &mut Memory) {
        self.bola.delivered(view, delivery, memory);
    }

    fn abandon(&self, view: &View<'_>, progress: &Progress, memory: &mut Memory) -> Option<RungIndex> {
        if Self::bola_decides(memory) {
            self.bola.abandon(view, progress, memory)
        } else {
            self.throughput.abandon(view, progress, memory)
        }
    }
}
