//! Tells others: Alertmanager (API v2) and webhooks, from a thread of its own behind a bounded queue.
//!
//! A webhook's body is signed: `X-Headroom-Signature: sha256=` and the HMAC-SHA-256 of `X-Headroom-Timestamp`, a dot and
//! the body, so a receiver can refuse forgeries and what is old. Redirects are not followed and, unless allowed, no
//! private address is connected to, whatever its name resolves to: the configuration must not become a way inside.

use super::{
    evaluate::{Alert, Stage},
    metrics::AlertMetrics,
};
use crate::calendar::rfc3339;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::Sha256;
use std::{
    fs::OpenOptions,
    io::{self, Write},
    net::IpAddr,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use ureq::{
    Agent,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};

/// Rounds that may wait to be sent.
const QUEUE: usize = 256;

/// Attempts for one message, and the pause before the second, doubled before each further one.
const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Time for one attempt.
const PATIENCE: Duration = Duration::from_secs(5);

/// Alertmanager forgets an alert that is not repeated within its end, s: three repetitions may be lost.
const STANDS_FOR_S: u64 = 240;

/// Size from which dead letters are no longer kept.
const MAX_DEAD_LETTERS: u64 = 64 * 1024 * 1024;

/// `[alerts]` in the configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// File with rules; empty: the default ones.
    pub rules: PathBuf,
    /// Base addresses of Alertmanagers, `http://127.0.0.1:9093`.
    pub alertmanagers: Vec<String>,
    /// Others to tell.
    pub webhooks: Vec<Webhook>,
    /// File for messages that could not be delivered; empty: they are only counted.
    pub dead_letters: PathBuf,
    /// Whether webhooks may lead to private, loopback and link-local addresses.
    pub allow_private: bool,
}

/// Somebody to tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhook {
    /// Address of the receiver, `http://` or `https://`.
    pub url: String,
    /// File with the secret of the signature; empty: not signed.
    pub secret_file: PathBuf,
}

/// The way to the sender.
pub(crate) struct Notifier(SyncSender<NotificationBatch>);

/// What to tell after a round.
pub(crate) struct NotificationBatch {
    /// Alerts whose stage changed.
    pub(crate) changed: Vec<Alert>,
    /// All that are not over, when it is time to repeat them.
    pub(crate) firing: Vec<Alert>,
}

struct Sender {
    alertmanagers: Vec<String>,
    webhooks: Vec<(String, Vec<u8>)>,
    inside: Agent,
    outside: Agent,
    dead_letters: PathBuf,
    metrics: AlertMetrics,
}

impl Notifier {
    /// Reads the secrets and starts the sender; `None` when there is nobody to tell.
    pub(crate) fn start(settings: &Settings, metrics: AlertMetrics) -> io::Result<Option<Self>> {
        if settings.alertmanagers.is_empty() && settings.webhooks.is_empty() {
            return Ok(None);
        }
        let webhooks = settings.webhooks.iter().map(|webhook| {
            let secret = match webhook.secret_file.as_os_str().is_empty() {
                true => Vec::new(),
                false => std::fs::read_to_string(&webhook.secret_file)?.trim().as_bytes().to_vec(),
            };
            Ok((webhook.url.clone(), secret))
        });
        let base = |url: &String| url.trim_end_matches('/').to_owned();
        let sender = Sender {
            alertmanagers: settings.alertmanagers.iter().map(base).collect(),
            webhooks: webhooks.collect::<io::Result<_>>()?,
            inside: agent(true),
            outside: agent(settings.allow_private),
            dead_letters: settings.dead_letters.clone(),
            metrics,
        };
        let (queue, received) = sync_channel(QUEUE);
        std::thread::Builder::new().name("headroom-alerts".into()).spawn(move || sender.run(&received))?;
        Ok(Some(Self(queue)))
    }

    /// Queues a batch. Whether there was room.
    pub(crate) fn tell(&self, batch: NotificationBatch) -> bool {
        self.0.try_send(batch).is_ok()
    }
}

