//! What manifests say of the objects they list: how long a part of a segment plays, and which files are whole.

use headroom_cluster::lock::{read_locked, write_locked};
use headroom_core::time::Duration;
use headroom_wire::playlist;
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::RwLock,
};

/// Objects at the end of a playlist that are remembered: players fetch what is new.
const NEWEST: usize = 64;

/// Objects remembered in all, of which the older half is forgotten at a time.
const MAX_OBJECTS: usize = 65_536;

/// Directories remembered whose files are whole when they are listed.
const MAX_DIRECTORIES: usize = 10_000;

/// The objects that the manifests listed which passed lately.
#[derive(Debug, Default)]
pub(crate) struct ListedObjects(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    young: HashMap<String, Object>,
    old: HashMap<String, Object>,
    /// Directories of presentations that name no segment before it is whole.
    whole: HashSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Object {
    duration: Duration,
    is_range: bool,
    is_complete: bool,
}

impl ListedObjects {
    /// Takes note of what an HLS media playlist at `path` lists.
    pub(crate) fn learn_playlist(&self, path: &str, text: &str) {
        let mut newest = VecDeque::with_capacity(NEWEST);
        for object in playlist::listed_objects(text) {
            if newest.len() == NEWEST {
                newest.pop_front();
            }
            newest.push_back(object);
        }
        if newest.is_empty() {
            return;
        }
        let mut known = write_locked(&self.0);
        for listed in newest {
            let Some(place) = resolve(path, listed.uri) else { continue };
            let object = Object {
                duration: Duration::from_secs_f64(listed.duration_s.min(60.0)),
                is_range: listed.is_range,
                is_complete: listed.is_complete,
            };
            if known.young.len() >= MAX_OBJECTS / 2 && !known.young.contains_key(&place) {
                known.old = std::mem::take(&mut known.young);
            }
            known.young.insert(place, object);
        }
    }

    /// Takes note of whether a DASH presentation at `path` names segments before they are whole (ISO/IEC 23009-1
    /// §5.3.9.2, `@availabilityTimeComplete`).
    pub(crate) fn learn_presentation(&self, path: &str, text: &str) {
        let directory = directory(path);
        let names_unfinished = text.contains("availabilityTimeComplete=\"false\"");
        let is_known = read_locked(&self.0).whole.contains(directory);
        if is_known == names_unfinished {
            let mut known = write_locked(&self.0);
            if names_unfinished {
                known.whole.remove(directory);
            } else if known.whole.len() < MAX_DIRECTORIES {
                known.whole.insert(directory.to_owned());
            }
        }
    }

    /// How long the object at a path plays, where a playlist says so. `in_part`: a range of it is asked for.
    pub(crate) fn duration(&self, path: &str, in_part: bool) -> Option<Duration> {
        let known = read_locked(&self.0);
        known.get(path).filter(|object| !object.is_range || in_part).map(|object| object.duration)
    }

    /// Whether the file at a path is known to be whole.
    pub(crate) fn is_complete(&self, path: &str) -> bool {
        let known = read_locked(&self.0);
        let above = |mut place: &str| loop {
            if known.whole.contains(place) {
                return true;
            }
            match place.rsplit_once('/') {
                Some((parent, _)) => place = parent,
                None => return false,
            }
        };
        known.get(path).is_some_and(|object| object.is_complete && !object.is_range) || above(directory(path))
    }
}

impl Known {
    fn get(&self, path: &str) -> Option<&Object> {
        self.young.get(path).or_else(|| self.old.get(path))
    }
}

/// The directory of a path, without the slash at its end.
fn directory(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// The path that a reference in a document at `base` leads to (RFC 3986 §5.2), whatever the host; `None` where it leads nowhere.
fn resolve(base: &str, reference: &str) -> Option<String> {
    let reference = reference.split(['?', '#']).next().unwrap_or_default();
    if let Some((_, rest)) = reference.split_once("://") {
        return rest.find('/').map(|at| rest[at..].to_owned());
    }
    if reference.is_empty() {
        return None;
    }
    if reference.starts_with('/') {
        return Some(reference.to_owned());
    }
    let mut place: Vec<&str> = directory(base).split('/').collect();
    for step in reference.split('/') {
        match step {
            "." => {}
            ".." => drop(place.pop()),
            step => place.push(step),
        }
    }
    Some(place.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_lead_to_paths() {
        for (reference, expected) in [
            ("s1.mp4", Some("/live/x/s1.mp4")),
            ("../y/./s1.mp4?a=b#c", Some("/live/y/s1.mp4")),
            ("/s1.mp4", Some("/s1.mp4")),
            ("https://cdn.example/a/s1.mp4?t=1", Some("/a/s1.mp4")),
            ("https://cdn.example", None),
            ("", None),
        ] {
            assert_eq!(resolve("/live/x/index.m3u8", reference).as_deref(), expected, "{reference}");
        }
    }

    #[test]
    fn parts_are_known_by_their_length_and_whole_files_by_their_listing() {
        let objects = ListedObjects::default();
        let text = "#EXTM3U\n#EXT-X-PART-INF:PART-TARGET=0.5\n#EXTINF:4.0,\ns10.mp4\n\
            #EXT-X-PART:DURATION=0.5,URI=\"s11.0.mp4\"\n#EXT-X-PART:DURATION=0.25,URI=\"s11.mp4\",BYTERANGE=\"9@0\"\n\
            #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"s11.1.mp4\"\n";
        objects.learn_playlist("/live/media.m3u8", text);
        let half = Some(Duration::from_millis(500));
        assert_eq!(objects.duration("/live/s10.mp4", false), Some(Duration::from_secs(4)));
        assert_eq!(
            (objects.duration("/live/s11.0.mp4", false), objects.duration("/live/s11.1.mp4", false)),
            (half, half)
        );
        assert_eq!(objects.duration("/live/s11.mp4", false), None, "the whole segment is no part");
        assert_eq!(objects.duration("/live/s11.mp4", true), Some(Duration::from_millis(250)));
        assert!(objects.is_complete("/live/s10.mp4") && !objects.is_complete("/live/s11.1.mp4"));
        assert!(!objects.is_complete("/live/s12.mp4"));
        objects.learn_presentation("/dash/live.mpd", "<MPD>");
        assert!(objects.is_complete("/dash/v/1.m4s") && !objects.is_complete("/other/1.m4s"));
        objects.learn_presentation("/dash/live.mpd", "<MPD><SegmentTemplate availabilityTimeComplete=\"false\"/>");
        assert!(!objects.is_complete("/dash/v/1.m4s"));
    }
}
