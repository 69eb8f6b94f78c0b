//! Parts of the OpenAPI 3.1 documents: how types are described, how refusals are, and the page that shows the documents.

mod page;
pub(crate) mod refusal;
pub(crate) mod schema;

pub(crate) use page::{Documents, pages};
