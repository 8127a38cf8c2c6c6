//! The error codes of origin maps and shot lists.

http_kit::error_codes! {
    Objects {
        ORIGIN_MAP_NOT_FOUND = 404 "origin_map_not_found":
            "neither the artifact nor any of its upstream artifacts has an origin map" => "`PUT` one";
        SHOT_LIST_NOT_FOUND = 404 "shot_list_not_found":
            "no such shot list" => "`POST /audio/to-video-origin`";
    }
    Timelines {
        PATTERN_CONFLICT = 409 "pattern_conflict":
            "a full pattern has the id of a different stored pattern" => "send the id alone, or another id";
    }
    Origins {
        ORIGIN_MAP_MISSING = 422 "origin_map_missing":
            "a pattern or `strict` list has samples without an origin map" => "`PUT` one for each of `ids`";
        ORIGIN_INVALID = 422 "origin_invalid":
            "`meta.source_asset_id` or `meta.source_start_ms` of artifacts is invalid"
            => "register each of `ids` again";
        ORIGIN_CYCLE = 422 "origin_cycle":
            "the upstream artifacts form a cycle" => "`PUT` a map for one of them";
        ORIGIN_TOO_DEEP = 422 "origin_too_deep":
            "an origin is more than 64 artifacts upstream" => "`PUT` a map nearer to the artifact";
        ORIGIN_GRAPH_TOO_LARGE = 422 "origin_graph_too_large":
            "the artifacts have too many upstream artifacts" => "send fewer at once";
        UPSTREAM_WINDOW_INVALID = 422 "upstream_window_invalid":
            "`meta.upstream_window_ms` is outside the upstream artifact" => "register it again";
        SEMANTICS_MISSING = 422 "semantics_missing":
            "`require_semantics` is set, and recordings have no timeline" => "analyse each of `ids`";
        TOO_MANY_CLIPS = 413 "too_many_clips":
            "a shot list of more than 100 000 clips" => "send it in parts";
        TOO_MANY_SHOTS = 422 "too_many_shots":
            "an edit, timeline or film of more than 10 000 shots, or an edit of more than 64 at the same time"
            => "make it in parts";
        SHOT_LIST_TOO_LARGE = 422 "shot_list_too_large":
            "the answer would exceed 256 MiB" => "send it in parts";
        SHOT_LIST_UNREADABLE = 422 "shot_list_unreadable":
            "a document registered as a shot list is invalid"
            => "make the list with `POST /audio/to-video-origin`";
    }
}
