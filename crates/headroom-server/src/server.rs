//! The server as a whole: started, told where it listens, stopped.

use crate::{
    bottleneck::Bottlenecks,
    clock::Clock,
    config::Config,
    control::{Control, Resources},
    edge::Edge,
    fleet::{Fleet, Surveyor},
    history::{self, History},
    identity::{self, Identifier},
    ingest::Ingest,
    listener::{self, Bounds},
    metrics::Metrics,
    network::Networks,
    public::Public,
    record::Recorder,
    shard::Shards,
    steering::Pathways,
    stream::Streams,
};
use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, atomic::AtomicBool, atomic::Ordering},
    time::{Duration, Instant},
};
use tokio::{sync::Semaphore, time::MissedTickBehavior};
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
        /// Which.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A log file cannot be created.
    #[error("log files cannot be created")]
    Log(#[source] io::Error),
    /// The file with the control token cannot be read.
    #[error("token file {path} cannot be read")]
    Token {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file with the control token holds none.
    #[error("token file {0} is empty")]
    EmptyToken(PathBuf),
}

impl Server {
    /// Starts to listen and to tick, on the current tokio runtime.
    ///
    /// # Errors
    /// When an address is taken, a log file cannot be created, or the token file cannot be read.
    pub async fn start(mut config: Config) -> Result<Self, StartError> {
        let token = control_token(&config)?;
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
        let recorder = Recorder::start(&config.log, config.shards, &config.engine, Arc::clone(&metrics));
        let recorder = recorder.map_err(StartError::Log)?;
        let shards = Arc::new(Shards::new(config.shards, &config.engine, clock, Arc::clone(&metrics), recorder));
        metrics.follow(&shards, config.engine.max_sessions);
        let streams = Arc::new(Streams::default());
        let networks = Arc::new(Networks::new(&config.history.networks));
        let history = config.history.enabled().then(|| {
            let (networks, streams) = (Arc::clone(&networks), Arc::clone(&streams));
            History::start(&config.history, &config.edge.cmsd_name, networks, streams, Arc::clone(&metrics))
        });
        let history = history.transpose().map_err(StartError::Log)?.map(Arc::new);
        let fleet = Arc::new(Fleet::default());
        let surveyor = Surveyor::new(Arc::clone(&fleet), history.clone());
        let ingest = Arc::new(Ingest {
            identifier: Identifier::new(config.identity.clone()),
            shards: Arc::clone(&shards),
            metrics: Arc::clone(&metrics),
            networks,
        });
        let pathways = Arc::new(Pathways::new(&config.steering));
        let bottlenecks = Arc::new(Bottlenecks::default());
        let ready = Arc::new(AtomicBool::new(true));
        let shutdown = CancellationToken::new();
        let tasks = TaskTracker::new();

        let public = Arc::new(Public {
            edge: Edge::new(
                config.edge.clone(),
                Arc::clone(&ingest),
                Arc::clone(&streams),
                clock,
                config.engine.default_stream.clone(),
            ),
            ingest: Arc::clone(&ingest),
            pathways: Arc::clone(&pathways),
            metrics: Arc::clone(&metrics),
            settings: config.public.clone(),
            cmsd_name: config.edge.cmsd_name.clone(),
            subscribers: Arc::new(Semaphore::new(config.public.max_subscribers.min(Semaphore::MAX_PERMITS))),
            shutdown: shutdown.clone(),
            ready: Arc::clone(&ready),
        });
        let control = Arc::new(Control::new(Resources {
            ingest,
            streams,
            pathways,
            metrics: Arc::clone(&metrics),
            clock,
            ready: Arc::clone(&ready),
            token,
            overrides: Mutex::default(),
            bottlenecks: Arc::clone(&bottlenecks),
            fleet,
            max_sessions: config.engine.max_sessions,
            history: history.clone(),
            readers: Semaphore::new(READERS),
        }));
        let bounds = Bounds::new(&config.public);
        let serve = (Arc::clone(&metrics), shutdown.clone(), tasks.clone());
        tasks.spawn(listener::serve(
            public_listener,
            bounds,
            public,
            serve.0.clone(),
            serve.1.clone(),
            serve.2.clone(),
        ));
        tasks.spawn(listener::serve(control_listener, bounds, control, serve.0, serve.1, serve.2));
        let interval = Duration::from_millis(config.tick_ms);
        tasks.spawn(tick(Arc::clone(&shards), bottlenecks, surveyor, metrics, interval, shutdown.clone()));
        tracing::info!(public = %public_address, control = %control_address, origin = config.edge.origin, "listening");
        Ok(Self { public: public_address, control: control_address, shards, history, ready, shutdown, tasks })
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
    mut surveyor: Surveyor,
    metrics: Arc<Metrics>,
    interval: Duration,
    shutdown: CancellationToken,
) {
    let count = shards.count();
    let mut step = tokio::time::interval(interval / count as u32);
    step.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last: Vec<Option<Instant>> = vec![None; count];
    let mut index = 0;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return surveyor.close_minute(),
            _ = step.tick() => {}
        }
        if index == 0 {
            bottlenecks.divide(&shards);
        }
        let began = Instant::now();
        shards.tick(index);
        metrics.observe_tick(began.elapsed(), last[index].replace(began).map(|last| began - last));
        surveyor.look(&shards, index);
        index = (index + 1) % count;
    }
}

fn control_token(config: &Config) -> Result<String, StartError> {
    if !config.control.token.is_empty() {
        return Ok(config.control.token.clone());
    }
    let path = &config.control.token_file;
    if path.as_os_str().is_empty() {
        return Ok(String::new());
    }
    let text = std::fs::read_to_string(path).map_err(|source| StartError::Token { path: path.clone(), source })?;
    match text.trim() {
        "" => Err(StartError::EmptyToken(path.clone())),
        token => Ok(token.to_owned()),
    }
}
