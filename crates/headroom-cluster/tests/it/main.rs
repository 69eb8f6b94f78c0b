//! Shards seen from outside: what their watchers learn.

mod watchers;
