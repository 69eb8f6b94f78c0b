//! What of a directory may be served.

use percent_encoding::percent_decode_str;
use std::{
    fs::Metadata,
    path::{Component, Path, PathBuf},
    time::UNIX_EPOCH,
};

/// Seconds from 1970 to the year 10000: HTTP knows no date after it, nor before 1970.
const LAST_DATE_S: u64 = 253_402_300_800;

/// Whether a path of a request names a file below `root` that may be served: nothing hidden, no device or pipe, which would hang
/// whoever reads it, nothing that a link leads out to. A directory is served by its index.
pub(super) fn is_media(root: &Path, path: &str) -> bool {
    let Ok(path) = percent_decode_str(path).decode_utf8() else { return false };
    if path.split('/').any(|part| part.starts_with('.')) || path.contains('\0') {
        return false;
    }
    let Ok(root) = root.canonicalize() else { return false };
    let named = root.join(path.trim_start_matches('/'));
    match look(&root, &named) {
        Some((found, about)) if about.is_dir() => {
            look(&root, &found.join("index.html")).is_some_and(|(_, about)| is_file(&about))
        }
        Some((_, about)) => is_file(&about),
        None => false,
    }
}

/// Where a name leads, if that lies below `root` and is not hidden there.
fn look(root: &Path, named: &Path) -> Option<(PathBuf, Metadata)> {
    let found = named.canonicalize().ok()?;
    let hidden = |part: Component<'_>| part.as_os_str().as_encoded_bytes().starts_with(b".");
    let below = found.strip_prefix(root).is_ok_and(|below| !below.components().any(hidden));
    let about = found.metadata().ok().filter(|_| below)?;
    Some((found, about))
}

/// A file whose date can be written into `Last-Modified`: what writes it panics otherwise.
fn is_file(about: &Metadata) -> bool {
    let since = about.modified().ok().and_then(|modified| modified.duration_since(UNIX_EPOCH).ok());
    about.is_file() && since.is_some_and(|since| since.as_secs() < LAST_DATE_S)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs::{self, File},
        os::unix::fs::symlink,
        process::Command,
        time::Duration,
    };

    #[test]
    fn only_files_inside_are_media() {
        let base = std::env::temp_dir().join(format!("headroom-directory-{}", std::process::id()));
        let (root, outside) = (base.join(".www"), base.join("outside"));
        for directory in ["show", "empty", "home", "leak", ".git"] {
            fs::create_dir_all(root.join(directory)).unwrap();
        }
        let inside = ["show/a b.ts", ".secret", ".git/config", "home/index.html", "old.ts", "late.ts"];
        for file in inside.map(|name| root.join(name)).iter().chain([&outside]) {
            fs::write(file, "x").unwrap();
        }
        for (name, date) in [
            ("old.ts", UNIX_EPOCH - Duration::from_secs(86_400)),
            ("late.ts", UNIX_EPOCH + Duration::from_secs(LAST_DATE_S)),
        ] {
            // Some file systems cannot hold such dates.
            let _ = File::options().write(true).open(root.join(name)).unwrap().set_modified(date);
        }
        for (to, name) in [
            (outside.clone(), "show/out.ts"),
            (root.join("show/a b.ts"), "in.ts"),
            (root.join(".secret"), "secret.ts"),
            (root.join(".git"), "git"),
            ("/dev/zero".into(), "zero.ts"),
            (outside, "leak/index.html"),
        ] {
            symlink(to, root.join(name)).unwrap();
        }
        let made = Command::new("mkfifo").arg(root.join("pipe.ts")).status();
        assert!(made.is_ok_and(|status| status.success()), "mkfifo");
        let usual = |name: &str| {
            let modified = fs::metadata(root.join(name)).unwrap().modified().unwrap();
            (UNIX_EPOCH..UNIX_EPOCH + Duration::from_secs(LAST_DATE_S)).contains(&modified)
        };
        for (path, expected) in [
            ("/show/a%20b.ts", true),
            ("/in.ts", true),
            ("/home/", true),
            ("/home", true),
            ("/empty/", false),
            ("/leak/", false),
            ("/show/out.ts", false),
            ("/zero.ts", false),
            ("/pipe.ts", false),
            ("/.secret", false),
            ("/%2esecret", false),
            ("/secret.ts", false),
            ("/.git/config", false),
            ("/git/config", false),
            ("/show/../.secret", false),
            ("/show/%2e%2e/in.ts", false),
            ("/in.ts%00", false),
            ("/%ff", false),
            ("/none", false),
            ("/old.ts", usual("old.ts")),
            ("/late.ts", usual("late.ts")),
        ] {
            assert_eq!(is_media(&root, path), expected, "{path}");
        }
        fs::remove_dir_all(base).unwrap();
    }
}
