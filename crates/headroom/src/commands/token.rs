//! `headroom token`: a token of the public listener, for trying and for scripts. docs/security.md has the format.

use anyhow::{Context, ensure};
use clap::Args;
use headroom_server::token::{Claims, Keys};
use std::{
    path::PathBuf,
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

/// Prints one token, signed with the first key of the file.
#[derive(Args)]
pub(crate) struct Arguments {
    /// File with keys, as `tokens.keys_file` of the server names it.
    #[arg(long, env = "HEADROOM_TOKENS__KEYS_FILE", value_name = "FILE")]
    keys_file: PathBuf,
    /// Session as the player names itself (CMCD sid).
    #[arg(long, value_name = "NAME", required_unless_present = "any_session")]
    session: Option<String>,
    /// For every session: a relay or a log shipper, not a player.
    #[arg(long, conflicts_with = "session")]
    any_session: bool,
    /// Stream as players name it (CMCD cid) [default: any].
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    stream: String,
    /// Seconds it is good for.
    #[arg(long = "for", value_name = "SECONDS", default_value_t = 3_600, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
}

#[expect(clippy::print_stdout, reason = "the token is the output")]
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let keys = Keys::read(&arguments.keys_file)?;
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?.as_secs();
    let session = arguments.session.unwrap_or_default();
    ensure!(arguments.any_session || !session.is_empty(), "--session is empty: name one, or give --any-session");
    let claims = Claims { session, stream: arguments.stream, expires_s: now_s.saturating_add(arguments.seconds) };
    println!("{}", keys.mint(&claims));
    Ok(ExitCode::SUCCESS)
}
