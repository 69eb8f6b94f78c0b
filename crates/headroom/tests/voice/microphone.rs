//! The real capture path without a microphone: PulseAudio plays a recording into a null sink, whose monitor is the
//! default source; ALSA's pulse plug-in shows it as the default device; `headroom voice --mic` listens to that.

use super::{headroom, parts, recording, text};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

/// A PulseAudio daemon of this test's own.
struct Pulse {
    daemon: Child,
    directory: PathBuf,
}

impl Pulse {
    /// None where it cannot run; says why.
    fn start() -> Option<Self> {
        let directory = std::env::temp_dir().join(format!("headroom-pulse-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(".asoundrc"), "pcm.!default { type pulse }\nctl.!default { type pulse }\n")
            .unwrap();
        let daemon = here(Command::new("pulseaudio"), &directory)
            .args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--disallow-exit", "--use-pid-file=no"])
            .args(["-L", "module-null-sink sink_name=vmic", "-L", "module-native-protocol-unix"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(daemon) = daemon else {
            println!("skipped: no pulseaudio");
            return None;
        };
        let mut pulse = Self { daemon, directory };
        for _ in 0..100 {
            if pulse.daemon.try_wait().unwrap().is_some() {
                break;
            }
            let set = pulse.run("pactl", &["set-default-source", "vmic.monitor"]);
            if set.is_some_and(|status| status.success()) {
                return Some(pulse);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        println!("skipped: pulseaudio does not run here");
        None
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Option<std::process::ExitStatus> {
        let mut command = here(Command::new(program), &self.directory);
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status().ok()
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// The command with sockets, configuration and home of this test's daemon.
fn here(mut command: Command, directory: &Path) -> Command {
    command.env("HOME", directory).env("XDG_RUNTIME_DIR", directory).env_remove("PULSE_SERVER");
    command
}

#[test]
fn speech_is_heard_through_pulseaudio_alsa_and_cpal() {
    let Some(path) = recording("goforward.wav") else { return };
    let Some(pulse) = Pulse::start() else { return };
    // The weights are found before HOME moves.
    let models = text(&headroom().args(["models", "--json", "list"]).output().unwrap().stdout);
    let first: serde_json::Value = serde_json::from_str(models.lines().next().unwrap()).unwrap();
    let store = Path::new(first["path"].as_str().unwrap()).parent().unwrap().to_owned();

    let mut voice = here(headroom(), &pulse.directory);
    voice.args(["voice", "--mic"]).env("HEADROOM_MODELS", store).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut voice = voice.spawn().unwrap();
    let (sender, lines) = channel();
    let out = BufReader::new(voice.stdout.take().unwrap());
    std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let next = || lines.recv_timeout(Duration::from_secs(60));
    let Ok(opening) = next() else {
        let output = voice.wait_with_output().unwrap();
        println!("skipped: ALSA has no pulse plug-in here ({})", parts(&output).1.trim());
        return;
    };
    assert_eq!(opening, "Listening... (Press Ctrl+C to stop)");
    assert!(pulse.run("paplay", &["--device=vmic", path.to_str().unwrap()]).unwrap().success());
    let heard = next();
    rustix::process::kill_process(rustix::process::Pid::from_child(&voice), rustix::process::Signal::INT).unwrap();
    let output = voice.wait_with_output().unwrap();
    assert_eq!(heard.as_deref(), Ok("Audio captured: \"Go forward 10 meters.\""), "{:?}", parts(&output));
    assert_eq!(output.status.code(), Some(0));
}

/// No sound system at all: one clear line, exit code 2.
#[test]
fn no_microphone_is_one_line_and_exit_code_two() {
    let Some(_) = recording("goforward.wav") else { return };
    let models = text(&headroom().args(["models", "--json", "list"]).output().unwrap().stdout);
    let first: serde_json::Value = serde_json::from_str(models.lines().next().unwrap()).unwrap();
    let store = Path::new(first["path"].as_str().unwrap()).parent().unwrap().to_owned();
    let nothing = std::env::temp_dir().join(format!("headroom-no-sound-{}", std::process::id()));
    std::fs::create_dir_all(&nothing).unwrap();
    // An ALSA configuration without a single device.
    let configuration = nothing.join("alsa.conf");
    std::fs::write(&configuration, "# no devices\n").unwrap();
    let mut voice = here(headroom(), &nothing);
    voice.args(["voice", "--mic"]).env("HEADROOM_MODELS", store).env("ALSA_CONFIG_PATH", &configuration);
    let output = voice.output().unwrap();
    std::fs::remove_dir_all(&nothing).unwrap();
    let (out, error, code) = parts(&output);
    assert_eq!((out.as_str(), code), ("", Some(2)), "{error}");
    assert_eq!(error, "headroom: no microphone found; use --wav FILE or --stdin, or plug one in\n");
}
