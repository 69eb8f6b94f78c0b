//! A live stream: encoder → RTMP server → ladder → HLS and DASH on an origin.

use super::{
    Nginx, Process,
    nginx::rtmp_module,
    process::{unused_port, wait_until},
    program,
};
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// Width, height and video bit rate (kbit/s) of the ladder, highest first. Small pictures: two cores have to encode
/// three and decode one.
const LADDER: [(u16, u16, u32); 3] = [(640, 360, 1_200), (480, 270, 500), (256, 144, 180)];

/// ffmpeg publishes a test picture with a tone by RTMP to nginx, a second ffmpeg reads it back and makes three rungs of
/// video and one of audio: two-second segments of half-second CMAF chunks, as HLS (`master.m3u8`) and DASH (`live.mpd`).
pub(crate) struct LiveStream {
    publisher: Process,
    ladder: Process,
    origin: Nginx,
    media: PathBuf,
}

impl LiveStream {
    /// Starts everything and waits until players can start.
    pub(crate) fn start(directory: &Path) -> Self {
        let media = directory.join("media");
        fs::create_dir_all(&media).expect("the artefact directory is writable");
        let (rtmp, http) = (unused_port(), unused_port());
        let origin = Nginx::start(&origin_configuration(rtmp, http, &media), http, directory);
        let url = format!("rtmp://127.0.0.1:{rtmp}/live/test");
        // The ladder waits for the publisher, so it sees the stream from its first key frame on.
        let ladder = Process::spawn(&mut ladder_command(&url, &media), "ladder", directory);
        let publisher = Process::spawn(&mut publisher_command(&url), "publisher", directory);
        let mut stream = Self { publisher, ladder, origin, media };
        wait_until("three segments of the lowest rung", Duration::from_secs(60), || {
            stream.assert_running();
            stream.media.join("chunk-stream2-00003.m4s").exists() && stream.media.join("master.m3u8").exists()
        });
        stream
    }

    /// Where the origin serves media, playlists and manifests.
    pub(crate) fn origin(&self) -> SocketAddr {
        self.origin.address()
    }

    /// Directory of the media.
    pub(crate) fn media(&self) -> &Path {
        &self.media
    }

    /// Heights of the rungs, highest first.
    pub(crate) fn heights() -> [u64; 3] {
        LADDER.map(|(_, height, _)| u64::from(height))
    }

    /// Fails the test when a part of it has ended.
    pub(crate) fn assert_running(&mut self) {
        self.publisher.assert_running();
        self.ladder.assert_running();
        self.origin.assert_running();
    }
}

fn publisher_command(url: &str) -> Command {
    let (width, height, _) = LADDER[0];
    let mut command = ffmpeg();
    command.args(["-re", "-f", "lavfi", "-i"]).arg(format!("testsrc2=s={width}x{height}:r=25"));
    command.args(["-f", "lavfi", "-i", "sine=f=440:r=48000"]);
    command.args("-c:v libx264 -preset ultrafast -tune zerolatency -g 25 -b:v 2500k -pix_fmt yuv420p".split(' '));
    command.args("-c:a aac -b:a 96k -f flv".split(' ')).arg(url);
    command
}

fn ladder_command(url: &str, media: &Path) -> Command {
    let mut command = ffmpeg();
    command.args(["-fflags", "nobuffer", "-rtmp_live", "live", "-i", url]);
    let mut filter = format!("[0:v]split={}", LADDER.len());
    filter.extend((0..LADDER.len()).map(|rung| format!("[s{rung}]")));
    for (rung, (width, height, _)) in LADDER.iter().enumerate() {
        filter.push_str(&format!(";[s{rung}]scale={width}:{height}[v{rung}]"));
    }
    command.args(["-filter_complex", &filter]);
    for rung in 0..LADDER.len() {
        command.args(["-map", &format!("[v{rung}]")]);
    }
    command.args("-map 0:a -c:v libx264 -preset ultrafast -tune zerolatency -c:a aac -b:a 64k".split(' '));
    command.args("-g 50 -keyint_min 50 -sc_threshold 0".split(' '));
    for (rung, (_, _, kbps)) in LADDER.iter().enumerate() {
        for option in ["b", "maxrate", "bufsize"] {
            command.args([format!("-{option}:v:{rung}"), format!("{kbps}k")]);
        }
    }
    command.args("-f dash -seg_duration 2 -frag_type duration -frag_duration 0.5".split(' '));
    command.args("-use_template 1 -use_timeline 0 -window_size 8 -extra_window_size 4 -hls_playlist 1".split(' '));
    command.args(["-adaptation_sets", "id=0,streams=v id=1,streams=a"]).arg(media.join("live.mpd"));
    command
}

fn ffmpeg() -> Command {
    let mut command = Command::new(program("ffmpeg").expect("ffmpeg is there"));
    command.args("-hide_banner -loglevel warning -nostdin -y".split(' '));
    command
}

fn origin_configuration(rtmp: u16, http: u16, media: &Path) -> String {
    let module = rtmp_module().expect("the RTMP module is there");
    format!(
        r#"load_module {module};
worker_processes 1;
pid nginx.pid;
events {{ worker_connections 256; }}
rtmp {{
  server {{
    listen 127.0.0.1:{rtmp};
    application live {{ live on; wait_key on; wait_video on; }}
  }}
}}
http {{
  types {{ application/dash+xml mpd; application/vnd.apple.mpegurl m3u8; video/mp4 m4s mp4; }}
  access_log origin-access.log;
  server {{
    listen 127.0.0.1:{http};
    root {media};
    add_header Access-Control-Allow-Origin * always;
    add_header Cache-Control no-store always;
    location = /stat {{ rtmp_stat all; }}
  }}
}}
"#,
        module = module.display(),
        media = media.display(),
    )
}
