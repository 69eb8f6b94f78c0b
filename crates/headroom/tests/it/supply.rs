//! What the binary is made of, as `make sbom` writes it down.

use crate::stack::repository;
use serde_json::Value;
use std::{collections::BTreeSet, process::Command};

fn sbom() -> String {
    let output = Command::new("python3").arg(repository().join("scripts/sbom.py")).output().expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it is text")
}

#[test]
fn every_part_of_the_binary_has_a_name_a_licence_and_a_checksum() {
    let text = sbom();
    let document: Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!((&document["bomFormat"], &document["specVersion"]), (&"CycloneDX".into(), &"1.6".into()));
    let components = document["components"].as_array().expect("there are components");
    let named = |name: &str| components.iter().any(|component| component["name"] == name);
    assert!(named("tokio") && named("rustls") && named("headroom-core"));
    assert!(!named("proptest") && !named("expect-test"), "what only tests need is not in the binary");
    for component in components {
        let name = component["name"].as_str().expect("a name");
        assert!(component["licenses"][0].is_object(), "{name}: {component}");
        assert!(component["purl"].as_str().is_some_and(|purl| purl.starts_with("pkg:cargo/")), "{component}");
        assert!(name.starts_with("headroom-") || component["hashes"][0]["content"].is_string(), "{component}");
    }
    let known: BTreeSet<&str> = components
        .iter()
        .chain([&document["metadata"]["component"]])
        .map(|component| component["bom-ref"].as_str().expect("a reference"))
        .collect();
    for dependency in document["dependencies"].as_array().expect("there are dependencies") {
        for other in dependency["dependsOn"].as_array().expect("a list") {
            assert!(known.contains(other.as_str().expect("a reference")), "{other} is nowhere");
        }
    }
    assert_eq!(text, sbom(), "the same lock file gives the same document");
}
