//! Circles of a directed graph.

use std::collections::{BTreeMap, BTreeSet};

/// An edge for every import between two files, by their paths.
pub(crate) type Edges = BTreeMap<String, BTreeSet<String>>;

/// Sets of nodes that all reach one another, each sorted, of more than one node (Tarjan 1972).
pub(crate) fn circles(edges: &Edges) -> Vec<Vec<String>> {
    let mut search = Search::new(edges);
    for node in edges.keys() {
        if !search.index.contains_key(node.as_str()) {
            search.visit(node);
        }
    }
    search.found.sort();
    search.found
}

struct Search<'e> {
    edges: &'e Edges,
    index: BTreeMap<&'e str, usize>,
    lowest: BTreeMap<&'e str, usize>,
    open: Vec<&'e str>,
    found: Vec<Vec<String>>,
}

impl<'e> Search<'e> {
    fn new(edges: &'e Edges) -> Self {
        Self { edges, index: BTreeMap::new(), lowest: BTreeMap::new(), open: Vec::new(), found: Vec::new() }
    }

    /// Depth first; the longest chain of imports is far shorter than what a thread's stack takes.
    fn visit(&mut self, node: &'e str) {
        let number = self.index.len();
        self.index.insert(node, number);
        self.lowest.insert(node, number);
        self.open.push(node);
        for next in self.edges.get(node).into_iter().flatten() {
            if !self.index.contains_key(next.as_str()) {
                self.visit(next);
                self.lower(node, self.lowest[next.as_str()]);
            } else if self.open.contains(&next.as_str()) {
                self.lower(node, self.index[next.as_str()]);
            }
        }
        if self.lowest[node] == number {
            let start = self.open.iter().position(|open| *open == node).unwrap_or_default();
            let mut circle: Vec<String> = self.open.drain(start..).map(str::to_owned).collect();
            if circle.len() > 1 {
                circle.sort();
                self.found.push(circle);
            }
        }
    }

    fn lower(&mut self, node: &'e str, number: usize) {
        if let Some(lowest) = self.lowest.get_mut(node) {
            *lowest = number.min(*lowest);
        }
    }
}
