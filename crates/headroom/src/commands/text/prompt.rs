//! The prompt: line editing and history.

use anyhow::Context;
use rustyline::{DefaultEditor, error::ReadlineError};

/// What `help` prints.
const HELP: &str = "\
Write what a viewer would say, for example:
  it keeps buffering          no sound?          why is it so blurry
  720p please                 less delay         status
help  this list      quit  the end (also Ctrl+D)      arrow up  what was written before";

/// Asks for messages until `quit`, Ctrl+C, Ctrl+D or `say` returns false. `source` names the network in the banner.
#[expect(clippy::print_stdout, reason = "talks to a person at a terminal")]
pub(super) fn run(source: &str, say: &mut impl FnMut(&str) -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let mut editor = DefaultEditor::new().context("cannot use this terminal")?;
    println!("Headroom text mode. Network: {source}. `help` lists examples, `quit` ends.");
    loop {
        match editor.readline("> ") {
            Ok(line) => {
                let message = line.trim();
                match message.to_lowercase().as_str() {
                    "" => continue,
                    "help" | "?" => println!("{HELP}"),
                    "quit" | "exit" => return Ok(()),
                    _ if !say(message)? => return Ok(()),
                    _ => {}
                }
                // A history that cannot be kept takes nothing from the answer.
                let _ = editor.add_history_entry(message);
            }
            Err(ReadlineError::Interrupted | ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(error).context("cannot read the prompt"),
        }
    }
}
