//! Where remarks go: standard error.

use std::io::IsTerminal;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// What tools say by default. Names of crates count as beginnings, so those that keep quiet have to be named.
const TOOLS: &str = "headroom=info,headroom_server=off,headroom_infer=off";

/// The log of a server: at level `info` unless `RUST_LOG` says otherwise, as JSON where that is wanted.
pub(crate) fn of_server(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    if json {
        registry.with(fmt::layer().json().with_writer(std::io::stderr)).init();
    } else {
        registry.with(fmt::layer().with_ansi(colours()).with_writer(std::io::stderr)).init();
    }
}

/// The remarks of a measurement or a training, for the person who waits for it: what was skipped, how far it is. Servers
/// that it starts in the same process keep quiet unless `RUST_LOG` says otherwise.
pub(crate) fn of_tool() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(TOOLS));
    let words = fmt::layer().without_time().with_target(false).with_ansi(colours()).with_writer(std::io::stderr);
    tracing_subscriber::registry().with(filter).with(words).init();
}

/// Colours are for people: in a file they would be noise to whoever searches it.
fn colours() -> bool {
    std::io::stderr().is_terminal()
}
