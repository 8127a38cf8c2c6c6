//! Wiring: builds the services and the router from the settings.

mod openapi;
mod parts;

use std::sync::Arc;
use std::time::Duration;

use access::{Access, BaseUrl, Links};
use audio_field_to_samples::FieldToSamples;
use audio_identify::{Aligner, AnalysisIndex, Conformer, Identify};
use audio_mix::PatternMixer;
use audio_pattern_engine::PatternEngine;
use audio_semantic_timeline::SemanticTimelines;
use audio_to_video_origin::VideoOrigins;
use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use blob_store::BlobStore;
use edits::Edits;
use exports::Exports;
use http_kit::idempotency::{self, Keys};
use http_kit::{BodyPace, RouteLimit};
use jobs::Jobs;
use library::Library;
use lineage::Lineages;
use media_v2::MediaService;
use media_v2::codes::{CONTENT_DAMAGED, CONTENT_MISSING};
use metrics_exporter_prometheus::PrometheusHandle;
use origin_snippets::OriginSnippets;
use primitives::{Clock, SystemClock};
use sqlx::PgPool;
use url::Url;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;
use video_render::Renderer;
use video_timeline::{HttpTimeline, HttpTimelineConfig, TimelineService, VideoTimeline};

use crate::capacity::Capacity;
use crate::catalogue::StoredMedia;
use crate::config::Config;
use crate::follow_ups;
use crate::health::{self, Health};
use crate::operations::{self, Operations};
use crate::policy;
use crate::stopping::{self, Stopping};
use crate::tenant_requests::{self, TenantRequests};
use crate::uploads::{self, Uploads};

pub(crate) use openapi::{openapi, print_openapi};
use parts::renders;
pub(crate) use parts::{backends, decoders, housekeeping, jobs, media, open_blobs};

#[derive(OpenApi)]
#[openapi(info(
    title = "harkback",
    description = "Analyses audio and video, finds the source of a piece of audio, and returns the matching video.",
    license(name = "GPL-3.0-or-later")
))]
struct Api;

/// Routes with larger body limits than the default.
fn body_limits() -> Vec<RouteLimit> {
    let limits = [
        audio_field_to_samples::BODY_LIMITS,
        audio_to_video_origin::BODY_LIMITS,
        video_timeline::BODY_LIMITS,
        origin_snippets::BODY_LIMITS,
        edits::BODY_LIMITS,
    ];
    limits.concat()
}

/// Builds every service and the router; `keys` runs the calls that have an `Idempotency-Key`.
pub(crate) fn build(
    config: &Config,
    capacity: &Capacity,
    pool: PgPool,
    blobs: BlobStore,
    metrics: PrometheusHandle,
    keys: Keys,
    guards: RequestGuards,
) -> anyhow::Result<Service> {
    let RequestGuards { access, jobs, stopping, health } = guards;
    let breaker = || axum::middleware::from_fn_with_state(health.clone(), health::breaker);
    let observed = Observed { metrics, health: health.clone() };
    let Routes { router: api, media, timelines, renderer } =
        api(config, capacity, pool, blobs, access.links.clone(), jobs.clone(), Some(observed))?;
    let (router, document) = api.split_for_parts();
    let json = document.to_json()?;
    let routes = http_kit::limit_json(router.clone(), config.max_json_bytes, &body_limits()).layer(breaker());
    let router = router
        .route("/openapi.json", get(async move || ([("content-type", "application/json")], json)))
        .route("/", get(async || Redirect::temporary("/docs/")))
        .merge(SwaggerUi::new("/docs").config(documents()))
        .merge(page::router())
        .layer(axum::middleware::from_fn_with_state(jobs, jobs::run_as_jobs))
        .layer(axum::middleware::from_fn_with_state(keys, idempotency::layer));
    let router = http_kit::limit_json(router, config.max_json_bytes, &body_limits())
        .layer(axum::middleware::from_fn_with_state(Uploads::new(capacity.uploads_of_tenant), uploads::layer))
        .layer(axum::middleware::from_fn_with_state(
            TenantRequests::new(capacity.requests_of_tenant),
            tenant_requests::layer,
        ))
        .layer(axum::middleware::from_fn_with_state(access, access::enforce))
        // Outside of all layers that query the database.
        .layer(breaker())
        .layer(axum::middleware::from_fn_with_state(stopping, stopping::layer));
    let pace = BodyPace { stall: Duration::from_secs(config.io_timeout_s), ..BodyPace::default() };
    let router = http_kit::boundary::layer_with(router, pace);
    // Outside of the boundary, which writes problem documents, so that these are compressed and readable by pages, too.
    let router = router.layer(axum::middleware::from_fn(media_v2::tus_headers)).layer(policy::compression());
    let router = policy::with_cors(router, config)?;
    Ok(Service { router, routes, media, timelines, renderer })
}

/// A service that is ready to run.
pub(crate) struct Service {
    /// Router for callers, with all layers.
    pub(crate) router: Router,
    /// The routes without layers, for jobs: their callers were authenticated on acceptance.
    pub(crate) routes: Router,
    pub(crate) media: MediaService,
    pub(crate) timelines: SemanticTimelines,
    pub(crate) renderer: Renderer,
}

/// Parts of the service that requests depend on.
pub(crate) struct RequestGuards {
    pub(crate) access: Access,
    pub(crate) jobs: Jobs,
    pub(crate) stopping: Stopping,
    pub(crate) health: Health,
}

/// State that the operational routes report.
struct Observed {
    metrics: PrometheusHandle,
    health: Health,
}

