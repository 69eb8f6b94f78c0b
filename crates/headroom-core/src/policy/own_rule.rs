//! The rule that the player runs when nobody advises it, computed beside ours.
//!
//! What a player left to itself would fetch now is the yardstick of harm: advice that stays at or below it costs no bits
//! and, but for the cost of asking, no stalls.

use super::measured::{Averages, LAST_SHARE};
use super::{BolaE, DashThroughput, Dynamic, HlsThroughput, View};
use crate::{ladder::RungIndex, telemetry::Client};

/// What the session's player would fetch now, by the averages of its transfers; `None` before the first.
pub(super) fn own_rung(view: &View<'_>, averages: &Averages) -> Option<RungIndex> {
    let measured = averages.estimate(0.0)?;
    let nth = averages.transfers().saturating_sub(1).min(LAST_SHARE);
    let dynamic = Dynamic::default();
    Some(match view.guidance.client {
        Client::HlsJs => HlsThroughput::default().rung(view, measured),
        // Shaka's own rule never gives a transfer up and stalls longer than DYNAMIC.
        Client::DashJs | Client::Shaka if view.buffer_length.as_secs_f64() > dynamic.on_s => {
            BolaE::default().settled_rung(view, measured)
        }
        Client::DashJs | Client::Shaka => DashThroughput::default().rung(view, measured, nth),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        forecast::{Forecast, History},
        ladder::Ladder,
        policy::{Guidance, Memory, Policy, Segments, Weights},
        time::{Duration, Timestamp},
        units::Bitrate,
    };
    use proptest::prelude::*;

    proptest! {
        /// Beside ours runs the very rule that a player runs by itself.
        #[test]
        fn chooses_what_the_player_would(
            transfers in proptest::collection::vec((100_u64..60_000, 100_u64..4_000, 0_u64..6_000), 1..30),
        ) {
            let ladder = Ladder::default();
            let pairs: [(Client, &dyn Policy); 2] =
                [(Client::DashJs, &Dynamic::default()), (Client::HlsJs, &HlsThroughput::default())];
            for (client, policy) in pairs {
                let (mut history, mut memory, mut averages) = (History::default(), Memory::default(), Averages::default());
                let mut current = None;
                for &(kbps, transfer_ms, buffer_ms) in &transfers {
                    history.push(Bitrate::kbps(kbps), Duration::from_millis(transfer_ms));
                    averages.read(&history);
                    let view = View {
                        now: Timestamp::EPOCH,
                        ladder: &ladder,
                        segment_duration: Duration::from_secs(2),
                        segments: Segments::Nominal,
                        buffer_length: Duration::from_millis(buffer_ms),
                        buffer_capacity: Duration::from_secs(6),
                        current,
                        live_latency: None,
                        history: &history,
                        forecast: &Forecast::UNKNOWN,
                        weights: Weights::default(),
                        guidance: Guidance { client, ..Guidance::default() },
                    };
                    let theirs = policy.decide(&view, &mut memory).rung;
                    prop_assert_eq!(own_rung(&view, &averages), Some(theirs), "{:?}", client);
                    current = Some(theirs);
                }
            }
        }
    }
}
