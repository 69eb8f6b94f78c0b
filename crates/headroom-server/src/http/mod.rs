//! What every handler of HTTP uses: refusals, plain answers, pages, batches, cross-origin headers, CMSD.

pub(crate) mod batch;
pub(crate) mod cmsd;
pub(crate) mod cors;
pub(crate) mod health;
pub(crate) mod page;
pub(crate) mod problem;
pub(crate) mod respond;
