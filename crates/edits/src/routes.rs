use audio_semantic_timeline::codes::{SEMANTICS_UNREADABLE, WORDS_NOT_FOUND};
use audio_to_video_origin::codes::{SHOT_LIST_NOT_FOUND, SHOT_LIST_UNREADABLE, TOO_MANY_SHOTS};
use audio_to_video_origin::{ShotListResult, shot_list_response};
use axum::extract::{DefaultBodyLimit, State};
use axum::response::Response;
use http_kit::codes::{ASSET_NOT_FOUND, INVALID_BODY, QUEUE_FULL};
use http_kit::{ContextJson, Problem};
use media_v2::codes::{CONTENT_DAMAGED, CONTENT_MISSING, SOURCE_CHANGED};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use video_timeline::codes::TIMELINE_UNAVAILABLE;

use crate::codes::{BEATS_REQUIRED, EMPTY_EDIT, PHRASE_NOT_FOUND, SEMANTICS_REQUIRED, SOURCES_TOO_SHORT};
use crate::{CutToMusic, Edits, RemoveSilence, Supercut};

/// Maximum body size of an edit of many windows, in bytes: 10 000 windows of 400 bytes.
const MAX_WINDOWS_BODY: usize = 4 << 20;
/// Routes that accept larger bodies than others, with their limits in bytes.
pub const BODY_LIMITS: &[(&str, usize)] = &[("/edits/supercut", MAX_WINDOWS_BODY)];

/// The routes under `/edits`.
pub fn router(edits: Edits) -> OpenApiRouter {
    let windows =
        OpenApiRouter::new().routes(routes!(supercut)).layer(DefaultBodyLimit::max(MAX_WINDOWS_BODY));
    OpenApiRouter::new()
        .routes(routes!(remove_silence))
        .routes(routes!(cut_to_music))
        .merge(windows)
        .with_state(edits)
}

http_kit::error_responses!(RemoveSilenceErrors:
    ASSET_NOT_FOUND, SOURCE_CHANGED, INVALID_BODY, SEMANTICS_REQUIRED, SEMANTICS_UNREADABLE, WORDS_NOT_FOUND, EMPTY_EDIT,
    TOO_MANY_SHOTS, QUEUE_FULL,
);

/// Remove the silences of a recording
///
/// The shot list of everything but silences of at least `min_silence_ms`, of which `margin_ms` remain at both sides;
/// with `fillers` also without words such as “um”. The recording needs a semantic timeline. The same request returns
/// the same response and artifact.
#[utoipa::path(
    post, path = "/edits/remove-silence", operation_id = "remove_silence", tag = "edits",
    request_body = RemoveSilence, responses((status = 200, body = ShotListResult), RemoveSilenceErrors)
)]
async fn remove_silence(
    State(edits): State<Edits>,
    ContextJson(context, request): ContextJson<RemoveSilence>,
) -> Result<Response, Problem> {
    shot_list_response(&edits.remove_silence(&context.scope, request).await?)
}

http_kit::error_responses!(CutToMusicErrors:
    ASSET_NOT_FOUND, SOURCE_CHANGED, INVALID_BODY, SEMANTICS_REQUIRED, SEMANTICS_UNREADABLE, BEATS_REQUIRED,
    SOURCES_TOO_SHORT, TOO_MANY_SHOTS, QUEUE_FULL,
);

/// Cut recordings to the beats or bars of music
///
/// The shot list of windows of the sources, one for each interval between cut points. Each shot names the music and
/// its time in `meta.music_asset_id` and `meta.music_start_ms`. The music needs a semantic timeline with beats; with
/// the order `energy` the sources need one too. The same request returns the same response and artifact.
#[utoipa::path(
    post, path = "/edits/cut-to-music", operation_id = "cut_to_music", tag = "edits",
    request_body = CutToMusic, responses((status = 200, body = ShotListResult), CutToMusicErrors)
)]
async fn cut_to_music(
    State(edits): State<Edits>,
    ContextJson(context, request): ContextJson<CutToMusic>,
) -> Result<Response, Problem> {
    shot_list_response(&edits.cut_to_music(&context.scope, request).await?)
}

http_kit::error_responses!(SupercutErrors:
    ASSET_NOT_FOUND, SOURCE_CHANGED, INVALID_BODY, SEMANTICS_REQUIRED, SEMANTICS_UNREADABLE, WORDS_NOT_FOUND,
    PHRASE_NOT_FOUND, TOO_MANY_SHOTS, QUEUE_FULL,
);

/// Make a supercut of windows, or of a phrase
///
/// The shot list of the windows one after the other, or of all places where `q` is said in the words of the
/// recordings, in the order of `asset_ids` and time, or of the whole library. The same request returns the same response and artifact.
#[utoipa::path(
    post, path = "/edits/supercut", operation_id = "make_supercut", tag = "edits",
    request_body = Supercut, responses((status = 200, body = ShotListResult), SupercutErrors)
)]
async fn supercut(
    State(edits): State<Edits>,
    ContextJson(context, request): ContextJson<Supercut>,
) -> Result<Response, Problem> {
    shot_list_response(&edits.supercut(&context.scope, request).await?)
}

/// Adds the errors of shot lists to `POST /video/timelines`, whose crate does not know them.
pub fn describe_timelines(document: &mut OpenApi) {
    let item = document.paths.paths.get_mut("/video/timelines");
    if let Some(operation) = item.and_then(|item| item.post.as_mut()) {
        let codes = [
            SHOT_LIST_NOT_FOUND,
            SHOT_LIST_UNREADABLE,
            SOURCE_CHANGED,
            TOO_MANY_SHOTS,
            TIMELINE_UNAVAILABLE,
            QUEUE_FULL,
            CONTENT_MISSING,
            CONTENT_DAMAGED,
        ];
        http_kit::openapi::add_errors(operation, &codes);
    }
}
