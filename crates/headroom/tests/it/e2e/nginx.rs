//! `deploy/nginx/nginx.conf` as it stands: Headroom beside nginx, and nginx without Headroom.

use crate::stack::{Headroom, Nginx, Response, Tool, artifacts, get, have, repository, unused_port, wait_until};
use rustix::process::Signal;
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    time::{Duration, Instant},
};

/// What Headroom may cost a request at worst, on top of the same request without it.
const COST: Duration = Duration::from_millis(250);
/// Longer than nginx' `fail_timeout`, so that the absent server is asked again while we look.
const WATCH: Duration = Duration::from_secs(7);
const SEGMENT: &str = "/segment.m4s?CMCD=bl%3D%284000%3Bv%29%2Cbr%3D%281200%3Bv%29%2Ccid%3D%22live%22%2Cd%3D2000%2C\
                       mtp%3D%288000%3Bv%29%2Cot%3Dv%2Csf%3Dd%2Csid%3D%22nginx%22%2Cst%3Dl%2Csta%3Dp%2Cv%3D2";

#[test]
fn media_goes_out_whatever_becomes_of_headroom() {
    if !have(&[Tool::Nginx]) {
        return;
    }
    let directory = artifacts("nginx");
    let front = Front::start(&directory);

    let mut headroom = front.start_headroom(&directory);
    front.wait_for_cmsd("with Headroom");
    front.assert_same_bytes();
    // The example says which edge it is: the name of this machine, which the configuration does not hold.
    let metrics = get(headroom.control(), "/metrics").expect("it answers");
    let metrics = String::from_utf8(metrics.body).expect("metrics are text");
    let unknown = metrics.lines().find_map(|line| line.strip_prefix("headroom_unknown_edges_total "));
    assert!(unknown.is_some_and(|count| count != "0"), "no request named its edge: {unknown:?}");

    headroom.process().halt(Signal::KILL);
    front.assert_fails_open("killed");

    drop(headroom);
    let mut headroom = front.start_headroom(&directory);
    front.wait_for_cmsd("with Headroom started again");

    headroom.process().halt(Signal::STOP);
    front.assert_fails_open("hanging");
    headroom.process().signal(Signal::CONT);
    front.wait_for_cmsd("with Headroom going on");
}

/// nginx with the example's configuration, and a second listener with the same media and no Headroom.
struct Front {
    nginx: Nginx,
    plain: SocketAddr,
    headroom_port: u16,
    media: Vec<u8>,
}

impl Front {
    fn start(directory: &Path) -> Self {
        let (asked, plain, headroom_port) = (unused_port(), unused_port(), unused_port());
        let media: Vec<u8> = (0..200_000_u32).map(|at| (at * 31 % 251) as u8).collect();
        let root = directory.join("media");
        let more = directory.join("conf.d");
        for (file, content) in [
            (root.join("segment.m4s"), media.clone()),
            (
                more.join("plain.conf"),
                format!("server {{ listen 127.0.0.1:{plain}; root {}; }}", root.display()).into(),
            ),
        ] {
            fs::create_dir_all(file.parent().expect("it has one")).expect("the artefact directory is writable");
            fs::write(file, content).expect("the artefact directory is writable");
        }
        // A socket's path may have 108 bytes, fewer than this directory's may.
        let socket = std::env::temp_dir().join(format!("headroom-absent-{asked}.sock"));
        let example = fs::read_to_string(repository().join("deploy/nginx/nginx.conf")).expect("the example is there");
        let mut configuration = example;
        for (place, times, here) in [
            ("/run/nginx.pid", 1, directory.join("nginx.pid").display().to_string()),
            ("127.0.0.1:8080", 1, format!("127.0.0.1:{headroom_port}")),
            ("/run/headroom-absent.sock", 2, socket.display().to_string()),
            ("listen 80;", 1, format!("listen 127.0.0.1:{asked};")),
            ("/var/www/live", 1, root.display().to_string()),
            ("/etc/nginx/conf.d", 1, more.display().to_string()),
        ] {
            assert_eq!(configuration.matches(place).count(), times, "{place} in the example");
            configuration = configuration.replace(place, &here);
        }
        let nginx = Nginx::start(&configuration, asked, directory);
        Self { nginx, plain: SocketAddr::from((Ipv4Addr::LOCALHOST, plain)), headroom_port, media }
    }

    fn start_headroom(&self, directory: &Path) -> Headroom {
        let configuration = "[edge]\nnames = [\"another.edge\"]\n".parse().expect("it is TOML");
        Headroom::start_on(self.headroom_port, &configuration, directory)
    }

    fn segment(&self) -> Response {
        get(self.nginx.address(), SEGMENT).expect("nginx answers")
    }

    /// nginx returns to a server some seconds after its failure.
    fn wait_for_cmsd(&self, when: &str) {
        wait_until(&format!("CMSD-Dynamic {when}"), Duration::from_secs(20), || {
            let response = self.segment();
            assert_eq!(response.status, 200);
            response.header("cmsd-dynamic").is_some()
        });
    }

    fn assert_same_bytes(&self) {
        assert!(self.segment().body == self.media, "the media is what is on the disk");
        assert_eq!(get(self.nginx.address(), "/absent.m4s").expect("nginx answers").status, 404);
    }

    /// Every request is answered with the media, without CMSD, and not much later than without Headroom.
    fn assert_fails_open(&self, how: &str) {
        let end = Instant::now() + WATCH;
        let mut slowest = [Duration::ZERO; 2];
        let mut requests = 0;
        while Instant::now() < end {
            let plain = get(self.plain, SEGMENT).expect("nginx answers");
            let asked = self.segment();
            assert_eq!(asked.status, 200, "{how}");
            assert!(asked.body == self.media, "{how}: other bytes");
            assert_eq!(asked.header("cmsd-dynamic"), None, "{how}");
            assert!(asked.took <= plain.took + COST, "{how}: {:?} instead of {:?}", asked.took, plain.took);
            slowest = [slowest[0].max(plain.took), slowest[1].max(asked.took)];
            requests += 1;
        }
        println!("Headroom {how}: {requests} requests, slowest {:.1?}, without it {:.1?}", slowest[1], slowest[0]);
        assert!(requests > 20, "{how}: only {requests} requests in {WATCH:?}");
    }
}
