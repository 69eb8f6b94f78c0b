//! `headroom report observe`: what would have changed if players had been told.

use crate::commands::control::Control;
use clap::Args;
use hyper::Method;
use serde_json::Value;
use std::{fmt::Write as _, io::Write as _, process::ExitCode};

/// Counts what a server decided and told nobody: in mode `observe` or `off`, in the holdback, in arms that observe. Since its start,
/// or since its experiments changed.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Print the answer of the server as one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    control: Control,
}

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let answer = arguments.control.ask(Method::GET, "/v1/observation", None).await?;
    let text = if arguments.json { format!("{answer}\n") } else { text(&answer) };
    // A pipe that was closed early has had enough.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(ExitCode::SUCCESS)
}

fn text(answer: &Value) -> String {
    let count = |key: &str| answer[key].as_u64().unwrap_or(0);
    let mut text = format!("Sessions            {}\n", count("sessions"));
    let looks = count("agreed") + count("differed");
    match answer["agreement"].as_f64() {
        None => text += "Nobody is observed or held back with a cap: whatever is decided is told.\n",
        Some(agreement) => {
            let _ = writeln!(
                text,
                "Would be touched    {} (they played above a cap that they were not told)",
                count("touched")
            );
            let _ = writeln!(
                text,
                "Agreement           {:.1} % of {looks} looks: the player was within the cap by itself",
                agreement * 100.0
            );
        }
    }
    if let (Some(cap), Some(played), Some(risk)) =
        (answer["cap_kbps"].as_f64(), answer["played_kbps"].as_f64(), answer["stall_risk"].as_f64())
    {
        let _ = writeln!(
            text,
            "Where they differ   cap {cap:.0} kbit/s, played {played:.0} kbit/s, risk of a stall {:.0} %",
            risk * 100.0
        );
    }
    let mut reasons: Vec<(&String, u64)> = answer["reasons"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(reason, n)| (reason, n.as_u64().unwrap_or(0)))
        .collect();
    reasons.sort_by_key(|&(_, sessions)| std::cmp::Reverse(sessions));
    for (position, (reason, sessions)) in reasons.into_iter().enumerate() {
        let label = if position == 0 { "Latest decisions" } else { "" };
        let _ = writeln!(text, "{label:<19} {sessions:>7} {}", reason.replace('_', " "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_would_have_changed_is_told_in_lines() {
        let answer = json!({
            "sessions": 40, "touched": 3, "agreed": 90, "differed": 10, "agreement": 0.9, "cap_kbps": 1500.0,
            "played_kbps": 3000.0, "stall_risk": 0.25, "reasons": { "plan": 30, "stall_risk": 10 }
        });
        assert_eq!(
            text(&answer),
            "Sessions            40\n\
             Would be touched    3 (they played above a cap that they were not told)\n\
             Agreement           90.0 % of 100 looks: the player was within the cap by itself\n\
             Where they differ   cap 1500 kbit/s, played 3000 kbit/s, risk of a stall 25 %\n\
             Latest decisions         30 plan\n\
             \x20                        10 stall risk\n"
        );
        let nobody = json!({ "sessions": 2, "agreed": 0, "differed": 0, "agreement": null, "reasons": {} });
        assert_eq!(
            text(&nobody),
            "Sessions            2\nNobody is observed or held back with a cap: whatever is decided is told.\n"
        );
    }
}
