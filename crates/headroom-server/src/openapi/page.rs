//! `/docs`: both documents as one page, rendered here, so that it needs no script and nothing from elsewhere.

use crate::http::{problem::Problem, respond::text_response};
use axum::{
    extract::{Path, State},
    response::Response,
};
use http::{HeaderValue, header};
use serde_json::Value;
use std::{
    borrow::Cow,
    fmt::Write,
    sync::{Arc, LazyLock, OnceLock},
};
use utoipa_axum::{router::OpenApiRouter, routes};

const STYLE: &str = include_str!("page.css");

/// The page loads its style and nothing else.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The texts that are shown, each made when it is first asked for.
pub(crate) struct Documents {
    public: LazyLock<String>,
    control: LazyLock<String>,
    page: OnceLock<String>,
}

impl Documents {
    /// What gives the documents of the two listeners, as JSON.
    pub(crate) const fn new(public: fn() -> String, control: fn() -> String) -> Self {
        Self { public: LazyLock::new(public), control: LazyLock::new(control), page: OnceLock::new() }
    }

    fn page(&self) -> &str {
        self.page.get_or_init(|| page(&[("public", &self.public), ("control", &self.control)]))
    }
}

type Shared = State<Arc<Documents>>;

/// The documents and the page.
pub(crate) fn pages() -> OpenApiRouter<Arc<Documents>> {
    OpenApiRouter::default().routes(routes!(show_document)).routes(routes!(show_page)).routes(routes!(show_style))
}

/// The interface as OpenAPI 3.1.
#[utoipa::path(
    get,
    path = "/openapi/{document}",
    operation_id = "openapi",
    tag = "pages",
    params(("document" = String, Path, description = "`control.json` or `public.json`.", example = "control.json")),
    responses((status = 200, description = "The document of one listener.", body = Object), Problem)
)]
async fn show_document(State(documents): Shared, Path(name): Path<String>) -> Result<Response, Problem> {
    let document = match name.as_str() {
        "control.json" => &documents.control,
        "public.json" => &documents.public,
        _ => return Err(Problem::not_found("the documents are control.json and public.json")),
    };
    Ok(text_response("application/json", String::clone(document)))
}

/// The interface as a page.
#[utoipa::path(
    get,
    path = "/docs",
    operation_id = "docs",
    tag = "pages",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html; charset=utf-8"))
)]
async fn show_page(State(documents): Shared) -> Response {
    let mut response = text_response("text/html; charset=utf-8", documents.page().to_owned());
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

/// The style of that page.
#[utoipa::path(
    get,
    path = "/docs/style.css",
    operation_id = "docs_style",
    tag = "pages",
    responses((status = 200, description = "The style.", body = String, content_type = "text/css; charset=utf-8"))
)]
async fn show_style() -> Response {
    text_response("text/css; charset=utf-8", STYLE)
}

fn page(documents: &[(&str, &str)]) -> String {
    let documents: Vec<(&str, Value)> =
        documents.iter().map(|&(name, text)| (name, serde_json::from_str(text).unwrap_or_default())).collect();
    let mut html = String::from(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Headroom API</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><link rel=\"stylesheet\" href=\"/docs/style.css\">\
         </head><body><nav>",
    );
    for (name, document) in &documents {
        let title = escaped(text(&document["info"]["title"]));
        // Writing to a string cannot fail, here and below.
        let _ = write!(html, "<a href=\"#{name}\">{title}</a> <a href=\"/openapi/{name}.json\">JSON</a>");
    }
    html.push_str("</nav><main>");
    for (name, document) in &documents {
        write_document(&mut html, name, document);
    }
    html.push_str("</main></body></html>\n");
    html
}

fn write_document(html: &mut String, name: &str, document: &Value) {
    let info = &document["info"];
    let (title, about) = (escaped(text(&info["title"])), marked(text(&info["description"])));
    let _ = write!(html, "<h1 id=\"{name}\">{title}</h1><p>{about}</p>");
    for (path, operations) in entries(&document["paths"]) {
        for (method, operation) in entries(operations) {
            write_operation(html, name, method, path, operation);
        }
    }
    let _ = write!(html, "<h2>Shapes</h2>");
    for (shape, schema) in entries(&document["components"]["schemas"]) {
        let about = prose(&schema["description"]);
        let _ = write!(html, "<section id=\"{name}-{0}\"><h3>{0}</h3>{about}", escaped(shape));
        write_properties(html, name, schema);
        html.push_str("</section>");
    }
}

