//! Lines of code of a file: those that hold a token. Comments, documentation, blank lines and tests hold none.

use super::imports::is_test_only;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::BTreeSet;
use syn::spanned::Spanned as _;

/// Lines of code in `text`, whose syntax tree is `file`.
pub(crate) fn lines_of_code(text: &str, file: &syn::File) -> usize {
    let mut lines = BTreeSet::new();
    if let Ok(tokens) = text.parse() {
        collect(tokens, &mut lines);
    }
    for item in file.items.iter().filter(|item| is_test_only(item)) {
        let span = item.span();
        lines.retain(|line| !(span.start().line..=span.end().line).contains(line));
    }
    lines.len()
}

fn collect(tokens: TokenStream, lines: &mut BTreeSet<usize>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if matches!(punct.as_char(), '#' | '!') => {
                let inner = matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() == '!');
                if !inner && tokens.next_if(is_documentation).is_none() {
                    lines.insert(punct.span().start().line);
                }
            }
            TokenTree::Group(group) => {
                if group.delimiter() != Delimiter::None {
                    lines.insert(group.span_open().start().line);
                    lines.insert(group.span_close().start().line);
                }
                collect(group.stream(), lines);
            }
            other => lines.extend(other.span().start().line..=other.span().end().line),
        }
    }
}

/// What a documentation comment becomes: `[doc = "…"]` behind `#` or `#!`.
fn is_documentation(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => {
            matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(name)) if name == "doc")
        }
        _ => false,
    }
}
