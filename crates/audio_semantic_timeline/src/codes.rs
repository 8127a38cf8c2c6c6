//! The error codes of timelines, voices and transcriptions.

http_kit::error_codes! {
    Objects {
        SEMANTICS_NOT_FOUND = 404 "semantics_not_found":
            "no such timeline, or the clip's recording has no timeline yet"
            => "`POST /audio/semantic-timeline/analyze`";
        CORRECTION_NOT_FOUND = 404 "correction_not_found":
            "the timeline has no such correction, or it was removed"
            => "`GET /audio/semantic-timeline/{artifact_id}/corrections`";
        VOICE_NOT_FOUND = 404 "voice_not_found": "no such voice" => "`GET /voices`";
    }
    Timelines {
        ARTIFACT_OF_ANOTHER_ASSET = 422 "artifact_of_another_asset":
            "`artifact_id` was not made from `asset_id`" => "send the artifact's parent asset";
        STALE_BASE_VERSION = 409 "stale_base_version":
            "`base_version` is not that of the newest correction, or of the analysis without one"
            => "read the timeline that `artifact_id` of the problem names, and make the edits for it";
        CORRECTION_SUPERSEDED = 409 "correction_superseded":
            "a newer correction is based on this one" => "remove the newer one first";
        TIMELINE_NOT_MEASURED = 422 "timeline_not_measured":
            "the timeline is a stub, which is not corrected" => "analyse the recording with a real backend";
        TOO_MANY_CORRECTIONS = 422 "too_many_corrections":
            "the analysis already has 1 000 corrections" => "send several edits in one correction";
        VOICE_UNCLEAR = 422 "voice_unclear":
            "less than 3 s of one speaker alone, or several speakers"
            => "choose another artifact, window or `audio_stream`";
        TOO_MANY_VOICES = 422 "too_many_voices":
            "the owner already has 1 000 voices" => "`DELETE /voices/{voice_id}`";
        UNSUPPORTED_LANGUAGE = 422 "unsupported_language":
            "the speech models, or the one in use, do not support the language"
            => "use an ISO 639-1 code, or leave it out";
        SEMANTICS_UNREADABLE = 422 "semantics_unreadable":
            "a document registered as a timeline is invalid" => "register a valid one";
        BACKEND_UNAVAILABLE = 503 "backend_unavailable":
            "the configured backend cannot run, and the fallback is `error`"
            => "operator: see the reason in `/readyz`";
        ANALYSIS_CANCELLED = 503 "analysis_cancelled": "the service is stopping" => "send it again";
        WORDS_NOT_FOUND = 422 "words_not_found":
            "phrases or captions were requested of a recording that was analysed without a speech model"
            => "analyse it with a speech model, or register a transcript";
        MODEL_NOT_FOUND = 404 "model_not_found":
            "`/v1/audio/transcriptions`: no such speech model"
            => "use `whisper-1`, or a name from `harkback models list`";
        UNSUPPORTED_PARAMETER = 400 "unsupported_parameter":
            "`/v1/audio/transcriptions`: a field that has no effect here" => "leave it out";
    }
}