impl Sender {
    fn run(self, queue: &Receiver<NotificationBatch>) {
        while let Ok(batch) = queue.recv() {
            let stamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            let standing = batch.changed.iter().chain(&batch.firing).collect::<Vec<_>>();
            if !standing.is_empty() {
                let body = alertmanager_json(&standing, stamp).to_string();
                for base in &self.alertmanagers {
                    self.deliver(&self.inside, &format!("{base}/api/v2/alerts"), &body, &[], stamp);
                }
            }
            for group in groups(&batch.changed) {
                let body = json!({ "version": 1, "group": group[0].rule, "alerts": group }).to_string();
                for (url, secret) in &self.webhooks {
                    self.deliver(&self.outside, url, &body, secret, stamp);
                }
            }
        }
    }

    /// Sends until it is taken, or gives up and keeps it aside.
    fn deliver(&self, agent: &Agent, url: &str, body: &str, secret: &[u8], stamp: u64) {
        let mut pause = FIRST_PAUSE;
        let mut problem = String::new();
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                std::thread::sleep(pause);
                pause *= 2;
            }
            let mut request = agent.post(url).header("content-type", "application/json");
            if !secret.is_empty() {
                request = request
                    .header("x-headroom-timestamp", stamp.to_string())
                    .header("x-headroom-signature", signature(secret, stamp, body));
            }
            let lasting;
            match request.send(body) {
                Ok(response) if response.status().is_success() => {
                    self.metrics.sent.inc();
                    return;
                }
                Ok(response) => {
                    let status = response.status();
                    problem = format!("status {status}");
                    // What was refused, or has moved, will be so again.
                    lasting = !status.is_server_error() && !matches!(status.as_u16(), 408 | 429);
                }
                Err(error) => {
                    problem = error.to_string();
                    lasting =
                        matches!(&error, ureq::Error::Io(error) if error.kind() == io::ErrorKind::PermissionDenied);
                }
            }
            tracing::warn!(to = place(url), problem, attempt, "alert was not taken");
            if lasting {
                break;
            }
        }
        self.metrics.failed.inc();
        if let Err(error) = keep_aside(&self.dead_letters, url, body, &problem, stamp) {
            tracing::error!(%error, "dead letter could not be kept");
        }
    }
}

/// A URL without what may be secret: only scheme, host and port.
fn place(url: &str) -> String {
    url.parse::<http::Uri>().ok().map_or_else(String::new, |uri| {
        format!("{}://{}:{}", uri.scheme_str().unwrap_or(""), uri.host().unwrap_or(""), uri.port_u16().unwrap_or(0))
    })
}

/// Changes of one rule belong together.
fn groups(changed: &[Alert]) -> Vec<Vec<&Alert>> {
    let mut groups = std::collections::BTreeMap::<&str, Vec<&Alert>>::new();
    changed.iter().for_each(|alert| groups.entry(&alert.rule).or_default().push(alert));
    groups.into_values().collect()
}

