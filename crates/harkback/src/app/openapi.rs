//! The OpenAPI document of the routes.

use std::io::Write;
use std::sync::Arc;

use access::Links;
use blob_store::BlobStore;
use primitives::SystemClock;
use url::Url;

use super::{api, jobs};
use crate::capacity::Capacity;
use crate::config::Config;

/// Prints the OpenAPI document.
pub(crate) fn print_openapi() -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{}", openapi()?.to_pretty_json()?)?;
    Ok(())
}

/// The OpenAPI document, which needs the routes only: nothing is connected or written.
pub(crate) fn openapi() -> anyhow::Result<utoipa::openapi::OpenApi> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let _guard = runtime.enter();
    let pool = sqlx::postgres::PgPoolOptions::new().connect_lazy("postgres://localhost/none")?;
    let staging = tempfile::tempdir()?;
    let blobs = BlobStore::open(&Url::parse("memory:///")?, [], staging.path())?;
    let links = Links::new(pool.clone(), Arc::new(SystemClock));
    let config = Config::default();
    let capacity = Capacity::of_service(&config);
    let jobs = jobs(&config, &capacity, pool.clone(), blobs.clone());
    let mut routes = api(&config, &capacity, pool, blobs, links, jobs, None)?;
    Ok(routes.router.to_openapi())
}
