//! Processes under measurement: where they listen, what they spend, how they end.

use anyhow::{Context, bail};
use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::Child,
    time::{Duration, Instant},
};

/// A loopback address nobody listens on at the moment.
pub(super) fn unused_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port on loopback")?;
    Ok(listener.local_addr()?)
}

/// Waits until somebody listens.
pub(super) fn wait_for(address: SocketAddr) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(address).is_err() {
        if Instant::now() > deadline {
            bail!("nothing listens on {address} after 10 s");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Processor time a process has used, user and system (proc_pid_stat(5), fields 14 and 15).
pub(super) fn cpu_time(process: u32) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).context("the server is gone")?;
    // The second field is the name in brackets and may hold anything; counting begins after it.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
}

/// Processor time of this process: user and system, all threads.
pub(super) fn own_cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs().min(999_999_999) as u32)
}

/// Asks a process to end and waits for it.
pub(super) fn stop(process: &mut Child) {
    if let Some(id) = rustix::process::Pid::from_raw(process.id() as i32) {
        // Gone already is as good as stopped.
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
    }
    let _ = process.wait();
}
