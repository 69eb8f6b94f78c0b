use super::*;
use serde_json::Value;
use std::collections::BTreeSet;

fn parsed(listener: Listener) -> Value {
    serde_json::from_str(&document(listener)).unwrap()
}

fn operations(document: &Value) -> BTreeSet<(String, String)> {
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, methods): (&String, &Value)| {
        methods.as_object().unwrap().keys().map(|method| (path.clone(), method.clone())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of).collect()
}

#[test]
fn every_path_of_the_public_listener_is_described_and_nothing_else() {
    assert_eq!(operations(&parsed(Listener::Public)), public::operations());
}

#[test]
fn every_reference_leads_somewhere_and_every_operation_has_a_name_of_its_own() {
    fn references<'v>(value: &'v Value, found: &mut BTreeSet<&'v str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    for listener in [Listener::Public, Listener::Control] {
        let document = parsed(listener);
        assert_eq!(document["openapi"], "3.1.0");
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(found.len() > 3, "{found:?}");
        for reference in found {
            assert!(!document.pointer(&reference[1..]).unwrap_or(&Value::Null).is_null(), "{listener:?}: {reference}");
        }
        let names: Vec<&str> = document["paths"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|methods| methods.as_object().unwrap().values())
            .map(|operation| operation["operationId"].as_str().unwrap())
            .collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    }
}

/// What clients are generated from is the file: it must be what the binary serves.
#[test]
fn the_committed_documents_are_current() {
    for (listener, name) in [(Listener::Public, "public.json"), (Listener::Control, "control.json")] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi").join(name);
        let current = document(listener);
        if std::env::var_os("HEADROOM_UPDATE_OPENAPI").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &current).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == current,
            "docs/openapi/{name} is old: HEADROOM_UPDATE_OPENAPI=1 cargo test -p headroom-server api::tests"
        );
    }
}
