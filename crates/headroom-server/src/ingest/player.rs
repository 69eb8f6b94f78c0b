//! CMCD record → the engine's player sample.

use headroom_core::{
    forecast::PLAUSIBLE_THROUGHPUT,
    telemetry::{Player, PlayerState},
    time::Duration,
    units::Bitrate,
};
use headroom_wire::cmcd::{self, ByObjectType, EventType, ObjectType, Vitals};

/// Most media a player is believed to hold ahead.
const PLAUSIBLE_BUFFER: Duration = Duration::from_secs(3_600);

/// What was left out of a sample and why, for the counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SampleNotes {
    /// A rate or duration no real player has.
    pub(crate) implausible: bool,
    /// Throughput of a player that is not downloading because it is paused.
    pub(crate) paused: bool,
}

/// What a CMCD record says of its player. Values about video count first; audio has its own, smaller ones.
pub(crate) fn player_sample(record: &Vitals<'_>) -> (Player, SampleNotes) {
    let mut notes = SampleNotes::default();
    let state = record.player_state.map(state);
    let is_audio = matches!(record.object_type, Some(ObjectType::Audio));
    let is_video = matches!(record.object_type, None | Some(ObjectType::Video | ObjectType::Muxed));
    let kbps = |list: &ByObjectType| list.value_for(ObjectType::Video).map(|value| Bitrate::kbps(u64::from(value)));
    let millis =
        |list: &ByObjectType| list.value_for(ObjectType::Video).map(|value| Duration::from_millis(u64::from(value)));

    let video = |list: &ByObjectType| {
        let named = list.get(ObjectType::Video).filter(|_| record.version == cmcd::Version::V2);
        named.map(|value| Bitrate::kbps(u64::from(value)))
    };

    let mut measured_throughput = kbps(&record.measured_throughput).filter(|&rate| rate > Bitrate::ZERO);
    if measured_throughput.is_some_and(|rate| rate > PLAUSIBLE_THROUGHPUT) {
        // Beyond belief, but the link is no bottleneck: the engine takes it for the highest rate it believes in. Taken for
        // nothing, a short buffer would look like starvation on a link nothing is known of.
        notes.implausible = true;
    }
    if measured_throughput.is_some() && matches!(state, Some(PlayerState::Paused | PlayerState::Ended)) {
        notes.paused = true;
        measured_throughput = None;
    }
    // A buffer without a type is that of the requested object. Players may hold less sound than picture, so the buffer of
    // an audio segment could look like starvation; nothing is lost with it, the next video request tells.
    let buffer = |list: &ByObjectType| {
        if is_audio {
            list.get(ObjectType::Video).map(|value| Duration::from_millis(u64::from(value)))
        } else {
            millis(list)
        }
    };
    let mut buffer_length = buffer(&record.buffer_length);
    if buffer_length.is_some_and(|buffer| buffer > PLAUSIBLE_BUFFER) {
        notes.implausible = true;
        buffer_length = None;
    }
    // Version 1 sends one `br` a request: that of an audio segment says nothing about the rung played.
    let typed = record.version == cmcd::Version::V2;
    let encoded_bitrate = if is_video || (typed && record.encoded_bitrate.get(ObjectType::Video).is_some()) {
        kbps(&record.encoded_bitrate)
    } else {
        kbps(&record.playhead_bitrate)
    };
    let transfer_time = match (record.event, record.time_to_last_byte) {
        (Some(EventType::ResponseReceived), Some(millis)) => Some(Duration::from_millis(u64::from(millis))),
        _ => None,
    };
    let starvation = starvation_millis(&record.buffer_starvation_duration);
    let player = Player {
        encoded_bitrate: encoded_bitrate.filter(|&rate| rate > Bitrate::ZERO),
        top_bitrate: if is_audio { video(&record.top_bitrate) } else { kbps(&record.top_bitrate) },
        measured_throughput,
        transfer_time,
        buffer_length,
        target_buffer_length: buffer(&record.target_buffer_length),
        live_latency: record.live_latency.and_then(|millis| u64::try_from(millis).ok()).map(Duration::from_millis),
        object_duration: record
            .object_duration
            .filter(|_| is_video)
            .map(|millis| Duration::from_millis(u64::from(millis))),
        media_start_delay: record.media_start_delay.map(|millis| Duration::from_millis(u64::from(millis))),
        playback_rate: record.playback_rate.map(|rate| rate as f32).filter(|rate| (0.0..=16.0).contains(rate)),
        state,
        buffer_starvation: record.buffer_starvation.unwrap_or(false) || starvation.is_some(),
        starvation_duration: starvation.map(Duration::from_millis),
        startup: record.startup.unwrap_or(false),
        dropped_frames: record.dropped_frames,
        // CMCD has no key for it.
        client: None,
    };
    (player, notes)
}

