//! `headroom serve`: the server.

#[cfg(feature = "speech")]
use crate::hearing::Hearing;
use crate::{logging, reading};
use anyhow::Context;
use clap::Args;
use headroom_server::{Config, Server, SpeechSettings, config::DEFAULT_TOML};
use serde::Serialize;
#[cfg(feature = "speech")]
use std::sync::Arc;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Flags override the environment (`HEADROOM_PUBLIC__LISTEN` and so on), which overrides the file.
#[derive(Args)]
pub(crate) struct Arguments {
    /// TOML file; `--print-config` shows every key.
    #[arg(long, env = "HEADROOM_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the documented defaults and leave.
    #[arg(long)]
    print_config: bool,
    /// Print the default alert rules and leave.
    #[arg(long)]
    print_alert_rules: bool,
    /// Check the configuration and whether its origin answers, and leave.
    #[arg(long)]
    check: bool,
    /// Log as JSON lines instead of text.
    #[arg(long)]
    log_json: bool,
    #[command(flatten)]
    settings: Settings,
}

/// Keys of the configuration that have a flag.
#[derive(Args)]
struct Settings {
    /// Address of the public listener [default: 0.0.0.0:8080].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Address of the control listener [default: 127.0.0.1:8081].
    #[arg(long, value_name = "ADDRESS")]
    control: Option<SocketAddr>,
    /// Origin of the edge: http://HOST:PORT, https://HOST, several separated by commas, or dir:PATH.
    #[arg(long, value_name = "ORIGIN")]
    origin: Option<String>,
    /// Threads that serve requests; 0 takes one for each processor.
    #[arg(long, value_name = "COUNT")]
    threads: Option<usize>,
    /// Milliseconds between decisions.
    #[arg(long, value_name = "MILLISECONDS")]
    tick_ms: Option<u64>,
    /// Content Steering pathways, best first.
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    pathways: Option<Vec<String>>,
    /// Keep a history in this directory: sums by minute, audited actions.
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<PathBuf>,
    /// Keep single reports and decisions as Parquet files, in a directory or s3://BUCKET/PREFIX; needs --data.
    #[arg(long, value_name = "LOCATION")]
    archive: Option<String>,
    /// Write every input to this file, for `headroom replay`.
    #[arg(long, value_name = "FILE")]
    log_inputs: Option<PathBuf>,
    /// Write every decision to this file.
    #[arg(long, value_name = "FILE")]
    log_decisions: Option<PathBuf>,
    /// Replay this recorded chat, `-` for standard input; see docs/chat.md.
    #[arg(long, value_name = "FILE")]
    chat: Option<PathBuf>,
    /// Stream that chats are about which name none.
    #[arg(long, value_name = "NAME")]
    chat_stream: Option<String>,
}

/// The flags that were given, in the shape of the configuration file.
#[derive(Serialize)]
struct Given<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    threads: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tick_ms: Option<u64>,
    public: Listen,
    control: Listen,
    edge: GivenEdge<'a>,
    steering: GivenSteering<'a>,
    log: GivenLog<'a>,
    history: GivenHistory<'a>,
    chat: GivenChat<'a>,
}

#[derive(Serialize)]
struct GivenHistory<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<&'a Path>,
    archive: GivenArchive<'a>,
}

#[derive(Serialize)]
struct GivenArchive<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'a str>,
}

#[derive(Serialize)]
struct Listen {
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<SocketAddr>,
}

#[derive(Serialize)]
struct GivenEdge<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'a str>,
}

#[derive(Serialize)]
struct GivenSteering<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pathways: Option<&'a [String]>,
}

#[derive(Serialize)]
struct GivenChat<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    replay: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<&'a str>,
}

#[derive(Serialize)]
struct GivenLog<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    inputs: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decisions: Option<&'a Path>,
}

impl Settings {
    fn given(&self) -> Given<'_> {
        Given {
            threads: self.threads,
            tick_ms: self.tick_ms,
            public: Listen { listen: self.listen },
            control: Listen { listen: self.control },
            edge: GivenEdge { origin: self.origin.as_deref() },
            steering: GivenSteering { pathways: self.pathways.as_deref() },
            log: GivenLog { inputs: self.log_inputs.as_deref(), decisions: self.log_decisions.as_deref() },
            chat: GivenChat { replay: self.chat.as_deref(), stream: self.chat_stream.as_deref() },
            history: GivenHistory {
                directory: self.data.as_deref(),
                archive: GivenArchive { location: self.archive.as_deref() },
            },
        }
    }
}

