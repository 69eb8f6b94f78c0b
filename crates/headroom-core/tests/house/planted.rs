//! The checker itself, on small planted trees that break one rule each.

use super::graph::circles;
use super::imports::Crate;
use super::layers::Rules;
use super::rules::Report;
use std::collections::BTreeMap;

/// The upper crate has a top, a middle and a bottom; the lower one has none.
const TABLE: &[Rules] = &[
    Rules { package: "upper", may_use: &["lower"], layers: &[&["lib"], &["top"], &["middle", "beside"], &["bottom"]] },
    Rules { package: "lower", may_use: &[], layers: &[&["lib"]] },
];

const ROOT: &str = "mod top;\nmod middle;\nmod beside;\nmod bottom;\n";

/// Sentences about a crate `upper` with `files` beside its root.
fn report(files: &[(&'static str, &'static str)]) -> String {
    let mut tree = BTreeMap::from([
        ("crates/upper/src/lib.rs", ROOT),
        ("crates/upper/src/top.rs", ""),
        ("crates/upper/src/middle.rs", ""),
        ("crates/upper/src/beside.rs", ""),
        ("crates/upper/src/bottom.rs", ""),
    ]);
    tree.extend(files.iter().copied());
    let mut report = Report::default();
    report.add(&tree, "upper", TABLE);
    report.to_string().replace("crates/upper/src/", "")
}

#[test]
fn imports_that_run_downward_are_in_order() {
    let files = [
        ("crates/upper/src/lib.rs", "mod top;\nmod middle;\nmod beside;\nmod bottom;\npub use top::Top;\n"),
        (
            "crates/upper/src/top.rs",
            "use crate::{bottom::B, middle::{self, M}};\nuse lower::Thing;\nfn f() { middle::g(); }",
        ),
        ("crates/upper/src/middle.rs", "use super::bottom; fn g() -> bottom::B { vec![super::bottom::B] }"),
    ];
    assert_eq!(report(&files), "");
}

#[test]
fn an_import_that_runs_upward_is_found_however_it_is_written() {
    let upward = "bottom.rs imports top.rs, above it in the table\n";
    for text in [
        "use crate::top::T;",
        "use super::{middle_of::X, top::{self as high}};",
        "fn f() { crate::top::f(); }",
        "fn f() { use super::top; top::f(); }",
        "fn f(t: &super::top::T) {}",
        "fn f() { println!(\"{}\", crate::top::NAME); }",
        "macro_rules! m { () => { $crate::top::f() } }",
        "#[serde(with = \"crate::top\")] struct S;",
        "#[derive(crate::top::D)] struct S;",
        "mod inner { fn f() { super::super::top::f() } }",
        "impl S { fn f() { self::super::top::f() } }",
        "use crate::Top;",
        "use crate::*; fn f() { top::f() }",
    ] {
        let root = "pub use top::Top; mod top;\nmod middle;\nmod beside;\nmod bottom;\n";
        let files = [("crates/upper/src/lib.rs", root), ("crates/upper/src/bottom.rs", text)];
        let found = report(&files);
        assert!(found.contains(upward), "{text}: {found}");
    }
}

#[test]
fn tests_may_import_what_they_like() {
    for text in [
        "#[cfg(test)] mod tests { use crate::top::T; }",
        "#[cfg(test)] use crate::top::T;",
        "#[cfg(all(test, unix))] fn f() { crate::top::f() }",
        "#[test] fn f() { crate::top::f() }",
        "/// See [`crate::top`].\nfn f() {}",
        "pub(in crate::top) fn f() {}",
    ] {
        assert_eq!(report(&[("crates/upper/src/bottom.rs", text)]), "", "{text}");
    }
    let compiled = report(&[("crates/upper/src/bottom.rs", "#[cfg(not(test))] use crate::top::T;")]);
    assert_eq!(compiled, "bottom.rs imports top.rs, above it in the table\n");
}

#[test]
fn modules_of_one_layer_do_not_know_one_another() {
    let found = report(&[("crates/upper/src/middle.rs", "use crate::beside::B;")]);
    assert_eq!(found, "middle.rs imports beside.rs, beside it in the table\n");
}

#[test]
fn a_circle_is_found_through_re_exports_and_folders() {
    let files = [
        ("crates/upper/src/bottom.rs", ""),
        ("crates/upper/src/top.rs", "mod a; mod b; pub use a::A; use b::B;"),
        ("crates/upper/src/top/a.rs", "use super::B; pub struct A;"),
        ("crates/upper/src/top/b.rs", "use super::A; pub struct B;"),
    ];
    let expected = "top/a.rs imports top/b.rs in a circle\ntop/b.rs imports top/a.rs in a circle\n";
    assert_eq!(report(&files), expected);
    let files = [
        ("crates/upper/src/top.rs", "mod a; mod b; pub const LIMIT: u8 = 1; fn f() { a::g() }"),
        ("crates/upper/src/top/a.rs", "use super::LIMIT;"),
        ("crates/upper/src/top/b.rs", "use super::LIMIT;"),
    ];
    assert_eq!(report(&files), "", "a module is made of those in its folder");
}

#[test]
fn circles_are_told_apart() {
    let edges = [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("d", "e"), ("e", "d"), ("f", "a")];
    let mut graph = BTreeMap::new();
    for (from, to) in edges {
        let targets: &mut std::collections::BTreeSet<String> = graph.entry(from.to_owned()).or_default();
        targets.insert(to.to_owned());
    }
    assert_eq!(circles(&graph), [vec!["a", "b", "c"], vec!["d", "e"]]);
}

#[test]
fn a_crate_uses_only_those_it_may() {
    let mut report = Report::default();
    let tree = BTreeMap::from([("crates/lower/src/lib.rs", "fn f() { upper::g() }")]);
    report.add(&tree, "lower", TABLE);
    report.add(&tree, "third", TABLE);
    let expected =
        "crates/lower/src/lib.rs imports the crate upper, which lower may not use\nthird is not in the table\n";
    assert_eq!(report.to_string(), expected);
}

#[test]
fn a_file_outside_the_table_or_that_cannot_be_read_is_named() {
    let root = "mod top;\nmod middle;\nmod beside;\nmod bottom;\nmod stray;\nmod missing;\n";
    let found = report(&[("crates/upper/src/lib.rs", root), ("crates/upper/src/stray.rs", "fn (")]);
    assert!(found.contains("stray.rs cannot be parsed"), "{found}");
    assert!(found.contains("missing/mod.rs cannot be read"), "{found}");
    let found = report(&[("crates/upper/src/lib.rs", "mod stray;"), ("crates/upper/src/stray.rs", "")]);
    assert_eq!(found, "stray.rs is in no layer\n");
}

#[test]
fn a_long_file_is_found_by_its_lines_of_code() {
    let long = |lines: usize| -> &'static str { "/// What.\nfn f() {}\n\n// Why.\n".repeat(lines).leak() };
    let text = |lines| [("crates/upper/src/top.rs", long(lines))];
    assert_eq!(report(&text(600)), "");
    assert_eq!(report(&text(601)), "top.rs has 601 lines of code, over 600\n");
    let text = "//! About.\n#[derive(Debug)]\nstruct S {\n    a: u8,\n}\n/* no\ncode */\nconst T: &str = \"one\n\ntwo\";\n\
                #[cfg(test)]\nmod tests {\n    fn f() {}\n}\n";
    let tree = BTreeMap::from([("crates/upper/src/lib.rs", text)]);
    let read = Crate::read(&tree, "crates/upper/src", &[]);
    assert_eq!(read.lines["crates/upper/src/lib.rs"], 7);
}
