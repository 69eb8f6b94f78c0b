//! Laws that hold for every policy, whatever the network says.

mod laws;
mod replay;
