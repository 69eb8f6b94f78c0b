//! One integration binary: checks against independent implementations and public data.

#[cfg(test)]
mod audience;
#[cfg(test)]
mod pensieve_reference;
#[cfg(test)]
mod sabre_reference;
#[cfg(test)]
mod shared;
