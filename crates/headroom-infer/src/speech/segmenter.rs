//! Cuts a stream of samples into utterances.

use super::{Earshot, EndpointSettings, Endpointer, FRAME, Utterance, VoiceActivity};

/// Voice activity and end points over one stream. Holds at most the utterance that is open.
pub struct Segmenter<V = Earshot> {
    activity: V,
    endpointer: Endpointer,
    // Less than one frame.
    pending: Vec<f32>,
}

impl<V: VoiceActivity> Segmenter<V> {
    /// A segmenter at the start of a stream.
    pub fn new(activity: V, settings: EndpointSettings) -> Self {
        Self { activity, endpointer: Endpointer::new(settings), pending: Vec::with_capacity(FRAME) }
    }

    /// Whether somebody is speaking.
    pub const fn is_speaking(&self) -> bool {
        self.endpointer.is_speaking()
    }

    /// The open utterance up to now; `None` during a pause.
    pub fn so_far(&self) -> Option<Utterance> {
        self.endpointer.so_far()
    }

    /// Takes the next samples, of any number; appends the utterances they end to `utterances`.
    pub fn push(&mut self, mut samples: &[f32], utterances: &mut Vec<Utterance>) {
        if !self.pending.is_empty() {
            let (head, rest) = samples.split_at((FRAME - self.pending.len()).min(samples.len()));
            self.pending.extend_from_slice(head);
            samples = rest;
            let Ok(frame) = <[f32; FRAME]>::try_from(self.pending.as_slice()) else { return };
            self.pending.clear();
            utterances.extend(self.frame(&frame));
        }
        let (frames, rest) = samples.as_chunks::<FRAME>();
        for frame in frames {
            utterances.extend(self.frame(frame));
        }
        self.pending.extend_from_slice(rest);
    }

    /// Ends the stream; appends the utterances that were open. The last part of a frame is completed with silence.
    pub fn finish(&mut self, utterances: &mut Vec<Utterance>) {
        if !self.pending.is_empty() {
            let mut frame = [0.0; FRAME];
            frame[..self.pending.len()].copy_from_slice(&self.pending);
            self.pending.clear();
            utterances.extend(self.frame(&frame));
        }
        utterances.extend(self.endpointer.finish());
    }

    fn frame(&mut self, frame: &[f32; FRAME]) -> Option<Utterance> {
        let probability = self.activity.probability(frame);
        self.endpointer.push(frame, probability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Speech wherever the frame is not silent.
    struct Loud;

    impl VoiceActivity for Loud {
        fn probability(&mut self, frame: &[f32; FRAME]) -> f32 {
            f32::from(frame.iter().any(|sample| *sample != 0.0))
        }
    }

    #[test]
    fn the_size_of_the_pieces_changes_nothing() {
        let mut stream = vec![0.0; 20_000];
        stream.extend((0..30_000).map(|i| 0.1 + i as f32 * 1e-5));
        stream.extend([0.0; 20_001]);
        stream.extend([0.5; 9_999]);
        let listen = |size: usize| {
            let mut segmenter = Segmenter::new(Loud, EndpointSettings::default());
            let mut utterances = Vec::new();
            for piece in stream.chunks(size) {
                segmenter.push(piece, &mut utterances);
            }
            segmenter.finish(&mut utterances);
            utterances
        };
        let expected = listen(stream.len());
        assert_eq!(expected.len(), 2);
        for size in [1, 7, 255, 256, 257, 4_096] {
            assert_eq!(listen(size), expected, "pieces of {size}");
        }
    }
}
