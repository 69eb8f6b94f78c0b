//! `headroom mode`: see and set what a running server does with its decisions.

use super::control::Control;
use anyhow::ensure;
use clap::{Args, ValueEnum};
use hyper::Method;
use serde_json::{Value, json};
use std::{fmt::Write as _, io::Write as _, process::ExitCode};

/// `off` reaches every answer, stream of decisions, playlist and steering manifest at once: from then on each is what it would
/// be without Headroom. An order is kept over restarts where the server has a data directory.
#[derive(Args)]
pub(crate) struct Arguments {
    /// What to do.
    #[arg(value_enum, default_value = "get")]
    action: Action,
    /// Only for this stream, whatever its format. What is off for everybody is off here, too.
    #[arg(long, value_name = "NAME")]
    stream: Option<String>,
    /// Why. It is kept with the order and in the audit log.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Print the answer of the server as one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    control: Control,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Action {
    /// Print the modes in force.
    Get,
    /// Decide and log, but tell nobody.
    Observe,
    /// Decide, log, and tell players what to do.
    Steer,
    /// Answer as if Headroom were not there.
    Off,
    /// Take an order back: a stream follows everybody again, everybody the configuration.
    Follow,
}

impl Action {
    /// The body of the order; `None` asks only.
    fn mode(self) -> Option<Value> {
        match self {
            Self::Get => None,
            Self::Observe => Some(json!("observe")),
            Self::Steer => Some(json!("steer")),
            Self::Off => Some(json!("off")),
            Self::Follow => Some(Value::Null),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let answer = match arguments.action.mode() {
        None => arguments.control.ask(Method::GET, "/v1/mode", None).await?,
        Some(mode) => {
            let reason = arguments.reason.as_deref().unwrap_or_default();
            ensure!(!reason.trim().is_empty(), "an order needs its reason: --reason \"TEXT\"");
            let body = json!({ "mode": mode, "stream": arguments.stream, "reason": reason });
            arguments.control.ask(Method::PUT, "/v1/mode", Some(&body)).await?
        }
    };
    let text = if arguments.json { format!("{answer}\n") } else { text(&answer, arguments.stream.as_deref()) };
    // A pipe that was closed early has had enough.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(ExitCode::SUCCESS)
}

/// The modes in force, a line for each; of one stream where one was named.
fn text(answer: &Value, stream: Option<&str>) -> String {
    let word = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let why = |order: &Value| order["reason"].as_str().map_or_else(String::new, |reason| format!(": {reason}"));
    let mut text = match &answer["order"] {
        Value::Null => format!("everybody   {} (as configured)\n", word(&answer["mode"])),
        order => format!("everybody   {}{}\n", word(&answer["mode"]), why(order)),
    };
    let streams: Vec<_> = answer["streams"].as_array().into_iter().flatten().collect();
    for own in &streams {
        let name = word(&own["stream"]);
        if stream.is_some_and(|wanted| wanted != name) {
            continue;
        }
        let sessions = own["sessions"].as_u64().unwrap_or(0);
        let _ = write!(text, "{name}   {}, {sessions} sessions{}", word(&own["mode"]), why(&own["order"]));
        text += match own["order"]["mode"] != own["mode"] {
            true => " (off for everybody is off here)\n",
            false => "\n",
        };
    }
    if let Some(name) = stream.filter(|name| streams.iter().all(|own| own["stream"] != **name)) {
        let _ = writeln!(text, "{name}   {} (as everybody)", word(&answer["mode"]));
    }
    let ordered = !answer["order"].is_null() || !streams.is_empty();
    if ordered && answer["kept"] == false {
        text += "The server has no data directory: orders end with its process.\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_printed_with_who_has_them_and_why() {
        let order = |mode: &str| json!({ "mode": mode, "reason": "incident 7", "at_us": 1 });
        let own =
            |mode: &str, ordered: &str| json!({ "stream": "a", "mode": mode, "order": order(ordered), "sessions": 3 });
        let cases = [
            (json!({ "mode": "steer", "streams": [], "kept": true }), None, "everybody   steer (as configured)\n"),
            (
                json!({ "mode": "steer", "streams": [], "kept": true }),
                Some("a"),
                "everybody   steer (as configured)\na   steer (as everybody)\n",
            ),
            (
                json!({ "mode": "off", "order": order("off"), "streams": [own("off", "steer")], "kept": false }),
                None,
                "everybody   off: incident 7\na   off, 3 sessions: incident 7 (off for everybody is off here)\n\
                 The server has no data directory: orders end with its process.\n",
            ),
            (
                json!({ "mode": "steer", "streams": [own("observe", "observe")], "kept": true }),
                Some("a"),
                "everybody   steer (as configured)\na   observe, 3 sessions: incident 7\n",
            ),
        ];
        for (answer, stream, expected) in cases {
            assert_eq!(text(&answer, stream), expected);
        }
    }
}
