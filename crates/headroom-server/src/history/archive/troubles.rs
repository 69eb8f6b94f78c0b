//! Why nothing can be written at the moment.

use headroom_cluster::lock::locked;
use std::sync::Mutex;

/// Why nothing can be written at the moment, by each of the two threads.
#[derive(Default)]
pub(super) struct Troubles {
    pub(super) journal: Mutex<Option<String>>,
    pub(super) files: Mutex<Option<String>>,
}

impl Troubles {
    pub(super) fn first(&self) -> Option<String> {
        [&self.journal, &self.files].into_iter().find_map(|trouble| locked(trouble).clone())
    }
}

/// Notes what went wrong or that it is over, once.
pub(super) fn announce(trouble: &Mutex<Option<String>>, what: &str, now: Option<String>) {
    let mut trouble = locked(trouble);
    match (&*trouble, &now) {
        (Some(_), None) => tracing::info!("{what} of the archive is written again"),
        (known, Some(reason)) if known.as_ref() != Some(reason) => {
            tracing::error!(reason, "{what} of the archive cannot be written");
        }
        _ => {}
    }
    *trouble = now;
}
