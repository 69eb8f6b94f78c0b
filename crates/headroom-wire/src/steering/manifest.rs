//! The steering manifest.

use super::{DEFAULT_TTL_SECONDS, MAX_MANIFEST_BYTES, MAX_PATHWAYS};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// What a steering server answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the format: 1.
    #[serde(rename = "VERSION")]
    pub version: u32,
    /// Seconds after which players fetch the manifest again.
    #[serde(rename = "TTL", default = "default_ttl")]
    pub ttl_seconds: u32,
    /// Where they fetch it from, relative to this manifest; the same place when absent.
    #[serde(rename = "RELOAD-URI", default, skip_serializing_if = "Option::is_none")]
    pub reload_uri: Option<String>,
    /// Identifiers of the pathways, the preferred one first.
    #[serde(rename = "PATHWAY-PRIORITY")]
    pub pathway_priority: Vec<String>,
    /// Pathways that are copies of others with parts of the address replaced.
    #[serde(rename = "PATHWAY-CLONES", default, skip_serializing_if = "Vec::is_empty")]
    pub pathway_clones: Vec<PathwayClone>,
}

fn default_ttl() -> u32 {
    DEFAULT_TTL_SECONDS
}

/// A pathway made from another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathwayClone {
    /// Identifier of the pathway that is copied.
    #[serde(rename = "BASE-ID")]
    pub base_id: String,
    /// Identifier of the copy.
    #[serde(rename = "ID")]
    pub id: String,
    /// How addresses of the copy are made.
    #[serde(rename = "URI-REPLACEMENT")]
    pub uri_replacement: UriReplacement,
}

/// What is replaced in the addresses of a copied pathway.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UriReplacement {
    /// Host instead of the original one.
    #[serde(rename = "HOST", default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Query parameters to set.
    #[serde(rename = "PARAMS", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// Whole addresses by stable variant identifier (HLS).
    #[serde(rename = "PER-VARIANT-URIS", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub per_variant_uris: BTreeMap<String, String>,
    /// Whole addresses by stable rendition identifier (HLS).
    #[serde(rename = "PER-RENDITION-URIS", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub per_rendition_uris: BTreeMap<String, String>,
}

/// Why a steering manifest cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SteeringError {
    /// When the manifest is longer than [`MAX_MANIFEST_BYTES`].
    #[error("steering manifest of {length} bytes is over the limit of {limit}", limit = MAX_MANIFEST_BYTES)]
    TooLong {
        /// Length of the body, bytes.
        length: usize,
    },
    /// When it is not JSON, or a required field is missing or has a wrong type.
    #[error("not a steering manifest: {message}")]
    NotAManifest {
        /// What the JSON parser found, with line and column.
        message: String,
    },
    /// When it breaks a rule of the standard; the first of [`Manifest::flaws`].
    #[error("steering manifest breaks a rule: {flaw}")]
    Flawed {
        /// The broken rule.
        flaw: Flaw,
    },
}

/// A rule of the standard that a manifest breaks.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Flaw {
    /// When the version is not 1: players must ignore the manifest.
    #[error("VERSION is {found}, not 1")]
    UnknownVersion {
        /// The version given.
        found: u32,
    },
    /// When the TTL is zero: players would ask without end.
    #[error("TTL is zero")]
    ZeroTtl,
    /// When no pathway is named.
    #[error("PATHWAY-PRIORITY is empty")]
    NoPathway,
    /// When there are more than [`MAX_PATHWAYS`] pathways or clones.
    #[error("more than {limit} pathways", limit = MAX_PATHWAYS)]
    TooManyPathways,
    /// When a pathway is named more than once, or a clone has the identifier of another clone.
    #[error("pathway `{id}` is named more than once")]
    RepeatedPathway {
        /// Identifier of the pathway.
        id: String,
    },
    /// When an identifier holds anything but letters, digits, `.`, `-` and `_` (RFC 8216bis §4.4.6.2).
    #[error("pathway identifier `{id}` holds other characters than letters, digits, `.`, `-` and `_`")]
    BadPathwayId {
        /// The identifier as given.
        id: String,
    },
    /// When a clone is made from itself.
    #[error("pathway clone `{id}` is its own base")]
    CloneOfItself {
        /// Identifier of the clone.
        id: String,
    },
    /// When the host of a clone is empty or holds what no host holds, or a query parameter has no name.
    #[error("pathway clone `{id}` replaces by an impossible host or parameter")]
    BadReplacement {
        /// Identifier of the clone.
        id: String,
    },
}

impl Manifest {
    /// A manifest that ranks pathways and says no more.
    pub fn new(ttl_seconds: u32, pathway_priority: Vec<String>) -> Self {
        Self { version: 1, ttl_seconds, reload_uri: None, pathway_priority, pathway_clones: Vec::new() }
    }

    /// Reads a manifest and holds it to the rules. Fields the standard does not define are ignored, as it says.
    ///
    /// # Errors
    /// When it is too long, is no manifest, or breaks a rule.
    pub fn parse(body: &[u8]) -> Result<Self, SteeringError> {
        if body.len() > MAX_MANIFEST_BYTES {
            return Err(SteeringError::TooLong { length: body.len() });
        }
        let manifest: Self =
            serde_json::from_slice(body).map_err(|error| SteeringError::NotAManifest { message: error.to_string() })?;
        match manifest.flaws().into_iter().next() {
            Some(flaw) => Err(SteeringError::Flawed { flaw }),
            None => Ok(manifest),
        }
    }

    /// Every rule the manifest breaks; empty when it is good to send.
    pub fn flaws(&self) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        if self.version != 1 {
            flaws.push(Flaw::UnknownVersion { found: self.version });
        }
        if self.ttl_seconds == 0 {
            flaws.push(Flaw::ZeroTtl);
        }
        if self.pathway_priority.is_empty() {
            flaws.push(Flaw::NoPathway);
        }
        if self.pathway_priority.len() > MAX_PATHWAYS || self.pathway_clones.len() > MAX_PATHWAYS {
            flaws.push(Flaw::TooManyPathways);
        }
        let clones = || self.pathway_clones.iter().take(MAX_PATHWAYS);
        check_ids(self.pathway_priority.iter().take(MAX_PATHWAYS), &mut flaws);
        check_ids(clones().map(|clone| &clone.id), &mut flaws);
        for PathwayClone { base_id, id, uri_replacement } in clones() {
            if base_id == id {
                flaws.push(Flaw::CloneOfItself { id: id.clone() });
            }
            let bad_host = uri_replacement.host.as_deref().is_some_and(|host| !is_host(host));
            if bad_host || uri_replacement.params.keys().any(String::is_empty) {
                flaws.push(Flaw::BadReplacement { id: id.clone() });
            }
        }
        flaws
    }

    /// The manifest as JSON.
    ///
    /// # Errors
    /// When it breaks a rule.
    pub fn to_json(&self) -> Result<String, SteeringError> {
        if let Some(flaw) = self.flaws().into_iter().next() {
            return Err(SteeringError::Flawed { flaw });
        }
        serde_json::to_string(self).map_err(|error| SteeringError::NotAManifest { message: error.to_string() })
    }
}

fn check_ids<'i>(ids: impl Iterator<Item = &'i String>, flaws: &mut Vec<Flaw>) {
    let mut seen = BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            flaws.push(Flaw::RepeatedPathway { id: id.clone() });
        }
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)) {
            flaws.push(Flaw::BadPathwayId { id: id.clone() });
        }
    }
}

/// A host name or address with an optional port: nothing that could leave the authority part of an address.
fn is_host(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
}
