//! The tables: which crate may use which, and the layers inside each, from top to bottom.
//!
//! A name is a module and all below it (`http/page` is `crate::http::page`); the longest one that fits a file counts.
//! `lib` is the root of a crate, `lib.rs` or `main.rs`. A file may import from its own name and from layers below.
//! Names for modules that do not exist yet are allowed.

/// Layers of a crate from top to bottom, each a list of modules.
pub(crate) type Layers = &'static [&'static [&'static str]];

/// What the files of a crate may import.
pub(crate) struct Rules {
    /// Name of the package, and of its folder in `crates`.
    pub(crate) package: &'static str,
    /// Packages of the workspace it may use.
    pub(crate) may_use: &'static [&'static str],
    /// Its layers.
    pub(crate) layers: Layers,
}

/// One entry a crate.
pub(crate) const TABLE: &[Rules] = &[
    Rules {
        package: "headroom",
        may_use: &[
            "headroom-cluster",
            "headroom-core",
            "headroom-infer",
            "headroom-server",
            "headroom-sim",
            "headroom-wire",
        ],
        layers: &[
            &["lib"],
            &["commands"],
            &["demo", "hearing", "link", "reading"],
            &["commands/classifier", "commands/models"],
            &["chart", "logging", "paired"],
        ],
    },
    Rules {
        package: "headroom-server",
        may_use: &["headroom-cluster", "headroom-core", "headroom-wire"],
        layers: &[
            &["lib"],
            &["server"],
            &["config", "api"],
            &["control", "public"],
            &["alerts", "chat"],
            &["fleet"],
            &["dashboard", "edge", "feedback"],
            &["ingest", "listener"],
            &["history", "token", "tls"],
            &["publisher", "stream", "reload"],
            &["metrics", "clients", "place", "places", "plan", "openapi"],
            &["http", "identity", "network", "inference"],
            &[
                "backoff",
                "tls_client",
                "constant_time",
                "steering",
                "bounded",
                "calendar",
                "open_requests",
                "random",
                "request_line",
                "whole_file",
            ],
        ],
    },
    Rules {
        package: "headroom-cluster",
        may_use: &["headroom-core", "headroom-wire"],
        layers: &[
            &["lib"],
            &["node"],
            &["bottleneck", "remote"],
            &["engines"],
            &["shard"],
            &["input_log", "bus"],
            &["account", "cohort", "rollup", "envelope"],
            &["answer", "conditions", "demands", "offer", "place", "publishers", "partition", "tick_timing"],
            &["arms", "meters", "modes", "tap"],
            &["by_id", "clock", "lock", "sequence", "sketch"],
        ],
    },
    Rules {
        package: "headroom-sim",
        may_use: &["headroom-core"],
        layers: &[
            &["lib"],
            &["experiments"],
            &["crowd", "comparison", "forecasting"],
            &["train"],
            &["profile"],
            &["calibration", "contender"],
            &["recovery", "score"],
            &["client", "controller", "player"],
            &["session"],
            &["netem", "audience"],
            &["trace", "video"],
            &["statistics"],
        ],
    },
    Rules {
        package: "headroom-infer",
        may_use: &["headroom-core"],
        layers: &[&["lib"], &["speech"], &["audio", "models", "text"]],
    },
    Rules {
        package: "headroom-core",
        may_use: &[],
        layers: &[
            &["lib"],
            &["engine", "schema"],
            &["audience", "session"],
            &["allocation", "experiment", "guard", "pacing", "stretch"],
            &["policy"],
            &["qoe"],
            &["view"],
            &["decision", "forecast"],
            &["telemetry", "ladder", "mode", "network", "objective"],
            &["time"],
            &["statistics", "units"],
        ],
    },
    Rules {
        package: "headroom-wire",
        may_use: &[],
        layers: &[&["lib"], &["cmsd", "steering", "playlist"], &["cmcd"], &["structured", "percent", "irc", "youtube"]],
    },
];
