//! Headroom between real servers and real players.

mod api;
mod dashboard;
mod nginx;
mod players;
mod security;
mod silent;
mod steering;