#[expect(clippy::print_stdout, reason = "the output of --print-config and --check is for people and pipes")]
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if arguments.print_config {
        print!("{DEFAULT_TOML}");
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.print_alert_rules {
        print!("{}", headroom_server::alerts::DEFAULT_RULES);
        return Ok(ExitCode::SUCCESS);
    }
    let config = Config::load(arguments.config.as_deref(), arguments.settings.given()).context("configuration")?;
    if arguments.check {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let trouble = runtime.context("threads cannot be started")?.block_on(config.origin_trouble());
        return Ok(match trouble {
            None => {
                println!("configuration is valid");
                ExitCode::SUCCESS
            }
            Some(trouble) => {
                println!("configuration is valid, but edge.origin cannot be used: {trouble}");
                ExitCode::FAILURE
            }
        });
    }
    logging::of_server(arguments.log_json);
    let config = within_file_limit(config);
    // A single thread needs no work stealing, and spends less on waking itself.
    let mut runtime = match config.threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    if config.threads > 1 {
        runtime.worker_threads(config.threads);
    }
    let runtime = runtime.enable_all().build().context("threads cannot be started")?;
    runtime.block_on(async {
        let speech = config.speech.clone();
        // Before anybody can see the server answer, and end it.
        let asked_to_stop = watch_signals()?;
        let welcome = Welcome::new(&config);
        let server = Server::start_with(config, reading::reader()).await?;
        welcome.say(&server);
        give_ears(&server, &speech);
        asked_to_stop.await;
        tracing::info!("stopping");
        server.stop().await;
        Ok::<_, anyhow::Error>(())
    })?;
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    Ok(ExitCode::SUCCESS)
}

/// What whoever started the server does next.
struct Welcome {
    has_origin: bool,
    public_scheme: &'static str,
    control_scheme: &'static str,
}

impl Welcome {
    fn new(config: &Config) -> Self {
        let scheme = |encrypted| if encrypted { "https" } else { "http" };
        Self {
            has_origin: !config.edge.origin.is_empty(),
            public_scheme: scheme(config.public.tls.is_on()),
            control_scheme: scheme(config.control.tls.is_on()),
        }
    }

    fn say(&self, server: &Server) {
        let public = reachable(server.public_address());
        let players = format!("{}://{public}/", self.public_scheme);
        tracing::info!("dashboard: {}://{}/", self.control_scheme, reachable(server.control_address()));
        if self.has_origin {
            tracing::info!("next: point players at {players} instead of the origin");
        } else {
            tracing::info!(
                "next: there is no origin: name one with --origin, or let a web server ask {players}decide (deploy/)"
            );
        }
    }
}

/// The address as somebody on this machine types it: a listener on every address is reached on the loopback, too.
fn reachable(address: SocketAddr) -> SocketAddr {
    let loopback = if address.is_ipv4() { IpAddr::from(Ipv4Addr::LOCALHOST) } else { Ipv6Addr::LOCALHOST.into() };
    if address.ip().is_unspecified() { SocketAddr::new(loopback, address.port()) } else { address }
}

/// Descriptors for what is no connection: listeners, origin, files, the database.
const OTHER_FILES: u64 = 256;

/// Lets the process have as many files as the system allows, and no more connections than that leaves room for.
fn within_file_limit(mut config: Config) -> Config {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // No limit that could be raised is one that need not be.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    // A connection of the edge to its client may need one to the origin, or a file, too.
    let files_each = if config.edge.origin.is_empty() { 1 } else { 2 };
    let room = usize::try_from(allowed.saturating_sub(OTHER_FILES) / files_each).unwrap_or(usize::MAX).max(16);
    if config.public.max_connections > room {
        tracing::warn!(
            files = allowed,
            connections = room,
            "public.max_connections is lowered: raise the limit of open files (ulimit -n, LimitNOFILE)"
        );
        config.public.max_connections = room;
    }
    config
}

/// Speech recognition, where the configuration wants it. Without it the server runs on and says why clips are refused.
fn give_ears(server: &Server, speech: &SpeechSettings) {
    if !speech.is_on() {
        return;
    }
    #[cfg(feature = "speech")]
    let given = Hearing::start(speech).and_then(|hearing| Ok(server.listen_with(Arc::new(hearing))?));
    #[cfg(not(feature = "speech"))]
    let given: anyhow::Result<()> = {
        let _ = server;
        Err(anyhow::anyhow!("this build has no speech recognition: build it with `--features speech`"))
    };
    if let Err(error) = given {
        tracing::warn!("nobody is heard: {error:#}");
    }
}

/// From here on SIGINT and SIGTERM no longer end the process by themselves; the future ends with the first of them.
fn watch_signals() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).context("signal handler")?;
    let mut terminate = signal(SignalKind::terminate()).context("signal handler")?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
