//! What to fetch next, for players that ask before every segment.
//!
//! A cap comes one tick and one segment late and through a player that chooses by itself; an answer to a question comes in
//! time. The question carries what a request carries, CMCD in its query or headers: best the event `rr` of the transfer that
//! has just ended, whose `ttlb` says how long it took. No answer in time means that the player chooses.

use super::state::Public;
use crate::{
    http::{problem::Problem, respond::no_content},
    ingest::RequestContext,
    token::Grant,
};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use headroom_core::decision::Reason;
use http::{HeaderValue, header};
use serde::Serialize;

/// What a player that asked is told.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Advice {
    /// Fetch the largest rung within this bit rate, audio included; as CMSD `mb` counts.
    bitrate_kbps: u64,
    reason: Reason,
    /// The reason as a sentence.
    explanation: String,
}

/// Takes in the report and answers it. 204 where the player knows better: it is starting, or nothing is known of it.
pub(crate) fn next(public: &Public, context: RequestContext<'_>, grant: &Grant) -> Result<Response, Problem> {
    let ingested = public.ingest.handle_request(context, Some(grant), false);
    if !ingested.reported {
        return Err(Problem::malformed("a question for advice carries CMCD, in its query or headers"));
    }
    let mut response = match public.ingest.engines.advise(ingested.session) {
        Some((bitrate, reason)) => {
            // Rounded up: a rung of 1 199.6 kbit/s written as 1199 would be shut out.
            let bitrate_kbps = bitrate.as_bps().div_ceil(1_000);
            Json(Advice { bitrate_kbps, reason, explanation: reason.to_string() }).into_response()
        }
        None => no_content(),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
