//! `headroom link` with real packets: does the link do what it was told?
//!
//! Needs root, /dev/net/tun and `ip`. [`Emulated`] is for every test that wants a shaped link.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_recv_buffer_size_force;
use rustix::process::{Pid, Signal, geteuid, kill_process};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::Value;

/// The tests of this file measure time: one at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Waits for its turn and says whether an emulated link is possible here.
pub(crate) fn possible() -> Option<MutexGuard<'static, ()>> {
    let guard = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let missing = if !geteuid().is_root() {
        "root"
    } else if !Path::new("/dev/net/tun").exists() {
        "/dev/net/tun"
    } else if Command::new("ip").arg("-V").output().is_err() {
        "ip (package iproute2)"
    } else {
        return Some(guard);
    };
    assert!(std::env::var_os("HEADROOM_STRICT").is_none(), "missing: {missing}");
    println!("skipped: an emulated link needs {missing}");
    None
}

/// A running `headroom link`. It ends, and its namespaces with it, when this value goes.
pub(crate) struct Emulated {
    child: Child,
    pub(crate) server_namespace: String,
    pub(crate) client_namespace: String,
    pub(crate) server_address: String,
}

impl Emulated {
    /// Starts a link with these arguments and waits until packets flow.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_headroom"))
            .arg("link")
            .args(arguments)
            .args(["--json", "--control", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("stdout is piped")).read_line(&mut line).expect("a line");
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no ready line but {line:?}"));
        let text = |side: &str, key: &str| ready[side][key].as_str().expect("a text").to_owned();
        Self {
            child,
            server_namespace: text("server", "netns"),
            client_namespace: text("client", "netns"),
            server_address: text("server", "address"),
        }
    }

    /// Changes the link while it runs.
    pub(crate) fn change(&mut self, json: &str) {
        let input = self.child.stdin.as_mut().expect("stdin is piped");
        writeln!(input, "{json}").expect("the link listens");
    }

    /// Processor time used so far.
    fn processor_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("it runs");
        // After the name in brackets: state is field 3 of proc(5), user and system time are 14 and 15.
        let fields: Vec<&str> = stat.rsplit(')').next().expect("a name in brackets").split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().expect("ticks") + fields[12].parse::<u64>().expect("ticks");
        Duration::from_millis(ticks * 10) // USER_HZ is 100 on every Linux architecture in use.
    }

    fn interrupt(&mut self) -> Option<i32> {
        let process = Pid::from_raw(i32::try_from(self.child.id()).expect("a process id")).expect("not 0");
        kill_process(process, Signal::INT).expect("it runs");
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Emulated {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.interrupt();
        }
    }
}

/// Runs a closure on a thread inside a network namespace: its sockets live there.
pub(crate) fn inside<T: Send + 'static>(
    namespace: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> thread::JoinHandle<T> {
    let file = std::fs::File::open(Path::new("/run/netns").join(namespace)).expect("the namespace exists");
    thread::spawn(move || {
        use std::os::fd::AsFd as _;
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).expect("root may enter it");
        work()
    })
}

/// Sends without end to whoever connects, until the receiver goes. Reno, because the default of some kernels (BBR)
/// leaves the link empty for 200 ms every 10 s, which is right for it and wrong for measuring a link.
fn serve_bytes(link: &Emulated, port: u16) -> SocketAddr {
    let address: SocketAddr = format!("{}:{port}", link.server_address).parse().expect("an address");
    let (ready, is_ready) = std::sync::mpsc::channel();
    inside(&link.server_namespace, move || {
        std::fs::write("/proc/sys/net/ipv4/tcp_congestion_control", "reno").expect("reno is in every kernel");
        let listener = TcpListener::bind(address).expect("the address is ours");
        ready.send(()).expect("somebody waits");
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { break };
            thread::spawn(move || while stream.write_all(&[0; 65_536]).is_ok() {});
        }
    });
    is_ready.recv().expect("the server started");
    address
}

