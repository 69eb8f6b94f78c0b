//! The server as a whole: started, told where it listens, stopped.

use crate::{
    alerts::{AlertSources, Alerts, Notifier, Rule, RuleError},
    api,
    chat::{self, ChatError},
    clients::Clients,
    config::{self, Config},
    control::{Access, Control, OrderStore, Planner, Resources, Tokens, TokensError},
    dashboard::Live,
    edge::Edge,
    feedback::Feedback,
    fleet::{FleetSampler, ROUND_TICKS},
    history::{self, Action, Entry, History, archive::tap::ArchiveTap},
    identity::{self, Identifier},
    inference::{Reader, Transcriber},
    ingest::Ingest,
    listener::{self, Listener},
    metrics::Metrics,
    network::TableError,
    public::Public,
    reload::{self, Reloadable},
    steering::Pathways,
    stream::Streams,
    tls::{ListenerTlsError, Tls},
    token::{Gate, KeysError},
};
use headroom_cluster::{
    bottleneck::Bottlenecks, clock::Clock, engines::Engines, input_log::Recorder, meters::Meters, shard::Shards,
    tap::Tap,
};
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::{Semaphore, watch},
    time::MissedTickBehavior,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Time open requests get to finish when the server stops.
const DRAIN: Duration = Duration::from_secs(10);

/// Readers of the history at a time: each holds a thread and the disk.
const READERS: usize = 4;

