//! `headroom doctor`: what is installed, missing or misconfigured, and how to fix it.

use clap::Args;
use headroom_server::Config;
use rustix::process::{Resource, getrlimit};
use serde::Serialize;
use std::{
    env,
    error::Error as _,
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
};

/// Looks at this machine and at the configuration; changes nothing. Exit status 1 when `headroom serve` would not work.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Configuration that `headroom serve` would read.
    #[arg(long, env = "HEADROOM_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
    /// Exit status 1 also when something optional is missing.
    #[arg(long)]
    strict: bool,
}

/// How one check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// As it should be.
    Ok,
    /// Not there; only what it is for does without.
    Missing,
    /// Works, but not as well as it could.
    Doubtful,
    /// `headroom serve` would not start or not do what it is for.
    Broken,
}

/// One check.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    verdict: Verdict,
    /// What was found.
    found: String,
    /// What it is for.
    used_for: &'static str,
    /// What to do; `None` where nothing is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, used_for: &'static str, found: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, found: found.into(), used_for, fix: None }
    }

    fn bad(
        check: &'static str,
        used_for: &'static str,
        verdict: Verdict,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { check, verdict, found: found.into(), used_for, fix: Some(fix.into()) }
    }
}

/// Programs beside Headroom: command, how it tells its version, what it is for, its Debian package.
const PROGRAMS: [(&str, &str, &str, &str); 6] = [
    ("ffmpeg", "-version", "live streams in the end-to-end tests", "ffmpeg"),
    ("nginx", "-v", "an edge in front of Headroom (deploy/nginx) and its tests", "nginx-light"),
    ("chromium", "--version", "tests with real players and of the dashboard", "chromium"),
    ("node", "--version", "building the player agent and the dashboard; tests with real players", "nodejs"),
    ("wrk", "-v", "headroom bench ingest", "wrk"),
    ("ip", "-V", "headroom link", "iproute2"),
];

/// Where distributions put nginx modules.
const MODULES: [&str; 3] = ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/local/lib/nginx/modules"];

/// Files that a process needs beside its connections: listeners, logs, the runtime.
const SPARE_FILES: u64 = 64;

const SERVE: &str = "headroom serve";

#[expect(clippy::print_stdout, reason = "the findings are the output")]
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let findings = examine(arguments);
    for finding in &findings {
        if arguments.json {
            println!("{}", serde_json::to_string(finding)?);
        } else {
            let mark = match finding.verdict {
                Verdict::Ok => "ok      ",
                Verdict::Missing => "missing ",
                Verdict::Doubtful => "doubtful",
                Verdict::Broken => "BROKEN  ",
            };
            println!("{mark}  {:<20} {}", finding.check, finding.found);
            if let Some(fix) = &finding.fix {
                println!("{:30} for: {}\n{:30} fix: {fix}", "", finding.used_for, "");
            }
        }
    }
    let worst = |verdict| findings.iter().any(|finding| finding.verdict == verdict);
    let failed = worst(Verdict::Broken) || arguments.strict && (worst(Verdict::Missing) || worst(Verdict::Doubtful));
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn examine(arguments: &Arguments) -> Vec<Finding> {
    let mut findings = Vec::new();
    match Config::load(arguments.config.as_deref(), std::collections::BTreeMap::<String, String>::new()) {
        Ok(config) => {
            let origin = arguments.config.as_ref().map_or_else(
                || "defaults and environment; no file".to_owned(),
                |file| format!("{} is valid", file.display()),
            );
            findings.push(Finding::ok("configuration", SERVE, origin));
            findings.extend(listeners(&config));
            findings.extend(edge(&config));
            findings.extend(token(&config));
            findings.extend(logs(&config));
            findings.push(open_files(&config));
        }
        Err(error) => {
            let cause = error.source().map_or_else(String::new, |cause| format!(": {cause}"));
            let fix = "correct the key named here; headroom serve --print-config shows every key";
            findings.push(Finding::bad("configuration", SERVE, Verdict::Broken, format!("{error}{cause}"), fix));
        }
    }
    findings.push(kernel());
    let path = env::var_os("PATH").unwrap_or_default();
    let mut directories: Vec<PathBuf> = env::split_paths(&path).collect();
    // System directories count even where they are not on a user's path.
    directories.extend(["/usr/sbin", "/sbin"].map(PathBuf::from));
    findings.extend(PROGRAMS.map(|program| installed(program, &directories)));
    findings.push(rtmp_module());
    findings.push(link_permissions());
    findings.push(models());
    findings
}

