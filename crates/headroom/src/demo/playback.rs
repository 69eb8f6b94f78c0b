//! The playhead of a live viewer: what is buffered, what has been played, how long it stood still.

/// Playback of one session. Times are seconds on one clock; the caller says what time it is.
#[derive(Clone, Debug)]
pub(crate) struct Playback {
    now_s: f64,
    /// Media position of the playhead and of the end of what is buffered.
    playhead_s: f64,
    buffered_until_s: f64,
    rate: f64,
    state: State,
    stalled_s: f64,
    stalls: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Starting,
    Playing,
    Stalled,
}

/// Media that must be buffered before playback starts or resumes: one 2 s segment, as hls.js and dash.js do.
const RESUME_S: f64 = 1.9;

impl Playback {
    /// A viewer whose playhead waits at `position_s`.
    pub(crate) fn new(now_s: f64, position_s: f64) -> Self {
        Self {
            now_s,
            playhead_s: position_s,
            buffered_until_s: position_s,
            rate: 1.0,
            state: State::Starting,
            stalled_s: 0.0,
            stalls: 0,
        }
    }

    /// Lets time pass until `now_s`.
    pub(crate) fn advance(&mut self, now_s: f64) {
        let elapsed = (now_s - self.now_s).max(0.0);
        self.now_s = self.now_s.max(now_s);
        match self.state {
            State::Starting => {}
            State::Stalled => self.stalled_s += elapsed,
            State::Playing => {
                let played = (elapsed * self.rate).min(self.buffer_s());
                self.playhead_s += played;
                let stood_still = elapsed - played / self.rate;
                if stood_still > 1e-9 {
                    self.state = State::Stalled;
                    self.stalls += 1;
                    self.stalled_s += stood_still;
                }
            }
        }
    }

    /// Adds media that arrived just now.
    pub(crate) fn append(&mut self, media_s: f64) {
        self.buffered_until_s += media_s;
        if self.buffer_s() >= RESUME_S {
            self.state = State::Playing;
        }
    }

    /// Gives up what is buffered and waits at `position_s`: what players do that fell out of the live window.
    pub(crate) fn jump(&mut self, position_s: f64) {
        self.playhead_s = position_s;
        self.buffered_until_s = position_s;
        if self.state == State::Playing {
            self.state = State::Stalled;
            self.stalls += 1;
        }
    }

    /// Plays at `rate` from now on.
    pub(crate) fn set_rate(&mut self, rate: f64) {
        self.rate = rate.clamp(0.5, 2.0);
    }

    pub(crate) fn rate(&self) -> f64 {
        self.rate
    }

    pub(crate) fn buffer_s(&self) -> f64 {
        (self.buffered_until_s - self.playhead_s).max(0.0)
    }

    pub(crate) fn playhead_s(&self) -> f64 {
        self.playhead_s
    }

    pub(crate) fn is_starting(&self) -> bool {
        self.state == State::Starting
    }

    pub(crate) fn is_stalled(&self) -> bool {
        self.state == State::Stalled
    }

    pub(crate) fn stalled_s(&self) -> f64 {
        self.stalled_s
    }

    pub(crate) fn stalls(&self) -> u32 {
        self.stalls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_either_played_or_stalled() {
        let mut playback = Playback::new(0.0, 100.0);
        playback.advance(1.0);
        assert_eq!((playback.playhead_s(), playback.stalled_s()), (100.0, 0.0), "start-up is no stall");
        playback.append(2.0);
        playback.advance(4.0);
        assert_eq!((playback.playhead_s(), playback.stalled_s(), playback.stalls()), (102.0, 1.0, 1));
        playback.append(1.0);
        playback.advance(5.0);
        assert_eq!((playback.playhead_s(), playback.stalled_s()), (102.0, 2.0), "too little to resume");
        playback.append(1.0);
        playback.set_rate(1.25);
        playback.advance(6.0);
        assert_eq!((playback.playhead_s(), playback.stalls()), (103.25, 1));
    }
}
