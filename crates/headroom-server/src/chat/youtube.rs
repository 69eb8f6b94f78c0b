//! Live chats of YouTube, polled with an API key (`liveChatMessages.list`, YouTube Live Streaming API v3).

use super::{entry::channel_and_stream, error::ChatError};
use crate::{
    backoff::Backoff,
    feedback::{Feedback, Message, Sender, Settings},
    metrics::MessageSource,
    tls_client,
};
use axum::body::Body;
use headroom_wire::youtube::{Page, RequestError};
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::{sync::Arc, time::Duration};
use tokio::time::{sleep, timeout};

/// Longest page read: 2,000 messages of 2 kB.
const MAX_PAGE: usize = 4 * 1024 * 1024;
const TIMEOUT: Duration = Duration::from_secs(20);
/// Wait between pages when the answer names none, and the least in any case.
const USUAL_PAUSE: Duration = Duration::from_secs(5);
const LEAST_PAUSE: Duration = Duration::from_millis(200);
/// Quotas are renewed once a day; asking four times an hour costs next to nothing.
const QUOTA_PAUSE: Duration = Duration::from_secs(900);

/// Polls one live chat.
pub(super) struct YouTube {
    base: String,
    key: String,
    chat: String,
    stream: String,
    client: Client<HttpsConnector<HttpConnector>, Body>,
    feedback: Arc<Feedback>,
}

/// What to do after a page that could not be had.
enum RetryPlan {
    Wait(Duration),
    Stop,
}

impl YouTube {
    /// One for each configured chat.
    pub(super) fn all(settings: &Settings, feedback: &Arc<Feedback>) -> Result<Vec<Self>, ChatError> {
        let path = &settings.youtube_key_file;
        let key = match (settings.youtube_key.as_str(), path.as_os_str().is_empty()) {
            ("", false) => std::fs::read_to_string(path)
                .map_err(|source| ChatError::File { path: path.clone(), source })?
                .trim()
                .to_owned(),
            (key, _) => key.to_owned(),
        };
        let mut http = HttpConnector::new();
        http.set_connect_timeout(Some(TIMEOUT));
        http.enforce_http(false);
        let tls = tls_client::client(&settings.ca_file)?;
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config((*tls).clone())
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        let one = |entry: &String| {
            let (chat, stream) = channel_and_stream(entry);
            Self {
                base: settings.youtube_url.trim_end_matches('/').to_owned(),
                key: key.clone(),
                chat: chat.to_owned(),
                stream: stream.to_owned(),
                client: client.clone(),
                feedback: Arc::clone(feedback),
            }
        };
        Ok(settings.youtube_chats.iter().map(one).collect())
    }

    /// Follows the chat until it is over.
    pub(super) async fn follow(self) {
        let mut backoff = Backoff::new();
        let mut token: Option<String> = None;
        // The first page is what was said before we came.
        let mut history = true;
        loop {
            let pause = match self.page(token.as_deref()).await {
                Ok(page) => {
                    backoff.reset();
                    if !std::mem::take(&mut history) {
                        page.items.iter().for_each(|item| self.take(item));
                    }
                    if page.offline_at.is_some() {
                        tracing::info!(chat = self.chat, "the broadcast has ended");
                        return;
                    }
                    token = page.next_page_token.or(token);
                    page.polling_interval_millis.map_or(USUAL_PAUSE, Duration::from_millis).max(LEAST_PAUSE)
                }
                Err(error) => match self.after(error, &mut backoff) {
                    RetryPlan::Wait(pause) => pause,
                    RetryPlan::Stop => return,
                },
            };
            sleep(pause).await;
        }
    }

    async fn page(&self, token: Option<&str>) -> Result<Page, RequestError> {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let mut uri = format!(
            "{}/youtube/v3/liveChat/messages?part=snippet,authorDetails&maxResults=2000&liveChatId={}&key={}",
            self.base,
            encoded(&self.chat),
            encoded(&self.key)
        );
        if let Some(token) = token {
            uri.push_str("&pageToken=");
            uri.push_str(&encoded(token));
        }
        let request = Request::get(uri).header(header::USER_AGENT, concat!("headroom/", env!("CARGO_PKG_VERSION")));
        let request = request.body(Body::empty()).map_err(|_| RequestError::Forbidden)?;
        let whole = async {
            let response = self.client.request(request).await.ok()?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MAX_PAGE).collect().await.ok()?;
            Some((status, body.to_bytes()))
        };
        match timeout(TIMEOUT, whole).await {
            Ok(Some((StatusCode::OK, body))) => Page::parse(&body).map_err(|_| RequestError::Other),
            Ok(Some((status, body))) => Err(RequestError::of(status.as_u16(), &body)),
            Ok(None) | Err(_) => Err(RequestError::Other),
        }
    }

    fn after(&self, error: RequestError, backoff: &mut Backoff) -> RetryPlan {
        let chat = self.chat.as_str();
        match error {
            RequestError::Quota => {
                tracing::warn!(chat, "the quota of the YouTube key is used up; trying again every 15 minutes");
                RetryPlan::Wait(QUOTA_PAUSE)
            }
            RequestError::TooOften | RequestError::Other => {
                let wait = backoff.wait();
                tracing::warn!(chat, ?error, wait_ms = wait.as_millis() as u64, "live chat page");
                RetryPlan::Wait(wait)
            }
            RequestError::Gone => {
                tracing::info!(chat, "the live chat is over or does not exist");
                RetryPlan::Stop
            }
            RequestError::Forbidden => {
                tracing::error!(chat, "the YouTube key is missing, wrong or may not read this chat");
                RetryPlan::Stop
            }
        }
    }

    fn take(&self, item: &headroom_wire::youtube::Item) {
        let Some(text) = item.text() else { return };
        let message = Message {
            stream: self.stream.clone(),
            author: item.author.channel_id.clone(),
            id: item.id.clone(),
            text: text.to_owned(),
            ..Message::default()
        };
        if let Err(refused) = self.feedback.accept(MessageSource::Youtube, message, &Sender::Program) {
            tracing::debug!(%refused, "message");
        }
    }
}