/// `sha256=` and the keyed hash of time and body.
fn signature(secret: &[u8], stamp: u64, body: &str) -> String {
    // An HMAC takes a key of any length (RFC 2104 §2).
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    mac.update(format!("{stamp}.{body}").as_bytes());
    let digest = mac.finalize().into_bytes();
    digest.iter().fold("sha256=".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// Alertmanager's API v2, `postableAlerts`.
fn alertmanager_json(alerts: &[&Alert], now_s: u64) -> serde_json::Value {
    let one = |alert: &&Alert| {
        let ends_s = if alert.stage == Stage::Resolved { alert.changed_s } else { now_s + STANDS_FOR_S };
        let annotations = json!({
            "summary": alert.summary,
            "evidence": alert.evidence,
            "stage": alert.stage,
            "value": format!("{:.4}", alert.value),
            "threshold": alert.threshold.to_string(),
            "breach_in_s": alert.breach_in_s.map_or_else(String::new, |seconds| format!("{seconds:.0}")),
            "probability": alert.probability.map_or_else(String::new, |probability| format!("{probability:.2}")),
        });
        let mut labels = serde_json::Map::new();
        labels.insert("alertname".into(), format!("headroom_{}", alert.rule).into());
        labels.insert("severity".into(), serde_json::to_value(alert.severity).unwrap_or_default());
        labels.extend(scopes(&alert.subject).map(|(scope, name)| (scope.to_owned(), name.into())));
        json!({
            "labels": labels,
            "annotations": annotations,
            "startsAt": rfc3339(alert.since_s),
            "endsAt": rfc3339(ends_s),
        })
    };
    alerts.iter().map(one).collect()
}

/// What a subject is about, by kind: `edge=eu-1,network=AS64500 Example, Inc.` is about an edge and a network. Names of edges
/// hold no comma, all others may.
fn scopes(subject: &str) -> impl Iterator<Item = (&str, &str)> {
    let both = subject.starts_with("edge=").then(|| subject.split_once(",network=")).flatten();
    let (first, network) = both.map_or((subject, None), |(first, network)| (first, Some(("network", network))));
    [first.split_once('=').unwrap_or(("scope", first))].into_iter().chain(network)
}

/// Appends a message that nobody took, as a line of JSON.
fn keep_aside(path: &Path, url: &str, body: &str, problem: &str, stamp: u64) -> io::Result<()> {
    if path.as_os_str().is_empty() {
        return Ok(());
    }
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    if file.metadata()?.len() > MAX_DEAD_LETTERS {
        return Err(io::Error::other("the file of dead letters is full"));
    }
    let line = json!({ "at_s": stamp, "to": place(url), "problem": problem, "body": body });
    file.write_all(format!("{line}\n").as_bytes())
}

fn agent(allow_private: bool) -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        // A proxy of the environment would resolve names where nobody checks them.
        .proxy(None)
        .user_agent(concat!("headroom/", env!("CARGO_PKG_VERSION")))
        .build();
    Agent::with_parts(
        config,
        DefaultConnector::default(),
        GuardedResolver { allow_private, names: DefaultResolver::default() },
    )
}

/// Resolves names, and refuses addresses that must not be reached: checked on the very address that is connected to,
/// so a name cannot resolve to one thing when it is checked and to another when it is used.
#[derive(Debug)]
struct GuardedResolver {
    allow_private: bool,
    names: DefaultResolver,
}

impl Resolver for GuardedResolver {
    fn resolve(
        &self,
        uri: &http::Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.names.resolve(uri, config, timeout)?;
        if !self.allow_private && found.iter().any(|address| !is_public(address.ip())) {
            let problem = "the address is private: alerts.allow_private is off";
            return Err(ureq::Error::Io(io::Error::new(io::ErrorKind::PermissionDenied, problem)));
        }
        Ok(found)
    }
}

/// Whether an address is one of the open internet (IANA special-purpose address registries, RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            let special = address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_documentation()
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (18..20).contains(&b))
                || a == 0
                || a >= 224;
            !special
        }
        IpAddr::V6(address) => {
            let [first, second, ..] = address.segments();
            // Only 2000::/3 is given out; of it, not Teredo and its like, documentation and 6to4, which embed others.
            (0x2000..0x4000).contains(&first)
                && first != 0x2002
                && !(first == 0x2001 && (second < 0x200 || second == 0xdb8))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_open_internet_are_public() {
        for public in ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00::1"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.0.1",
            "::1",
            "::",
            "::ffff:10.0.0.1",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001:db8::1",
            "2001::1",
        ] {
            assert!(!is_public(inside.parse().unwrap()), "{inside}");
        }
    }

    #[test]
    fn a_subject_becomes_labels() {
        for (subject, expected) in [
            ("fleet", &[("scope", "fleet")][..]),
            ("stream=a,network=b", &[("stream", "a,network=b")]),
            ("network=AS64500 Example, Inc.", &[("network", "AS64500 Example, Inc.")]),
            ("edge=eu-1", &[("edge", "eu-1")]),
            ("edge=eu-1,network=AS64500 A, network=b", &[("edge", "eu-1"), ("network", "AS64500 A, network=b")]),
        ] {
            assert_eq!(scopes(subject).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn a_signature_is_what_a_receiver_computes() {
        // printf '1.{}' | openssl dgst -sha256 -hmac Jefe
        let expected = "sha256=dc7943cccf20f64327d263db5e2aca27c2b8175e8e6e7ea04f482091bf456b0f";
        assert_eq!(signature(b"Jefe", 1, "{}"), expected);
        assert_ne!(signature(b"Jefe", 2, "{}"), expected);
    }
}
