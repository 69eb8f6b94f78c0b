//! Headroom between real servers and real players.

mod api;
mod budget;
mod dashboard;
mod drift;
mod killed;
mod modes;
mod nginx;
mod players;
mod security;
mod silent;
mod steering;
