//! Messages out of lines, TSV or NDJSON.

use clap::ValueEnum;
use serde_json::{Map, Value};
use std::io::{self, BufReader, Read};

use super::BufRead as _;

/// Longest line kept, in bytes: room for a message of a megabyte with its escapes. What follows is dropped.
const MAX_LINE: usize = 4 << 20;

/// How messages are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Format {
    /// By the first line.
    Auto,
    /// One message a line.
    Plain,
    /// Columns parted by tabs, named in the first line, one of them `text`; no quoting.
    Tsv,
    /// One JSON object a line with the key `text`.
    Ndjson,
}

/// One message with what came beside it.
#[derive(Debug, PartialEq)]
pub(super) struct Message {
    pub(super) text: String,
    pub(super) keys: Map<String, Value>,
}

/// A line that holds no message.
#[derive(Debug, PartialEq)]
pub(super) struct Broken {
    /// Counted from 1.
    pub(super) line: u64,
    pub(super) reason: String,
}

/// Reads messages one by one, in bounded memory.
pub(super) struct Messages<R> {
    reader: BufReader<R>,
    format: Format,
    columns: Vec<String>,
    line: u64,
}

impl<R: Read> Messages<R> {
    pub(super) fn new(reader: BufReader<R>, format: Format) -> Self {
        Self { reader, format, columns: Vec::new(), line: 0 }
    }

    /// Whether another line can be had without waiting.
    pub(super) fn has_line(&self) -> bool {
        self.reader.buffer().contains(&b'\n')
    }

    /// The next message, `None` at the end of the input. Bytes that are no UTF-8 become U+FFFD.
    pub(super) fn next(&mut self) -> io::Result<Option<Result<Message, Broken>>> {
        while let Some((bytes, is_cut)) = self.next_line()? {
            self.line += 1;
            let line = String::from_utf8_lossy(&bytes);
            let line = line.strip_suffix('\r').unwrap_or(&line);
            if self.line == 1 {
                let line = line.strip_prefix('\u{feff}').unwrap_or(line);
                self.format = settled(self.format, line);
                if self.format == Format::Tsv {
                    self.columns = line.split('\t').map(str::to_owned).collect();
                    if !self.columns.iter().any(|column| column == "text") {
                        return self.broken("the header names no column `text`");
                    }
                    continue;
                }
            }
            return match self.format {
                Format::Ndjson if is_cut => self.broken("longer than 4 MiB"),
                Format::Ndjson if line.trim().is_empty() => continue,
                Format::Ndjson => Ok(Some(object(line).map_err(|reason| Broken { line: self.line, reason }))),
                Format::Tsv => Ok(Some(self.row(line))),
                Format::Plain | Format::Auto => Ok(Some(Ok(Message { text: line.to_owned(), keys: Map::new() }))),
            };
        }
        Ok(None)
    }

    fn broken(&self, reason: &str) -> io::Result<Option<Result<Message, Broken>>> {
        Ok(Some(Err(Broken { line: self.line, reason: reason.to_owned() })))
    }

    fn row(&self, line: &str) -> Result<Message, Broken> {
        let cells: Vec<&str> = line.split('\t').collect();
        if cells.len() != self.columns.len() || !self.columns.iter().any(|column| column == "text") {
            let reason = format!("{} cells under a header of {}", cells.len(), self.columns.len());
            return Err(Broken { line: self.line, reason });
        }
        let (mut text, mut keys) = (String::new(), Map::new());
        for (column, cell) in self.columns.iter().zip(cells) {
            if column == "text" {
                cell.clone_into(&mut text);
            } else {
                keys.insert(column.clone(), cell.into());
            }
        }
        Ok(Message { text, keys })
    }

    /// Bytes up to the next line feed, and whether some were dropped; `None` at the end.
    fn next_line(&mut self) -> io::Result<Option<(Vec<u8>, bool)>> {
        let (mut line, mut is_cut, mut any) = (Vec::new(), false, false);
        loop {
            let buffer = match self.reader.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if buffer.is_empty() {
                return Ok(any.then_some((line, is_cut)));
            }
            any = true;
            let end = buffer.iter().position(|&byte| byte == b'\n');
            let part = &buffer[..end.unwrap_or(buffer.len())];
            let kept = part.len().min(MAX_LINE - line.len());
            line.extend_from_slice(&part[..kept]);
            is_cut |= kept < part.len();
            let used = part.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_some() {
                return Ok(Some((line, is_cut)));
            }
        }
    }
}

fn settled(format: Format, first: &str) -> Format {
    match format {
        Format::Auto if first.trim_start().starts_with('{') => Format::Ndjson,
        Format::Auto if first.split('\t').any(|column| column == "text") && first.contains('\t') => Format::Tsv,
        Format::Auto => Format::Plain,
        given => given,
    }
}

fn object(line: &str) -> Result<Message, String> {
    let value: Value =
        serde_json::from_str(line.trim_start_matches('\u{feff}')).map_err(|error| format!("no JSON: {error}"))?;
    let Value::Object(mut keys) = value else {
        return Err("no JSON object".into());
    };
    match keys.remove("text") {
        Some(Value::String(text)) => Ok(Message { text, keys }),
        Some(_) => Err("the key `text` holds no string".into()),
        None => Err("no key `text`".into()),
    }
}
