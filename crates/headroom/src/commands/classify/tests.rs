use super::input::{Broken, Format, Message, Messages};
use serde_json::json;
use std::io::BufReader;

fn messages(input: &[u8], format: Format) -> Vec<Result<Message, Broken>> {
    let mut messages = Messages::new(BufReader::with_capacity(7, input), format);
    std::iter::from_fn(|| messages.next().unwrap()).collect()
}

fn texts(input: &[u8]) -> Vec<String> {
    messages(input, Format::Auto).into_iter().map(|message| message.unwrap().text).collect()
}

#[test]
fn formats_are_told_apart_by_the_first_line() {
    assert_eq!(texts(b"one\ntwo\r\n\nfour"), ["one", "two", "", "four"]);
    assert_eq!(texts(b"label\ttext\nneg\tone\npos\ttwo\n"), ["one", "two"]);
    assert_eq!(texts(b"{\"text\":\"one\"}\n\n{\"text\":\"two\"}"), ["one", "two"]);
    assert_eq!(texts(b""), [""; 0]);
}

#[test]
fn other_keys_stay() {
    let found = messages(b"id\ttext\tx\n7\thello\t\n", Format::Auto);
    let expected = Message { text: "hello".into(), keys: json!({"id": "7", "x": ""}).as_object().unwrap().clone() };
    assert_eq!(found, [Ok(expected)]);
}

#[test]
fn a_broken_line_leaves_the_others() {
    let found = messages(b"{\"text\":\"a\"}\n{\"text\":\n{\"text\":1}\n[]\n{}\n{\"text\":\"b\"}\n", Format::Auto);
    let lines: Vec<_> = found.iter().map(|message| message.as_ref().map_err(|broken| broken.line)).collect();
    assert_eq!(lines.iter().filter_map(|line| line.err()).collect::<Vec<_>>(), [2, 3, 4, 5]);
    assert_eq!(lines.iter().filter(|line| line.is_ok()).count(), 2);
    let rows = messages(b"id\ttext\n1\ta\tb\n2\tc\n", Format::Auto);
    assert_eq!(rows[0], Err(Broken { line: 2, reason: "3 cells under a header of 2".into() }));
    assert!(rows[1].is_ok());
}

#[test]
fn no_line_is_too_long_and_no_byte_too_strange() {
    let mut input = vec![b'x'; 6 << 20];
    input.extend_from_slice(b"\nnext\n\xff\xfe\x00\x1b[2J\n");
    let found = texts(&input);
    assert_eq!(found.iter().map(String::len).collect::<Vec<_>>(), [4 << 20, 4, 11]);
}
