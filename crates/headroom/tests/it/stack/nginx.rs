//! nginx with a configuration of the test's own.

use super::{Process, get, process::wait_until, program};
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// Where distributions put dynamic modules.
const MODULE_DIRECTORIES: [&str; 3] =
    ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/share/nginx/modules"];

/// A running nginx.
pub(crate) struct Nginx {
    process: Process,
    http: SocketAddr,
}

impl Nginx {
    /// Starts nginx with `configuration`, which has to listen for HTTP on `http_port`, and waits until it answers.
    pub(crate) fn start(configuration: &str, http_port: u16, directory: &Path) -> Self {
        let file = directory.join("nginx.conf");
        fs::write(&file, configuration).expect("the artefact directory is writable");
        let mut command = Command::new(program("nginx").expect("nginx is there"));
        command.arg("-e").arg(directory.join("nginx-error.log")).arg("-p").arg(directory).arg("-c").arg(&file);
        // One process: workers would outlive a master that is killed.
        command.args(["-g", "daemon off; master_process off;"]);
        let mut process = Process::spawn(&mut command, "nginx", directory);
        let http = SocketAddr::from((Ipv4Addr::LOCALHOST, http_port));
        wait_until("nginx answers", Duration::from_secs(20), || {
            process.assert_running();
            get(http, "/").is_ok()
        });
        Self { process, http }
    }

    /// Where it answers HTTP.
    pub(crate) fn address(&self) -> SocketAddr {
        self.http
    }

    /// Its process.
    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// Fails the test when it has ended.
    pub(crate) fn assert_running(&mut self) {
        self.process.assert_running();
    }
}

/// The RTMP module, where it is installed.
pub(super) fn rtmp_module() -> Option<PathBuf> {
    let files = MODULE_DIRECTORIES.map(|directory| Path::new(directory).join("ngx_rtmp_module.so"));
    files.into_iter().find(|file| file.exists())
}
