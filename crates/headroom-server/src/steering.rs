//! Content Steering: which delivery pathway a player should use, HLS and DASH alike
//! (draft-pantos-hls-rfc8216bis §7, ETSI TS 103 998).

use headroom_cluster::lock::{read_locked, write_locked};
use headroom_core::telemetry::SessionId;
use headroom_wire::steering::{Flaw, Manifest};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::RwLock};

/// Sessions that may be steered one by one at a time.
const MAX_STEERED: usize = 10_000;

/// `[steering]`; `default.toml` says what each key means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Seconds until players ask again.
    pub ttl_s: u32,
    /// Pathway ids, best first.
    pub pathways: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { ttl_s: 10, pathways: Vec::new() }
    }
}

/// Orders in force.
pub(crate) struct Pathways {
    ttl_seconds: u32,
    known: Vec<String>,
    orders: RwLock<PathwayOrders>,
}

#[derive(Default)]
struct PathwayOrders {
    everyone: Vec<String>,
    single: BTreeMap<SessionId, Vec<String>>,
}

/// Why an order was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OrderError {
    /// The manifest of this order would break a rule.
    #[error("{0}")]
    Flawed(Flaw),
    /// A pathway the configuration does not know.
    #[error("an order may only name the pathways of the configuration")]
    Unknown,
    /// Too many single sessions are steered.
    #[error("at most {MAX_STEERED} sessions can be steered one by one")]
    TooMany,
}

impl Pathways {
    pub(crate) fn new(settings: &Settings) -> Self {
        let orders = PathwayOrders { everyone: settings.pathways.clone(), single: BTreeMap::new() };
        Self { ttl_seconds: settings.ttl_s, known: settings.pathways.clone(), orders: RwLock::new(orders) }
    }

    /// What to tell a session; `None` when no pathways are configured.
    pub(crate) fn manifest(&self, session: SessionId) -> Option<Manifest> {
        let orders = read_locked(&self.orders);
        let order = orders.single.get(&session).unwrap_or(&orders.everyone);
        (!order.is_empty()).then(|| Manifest::new(self.ttl_seconds, order.clone()))
    }

    /// What a session is told that must not notice us: the order of the configuration.
    pub(crate) fn default_manifest(&self) -> Option<Manifest> {
        (!self.known.is_empty()).then(|| Manifest::new(self.ttl_seconds, self.known.clone()))
    }

    /// All that may be ordered, as the configuration orders them.
    pub(crate) fn configured(&self) -> &[String] {
        &self.known
    }

    /// The order for everyone.
    pub(crate) fn order(&self) -> Vec<String> {
        read_locked(&self.orders).everyone.clone()
    }

    /// Sets the order for one session or for everyone; an empty order takes a session's own back.
    pub(crate) fn set(&self, session: Option<SessionId>, order: Vec<String>) -> Result<(), OrderError> {
        let takes_back = order.is_empty() && session.is_some();
        let manifest = Manifest::new(self.ttl_seconds, order.clone());
        if let Some(flaw) = manifest.flaws().into_iter().next()
            && !takes_back
        {
            return Err(OrderError::Flawed(flaw));
        }
        if order.iter().any(|id| !self.known.contains(id)) {
            return Err(OrderError::Unknown);
        }
        let mut orders = write_locked(&self.orders);
        match session {
            None => orders.everyone = order,
            Some(session) if takes_back => {
                orders.single.remove(&session);
            }
            Some(session) => {
                if orders.single.len() >= MAX_STEERED && !orders.single.contains_key(&session) {
                    return Err(OrderError::TooMany);
                }
                orders.single.insert(session, order);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_apply_to_one_or_all() {
        let pathways = Pathways::new(&Settings { ttl_s: 4, pathways: vec!["a".into(), "b".into()] });
        let order = |session| pathways.manifest(SessionId(session)).unwrap().pathway_priority;
        assert_eq!(pathways.set(Some(SessionId(1)), vec!["b".into()]), Ok(()));
        assert_eq!((order(1), order(2)), (vec!["b".into()], vec!["a".into(), "b".into()]));
        assert_eq!(pathways.set(None, vec!["b".into(), "a".into()]), Ok(()));
        assert_eq!(pathways.set(Some(SessionId(1)), vec![]), Ok(()));
        assert_eq!((order(1), order(2)), (vec!["b".into(), "a".into()], vec!["b".into(), "a".into()]));
        assert_eq!(pathways.set(None, vec![]), Err(OrderError::Flawed(Flaw::NoPathway)));
        let twice = Err(OrderError::Flawed(Flaw::RepeatedPathway { id: "a".into() }));
        assert_eq!(pathways.set(None, vec!["a".into(), "a".into()]), twice);
        assert_eq!(pathways.set(None, vec!["c".into()]), Err(OrderError::Unknown));
    }
}
