//! Schemas of types that are written as several structures in one object.

use utoipa::openapi::{
    RefOr,
    schema::{ObjectBuilder, Schema},
};

/// One object out of several: the schema of what is flattened into each other.
pub(crate) fn merge(about: &str, parts: impl IntoIterator<Item = RefOr<Schema>>) -> RefOr<Schema> {
    let mut whole = ObjectBuilder::new().description(Some(about)).build();
    for part in parts {
        let RefOr::T(Schema::Object(part)) = part else { continue };
        whole.properties.extend(part.properties);
        for name in part.required {
            if !whole.required.contains(&name) {
                whole.required.push(name);
            }
        }
    }
    whole.into()
}

/// Declares the schema of a type that is written as several structures in one object.
macro_rules! merged {
    ($type:ident: $about:literal = $($part:ident),+) => {
        $crate::openapi::schema::merged!($type: $about = $($part),+; name stringify!($type));
    };
    ($type:ident: $about:literal = $($part:ident),+; name $name:expr) => {
        impl utoipa::PartialSchema for $type {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                $crate::openapi::schema::merge($about, [$(<$part as utoipa::PartialSchema>::schema()),+])
            }
        }

        impl utoipa::ToSchema for $type {
            fn name() -> std::borrow::Cow<'static, str> {
                std::borrow::Cow::Borrowed($name)
            }

            fn schemas(
                schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>,
            ) {
                $(<$part as utoipa::ToSchema>::schemas(schemas);)+
            }
        }
    };
}
pub(crate) use merged;
