//! The error codes of snippets.

http_kit::error_codes! {
    Origins {
        ORIGIN_MISSING = 422 "origin_missing":
            "artifacts have no known origin"
            => "`PUT` maps for `ids`, or register them with `start_ms` and `end_ms`";
    }
}
