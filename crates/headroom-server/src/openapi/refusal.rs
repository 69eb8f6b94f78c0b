//! How every refusal is described: RFC 9457 problem details with one of the stable codes.

use crate::http::problem::Problem;
use std::collections::BTreeMap;
use utoipa::{
    IntoResponses, PartialSchema, ToSchema,
    openapi::{
        ContentBuilder, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder,
        schema::{Schema, Type},
    },
};

/// The document of a refusal.
pub(crate) struct Document;

impl PartialSchema for Document {
    fn schema() -> RefOr<Schema> {
        let text = |about: &str| ObjectBuilder::new().schema_type(Type::String).description(Some(about));
        let codes = Problem::CODES.iter().map(|(code, _)| *code);
        ObjectBuilder::new()
            .description(Some("RFC 9457 problem details."))
            .property("type", text("`urn:headroom:problem:` and the code."))
            .property("title", text("The status in words."))
            .property("status", ObjectBuilder::new().schema_type(Type::Integer))
            .property("code", text("Stable: programs can match on it.").enum_values(Some(codes)))
            .property("detail", text("What is wrong with this request, for people."))
            .required("type")
            .required("title")
            .required("status")
            .required("code")
            .required("detail")
            .into()
    }
}

impl ToSchema for Document {}

impl IntoResponses for Problem {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let refusal = |about: &str| {
            let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
            ResponseBuilder::new().description(about).content("application/problem+json", content).build().into()
        };
        BTreeMap::from([
            ("4XX".to_owned(), refusal("Refused: see `code`.")),
            ("5XX".to_owned(), refusal("Not now: see `code`.")),
        ])
    }
}