fn listeners(config: &Config) -> Vec<Finding> {
    [
        ("public listener", config.public.listen, "public.listen"),
        ("control listener", config.control.listen, "control.listen"),
    ]
    .into_iter()
    .map(|(check, address, key)| match TcpListener::bind(address) {
        Ok(_) => Finding::ok(check, SERVE, format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse && is_headroom(address) => {
            Finding::ok(check, SERVE, format!("{address} is in use, by a Headroom that is ready"))
        }
        Err(error) => {
            let fix = match error.kind() {
                ErrorKind::AddrInUse => format!("stop what listens there, or set {key} to another port"),
                ErrorKind::PermissionDenied => {
                    format!("ports below 1024 need root or CAP_NET_BIND_SERVICE; or set {key} to a higher one")
                }
                _ => format!("set {key} to an address of this machine"),
            };
            Finding::bad(check, SERVE, Verdict::Broken, format!("{address}: {error}"), fix)
        }
    })
    .collect()
}

/// Whether who listens there answers as Headroom does.
fn is_headroom(mut address: SocketAddr) -> bool {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
    }
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"GET /readyz HTTP/1.0\r\nHost: doctor\r\n\r\n")?;
        let mut answer = String::new();
        stream.take(4_096).read_to_string(&mut answer)?;
        Ok(answer)
    };
    // One whose origin is down is not ready, and a Headroom all the same.
    let fits = |answer: String| answer.ends_with("ready\n") || answer.contains("urn:headroom:problem:not_ready");
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.") && fits(answer))
}

fn edge(config: &Config) -> Option<Finding> {
    const CHECK: &str = "origin";
    const FOR: &str = "the edge of headroom serve";
    let origin = config.edge.origin.as_str();
    if let Some(directory) = origin.strip_prefix("dir:") {
        return Some(match Path::new(directory).is_dir() {
            true => Finding::ok(CHECK, FOR, format!("{directory} is a directory")),
            false => {
                let fix = "create it, or set edge.origin to another";
                Finding::bad(CHECK, FOR, Verdict::Broken, format!("{directory} is no directory"), fix)
            }
        });
    }
    if origin.is_empty() {
        return None;
    }
    let dead = origin.split(',').map(str::trim).find_map(|server| Some((server, connect(server).err()?)));
    Some(match dead {
        None => Finding::ok(CHECK, FOR, format!("{origin} takes connections")),
        // The origin may come up later; the server answers 502 until then.
        Some((server, error)) => {
            let fix = "start the origin, or correct edge.origin";
            Finding::bad(CHECK, FOR, Verdict::Doubtful, format!("{server}: {error}"), fix)
        }
    })
}

/// Connects to the server that an address names.
fn connect(server: &str) -> std::io::Result<()> {
    let none = |why| std::io::Error::new(ErrorKind::NotFound, why);
    let plain = server.strip_prefix("http://").map(|rest| (rest, 80));
    let (rest, port) = plain
        .or_else(|| server.strip_prefix("https://").map(|rest| (rest, 443)))
        .ok_or_else(|| none("neither http:// nor https://"))?;
    let authority = rest.split('/').next().unwrap_or_default();
    let has_port = authority.rsplit(']').next().is_some_and(|end| end.contains(':'));
    let authority = if has_port { authority.to_owned() } else { format!("{authority}:{port}") };
    let address = authority.to_socket_addrs()?.next().ok_or_else(|| none("the name has no address"))?;
    TcpStream::connect_timeout(&address, Duration::from_secs(2)).map(|_| ())
}

