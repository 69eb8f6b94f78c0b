//! What a document says that is not so.

use super::{
    facts::{self, Facts, general},
    markdown::{Snippet, anchors, links, snippets, split},
};
use clap::Command;
use std::path::{Component, Path, PathBuf};

/// Flags of other programs that documents name without the program.
const OTHER_FLAGS: [&str; 10] = [
    "--features",
    "--test-threads",
    "--nocapture",
    "--players",
    "--advice",
    "--pairs",
    "--seconds",
    "--texts",
    "--network",
    "--renew",
];

/// Ends of names that look like a configuration key and are files.
const FILES: [&str; 9] = ["csv", "html", "json", "jsonl", "md", "rs", "sqlite", "toml", "tsv"];

/// Ends of paths to source.
const SOURCE: [&str; 7] = [".rs", ".sh", ".py", ".mjs", ".sql", ".service", ".yml"];

/// Short names of crates in paths such as `core/engine`.
const CRATES: [&str; 6] = ["cluster", "core", "infer", "server", "sim", "wire"];

/// Commands of builds with the feature `speech`.
const SPOKEN: [&str; 3] = ["models", "speech", "voice"];

/// Everything wrong with a document, each with its line.
pub(super) fn faults(facts: &Facts, path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (line, target) in links(text) {
        found.extend(link(facts, path, text, &target).map(|fault| format!("{path}:{line}: {fault}")));
    }
    for snippet in snippets(text) {
        let mut faults = Vec::new();
        command_line(facts, &snippet, &mut faults);
        if !snippet.in_block {
            faults.extend(flags(facts, &snippet.text));
            faults.extend(key(facts, &snippet.text));
            faults.extend(function(facts, &snippet.text));
        }
        faults.extend(variables(facts, &snippet.text));
        faults.extend(route(facts, &snippet.text));
        for token in snippet.text.split_whitespace() {
            faults.extend(file(facts, path, token));
        }
        found.extend(faults.into_iter().map(|fault| format!("{path}:{}: {fault}", snippet.line)));
    }
    for block in split(text).1.into_iter().filter(|block| block.language == "toml") {
        found.extend(
            configuration(facts, &block.text).into_iter().map(|fault| format!("{path}:{}: {fault}", block.line)),
        );
    }
    for (index, line) in text.lines().enumerate() {
        found.extend(codes(facts, line).into_iter().map(|fault| format!("{path}:{}: {fault}", index + 1)));
    }
    found
}

fn link(facts: &Facts, path: &str, text: &str, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let file = if file.is_empty() { path.to_owned() } else { beside(path, file) };
    if !facts.files.contains(file.trim_end_matches('/')) {
        return Some(format!("no file {target}"));
    }
    let linked = facts.texts.get(&file).map_or(text, String::as_str);
    (!anchor.is_empty() && !anchors(linked).iter().any(|known| known == anchor)).then(|| format!("no heading {target}"))
}

/// A path that a document names relative to itself.
fn beside(document: &str, path: &str) -> String {
    let mut whole = PathBuf::new();
    for part in Path::new(document).parent().unwrap_or(Path::new("")).join(path).components() {
        match part {
            Component::ParentDir => drop(whole.pop()),
            Component::Normal(name) => whole.push(name),
            _ => {}
        }
    }
    whole.to_string_lossy().into_owned()
}

/// Commands of ours, of make, of cargo and of scripts.
fn command_line(facts: &Facts, snippet: &Snippet, faults: &mut Vec<String>) {
    let text = snippet.text.trim_start().trim_start_matches("$ ");
    let text = if snippet.in_block { text.split("  ").next().unwrap_or_default() } else { text };
    let words: Vec<&str> = text.split_whitespace().collect();
    for part in words.split(|word| matches!(*word, "|" | "&&" | "||" | ";")) {
        let end = part.iter().position(|word| word.starts_with('#')).unwrap_or(part.len());
        let prefix = |word: &&&str| {
            !matches!(**word, "sudo" | "-E" | "node" | "python3" | "taskset" | "-c" | "1") && !word.contains('=')
        };
        let start = part[..end].iter().position(|word| prefix(&word)).unwrap_or(end);
        let Some((program, rest)) = part[start..end].split_first() else { continue };
        match *program {
            "make" => faults.extend(rest.iter().filter_map(|target| make(facts, target))),
            "cargo" => faults.extend(cargo(facts, rest)),
            program if program == "headroom" || program.ends_with("/headroom") => {
                faults.extend(ours(&facts.commands, rest));
            }
            program => faults.extend(script(facts, program, rest)),
        }
    }
}

