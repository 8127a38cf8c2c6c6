//! Command `harkback mcp`: the calls of a running service as tools of the Model Context Protocol.
//!
//! An adapter: each tool is an operation of the OpenAPI document ([`tools`]), called over HTTP ([`operation`], [`call`]) with
//! the caller's key or headers. The service alone authenticates, validates and works.

mod call;
mod http;
mod operation;
mod server;
mod tools;

use std::process::ExitCode;
use std::sync::Arc;

use rmcp::ServiceExt as _;

use self::server::McpServer;
use self::tools::Tools;
use crate::app;
use crate::cli::McpArguments;
use crate::service_client::ServiceClient;

pub(crate) fn run(arguments: &McpArguments) -> anyhow::Result<ExitCode> {
    let document = serde_json::from_str(&app::openapi()?.to_json()?)?;
    let server = McpServer::new(ServiceClient::new(&arguments.service)?, Arc::new(Tools::new(&document)?));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match &arguments.listen {
            Some(address) => http::serve(server, address, &arguments.allow_hosts).await,
            None => serve_stdio(server).await,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Serves one client, until it closes standard input.
async fn serve_stdio(server: McpServer) -> anyhow::Result<()> {
    let running = Box::pin(server.serve(rmcp::transport::stdio_pipes())).await?;
    running.waiting().await?;
    Ok(())
}
