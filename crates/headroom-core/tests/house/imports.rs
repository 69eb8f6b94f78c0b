//! Reads a crate: its tree of modules, and which file imports which.

use super::graph::Edges;
use super::lines::lines_of_code;
use super::sources::Sources;
use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree, Visibility};

/// A chain of names: of a module from the root of its crate, or of a path as it is written.
type Names = Vec<String>;

/// Deepest chain of re-exports followed; the code has at most three.
const MAX_HOPS: usize = 16;

/// A crate whose files have been read.
pub(crate) struct Crate {
    /// Lines of code by file.
    pub(crate) lines: BTreeMap<String, usize>,
    /// Imports between files of the crate.
    pub(crate) imports: Edges,
    /// Imports of other crates of the workspace, by file: `headroom_core`.
    pub(crate) foreign: Edges,
    /// Module of each file, from the root: `["engine", "tests"]`; empty for the root.
    pub(crate) module_of: BTreeMap<String, Names>,
    /// Files that could not be read or parsed, and why.
    pub(crate) failures: Vec<String>,
}

/// What a module declares.
#[derive(Default)]
struct Module {
    file: String,
    children: BTreeSet<String>,
    items: BTreeSet<String>,
    uses: Vec<Use>,
    /// Paths written in code.
    paths: Vec<Names>,
}

/// One name that a `use` declaration brings in.
struct Use {
    path: Names,
    /// `None` for a glob.
    alias: Option<String>,
    /// Visible outside its module.
    exported: bool,
}

/// Where a path leads.
#[derive(Debug, PartialEq)]
enum Target {
    /// A module of this crate, or an item in its file.
    Module(Names),
    /// A crate of the workspace.
    Crate(String),
}

impl Crate {
    /// Reads the crate whose sources are in `folder` (`crates/headroom-core/src`); `siblings` are the crates beside it.
    pub(crate) fn read(sources: &dyn Sources, folder: &str, siblings: &[String]) -> Self {
        let mut tree =
            Tree { sources, siblings, modules: BTreeMap::new(), lines: BTreeMap::new(), failures: Vec::new() };
        let root = ["lib.rs", "main.rs"].map(|name| format!("{folder}/{name}"));
        match root.iter().find(|path| sources.read(path).is_some()) {
            Some(path) => tree.read_file(path, folder, Vec::new()),
            None => tree.failures.push(format!("{folder} has neither lib.rs nor main.rs")),
        }
        tree.resolved()
    }
}

struct Tree<'s> {
    sources: &'s dyn Sources,
    siblings: &'s [String],
    modules: BTreeMap<Names, Module>,
    lines: BTreeMap<String, usize>,
    failures: Vec<String>,
}

