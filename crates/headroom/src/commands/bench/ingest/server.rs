//! The two servers under load, each on one processor, and what they spend.

use super::{
    super::process::{cpu_time, stop, unused_address, wait_for},
    machine::Pinned,
};
use anyhow::{Context, bail};
use std::{
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Processor the server runs on and the one the client runs on.
pub(super) const SERVER_CPU: usize = 1;
pub(super) const CLIENT_CPU: usize = 0;

/// What one load run cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    requests: u64,
    cpu: Duration,
    wall: Duration,
}

impl Cost {
    pub(super) fn per_core_second(self) -> f64 {
        self.requests as f64 / self.cpu.as_secs_f64()
    }

    pub(super) fn per_second(self) -> f64 {
        self.requests as f64 / self.wall.as_secs_f64()
    }
}

/// A server that can be put under load.
pub(super) trait Target {
    /// Where it listens.
    fn address(&self) -> SocketAddr;

    /// The process that does the work.
    fn worker(&self) -> u32;

    /// wrk with `script` over so many connections for `seconds`.
    fn load(&self, script: &Path, connections: usize, seconds: u32) -> anyhow::Result<Cost> {
        let before = cpu_time(self.worker())?;
        let began = Instant::now();
        let _pinned = Pinned::to(CLIENT_CPU);
        let output = Command::new("wrk")
            .args(["-t1", &format!("-c{connections}"), &format!("-d{seconds}s")])
            .arg("-s")
            .arg(script)
            .arg(format!("http://{}/", self.address()))
            .output()
            .context("wrk cannot be run")?;
        let wall = began.elapsed();
        let cpu = cpu_time(self.worker())?.saturating_sub(before);
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() || text.contains("Non-2xx") || text.contains("Socket errors") {
            bail!("wrk met errors: {text}{}", String::from_utf8_lossy(&output.stderr));
        }
        let requests = text.lines().find_map(|line| line.trim().split_once(" requests in"));
        let requests = requests.and_then(|(count, _)| count.parse().ok()).context("wrk names no number of requests")?;
        Ok(Cost { requests, cpu, wall })
    }
}

/// nginx with one worker that answers 204.
pub(super) struct Nginx {
    master: Child,
    worker: u32,
    address: SocketAddr,
}

impl Nginx {
    pub(super) fn start(directory: &Path) -> anyhow::Result<Self> {
        let address = unused_address()?;
        let here = directory.display();
        let configuration = format!(
            "worker_processes 1; daemon off; pid {here}/nginx.pid; error_log {here}/nginx.log crit;
             events {{ worker_connections 1024; }}
             http {{ access_log off; keepalive_requests 100000000; large_client_header_buffers 4 16k;
                     server {{ listen {address}; location / {{ return 204; }} }} }}"
        );
        let file = directory.join("nginx.conf");
        std::fs::write(&file, configuration)?;
        let mut command = Command::new("nginx");
        command.arg("-e").arg(directory.join("nginx.log")).arg("-p").arg(directory).arg("-c").arg(file);
        let _pinned = Pinned::to(SERVER_CPU);
        let master = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("nginx cannot be run")?;
        let mut nginx = Self { worker: master.id(), master, address };
        wait_for(address)?;
        nginx.worker = child_of(nginx.master.id())?;
        Ok(nginx)
    }
}

impl Target for Nginx {
    fn address(&self) -> SocketAddr {
        self.address
    }
    fn worker(&self) -> u32 {
        self.worker
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        stop(&mut self.master);
    }
}

/// This program's own server with one thread.
pub(super) struct Headroom {
    process: Child,
    address: SocketAddr,
}

impl Headroom {
    pub(super) fn start(directory: &Path) -> anyhow::Result<Self> {
        let (address, control) = (unused_address()?, unused_address()?);
        let program = std::env::current_exe().context("the path of this program is unknown")?;
        let mut command = Command::new(program);
        command.args(["serve", "--threads", "1", "--listen", &address.to_string(), "--control", &control.to_string()]);
        let log = std::fs::File::create(directory.join("headroom.log"))?;
        let _pinned = Pinned::to(SERVER_CPU);
        let process = command.stdout(Stdio::null()).stderr(log).spawn().context("headroom cannot be run")?;
        let headroom = Self { process, address };
        wait_for(address)?;
        Ok(headroom)
    }
}

impl Target for Headroom {
    fn address(&self) -> SocketAddr {
        self.address
    }
    fn worker(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Headroom {
    fn drop(&mut self) {
        stop(&mut self.process);
    }
}

fn child_of(process: u32) -> anyhow::Result<u32> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
        if let Some(Ok(child)) = children.split_whitespace().next().map(str::parse) {
            return Ok(child);
        }
        if Instant::now() > deadline {
            bail!("nginx started no worker");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
