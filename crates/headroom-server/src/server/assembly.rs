//! A server put together from the ground up: sockets and secrets, the engines, the services over them, the listeners.

use super::{
    error::StartError,
    running::Server,
    ticker::{self, TickMetrics},
};
use crate::{
    alerts::{AlertMetrics, AlertSources, Alerts, Notifier, Rule},
    api, chat,
    clients::Clients,
    config::{self, Config},
    control::{Access, Control, ExperimentOrders, ModeOrders, OrderStore, Planner, Resources, Tokens, guardrails},
    dashboard::Live,
    edge::{Edge, EdgeMetrics, Fetch},
    feedback::{Feedback, MessageMetrics},
    fleet::{FleetMetrics, FleetSampler, FleetSnapshot, ROUND_TICKS},
    history::{
        self, Action, Entry, History, HistoryMetrics,
        archive::{ArchiveMetrics, tap::ArchiveTap},
    },
    identity::{self, Identifier},
    inference::Reader,
    ingest::Ingest,
    listener::{self, Handler, Listener},
    metrics::{Catalogue, Exposition, Metrics},
    public::Public,
    reload::{self, Reloadable},
    steering::Pathways,
    stream::Streams,
    tls::Tls,
    token::Gate,
};
use headroom_cluster::{
    bottleneck::Bottlenecks, clock::Clock, engines::Engines, input_log::Recorder, meters::Meters, shard::Shards,
    tap::Tap,
};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Duration,
};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Readers of the history at a time: each holds a thread and the disk.
const READERS: usize = 4;

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
        let secrets = Secrets::load(&config)?;
        let (public_socket, public_address) = bind(config.public.listen)?;
        let (control_socket, control_address) = bind(config.control.listen)?;
        keep_identifier_key(&mut config);

        let mut catalogue = Catalogue::default();
        let base = Base::start(&config, &mut catalogue)?;
        let (latest, fleet) = watch::channel(Arc::default());
        let sampler = FleetSampler::new(latest, base.history.clone(), FleetMetrics::register(&mut catalogue));
        let feedback = base.feedback(&config, reader.clone(), &mut catalogue);
        let services = Services {
            alerts: base.alerts(&config, &mut catalogue)?,
            bottlenecks: Arc::default(),
            pathways: Arc::new(Pathways::new(&config.steering)),
            clients: Arc::new(Clients::new(config.public.limits, base.ingest.identifier.trusts_loopback())),
            live: base.live(&config),
            fleet,
            feedback,
        };
        let ticks = TickMetrics::register(&mut catalogue);
        let reload_failures = reload::failures(&mut catalogue);
        let edge = Arc::new(EdgeMetrics::register(&mut catalogue));
        let fetch = Arc::new(Fetch::new(&config.edge, edge.clone()).map_err(StartError::OriginTls)?);
        let exposition = Exposition::new(catalogue, &base.shards, config.engine.max_sessions, reader);

        chat::start(&config.chat, &services.feedback, &base.tasks, &base.shutdown).await?;

        base.tasks.spawn(fetch.clone().watch(base.shutdown.clone()));
        let public = public(&config, &base, &services, &secrets, fetch.clone(), edge);
        let control = control(&config, &base, &services, &secrets, fetch, exposition);
        let listener =
            |socket, tls| Listener { socket, bounds: config.public.bounds(), clients: services.clients.clone(), tls };
        base.serve(listener(public_socket, secrets.public_tls.clone()), public);
        base.tasks.spawn(guardrails::run(control.resources.clone(), base.shutdown.clone()));
        base.serve(listener(control_socket, secrets.control_tls.clone()), control);
        base.watch(&config, &services);
        base.tasks.spawn(reload::watch(secrets.reloadable(), reload_failures, base.shutdown.clone()));
        base.tasks.spawn(services.live.run());
        base.tasks.spawn(ticker::run(
            base.shards.clone(),
            services.bottlenecks,
            sampler,
            services.feedback.clone(),
            ticks,
            Duration::from_millis(config.tick_ms),
            base.shutdown.clone(),
        ));
        tracing::info!(public = %public_address, control = %control_address, origin = config.edge.origin, "listening");
        Ok(Self {
            public: public_address,
            control: control_address,
            shards: base.shards,
            feedback: services.feedback,
            history: base.history,
            ready: base.ready,
            shutdown: base.shutdown,
            tasks: base.tasks,
        })
    }
}

/// What is read from files and may change while the server runs.
struct Secrets {
    tokens: Arc<Tokens>,
    gate: Arc<Gate>,
    public_tls: Option<Arc<Tls>>,
    control_tls: Option<Arc<Tls>>,
}

