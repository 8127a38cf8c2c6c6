//! TLS to Postgres: the modes of `sslmode`, on a server whose certificate the program `openssl` makes.

use std::fs::{File, Permissions};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use db::ConnectError;
use db::local::ServerBinaries;
use rustix::process::{Pid, Signal, kill_process};

use crate::{open_directory, start};

/// Sections of a certificate authority and of a server with the name `localhost`.
const CONFIGURATION: &str = "[req]
distinguished_name = name
prompt = no
[name]
CN = harkback test
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[server]
basicConstraints = CA:FALSE
subjectAltName = DNS:localhost
extendedKeyUsage = serverAuth
";

fn openssl(directory: &Path, arguments: &str) {
    let output = Command::new("openssl").current_dir(directory).args(arguments.split(' ')).output().unwrap();
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Makes the authority `NAME.crt` with its key `NAME.key`.
fn make_authority(directory: &Path, name: &str) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -config tls.cnf";
    openssl(directory, &format!("req -x509 {key} -extensions authority -keyout {name}.key -out {name}.crt"));
}

/// Makes `server.crt`, signed by the authority `ca`, and `server.key`.
fn make_server_certificate(directory: &Path) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config tls.cnf";
    openssl(directory, &format!("req -new {key} -keyout server.key -out server.csr"));
    let signed = "-CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile tls.cnf -extensions server";
    openssl(directory, &format!("x509 -req -in server.csr {signed} -out server.crt"));
}

/// A Postgres that listens on TCP, on `localhost` only. Dropping it stops the server.
struct TcpServer {
    process: Child,
    port: u16,
}

impl TcpServer {
    /// Starts a server on a new cluster in `home`, with TLS if `directory` has a certificate.
    fn start(directory: &Path, home: &Path) -> Self {
        // Makes the cluster; this server listens on a socket only, where Postgres offers no TLS.
        drop(start(home).unwrap());
        let data = home.join("data");
        let owner = std::fs::metadata(&data).unwrap();
        let has_tls = directory.join("server.crt").exists();
        if has_tls {
            for name in ["server.crt", "server.key"] {
                let file = data.join(name);
                std::fs::copy(directory.join(name), &file).unwrap();
                // Postgres refuses a key that others can read.
                std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
                chown(&file, Some(owner.uid()), Some(owner.gid())).unwrap();
            }
        }
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let log = File::create(directory.join("server.log")).unwrap();
        let mut server = Command::new(ServerBinaries::find(&[]).unwrap().program("postgres"));
        server.current_dir(&data).arg("-D").arg(&data).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let (port_setting, ssl) = (format!("port={port}"), if has_tls { "ssl=on" } else { "ssl=off" });
        for setting in
            ["listen_addresses=localhost", "unix_socket_directories=", "fsync=off", &port_setting, ssl]
        {
            server.args(["-c", setting]);
        }
        // Postgres does not run as root.
        if rustix::process::geteuid().is_root() {
            server.uid(owner.uid()).gid(owner.gid());
        }
        let server = Self { process: server.spawn().unwrap(), port };
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "it does not listen: {}", log_of(directory));
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    fn url(&self, host: &str, parameters: &str) -> String {
        format!("postgres://harkback@{host}:{}/postgres?{parameters}", self.port)
    }
}

impl Drop for TcpServer {
    fn drop(&mut self) {
        // An error means that the server has ended.
        let _ = kill_process(Pid::from_child(&self.process), Signal::INT);
        let _ = self.process.wait();
    }
}

/// What the server has logged.
fn log_of(directory: &Path) -> String {
    std::fs::read_to_string(directory.join("server.log")).unwrap()
}

/// Connects as the service does; returns whether the connection is encrypted.
async fn is_encrypted(url: &str) -> Result<bool, ConnectError> {
    let pool = db::connect(url.parse().unwrap(), 1).await?;
    let statement = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let encrypted = sqlx::query_scalar(statement).fetch_one(&pool).await.unwrap();
    pool.close().await;
    Ok(encrypted)
}

/// A directory with the authorities `ca` and `other`; `None` without `openssl`.
fn certificates() -> Option<tempfile::TempDir> {
    Command::new("openssl").arg("version").output().ok()?;
    let directory = open_directory();
    std::fs::write(directory.path().join("tls.cnf"), CONFIGURATION).unwrap();
    make_authority(directory.path(), "ca");
    make_authority(directory.path(), "other");
    Some(directory)
}

#[tokio::test]
async fn sslmode_encrypts_and_checks_the_certificate() {
    let Some(directory) = certificates() else {
        println!("skipped: the program openssl is not installed");
        return;
    };
    make_server_certificate(directory.path());
    let server = TcpServer::start(directory.path(), &directory.path().join("pg"));
    let root = |name: &str| format!("sslrootcert={}", directory.path().join(name).display());
    let (own, other) = (root("ca.crt"), root("other.crt"));

    for (host, parameters, expected) in [
        ("localhost", "sslmode=require".to_owned(), true),
        ("localhost", "sslmode=prefer".to_owned(), true),
        ("localhost", String::new(), true),
        ("localhost", "sslmode=disable".to_owned(), false),
        ("localhost", format!("sslmode=verify-full&{own}"), true),
        // `require` and `verify-ca` accept any name, `require` any authority.
        ("127.0.0.1", format!("sslmode=verify-ca&{own}"), true),
        ("127.0.0.1", format!("sslmode=require&{other}"), true),
    ] {
        let encrypted = is_encrypted(&server.url(host, &parameters)).await;
        let encrypted = encrypted
            .unwrap_or_else(|error| panic!("{host} {parameters}: {error}\n{}", log_of(directory.path())));
        assert_eq!(encrypted, expected, "{host} {parameters}");
    }
    for (host, parameters, reason) in [
        ("127.0.0.1", format!("sslmode=verify-full&{own}"), "certificate"),
        ("localhost", format!("sslmode=verify-full&{other}"), "certificate"),
        ("localhost", format!("sslmode=verify-ca&{other}"), "certificate"),
        // Without `sslrootcert` only public authorities are trusted.
        ("localhost", "sslmode=verify-full".to_owned(), "certificate"),
    ] {
        let error = is_encrypted(&server.url(host, &parameters)).await.unwrap_err().to_string();
        let address = format!("{host}:{}", server.port);
        assert!(error.contains(reason) && error.contains(&address), "{host} {parameters}: {error}");
    }
}

#[tokio::test]
async fn sslmode_require_refuses_a_server_without_tls() {
    let directory = open_directory();
    let server = TcpServer::start(directory.path(), &directory.path().join("pg"));
    assert!(!is_encrypted(&server.url("localhost", "sslmode=prefer")).await.unwrap());
    for mode in ["require", "verify-ca", "verify-full"] {
        let refused = is_encrypted(&server.url("localhost", &format!("sslmode={mode}"))).await;
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("server does not support TLS"), "{mode}: {error}");
    }
}
