//! Lines of results.

use super::pass::Pass;
use headroom_infer::audio::synthetic::Background;
use headroom_infer::speech::word_error::normalise;
use serde_json::{Value, json};
use std::time::Duration;

/// Prints results, as lines or as JSON.
pub(super) struct Print {
    pub(super) json: bool,
}

impl Print {
    #[expect(clippy::print_stdout, reason = "the benchmark's output")]
    pub(super) fn line(&self, object: &Value, line: &str) {
        if self.json {
            println!("{object}");
        } else {
            println!("{line}");
        }
    }

    #[expect(clippy::print_stderr, reason = "a note to a person")]
    pub(super) fn note(&self, note: &str) {
        eprintln!("headroom: {note}");
    }

    pub(super) fn accuracy(&self, model: &str, condition: &str, pass: &Pass) {
        let (all, sentences, commands) = (pass.all(), pass.sentences, pass.commands);
        self.line(
            &json!({ "model": model, "condition": condition, "wer": round(all.rate()),
                "wer_sentences": round(sentences.rate()), "wer_commands": round(commands.rate()), "words": all.words }),
            &format!(
                "{model:<24} {condition:<16} WER {:.3} (sentences {:.3} of {} words, commands {:.3} of {})",
                all.rate(),
                sentences.rate(),
                sentences.words,
                commands.rate(),
                commands.words
            ),
        );
    }

    pub(super) fn cost(&self, model: &str, pass: &Pass, peak_rss_mb: f64) {
        let (cpu, latency) = (pass.cpu_per_audio(), pass.latency_p50_s());
        self.line(
            &json!({ "model": model, "wer": round(pass.all().rate()), "cpu_s_per_audio_s": round(cpu),
                "peak_rss_mb": peak_rss_mb.round(), "latency_p50_s": round(latency), "peer": null }),
            &format!(
                "{model:<24} {cpu:.3} CPU s per audio s, {peak_rss_mb:.0} MB at most, {latency:.2} s from the end of \
                 speech to text (median, clips up to 5 s, pause included)"
            ),
        );
    }

    pub(super) fn ratio(&self, peer: &str, own: &Pass, own_rss: f64, pass: &Pass, rss: f64) {
        let (cpu, memory) = (own.cpu_per_audio() / pass.cpu_per_audio(), own_rss / rss);
        self.line(
            &json!({ "model": peer, "wer": round(pass.all().rate()), "cpu_s_per_audio_s": round(pass.cpu_per_audio()),
                "peak_rss_mb": rss.round(), "latency_p50_s": null, "peer": peer, "cpu_ratio": round(cpu),
                "memory_ratio": round(memory) }),
            &format!(
                "{peer:<24} {:.3} CPU s per audio s, {rss:.0} MB at most; ours needs {cpu:.2} x the time, {memory:.2} x \
                 the memory",
                pass.cpu_per_audio()
            ),
        );
    }

    pub(super) fn background(
        &self,
        background: Background,
        length_s: u32,
        utterances: &[(f64, Duration)],
        text: &str,
        cpu: Duration,
    ) {
        let (name, count, words) = (background.name(), utterances.len(), normalise(text).len());
        self.line(
            &json!({ "background": name, "seconds": length_s, "utterances": count, "invented_words": words,
                "text": text, "cpu_s": round(cpu.as_secs_f64()) }),
            &format!(
                "{name:<24} {length_s} s: {words} invented words in {count} stretches taken for speech, {:.1} CPU s {text}",
                cpu.as_secs_f64()
            ),
        );
    }
}

/// To three digits behind the point.
pub(super) fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
