//! The table of autonomous systems: a file with `prefix,asn,name` a line.
//!
//! Such tables come from routing data that others publish; the file is the operator's. It is read whole before anything
//! listens, and every line must make sense: a table that is half understood would name half the networks wrongly.

use super::prefix::Prefix;
use std::{
    collections::{BTreeMap, HashMap},
    fmt, fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// Bytes of a file: twice what the whole of the Internet's routes needs.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Prefixes of a table.
const MAX_PREFIXES: usize = 2_000_000;

/// Autonomous systems of a table: there are about 80 000 on the Internet.
const MAX_SYSTEMS: usize = 131_072;

/// Characters of a name: it goes into alerts, labels and rows.
const MAX_NAME: usize = 64;

/// Flaws listed one by one; the rest is counted.
const MAX_TOLD: usize = 5;

/// Autonomous systems by the address prefixes they announce.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// `AS64500 Example`, in the order of their first lines.
    pub(super) names: Vec<String>,
    /// Prefixes and the index of their name.
    pub(super) prefixes: BTreeMap<Prefix, u32>,
}

/// Why a table cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The file cannot be read.
    #[error("{path} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system or the parser reports.
        source: io::Error,
    },
    /// It is longer than any table of the Internet.
    #[error("{0} is longer than {MAX_BYTES} bytes")]
    TooLong(PathBuf),
    /// Lines are not as they should be.
    #[error("{path}, {flaws}")]
    Lines {
        /// The file.
        path: PathBuf,
        /// The lines, by number, and what is wrong with each.
        flaws: TableFlaws,
    },
}

/// What is wrong with the lines of a table.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TableFlaws {
    /// The first of them: the number of the line from 1, and the problem.
    pub told: Vec<(usize, String)>,
    /// How many more there are.
    pub more: usize,
}

impl fmt::Display for TableFlaws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (line, problem)) in self.told.iter().enumerate() {
            write!(f, "{}line {line}: {problem}", if index > 0 { "; " } else { "" })?;
        }
        if self.more > 0 {
            write!(f, "; and {} more lines", self.more)?;
        }
        Ok(())
    }
}

impl Table {
    /// Reads a file; an empty path is an empty table.
    ///
    /// # Errors
    /// When it cannot be read, is too long, or a line is not as it should be.
    pub(crate) fn load(path: &Path) -> Result<Self, TableError> {
        if path.as_os_str().is_empty() {
            return Ok(Self::default());
        }
        let mut bytes = Vec::new();
        let read = fs::File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
        read.map_err(|source| TableError::Read { path: path.to_owned(), source })?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(TableError::TooLong(path.to_owned()));
        }
        Self::parse(&bytes).map_err(|flaws| TableError::Lines { path: path.to_owned(), flaws })
    }

    fn parse(bytes: &[u8]) -> Result<Self, TableFlaws> {
        let mut table = Self::default();
        let mut flaws = TableFlaws::default();
        let mut systems = HashMap::new();
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
            let read = std::str::from_utf8(line).map_err(|_| "the line is not UTF-8".to_owned());
            if let Err(problem) = read.and_then(|line| table.take_in(line.trim_end(), &mut systems)) {
                if flaws.told.len() < MAX_TOLD {
                    flaws.told.push((index + 1, problem));
                } else {
                    flaws.more += 1;
                }
            }
        }
        if flaws.told.is_empty() { Ok(table) } else { Err(flaws) }
    }

    fn take_in(&mut self, line: &str, systems: &mut HashMap<u32, u32>) -> Result<(), String> {
        if line.is_empty() || line.starts_with('#') || is_head(line) {
            return Ok(());
        }
        let separator = if line.contains('\t') { '\t' } else { ',' };
        let mut fields = line.splitn(3, separator).map(str::trim);
        let (Some(prefix), Some(number)) = (fields.next(), fields.next()) else {
            return Err("a line is prefix, number and name, with commas or tabs between them".into());
        };
        let prefix: Prefix = prefix.parse()?;
        let digits = number.strip_prefix("AS").or_else(|| number.strip_prefix("as")).unwrap_or(number);
        // 0 belongs to no network (RFC 7607).
        let number = digits.parse().ok().filter(|&number: &u32| number > 0);
        let number = number.ok_or_else(|| format!("{digits:.20}: no number of an autonomous system"))?;
        let name = unquoted(fields.next().unwrap_or_default())?;
        let next = systems.len() as u32;
        let index = *systems.entry(number).or_insert(next);
        if index == next {
            if systems.len() > MAX_SYSTEMS {
                return Err(format!("more than {MAX_SYSTEMS} autonomous systems"));
            }
            self.names.push(if name.is_empty() { format!("AS{number}") } else { format!("AS{number} {name}") });
        }
        if let Some(other) = self.prefixes.insert(prefix.masked(), index).filter(|&other| other != index) {
            let other = self.names.get(other as usize).map_or("", String::as_str);
            return Err(format!("{} belongs to {other} already", String::from(prefix)));
        }
        if self.prefixes.len() > MAX_PREFIXES {
            return Err(format!("more than {MAX_PREFIXES} prefixes"));
        }
        Ok(())
    }
}

