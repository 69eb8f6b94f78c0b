//! The server under test.

use super::{
    Process, Response, get,
    process::{unused_port, wait_until},
    request,
};
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Command,
    time::Duration,
};

/// A running `headroom serve`.
pub(crate) struct Headroom {
    process: Process,
    public: SocketAddr,
    control: SocketAddr,
}

impl Headroom {
    /// Starts the server with unused ports and waits until it is ready. `configuration` is TOML without the listeners.
    pub(crate) fn start(configuration: &toml::Table, directory: &Path) -> Self {
        Self::start_on(unused_port(), configuration, directory)
    }

    /// The same with a given port for players and web servers.
    pub(crate) fn start_on(port: u16, configuration: &toml::Table, directory: &Path) -> Self {
        Self::launch(port, configuration, directory, &[])
    }

    /// The same with unused ports and variables in its environment.
    pub(crate) fn start_with(configuration: &toml::Table, directory: &Path, environment: &[(&str, &str)]) -> Self {
        Self::launch(unused_port(), configuration, directory, environment)
    }

    fn launch(port: u16, configuration: &toml::Table, directory: &Path, environment: &[(&str, &str)]) -> Self {
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (public, control) = (local(port), local(unused_port()));
        let mut configuration = configuration.clone();
        for (section, address) in [("public", public), ("control", control)] {
            let table = configuration.entry(section).or_insert_with(|| toml::Table::new().into());
            let table = table.as_table_mut().expect("a section is a table");
            table.insert("listen".into(), address.to_string().into());
        }
        let file = directory.join("headroom.toml");
        fs::write(&file, configuration.to_string()).expect("the artefact directory is writable");
        let mut command = Command::new(env!("CARGO_BIN_EXE_headroom"));
        command.args(["serve", "--config"]).arg(&file).env("RUST_LOG", "info").envs(environment.iter().copied());
        let mut process = Process::spawn(&mut command, "headroom", directory);
        wait_until("headroom is ready", Duration::from_secs(20), || {
            process.assert_running();
            get(control, "/readyz").is_ok_and(|response| response.status == 200)
        });
        Self { process, public, control }
    }

    /// The listener of players and web servers.
    pub(crate) fn public(&self) -> SocketAddr {
        self.public
    }

    /// The listener of operators.
    pub(crate) fn control(&self) -> SocketAddr {
        self.control
    }

    /// Asks the listener of operators; an answer other than 2xx fails the test.
    #[track_caller]
    pub(crate) fn control_request(&self, method: &str, path: &str, body: &serde_json::Value) -> Response {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("Content-Type", "application/json")];
        let response = request(self.control, method, path, &headers, body.as_bytes());
        let response = response.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let text = String::from_utf8_lossy(&response.body);
        assert!((200..300).contains(&response.status), "{method} {path} {body}: {} {text}", response.status);
        response
    }

    /// Its process.
    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// Configuration of an edge in front of `origin`.
pub(crate) fn edge_configuration(origin: SocketAddr) -> toml::Table {
    let mut edge = toml::Table::new();
    edge.insert("origin".into(), format!("http://{origin}").into());
    toml::Table::from_iter([("edge".to_owned(), edge.into())])
}