fn make(facts: &Facts, target: &str) -> Option<String> {
    let named = target.chars().all(is_word);
    (named && !facts.targets.contains(target)).then(|| format!("no target {target} in the Makefile"))
}

/// Packages, test targets and filters that fit some test or module.
fn cargo(facts: &Facts, words: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut words = words.iter().peekable();
    let Some(subcommand) = words.next() else { return faults };
    let (mut package, mut behind) = (None, false);
    while let Some(word) = words.next() {
        match *word {
            "--" if *subcommand == "test" => behind = true,
            "--" => break,
            "-p" if !behind => package = words.next(),
            "--test" if !behind => {
                let name = words.next().copied().unwrap_or_default();
                let folder = format!("crates/{}/tests/{name}", package.copied().unwrap_or_default());
                if !name.starts_with('\'') && !facts.files.contains(&folder) {
                    faults.push(format!("no test target {name}"));
                }
            }
            "--features" | "--bin" | "--test-threads" | "--manifest-path" => drop(words.next()),
            word if word.starts_with('-') || *subcommand != "test" => {}
            filter => faults.extend(filter.split("::").filter(|part| !part.is_empty()).filter_map(|part| {
                let module = |file: &String| file.ends_with(".rs") && file.contains(part);
                let known = facts.functions.iter().any(|name| name.contains(part)) || facts.files.iter().any(module);
                (!known).then(|| format!("no test or module {part}"))
            })),
        }
    }
    if let Some(package) = package.filter(|package| !facts.files.contains(&format!("crates/{package}"))) {
        faults.push(format!("no package {package}"));
    }
    faults
}

/// A command of ours: subcommands and flags are those of clap's tree.
fn ours(root: &Command, words: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut command = root;
    for word in words {
        let word = word.trim_matches(|letter| matches!(letter, '[' | ']' | '"'));
        if let Some(name) = word.strip_prefix("--") {
            for name in name.split('|').map(|name| name.trim_start_matches('-').split('=').next().unwrap_or_default()) {
                if !name.is_empty() && !has_flag(command, name) {
                    faults.push(format!("headroom {} has no flag --{name}", command.get_name()));
                }
            }
        } else if command.has_subcommands() {
            // `show|import` are alternatives, of which none is entered; DIRECTORY and […] stand for something.
            let here = command;
            for name in word.split('|').filter(|name| !name.is_empty() && name.chars().all(is_word)) {
                match here.find_subcommand(name) {
                    Some(next) => command = next,
                    None if cfg!(not(feature = "speech")) && SPOKEN.contains(&name) => return faults,
                    None => faults.push(format!("headroom has no command {name} below {}", here.get_name())),
                }
            }
            if word.contains('|') {
                return faults;
            }
        }
    }
    faults
}

/// Letters of commands, targets and packages.
fn is_word(letter: char) -> bool {
    letter.is_ascii_lowercase() || letter == '-'
}

fn has_flag(command: &Command, name: &str) -> bool {
    matches!(name, "help" | "version")
        || command.get_arguments().any(|argument| {
            argument.get_long() == Some(name) || argument.get_all_aliases().is_some_and(|all| all.contains(&name))
        })
}

fn anywhere(command: &Command, name: &str) -> bool {
    has_flag(command, name) || command.get_subcommands().any(|command| anywhere(command, name))
}