/// Time stalled since the last report: the stalls of one type add up, those of audio and video are the same stalls.
fn starvation_millis(durations: &ByObjectType) -> Option<u64> {
    let of = |audio: bool| {
        let of_type = durations.iter().filter(|&(_, object_type)| (object_type == Some(ObjectType::Audio)) == audio);
        of_type.map(|(millis, _)| u64::from(millis)).sum()
    };
    (!durations.is_empty()).then(|| u64::max(of(true), of(false)))
}

fn state(state: cmcd::PlayerState) -> PlayerState {
    match state {
        cmcd::PlayerState::Starting => PlayerState::Starting,
        cmcd::PlayerState::Playing => PlayerState::Playing,
        cmcd::PlayerState::Seeking => PlayerState::Seeking,
        cmcd::PlayerState::Rebuffering => PlayerState::Rebuffering,
        cmcd::PlayerState::Paused => PlayerState::Paused,
        cmcd::PlayerState::Waiting => PlayerState::Waiting,
        cmcd::PlayerState::Ended => PlayerState::Ended,
        cmcd::PlayerState::FatalError => PlayerState::FatalError,
        cmcd::PlayerState::Quit => PlayerState::Quit,
        cmcd::PlayerState::Preloading => PlayerState::Preloading,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_of_the_audio_is_not_the_top_of_the_ladder() {
        for (text, top) in [
            ("ot=a,tb=(64),v=2", None),
            ("ot=a,tb=64", None),
            ("ot=a,tb=(6000;v 64;a),v=2", Some(6000)),
            ("ot=v,tb=(6000),v=2", Some(6000)),
        ] {
            let (player, _) = player_sample(&Vitals::parse(text).unwrap().vitals);
            assert_eq!(player.top_bitrate, top.map(Bitrate::kbps), "{text}");
        }
    }

    #[test]
    fn what_an_audio_request_says_is_not_taken_for_the_video() {
        for (text, bit_rate, buffer, target) in [
            ("bl=6000,br=1200,ot=v,tbl=8000,v=2", Some(1200), Some(6000), Some(8000)),
            ("bl=700,br=64,ot=a,tbl=1000,v=2", None, None, None),
            ("bl=700,br=64,ot=a", None, None, None),
            ("bl=(6000;v 700;a),br=(1200;v 64;a),ot=a,tbl=(8000;v),v=2", Some(1200), Some(6000), Some(8000)),
            ("bl=6000,ot=av,br=1200", Some(1200), Some(6000), None),
            ("bl=6000,br=1200", Some(1200), Some(6000), None),
        ] {
            let parsed = Vitals::parse(text).unwrap();
            let (player, notes) = player_sample(&parsed.vitals);
            assert_eq!(notes, SampleNotes::default(), "{text}");
            assert_eq!(player.encoded_bitrate, bit_rate.map(Bitrate::kbps), "{text}");
            assert_eq!(player.buffer_length, buffer.map(Duration::from_millis), "{text}");
            assert_eq!(player.target_buffer_length, target.map(Duration::from_millis), "{text}");
        }
    }
}
