//! The error codes of patterns.

http_kit::error_codes! {
    Objects {
        PATTERN_NOT_FOUND = 404 "pattern_not_found": "no such pattern" => "`POST /audio/patterns`";
    }
    Timelines {
        UNKNOWN_TEMPLATE = 422 "unknown_template": "no such template" => "`GET /audio/patterns/templates`";
    }
}
