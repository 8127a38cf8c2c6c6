//! Operational routes: liveness, readiness and metrics.

use std::time::Duration;

use audio_semantic_timeline::SemanticTimelines;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_kit::codes::{
    DATABASE_UNAVAILABLE, ROUTE_NOT_FOUND, SHUTTING_DOWN, STORAGE_FULL, STORAGE_UNAVAILABLE,
};
use http_kit::{Json, Problem};
use jobs::Jobs;
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use video_render::Renderer;

use crate::codes::{METRICS_OFF, SCHEMA_OUTDATED, WORKER_UNFIT};
use crate::config::Role;
use crate::health::{self, DatabaseState, Health, StoreState};

/// Timeout of capability checks: probes of orchestrators give up after a second. Unfinished checks are left out.
const CAPABILITY_TIMEOUT: Duration = Duration::from_millis(700);

#[derive(Clone)]
pub(crate) struct Operations {
    pub(crate) health: Option<Health>,
    pub(crate) timelines: SemanticTimelines,
    pub(crate) renderer: Renderer,
    pub(crate) jobs: Jobs,
    pub(crate) role: Role,
    pub(crate) metrics: Option<PrometheusHandle>,
}

/// Readiness of the service.
#[derive(Debug, Serialize, ToSchema)]
struct Readiness {
    /// `ready`, or `degraded` when a part is replaced by its fallback.
    status: &'static str,
    /// The analysis backend in use.
    backend: Option<String>,
    /// The configured analysis backend.
    requested_backend: Option<String>,
    /// Renderer and ffmpeg with their versions; null if they cannot run.
    renderer: Option<String>,
    /// Parts that are missing or replaced by a fallback.
    reasons: Vec<String>,
}

/// Answers only the operational routes: a worker has no others.
pub(crate) async fn only(request: Request, next: Next) -> Response {
    match request.uri().path() {
        "/healthz" | "/readyz" | "/metrics" => next.run(request).await,
        _ => {
            let detail = "this process runs jobs only and does not answer calls; see `--role`";
            Problem::new(ROUTE_NOT_FOUND, detail).into_response()
        }
    }
}

pub(crate) fn router(operations: Operations) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(healthz))
        .routes(routes!(readyz))
        .routes(routes!(metrics))
        .with_state(operations)
}

/// Check that the process is alive
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "operations",
    responses((status = 200, body = String))
)]
async fn healthz() -> &'static str {
    "ok"
}

http_kit::error_responses!(ReadyzErrors:
    DATABASE_UNAVAILABLE, SCHEMA_OUTDATED, STORAGE_UNAVAILABLE, WORKER_UNFIT, SHUTTING_DOWN,
);

/// Check that the service is ready
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operations",
    responses((status = 200, body = Readiness, description = "ready or degraded"), ReadyzErrors)
)]
async fn readyz(State(operations): State<Operations>) -> Result<Json<Readiness>, Problem> {
    let mut reasons = Vec::new();
    if let Some(health) = &operations.health {
        match health.database() {
            DatabaseState::Up => {}
            DatabaseState::Down(_) => return Err(health::database_unavailable()),
            DatabaseState::Outdated => {
                let detail = "the schema is not up to date: run harkback migrate";
                return Err(Problem::new(SCHEMA_OUTDATED, detail).retry_after(30));
            }
        }
        match health.store() {
            StoreState::Up => {}
            // Stored bytes can still be read.
            StoreState::Down(problem) if problem.code() == STORAGE_FULL.code() => {
                reasons.push(problem.detail().to_owned());
            }
            StoreState::Down(problem) => return Err(problem),
        }
    }
    // All other routes work without analysis and without renders.
    let (selection, renderer) = tokio::join!(
        timeout(CAPABILITY_TIMEOUT, operations.timelines.selection()),
        timeout(CAPABILITY_TIMEOUT, operations.renderer.version())
    );
    let selection = match selection {
        Ok(selection) => selection.map_err(|error| reasons.push(error.to_string())).ok(),
        Err(_) => {
            reasons.push("the analysis backend is being loaded".to_owned());
            None
        }
    };
    let renderer = match renderer {
        Ok(version) => version.map_err(|error| reasons.push(error.to_string())).ok(),
        Err(_) => {
            reasons.push("the renderer is being checked".to_owned());
            None
        }
    };
    let backend = selection.as_ref().map(|selection| selection.backend.kind().to_string());
    let requested_backend = selection.as_ref().map(|selection| selection.requested.to_string());
    reasons.extend(selection.and_then(|selection| selection.fallback_reason));
    let mismatches = operations.jobs.mismatches();
    if operations.role == Role::Worker && !mismatches.is_empty() {
        return Err(Problem::new(WORKER_UNFIT, mismatches.join("; ")).retry_after(10));
    }
    reasons.extend(mismatches);
    let status = if reasons.is_empty() { "ready" } else { "degraded" };
    Ok(Json(Readiness { status, backend, requested_backend, renderer, reasons }))
}

http_kit::error_responses!(MetricsErrors: METRICS_OFF);

/// Prometheus metrics
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operations",
    responses((status = 200, body = String), MetricsErrors)
)]
async fn metrics(State(operations): State<Operations>) -> Response {
    match &operations.metrics {
        Some(handle) => ([("content-type", "text/plain; version=0.0.4")], handle.render()).into_response(),
        None => Problem::new(METRICS_OFF, "metrics are not recorded in this process").into_response(),
    }
}
