//! The error codes of identifying audio.

http_kit::error_codes! {
    Origins {
        QUERY_TOO_SHORT = 422 "query_too_short":
            "the audio to identify is shorter than 0.3 s" => "use a longer window or file";
        QUERY_TOO_LONG = 422 "query_too_long":
            "the audio to identify is longer than six hours, or that of a form longer than five minutes"
            => "identify parts of it; instead of a form, upload the file as an asset and give `asset_id`";
        QUERY_SILENT = 422 "query_silent":
            "the audio to identify is below −72 dBFS throughout" => "use a window with audio";
        TOO_MANY_POSTINGS = 422 "too_many_postings":
            "the index has more than four million landmarks like some of the audio" => "use another window";
        RECORDING_TOO_LONG = 422 "recording_too_long":
            "a recording of an alignment is longer than six hours, or an edit to conform longer than three"
            => "align or conform parts of it";
        SOURCES_TOO_LONG = 422 "sources_too_long":
            "the sources of an edit are longer than 24 hours together" => "name fewer or shorter `sources`";
    }
}
