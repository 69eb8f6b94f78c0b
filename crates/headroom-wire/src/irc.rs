//! Lines of Internet Relay Chat: RFC 1459 §2.3.1 with the message tags of IRCv3, as Twitch speaks it.
//!
//! ```
//! use headroom_wire::irc::Line;
//!
//! let line = Line::parse("@id=b34;user-id=42 :ann!ann@host PRIVMSG #games :so laggy")?;
//! assert_eq!((line.command, line.nick(), line.parameter(1)), ("PRIVMSG", Some("ann"), Some("so laggy")));
//! assert_eq!(line.tag("user-id").as_deref(), Some("42"));
//! # Ok::<(), headroom_wire::irc::ParseError>(())
//! ```

use std::{borrow::Cow, fmt};

/// Longest line read: 8,191 bytes of tags (IRCv3) and 512 of the rest (RFC 1459).
pub const MAX_LINE: usize = 8_191 + 512;
/// Parameters a line may have (RFC 1459 §2.3.1).
const MAX_PARAMETERS: usize = 15;
/// Tags read of a line; further ones are ignored. Twitch sends about twenty.
const MAX_TAGS: usize = 64;

/// One line, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Tags as they stand on the wire: key and escaped value.
    pub tags: Vec<(&'a str, &'a str)>,
    /// Who sent it: `nick!user@host` or a server.
    pub source: Option<&'a str>,
    /// A word such as `PRIVMSG`, or three digits.
    pub command: &'a str,
    /// The parameters; the last one may hold spaces.
    pub parameters: Vec<&'a str>,
}

/// Why a line is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// It is longer than any server may send.
    #[error("the line is longer than {MAX_LINE} bytes")]
    TooLong,
    /// It holds an end of line or a zero byte.
    #[error("the line holds a control character")]
    Control,
    /// Nothing is left where the command should be.
    #[error("the line has no command")]
    NoCommand,
}

/// What a moderator deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deletion<'a> {
    /// One message, by its identifier.
    Message(Cow<'a, str>),
    /// Every message of an author, by identifier or nickname.
    Author(Cow<'a, str>),
}

impl<'a> Line<'a> {
    /// A line to send.
    #[must_use]
    pub fn new(command: &'a str, parameters: &[&'a str]) -> Self {
        Self { tags: Vec::new(), source: None, command, parameters: parameters.to_vec() }
    }

    /// Reads a line, given without its CR LF.
    ///
    /// # Errors
    /// When it is too long, holds a line end or zero byte, or has no command.
    pub fn parse(text: &'a str) -> Result<Self, ParseError> {
        if text.len() > MAX_LINE {
            return Err(ParseError::TooLong);
        }
        if text.contains(['\r', '\n', '\0']) {
            return Err(ParseError::Control);
        }
        let mut rest = text.trim_start_matches(' ');
        let mut tags = Vec::new();
        if let Some(tagged) = rest.strip_prefix('@') {
            let (list, after) = word(tagged);
            let pair = |tag: &'a str| tag.split_once('=').unwrap_or((tag, ""));
            tags = list.split(';').filter(|tag| !tag.is_empty()).take(MAX_TAGS).map(pair).collect();
            rest = after;
        }
        let mut source = None;
        if let Some(named) = rest.strip_prefix(':') {
            let (name, after) = word(named);
            (source, rest) = (Some(name), after);
        }
        let (command, mut rest) = word(rest);
        if command.is_empty() {
            return Err(ParseError::NoCommand);
        }
        let mut parameters = Vec::new();
        while !rest.is_empty() {
            if let Some(trailing) = rest.strip_prefix(':') {
                parameters.push(trailing);
                break;
            }
            if parameters.len() + 1 == MAX_PARAMETERS {
                parameters.push(rest);
                break;
            }
            let (parameter, after) = word(rest);
            parameters.push(parameter);
            rest = after;
        }
        Ok(Self { tags, source, command, parameters })
    }

    /// The value of a tag, unescaped; `None` when it is missing or empty, which mean the same (IRCv3).
    #[must_use]
    pub fn tag(&self, key: &str) -> Option<Cow<'a, str>> {
        // The last one counts when a key comes twice (IRCv3 message tags).
        let &(_, value) = self.tags.iter().rev().find(|(known, _)| *known == key)?;
        (!value.is_empty()).then(|| unescape(value))
    }

    /// The nickname of the source.
    #[must_use]
    pub fn nick(&self) -> Option<&'a str> {
        self.source.map(|source| source.split(['!', '@']).next().unwrap_or(source))
    }

    /// The parameter at `index`.
    #[must_use]
    pub fn parameter(&self, index: usize) -> Option<&'a str> {
        self.parameters.get(index).copied()
    }

    /// What was said to a channel, without the wrapping of an action (`/me`).
    #[must_use]
    pub fn message(&self) -> Option<(&'a str, &'a str)> {
        if self.command != "PRIVMSG" {
            return None;
        }
        let (channel, text) = (self.parameter(0)?, self.parameter(1)?);
        let action = text.strip_prefix("\u{1}ACTION ").map(|text| text.strip_suffix('\u{1}').unwrap_or(text));
        Some((channel, action.unwrap_or(text)))
    }

    /// What a viewer said, whichever command carries it: a message, or the words beside a subscription that is renewed.
    #[must_use]
    pub fn words(&self) -> Option<(&'a str, &'a str)> {
        match self.command {
            "USERNOTICE" => Some((self.parameter(0)?, self.parameter(1)?)),
            _ => self.message(),
        }
    }

    /// Whether the line was written in another room and is shown here as well (Twitch, "Shared Chat": `source-room-id`).
    #[must_use]
    pub fn is_from_another_room(&self) -> bool {
        self.tag("source-room-id").is_some_and(|source| self.tag("room-id").as_ref() != Some(&source))
    }

    /// Whether the author moderates the channel or owns it (Twitch tags `mod` and `badges`).
    #[must_use]
    pub fn is_from_moderator(&self) -> bool {
        let badges = self.tag("badges").unwrap_or_default();
        let holds = |name| badges.split(',').any(|badge| badge.split('/').next() == Some(name));
        self.tag("mod").is_some_and(|value| value == "1")
            || ["broadcaster", "moderator", "lead_moderator"].into_iter().any(holds)
    }

    /// What was deleted in a channel: a message (`CLEARMSG`) or all of one author's (`CLEARCHAT` for a ban or a timeout). A
    /// whole chat that is cleared names nobody and is no judgement of what was said.
    #[must_use]
    pub fn deletion(&self) -> Option<(&'a str, Deletion<'a>)> {
        let channel = self.parameter(0)?;
        let deletion = match self.command {
            "CLEARMSG" => Deletion::Message(self.tag("target-msg-id")?),
            "CLEARCHAT" => {
                Deletion::Author(self.tag("target-user-id").or_else(|| self.parameter(1).map(Cow::Borrowed))?)
            }
            _ => return None,
        };
        Some((channel, deletion))
    }
}

