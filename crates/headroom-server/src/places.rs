//! Where viewers are, by names: the edge that serves them and the network they come from.

use crate::network::Networks;
use http::{HeaderMap, HeaderName};

/// Says, on the requests of a web server, which edge it is.
pub(crate) static EDGE: HeaderName = HeaderName::from_static("x-headroom-edge");

/// Edges that share a server at most: each multiplies the cells of a minute.
pub(crate) const MAX_EDGES: usize = 256;

/// The names.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// This process's own edge.
    own: String,
    edges: Vec<String>,
    pub(crate) networks: Networks,
}

impl Places {
    /// This process's own edge, the others, and networks.
    pub(crate) fn new(own: String, edges: Vec<String>, networks: Networks) -> Self {
        Self { own, edges, networks }
    }

    /// The edge that a request names; `None` where it names one that is not configured.
    pub(crate) fn named_edge(&self, headers: &HeaderMap) -> Option<u16> {
        if self.edges.is_empty() {
            return Some(0);
        }
        let Some(name) = headers.get(&EDGE) else { return Some(0) };
        if name.as_bytes() == self.own.as_bytes() {
            return Some(0);
        }
        let index = self.edges.iter().position(|edge| edge.as_bytes() == name.as_bytes())?;
        u16::try_from(index + 1).ok()
    }

    /// Name of the edge at a position.
    pub(crate) fn edge(&self, position: u16) -> &str {
        usize::from(position).checked_sub(1).and_then(|index| self.edges.get(index)).unwrap_or(&self.own)
    }

    /// Name of the network at a position.
    pub(crate) fn network(&self, position: u32) -> &str {
        self.networks.name(position)
    }
}

/// What is wrong with the names of edges; `None`: nothing.
pub(crate) fn flaw(edges: &[String]) -> Option<String> {
    // They stand in the subjects of alerts, `edge=NAME,network=…`, and in headers.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let wrong = |name: &&String| name.is_empty() || name.len() > 64 || !name.bytes().all(plain);
    if edges.len() > MAX_EDGES {
        return Some(format!("at most {MAX_EDGES} edges share a server"));
    }
    if let Some(name) = edges.iter().find(wrong) {
        return Some(format!("{name:?}: a name has 1 to 64 letters, digits, dots, underscores and hyphens"));
    }
    let distinct: std::collections::BTreeSet<_> = edges.iter().collect();
    (distinct.len() < edges.len()).then(|| "a name stands twice".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn only_configured_edges_have_a_name() {
        let names = |edges: &[&str]| edges.iter().map(|&name| name.to_owned()).collect();
        let places = Places { own: "here".into(), edges: names(&["eu-1", "us-1"]), ..Places::default() };
        for (value, expected) in
            [(None, Some("here")), (Some("us-1"), Some("us-1")), (Some("here"), Some("here")), (Some("eu-9"), None)]
        {
            let mut headers = HeaderMap::new();
            headers.extend(value.map(|value| (EDGE.clone(), HeaderValue::from_static(value))));
            assert_eq!(places.named_edge(&headers).map(|position| places.edge(position)), expected, "{value:?}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(EDGE.clone(), HeaderValue::from_static("eu-1"));
        assert_eq!(Places::default().named_edge(&headers), Some(0), "nobody wants to tell edges apart");
        for wrong in [&["a,b"][..], &["a=b"], &[""], &["a", "a"], &["ü"]] {
            assert!(flaw(&names(wrong)).is_some(), "{wrong:?}");
        }
        assert_eq!(flaw(&names(&["eu-1", "us_1.example"])), None);
    }
}
