//! Holds what was read against the rules and lists what breaks them.

use super::graph::circles;
use super::imports::Crate;
use super::layers::{Layers, Rules};
use super::sources::Sources;
use std::fmt;

/// Issue 11: "no file above 600 lines of code".
const MAX_LINES: usize = 600;

/// What breaks a rule, one sentence each.
#[derive(Default)]
pub(crate) struct Report {
    /// Files read so far.
    pub(crate) files: usize,
    broken: Vec<String>,
}

impl Report {
    /// Reads one crate and notes what breaks a rule of `table`.
    pub(crate) fn add(&mut self, sources: &dyn Sources, package: &str, table: &[Rules]) {
        let Some(rules) = table.iter().find(|rules| rules.package == package) else {
            return self.broken.push(format!("{package} is not in the table"));
        };
        let siblings: Vec<String> = table.iter().map(|rules| rules.package.replace('-', "_")).collect();
        let read = Crate::read(sources, &format!("crates/{package}/src"), &siblings);
        self.files += read.lines.len();
        self.broken.extend(read.failures.iter().cloned());
        self.add_circles(&read);
        self.add_upward(&read, rules.layers);
        self.add_foreign(&read, rules);
        for (file, lines) in read.lines.iter().filter(|(_, lines)| **lines > MAX_LINES) {
            self.broken.push(format!("{file} has {lines} lines of code, over {MAX_LINES}"));
        }
    }

    /// A module is made of the modules in its folder: that it imports them closes no circle.
    fn add_circles(&mut self, read: &Crate) {
        let is_below = |to: &String, from: &String| read.module_of[to].starts_with(&read.module_of[from]);
        let mut imports = read.imports.clone();
        for (from, targets) in &mut imports {
            targets.retain(|to| !is_below(to, from));
        }
        for circle in circles(&imports) {
            let inside = |file: &String| circle.contains(file);
            for (from, targets) in imports.iter().filter(|(from, _)| inside(from)) {
                for to in targets.iter().filter(|to| inside(to)) {
                    self.broken.push(format!("{from} imports {to} in a circle"));
                }
            }
        }
    }

    fn add_upward(&mut self, read: &Crate, layers: Layers) {
        for (file, targets) in &read.imports {
            let Some(own) = Room::of(read, file, layers) else {
                self.broken.push(format!("{file} is in no layer"));
                continue;
            };
            for to in targets {
                // A file without a layer is reported as such.
                let Some(other) = Room::of(read, to, layers) else { continue };
                if own.name != other.name && own.layer >= other.layer {
                    let direction = if own.layer == other.layer { "beside" } else { "above" };
                    self.broken.push(format!("{file} imports {to}, {direction} it in the table"));
                }
            }
        }
    }

    fn add_foreign(&mut self, read: &Crate, rules: &Rules) {
        let allowed = |name: &str| rules.may_use.iter().any(|package| package.replace('-', "_") == name);
        for (file, targets) in &read.foreign {
            for to in targets.iter().filter(|to| !allowed(to)) {
                self.broken.push(format!("{file} imports the crate {to}, which {} may not use", rules.package));
            }
        }
    }
}

/// One sentence a line; nothing when all is in order.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.broken.iter().try_for_each(|sentence| writeln!(f, "{sentence}"))
    }
}

/// The place of a file in its crate's table.
struct Room {
    name: &'static str,
    /// From the top.
    layer: usize,
}

impl Room {
    /// The room with the longest name that leads to the file's module.
    fn of(read: &Crate, file: &str, layers: Layers) -> Option<Self> {
        let module = read.module_of.get(file)?;
        let path = if module.is_empty() { String::from("lib") } else { module.join("/") };
        let leads_to =
            |name: &str| path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let rooms =
            layers.iter().enumerate().flat_map(|(layer, names)| names.iter().map(move |&name| Self { name, layer }));
        rooms.filter(|room| leads_to(room.name)).max_by_key(|room| room.name.len())
    }
}
