//! `headroom text`: a message in, what follows from it out.
//!
//! The network (a trace, radio readings, a live session, or a seeded synthetic link) is played to the engine of `serve`
//! by one virtual player; the message is read by the models; both end in one decision.

mod answer;
mod network;
mod prompt;
mod response;
mod viewer;

pub(crate) use answer::{Answer, Origin};
pub(crate) use network::NetworkArguments;
pub(crate) use viewer::Companion;

use super::classifier::ClassifierArguments;
use anyhow::Context;
use clap::Args;
use std::io::{self, BufRead, ErrorKind, IsTerminal, Read, Write};
use std::process::ExitCode;

/// Arguments of `headroom text`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// What a viewer says; without it a prompt, or one message a line from a pipe.
    #[arg(value_name = "MESSAGE")]
    message: Option<String>,
    #[command(flatten)]
    network: NetworkArguments,
    #[command(flatten)]
    classifier: ClassifierArguments,
    /// One JSON object a message.
    #[arg(long)]
    json: bool,
}

/// Longest line taken from a pipe, in bytes; the rest of it is dropped.
const MAX_LINE: u64 = 1 << 20;

/// Answers one message, or all until the input ends.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut companion = Companion::new(arguments.classifier.open()?, &arguments.network)?;
    let source = companion.source().to_owned();
    let mut say = |message: &str| -> anyhow::Result<bool> {
        let answer = companion.answer(message)?;
        print(&answer, arguments.json)
    };
    if let Some(message) = &arguments.message {
        say(message)?;
    } else if io::stdin().is_terminal() {
        prompt::run(&source, &mut say)?;
    } else {
        let mut input = io::stdin().lock();
        let mut line = Vec::new();
        while next_line(&mut input, &mut line).context("cannot read standard input")? {
            let message = String::from_utf8_lossy(&line);
            if !message.trim().is_empty() && !say(message.trim())? {
                break;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let read = input.by_ref().take(MAX_LINE).read_until(b'\n', line)?;
    if read as u64 == MAX_LINE && line.last() != Some(&b'\n') {
        input.skip_until(b'\n')?;
    }
    Ok(read > 0)
}

/// Prints an answer; false when nobody reads any more.
fn print(answer: &Answer, json: bool) -> anyhow::Result<bool> {
    let mut out = io::stdout().lock();
    let text = if json {
        serde_json::Value::Object(answer.object(Origin::Text)).to_string()
    } else {
        answer.lines(Origin::Text).join("\n")
    };
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        other => other.map(|()| true).context("cannot write the answer"),
    }
}
