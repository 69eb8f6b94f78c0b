//! `headroom openapi`: the interface of a listener as an OpenAPI 3.1 document.

use clap::{Args, ValueEnum};
use headroom_server::api;
use std::process::ExitCode;

/// A running server has the same at /openapi/control.json and /openapi/public.json of its control listener, and as a page
/// at /docs.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Which listener.
    #[arg(value_enum, default_value_t = Listener::Control)]
    listener: Listener,
}

#[derive(Clone, Copy, ValueEnum)]
enum Listener {
    /// What players and web servers use.
    Public,
    /// What operators use.
    Control,
}

#[expect(clippy::print_stdout, reason = "the document is the output")]
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let listener = match arguments.listener {
        Listener::Public => api::Listener::Public,
        Listener::Control => api::Listener::Control,
    };
    print!("{}", api::document(listener));
    ExitCode::SUCCESS
}
