//! The house rules that a compiler does not hold, read from the sources of the whole workspace.
//!
//! - Files of a crate import one another without a circle. A module is made of those in its folder, so that its `mod.rs`
//!   imports them closes none.
//! - A file imports only from layers below its own, and only from crates its crate may use: the tables in `layers.rs`.
//! - No file holds more than 600 lines of code, and there are at most seven crates.
//!
//! Imports are `use` declarations and paths in the code, `crate::a::f()` among them, in macros too. A declaration `mod x;`
//! and a re-export of something further down the tree are none: they lead to a name and do not use it. Tests are exempt.
//!
//! It stands in this crate because nothing else has to be built to run it.

mod graph;
mod imports;
mod layers;
mod lines;
mod planted;
mod rules;
mod sources;

use layers::TABLE;
use rules::Report;
use sources::Folder;

/// Issue 11: "≤ 7 crates".
const MAX_CRATES: usize = 7;

#[test]
fn the_house_is_in_order() {
    let workspace = Folder::workspace();
    let crates = workspace.crates();
    assert!(crates.len() <= MAX_CRATES, "more than {MAX_CRATES} crates: {crates:?}");
    let mut report = Report::default();
    for name in &crates {
        report.add(&workspace, name, TABLE);
    }
    assert!(report.files > 300, "only {} files were read", report.files);
    assert_eq!(report.to_string(), "", "the tables are in layers.rs");
}
