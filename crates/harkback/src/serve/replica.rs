//! This process among those that share the jobs: its role, its slots, and what it offers.

use std::time::Duration;

use audio_semantic_timeline::SemanticTimelines;
use futures::FutureExt as _;
use jobs::{Capabilities, HEAVY_CALLS, RENDERS, Replica, ReplicaRole, WorkerSettings};
use video_render::Renderer;

use super::LAST_ANSWERS;
use crate::capacity::Capacity;
use crate::config::{Config, Role};

/// Capabilities that this process offers, or that it promises its callers if it runs no jobs.
pub(super) fn capabilities(
    config: &Config,
    timelines: SemanticTimelines,
    renderer: Renderer,
) -> Capabilities {
    let is_api = config.role == Role::Api;
    let analysis = format!(
        "analysis by {} with the model {}",
        config.audio_semantic_backend, config.audio_semantic_whisper_model
    );
    Box::new(move || {
        let (analysis, timelines, renderer) = (analysis.clone(), timelines.clone(), renderer.clone());
        async move {
            let is_measured = async {
                timelines.selection().await.is_ok_and(|selection| selection.fallback_reason.is_none())
            };
            let mut offers = Vec::new();
            if is_api || is_measured.await {
                offers.push(analysis);
            }
            if is_api || renderer.version().await.is_ok() {
                offers.push(RENDERS.to_owned());
            }
            offers
        }
        .boxed()
    })
}

pub(super) fn replica(config: &Config, capacity: &Capacity, offers: Vec<String>) -> Replica {
    let (role, settings) = match config.role {
        Role::All => (ReplicaRole::All, worker_settings(config, capacity)),
        Role::Api => {
            let none = WorkerSettings { calls: &[], slots: Vec::new(), grace: Duration::ZERO };
            (ReplicaRole::Api, none)
        }
        Role::Worker => (ReplicaRole::Worker, worker_settings(config, capacity)),
    };
    Replica::new(role, settings.kinds(), offers)
}

pub(super) fn worker_settings(config: &Config, capacity: &Capacity) -> WorkerSettings {
    let grace = Duration::from_secs(config.shutdown_grace_s).saturating_sub(LAST_ANSWERS);
    WorkerSettings { calls: HEAVY_CALLS, slots: capacity.job_slots(), grace }
}
