//! Encrypted listeners with certificates made by openssl and a real client.

use crate::support::{directory, eventually, start};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use sha2::{Digest, Sha256};
use std::{
    fs, io,
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// An authority with certificates for two servers, one client and, of another authority, one stranger.
fn certificates(directory: &Path) -> bool {
    fs::write(directory.join("server.ext"), "subjectAltName=DNS:localhost").unwrap();
    fs::write(directory.join("client.ext"), "extendedKeyUsage=clientAuth").unwrap();
    let mut commands = Vec::new();
    for authority in ["ca", "other"] {
        commands.push(format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {authority}.key -out {authority}.pem -days 2 -subj /CN={authority}"
        ));
    }
    for (name, authority, extension) in
        [("one", "ca", "server"), ("two", "ca", "server"), ("ann", "ca", "client"), ("eve", "other", "client")]
    {
        commands.push(format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}"
        ));
        commands.push(format!(
            "x509 -req -in {name}.csr -CA {authority}.pem -CAkey {authority}.key -CAcreateserial -out {name}.pem -days 2 -extfile {extension}.ext"
        ));
    }
    commands.iter().all(|command| {
        let mut openssl = Command::new("openssl");
        openssl.args(command.split(' ')).current_dir(directory).stdout(Stdio::null()).stderr(Stdio::null());
        match openssl.status() {
            Ok(status) => {
                assert!(status.success(), "openssl {command}");
                true
            }
            Err(error) => {
                assert!(std::env::var_os("HEADROOM_STRICT").is_none(), "openssl is missing: {error}");
                false
            }
        }
    })
}

fn certificate(directory: &Path, name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(directory.join(format!("{name}.pem"))).unwrap()
}

/// What a server says to a request, and under which certificate.
async fn ask(
    address: SocketAddr,
    directory: &Path,
    client: Option<&str>,
    request: Request<Full<Bytes>>,
) -> io::Result<(StatusCode, String, CertificateDer<'static>)> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate(directory, "ca")).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    let config = match client {
        None => builder.with_no_client_auth(),
        Some(name) => {
            let key = PrivateKeyDer::from_pem_file(directory.join(format!("{name}.key"))).unwrap();
            builder.with_client_auth_cert(vec![certificate(directory, name)], key).unwrap()
        }
    };
    let stream = TcpStream::connect(address).await?;
    let stream =
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await?;
    let server = stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    tokio::spawn(connection);
    let mut request = request;
    request.headers_mut().insert("host", "localhost".parse().unwrap());
    let answer = sender.send_request(request).await.map_err(io::Error::other)?;
    let status = answer.status();
    let body = answer.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    Ok((status, String::from_utf8_lossy(&body).into_owned(), server))
}

fn request(target: &str) -> Request<Full<Bytes>> {
    Request::get(target).body(Full::default()).unwrap()
}

fn install(directory: &Path, name: &str) {
    for (from, to) in [(format!("{name}.pem"), "cert.pem"), (format!("{name}.key"), "key.pem")] {
        // As renewal tools do it: the new file takes the place of the old one in one step.
        fs::copy(directory.join(from), directory.join("new")).unwrap();
        fs::rename(directory.join("new"), directory.join(to)).unwrap();
    }
}

#[tokio::test]
async fn a_renewed_certificate_is_used_and_a_bad_one_is_not() {
    let directory = directory("tls");
    if !certificates(&directory) {
        println!("skipped: openssl is missing (run make setup)");
        return;
    }
    install(&directory, "one");
    let server = start(|config| {
        for tls in [&mut config.public.tls, &mut config.control.tls] {
            tls.certificate_file = directory.join("cert.pem");
            tls.key_file = directory.join("key.pem");
        }
    })
    .await;
    let public = server.public_address();
    let shown = async |target: &str| {
        let (status, _, shown) = ask(public, &directory, None, request(target)).await.unwrap();
        assert!(status.is_success(), "{status}");
        shown
    };
    assert_eq!(shown("/decide").await, certificate(&directory, "one"));
    // Plain HTTP is no longer spoken.
    assert_eq!(crate::support::send_raw(public, b"GET /decide HTTP/1.1\r\nhost: x\r\n\r\n").await, None);
    install(&directory, "two");
    eventually(20, async || (shown("/decide").await == certificate(&directory, "two")).then_some(())).await;

    // A certificate without its key, then no certificate at all.
    let failures = async || {
        let (_, text, _) = ask(server.control_address(), &directory, None, request("/metrics")).await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("headroom_reloads_failed_total "));
        line.map_or(0.0, |value| value.parse::<f64>().unwrap())
    };
    let before = failures().await;
    fs::copy(directory.join("one.pem"), directory.join("cert.pem")).unwrap();
    eventually(20, async || (failures().await > before).then_some(())).await;
    assert_eq!(shown("/decide").await, certificate(&directory, "two"), "the old one stays");
    fs::write(directory.join("cert.pem"), "rubbish").unwrap();
    let before = failures().await;
    eventually(20, async || (failures().await > before).then_some(())).await;
    assert_eq!(shown("/healthz").await, certificate(&directory, "two"), "the old one stays");
    server.stop().await;
    fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn a_client_certificate_lets_in_with_its_role() {
    let directory = directory("mtls");
    if !certificates(&directory) {
        println!("skipped: openssl is missing (run make setup)");
        return;
    }
    let data = directory.join("data");
    let token = directory.join("token");
    fs::write(&token, "0123456789abcdef").unwrap();
    let server = start(|config| {
        let tls = &mut config.control.tls;
        tls.certificate_file = directory.join("one.pem");
        tls.key_file = directory.join("one.key");
        tls.client_ca_file = directory.join("ca.pem");
        config.control.certificate_role = serde_json::from_str("\"operate\"").unwrap();
        config.control.token_file.clone_from(&token);
        config.history.directory.clone_from(&data);
    })
    .await;
    let control = server.control_address();
    let status =
        async |client: Option<&str>, request| ask(control, &directory, client, request).await.map(|told| told.0);
    let order = || {
        let request = Request::put("/v1/overrides").header("content-type", "application/json");
        request.body(Full::from(r#"{"scope":"all","max_bitrate_kbps":900}"#)).unwrap()
    };
    let bearer = Request::get("/v1/sessions").header("authorization", "Bearer 0123456789abcdef");
    assert_eq!(status(None, request("/healthz")).await.unwrap(), StatusCode::OK);
    assert_eq!(status(None, request("/v1/sessions")).await.unwrap(), StatusCode::UNAUTHORIZED);
    assert_eq!(status(None, bearer.body(Full::default()).unwrap()).await.unwrap(), StatusCode::OK);
    assert_eq!(status(Some("ann"), request("/v1/sessions")).await.unwrap(), StatusCode::OK);
    assert_eq!(status(Some("ann"), order()).await.unwrap(), StatusCode::OK);
    assert_eq!(status(Some("ann"), request("/v1/audit")).await.unwrap(), StatusCode::FORBIDDEN);
    assert!(
        status(Some("eve"), request("/healthz")).await.is_err(),
        "another authority's certificate ends the handshake"
    );
    server.stop().await;
    let fingerprint = Sha256::digest(certificate(&directory, "ann"));
    let name = fingerprint[..8].iter().fold("certificate ".to_owned(), |text, byte| format!("{text}{byte:02x}"));
    let kept = fs::read(data.join("history.sqlite")).unwrap();
    assert!(String::from_utf8_lossy(&kept).contains(&name), "the audit knows who it was");
    fs::remove_dir_all(directory).unwrap();
}
