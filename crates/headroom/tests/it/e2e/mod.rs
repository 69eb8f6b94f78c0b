//! Headroom between real servers and real players.

mod nginx;
mod players;
mod silent;
mod steering;
