//! Child processes that do not outlive their test.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

/// How often a condition is looked at again.
const POLL: Duration = Duration::from_millis(20);

/// A running program; killed when dropped.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with its output in `directory/NAME.log`.
    ///
    /// The kernel is asked to kill the child with the thread that started it, so that nothing is left behind when the
    /// whole test run is killed.
    pub(crate) fn spawn(command: &mut Command, name: &str, directory: &Path) -> Self {
        let log = directory.join(format!("{name}.log"));
        let output = File::create(&log).expect("the artefact directory is writable");
        let errors = output.try_clone().expect("a file can be opened twice");
        let child = bound_to_parent(command)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        Self { child, log }
    }

    /// As [`Process::spawn`], with the standard output as lines. Standard input stays open as long as the process is
    /// held, so a child that reads it learns when it is no longer wanted.
    pub(crate) fn spawn_with_lines(command: &mut Command, name: &str, directory: &Path) -> (Self, Receiver<String>) {
        let log = directory.join(format!("{name}.log"));
        let errors = File::create(&log).expect("the artefact directory is writable");
        let mut copy = File::create(directory.join(format!("{name}.jsonl"))).expect("the directory is writable");
        let mut child = bound_to_parent(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let output = BufReader::new(child.stdout.take().expect("the output is piped"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // The copy is for the reader of a failed test; without it the test is still a test.
                let _ = writeln!(copy, "{line}");
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        (Self { child, log }, lines)
    }

    /// Fails the test when the program has ended by itself.
    pub(crate) fn assert_running(&mut self) {
        if let Some(status) = self.child.try_wait().expect("the child can be waited for") {
            panic!("ended with {status}, log {}:\n{}", self.log.display(), self.tail());
        }
    }

    /// Ends the standard input and waits for the program to end.
    pub(crate) fn finish(&mut self, within: Duration) -> ExitStatus {
        drop(self.child.stdin.take());
        let mut status = None;
        wait_until("a program ends when its input does", within, || {
            status = self.child.try_wait().expect("the child can be waited for");
            status.is_some()
        });
        status.expect("it has ended")
    }

    /// Its number in the system.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).expect("the child is alive");
    }

    /// Sends a signal that ends or stops it, and waits until none of its threads runs any more: on a busy machine a thread
    /// may run for a while after the signal was sent.
    pub(crate) fn halt(&self, signal: rustix::process::Signal) {
        self.signal(signal);
        let threads = format!("/proc/{}/task", self.id());
        wait_until("no thread of the process runs", Duration::from_secs(20), || {
            let threads = std::fs::read_dir(&threads).into_iter().flatten().flatten();
            threads.map(|thread| thread.path().join("stat")).all(|stat| !std::fs::read_to_string(stat).is_ok_and(runs))
        });
    }

    /// The end of its log.
    pub(crate) fn tail(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&text[text.len().saturating_sub(2_000)..]).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only for a process that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a thread with this `stat` (proc(5)) is neither stopped nor dead. Its name, in parentheses, may hold anything.
fn runs(stat: String) -> bool {
    let state = stat.rsplit_once(") ").map_or("", |(_, state)| state);
    !state.starts_with(['T', 'Z', 'X'])
}

fn bound_to_parent(command: &Command) -> Command {
    let mut bound = Command::new("setpriv");
    bound.args(["--pdeathsig", "KILL"]).arg(command.get_program()).args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => bound.env(key, value),
            None => bound.env_remove(key),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        bound.current_dir(directory);
    }
    bound
}

/// A port nobody listens on at the moment.
pub(crate) fn unused_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port is free");
    listener.local_addr().expect("a bound socket has an address").port()
}

/// Waits until `condition` holds; fails the test after `within`.
#[track_caller]
pub(crate) fn wait_until(what: &str, within: Duration, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + within;
    while !condition() {
        assert!(Instant::now() < deadline, "not within {within:?}: {what}");
        thread::sleep(POLL);
    }
}
