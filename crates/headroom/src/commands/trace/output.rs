//! Results on standard output, notes on standard error.

use std::io::Write as _;

/// Prints text on standard output; a reader that has gone is no error.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Tells a person something that is not the result.
#[expect(clippy::print_stderr, reason = "progress of a command, apart from its result on standard output")]
pub(super) fn tell(text: &str) {
    eprintln!("{text}");
}
