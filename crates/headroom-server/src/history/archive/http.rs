//! The HTTP client of the object store: the one the server has anyway, instead of a second one.

use crate::tls_client;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{
    client::legacy::{
        Client,
        connect::{Connect, HttpConnector},
    },
    rt::{TokioExecutor, TokioTimer},
};
use object_store::{
    ClientOptions,
    client::{
        HttpClient, HttpConnector as MakeClient, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
        HttpService,
    },
};
use std::{fmt, path::Path, time::Duration};

/// Time for a request and its answer: a file of some megabytes on a slow line.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Longest answer: a page of a thousand names is a tenth of that.
const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// Makes the client.
#[derive(Debug)]
pub(super) struct Connector {
    /// Without encryption no root certificates are needed, which small containers lack.
    pub(super) encrypted: bool,
}

impl MakeClient for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        if !self.encrypted {
            return Ok(client(HttpConnector::new()));
        }
        let failed = |source| object_store::Error::Generic { store: "S3", source };
        let roots = tls_client::client(Path::new("")).map_err(|error| failed(Box::new(error)))?;
        let connector = HttpsConnectorBuilder::new().with_tls_config((*roots).clone()).https_or_http().enable_http1();
        Ok(client(connector.build()))
    }
}

fn client<C: Connect + Clone + fmt::Debug + Send + Sync + 'static>(connector: C) -> HttpClient {
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(30))
        .build(connector);
    HttpClient::new(Service { client })
}

#[derive(Debug)]
struct Service<C> {
    client: Client<C, HttpRequestBody>,
}

impl<C: Connect + Clone + Send + Sync + 'static> Service<C> {
    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = self.client.request(request).await.map_err(|error| {
            let kind = if error.is_connect() { HttpErrorKind::Connect } else { HttpErrorKind::Request };
            HttpError::new(kind, error)
        })?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let body = body.map_err(|error| HttpError::new_boxed(HttpErrorKind::Decode, error))?;
        Ok(HttpResponse::from_parts(head, Bytes::into(body.to_bytes())))
    }
}

#[async_trait::async_trait]
impl<C: Connect + Clone + fmt::Debug + Send + Sync + 'static> HttpService for Service<C> {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        match tokio::time::timeout(TIMEOUT, self.ask(request)).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(HttpError::new(HttpErrorKind::Timeout, elapsed)),
        }
    }
}
