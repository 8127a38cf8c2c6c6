//! The error codes of edits.

http_kit::error_codes! {
    Origins {
        SEMANTICS_REQUIRED = 422 "semantics_required":
            "an edit needs the semantic timelines of recordings that have none"
            => "`POST /audio/semantic-timeline/analyze` for each of `ids`";
        BEATS_REQUIRED = 422 "beats_required":
            "the music has no beats, or no beats or bars in the window"
            => "see `detail`; use other music, another window, or `every: beat`";
        PHRASE_NOT_FOUND = 422 "phrase_not_found":
            "`q` is not in the words of the recordings" => "use fewer or other words";
        SOURCES_TOO_SHORT = 422 "sources_too_short":
            "no source is as long as an interval of the music" => "use longer sources or a shorter `every`";
        EMPTY_EDIT = 422 "empty_edit": "nothing of the recording is left" => "use a longer `min_silence_ms`";
    }
}
