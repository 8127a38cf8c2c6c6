use std::net::TcpListener;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Client;
use rustix::process::{Pid, Signal};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Child;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::{Api, Deployment, binary};

const START_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(60);
const CALL_TIMEOUT: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(50);

/// A running `harkback serve`. Dropping it without [`Server::stop`] kills it.
pub struct Server {
    child: Child,
    base: String,
    client: Client,
    log: Arc<Mutex<String>>,
    readers: [JoinHandle<()>; 2],
    deployment: Deployment,
}

impl Server {
    pub(crate) async fn start(deployment: Deployment, environment: &[(&str, &str)]) -> Self {
        let listen = format!("127.0.0.1:{}", free_port());
        let mut child = binary::command(["serve", "--listen", &listen, "--data-dir"])
            .arg(deployment.data_directory())
            .env("DATABASE_URL", deployment.database().url())
            .env("AUDIO_SEMANTIC_BACKEND", "signal")
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starting harkback");
        let log = Arc::new(Mutex::new(String::new()));
        let readers = [
            collect(child.stdout.take().expect("piped above"), log.clone()),
            collect(child.stderr.take().expect("piped above"), log.clone()),
        ];
        let client = Client::builder().timeout(CALL_TIMEOUT).build().expect("an HTTP client");
        let mut server = Self { child, base: format!("http://{listen}"), client, log, readers, deployment };
        server.wait_until_ready().await;
        server
    }

    /// A client with a tenant and environment.
    #[must_use]
    pub fn api(&self, tenant: &str, env: &str) -> Api {
        Api::new(self.client.clone(), self.base.clone(), tenant, env)
    }

    /// Base URL `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The database and data directory of the server.
    #[must_use]
    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// Id of the server's process.
    ///
    /// # Panics
    /// When the process has ended.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id().expect("not waited for yet")
    }

    /// The log so far: standard output and standard error together.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().expect("no reader panics").clone()
    }

    /// Stops the server (SIGTERM) and returns its whole log.
    ///
    /// # Panics
    /// When the process does not end in time, or fails.
    pub async fn stop(mut self) -> String {
        self.signal(Signal::TERM);
        let status = self.wait().await;
        assert!(status.success(), "harkback ended with {status} after SIGTERM; its log:\n{}", self.log());
        for reader in &mut self.readers {
            reader.await.expect("reading the log");
        }
        self.log()
    }

    /// Sends SIGTERM without waiting.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Waits until the process has ended; returns its exit code and whole log.
    ///
    /// # Panics
    /// When the process does not end in time.
    pub async fn ended(mut self) -> (Option<i32>, String) {
        let status = self.wait().await;
        for reader in &mut self.readers {
            reader.await.expect("reading the log");
        }
        (status.code(), self.log())
    }

    /// Kills the process (SIGKILL), as a crash would.
    pub async fn kill(mut self) {
        self.signal(Signal::KILL);
        self.wait().await;
    }

    fn signal(&self, signal: Signal) {
        let id = self.child.id().expect("not waited for yet");
        let pid = Pid::from_raw(id.cast_signed()).expect("a process id is positive");
        rustix::process::kill_process(pid, signal).expect("signalling harkback");
    }

    async fn wait(&mut self) -> ExitStatus {
        match timeout(STOP_TIMEOUT, self.child.wait()).await {
            Ok(status) => status.expect("waiting for harkback"),
            Err(_) => panic!("harkback still runs after {STOP_TIMEOUT:?}; its log:\n{}", self.log()),
        }
    }

    async fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + START_TIMEOUT;
        let url = format!("{}/readyz", self.base);
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("looking at harkback") {
                panic!("harkback ended with {status} at start; its log:\n{}", self.log());
            }
            if self.client.get(&url).send().await.is_ok_and(|reply| reply.status().is_success()) {
                return self.wait_for_programs(&url).await;
            }
            sleep(POLL).await;
        }
        panic!("harkback is not ready after {START_TIMEOUT:?}; its log:\n{}", self.log());
    }

    /// Waits until the server has checked its own programs: on a busy machine a ready server may still be checking.
    async fn wait_for_programs(&self, url: &str) {
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            let reply = self.client.get(url).send().await.expect("a ready server answers");
            if !reply.text().await.expect("a whole answer").contains("being checked") {
                return;
            }
            sleep(POLL).await;
        }
    }
}

/// A port that was free a moment ago. The kernel assigns other ports first, so parallel tests do not collide.
fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("a bound address").port()
}

fn collect(stream: impl AsyncRead + Send + Unpin + 'static, log: Arc<Mutex<String>>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let mut log = log.lock().expect("no reader panics");
            log.push_str(&line);
            log.push('\n');
        }
    })
}
