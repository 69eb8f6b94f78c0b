//! The interface as OpenAPI 3.1 documents, one a listener, collected from the very routes that answer.

use crate::{
    control,
    openapi::{Documents, refusal},
    public,
};
use utoipa::{
    PartialSchema,
    openapi::{
        ContactBuilder, InfoBuilder, LicenseBuilder, OpenApi, SecurityRequirement, ServerBuilder,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

/// One of the two listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    /// The document for players and web servers.
    Public,
    /// The document for operators.
    Control,
}

/// What a listener answers, as an OpenAPI 3.1 document in JSON. The same binary always gives the same text.
#[must_use]
pub fn document(listener: Listener) -> String {
    // Only a schema that cannot be written as JSON could fail, and none can be built.
    described(listener).to_pretty_json().map_or_else(|_| String::new(), |text| text + "\n")
}

/// Both documents, made when they are first asked for.
pub(crate) fn documents() -> Documents {
    Documents::new(|| document(Listener::Public), || document(Listener::Control))
}

fn described(listener: Listener) -> OpenApi {
    let (mut described, title, about, address) = match listener {
        Listener::Public => (
            public::described(),
            "Headroom: players and web servers",
            "Reports in, decisions out. Every other path belongs to the edge. Media never waits for, and never fails \
             because of, anything described here.",
            "http://127.0.0.1:8080",
        ),
        Listener::Control => (
            control::described(),
            "Headroom: operators",
            "What is known, what is in force, what was. Roles of tokens: view reads, operate changes, admin reads the audit.",
            "http://127.0.0.1:8081",
        ),
    };
    described.info = InfoBuilder::new()
        .title(title)
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(about))
        .contact(Some(ContactBuilder::new().url(Some(env!("CARGO_PKG_REPOSITORY"))).build()))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    described.servers = Some(vec![ServerBuilder::new().url(address).description(Some("The default address.")).build()]);
    let components = described.components.get_or_insert_default();
    components.schemas.insert("Problem".into(), refusal::Document::schema());
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.security_schemes.insert("bearer".into(), bearer.into());
    // Tokens are needed where the configuration has some.
    described.security =
        Some(vec![SecurityRequirement::default(), SecurityRequirement::new::<_, [&str; 0], &str>("bearer", [])]);
    described
}

#[cfg(test)]
mod tests;