impl fmt::Display for Line<'_> {
    /// Writes the line without its end. Spaces and line ends where they cannot stand are left out, so what came from
    /// elsewhere cannot add a command.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clean = |text: &str| text.replace(['\r', '\n', '\0'], "");
        for (index, (key, value)) in self.tags.iter().enumerate() {
            let separator = if index == 0 { '@' } else { ';' };
            write!(f, "{separator}{}", clean(key).replace([' ', ';', '='], ""))?;
            if !value.is_empty() {
                write!(f, "={}", clean(value).replace([' ', ';'], ""))?;
            }
        }
        if !self.tags.is_empty() {
            f.write_str(" ")?;
        }
        if let Some(source) = self.source {
            write!(f, ":{} ", clean(source).replace(' ', ""))?;
        }
        f.write_str(&clean(self.command).replace(' ', ""))?;
        for (index, parameter) in self.parameters.iter().enumerate() {
            let parameter = clean(parameter);
            let last = index + 1 == self.parameters.len();
            if last && (parameter.is_empty() || parameter.starts_with(':') || parameter.contains(' ')) {
                write!(f, " :{parameter}")?;
            } else {
                write!(f, " {}", parameter.replace(' ', ""))?;
            }
        }
        Ok(())
    }
}

/// The text up to the next space, and what follows the spaces.
fn word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word, rest.trim_start_matches(' '))
}