impl Tree<'_> {
    /// Reads a file and, by its declarations, those below it. `folder` holds the files of its child modules.
    fn read_file(&mut self, path: &str, folder: &str, module: Names) {
        let Some(text) = self.sources.read(path) else {
            return self.failures.push(format!("{path} cannot be read"));
        };
        match syn::parse_file(&text) {
            Ok(file) => {
                self.lines.insert(path.to_owned(), lines_of_code(&text, &file));
                self.read_module(path, folder, module, &file.items);
            }
            Err(error) => self.failures.push(format!("{path} cannot be parsed: {error}")),
        }
    }

    fn read_module(&mut self, path: &str, folder: &str, name: Names, items: &[Item]) {
        let mut module = Module { file: path.to_owned(), ..Module::default() };
        for item in items.iter().filter(|item| !is_test_only(item)) {
            let Item::Mod(child) = item else {
                module.items.extend(name_of(item));
                Paths(&mut module).visit_item(item);
                continue;
            };
            let own = child.ident.to_string();
            module.children.insert(own.clone());
            let below = [name.clone(), vec![own.clone()]].concat();
            let deeper = format!("{folder}/{own}");
            match (&child.content, path_attribute(&child.attrs)) {
                (Some((_, items)), _) => self.read_module(path, &deeper, below, items),
                (None, Some(given)) => self.read_file(&format!("{folder}/{given}"), &deeper, below),
                (None, None) => {
                    let flat = format!("{deeper}.rs");
                    let file = if self.sources.read(&flat).is_some() { flat } else { format!("{deeper}/mod.rs") };
                    self.read_file(&file, &deeper, below);
                }
            }
        }
        self.modules.insert(name, module);
    }

    fn resolved(self) -> Crate {
        let (mut imports, mut foreign, mut module_of) = (Edges::new(), Edges::new(), BTreeMap::new());
        for (name, module) in &self.modules {
            // Inline modules share the file of the one around them, which is shorter and comes first.
            module_of.entry(module.file.clone()).or_insert_with(|| name.clone());
            imports.entry(module.file.clone()).or_default();
            let uses = module.uses.iter().map(|import| (&import.path, import.exported));
            for (path, exported) in uses.chain(module.paths.iter().map(|path| (path, false))) {
                match self.resolve(name, path, 0) {
                    // A re-export of what is further down only gives it another name.
                    Some(Target::Module(target)) if exported && target.starts_with(name) => {}
                    Some(Target::Module(target)) => {
                        let file = &self.modules[&target].file;
                        if *file != module.file {
                            imports.entry(module.file.clone()).or_default().insert(file.clone());
                        }
                    }
                    Some(Target::Crate(target)) => {
                        foreign.entry(module.file.clone()).or_default().insert(target);
                    }
                    None => {}
                }
            }
        }
        Crate { lines: self.lines, imports, foreign, module_of, failures: self.failures }
    }

    /// Where `path`, written in `module`, leads; `None` for what lies outside the workspace or is local.
    fn resolve(&self, module: &[String], path: &[String], hops: usize) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.walk(&[], rest, hops),
            "self" | "super" => {
                let from = if first == "self" { module } else { module.split_last()?.1 };
                // `super::super::x` goes on as `super::x` of the parent.
                if rest.first().is_some_and(|next| next == "super") {
                    self.resolve(from, rest, hops)
                } else {
                    self.walk(from, rest, hops)
                }
            }
            name => {
                let own = self.modules.get(module)?;
                if own.children.contains(name) || own.uses.iter().any(|import| import.alias.as_deref() == Some(name)) {
                    return self.walk(module, path, hops);
                }
                if self.siblings.iter().any(|sibling| sibling == name) {
                    return Some(Target::Crate(name.to_owned()));
                }
                self.through_globs(own, module, path, hops)
            }
        }
    }

    /// Follows `path` down from `module`, through re-exports, to the module that defines what it names.
    fn walk(&self, module: &[String], path: &[String], hops: usize) -> Option<Target> {
        let Some((first, rest)) = path.split_first() else { return Some(Target::Module(module.to_vec())) };
        let own = self.modules.get(module)?;
        if own.children.contains(first) {
            return self.walk(&[module, std::slice::from_ref(first)].concat(), rest, hops);
        }
        if own.items.contains(first) || hops == MAX_HOPS {
            return Some(Target::Module(module.to_vec()));
        }
        if let Some(import) = own.uses.iter().find(|import| import.alias.as_ref() == Some(first)) {
            let path = [&import.path[..], rest].concat();
            return self.resolve(module, &path, hops + 1);
        }
        // A macro of the module may have made it.
        Some(self.through_globs(own, module, path, hops).unwrap_or_else(|| Target::Module(module.to_vec())))
    }

    /// Where a glob import of the module defines the first name of `path`.
    fn through_globs(&self, own: &Module, module: &[String], path: &[String], hops: usize) -> Option<Target> {
        if hops == MAX_HOPS {
            return None;
        }
        own.uses.iter().filter(|import| import.alias.is_none()).find_map(|import| {
            let Target::Module(source) = self.resolve(module, &import.path, hops + 1)? else { return None };
            let declared = self.modules.get(&source)?;
            let known = declared.children.contains(&path[0])
                || declared.items.contains(&path[0])
                || declared.uses.iter().any(|import| import.alias.as_ref() == Some(&path[0]));
            if known && source != module { self.walk(&source, path, hops + 1) } else { None }
        })
    }
}

