//! Holds the documents to what is there: commands, flags, paths, links, targets of the Makefile, settings, variables, problem codes,
//! routes and tests that a document names must exist. Tests only.

mod check;
mod facts;
mod markdown;

use check::faults;
use facts::Facts;
use std::sync::LazyLock;

/// Read once for all tests.
static FACTS: LazyLock<Facts> = LazyLock::new(Facts::of_repository);

/// What was is allowed to be gone; words that are wrong are the point of docs/words.md.
const LEFT_OUT: [&str; 2] = ["CHANGELOG.md", "docs/words.md"];

#[test]
fn documents_name_what_exists() {
    let facts = &*FACTS;
    let documents = facts.texts.iter().filter(|(path, _)| path.ends_with(".md") && !LEFT_OUT.contains(&path.as_str()));
    let found: Vec<String> = documents.flat_map(|(path, text)| faults(facts, path, text)).collect();
    assert!(found.is_empty(), "{} names that do not exist:\n{}", found.len(), found.join("\n"));
}

#[test]
fn every_problem_code_is_documented() {
    let facts = &*FACTS;
    let missing = |code: &&String| !facts.texts["docs/server.md"].contains(&format!("`{code}`"));
    let missing: Vec<_> = facts.codes.iter().filter(missing).collect();
    assert!(facts.codes.len() > 10 && missing.is_empty(), "docs/server.md lacks {missing:?}");
}

/// Each wrong name is found and each right one passes: the check can fail.
#[test]
fn a_wrong_name_is_found() {
    let facts = &*FACTS;
    for (right, wrong, fault) in [
        ("`headroom bench abr`", "`headroom bench abd`", "headroom has no command abd below bench"),
        ("`headroom bench engine|abr`", "`headroom bench engine|abd`", "headroom has no command abd below bench"),
        ("`headroom serve --check`", "`headroom serve --chek`", "headroom serve has no flag --chek"),
        (
            "```\nheadroom doctor   x\n```",
            "```\nheadroom docter   x\n```",
            "headroom has no command docter below headroom",
        ),
        (
            "`target/release/headroom demo`",
            "`target/release/headroom dema`",
            "headroom has no command dema below headroom",
        ),
        ("`--print-config`", "`--print-confik`", "no command has a flag --print-confik"),
        ("`make check`", "`make chek`", "no target chek in the Makefile"),
        ("`cargo test -p headroom-core laws`", "`cargo test -p headroom-kern laws`", "no package headroom-kern"),
        ("`cargo test -p headroom --test it`", "`cargo test -p headroom --test itt`", "no test target itt"),
        ("`scripts/fuzz.sh`", "`scripts/fuss.sh`", "no file scripts/fuss.sh"),
        ("`core/engine`", "`core/motor`", "no file core/motor"),
        ("[a](../README.md)", "[a](../REDME.md)", "no file ../REDME.md"),
        ("[a](../README.md#licence)", "[a](../README.md#license)", "no heading ../README.md#license"),
        ("`control.token_file`", "`control.token_fil`", "no setting control.token_fil"),
        ("`[history]`", "`[histery]`", "no section [histery]"),
        (
            "```toml\n[plan]\ncurrency = \"EUR\"\n```",
            "```toml\n[plan]\ncurency = \"EUR\"\n```",
            "no setting plan.curency",
        ),
        ("`HEADROOM_CONTROL__TOKEN`", "`HEADROOM_CONTROL__TOKE`", "nothing reads HEADROOM_CONTROL__TOKE"),
        ("`HEADROOM_SHARED`", "`HEADROOM_SHARD`", "nothing reads HEADROOM_SHARD"),
        ("503 `overloaded`", "503 `overladen`", "no problem has the code overladen"),
        ("`too_short` (409)", "`too_shirt` (409)", "no problem has the code too_shirt"),
        ("| 404 | `not_found` |", "| 404 | `not_fund` |", "no problem has the code not_fund"),
        ("`GET /v1/sessions/{name}`", "`GET /v1/session/{name}`", "no route GET /v1/session/{name}"),
        ("`documents::a_wrong_name_is_found`", "`documents::a_wrong_name_is_fond`", "no function a_wrong_name_is_fond"),
    ] {
        assert_eq!(faults(facts, "docs/page.md", right), [""; 0]);
        assert_eq!(faults(facts, "docs/page.md", wrong), [format!("docs/page.md:{}: {fault}", line_of(wrong))]);
    }
}

/// Where the wrong name of a case is: in a block behind its fence.
fn line_of(case: &str) -> usize {
    if case.starts_with("```") { 2 } else { 1 }
}
