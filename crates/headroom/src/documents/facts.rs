//! What is there, and under which name.

use crate::commands::Arguments;
use clap::{Command, CommandFactory};
use headroom_server::{api, config};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Folders that hold no source.
const NO_SOURCE: [&str; 7] = [".git", ".setup", "artifacts", "corpus", "node_modules", "target", "dist"];

/// This check, whose tests hold wrong names.
const OWN: &str = "crates/headroom/src/documents/";

/// Kinds of files whose text is read.
const TEXT: [&str; 9] = ["js", "md", "mjs", "py", "rs", "sh", "toml", "ts", "yml"];

/// Everything a document may name.
pub(super) struct Facts {
    /// clap's own tree.
    pub(super) commands: Command,
    /// Targets of the Makefile.
    pub(super) targets: BTreeSet<String>,
    /// Files and folders, relative to the root.
    pub(super) files: BTreeSet<String>,
    /// The text of each file that has one.
    pub(super) texts: BTreeMap<String, String>,
    /// The default configuration.
    pub(super) settings: toml::Table,
    /// Codes of problems.
    pub(super) codes: BTreeSet<String>,
    /// Method and path of each route, with `{}` for what varies.
    pub(super) routes: BTreeSet<(String, String)>,
    /// Functions of the Rust code, tests among them, and public fields, which are the keys of our JSON.
    pub(super) functions: BTreeSet<String>,
    /// Environment variables that some source names.
    pub(super) variables: BTreeSet<String>,
}

impl Facts {
    /// Of the repository this program is built from.
    pub(super) fn of_repository() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there");
        let (mut files, mut texts) = (BTreeSet::new(), BTreeMap::new());
        walk(&root, &root, &mut files, &mut texts);
        let makefile = fs::read_to_string(root.join("Makefile")).expect("there is a Makefile");
        let target = |line: &str| {
            let (name, _) = line.split_once(':')?;
            let letter = |letter: char| letter.is_ascii_lowercase() || letter == '-';
            (!name.is_empty() && name.chars().all(letter)).then(|| name.to_owned())
        };
        let targets = makefile.lines().filter_map(target).collect();
        let functions = texts.iter().filter(|(path, _)| path.ends_with(".rs")).flat_map(|(_, text)| functions(text));
        let functions = functions.collect();
        let documents = [api::Listener::Public, api::Listener::Control]
            .map(|listener| serde_json::from_str::<Value>(&api::document(listener)).expect("the document is JSON"));
        let (mut codes, mut routes) = (BTreeSet::new(), BTreeSet::new());
        for document in &documents {
            let code = &document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
            codes.extend(code.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
            for (path, methods) in document["paths"].as_object().expect("there are paths") {
                let methods = methods.as_object().expect("a path has methods").keys();
                routes.extend(methods.map(|method| (method.to_uppercase(), general(path))));
            }
        }
        let settings = settings();
        let source = |path: &&String| !path.ends_with(".md") && !path.starts_with(OWN);
        let sources = texts.iter().filter(|(path, _)| source(path)).map(|(_, text)| text).chain([&makefile]);
        let variables = sources.flat_map(|text| variables(text)).map(str::to_owned).collect();
        Self { variables, commands: Arguments::command(), targets, files, texts, settings, codes, routes, functions }
    }
}

/// The default configuration, with what only the environment sets: `HEADROOM_SECTION__KEY` in its comments.
fn settings() -> toml::Table {
    let mut settings: toml::Table = config::DEFAULT_TOML.parse().expect("the default configuration is TOML");
    for name in config::DEFAULT_TOML.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_')) {
        let Some((section, key)) = name.strip_prefix("HEADROOM_").and_then(|name| name.split_once("__")) else {
            continue;
        };
        if let Some(table) = settings.get_mut(&section.to_lowercase()).and_then(toml::Value::as_table_mut) {
            table.entry(key.to_lowercase()).or_insert_with(|| String::new().into());
        }
    }
    settings
}

fn walk(root: &Path, folder: &Path, files: &mut BTreeSet<String>, texts: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).expect("the repository can be read") {
        let path = entry.expect("the repository can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if NO_SOURCE.contains(&name.as_str()) || path.is_symlink() {
            continue;
        }
        let relative = path.strip_prefix(root).expect("it is below the root").to_string_lossy().into_owned();
        if path.is_dir() {
            walk(root, &path, files, texts);
        } else if path.extension().is_some_and(|kind| TEXT.iter().any(|text| kind == *text)) {
            texts.insert(relative.clone(), fs::read_to_string(&path).expect("it is text"));
        }
        files.insert(relative);
    }
}

fn functions(text: &str) -> Vec<String> {
    let name = |rest: &str| -> String {
        rest.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect()
    };
    let fields = text.lines().filter_map(|line| line.trim_start().strip_prefix("pub ")).map(name);
    text.split("fn ").skip(1).map(name).chain(fields).collect()
}

/// The environment variables of ours that a text names.
pub(super) fn variables(text: &str) -> impl Iterator<Item = &str> {
    let part = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
    text.split(move |letter| !part(letter))
        .filter(|name| name.len() > "HEADROOM_".len() && name.starts_with("HEADROOM_"))
}

/// A path with `{}` for each part that varies.
pub(super) fn general(path: &str) -> String {
    let part = |part: &str| if part.contains('{') { "{}".to_owned() } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}
