//! Links of the OpenAPI document: which calls take the id that another creates. Only this crate knows all operations.

use jobs::HEAVY_CALLS;
use utoipa::openapi::link::{Link, LinkBuilder};
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::{OpenApi, RefOr};

/// An id that a call creates, and the calls that take it.
struct ProducedId {
    /// Operation that creates the id.
    by: &'static str,
    /// Status of the successful answer.
    status: &'static str,
    /// JSON pointer to the id in the answer.
    id: &'static str,
    /// Operations that take the id, with the name of the parameter.
    taken: &'static [(&'static str, &'static str)],
}

const JOB: &[(&str, &str)] = &[
    ("get_job", "id"),
    ("get_job_events", "id"),
    ("get_job_result", "id"),
    ("cancel_job", "id"),
    ("retry_job", "id"),
];

const SHOT_LIST: &[(&str, &str)] = &[("get_shot_list", "shot_list_artifact_id")];

const MADE: &[ProducedId] = &[
    ProducedId {
        by: "create_asset",
        status: "201",
        id: "/id",
        taken: &[
            ("get_asset", "id"),
            ("update_asset", "id"),
            ("delete_asset", "id"),
            ("get_asset_content", "id"),
            ("get_asset_waveform", "id"),
            ("list_artifacts", "id"),
            ("create_artifact", "id"),
            ("list_asset_usages", "id"),
            ("list_clips_using", "asset_id"),
            ("list_origin_maps", "parent_asset_id"),
        ],
    },
    ProducedId {
        by: "create_upload",
        status: "201",
        id: "/id",
        taken: &[("get_upload", "id"), ("patch_upload", "id"), ("delete_upload", "id")],
    },
    ProducedId {
        by: "create_artifact",
        status: "201",
        id: "/id",
        taken: &[
            ("get_artifact", "id"),
            ("delete_artifact", "id"),
            ("get_artifact_content", "id"),
            ("get_artifact_waveform", "id"),
            ("get_artifact_lineage", "id"),
            ("put_origin_map", "audio_artifact_id"),
            ("get_origin_map", "audio_artifact_id"),
            ("list_origin_snippets", "audio_artifact_id"),
        ],
    },
    ProducedId {
        by: "analyze_recording",
        status: "200",
        id: "/audio_semantic_artifact_id",
        taken: &[
            ("get_semantic_timeline", "artifact_id"),
            ("plot_semantic_timeline", "artifact_id"),
            ("get_transcript", "artifact_id"),
            ("list_corrections", "artifact_id"),
            ("correct_timeline", "artifact_id"),
        ],
    },
    ProducedId {
        by: "make_pattern",
        status: "200",
        id: "/pattern_id",
        taken: &[("get_pattern", "pattern_id")],
    },
    ProducedId { by: "make_shot_list", status: "200", id: "/shot_list_artifact_id", taken: SHOT_LIST },
    ProducedId { by: "remove_silence", status: "200", id: "/shot_list_artifact_id", taken: SHOT_LIST },
    ProducedId { by: "cut_to_music", status: "200", id: "/shot_list_artifact_id", taken: SHOT_LIST },
    ProducedId { by: "conform_edit", status: "200", id: "/shot_list_artifact_id", taken: SHOT_LIST },
    ProducedId { by: "supercut", status: "200", id: "/shot_list_artifact_id", taken: SHOT_LIST },
    ProducedId {
        by: "create_project",
        status: "201",
        id: "/id",
        taken: &[
            ("get_project", "project_id"),
            ("update_project", "project_id"),
            ("delete_project", "project_id"),
            ("list_sequences", "project_id"),
            ("create_sequence", "project_id"),
        ],
    },
    ProducedId {
        by: "create_sequence",
        status: "201",
        id: "/id",
        taken: &[
            ("get_sequence", "sequence_id"),
            ("update_sequence", "sequence_id"),
            ("delete_sequence", "sequence_id"),
            ("list_tracks", "sequence_id"),
            ("create_track", "sequence_id"),
            ("list_clips_of_sequence", "sequence_id"),
        ],
    },
    ProducedId {
        by: "create_track",
        status: "201",
        id: "/id",
        taken: &[
            ("get_track", "track_id"),
            ("update_track", "track_id"),
            ("delete_track", "track_id"),
            ("list_clips_of_track", "track_id"),
            ("create_clip", "track_id"),
            ("create_clips", "track_id"),
        ],
    },
    ProducedId {
        by: "create_clip",
        status: "201",
        id: "/id",
        taken: &[
            ("get_clip", "clip_id"),
            ("update_clip", "clip_id"),
            ("delete_clip", "clip_id"),
            ("move_clip", "clip_id"),
            ("trim_clip", "clip_id"),
            ("split_clip", "clip_id"),
            ("get_semantic_timeline_of_clip", "clip_id"),
            ("get_transcript_of_clip", "clip_id"),
        ],
    },
    ProducedId { by: "enrol_voice", status: "201", id: "/id", taken: &[("delete_voice", "voice_id")] },
    ProducedId {
        by: "create_webhook",
        status: "201",
        id: "/id",
        taken: &[("list_webhook_deliveries", "id"), ("delete_webhook", "id")],
    },
];

/// Adds the links to the answers of `document`.
pub(crate) fn describe(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let is_heavy = HEAVY_CALLS.iter().any(|call| call.path == path);
        let PathItem { put, post, .. } = item;
        for operation in [put, post].into_iter().flatten() {
            if is_heavy {
                add(operation, "202", "/id", JOB);
            }
            let name = operation.operation_id.clone().unwrap_or_default();
            for made in MADE.iter().filter(|made| made.by == name) {
                add(operation, made.status, made.id, made.taken);
            }
        }
    }
}

fn add(operation: &mut Operation, status: &str, id: &str, taken: &[(&str, &str)]) {
    if let Some(RefOr::T(response)) = operation.responses.responses.get_mut(status) {
        for (name, parameter) in taken {
            response.links.insert((*name).to_owned(), link(name, parameter, id).into());
        }
    }
}

fn link(operation: &str, parameter: &str, id: &str) -> Link {
    LinkBuilder::new().operation_id(operation).parameter(parameter, format!("$response.body#{id}")).build()
}
