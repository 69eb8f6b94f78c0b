//! The link emulator with real packets: two TUN devices, two network namespaces, and `headroom_sim::netem` in between.
//!
//! A packet that the server side sends is read from the server's device, offered to the downlink emulator, held until
//! its departure, and written to the client's device; the other way round for the uplink. One thread does everything:
//! the emulators answer at once, so there is nothing to wait for but packets and departures.

mod behaviour;
mod control;
mod forwarding;
mod namespace;
mod report;
mod topology;

use std::path::PathBuf;
use std::process::{Child, Command, ExitCode};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use headroom_sim::netem::Direction;

pub(crate) use behaviour::{Behaviour, Overrides, Source};
pub(crate) use topology::{Endpoint, Plan};

use control::Event;
use forwarding::Forwarder;
use report::Reporter;
use topology::Topology;

/// How long the loop sleeps at most: the granularity at which a signal, a control line or the end of the command is
/// noticed. Packets wake it at once.
const HOUSEKEEPING: Duration = Duration::from_millis(50);

/// How long a command that was interrupted may take to end by itself.
const GRACE: Duration = Duration::from_secs(2);

/// Everything that one emulation needs.
pub(crate) struct Settings {
    pub(crate) plan: Plan,
    pub(crate) down: Behaviour,
    pub(crate) up: Behaviour,
    pub(crate) seed: u64,
    /// A file that is read again when it changes, or `-` for JSON lines on standard input.
    pub(crate) control: Option<PathBuf>,
    /// Where statistics go as JSON lines, or `-` for standard output.
    pub(crate) statistics: Option<PathBuf>,
    pub(crate) statistics_interval: Duration,
    pub(crate) duration: Option<Duration>,
    pub(crate) run: Option<(Endpoint, Vec<String>)>,
    /// Whether the line that says "ready" is JSON.
    pub(crate) json: bool,
}

/// Runs the emulation until its command ends, its duration is over, or a signal asks it to stop. Everything that was
/// created is removed again in each of these cases, and when an error ends it.
pub(crate) fn run(settings: Settings) -> anyhow::Result<ExitCode> {
    topology::check_privileges()?;
    let (sender, events) = mpsc::channel();
    // Before anything exists that a signal would leave behind.
    control::listen_for_signals(sender.clone())?;
    let topology = Topology::build(&settings.plan)?;
    let watched = match &settings.control {
        Some(path) if path.as_os_str() == "-" => {
            control::listen_on_stdin(sender);
            None
        }
        Some(path) => Some(control::WatchedFile::new(path.clone())),
        None => None,
    };

    let forwarder = Forwarder::new(&topology, [settings.down.link()?, settings.up.link()?], settings.seed);
    // A command owns the terminal.
    let live = settings.run.is_none();
    let reporter = Reporter::new(settings.statistics.as_deref(), settings.statistics_interval, live)?;
    report::ready(&topology, settings.json);
    let child = match &settings.run {
        Some((endpoint, command)) => Some(start(&topology, *endpoint, command)?),
        None => None,
    };
    let mut emulation = Emulation { forwarder, reporter, behaviours: [settings.down, settings.up], watched, child };
    let outcome = emulation.turn(&events, settings.duration);
    emulation.reporter.finish(&mut emulation.forwarder);
    if let Some(mut child) = emulation.child {
        end(&mut child);
    }
    outcome
}

/// What turns while packets flow.
struct Emulation<'a> {
    forwarder: Forwarder<'a>,
    reporter: Reporter,
    behaviours: [Behaviour; 2],
    watched: Option<control::WatchedFile>,
    child: Option<Child>,
}

impl Emulation<'_> {
    fn turn(&mut self, events: &mpsc::Receiver<Event>, duration: Option<Duration>) -> anyhow::Result<ExitCode> {
        let mut next_check = Instant::now();
        loop {
            self.forwarder.forward(HOUSEKEEPING)?;
            if Instant::now() < next_check {
                continue;
            }
            next_check = Instant::now() + HOUSEKEEPING;
            if let Some(child) = &mut self.child
                && let Some(status) = child.try_wait().context("waiting for the command")?
            {
                self.child = None;
                return Ok(exit_code(status));
            }
            if duration.is_some_and(|duration| self.forwarder.now() >= duration) {
                return Ok(ExitCode::SUCCESS);
            }
            for event in events.try_iter() {
                match event {
                    Event::Stop => return Ok(ExitCode::from(130)),
                    Event::Reload => self.reload(true),
                    Event::Line(line) => self.change(&line),
                }
            }
            self.reload(false);
            self.reporter.tick(&mut self.forwarder);
        }
    }

    /// Reads the control file if it changed, or in any case when asked to.
    fn reload(&mut self, asked: bool) {
        if let Some(text) = self.watched.as_mut().and_then(|watched| watched.read(asked)) {
            self.change(&text);
        }
    }

    /// Applies one change; a wrong one is reported and changes nothing.
    fn change(&mut self, text: &str) {
        let applied = control::Change::parse(text).and_then(|change| {
            for (behaviour, direction) in self.behaviours.iter_mut().zip([Direction::Down, Direction::Up]) {
                if change.concerns(direction) {
                    let mut changed = behaviour.clone();
                    changed.apply(&change, self.forwarder.now().as_secs_f64())?;
                    self.forwarder.reconfigure(direction, &changed)?;
                    *behaviour = changed;
                }
            }
            Ok(())
        });
        if let Err(error) = applied {
            self.reporter.complain(&format!("change ignored: {error:#}"));
        }
    }
}

/// Starts the command inside a namespace, told where the other side is.
fn start(topology: &Topology, endpoint: Endpoint, command: &[String]) -> anyhow::Result<Child> {
    let (program, arguments) = command.split_first().context("--run needs a command")?;
    let namespace = topology.namespace(endpoint);
    let mut child = match namespace {
        Some(name) => {
            let mut child = Command::new("ip");
            child.args(["netns", "exec", name, program]);
            child
        }
        None => Command::new(program),
    };
    child.args(arguments);
    for endpoint in [Endpoint::Server, Endpoint::Client] {
        let name = endpoint.name().to_uppercase();
        child.env(format!("HEADROOM_LINK_{name}_ADDRESS"), topology.address(endpoint).to_string());
        child.env(format!("HEADROOM_LINK_{name}_NETNS"), topology.namespace(endpoint).unwrap_or_default());
    }
    child.spawn().with_context(|| format!("starting `{program}`"))
}

/// Ends a command that still runs: asked first, then killed.
fn end(child: &mut Child) {
    let asked = Instant::now();
    if let Some(process) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // It may have ended in this moment; then there is nothing to ask.
        let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
    }
    while asked.elapsed() < GRACE {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(HOUSEKEEPING);
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// The exit code of the command, as a shell would pass it on.
fn exit_code(status: std::process::ExitStatus) -> ExitCode {
    use std::os::unix::process::ExitStatusExt as _;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
