//! Two TUN devices, each in its place, with addresses of one point-to-point network.

use std::net::Ipv4Addr;

use anyhow::{Context as _, bail};
use tun_rs::{DeviceBuilder, Layer, SyncDevice};

use super::namespace::{Namespace, ip};

/// Packets that the kernel keeps for this process in front of each end. The default of 500 overflows when a busy
/// machine lets the process wait 20 ms at 300 Mbit/s; those drops would look like the link's and be in no statistic.
const DEVICE_QUEUE_PACKETS: u32 = 4096;

/// One end of the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Endpoint {
    /// Where media comes from: sends on the downlink.
    Server,
    /// Where the viewer is: sends on the uplink.
    Client,
}

impl Endpoint {
    /// Lower-case name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

/// What to build. `None` for a namespace is the one that this process is in.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) server_namespace: Option<String>,
    pub(crate) client_namespace: Option<String>,
    pub(crate) server_address: Ipv4Addr,
    pub(crate) client_address: Ipv4Addr,
    pub(crate) mtu: u16,
}

/// The built link. Devices go with their file descriptors, namespaces that were created here go after them.
pub(super) struct Topology {
    plan: Plan,
    devices: [SyncDevice; 2],
    _namespaces: Vec<Namespace>,
}

/// Says in one line what is missing, if anything.
pub(super) fn check_privileges() -> anyhow::Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!("`headroom link` moves real packets through TUN devices and needs root: run it with sudo");
    }
    if !std::path::Path::new("/dev/net/tun").exists() {
        bail!("/dev/net/tun is missing: load the kernel module `tun`, or give the container that device");
    }
    ip(&["-V"])
}

impl Topology {
    /// Creates namespaces and devices and brings the link up.
    pub(super) fn build(plan: &Plan) -> anyhow::Result<Self> {
        if plan.server_address == plan.client_address {
            bail!("both ends have the address {}", plan.server_address);
        }
        let mut namespaces = Vec::new();
        let server = Self::end(plan, Endpoint::Server, &mut namespaces)?;
        let client = Self::end(plan, Endpoint::Client, &mut namespaces)?;
        Ok(Self { plan: plan.clone(), devices: [server, client], _namespaces: namespaces })
    }

    fn end(plan: &Plan, endpoint: Endpoint, namespaces: &mut Vec<Namespace>) -> anyhow::Result<SyncDevice> {
        let (namespace, here, there) = match endpoint {
            Endpoint::Server => (&plan.server_namespace, plan.server_address, plan.client_address),
            Endpoint::Client => (&plan.client_namespace, plan.client_address, plan.server_address),
        };
        // Unique while it is still in the namespace of this process; at most 15 characters.
        let name = format!("hr{}{}", std::process::id(), &endpoint.name()[..1]);
        let device = DeviceBuilder::new()
            .name(&name)
            .layer(Layer::L3)
            .mtu(plan.mtu)
            .tx_queue_len(DEVICE_QUEUE_PACKETS)
            .enable(false)
            .build_sync()
            .context("creating a TUN device")?;
        device.set_nonblocking(true).context("making a TUN device non-blocking")?;
        let in_namespace = |arguments: &[&str]| match namespace {
            Some(namespace) => ip(&[&["-n", namespace.as_str()], arguments].concat()),
            None => ip(arguments),
        };
        let mut ours = false;
        if let Some(namespace) = namespace {
            let taken = Namespace::take(namespace)?;
            ours = taken.is_ours();
            ip(&["link", "set", &name, "netns", taken.name()])?;
            namespaces.push(taken);
        }
        // No router solicitations and no multicast listener reports: only the user's packets cross the link.
        in_namespace(&["link", "set", &name, "addrgenmode", "none"])?;
        in_namespace(&["address", "add", &here.to_string(), "peer", &there.to_string(), "dev", &name])?;
        in_namespace(&["link", "set", &name, "up"])?;
        if ours {
            in_namespace(&["route", "add", "default", "dev", &name])?;
        }
        Ok(device)
    }

    /// Server's device, then client's.
    pub(super) fn devices(&self) -> &[SyncDevice; 2] {
        &self.devices
    }

    /// Namespace of an end; `None` is that of this process.
    pub(super) fn namespace(&self, endpoint: Endpoint) -> Option<&str> {
        match endpoint {
            Endpoint::Server => self.plan.server_namespace.as_deref(),
            Endpoint::Client => self.plan.client_namespace.as_deref(),
        }
    }

    /// Address of an end.
    pub(super) fn address(&self, endpoint: Endpoint) -> Ipv4Addr {
        match endpoint {
            Endpoint::Server => self.plan.server_address,
            Endpoint::Client => self.plan.client_address,
        }
    }
}