impl Secrets {
    fn load(config: &Config) -> Result<Self, StartError> {
        let tls = |listener, settings| Tls::load(settings).map_err(|source| StartError::Tls { listener, source });
        Ok(Self {
            tokens: Arc::new(Tokens::load(&config.control)?),
            gate: Arc::new(Gate::new(&config.tokens)?),
            public_tls: tls("public", &config.public.tls)?,
            control_tls: tls("control", &config.control.tls)?,
        })
    }

    /// Those that have files.
    fn reloadable(self) -> Vec<Arc<dyn Reloadable>> {
        let tls = [self.public_tls, self.control_tls].into_iter().flatten().map(|tls| tls as Arc<dyn Reloadable>);
        let mut all: Vec<_> = tls.collect();
        if !self.tokens.files().is_empty() {
            all.push(self.tokens);
        }
        if self.gate.asks() {
            all.push(self.gate);
        }
        all
    }
}

/// What every service stands on.
struct Base {
    clock: Clock,
    metrics: Arc<Metrics>,
    streams: Arc<Streams>,
    history: Option<Arc<History>>,
    shards: Arc<Shards>,
    ingest: Arc<Ingest>,
    ready: Arc<AtomicBool>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

impl Base {
    fn start(config: &Config, catalogue: &mut Catalogue) -> Result<Self, StartError> {
        let clock = Clock::start();
        let metrics = Arc::new(Metrics::register(catalogue));
        let meters = Arc::clone(&metrics) as Arc<dyn Meters>;
        let recorder = Recorder::start(&config.log, config.shards, &config.engine, Arc::clone(&meters));
        let recorder = recorder.map_err(StartError::Log)?;
        let (streams, places) = (Arc::new(Streams::default()), Arc::new(config.places()?));
        let kept = (HistoryMetrics::register(catalogue), ArchiveMetrics::register(catalogue));
        let history = config
            .history
            .enabled()
            .then(|| History::start(&config.history, places.clone(), streams.clone(), kept.0, kept.1));
        let history = history.transpose().map_err(StartError::Log)?.map(Arc::new);
        if let Some(history) = &history {
            history.keep(Entry::Action(started(config, clock)));
        }
        let archive = history.as_ref().and_then(|history| history.archive());
        let tap = || Some(Box::new(ArchiveTap::new(Arc::clone(archive.as_ref()?), config.shards)) as Box<dyn Tap>);
        let shards = Arc::new(Shards::new(config.shards, &config.engine, clock, meters, recorder, tap));
        let engines = Engines::Local(Arc::clone(&shards));
        engines.set_mode(config.mode);
        let ingest = Arc::new(Ingest {
            identifier: Identifier::new(config.identity.clone()),
            engines,
            metrics: Arc::clone(&metrics),
            places,
        });
        let default = &config.engine.default_stream;
        for stream in &config.edge.streams {
            // The configuration refuses a stream that makes no sense.
            if let Ok(declared) = stream.discovered(&default.ladder) {
                let settings = stream.settings(default);
                streams.discover(&stream.name, &declared, clock.now(), &settings, &ingest.identifier, &ingest.engines);
            }
        }
        Ok(Self {
            clock,
            metrics,
            streams,
            history,
            shards,
            ingest,
            ready: Arc::new(AtomicBool::new(true)),
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
        })
    }

    fn feedback(&self, config: &Config, reader: Option<Arc<dyn Reader>>, catalogue: &mut Catalogue) -> Arc<Feedback> {
        Arc::new(Feedback::new(
            reader,
            self.ingest.clone(),
            config.chat.clone(),
            config.speech.clone(),
            MessageMetrics::register(catalogue),
            self.shutdown.clone(),
        ))
    }

    fn alerts(&self, config: &Config, catalogue: &mut Catalogue) -> Result<Arc<Alerts>, StartError> {
        let metrics = AlertMetrics::register(catalogue);
        let rules = Rule::load(&config.alerts.rules).map_err(StartError::Rules)?;
        let notifier = Notifier::start(&config.alerts, metrics.clone()).map_err(StartError::Secret)?;
        Ok(Arc::new(Alerts::new(rules, step_s(config), notifier, self.history.clone(), metrics)))
    }

    fn live(&self, config: &Config) -> Arc<Live> {
        Arc::new(Live::new(
            self.ingest.clone(),
            self.streams.clone(),
            self.clock,
            self.metrics.clone(),
            headroom_core::time::Duration::from_millis(config.tick_ms),
            self.shutdown.clone(),
        ))
    }

