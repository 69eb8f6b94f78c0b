//! Tokens of the control listener: read from files, read again when those change.

use super::{role::Role, settings::Settings};
use crate::{constant_time::same, reload::Reloadable};
use headroom_cluster::lock::{read_locked, write_locked};
use http::{HeaderMap, header};
use std::{
    error::Error,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
};

/// Tokens at most: each request is compared with all of them.
const MAX_TOKENS: usize = 256;

/// Shortest token of a tokens file: 128 bits as hexadecimal digits are 32.
const SHORTEST_TOKEN: usize = 16;

/// Why tokens cannot be used; none of it holds one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokensError {
    /// A file cannot be read.
    #[error("{path} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system or the parser reports.
        source: io::Error,
    },
    /// A line is not as it should be.
    #[error("{path}, {problem}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The number of the line, and what is wrong with it.
        problem: String,
    },
    /// A token could be guessed, or is none.
    #[error("{0}: a token has at least {SHORTEST_TOKEN} characters and no blanks")]
    Weak(PathBuf),
    /// A file holds no token.
    #[error("{0} is empty")]
    Empty(PathBuf),
}

/// The tokens in force.
#[derive(Default)]
pub(crate) struct Tokens {
    /// From the environment: good as long as the process runs.
    fixed: String,
    token_file: PathBuf,
    tokens_file: PathBuf,
    held: RwLock<Arc<Vec<Token>>>,
}

/// One of them.
struct Token {
    name: String,
    role: Role,
    secret: String,
}

impl Tokens {
    /// Those of the settings.
    ///
    /// # Errors
    /// When a file cannot be read, holds none, or a line is wrong.
    pub(crate) fn load(settings: &Settings) -> Result<Self, TokensError> {
        let tokens = Self {
            fixed: settings.token.clone(),
            token_file: settings.token_file.clone(),
            tokens_file: settings.tokens_file.clone(),
            held: RwLock::default(),
        };
        let read = tokens.read()?;
        tokens.hold(read);
        Ok(tokens)
    }

    fn read(&self) -> Result<Vec<Token>, TokensError> {
        let mut read = Vec::new();
        let single = |secret: &str| Token { name: "token".into(), role: Role::Admin, secret: secret.to_owned() };
        if !self.fixed.is_empty() {
            read.push(single(whole(&self.fixed).ok_or(TokensError::Weak("control.token".into()))?));
        } else if let Some(text) = text_of(&self.token_file)? {
            read.push(single(whole(&text).ok_or_else(|| TokensError::Weak(self.token_file.clone()))?));
        }
        if let Some(text) = text_of(&self.tokens_file)? {
            let before = read.len();
            parse(&text, &mut read).map_err(|problem| TokensError::Line { path: self.tokens_file.clone(), problem })?;
            if read.len() == before {
                return Err(TokensError::Empty(self.tokens_file.clone()));
            }
        }
        Ok(read)
    }

    fn hold(&self, read: Vec<Token>) {
        *write_locked(&self.held) = Arc::new(read);
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        read_locked(&self.held).is_empty()
    }

    /// The name and role of a token. Every known token is compared, so that the time taken reveals nothing.
    pub(super) fn find(&self, sent: &[u8]) -> Option<(String, Role)> {
        let held = Arc::clone(&read_locked(&self.held));
        let found = held
            .iter()
            .fold(None, |found, token| if same(sent, token.secret.as_bytes()) { Some(token) } else { found });
        found.map(|token| (token.name.clone(), token.role))
    }
}

impl Reloadable for Tokens {
    fn files(&self) -> Vec<PathBuf> {
        [&self.token_file, &self.tokens_file].into_iter().filter(|file| !file.as_os_str().is_empty()).cloned().collect()
    }

    fn reload(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.hold(self.read()?);
        Ok(())
    }
}

/// The token a request carries, as `Authorization: Bearer`.
pub(super) fn carried(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get(header::AUTHORIZATION)?.as_bytes().strip_prefix(b"Bearer ").filter(|token| !token.is_empty())
}

/// A token without the blanks around it; `None` when it is too short or has others.
fn whole(text: &str) -> Option<&str> {
    let token = text.trim();
    (token.len() >= SHORTEST_TOKEN && !token.contains(|letter: char| letter.is_whitespace() || letter.is_control()))
        .then_some(token)
}

/// A file's text; `None` where none is named.
fn text_of(path: &Path) -> Result<Option<String>, TokensError> {
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    let text = fs::read_to_string(path).map_err(|source| TokensError::Read { path: path.to_owned(), source })?;
    if text.trim().is_empty() { Err(TokensError::Empty(path.to_owned())) } else { Ok(Some(text)) }
}

/// Adds the tokens of a text: a line for each, `name role token`; `#` begins a comment. A problem names the line, never the
/// token.
fn parse(text: &str, tokens: &mut Vec<Token>) -> Result<(), String> {
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |problem: &str| format!("line {}: {problem}", index + 1);
        let parts: Vec<&str> = line.split_whitespace().collect();
        let [name, role, secret] = parts[..] else { return Err(wrong("not name, role and token")) };
        let role = match role {
            "view" => Role::View,
            "operate" => Role::Operate,
            "admin" => Role::Admin,
            _ => return Err(wrong("the role is view, operate or admin")),
        };
        if secret.len() < SHORTEST_TOKEN || tokens.len() >= MAX_TOKENS {
            return Err(wrong("the token is shorter than 16 characters, or there are too many"));
        }
        tokens.push(Token { name: name.to_owned(), role, secret: secret.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn tokens_are_read_and_flaws_named_without_them() {
        let tokens = Tokens::default();
        let mut read = Vec::new();
        parse("# who\nann admin 0123456789abcdef\n\n bob view  fedcba9876543210\n", &mut read).unwrap();
        tokens.hold(read);
        let mut headers = HeaderMap::new();
        for (sent, expected) in [
            ("Bearer 0123456789abcdef", Some(("ann".to_owned(), Role::Admin))),
            ("Bearer fedcba9876543210", Some(("bob".to_owned(), Role::View))),
            ("Bearer fedcba987654321", None),
            ("Bearer ", None),
            ("fedcba9876543210", None),
        ] {
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(sent));
            assert_eq!(carried(&headers).and_then(|sent| tokens.find(sent)), expected, "{sent}");
        }
        for wrong in ["ann 0123456789abcdef", "ann root 0123456789abcdef", "ann view secret"] {
            let problem = parse(wrong, &mut Vec::new()).unwrap_err();
            assert!(
                problem.starts_with("line 1") && !problem.contains("secret") && !problem.contains("0123"),
                "{problem}"
            );
        }
    }

    #[test]
    fn files_that_cannot_be_used_change_nothing() {
        let path = std::env::temp_dir().join(format!("headroom-tokens-{}", std::process::id()));
        fs::write(&path, "ann view 0123456789abcdef\n").unwrap();
        let tokens = Tokens::load(&Settings { tokens_file: path.clone(), ..Default::default() }).unwrap();
        let holds = |secret: &str| tokens.find(secret.as_bytes()).is_some();
        for broken in ["", "ann view short\n", "# nobody\n"] {
            fs::write(&path, broken).unwrap();
            assert!(tokens.reload().is_err() && holds("0123456789abcdef"), "{broken:?}");
        }
        fs::write(&path, "bob view fedcba9876543210\n").unwrap();
        tokens.reload().unwrap();
        assert!(holds("fedcba9876543210") && !holds("0123456789abcdef"));
        fs::remove_file(path).unwrap();
    }
}
