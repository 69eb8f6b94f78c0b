//! Requests that a connection is at: from their head until the last byte of the answer.

use axum::{
    body::{Body, Bytes},
    response::Response,
};
use http_body::{Frame, SizeHint};
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

/// Counts them for one connection.
#[derive(Clone, Default)]
pub(crate) struct OpenRequests(Arc<Counts>);

#[derive(Default)]
struct Counts {
    begun: AtomicU64,
    ended: AtomicU64,
}

impl OpenRequests {
    /// One more.
    pub(crate) fn one(&self) -> OpenRequest {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        OpenRequest(Arc::clone(&self.0))
    }

    /// How many are open, and how many have begun so far.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let begun = self.0.begun.load(Ordering::Relaxed);
        (begun.saturating_sub(self.0.ended.load(Ordering::Relaxed)), begun)
    }
}

/// One of them; over when dropped.
pub(crate) struct OpenRequest(Arc<Counts>);

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

impl OpenRequest {
    /// Lets it last until the answer is sent.
    pub(crate) fn until_sent(self, response: Response) -> Response {
        response.map(|body| Body::new(HeldBody { body, _request: self }))
    }
}

struct HeldBody {
    body: Body,
    _request: OpenRequest,
}

impl http_body::Body for HeldBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_is_open_until_its_answer_is_read() {
        let open = OpenRequests::default();
        let response = open.one().until_sent(Response::new(Body::from("abc")));
        assert_eq!(open.counts(), (1, 1));
        assert_eq!(axum::body::to_bytes(response.into_body(), 9).await.unwrap(), "abc");
        drop(open.one());
        assert_eq!(open.counts(), (0, 2));
    }
}