fn write_operation(html: &mut String, name: &str, method: &str, path: &str, operation: &Value) {
    let (summary, path) = (marked(text(&operation["summary"])), escaped(path));
    let _ = write!(
        html,
        "<details><summary><b class=\"{method}\">{method}</b> <code>{path}</code> {summary}</summary>{}",
        prose(&operation["description"])
    );
    let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    if !parameters.is_empty() {
        html.push_str("<h4>Parameters</h4><dl>");
        for parameter in parameters {
            let (own, place) = (escaped(text(&parameter["name"])), escaped(text(&parameter["in"])));
            let (kind, about) = (shape(name, &parameter["schema"]), marked(text(&parameter["description"])));
            let _ = write!(html, "<dt><code>{own}</code> {place}, {kind}</dt><dd>{about}</dd>");
        }
        html.push_str("</dl>");
    }
    for (media_type, content) in entries(&operation["requestBody"]["content"]) {
        let (media_type, kind) = (escaped(media_type), shape(name, &content["schema"]));
        let _ = write!(html, "<h4>Body</h4><p><code>{media_type}</code> {kind}</p>");
    }
    html.push_str("<h4>Answers</h4><dl>");
    for (status, answer) in entries(&operation["responses"]) {
        let contents = entries(&answer["content"]);
        let kinds: Vec<String> = contents.map(|(_, content)| shape(name, &content["schema"])).collect();
        let (status, about) = (escaped(status), marked(text(&answer["description"])));
        let _ = write!(html, "<dt><code>{status}</code> {}</dt><dd>{about}</dd>", kinds.join(" or "));
    }
    html.push_str("</dl></details>");
}

fn write_properties(html: &mut String, name: &str, schema: &Value) {
    // What is flattened stands in parts.
    for part in schema["allOf"].as_array().into_iter().flatten() {
        write_properties(html, name, part);
    }
    if let Some(other) = schema["$ref"].as_str() {
        let _ = write!(html, "<p>All of {}.</p>", reference(name, other));
    }
    if schema["properties"].is_null() {
        let _ = write!(html, "<p>{}</p>", shape(name, schema));
        return;
    }
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    html.push_str("<dl>");
    for (property, kind) in entries(&schema["properties"]) {
        let about = marked(text(&kind["description"]));
        let optional = if required.contains(&property) { "" } else { ", optional" };
        let _ =
            write!(html, "<dt><code>{}</code> {}{optional}</dt><dd>{about}</dd>", escaped(property), shape(name, kind));
    }
    html.push_str("</dl>");
}

/// A schema in a few words, with links to the shapes it names.
fn shape(name: &str, schema: &Value) -> String {
    if let Some(other) = schema["$ref"].as_str() {
        return reference(name, other);
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        if let Some(parts) = schema[choice].as_array() {
            let words = if choice == "allOf" { " and " } else { " or " };
            return parts.iter().map(|part| shape(name, part)).collect::<Vec<_>>().join(words);
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        return values
            .iter()
            .map(|value| format!("<code>{}</code>", escaped(text(value))))
            .collect::<Vec<_>>()
            .join(" ");
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(text).collect::<Vec<_>>().join(" or "),
        kind => text(kind).to_owned(),
    };
    let mut words = escaped(&kind).into_owned();
    if !schema["items"].is_null() {
        let _ = write!(words, " of {}", shape(name, &schema["items"]));
    }
    for (bound, word) in [("minimum", "at least"), ("maximum", "at most"), ("maxLength", "characters at most")] {
        if schema[bound].is_number() {
            let _ = write!(words, ", {word} {}", schema[bound]);
        }
    }
    words
}

fn reference(name: &str, other: &str) -> String {
    let other = escaped(other.rsplit('/').next().unwrap_or_default()).into_owned();
    format!("<a href=\"#{name}-{other}\">{other}</a>")
}

fn prose(description: &Value) -> String {
    match text(description) {
        "" => String::new(),
        about => format!("<p>{}</p>", marked(about)),
    }
}

fn entries(object: &Value) -> impl Iterator<Item = (&str, &Value)> {
    object.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Text for an element, in which what stands between backticks is code.
fn marked(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 32);
    for (number, part) in text.split('`').enumerate() {
        let part = escaped(part);
        // Of an odd number of backticks the last begins nothing worth marking, but must not leave an element open.
        let _ = if number % 2 == 1 { write!(html, "<code>{part}</code>") } else { write!(html, "{part}") };
    }
    html
}

/// Text for an element or a quoted attribute.
fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe.into()
}
