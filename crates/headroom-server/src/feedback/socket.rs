//! A WebSocket at `/v1/feedback`: one message a text frame, as `POST` takes it.

use super::Feedback;
use crate::{
    metrics::{MessageSource, Shed},
    problem::Problem,
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
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::OwnedSemaphorePermit;

/// Longest frame and message.
const MAX_BYTES: usize = 64 * 1024;
/// A socket that says nothing for this long is closed.
const IDLE: Duration = Duration::from_secs(600);
/// Who does not read the answers for this long is cut off.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

impl Feedback {
    /// Turns a request into a socket.
    pub(crate) async fn open_socket(self: &Arc<Self>, request: Request<Incoming>) -> Result<Response, Problem> {
        let (mut parts, _) = request.into_parts();
        let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &());
        let upgrade = upgrade.await.map_err(|rejection| Problem::malformed(rejection.body_text()))?;
        let Ok(permit) = Arc::clone(&self.sockets).try_acquire_owned() else {
            self.metrics().shed(Shed::Subscriber);
            return Err(Problem::overloaded("too many sockets are open"));
        };
        let feedback = Arc::clone(self);
        let upgrade = upgrade.max_message_size(MAX_BYTES).max_frame_size(MAX_BYTES).write_buffer_size(0);
        Ok(upgrade.on_upgrade(move |socket| feedback.listen(socket, permit)).map(Body::new))
    }

    async fn listen(self: Arc<Self>, mut socket: WebSocket, _permit: OwnedSemaphorePermit) {
        let mut allowance = Allowance::new(self.settings.socket_messages_per_s);
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
            if !allowance.take() {
                self.metrics().shed(Shed::Message);
                continue;
            }
            let Err(problem) = self.hear_json(MessageSource::Socket, text.as_bytes()) else { continue };
            let answer = Message::Text(problem.body().into());
            match tokio::time::timeout(SEND_TIMEOUT, socket.send(answer)).await {
                Ok(Ok(())) => {}
                _ => return,
            }
        }
    }
}

/// Messages a socket may send: so many a second, and a second's worth at once.
struct Allowance {
    per_s: f64,
    left: f64,
    at: Instant,
}

impl Allowance {
    fn new(per_s: u32) -> Self {
        Self { per_s: f64::from(per_s), left: f64::from(per_s), at: Instant::now() }
    }

    fn take(&mut self) -> bool {
        let now = Instant::now();
        self.left = (self.left + now.duration_since(self.at).as_secs_f64() * self.per_s).min(self.per_s);
        self.at = now;
        let allowed = self.left >= 1.0;
        self.left -= f64::from(u8::from(allowed));
        allowed
    }
}
