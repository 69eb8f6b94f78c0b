//! `headroom top`: the dashboard's essentials in a terminal.

mod feed;
mod frame;
mod view;

use self::{
    feed::{Feed, Source},
    frame::Frame,
    view::View,
};
use anyhow::{Context, bail};
use clap::Args;
use ratatui::crossterm::event::{Event, KeyCode, KeyModifiers, poll, read};
use std::{
    io::{IsTerminal, Write, stdout},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Control listener of a server, as `headroom serve` prints it.
    #[arg(value_name = "URL", default_value = "http://127.0.0.1:8081")]
    url: String,
    /// File with the bearer token of the control listener.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The token itself.
    #[arg(long, env = "HEADROOM_CONTROL__TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,
    /// Root certificates (PEM) for https:// in place of the platform's.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Print one JSON object a frame instead of a screen.
    #[arg(long)]
    json: bool,
    /// Leave after one frame.
    #[arg(long)]
    once: bool,
}

/// Pause before a broken connection is opened again.
const RETRY: Duration = Duration::from_secs(2);

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let token = match &arguments.token_file {
        Some(file) => {
            let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            Some(text.trim().to_owned())
        }
        None => arguments.token.clone(),
    };
    let source = Source::new(&arguments.url, token, arguments.ca_file.as_deref())?;
    let feed = source.open().await?;
    if arguments.json || arguments.once || !stdout().is_terminal() {
        print_frames(feed, &arguments, &source).await
    } else {
        show_screen(feed, &arguments.url, &source).await
    }
}

/// A line for each frame, until the reader of our output or of the server has enough.
async fn print_frames(mut feed: Feed, arguments: &Arguments, source: &Source) -> anyhow::Result<ExitCode> {
    loop {
        let next = tokio::select! {
            next = feed.next() => next,
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::SUCCESS),
        };
        match next {
            Ok(text) => {
                let line = if arguments.json { text } else { Frame::parse(&text)?.line() };
                // A closed pipe is how `| head` says that it has enough.
                if writeln!(stdout(), "{line}").is_err() || arguments.once {
                    return Ok(ExitCode::SUCCESS);
                }
            }
            Err(error) if arguments.once => return Err(error),
            Err(_) => feed = reopen(source).await?,
        }
    }
}

/// The screen, until `q`, Escape or Ctrl+C.
async fn show_screen(mut feed: Feed, url: &str, source: &Source) -> anyhow::Result<ExitCode> {
    let mut terminal = ratatui::try_init().context("the terminal cannot be used")?;
    let mut view = View::new(url);
    let (keys, mut pressed) = tokio::sync::mpsc::channel(1);
    std::thread::spawn(move || watch_keys(&keys));
    let outcome = loop {
        if let Err(error) = terminal.draw(|frame| view.draw(frame)) {
            break Err(error.into());
        }
        tokio::select! {
            _ = pressed.recv() => break Ok(ExitCode::SUCCESS),
            next = feed.next() => match next {
                Ok(text) => match Frame::parse(&text) {
                    Ok(frame) => view.take(frame),
                    Err(error) => break Err(error),
                },
                Err(error) => {
                    view.lose(&error);
                    if let Err(error) = terminal.draw(|frame| view.draw(frame)) {
                        break Err(error.into());
                    }
                    tokio::select! {
                        _ = pressed.recv() => break Ok(ExitCode::SUCCESS),
                        again = reopen(source) => match again {
                            Ok(again) => feed = again,
                            Err(error) => break Err(error),
                        }
                    }
                }
            }
        }
    };
    ratatui::restore();
    outcome
}

/// Tries until the server answers again. A refusal, such as of the token, ends it.
async fn reopen(source: &Source) -> anyhow::Result<Feed> {
    loop {
        tokio::time::sleep(RETRY).await;
        match source.open().await {
            Ok(feed) => return Ok(feed),
            Err(error) if error.is::<feed::Refused>() => bail!(error),
            Err(_) => {}
        }
    }
}

/// Reports a key that ends the screen; everything else redraws by itself within a second.
fn watch_keys(keys: &tokio::sync::mpsc::Sender<()>) {
    while !keys.is_closed() {
        match poll(Duration::from_millis(200)) {
            Ok(false) => {}
            Ok(true) => match read() {
                Ok(Event::Key(key)) => {
                    let interrupt = key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c');
                    if interrupt || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc) {
                        let _ = keys.blocking_send(());
                        return;
                    }
                }
                Ok(_) => {}
                Err(_) => return,
            },
            Err(_) => return,
        }
    }
}