/// A script of the repository knows its flags by name.
fn script(facts: &Facts, program: &str, words: &[&str]) -> Vec<String> {
    let Some(text) = facts.texts.get(program) else { return Vec::new() };
    let flags = words.iter().filter_map(|word| word.strip_prefix("--"));
    flags.filter(|flag| !text.contains(flag)).map(|flag| format!("{program} has no flag --{flag}")).collect()
}

/// A span that begins with a flag: some command has it.
fn flags(facts: &Facts, text: &str) -> Vec<String> {
    if !text.starts_with("--") {
        return Vec::new();
    }
    let names = text.split_whitespace().filter_map(|word| word.strip_prefix("--"));
    let names = names.map(|name| name.split(['=', '|']).next().unwrap_or_default()).filter(|name| !name.is_empty());
    let spoken = |name: &str| {
        let sources = facts.texts.iter().filter(|(path, _)| path.starts_with("crates/headroom/src/commands/"));
        cfg!(not(feature = "speech")) && sources.into_iter().any(|(_, text)| text.contains(&name.replace('-', "_")))
    };
    let scripts = |name: &str| {
        let scripts = facts.texts.iter().filter(|(path, _)| path.starts_with("training/") && !path.ends_with(".md"));
        scripts.into_iter().any(|(_, text)| text.contains(&format!("--{name}")))
    };
    let known = |name: &&str| {
        anywhere(&facts.commands, name)
            || OTHER_FLAGS.contains(&format!("--{name}").as_str())
            || spoken(name)
            || scripts(name)
    };
    names.filter(|name| !known(name)).map(|name| format!("no command has a flag --{name}")).collect()
}

/// `section.key` and `[section]` of the configuration.
fn key(facts: &Facts, text: &str) -> Option<String> {
    let name = text.split([' ', '=']).next().unwrap_or_default();
    let word = |name: &str| {
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_lowercase() || matches!(letter, '_' | '0'..='9'))
    };
    if let Some(section) = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        return (word(section) && !facts.settings.contains_key(section)).then(|| format!("no section {name}"));
    }
    let parts: Vec<&str> = name.split('.').collect();
    let file = parts.last().is_some_and(|end| FILES.contains(end));
    if parts.len() < 2 || file || !parts.iter().all(|part| word(part)) || !facts.settings.contains_key(parts[0]) {
        return None;
    }
    (!is_setting(&facts.settings, &parts)).then(|| format!("no setting {name}"))
}

/// Whether a path leads to a setting; below a list and below a table that is empty by default everything is the operator's.
fn is_setting(table: &toml::Table, parts: &[&str]) -> bool {
    let Some((first, rest)) = parts.split_first() else { return true };
    match table.get(*first) {
        Some(toml::Value::Table(inner)) => inner.is_empty() || is_setting(inner, rest),
        Some(toml::Value::Array(_)) => true,
        Some(_) => rest.is_empty(),
        None => false,
    }
}

/// A configuration in a block.
fn configuration(facts: &Facts, text: &str) -> Vec<String> {
    fn walk(known: &toml::Table, given: &toml::Table, before: &str, faults: &mut Vec<String>) {
        for (name, value) in given {
            match (known.get(name), value) {
                (None, _) => faults.push(format!("no setting {before}{name}")),
                (Some(toml::Value::Table(known)), toml::Value::Table(given)) if !known.is_empty() => {
                    walk(known, given, &format!("{before}{name}."), faults);
                }
                _ => {}
            }
        }
    }
    let mut faults = Vec::new();
    match text.parse::<toml::Table>() {
        Ok(given) => walk(&facts.settings, &given, "", &mut faults),
        Err(error) => faults.push(format!("not TOML: {}", error.message())),
    }
    faults
}

/// `HEADROOM_…`: with two underscores a setting, else something that some source names.
fn variables(facts: &Facts, text: &str) -> Vec<String> {
    let known = |name: &&str| match name.trim_start_matches("HEADROOM_").split_once("__") {
        Some((section, key)) => is_setting(&facts.settings, &[&section.to_lowercase(), &key.to_lowercase()]),
        None => facts.variables.contains(*name),
    };
    facts::variables(text).filter(|name| !known(name)).map(|name| format!("nothing reads {name}")).collect()
}