/// Resolves the escapes of tag values (IRCv3 message tags, "Escaping values").
fn unescape(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let mut text = String::with_capacity(value.len());
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            text.push(letter);
            continue;
        }
        match letters.next() {
            Some(':') => text.push(';'),
            Some('s') => text.push(' '),
            Some('r') => text.push('\r'),
            Some('n') => text.push('\n'),
            Some(other) => text.push(other),
            None => {}
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A message as Twitch documents it ("Twitch IRC: tags"), with another text.
    const TWITCH: &str = "@badge-info=;badges=turbo/1;color=#0D4200;display-name=ronni;emotes=25:0-4;\
        id=b34ccfc7-4977-403a-8a94-33c6bac34fb8;mod=0;room-id=1337;subscriber=0;tmi-sent-ts=1507246572675;turbo=1;\
        user-id=1337;user-type=global_mod :ronni!ronni@ronni.tmi.twitch.tv PRIVMSG #ronni :Kappa it froze: again";

    #[test]
    fn reads_what_twitch_sends() {
        let line = Line::parse(TWITCH).unwrap();
        assert_eq!(line.message(), Some(("#ronni", "Kappa it froze: again")));
        assert_eq!(line.nick(), Some("ronni"));
        assert_eq!(line.tag("id").unwrap(), "b34ccfc7-4977-403a-8a94-33c6bac34fb8");
        assert_eq!(line.tag("tmi-sent-ts").unwrap(), "1507246572675");
        assert_eq!(line.tag("badge-info"), None, "empty is missing");
        assert_eq!(line.to_string(), TWITCH.replace("badge-info=;", "badge-info;"));
        let action = Line::parse(":a!a@a PRIVMSG #a :\u{1}ACTION sighs\u{1}").unwrap();
        assert_eq!(action.message(), Some(("#a", "sighs")));
    }

    #[test]
    fn reads_the_forms_of_the_grammar() {
        let cases: &[(&str, &str, Option<&str>, &[&str])] = &[
            ("PING :tmi.twitch.tv", "PING", None, &["tmi.twitch.tv"]),
            ("PING x", "PING", None, &["x"]),
            (
                ":tmi.twitch.tv 001 justinfan1 :Welcome, GLHF!",
                "001",
                Some("tmi.twitch.tv"),
                &["justinfan1", "Welcome, GLHF!"],
            ),
            (":s CAP * ACK :twitch.tv/tags", "CAP", Some("s"), &["*", "ACK", "twitch.tv/tags"]),
            ("  RECONNECT", "RECONNECT", None, &[]),
            ("JOIN  #a   #b ", "JOIN", None, &["#a", "#b"]),
            ("PRIVMSG #a :", "PRIVMSG", None, &["#a", ""]),
            (
                "X 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
                "X",
                None,
                &["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15 16"],
            ),
        ];
        for (text, command, source, parameters) in cases {
            let line = Line::parse(text).unwrap();
            assert_eq!((line.command, line.source, &line.parameters[..]), (*command, *source, *parameters), "{text}");
        }
    }

    /// Forms of lines as Twitch documents them ("IRC: tags", "Shared Chat", "Subscriptions"), with other values.
    #[test]
    fn rooms_standings_and_deletions_are_told_apart() {
        let lines = [
            ("@room-id=1;source-room-id=1;mod=0;badges= :a!a@a PRIVMSG #a :hi", Some("hi"), false),
            ("@room-id=1;source-room-id=2;badges=;source-badges=moderator/1 :a!a@a PRIVMSG #a :hi", Some("hi"), true),
            ("@msg-id=resub;room-id=1;system-msg=ann\\ssubscribed :t USERNOTICE #a :no sound", Some("no sound"), false),
            ("@msg-id=raid;room-id=1;system-msg=15\\sraiders :t USERNOTICE #a", None, false),
            ("@msg-id=sharedchatnotice;room-id=1;source-room-id=2 :t USERNOTICE #a :hi", Some("hi"), true),
        ];
        for (text, words, elsewhere) in lines {
            let line = Line::parse(text).unwrap();
            let found = (line.words().map(|(_, text)| text), line.is_from_another_room());
            assert_eq!(found, (words, elsewhere), "{text}");
        }
        for (tags, expected) in [
            ("mod=1", true),
            ("badges=broadcaster/1,subscriber/3", true),
            ("badges=moderator/1", true),
            ("mod=0;badges=moderators-friend/1", false),
            ("badges=subscriber/0", false),
        ] {
            let text = format!("@{tags} :a!a@a PRIVMSG #a :hi");
            assert_eq!(Line::parse(&text).unwrap().is_from_moderator(), expected, "{tags}");
        }
        for (text, expected) in [
            ("@login=a;target-msg-id=m7 :t CLEARMSG #a :hi", Some(Deletion::Message("m7".into()))),
            ("@ban-duration=60;target-user-id=9 :t CLEARCHAT #a :ann", Some(Deletion::Author("9".into()))),
            (":t CLEARCHAT #a :ann", Some(Deletion::Author("ann".into()))),
            (":t CLEARCHAT #a", None),
            (":t CLEARMSG #a :hi", None),
        ] {
            assert_eq!(Line::parse(text).unwrap().deletion().map(|(_, deletion)| deletion), expected, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_line() {
        let long = "X".repeat(MAX_LINE + 1);
        let cases = [
            ("", ParseError::NoCommand),
            ("@a=b", ParseError::NoCommand),
            (":source", ParseError::NoCommand),
            ("A\nB", ParseError::Control),
            (long.as_str(), ParseError::TooLong),
        ];
        for (text, expected) in cases {
            assert_eq!(Line::parse(text), Err(expected), "{:.20}", text);
        }
    }

    #[test]
    fn tag_values_are_unescaped() {
        for (escaped, expected) in
            [("a\\sb\\:c", "a b;c"), ("x\\\\y\\r\\n", "x\\y\r\n"), ("tail\\", "tail"), ("\\b", "b")]
        {
            assert_eq!(unescape(escaped), expected);
        }
    }

    #[test]
    fn nothing_said_can_add_a_line() {
        let line = Line::new("JOIN", &["#a\r\nQUIT :bye"]);
        assert!(!line.to_string().contains(['\r', '\n']), "{line}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
            if let Ok(line) = Line::parse(&text) {
                let written = line.to_string();
                let again = Line::parse(&written).unwrap();
                prop_assert_eq!((again.command, again.parameters.len()), (line.command, line.parameters.len()));
            }
        }
    }
}