/// Whether a line names the columns instead of holding a prefix.
fn is_head(line: &str) -> bool {
    line.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("prefix"))
}

/// A name, without the quotes that a comma in it needs in CSV (RFC 4180).
fn unquoted(field: &str) -> Result<String, String> {
    let inner = field.strip_prefix('"').and_then(|field| field.strip_suffix('"'));
    let name = inner.map_or_else(|| field.to_owned(), |inner| inner.replace("\"\"", "\""));
    if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(format!("a name has at most {MAX_NAME} characters, none of them for control"));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_tabs_heads_quotes_and_comments_are_read() {
        let text = "\u{feff}prefix,asn,name\n# made up\n\n192.0.2.0/24,64500,\"Example, Inc.\"\r\n\
                    2001:db8::/32\tAS64500\tother name\n198.51.100.7/24,as64501\n";
        let table = Table::parse(text.as_bytes()).unwrap();
        assert_eq!(table.names, ["AS64500 Example, Inc.", "AS64501"]);
        let prefixes: Vec<_> = table.prefixes.iter().map(|(&prefix, &index)| (String::from(prefix), index)).collect();
        let expected = [("192.0.2.0/24", 0), ("198.51.100.0/24", 1), ("2001:db8::/32", 0)];
        assert_eq!(prefixes, expected.map(|(prefix, index)| (prefix.to_owned(), index)));
    }

    #[test]
    fn what_is_wrong_is_said_by_line() {
        let long = "x".repeat(65);
        for (line, problem) in [
            ("192.0.2.0/33,1,a", "192.0.2.0/33: the length lies in 0..=32"),
            ("192.0.2.0,1,a", "192.0.2.0: no / before the length"),
            ("192.0.2.0/24", "a line is prefix, number and name, with commas or tabs between them"),
            ("192.0.2.0/24,0,a", "0: no number of an autonomous system"),
            ("192.0.2.0/24,4294967296,a", "4294967296: no number of an autonomous system"),
            ("192.0.2.0/24,1,a\u{7}", "a name has at most 64 characters, none of them for control"),
            (&format!("192.0.2.0/24,1,{long}"), "a name has at most 64 characters, none of them for control"),
            ("203.0.113.9/24,2,a", "203.0.113.9/24 belongs to AS1 a already"),
        ] {
            let flaws = Table::parse(format!("203.0.113.0/24,1,a\n{line}\n").as_bytes()).unwrap_err();
            assert_eq!(flaws.told, [(2, problem.to_owned())], "{line}");
        }
        assert_eq!(Table::parse(b"\xff/24,1,a").unwrap_err().told, [(1, "the line is not UTF-8".to_owned())]);
        let many = Table::parse("x\n".repeat(9).as_bytes()).unwrap_err();
        assert_eq!((many.told.len(), many.more), (5, 4));
        assert!(many.to_string().starts_with("line 1: a line is") && many.to_string().ends_with("and 4 more lines"));
        let error = Table::load(Path::new("/nonexistent/table")).unwrap_err();
        assert_eq!(error.to_string(), "/nonexistent/table cannot be read");
    }
}
