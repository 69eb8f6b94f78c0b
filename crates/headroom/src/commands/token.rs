//! `headroom token`: a token of the public listener, for trying and for scripts, or one of the control listener.
//! docs/security.md has the formats.

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use headroom_server::token::{Claims, Keys};
use std::{
    fs::File,
    io::{IsTerminal, Read, stdout},
    path::PathBuf,
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

/// Prints one token: for players, signed with the first key of the file, or for operators, drawn at random.
#[derive(Args)]
pub(crate) struct Arguments {
    /// A token of the control listener: the content of `control.token_file`; with --name a line of `control.tokens_file`.
    #[arg(long, conflicts_with_all = ["session", "any_session", "stream", "seconds"])]
    control: bool,
    /// Whose control token it is: letters, digits, `-`, `_`, `.`; the audit shows the name.
    #[arg(long, value_name = "NAME", requires = "control", value_parser = plain_name)]
    name: Option<String>,
    /// What the control token allows.
    #[arg(long, value_name = "ROLE", requires = "name", default_value = "admin")]
    role: Role,
    /// File with keys, as `tokens.keys_file` of the server names it.
    #[arg(long, env = "HEADROOM_TOKENS__KEYS_FILE", value_name = "FILE", required_unless_present = "control")]
    keys_file: Option<PathBuf>,
    /// For the publisher of a stream, who reports about its encoder; signed with the first key for publishers.
    #[arg(long, requires = "stream", conflicts_with = "session")]
    publisher: bool,
    /// Session as the player names itself (CMCD sid).
    #[arg(long, value_name = "NAME", required_unless_present_any = ["any_session", "publisher", "control"])]
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

/// Roles of the control listener, each with those before it.
#[derive(Clone, Copy, ValueEnum)]
enum Role {
    /// Read.
    View,
    /// Also change what is in force.
    Operate,
    /// Also read who changed what.
    Admin,
}

/// A name that a line of words separated by blanks can hold.
fn plain_name(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(plain);
    if fits { Ok(text.to_owned()) } else { Err("a name has 1 to 64 letters, digits, `-`, `_` and `.`".to_owned()) }
}

/// Bytes of a control token: more than anybody can guess.
const CONTROL_BYTES: usize = 32;

/// Draws a control token; with a name it is a line for the file of several.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the token is the output, the next step a remark")]
fn control(name: Option<&str>, role: Role) -> anyhow::Result<ExitCode> {
    let mut drawn = [0; CONTROL_BYTES];
    let source = "/dev/urandom";
    File::open(source)
        .and_then(|mut file| file.read_exact(&mut drawn))
        .with_context(|| format!("cannot read {source}"))?;
    let token: String = drawn.iter().map(|byte| format!("{byte:02x}")).collect();
    let key = match name {
        None => {
            println!("{token}");
            "token_file"
        }
        Some(name) => {
            println!("{name} {} {token}", role.to_possible_value().unwrap_or_default().get_name());
            "tokens_file"
        }
    };
    if stdout().is_terminal() {
        eprintln!(
            "Keep it in a file only the server reads, name that in control.{key}, then `headroom top --token-file FILE`."
        );
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "the token is the output")]
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if arguments.control {
        return control(arguments.name.as_deref(), arguments.role);
    }
    let keys = Keys::read(&arguments.keys_file.unwrap_or_default())?;
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?.as_secs();
    let session = arguments.session.unwrap_or_default();
    let for_any = arguments.any_session || arguments.publisher;
    ensure!(for_any || !session.is_empty(), "--session is empty: name one, or give --any-session");
    let expires_s = now_s.saturating_add(arguments.seconds);
    let claims = Claims { session, stream: arguments.stream, expires_s, publisher: arguments.publisher };
    let no_key = "no key is for publishers: add a line `NAME SECRET publisher` to the file";
    println!("{}", keys.mint(&claims).context(no_key)?);
    Ok(ExitCode::SUCCESS)
}
