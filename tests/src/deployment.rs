use std::path::Path;
use std::sync::Arc;

use db::testing::TestDatabase;
use tempfile::TempDir;

use crate::Server;

/// A migrated database and an empty data directory: the state that servers of one installation share.
#[derive(Clone)]
pub struct Deployment {
    database: Arc<TestDatabase>,
    data: Arc<TempDir>,
}

impl Deployment {
    /// Creates the database and the directory.
    pub async fn new() -> Self {
        let data = tempfile::Builder::new().prefix("harkback-e2e-").tempdir().expect("a data directory");
        Self { database: Arc::new(TestDatabase::create().await), data: Arc::new(data) }
    }

    /// Starts a server with the `signal` backend and waits until it is ready.
    pub async fn start(&self) -> Server {
        self.start_with(&[]).await
    }

    /// As [`Deployment::start`], with additional environment variables.
    pub async fn start_with(&self, environment: &[(&str, &str)]) -> Server {
        Server::start(self.clone(), environment).await
    }

    /// The database, for checks behind the HTTP interface.
    #[must_use]
    pub fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// Data directory of the servers.
    #[must_use]
    pub fn data_directory(&self) -> &Path {
        self.data.path()
    }
}
