//! The dashboard: a page inside the binary, and what feeds it.
//!
//! The page (`bundle/`) is built from `web/` and committed, so that building Headroom needs cargo alone. It reads one
//! stream of aggregated frames (`live`), pages of streams and sessions, and the timeline of a session someone looks at.

mod assets;
mod fleet;
mod live;
mod router;
pub(crate) mod session;
mod timeline;
mod why;

pub(crate) use self::{
    assets::harden,
    live::Live,
    router::{api, page},
};
