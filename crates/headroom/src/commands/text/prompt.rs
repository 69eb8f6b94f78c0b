//! The prompt: line editing and history.

use anyhow::Context;
use rustyline::{DefaultEditor, error::ReadlineError};

/// Asks for messages until Ctrl+C, Ctrl+D or `say` returns false.
pub(super) fn run(say: &mut impl FnMut(&str) -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let mut editor = DefaultEditor::new().context("cannot use this terminal")?;
    loop {
        match editor.readline("> ") {
            Ok(line) if line.trim().is_empty() => {}
            Ok(line) => {
                // A history that cannot be kept takes nothing from the answer.
                let _ = editor.add_history_entry(line.as_str());
                if !say(line.trim())? {
                    return Ok(());
                }
            }
            Err(ReadlineError::Interrupted | ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(error).context("cannot read the prompt"),
        }
    }
}
