//! `headroom classify`: what messages say, one JSON object a line.

mod input;
#[cfg(test)]
mod tests;

use super::classifier::ClassifierArguments;
use anyhow::Context;
use clap::Args;
use headroom_core::audience::Aspect;
use headroom_infer::text::Prediction;
use input::{Broken, Format, Message, Messages};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `headroom classify`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// File of messages: one a line, TSV with a header that names a column `text`, or NDJSON with a key `text`; `-` for
    /// standard input. Other columns and keys are kept; one that a result has too is kept as `given_…`.
    #[arg(value_name = "FILE")]
    input: PathBuf,
    /// Format of the input; found out from its first line where not given.
    #[arg(long, value_enum, default_value_t = Format::Auto)]
    format: Format,
    /// Messages read together at most. More is faster; one alone scores the same whatever stands beside it.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    batch: u16,
    /// Accepted for symmetry: the output is one JSON object a line in any case.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    classifier: ClassifierArguments,
}

/// Reads to the end of the input. Exit code 2 when some lines could not be used.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let from_stdin = arguments.input.as_os_str() == "-";
    let source: Box<dyn Read> = if from_stdin {
        Box::new(io::stdin())
    } else {
        let path = arguments.input.display();
        Box::new(File::open(&arguments.input).with_context(|| format!("cannot read {path}"))?)
    };
    let mut classifier = arguments.classifier.open()?;
    let mut messages = Messages::new(BufReader::with_capacity(1 << 16, source), arguments.format);
    let mut out = BufWriter::new(io::stdout().lock());
    let mut is_whole = true;
    loop {
        let mut batch: Vec<Message> = Vec::new();
        let mut ended = false;
        while batch.len() < usize::from(arguments.batch) && (batch.is_empty() || messages.has_line()) {
            match messages.next().context("cannot read the input")? {
                Some(Ok(message)) => batch.push(message),
                Some(Err(broken)) => {
                    is_whole = false;
                    complain(&broken);
                }
                None => {
                    ended = true;
                    break;
                }
            }
        }
        let texts: Vec<&str> = batch.iter().map(|message| message.text.as_str()).collect();
        let predictions = if texts.is_empty() { Vec::new() } else { classifier.read(&texts)? };
        for (message, prediction) in batch.iter().zip(&predictions) {
            if !put(&mut out, message, prediction)? {
                return Ok(ExitCode::SUCCESS);
            }
        }
        // Whoever writes slowly sees each answer at once.
        if (ended || !messages.has_line()) && !still_read(out.flush())? {
            return Ok(ExitCode::SUCCESS);
        }
        if ended {
            return Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(2) });
        }
    }
}

/// Writes a line; false when nobody reads any more.
fn put(out: &mut impl Write, message: &Message, prediction: &Prediction) -> anyhow::Result<bool> {
    let line = Value::Object(object(message, prediction));
    still_read(writeln!(out, "{line}"))
}

fn still_read(written: io::Result<()>) -> anyhow::Result<bool> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        other => other.map(|()| true).context("cannot write the output"),
    }
}

/// The input's keys and ours.
fn object(message: &Message, prediction: &Prediction) -> Map<String, Value> {
    let mut object = Map::new();
    let ours = keys(prediction);
    for (key, value) in &message.keys {
        let name = if ours.contains_key(key) { format!("given_{key}") } else { key.clone() };
        object.insert(name, value.clone());
    }
    object.insert("text".into(), message.text.as_str().into());
    object.extend(ours);
    object
}

/// A prediction as JSON keys.
pub(crate) fn keys(prediction: &Prediction) -> Map<String, Value> {
    let [negative, neutral, positive] = prediction.probabilities.map(rounded);
    let reading = &prediction.reading;
    let keys = json!({
        "sentiment": reading.sentiment,
        "confidence": rounded(reading.confidence.get()),
        "probabilities": { "negative": negative, "neutral": neutral, "positive": positive },
        "aspects": reading.aspects.iter().map(Aspect::word).collect::<Vec<_>>(),
        "command": reading.command.map_or_else(|| "none".to_owned(), |command| command.to_string()),
        "language": prediction.language,
        "complaint": prediction.is_complaint(),
        "certainty": rounded(prediction.certainty.get()),
    });
    match keys {
        Value::Object(keys) => keys,
        _ => Map::new(),
    }
}

/// Four decimals: more would differ between processors.
fn rounded(value: f32) -> f64 {
    (f64::from(value) * 10_000.0).round() / 10_000.0
}

#[expect(clippy::print_stderr, reason = "tells a person which lines were left out")]
fn complain(broken: &Broken) {
    eprintln!("headroom: line {}: {}", broken.line, broken.reason);
}
