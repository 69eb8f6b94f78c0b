//! Integration tests of the binary and of everything around it.
//!
//! Tests below `e2e::` need real peers (ffmpeg, nginx, a browser) and the machine to themselves: `make test` runs this program with
//! `--test-threads=1` (scripts/test-runner.sh). Where a peer is missing they say `skipped: …` and pass, unless `HEADROOM_STRICT` is
//! set.

#[cfg(test)]
mod disk;
#[cfg(test)]
mod e2e;
#[cfg(test)]
mod fleet;
#[cfg(test)]
mod link;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod stack;
#[cfg(test)]
mod supply;
#[cfg(test)]
mod text_mode;
#[cfg(test)]
mod trace;
