//! Laws that hold for every policy, whatever the network says, and rules shared with the player agent.

mod client_rules;
mod laws;
mod replay;