/// Settings of the page `/docs`: all of its files are in this program, and no external validator is used.
fn documents() -> utoipa_swagger_ui::Config<'static> {
    utoipa_swagger_ui::Config::new(["/openapi.json"]).validator_url("none")
}

/// The routes of all services, the service with tasks of its own, and those whose capabilities are queried.
struct Routes {
    router: OpenApiRouter,
    media: MediaService,
    timelines: SemanticTimelines,
    renderer: Renderer,
}

fn api(
    config: &Config,
    capacity: &Capacity,
    pool: PgPool,
    blobs: BlobStore,
    links: Links,
    jobs: Jobs,
    observed: Option<Observed>,
) -> anyhow::Result<Routes> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let media = media(config, capacity, pool.clone(), blobs)?;
    let store =
        TimelineService::new(pool.clone(), clock.clone()).with_catalogue(Arc::new(StoredMedia(pool.clone())));
    let timeline: Arc<dyn VideoTimeline> = match &config.video_timeline_url {
        Some(url) => Arc::new(HttpTimeline::new(HttpTimelineConfig::new(url.clone()))?),
        None => Arc::new(store.clone()),
    };
    let queue = capacity.analyses.queue("analysis");
    let patterns = PatternEngine::new(pool.clone(), clock.clone());
    let shot_lists = capacity.shot_lists.queue("shot_lists");
    let origins = VideoOrigins::new(media.clone(), shot_lists.clone(), clock.clone());
    let renderer = Renderer::new(
        media.clone(),
        timeline.clone(),
        origins.clone(),
        renders(config, capacity),
        clock.clone(),
    );
    let mixer = PatternMixer::new(media.clone(), patterns.clone(), queue.clone(), clock.clone());
    let snippets = OriginSnippets::new(pool.clone(), timeline.clone(), renderer.clone(), clock.clone());
    let lineages = Lineages::new(media.clone(), timeline.clone());
    let [timeline_of_exports, timeline_of_edits, timeline_of_alignments] =
        std::array::from_fn(|_| timeline.clone());
    let timelines = SemanticTimelines::with_companion(
        media.clone(),
        timeline,
        Arc::new(origins.clone()),
        backends(config, capacity)?,
        queue.clone(),
        clock.clone(),
        Some(Arc::new(AnalysisIndex)),
    );
    let identify = Identify::new(media.clone(), origins.clone(), queue.clone());
    let aligner = Aligner::new(media.clone(), timeline_of_alignments, queue.clone());
    let conformer = Conformer::new(media.clone(), origins.clone(), Arc::new(identify.clone()), queue.clone());
    let exports = Exports::new(
        media.clone(),
        timeline_of_exports,
        origins.clone(),
        timelines.clone(),
        links.clone(),
        shot_lists.clone(),
        clock.clone(),
    );
    let housekeeping = housekeeping(config, pool.clone())?;
    let library = Library::new(pool);
    let edits = Edits::new(
        media.clone(),
        timelines.clone(),
        origins.clone(),
        timeline_of_edits,
        library.clone(),
        shot_lists,
    );
    let base = BaseUrl::new(config.public_url.clone());
    let samples = FieldToSamples::new(media.clone(), timelines.clone(), queue, clock.clone());
    let mut router = OpenApiRouter::with_openapi(Api::openapi())
        .merge(media_v2::router(media.clone()))
        .merge(audio_semantic_timeline::router(timelines.clone()))
        .merge(audio_semantic_timeline::openai::router(timelines.clone(), config.max_transcription_bytes))
        .merge(audio_pattern_engine::router(patterns))
        .merge(audio_mix::router(mixer))
        .merge(audio_to_video_origin::router(origins))
        .merge(video_render::router(renderer.clone()))
        .merge(audio_field_to_samples::router(samples))
        .merge(audio_identify::router(identify))
        .merge(audio_identify::align_router(aligner))
        .merge(audio_identify::conform_router(conformer))
        .merge(origin_snippets::router(snippets))
        .merge(lineage::router(lineages))
        .merge(edits::router(edits.clone()))
        .merge(exports::router(exports, base.clone()));
    // The routes merged below do not read stored bytes.
    http_kit::openapi::add_errors_to_all(router.get_openapi_mut(), &[CONTENT_MISSING, CONTENT_DAMAGED]);
    let mut router = router
        .merge(access::router(links, clock.clone(), base))
        .merge(library::router(library))
        .merge(housekeeping::router(housekeeping))
        .merge(video_timeline::router(store.with_shot_lists(Arc::new(edits))))
        .merge(jobs::webhooks_router(jobs.clone()))
        .merge(jobs::router(jobs.clone()));
    edits::describe_timelines(router.get_openapi_mut());
    // Before the operational routes are added: those have no owner.
    http_kit::openapi::add_context(router.get_openapi_mut());
    jobs::describe_calls(router.get_openapi_mut());
    http_kit::openapi::add_errors_to_all(router.get_openapi_mut(), &access::ERRORS);
    http_kit::openapi::add_security(router.get_openapi_mut(), config.public_url.as_ref().map(Url::as_str));
    let (metrics, health) = observed.map(|observed| (observed.metrics, observed.health)).unzip();
    let operations = Operations {
        health,
        timelines: timelines.clone(),
        renderer: renderer.clone(),
        jobs,
        role: config.role,
        metrics,
    };
    let mut router = router.merge(operations::router(operations));
    http_kit::openapi::add_problems(router.get_openapi_mut());
    http_kit::openapi::complete_schemas(router.get_openapi_mut());
    follow_ups::describe(router.get_openapi_mut());
    Ok(Routes { router, media, timelines, renderer })
}
