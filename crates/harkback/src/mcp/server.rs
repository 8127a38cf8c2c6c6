use std::sync::Arc;

use axum::http::request::Parts;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, Implementation,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};

use super::call::{Progress, call};
use super::tools::Tools;
use crate::service_client::ServiceClient;

/// How the tools belong together.
const INSTRUCTIONS: &str = "harkback analyses recordings and finds the video that belongs to a piece of audio. Recordings \
    are assets (`list_assets`); everything made of them is an artifact. Times are milliseconds. `analyze_recording` makes the \
    semantic timeline, which `search_words` and `get_transcript` read; `cut_samples` makes samples, which `list_samples` finds. \
    `make_shot_list`, `make_supercut`, `remove_silence` and `cut_to_music` make shot lists, which `render_window` renders to one \
    film and `export_shot_list` exports for editing programs. `create_link` makes a URL of `/media-v2/assets/{id}/content`. \
    Repeated calls find the existing result.";

/// Headers of a call over HTTP that identify its caller to the service.
const IDENTITY: [&str; 4] = ["authorization", "x-tenant-id", "x-env", "x-user-id"];

/// Answers the requests of MCP clients.
#[derive(Clone)]
pub(super) struct McpServer {
    service: Arc<ServiceClient>,
    tools: Arc<Tools>,
}

impl McpServer {
    pub(super) fn new(service: ServiceClient, tools: Arc<Tools>) -> Self {
        Self { service: Arc::new(service), tools }
    }

    /// The same tools without an identity of their own: each call needs that of its caller.
    pub(super) fn without_identity(self) -> Self {
        Self { service: Arc::new(self.service.for_caller(Vec::new())), tools: self.tools }
    }

    /// The service as the caller sees it: a call over HTTP has the caller's headers.
    fn service(&self, context: &RequestContext<RoleServer>) -> Arc<ServiceClient> {
        let Some(parts) = context.extensions.get::<Parts>() else { return Arc::clone(&self.service) };
        let headers = IDENTITY
            .iter()
            .filter_map(|name| Some((*name, parts.headers.get(*name)?.to_str().ok()?.to_owned())));
        Arc::new(self.service.for_caller(headers.collect()))
    }
}

impl ServerHandler for McpServer {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("harkback", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.list().to_vec()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(operation) = self.tools.operation(&request.name) else {
            return Err(ErrorData::invalid_params(format!("unknown tool `{}`", request.name), None));
        };
        let service = self.service(&context);
        let arguments = request.arguments.unwrap_or_default();
        let mut progress = Progress::new(context);
        let called = call(&service, operation, arguments, &mut progress).await;
        // A refusal is a result, which the model reads and can correct.
        let refused =
            |error: anyhow::Error| CallToolResult::error(vec![ContentBlock::text(format!("{error:#}"))]);
        Ok(called.unwrap_or_else(refused).into())
    }
}
