//! A WebSocket at `/v1/feedback`: one message a text frame, as `POST` takes it.

use super::{hub::Feedback, message::Sender};
use crate::{
    clients::{Bucket, ConnectionPermit},
    http::problem::Problem,
    metrics::{MessageSource, ShedKind},
    token::Grant,
};
use axum::{
    body::Body,
    extract::{
        FromRequestParts, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    response::Response,
};
use http::Request;
use hyper::body::Incoming;
use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::OwnedSemaphorePermit;

/// Longest frame and message.
const MAX_BYTES: usize = 64 * 1024;
/// A socket that says nothing for this long is closed.
const IDLE: Duration = Duration::from_secs(600);
/// A client that does not read an answer within this time is disconnected.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

impl Feedback {
    /// Turns a request into a socket.
    pub(crate) async fn open_socket(
        self: &Arc<Self>,
        request: Request<Incoming>,
        bearer: (Grant, Sender),
        client: IpAddr,
    ) -> Result<Response, Problem> {
        let (mut parts, _) = request.into_parts();
        let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &());
        let upgrade = upgrade.await.map_err(|rejection| Problem::malformed(rejection.body_text()))?;
        let Ok(permit) = Arc::clone(&self.sockets).try_acquire_owned() else {
            self.metrics().shed(ShedKind::Subscriber);
            return Err(Problem::overloaded("too many sockets are open"));
        };
        let Some(share) = self.socket_clients.connect(client) else {
            self.metrics().shed(ShedKind::Client);
            return Err(Problem::too_many_requests("this address has as many sockets as it may have"));
        };
        let feedback = Arc::clone(self);
        let upgrade = upgrade.max_message_size(MAX_BYTES).max_frame_size(MAX_BYTES).write_buffer_size(0);
        Ok(upgrade.on_upgrade(move |socket| feedback.listen(socket, bearer, (permit, share))).map(Body::new))
    }

    async fn listen(
        self: Arc<Self>,
        mut socket: WebSocket,
        (grant, sender): (Grant, Sender),
        _permits: (OwnedSemaphorePermit, ConnectionPermit),
    ) {
        // So many a second, and a second's worth at once.
        let per_s = f64::from(self.settings.socket_messages_per_s);
        let mut allowance = Bucket::full(per_s, Instant::now());
        loop {
            let received = tokio::select! {
                received = tokio::time::timeout(IDLE, socket.recv()) => received,
                () = self.shutdown.cancelled() => return,
            };
            let text = match received {
                Ok(Some(Ok(Message::Text(text)))) => text,
                Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => continue,
                // Binary frames, errors, the end and silence all end it.
                _ => return,
            };
            if grant.expires_s().is_some_and(|expires_s| expires_s <= self.ingest.now_s()) {
                return;
            }
            if !allowance.take(per_s, per_s, Instant::now()) {
                self.metrics().shed(ShedKind::Message);
                continue;
            }
            let Err(problem) = self.accept_json(MessageSource::Socket, text.as_bytes(), &grant, &sender) else {
                continue;
            };
            let answer = Message::Text(problem.body().into());
            match tokio::time::timeout(SEND_TIMEOUT, socket.send(answer)).await {
                Ok(Ok(())) => {}
                _ => return,
            }
        }
    }
}
