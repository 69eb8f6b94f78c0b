//! Agreement with `sfv`, an independent implementation of RFC 9651.

use crate::records::{self, Style};
use headroom_wire::cmcd::{self, Cmcd, Mode, Problem, Version};
use headroom_wire::cmsd;
use proptest::prelude::*;
use sfv::{Dictionary, FieldType, List, Parser};

/// The dictionary as `sfv` writes it, without the spaces behind commas that it puts and CMCD leaves out.
fn rewritten(text: &str) -> String {
    let dictionary: Dictionary = Parser::new(text).parse().unwrap_or_else(|error| panic!("{error} in {text}"));
    let member = |(key, value): (&sfv::Key, &sfv::ListEntry)| {
        let single: Dictionary = [(key.clone(), value.clone())].into_iter().collect();
        single.serialize().unwrap_or_default()
    };
    dictionary.iter().map(member).collect::<Vec<_>>().join(",")
}

/// Pieces of structured fields in no order. Left out are byte sequences and display strings, of which the crate checks
/// only the shape because no key has such a value.
fn scraps() -> impl Strategy<Value = String> {
    let scrap = prop_oneof![
        proptest::sample::select(vec![
            "br",
            "bl",
            "cid",
            "ot",
            "a-b",
            "x",
            "*",
            "=",
            "=",
            "=",
            ",",
            ",",
            ",",
            " ",
            "\t",
            ";",
            ";v",
            ";r=\"0-1\"",
            "(",
            ")",
            "?1",
            "?0",
            "?2",
            "@1",
            "@1.5",
            "\"a\"",
            "\"",
            "\\",
            "\"\\\"\"",
            "1",
            "-1",
            "1.5",
            "1.2345",
            "999999999999999",
            "1000000000000000",
            "-",
            ".",
            "tok",
            "t:/x",
            "A",
            "\u{e9}",
            "\n",
        ])
        .prop_map(str::to_owned),
        "[ -~&&[^:%]]{0,2}",
    ];
    proptest::collection::vec(scrap, 0..12).prop_map(|scraps| scraps.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_we_write_means_the_same_to_sfv(text in records::text(Style::of(Version::V2))) {
        let written = Cmcd::parse_strict(&text).unwrap().to_text().unwrap();
        prop_assert_eq!(rewritten(&written), written);
    }

    #[test]
    fn we_call_the_same_texts_dictionaries(text in scraps()) {
        let theirs = Parser::new(text.as_str()).parse::<Dictionary>().is_ok();
        let findings = cmcd::validate(&text, Mode::Request).unwrap();
        let ours = !findings.iter().any(|finding| matches!(finding.problem, Problem::Syntax(_)));
        prop_assert_eq!(ours, theirs, "{:?}: {:?}", text, findings);
    }

    #[test]
    fn we_call_the_same_texts_lists(text in scraps()) {
        let theirs = Parser::new(text.as_str()).parse::<List>().is_ok();
        prop_assert_eq!(cmsd::parse_dynamic(&text).is_ok(), theirs, "{:?}", text);
    }
}
