//! The error codes of assets, artifacts and their content.

http_kit::error_codes! {
    Request {
        MALFORMED_MULTIPART = 400 "malformed_multipart":
            "the form is malformed or truncated" => "send it again";
    }
    Media {
        UPLOAD_TOO_LARGE = 413 "upload_too_large":
            "the file exceeds the [limit](#limits)"
            => "upload a smaller file, or register the file in place";
        SOURCE_NOT_ALLOWED = 422 "source_not_allowed":
            "the `source_uri` has another scheme, or is outside the allowed directories"
            => "upload the file, or have the operator allow its directory with `--source-root`";
        SOURCE_UNREADABLE = 422 "source_unreadable":
            "the file does not exist or cannot be opened" => "correct the path or its permissions";
        SOURCE_CHANGED = 409 "source_changed": "a registered file has changed" => "register it again";
        DUPLICATE_CACHE_KEY = 409 "duplicate_cache_key":
            "a timeline with this `meta.cache_key` exists" => "use that one";
        PRECONDITION_FAILED = 412 "precondition_failed": "`If-Match` names another ETag" => "read it again";
        CONTENT_DAMAGED = 500 "content_damaged":
            "the stored bytes are corrupt" => "upload them again; operator: run `harkback verify`";
        CONTENT_MISSING = 500 "content_missing":
            "the row exists, but its bytes are missing" => "operator: restore the blobs";
        NO_AUDIO_STREAM = 422 "no_audio_stream": "the file has no audio stream" => "use another file";
        UNDECODABLE_MEDIA = 422 "undecodable_media":
            "the content cannot be decoded" => "use another file; `detail` states what was found";
        WAVEFORM_TOO_DETAILED = 422 "waveform_too_detailed":
            "the answer would exceed the maximum number of peaks" => "use a greater `samples_per_pixel`";
    }
    Service {
        DECODER_UNAVAILABLE = 503 "decoder_unavailable":
            "only ffmpeg decodes the file, and it cannot be run"
            => "operator: install ffmpeg; or convert the audio to AAC-LC, MP3, Opus, Vorbis, FLAC or PCM";
    }
}
