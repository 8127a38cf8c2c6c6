//! The error codes of cutting samples and of archives of them.

http_kit::error_codes! {
    Timelines {
        TRANSCRIPT_UNREADABLE = 422 "transcript_unreadable":
            "a document registered as a transcript is invalid" => "register a valid one";
        SLICE_TOO_LARGE = 422 "slice_too_large": "a sample exceeds 4 GiB" => "request shorter samples";
        NOT_A_SAMPLE = 422 "not_a_sample":
            "an artifact of the archive is not a WAV file of a sample in the blob store"
            => "leave out those of `ids`";
        TOO_MANY_FILES = 422 "too_many_files":
            "the archive would have more than 10 000 samples, or a manifest of more than 64 MiB"
            => "request several archives";
        OVERTAKEN = 503 "overtaken":
            "an identical request finished first" => "retry; the retry finds the result";
    }
}