fn token(config: &Config) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt;
    const CHECK: &str = "control token";
    let file = &config.control.token_file;
    if file.as_os_str().is_empty() {
        return None;
    }
    let shown = file.display();
    Some(match std::fs::read_to_string(file) {
        Err(error) => {
            let fix = "create it with one line, readable by the user that runs Headroom only (mode 0600)";
            Finding::bad(CHECK, SERVE, Verdict::Broken, format!("{shown}: {error}"), fix)
        }
        Ok(text) if text.trim().is_empty() => {
            Finding::bad(CHECK, SERVE, Verdict::Broken, format!("{shown} is empty"), "write the token into it")
        }
        Ok(_) => match std::fs::metadata(file).map(|metadata| metadata.permissions().mode() & 0o077) {
            Ok(0) => Finding::ok(CHECK, SERVE, format!("{shown} is readable by its owner only")),
            _ => {
                let fix = format!("chmod 600 {shown}");
                Finding::bad(CHECK, SERVE, Verdict::Doubtful, format!("{shown} is readable by others"), fix)
            }
        },
    })
}

fn logs(config: &Config) -> Vec<Finding> {
    let files =
        [("input log", &config.log.inputs, "log.inputs"), ("decision log", &config.log.decisions, "log.decisions")];
    files
        .into_iter()
        .filter(|(_, file, _)| !file.as_os_str().is_empty())
        .map(|(check, file, key)| {
            let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let writable = rustix::fs::access(parent, rustix::fs::Access::WRITE_OK);
            match writable {
                Ok(()) => Finding::ok(check, "headroom replay", format!("{} can be written", file.display())),
                Err(error) => {
                    let fix = format!("create the directory, give it to the user that runs Headroom, or change {key}");
                    let found = format!("{}: {error}", parent.display());
                    Finding::bad(check, "headroom replay", Verdict::Broken, found, fix)
                }
            }
        })
        .collect()
}

fn open_files(config: &Config) -> Finding {
    const CHECK: &str = "open files";
    // An edge connection holds one descriptor for the viewer and may hold one for the origin.
    let each = if config.edge.origin.starts_with("http") { 2 } else { 1 };
    let needed = config.public.max_connections as u64 * each + SPARE_FILES;
    let Some(limit) = getrlimit(Resource::Nofile).current else {
        return Finding::ok(CHECK, SERVE, "without limit");
    };
    if limit >= needed {
        return Finding::ok(CHECK, SERVE, format!("{limit} allowed, {needed} needed for public.max_connections"));
    }
    let fix =
        format!("raise it (LimitNOFILE={needed} in systemd, ulimit -n {needed}), or lower public.max_connections");
    let found =
        format!("{limit} allowed, {needed} needed for public.max_connections = {}", config.public.max_connections);
    Finding::bad(CHECK, SERVE, Verdict::Doubtful, found, fix)
}

fn kernel() -> Finding {
    const FOR: &str = "measuring players that send no CMCD (TCP_INFO)";
    match env::consts::OS {
        "linux" => Finding::ok("operating system", FOR, "Linux"),
        other => {
            let fix = "nothing to do: players that send CMCD are served as everywhere";
            Finding::bad(
                "operating system",
                FOR,
                Verdict::Missing,
                format!("{other} has no TCP_INFO that is read"),
                fix,
            )
        }
    }
}

fn installed(
    (name, ask, used_for, package): (&'static str, &str, &'static str, &str),
    directories: &[PathBuf],
) -> Finding {
    let candidates = directories.iter().map(|directory| directory.join(name));
    let own = (name == "chromium").then(|| env::var_os("CHROMIUM").map(PathBuf::from)).flatten();
    let Some(program) = own.into_iter().chain(candidates).find(|candidate| candidate.is_file()) else {
        let fix = format!("apt-get install {package}, or make setup for everything the tests need");
        return Finding::bad(name, used_for, Verdict::Missing, "not found", fix);
    };
    // Chromium takes seconds to say its version; that it is there is enough.
    let version = (name != "chromium").then(|| Command::new(&program).arg(ask).output().ok()).flatten();
    let version = version.and_then(|output| {
        let text = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&text).lines().find(|line| !line.trim().is_empty()).map(str::to_owned)
    });
    let version = version.map_or_else(String::new, |line| format!(", {}", line.chars().take(60).collect::<String>()));
    Finding::ok(name, used_for, format!("{}{version}", program.display()))
}

fn rtmp_module() -> Finding {
    const FOR: &str = "RTMP ingest through nginx, in the end-to-end tests";
    let found =
        MODULES.iter().map(|directory| Path::new(directory).join("ngx_rtmp_module.so")).find(|file| file.exists());
    match found {
        Some(file) => Finding::ok("nginx RTMP module", FOR, file.display().to_string()),
        None => {
            let fix = "apt-get install libnginx-mod-rtmp";
            Finding::bad("nginx RTMP module", FOR, Verdict::Missing, "not found", fix)
        }
    }
}