    /// Lets alerts look at every round of the fleet.
    fn watch(&self, config: &Config, services: &Services) {
        let sources = AlertSources {
            engines: self.ingest.engines.clone(),
            streams: self.streams.clone(),
            bottlenecks: services.bottlenecks.clone(),
            places: self.ingest.places.clone(),
            feedback: services.feedback.clone(),
            step_s: step_s(config),
        };
        self.tasks.spawn(services.alerts.clone().run(services.fleet.clone(), sources, self.shutdown.clone()));
    }

    /// Serves the connections of one listener.
    fn serve<H: Handler>(&self, listener: Listener, handler: H) {
        let (metrics, shutdown, tasks) = (self.metrics.clone(), self.shutdown.clone(), self.tasks.clone());
        self.tasks.spawn(listener::serve(listener, Arc::new(handler), metrics, shutdown, tasks));
    }
}

/// What is done with what the engines say.
struct Services {
    alerts: Arc<Alerts>,
    bottlenecks: Arc<Bottlenecks>,
    pathways: Arc<Pathways>,
    clients: Arc<Clients>,
    feedback: Arc<Feedback>,
    live: Arc<Live>,
    fleet: watch::Receiver<Arc<FleetSnapshot>>,
}

fn public(
    config: &Config,
    base: &Base,
    services: &Services,
    secrets: &Secrets,
    fetch: Arc<Fetch>,
    edge: Arc<EdgeMetrics>,
) -> Public {
    Public {
        edge: Edge::new(
            config.edge.clone(),
            fetch,
            edge,
            services.pathways.clone(),
            secrets.gate.clone(),
            base.ingest.clone(),
            base.streams.clone(),
            base.clock,
            config.engine.default_stream.clone(),
        ),
        ingest: base.ingest.clone(),
        feedback: services.feedback.clone(),
        pathways: services.pathways.clone(),
        metrics: base.metrics.clone(),
        settings: config.public.clone(),
        cmsd_name: config.edge.cmsd_name.clone(),
        subscribers: Arc::new(Semaphore::new(config.public.max_subscribers.min(Semaphore::MAX_PERMITS))),
        shutdown: base.shutdown.clone(),
        ready: base.ready.clone(),
        gate: secrets.gate.clone(),
        clients: services.clients.clone(),
    }
}

fn control(
    config: &Config,
    base: &Base,
    services: &Services,
    secrets: &Secrets,
    origin: Arc<Fetch>,
    exposition: Exposition,
) -> Control {
    let resources = Resources {
        ingest: base.ingest.clone(),
        streams: base.streams.clone(),
        pathways: services.pathways.clone(),
        metrics: base.metrics.clone(),
        exposition,
        clock: base.clock,
        ready: base.ready.clone(),
        origin,
        access: Access::new(&config.control, secrets.tokens.clone()),
        overrides: Mutex::default(),
        modes: ModeOrders::of(config.mode),
        objectives: Mutex::default(),
        experiments: ExperimentOrders::of(&config.holdback, &config.experiment),
        bottlenecks: services.bottlenecks.clone(),
        order_store: base.history.as_ref().map(|_| OrderStore::in_directory(&config.history.directory)),
        fleet: services.fleet.clone(),
        alerts: services.alerts.clone(),
        max_sessions: config.engine.max_sessions,
        history: base.history.clone(),
        readers: Semaphore::new(READERS),
        feedback: services.feedback.clone(),
        planner: Planner::new(config.plan.clone()),
    };
    Control::new(resources, services.live.clone(), api::documents())
}

/// Listens on an address; gives the socket and the address that the system chose.
fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let socket = listener::bind(address).map_err(failed)?;
    let local = socket.local_addr().map_err(failed)?;
    Ok((socket, local))
}

/// Keeps the key of identifiers beside the history: otherwise the streams of yesterday get other identifiers today.
fn keep_identifier_key(config: &mut Config) {
    if !config.history.enabled() || !config.identity.key.is_empty() {
        return;
    }
    let drawn: String = identity::random_key().iter().map(|byte| format!("{byte:02x}")).collect();
    match history::identifier_key(&config.history.directory, &drawn) {
        Ok(key) => config.identity.key = key,
        Err(error) => tracing::error!(%error, "identity.key: identifiers last until the next start only"),
    }
}

/// Seconds from one round of the fleet to the next.
fn step_s(config: &Config) -> f64 {
    f64::from(ROUND_TICKS) * config.tick_ms as f64 / 1_000.0
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
