use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;

use super::server::McpServer;

/// Names of loopback, under which clients may always call.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Serves MCP at `/mcp` of `address`, without sessions: nothing is kept between the requests of a client.
///
/// Requests of web pages are refused: a page could name this machine, and use what the network allows it.
///
/// # Errors
/// When the address cannot be bound.
pub(super) async fn serve(server: McpServer, address: &str, allow_hosts: &[String]) -> anyhow::Result<()> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let hosts = LOOPBACK.iter().map(|host| (*host).to_owned()).chain(allow_hosts.iter().cloned());
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_allowed_hosts(hosts)
        .enforce_origin_validation();
    announce(&listener)?;
    let server = server.without_identity();
    let sessions = Arc::new(NeverSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(server.clone()), sessions, config);
    axum::serve(listener, Router::new().route_service("/mcp", service)).await?;
    Ok(())
}

/// Prints the address, whose port may have been 0.
#[expect(clippy::print_stderr, reason = "the command line's own message")]
fn announce(listener: &TcpListener) -> std::io::Result<()> {
    eprintln!("MCP at http://{}/mcp", listener.local_addr()?);
    Ok(())
}