/// Long enough for slow start to overshoot and recover: a hole that is filled later hands over, all at once, what
/// arrived behind it, and bytes from before the measurement would count.
const WARM_UP: Duration = Duration::from_secs(4);

/// Mbit/s of payload that a receiver gets in the time `measured` after [`WARM_UP`].
fn goodput(link: &Emulated, address: SocketAddr, measured: Duration) -> f64 {
    let receiver = inside(&link.client_namespace, move || {
        let mut stream = TcpStream::connect(address).expect("the server listens");
        let mut buffer = vec![0; 65_536];
        let started = Instant::now();
        let (mut bytes, mut from) = (0, None);
        while started.elapsed() < WARM_UP + measured {
            let len = stream.read(&mut buffer).expect("the server sends");
            if started.elapsed() >= WARM_UP {
                match from {
                    None => from = Some(Instant::now()),
                    Some(_) => bytes += len,
                }
            }
        }
        bytes as f64 * 8.0 / 1e6 / from.expect("the warm-up ended").elapsed().as_secs_f64()
    });
    receiver.join().expect("the receiver ends")
}

/// Echoes datagrams.
fn serve_echo(link: &Emulated) -> SocketAddr {
    let address: SocketAddr = format!("{}:5002", link.server_address).parse().expect("an address");
    let (ready, is_ready) = std::sync::mpsc::channel();
    inside(&link.server_namespace, move || {
        let socket = UdpSocket::bind(address).expect("the address is ours");
        ready.send(()).expect("somebody waits");
        let mut buffer = [0; 2000];
        while let Ok((len, peer)) = socket.recv_from(&mut buffer) {
            if socket.send_to(&buffer[..len], peer).is_err() {
                break;
            }
        }
    });
    is_ready.recv().expect("the server started");
    address
}

/// Sends `rate_mbps` of full packets towards the client for `length`; returns how many left and when each arrived.
fn flood(link: &Emulated, rate_mbps: f64, length: Duration) -> (u64, Vec<Duration>) {
    let (receiver, port) = inside(&link.client_namespace, || {
        let socket = UdpSocket::bind("0.0.0.0:0").expect("a port is free");
        // A receiver that waits for a core must not lose what the link delivered.
        set_socket_recv_buffer_size_force(&socket, 16 << 20).expect("root may");
        let port = socket.local_addr().expect("it is bound").port();
        (socket, port)
    })
    .join()
    .expect("the socket exists");
    let client = format!("10.77.0.2:{port}");
    let started = Instant::now();
    let sender = inside(&link.server_namespace, move || {
        let socket = UdpSocket::bind("0.0.0.0:0").expect("a port is free");
        let gap = Duration::from_secs_f64(1500.0 * 8.0 / 1e6 / rate_mbps);
        let (mut due, mut sent) = (0, 0);
        while started.elapsed() < length {
            let now_due = (started.elapsed().as_secs_f64() / gap.as_secs_f64()) as u64;
            while due < now_due {
                // 1472 bytes of payload make an IP packet of 1500.
                sent += u64::from(socket.send_to(&[0; 1472], &client).is_ok());
                due += 1;
            }
            thread::sleep(Duration::from_millis(1));
        }
        sent
    });
    receiver.set_read_timeout(Some(Duration::from_millis(500))).expect("a time-out is possible");
    let mut arrivals = Vec::new();
    let mut buffer = [0; 2000];
    while receiver.recv(&mut buffer).is_ok() {
        arrivals.push(started.elapsed());
    }
    (sender.join().expect("the sender ends"), arrivals)
}

/// Mbit/s of IP packets that arrived between two times.
fn arrival_rate(arrivals: &[Duration], from_s: f64, to_s: f64) -> f64 {
    let count = arrivals.iter().filter(|at| (from_s..to_s).contains(&at.as_secs_f64())).count();
    count as f64 * 1500.0 * 8.0 / 1e6 / (to_s - from_s)
}

