//! Headroom between real servers and real players.

mod dashboard;
mod nginx;
mod players;
mod silent;
mod steering;