/// A running server. Dropping it stops it without waiting for open requests.
pub struct Server {
    public: SocketAddr,
    control: SocketAddr,
    shards: Arc<Shards>,
    feedback: Arc<Feedback>,
    history: Option<Arc<History>>,
    ready: Arc<AtomicBool>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address of the configuration.
        address: SocketAddr,
        /// What the system or the parser reports.
        source: io::Error,
    },
    /// A log file cannot be created.
    #[error("log files cannot be created")]
    Log(#[source] io::Error),
    /// The alert rules cannot be used.
    #[error("alert rules")]
    Rules(#[source] RuleError),
    /// The secret of a webhook cannot be read.
    #[error("a webhook's secret file cannot be read")]
    Secret(#[source] io::Error),
    /// The tokens of the control listener cannot be used.
    #[error("tokens of the control listener")]
    Tokens(#[from] TokensError),
    /// A listener cannot be encrypted.
    #[error("{listener}.tls")]
    Tls {
        /// `public` or `control`, as in the configuration.
        listener: &'static str,
        /// What the system or the parser reports.
        source: ListenerTlsError,
    },
    /// The table of autonomous systems cannot be used.
    #[error("history.autonomous_systems_file")]
    AutonomousSystems(#[from] TableError),
    /// The keys of tokens cannot be used.
    #[error("tokens.keys_file")]
    Keys(#[from] KeysError),
    /// A configured chat cannot be followed.
    #[error("a configured chat cannot be followed")]
    Chat(#[from] ChatError),
}

impl Server {
    /// Starts to listen and to tick, on the current tokio runtime.
    ///
    /// # Errors
    /// When an address is taken, a log file cannot be created, or the tokens cannot be used.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        Self::start_with(config, None).await
    }

    /// The same with a classifier for what viewers say. Without one, only messages that bring a reading are taken.
    ///
    /// # Errors
    /// As [`Server::start`], and when a configured chat cannot be followed.
    pub async fn start_with(mut config: Config, reader: Option<Arc<dyn Reader>>) -> Result<Self, StartError> {
        let tokens = Arc::new(Tokens::load(&config.control)?);
        let gate = Arc::new(Gate::new(&config.tokens)?);
        let tls = |listener, settings| Tls::load(settings).map_err(|source| StartError::Tls { listener, source });
        let public_tls = tls("public", &config.public.tls)?;
        let control_tls = tls("control", &config.control.tls)?;
        let bind = |address| listener::bind(address).map_err(|source| StartError::Listen { address, source });
        let public_listener = bind(config.public.listen)?;
        let control_listener = bind(config.control.listen)?;
        let address = |listener: &tokio::net::TcpListener, address| {
            listener.local_addr().map_err(|source| StartError::Listen { address, source })
        };
        let public_address = address(&public_listener, config.public.listen)?;
        let control_address = address(&control_listener, config.control.listen)?;

        if config.history.enabled() && config.identity.key.is_empty() {
            let drawn: String = identity::random_key().iter().map(|byte| format!("{byte:02x}")).collect();
            match history::identifier_key(&config.history.directory, &drawn) {
                Ok(key) => config.identity.key = key,
                Err(error) => tracing::error!(%error, "identity.key: identifiers last until the next start only"),
            }
        }
        let clock = Clock::start();
        let metrics = Arc::new(Metrics::new());
        let recorder =
            Recorder::start(&config.log, config.shards, &config.engine, Arc::clone(&metrics) as Arc<dyn Meters>);
        let recorder = recorder.map_err(StartError::Log)?;
        let streams = Arc::new(Streams::default());
        let places = Arc::new(config.places()?);
        let history = config.history.enabled().then(|| {
            let (places, streams) = (Arc::clone(&places), Arc::clone(&streams));
            History::start(&config.history, places, streams, Arc::clone(&metrics))
        });
        let history = history.transpose().map_err(StartError::Log)?.map(Arc::new);
        if let Some(history) = &history {
            history.keep(Entry::Action(started(&config, clock)));
        }
        let archive = history.as_ref().and_then(|history| history.archive());
        let tap = || {
            let archive = Arc::clone(archive.as_ref()?);
            Some(Box::new(ArchiveTap::new(archive, config.shards)) as Box<dyn Tap>)
        };
        let meters = Arc::clone(&metrics) as Arc<dyn Meters>;
        let shards = Shards::new(config.shards, &config.engine, clock, meters, recorder, tap);
        let shards = Arc::new(shards);
        metrics.follow(&shards, config.engine.max_sessions);
        let engines = Engines::Local(Arc::clone(&shards));
        let (latest, fleet) = watch::channel(Arc::default());
        let sampler = FleetSampler::new(latest, history.clone(), Arc::clone(&metrics));
        let rules = Rule::load(&config.alerts.rules).map_err(StartError::Rules)?;
        let notifier = Notifier::start(&config.alerts, Arc::clone(&metrics)).map_err(StartError::Secret)?;
        let step_s = f64::from(ROUND_TICKS) * config.tick_ms as f64 / 1_000.0;
        let alerts = Arc::new(Alerts::new(rules, step_s, notifier, history.clone(), Arc::clone(&metrics)));
        let ingest = Arc::new(Ingest {
            identifier: Identifier::new(config.identity.clone()),
            engines: engines.clone(),
            metrics: Arc::clone(&metrics),
            places,
        });
        let default = &config.engine.default_stream;
        for stream in &config.edge.streams {
            // One that makes no sense has been refused with the configuration.
            if let Ok(told) = stream.discovered(&default.ladder) {
                streams.discover(&stream.name, &told, clock.now(), default, &ingest.identifier, &engines);
            }
        }
        let pathways = Arc::new(Pathways::new(&config.steering));
        let bottlenecks = Arc::new(Bottlenecks::default());
        let ready = Arc::new(AtomicBool::new(true));
        let shutdown = CancellationToken::new();
        let tasks = TaskTracker::new();

        if let Some(reader) = &reader {
            metrics.follow_reader(Arc::clone(reader));
        }
        let feedback = Arc::new(Feedback::new(
            reader,
            Arc::clone(&ingest),
            config.chat.clone(),
            config.speech.clone(),
            shutdown.clone(),
        ));
        chat::start(&config.chat, &feedback, &tasks, &shutdown).await?;

        let clients = Arc::new(Clients::new(config.public.limits, ingest.identifier.trusts_loopback()));
        let public = Arc::new(Public {
            edge: Edge::new(
                config.edge.clone(),
                Arc::clone(&gate),
                Arc::clone(&ingest),
                Arc::clone(&streams),
                clock,
                config.engine.default_stream.clone(),
            ),
            ingest: Arc::clone(&ingest),
            feedback: Arc::clone(&feedback),
            pathways: Arc::clone(&pathways),
            metrics: Arc::clone(&metrics),
            settings: config.public.clone(),
            cmsd_name: config.edge.cmsd_name.clone(),
            subscribers: Arc::new(Semaphore::new(config.public.max_subscribers.min(Semaphore::MAX_PERMITS))),
            shutdown: shutdown.clone(),
            ready: Arc::clone(&ready),
            gate: Arc::clone(&gate),
            clients: Arc::clone(&clients),
        });
        let around = AlertSources {
            engines: engines.clone(),
            streams: Arc::clone(&streams),
            bottlenecks: Arc::clone(&bottlenecks),
            places: Arc::clone(&ingest.places),
            feedback: Arc::clone(&feedback),
            step_s,
        };
        tasks.spawn(Arc::clone(&alerts).run(fleet.clone(), around, shutdown.clone()));
        let tick_interval = headroom_core::time::Duration::from_millis(config.tick_ms);
        let live = Arc::new(Live::new(
            Arc::clone(&ingest),
            Arc::clone(&streams),
            clock,
            Arc::clone(&metrics),
            tick_interval,
            shutdown.clone(),
        ));
        let resources = Resources {
            ingest,
            streams,
            pathways,
            metrics: Arc::clone(&metrics),
            clock,
            ready: Arc::clone(&ready),
            access: Access::new(&config.control, Arc::clone(&tokens)),
            overrides: Mutex::default(),
            bottlenecks: Arc::clone(&bottlenecks),
            order_store: history.as_ref().map(|_| OrderStore::in_directory(&config.history.directory)),
            fleet,
            alerts,
            max_sessions: config.engine.max_sessions,
            history: history.clone(),
            readers: Semaphore::new(READERS),
            feedback: Arc::clone(&feedback),
            planner: Planner::new(config.plan.clone()),
        };
        let control = Arc::new(Control::new(resources, Arc::clone(&live), api::documents()));
        let mut reloadable: Vec<Arc<dyn Reloadable>> = Vec::new();
        for tls in [&public_tls, &control_tls].into_iter().flatten() {
            reloadable.push(Arc::clone(tls) as _);
        }
        if !tokens.files().is_empty() {
            reloadable.push(tokens);
        }
        if gate.asks() {
            reloadable.push(gate);
        }
        tasks.spawn(reload::watch(reloadable, Arc::clone(&metrics), shutdown.clone()));
        let bounds = config.public.bounds();
        let listener = |socket, tls| Listener { socket, bounds, clients: Arc::clone(&clients), tls };
        let (public_listener, control_listener) =
            (listener(public_listener, public_tls), listener(control_listener, control_tls));
        let serve = (Arc::clone(&metrics), shutdown.clone(), tasks.clone());
        tasks.spawn(listener::serve(public_listener, public, serve.0.clone(), serve.1.clone(), serve.2.clone()));
        tasks.spawn(listener::serve(control_listener, control, serve.0, serve.1, serve.2));
        let interval = Duration::from_millis(config.tick_ms);
        tasks.spawn(tick(
            Arc::clone(&shards),
            bottlenecks,
            sampler,
            Arc::clone(&feedback),
            metrics,
            interval,
            shutdown.clone(),
        ));
        tasks.spawn(live.run());
        tracing::info!(public = %public_address, control = %control_address, origin = config.edge.origin, "listening");
        Ok(Self { public: public_address, control: control_address, shards, feedback, history, ready, shutdown, tasks })
    }

    /// Lets the server hear voices, as `[speech]` of its configuration says: clips, and the voice chats of streams.
    ///
    /// # Errors
    /// When a voice chat cannot be followed for want of a thread.
    pub fn listen_with(&self, transcriber: Arc<dyn Transcriber>) -> io::Result<()> {
        self.feedback.listen_with(transcriber)
    }

    /// Where players are served.
    #[must_use]
    pub fn public_address(&self) -> SocketAddr {
        self.public
    }

    /// Where operators are served.
    #[must_use]
    pub fn control_address(&self) -> SocketAddr {
        self.control
    }

    /// Stops: no new connections, open requests may finish within 10 s, logs are written out.
    pub async fn stop(self) {
        self.ready.store(false, Ordering::Relaxed);
        self.shutdown.cancel();
        self.tasks.close();
        if tokio::time::timeout(DRAIN, self.tasks.wait()).await.is_err() {
            tracing::warn!(open = self.tasks.len(), "connections were cut off");
        }
        let shards = Arc::clone(&self.shards);
        // Joins the writer's thread, which may wait for the disk.
        let history = self.history.clone();
        let closed = tokio::task::spawn_blocking(move || {
            shards.close_log();
            history.inspect(|history| history.close());
        });
        let _ = closed.await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Lets the shards decide one after the other, all of them once in `interval`.
async fn tick(
    shards: Arc<Shards>,
    bottlenecks: Arc<Bottlenecks>,
    mut sampler: FleetSampler,
    feedback: Arc<Feedback>,
    metrics: Arc<Metrics>,
    interval: Duration,
    shutdown: CancellationToken,
) {
    let engines = Engines::Local(Arc::clone(&shards));
    let count = shards.count();
    let mut step = tokio::time::interval(interval / count as u32);
    // A late step is made up for, so that lateness does not add up over the shards: on a machine that gave the process an
    // eighth of a core, rounds of 2 s took 3.5 s before (docs/speech.md).
    step.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut last: Vec<Option<Instant>> = vec![None; count];
    let mut index = 0;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return sampler.close(&feedback),
            due = step.tick() => {
                // A whole round late: the process was stopped or starved, and what it missed is history.
                if due.elapsed() > interval {
                    step.reset();
                }
            }
        }
        if index == 0 {
            bottlenecks.divide(&engines);
            feedback.tell_conditions();
            sampler.hear(&feedback, shards.now());
            shards.pool_cohorts();
        }
        let began = Instant::now();
        shards.tick(index);
        feedback.relay();
        metrics.observe_tick(began.elapsed(), last[index].replace(began).map(|last| began - last));
        sampler.look(&shards, index);
        index = (index + 1) % count;
    }
}

/// The start as an action: under which settings decisions are made from now on.
fn started(config: &Config, clock: Clock) -> Action {
    Action {
        at_s: clock.now().as_secs(),
        actor: concat!("headroom ", env!("CARGO_PKG_VERSION")).to_owned(),
        method: "START".to_owned(),
        path: "configuration".to_owned(),
        status: 200,
        body: serde_json::to_string(&config::differences(config)).unwrap_or_default(),
    }
}
