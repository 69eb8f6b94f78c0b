//! Headroom between real servers and real players.

mod api;
mod bench_players;
mod budget;
mod dashboard;
mod drift;
mod fail_open;
mod killed;
mod modes;
mod nginx;
mod origins;
mod players;
mod security;
mod silent;
mod steering;
