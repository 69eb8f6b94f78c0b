//! Packets between two TUN devices, each held as long as its emulator says.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use headroom_sim::netem::{Conditions, Counters, Direction, Link, Profile, Verdict};
use rand::SeedableRng as _;
use rand_pcg::Pcg64Mcg;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tun_rs::SyncDevice;

use super::Behaviour;
use super::topology::Topology;

/// Largest packet of a TUN device, bytes.
const MAX_PACKET_BYTES: usize = 65_535;

/// Packets read from one device before departures are looked at again: one millisecond of full packets at 770 Mbit/s,
/// so that a flood in one direction cannot make the other late by more.
const READ_BATCH: usize = 64;

/// Shortest wait for a departure. What becomes due meanwhile is handed over together, late by at most this: waking up costs
/// more than forwarding, and at 50 Mbit/s a packet departs every 0.24 ms.
const SHORTEST_WAIT: Duration = Duration::from_micros(500);

/// Spare packet buffers kept for reuse.
const MAX_SPARE_BUFFERS: usize = 1024;

/// One direction: its emulator and the packets on their way. Departures never decrease, so a queue is enough.
struct Lane {
    link: Link,
    random: Pcg64Mcg,
    under_way: VecDeque<(Duration, Vec<u8>)>,
    delivered: u64,
    delivered_bytes: u64,
    /// Packets that the receiving device did not take.
    refused: u64,
}

/// What one direction has done so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    /// Place in the trace, seconds, while one is replayed.
    pub(super) position_s: Option<f64>,
    pub(super) conditions: Conditions,
    pub(super) counters: Counters,
    pub(super) backlog_bytes: u64,
    pub(super) waiting: Duration,
    /// Packets handed to the receiving device.
    pub(super) delivered: u64,
    pub(super) delivered_bytes: u64,
    pub(super) refused: u64,
}

/// Both directions, and the clock they share.
pub(super) struct Forwarder<'a> {
    /// Server's device, then client's: what one sends, the other gets.
    devices: &'a [SyncDevice; 2],
    /// Downlink, then uplink.
    lanes: [Lane; 2],
    started: Instant,
    buffer: Vec<u8>,
    spare: Vec<Vec<u8>>,
}

impl<'a> Forwarder<'a> {
    /// Starts the clock. `links` are downlink, then uplink.
    pub(super) fn new(topology: &'a Topology, links: [Link; 2], seed: u64) -> Self {
        let mut stream = 0;
        let lanes = links.map(|link| {
            stream += 1;
            Lane {
                link,
                random: Pcg64Mcg::seed_from_u64(seed ^ stream),
                under_way: VecDeque::new(),
                delivered: 0,
                delivered_bytes: 0,
                refused: 0,
            }
        });
        Self {
            devices: topology.devices(),
            lanes,
            started: Instant::now(),
            buffer: vec![0; MAX_PACKET_BYTES],
            spare: Vec::new(),
        }
    }

    /// Time on the clock of both links.
    pub(super) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Waits for a packet or a departure, at most `longest`, and moves what is due.
    pub(super) fn forward(&mut self, longest: Duration) -> anyhow::Result<()> {
        let now = self.now();
        let next = self.lanes.iter().filter_map(|lane| lane.under_way.front().map(|(at, _)| *at)).min();
        let wait = next.map_or(longest, |at| at.saturating_sub(now).clamp(SHORTEST_WAIT, longest.max(SHORTEST_WAIT)));
        let timeout = Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(wait.subsec_nanos()),
        };
        let mut descriptors = [
            PollFd::from_borrowed_fd(self.devices[0].as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.devices[1].as_fd(), PollFlags::IN),
        ];
        match poll(&mut descriptors, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("waiting for packets"),
        }
        let readable = descriptors.map(|descriptor| !descriptor.revents().is_empty());
        for (index, readable) in readable.into_iter().enumerate() {
            if readable {
                self.read(index)?;
            }
        }
        self.deliver();
        Ok(())
    }

    /// Replaces the behaviour of one direction from now on.
    pub(super) fn reconfigure(&mut self, direction: Direction, behaviour: &Behaviour) -> anyhow::Result<()> {
        let now = self.now();
        let profile = behaviour.profile()?;
        self.lanes[lane_of(direction)].link.reconfigure(now, profile, behaviour.queue());
        Ok(())
    }

    /// What a direction has done so far.
    pub(super) fn progress(&mut self, direction: Direction) -> Progress {
        let now = self.now();
        let lane = &mut self.lanes[lane_of(direction)];
        Progress {
            position_s: match lane.link.profile() {
                Profile::Replay(replay) => Some(replay.position_s(now.as_secs_f64())),
                _ => None,
            },
            conditions: lane.link.conditions(now),
            counters: lane.link.counters(),
            backlog_bytes: lane.link.backlog_bytes(now),
            waiting: lane.link.waiting_time(now),
            delivered: lane.delivered,
            delivered_bytes: lane.delivered_bytes,
            refused: lane.refused,
        }
    }

    /// Reads what a device has sent and offers it to its lane.
    fn read(&mut self, index: usize) -> anyhow::Result<()> {
        for _ in 0..READ_BATCH {
            let len = match self.devices[index].recv(&mut self.buffer) {
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::WouldBlock || error.kind() == ErrorKind::Interrupted => break,
                Err(error) => return Err(error).context("reading from a TUN device (was its namespace removed?)"),
            };
            let now = self.started.elapsed();
            let lane = &mut self.lanes[index];
            // At most MAX_PACKET_BYTES, which fits.
            let verdict = lane.link.offer(now, len as u32, &mut lane.random);
            if let Verdict::Departure { at } = verdict {
                let mut packet = self.spare.pop().unwrap_or_default();
                packet.clear();
                packet.extend_from_slice(&self.buffer[..len]);
                lane.under_way.push_back((at, packet));
            }
        }
        Ok(())
    }

    /// Hands over every packet that is due.
    fn deliver(&mut self) {
        let now = self.now();
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            let receiver = &self.devices[1 - index];
            while lane.under_way.front().is_some_and(|(at, _)| *at <= now) {
                let Some((_, packet)) = lane.under_way.pop_front() else { break };
                match receiver.send(&packet) {
                    Ok(_) => {
                        lane.delivered += 1;
                        lane.delivered_bytes += packet.len() as u64;
                    }
                    Err(_) => lane.refused += 1,
                }
                if self.spare.len() < MAX_SPARE_BUFFERS {
                    self.spare.push(packet);
                }
            }
        }
    }
}

/// The server's device feeds the downlink, the client's the uplink.
fn lane_of(direction: Direction) -> usize {
    match direction {
        Direction::Down => 0,
        Direction::Up => 1,
    }
}