fn link_permissions() -> Finding {
    const FOR: &str = "headroom link";
    let device = Path::new("/dev/net/tun");
    if !rustix::process::geteuid().is_root() {
        let fix = "run headroom link with sudo";
        return Finding::bad("link emulator", FOR, Verdict::Missing, "needs root, this is another user", fix);
    }
    match std::fs::OpenOptions::new().read(true).write(true).open(device) {
        Ok(_) => Finding::ok("link emulator", FOR, "root, and /dev/net/tun opens"),
        Err(error) => {
            let fix = "modprobe tun; in a container add --device /dev/net/tun --cap-add NET_ADMIN";
            Finding::bad("link emulator", FOR, Verdict::Missing, format!("/dev/net/tun: {error}"), fix)
        }
    }
}

#[cfg(feature = "speech")]
fn models() -> Finding {
    use headroom_infer::models::{Status, Store};
    const FOR: &str = "headroom voice";
    let Some(store) = Store::of_user() else {
        let fix = "set HEADROOM_MODELS to a directory";
        return Finding::bad("speech models", FOR, Verdict::Missing, "no directory for models", fix);
    };
    let here = store.list().filter(|(_, status)| !matches!(status, Status::Absent)).count();
    match here {
        0 => {
            let found = format!("none in {}", store.directory().display());
            Finding::bad("speech models", FOR, Verdict::Missing, found, "headroom models pull")
        }
        count => Finding::ok("speech models", FOR, format!("{count} in {}", store.directory().display())),
    }
}

#[cfg(not(feature = "speech"))]
fn models() -> Finding {
    let fix = "build with --features speech where voice is wanted";
    Finding::bad("speech models", "headroom voice", Verdict::Missing, "built without speech recognition", fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_told_from_a_running_headroom() {
        let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut config = Config::default();
        config.control.listen = "127.0.0.1:0".parse().unwrap();
        config.public.listen = stranger.local_addr().unwrap();
        let found = listeners(&config);
        assert_eq!((found[0].verdict, found[1].verdict), (Verdict::Broken, Verdict::Ok), "{found:?}");
        std::thread::spawn(move || {
            // The first connection is the one that found nobody above and has gone since.
            for stream in stranger.incoming().take(2) {
                let mut stream = stream.unwrap();
                let mut asked = [0; 512];
                if stream.read(&mut asked).is_ok_and(|count| count > 0) {
                    let _ =
                        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nready\n");
                }
            }
        });
        assert!(is_headroom(config.public.listen));
    }

    #[test]
    fn settings_that_cannot_work_are_named() {
        let mut config = Config::default();
        config.edge.origin = "dir:./no-such-directory".into();
        assert_eq!(edge(&config).map(|finding| finding.verdict), Some(Verdict::Broken));
        config.edge.origin = "dir:.".into();
        assert_eq!(edge(&config).map(|finding| finding.verdict), Some(Verdict::Ok));
        config.edge.origin = "http://127.0.0.1:1/live".into();
        assert_eq!(edge(&config).map(|finding| finding.verdict), Some(Verdict::Doubtful));
        config.control.token_file = "no-such-file".into();
        assert_eq!(token(&config).map(|finding| finding.verdict), Some(Verdict::Broken));
        config.log.inputs = "no-such-directory/inputs.jsonl".into();
        assert_eq!(logs(&config).len(), 1);
        assert_eq!(logs(&config)[0].verdict, Verdict::Broken);
        config.public.max_connections = usize::MAX / 4;
        assert_ne!(open_files(&config).verdict, Verdict::Broken);
        assert!(open_files(&config).fix.is_some_and(|fix| fix.contains("LimitNOFILE")));
    }

    #[test]
    fn what_is_not_installed_says_how_to_get_it() {
        for program in PROGRAMS {
            let finding = installed(program, &[PathBuf::from("no-such-directory")]);
            if program.0 != "chromium" || env::var_os("CHROMIUM").is_none() {
                assert_eq!(finding.verdict, Verdict::Missing);
                assert!(finding.fix.is_some_and(|fix| fix.contains(program.3)), "{}", program.0);
            }
        }
    }
}
