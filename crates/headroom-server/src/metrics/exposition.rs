//! What a scraper reads.

use super::{
    catalogue::Catalogue,
    collected::{EngineCollector, ReaderCollector},
};
use crate::inference::Reader;
use headroom_cluster::shard::Shards;
use prometheus_client::{encoding::text::encode, registry::Registry};
use std::sync::Arc;

/// Every registered metric, as OpenMetrics text.
pub(crate) struct Exposition(Registry);

impl Exposition {
    /// Exposes what `catalogue` holds, what the engines count and, where there is one, what the reader counts.
    pub(crate) fn new(
        catalogue: Catalogue,
        shards: &Arc<Shards>,
        max_sessions: usize,
        reader: Option<Arc<dyn Reader>>,
    ) -> Self {
        let mut registry = catalogue.into_registry();
        registry.register_collector(Box::new(EngineCollector { shards: Arc::downgrade(shards), max_sessions }));
        if let Some(reader) = reader {
            registry.register_collector(Box::new(ReaderCollector(reader)));
        }
        Self(registry)
    }

    /// The text (OpenMetrics 1.0).
    ///
    /// # Errors
    /// When a metric cannot be written.
    pub(crate) fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.0)?;
        Ok(text)
    }
}
