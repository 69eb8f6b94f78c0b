//! Lists come in pages, and say by their entity tag whether they changed.

use super::problem::Problem;
use axum::{
    extract::{Query, rejection::QueryRejection},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

/// Most items on a page of a list.
pub(crate) const MAX_PAGE: usize = 1_000;
const DEFAULT_PAGE: usize = 100;

/// Which part of a list.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// Items to skip.
    #[serde(default)]
    offset: usize,
    /// Items at most; 100 without it.
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<usize>,
}

impl PageQuery {
    pub(crate) fn of(query: Result<Query<Self>, QueryRejection>) -> Result<(usize, usize), Problem> {
        let Query(window) = query.map_err(|error| Problem::malformed(error.to_string()))?;
        let limit = window.limit.unwrap_or(DEFAULT_PAGE);
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(Problem::out_of_range(format!("limit {limit} is outside 1..={MAX_PAGE}")));
        }
        Ok((window.offset, limit))
    }
}

/// Part of a list.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Page<T> {
    /// Items there are.
    pub(crate) total: usize,
    /// Items skipped.
    pub(crate) offset: usize,
    pub(crate) items: Vec<T>,
}

impl<T: Serialize> Page<T> {
    /// The part of a whole list that `query` asks for.
    ///
    /// # Errors
    /// When it asks for no part of a list.
    pub(crate) fn of(
        all: impl Iterator<Item = T>,
        query: Result<Query<PageQuery>, QueryRejection>,
    ) -> Result<Self, Problem> {
        let (offset, limit) = PageQuery::of(query)?;
        let mut total = 0;
        let items = all.inspect(|_| total += 1).enumerate();
        let items = items.filter(|(index, _)| (offset..offset.saturating_add(limit)).contains(index));
        let items = items.map(|(_, item)| item).collect();
        Ok(Self { total, offset, items })
    }

    /// The page, or 304 when the asker has it already.
    pub(crate) fn answer(&self, asked: &HeaderMap) -> Response {
        tagged(self, asked)
    }
}

/// `value` as JSON under the entity tag of its bytes, or 304 when `asked` names that tag (RFC 9110 §13.1.2).
pub(crate) fn tagged(value: &impl Serialize, asked: &HeaderMap) -> Response {
    let Ok(body) = serde_json::to_vec(value) else {
        return Problem::not_ready("the answer cannot be written").into_response();
    };
    let mut hasher = SipHasher13::new();
    hasher.write(&body);
    let tag = format!("\"{:016x}\"", hasher.finish());
    let known = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let fresh = known.flat_map(|value| value.split(',')).any(|known| {
        let known = known.trim();
        known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag
    });
    let tag = HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"\""));
    let headers = [(header::ETAG, tag), (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))];
    match fresh {
        true => (StatusCode::NOT_MODIFIED, headers).into_response(),
        false => {
            let media_type = HeaderValue::from_static("application/json");
            (headers, [(header::CONTENT_TYPE, media_type)], body).into_response()
        }
    }
}
