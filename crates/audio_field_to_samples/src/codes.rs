//! The error codes of cutting samples.

http_kit::error_codes! {
    Timelines {
        TRANSCRIPT_UNREADABLE = 422 "transcript_unreadable":
            "a document registered as a transcript is invalid" => "register a valid one";
        SLICE_TOO_LARGE = 422 "slice_too_large": "a sample exceeds 4 GiB" => "request shorter samples";
        OVERTAKEN = 503 "overtaken":
            "an identical request finished first" => "retry; the retry finds the result";
    }
}