/// Whether the item is compiled for tests only.
pub(crate) fn is_test_only(item: &Item) -> bool {
    attributes_of(item).iter().any(is_test_attribute)
}

fn is_test_attribute(attribute: &Attribute) -> bool {
    let Ok(list) = attribute.meta.require_list() else { return attribute.path().is_ident("test") };
    let words: Vec<String> = list.tokens.clone().into_iter().flat_map(identifiers).collect();
    let names = |word: &str| words.iter().any(|known| known == word);
    list.path.is_ident("cfg") && (names("test") || names("doctest")) && !names("not")
}

fn identifiers(token: TokenTree) -> Vec<String> {
    match token {
        TokenTree::Ident(name) => vec![name.to_string()],
        TokenTree::Group(group) => group.stream().into_iter().flat_map(identifiers).collect(),
        _ => Vec::new(),
    }
}

/// `#[path = "…"]`.
fn path_attribute(attributes: &[Attribute]) -> Option<String> {
    let attribute = attributes.iter().find(|attribute| attribute.path().is_ident("path"))?;
    match &attribute.meta.require_name_value().ok()?.value {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}

fn attributes_of(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// Collects the imports and paths of an item that is no module.
struct Paths<'m>(&'m mut Module);

impl Paths<'_> {
    fn add_use(&mut self, tree: &UseTree, mut path: Names, exported: bool) {
        match tree {
            UseTree::Path(part) => {
                path.push(part.ident.to_string());
                self.add_use(&part.tree, path, exported);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_use(tree, path.clone(), exported);
                }
            }
            UseTree::Glob(_) => self.0.uses.push(Use { path, alias: None, exported }),
            UseTree::Name(leaf) => self.add_name(path, leaf.ident.to_string(), None, exported),
            UseTree::Rename(leaf) => {
                self.add_name(path, leaf.ident.to_string(), Some(leaf.rename.to_string()), exported);
            }
        }
    }

    /// `a::b`, or `a::{self}`, under its own name or another.
    fn add_name(&mut self, mut path: Names, name: String, alias: Option<String>, exported: bool) {
        if name != "self" {
            path.push(name);
        }
        let alias = alias.or_else(|| path.last().cloned());
        self.0.uses.push(Use { path, alias, exported });
    }

    /// Paths of several names among tokens that have no syntax tree: arguments of macros and attributes.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path = Names::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.add_path(std::mem::take(&mut path));
                    }
                    path.push(name.to_string());
                    colons = 0;
                    continue;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Group(group) => self.add_tokens(group.stream()),
                // Attributes name functions in strings: `#[serde(with = "super::seconds")]`.
                TokenTree::Literal(text) => self.add_text(&text.to_string()),
                TokenTree::Punct(_) => {}
            }
            self.add_path(std::mem::take(&mut path));
            colons = 0;
        }
        self.add_path(path);
    }

    fn add_text(&mut self, literal: &str) {
        let text = literal.trim_matches('"');
        if text.contains("::")
            && let Ok(path) = syn::parse_str::<syn::Path>(text)
        {
            self.visit_path(&path);
        }
    }

    fn add_path(&mut self, path: Names) {
        if path.len() > 1 {
            self.0.paths.push(path);
        }
    }
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test_only(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let exported = !matches!(item.vis, Visibility::Inherited);
        self.add_use(&item.tree, Names::new(), exported);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.add_path(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.add_tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Ok(list) = attribute.meta.require_list() {
            self.add_tokens(list.tokens.clone());
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !item.attrs.iter().any(is_test_attribute) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    /// `pub(in crate::a)` says who may see, not what is used.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}