fn namespaces() -> String {
    let output = Command::new("ip").args(["netns", "list"]).output().expect("ip runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn tcp_carries_the_configured_rate_at_little_cost() {
    let Some(_alone) = possible() else { return };
    let mut link = Emulated::start(&["--rate", "1mbit", "--uplink-rate", "20mbit"]);
    let address = serve_bytes(&link, 5001);
    for mbps in [1.0, 5.0, 20.0] {
        link.change(&format!(r#"{{"direction":"down","rate_kbps":{}}}"#, mbps * 1000.0));
        let measured = goodput(&link, address, Duration::from_secs(4));
        println!("{mbps} Mbit/s configured: {measured:.3} Mbit/s of TCP payload");
        assert!((measured / mbps - 1.0).abs() <= 0.08, "{measured} Mbit/s at {mbps}");
    }
    link.change(r#"{"direction":"down","rate_kbps":50000}"#);
    let (before, started) = (link.processor_time(), Instant::now());
    let measured = goodput(&link, address, Duration::from_secs(4));
    let share = (link.processor_time() - before).as_secs_f64() / started.elapsed().as_secs_f64();
    println!("50 Mbit/s configured: {measured:.3} Mbit/s of TCP payload, {:.1} % of one core", share * 100.0);
    assert!((measured / 50.0 - 1.0).abs() <= 0.08, "{measured} Mbit/s at 50");
    assert!(share < 0.25, "{share} of a core");

    link.change(r#"{"direction":"down","rate_kbps":300000}"#);
    let measured = goodput(&link, address, Duration::from_secs(3));
    println!("300 Mbit/s configured: {measured:.1} Mbit/s of TCP payload");
    // How near it comes depends on the machine; far below means that the forwarder itself is the bottleneck.
    assert!(measured > 150.0, "{measured} Mbit/s at 300");
}

#[test]
fn round_trips_take_delay_plus_jitter() {
    let Some(_alone) = possible() else { return };
    let link = Emulated::start(&["--rate", "50mbit", "--delay-ms", "30", "--jitter-ms", "10"]);
    let address = serve_echo(&link);
    let pings = inside(&link.client_namespace, move || {
        let socket = UdpSocket::bind("0.0.0.0:0").expect("a port is free");
        socket.set_read_timeout(Some(Duration::from_secs(1))).expect("a time-out is possible");
        let mut buffer = [0; 100];
        let ping = |_| {
            let sent = Instant::now();
            socket.send_to(&[0; 56], address).expect("the link is up");
            socket.recv(&mut buffer).expect("no loss is configured");
            sent.elapsed().as_secs_f64() * 1000.0
        };
        (0..40).map(ping).collect::<Vec<f64>>()
    });
    let mut pings = pings.join().expect("the pings end");
    pings.sort_by(f64::total_cmp);
    let (least, median, most) = (pings[0], pings[20], pings[39]);
    println!("30+30 ms and 0 to 10+10 ms of jitter: {least:.1} / {median:.1} / {most:.1} ms (least, median, most)");
    assert!(least >= 60.0, "{least} ms");
    // A busy machine may be late with single packets, so the most is not tested; the middle is 70 ms.
    assert!((66.0..78.0).contains(&median), "{median} ms");
}

#[test]
fn loss_is_the_configured_share() {
    let Some(_alone) = possible() else { return };
    let link = Emulated::start(&["--rate", "50mbit", "--loss", "0.05"]);
    let (sent, arrivals) = flood(&link, 12.0, Duration::from_secs(3)); // about 3000 packets
    let loss = 1.0 - arrivals.len() as f64 / sent as f64;
    println!("5 % configured: {:.2} % lost", loss * 100.0);
    // Five standard deviations of 3000 independent draws are 2 %.
    assert!((loss - 0.05).abs() < 0.02, "{loss}");
}

#[test]
fn a_step_of_the_trace_is_followed_within_a_second() {
    let Some(_alone) = possible() else { return };
    let directory = std::env::temp_dir().join(format!("headroom-link-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a temporary directory");
    let (trace, statistics) = (directory.join("steps.csv"), directory.join("stats.jsonl"));
    std::fs::write(&trace, "t_s,throughput_kbps\n0,8000\n3,2000\n6,6000\n9,6000\n").expect("it is writable");
    let mut link =
        Emulated::start(&["--trace", trace.to_str().expect("UTF-8"), "--stats", statistics.to_str().expect("UTF-8")]);
    let (_, arrivals) = flood(&link, 10.0, Duration::from_secs(9));
    // The clock of the link started before ours by what it took to read its ready line: milliseconds.
    for (from_s, to_s, mbps) in [(1.0, 3.0, 8.0), (4.0, 6.0, 2.0), (7.0, 9.0, 6.0)] {
        let measured = arrival_rate(&arrivals, from_s, to_s);
        println!("{from_s} to {to_s} s: {measured:.3} Mbit/s of packets at {mbps} in the trace");
        assert!((measured / mbps - 1.0).abs() < 0.05, "{measured} Mbit/s at {mbps}");
    }
    assert_eq!(link.interrupt(), Some(130));
    let text = std::fs::read_to_string(&statistics).expect("statistics were written");
    let down: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .filter(|line: &Value| line["direction"] == "down")
        .collect();
    assert!(down.len() >= 9, "a line a second, not {}", down.len());
    let last = down.last().expect("lines");
    let count = |key: &str| last[key].as_u64().expect("a count");
    assert!(count("dropped_full") > 1000, "10 Mbit/s do not fit");
    assert_eq!(count("offered"), count("delivered") + count("dropped_full") + count("refused"), "{last}");
    std::fs::remove_dir_all(&directory).expect("it is ours");
}

#[test]
fn a_command_runs_inside_and_everything_is_removed_after_it() {
    let Some(_alone) = possible() else { return };
    let before = namespaces();
    let script = "ip -o address show; echo at $HEADROOM_LINK_SERVER_ADDRESS in $HEADROOM_LINK_SERVER_NETNS; exit 7";
    let output = Command::new(env!("CARGO_BIN_EXE_headroom"))
        .args(["link", "--rate", "5mbit", "--run", "sh", "-c", script])
        .output()
        .expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(7));
    assert!(said.contains("inet 10.77.0.2 peer 10.77.0.1/32") && said.contains("at 10.77.0.1 in headroom-"), "{said}");
    assert_eq!(namespaces(), before);

    let mut link = Emulated::start(&["--rate", "5mbit"]);
    assert_ne!(namespaces(), before);
    assert_eq!(link.interrupt(), Some(130));
    assert_eq!(namespaces(), before);
}

#[test]
fn wrong_input_ends_with_one_line_and_code_2() {
    let attempt = |arguments: &[&str], user: Option<u32>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_headroom"));
        command.arg("link").args(arguments);
        if let Some(user) = user {
            command.uid(user);
        }
        let output = command.output().ok()?;
        Some((output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()))
    };
    for (arguments, expected) in [
        (&["--trace", "/nowhere/at.all"][..], "reading /nowhere/at.all"),
        (&["--rate", "5mbit", "--loss", "7"], "--loss must be 0 to 1"),
        (&["--rate", "fast"], "`fast` is no rate"),
        (&[], "--trace"),
    ] {
        let (code, said) = attempt(arguments, None).expect("the binary runs");
        assert!(code == Some(2) && said.contains(expected), "{arguments:?}: {code:?} {said}");
    }
    let nobody = geteuid().is_root().then_some(65_534);
    match attempt(&["--rate", "5mbit"], nobody) {
        Some((code, said)) => {
            assert_eq!(code, Some(2));
            assert_eq!(said.lines().count(), 1, "{said}");
            assert!(said.contains("needs root"), "{said}");
        }
        None => println!("skipped: the user `nobody` cannot run the binary of this build"),
    }
}