/// `GET /v1/…` and the like.
fn route(facts: &Facts, text: &str) -> Option<String> {
    const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];
    let (method, path) = text.split_once(" /").filter(|(method, _)| METHODS.contains(method))?;
    let path = format!("/{}", path.split(['?', ' ']).next().unwrap_or_default());
    let ours = path.starts_with("/v1/") && !path.contains('…');
    (ours && !facts.routes.contains(&(method.to_owned(), general(&path)))).then(|| format!("no route {method} {path}"))
}

/// A name of a test or another function: several words, or behind `::`.
fn function(facts: &Facts, text: &str) -> Option<String> {
    let word = |part: &str| {
        !part.is_empty() && part.chars().all(|letter| letter.is_ascii_lowercase() || matches!(letter, '_' | '0'..='9'))
    };
    let parts: Vec<&str> = text.split("::").collect();
    let last = parts.last().copied().unwrap_or_default();
    let named = parts.iter().all(|part| word(part)) && last.matches('_').count() >= 3 && !last.starts_with("headroom_");
    let setting =
        || facts.settings.values().filter_map(toml::Value::as_table).any(|section| section.contains_key(last));
    (named && !facts.functions.contains(last) && !setting()).then(|| format!("no function {last}"))
}

/// A path of the repository, whole, relative to the document, or its end.
fn file(facts: &Facts, document: &str, token: &str) -> Option<String> {
    let path = token
        .trim_matches(|letter: char| matches!(letter, '(' | ')' | ',' | ';' | '"' | '\'' | '.'))
        .trim_end_matches('/');
    let (first, rest) = path.split_once('/')?;
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '/' | '.' | '-' | '_' | '*');
    if first.is_empty() || first == "target" || !path.chars().all(plain) || path.contains("//") {
        return None;
    }
    let claims = facts.files.contains(first) || CRATES.contains(&first) || SOURCE.iter().any(|end| path.ends_with(end));
    let within = |prefix: &str| {
        let path = format!("{prefix}{rest}");
        facts.files.contains(&path) || facts.files.contains(&format!("{path}.rs"))
    };
    let known = facts.files.contains(path)
        || facts.files.contains(&beside(document, path))
        || within(&format!("crates/headroom-{first}/src/"))
        || within(&format!("crates/headroom-{first}/"))
        || facts.files.iter().any(|file| file.ends_with(&format!("/{path}")))
        || path
            .split_once('*')
            .is_some_and(|(start, end)| facts.files.iter().any(|file| file.starts_with(start) && file.ends_with(end)));
    (claims && !known).then(|| format!("no file {path}"))
}

/// Codes of problems: behind or before a status, or in a row that begins with one.
fn codes(facts: &Facts, line: &str) -> Vec<String> {
    let status = |text: &str| {
        let digits: String = text.trim_matches(|letter: char| !letter.is_ascii_digit()).chars().collect();
        digits.len() == 3 && matches!(digits.as_bytes()[0], b'4' | b'5')
    };
    let in_table = line
        .trim_start_matches("| ")
        .split([' ', ','])
        .next()
        .is_some_and(|first| line.starts_with('|') && status(first));
    let mut faults = Vec::new();
    let pieces: Vec<&str> = line.split('`').collect();
    for index in (1..pieces.len()).step_by(2) {
        let before = pieces[index - 1].split_whitespace().last().is_some_and(status);
        let after = pieces.get(index + 1).is_some_and(|rest| {
            rest.trim_start().strip_prefix('(').and_then(|rest| rest.split(')').next()).is_some_and(status)
        });
        let word = pieces[index].chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
        if word && (in_table || before || after) && !facts.codes.contains(pieces[index]) {
            faults.push(format!("no problem has the code {}", pieces[index]));
        }
    }
    faults
}
