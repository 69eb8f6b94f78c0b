//! The built page, compiled in, with the headers that keep it to itself.

use crate::http::problem::Problem;
use axum::{
    body::Body,
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use std::{hash::Hasher, sync::LazyLock};

const INDEX: &str = include_str!("bundle/index.html");
const SCRIPT: &[u8] = include_bytes!("bundle/assets/app.js");
const STYLE: &[u8] = include_bytes!("bundle/assets/app.css");

/// Scripts, styles and connections of the page's own origin only; no frame around it, no form out of it. Trusted Types
/// leave one way to turn text into markup: the templates that Svelte compiled.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types svelte-trusted-html";

/// What is no page may load nothing at all.
const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// A year, the longest that caches promise (RFC 9111 leaves it open; browsers cut there).
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// One file under a name that changes with its content.
struct Asset {
    name: String,
    content: &'static [u8],
    media_type: &'static str,
}

impl Asset {
    fn new(stem: &str, extension: &str, content: &'static [u8], media_type: &'static str) -> Self {
        let mut hasher = siphasher::sip::SipHasher13::new();
        hasher.write(content);
        Self { name: format!("{stem}.{:016x}.{extension}", hasher.finish()), content, media_type }
    }
}

static ASSETS: LazyLock<[Asset; 2]> = LazyLock::new(|| {
    [
        Asset::new("app", "js", SCRIPT, "text/javascript; charset=utf-8"),
        Asset::new("app", "css", STYLE, "text/css; charset=utf-8"),
    ]
});

/// The page with the names its files have now.
static PAGE: LazyLock<String> = LazyLock::new(|| {
    let [script, style] = &*ASSETS;
    INDEX
        .replace("/assets/app.js", &format!("/assets/{}", script.name))
        .replace("/assets/app.css", &format!("/assets/{}", style.name))
});

/// The dashboard.
#[utoipa::path(
    get,
    path = "/",
    operation_id = "dashboard",
    tag = "pages",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html; charset=utf-8"))
)]
pub(super) async fn index() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
    ];
    (headers, PAGE.as_str()).into_response()
}

/// A file of the dashboard, under a name that changes with its content.
#[utoipa::path(
    get,
    path = "/assets/{file}",
    operation_id = "dashboard_asset",
    tag = "pages",
    params(("file" = String, Path, description = "Its name in the page.")),
    responses((status = 200, description = "The file.", body = String, content_type = "text/javascript"), Problem)
)]
pub(super) async fn asset(Path(file): Path<String>) -> Response {
    match ASSETS.iter().find(|asset| asset.name == file) {
        None => Problem::not_found("no such file").into_response(),
        Some(asset) => {
            let headers = [(header::CONTENT_TYPE, asset.media_type), (header::CACHE_CONTROL, IMMUTABLE)];
            (StatusCode::OK, headers, Body::from(asset.content)).into_response()
        }
    }
}

/// Adds what every answer of the control listener needs: no guessing of types, no copy in a cache, no referrer, no frame.
pub(crate) async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let mut default = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(header::CACHE_CONTROL, "no-store");
    default(header::REFERRER_POLICY, "no-referrer");
    default(header::CONTENT_SECURITY_POLICY, API_POLICY);
    default(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    response
}
