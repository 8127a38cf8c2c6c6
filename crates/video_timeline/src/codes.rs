//! The error codes of projects, sequences, tracks and clips.

http_kit::error_codes! {
    Objects {
        PROJECT_NOT_FOUND = 404 "project_not_found":
            "no such project" => "check `id`, tenant and environment";
        SEQUENCE_NOT_FOUND = 404 "sequence_not_found":
            "no such sequence" => "check `id`, tenant and environment";
        TRACK_NOT_FOUND = 404 "track_not_found": "no such track" => "check `id`, tenant and environment";
        CLIP_NOT_FOUND = 404 "clip_not_found": "no such clip" => "check `id`, tenant and environment";
    }
    Service {
        TIMELINE_UNAVAILABLE = 502 "timeline_unavailable":
            "a remote video timeline does not answer" => "retry later";
    }
}
