//! The streams that are talked about: their names, their renderings and the latest messages.

use crate::identity::Identifier;
use headroom_cluster::lock::locked;
use headroom_core::{
    audience::{AuthorId, Classification},
    policy::Weights,
    telemetry::StreamId,
    time::Timestamp,
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Mutex, MutexGuard},
};

/// Streams talked about at most: as many as the engine listens to.
const MOST: usize = 1_024;
/// Messages kept of each for people to look at.
const LATEST: usize = 50;

/// The topics by the identifier their audience has.
#[derive(Default)]
pub(super) struct Topics(Mutex<BTreeMap<StreamId, Topic>>);

struct Topic {
    name: String,
    aliases: Vec<StreamId>,
    seen: BTreeSet<StreamId>,
    weights: Weights,
    latest: VecDeque<RecentMessage>,
}

/// A message that was read.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = Heard)]
pub(crate) struct RecentMessage {
    /// Its identifier at its source.
    pub(crate) id: String,
    /// Who, as a keyed hash.
    #[serde(serialize_with = "hexadecimal")]
    pub(crate) author: AuthorId,
    /// When it reached the engine.
    #[serde(rename = "at_us")]
    pub(crate) at: Timestamp,
    /// What the classifier made of it.
    pub(crate) reading: Classification,
    /// How it begins; empty when texts are not to be shown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) text: String,
}

/// JavaScript cannot hold 64 bits.
fn hexadecimal<S: serde::Serializer>(author: &AuthorId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{:016x}", author.0))
}

impl Topics {
    /// Makes sure a topic is known; false when there is no room for it.
    pub(super) fn know(&self, home: StreamId, name: &str, identifier: &Identifier) -> bool {
        let mut topics = self.lock();
        if !topics.contains_key(&home) {
            if topics.len() >= MOST {
                return false;
            }
            let topic = Topic {
                name: name.to_owned(),
                aliases: identifier.renderings(name).collect(),
                seen: BTreeSet::from([home]),
                weights: Weights::default(),
                latest: VecDeque::new(),
            };
            topics.insert(home, topic);
        }
        true
    }

    pub(super) fn note(&self, home: StreamId, heard: RecentMessage) {
        if let Some(topic) = self.lock().get_mut(&home) {
            topic.latest.truncate(LATEST - 1);
            topic.latest.push_front(heard);
        }
    }

    /// Remembers weights; answers whom they concern now.
    pub(super) fn weigh(&self, home: StreamId, weights: Weights) -> Vec<StreamId> {
        self.lock().get_mut(&home).map_or_else(Vec::new, |topic| {
            topic.weights = weights;
            topic.seen.iter().copied().collect()
        })
    }

    /// Takes note that a rendering is being played; answers the weights it needs when that is new and they matter.
    pub(super) fn appeared(&self, home: StreamId, alias: StreamId) -> Option<Weights> {
        let mut topics = self.lock();
        let topic = topics.get_mut(&home)?;
        (topic.seen.insert(alias) && topic.weights != Weights::default()).then_some(topic.weights)
    }

    pub(super) fn aliases(&self) -> Vec<(StreamId, Vec<StreamId>)> {
        self.lock().iter().map(|(&home, topic)| (home, topic.aliases.clone())).collect()
    }

    /// The latest messages, newest first.
    pub(super) fn latest(&self, home: StreamId) -> Vec<RecentMessage> {
        self.lock().get(&home).map_or_else(Vec::new, |topic| topic.latest.iter().cloned().collect())
    }

    pub(super) fn name(&self, home: StreamId) -> String {
        self.lock().get(&home).map_or_else(String::new, |topic| topic.name.clone())
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.lock().values().map(|topic| topic.name.clone()).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<StreamId, Topic>> {
        locked(&self.0)
    }
}
