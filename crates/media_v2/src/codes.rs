//! The error codes of assets, artifacts and their content.

http_kit::error_codes! {
    Request {
        MALFORMED_MULTIPART = 400 "malformed_multipart":
            "the form is malformed or truncated" => "send it again";
        INVALID_TUS_HEADER = 400 "invalid_tus_header":
            "an `Upload-…` header is missing or malformed" => "see `errors`";
        TUS_VERSION_UNSUPPORTED = 412 "tus_version_unsupported":
            "`Tus-Resumable` is missing, or another version than `1.0.0`" => "send `Tus-Resumable: 1.0.0`";
    }
    Objects {
        UPLOAD_NOT_FOUND = 404 "upload_not_found":
            "no such resumable upload, or it was deleted" => "check `id`, tenant and environment, or begin a new one";
    }
    Media {
        UPLOAD_TOO_LARGE = 413 "upload_too_large":
            "the file exceeds the [limit](#limits)"
            => "upload or fetch a smaller file, or register the file in place";
        UPLOAD_EXPIRED = 410 "upload_expired":
            "the resumable upload has expired, and its bytes were removed" => "begin a new one";
        UPLOAD_OFFSET_MISMATCH = 409 "upload_offset_mismatch":
            "`Upload-Offset` is not the number of stored bytes" => "continue at `offset`";
        UPLOAD_LOCKED = 423 "upload_locked":
            "another request writes the resumable upload" => "retry after `Retry-After`; HEAD has the offset";
        CHECKSUM_MISMATCH = 460 "checksum_mismatch":
            "the bytes do not have the checksum of `Upload-Checksum`; none of them was stored" => "send them again";
        TOO_MANY_UPLOADS = 429 "too_many_uploads":
            "the owner has 1 000 unfinished resumable uploads" => "finish or delete some";
        SOURCE_NOT_ALLOWED = 422 "source_not_allowed":
            "the `source_uri` has another scheme, or is outside the allowed directories, hosts and buckets"
            => "upload the file, or have the operator allow its source with `--source-root`, `--source-host` or \
                `--source-bucket`";
        SOURCE_ADDRESS_REFUSED = 422 "source_address_refused":
            "the host of the `source_uri` has no address that is public or in an allowed network"
            => "upload the file, or have the operator allow the network with `--source-network`";
        SOURCE_REDIRECT_REFUSED = 422 "source_redirect_refused":
            "the server redirects to an address that is not allowed, or more than five times"
            => "use the final address; `detail` names its host";
        SOURCE_UNREADABLE = 422 "source_unreadable":
            "the file does not exist, cannot be opened, or its server refuses it"
            => "correct the address or the permissions";
        SOURCE_CHANGED = 409 "source_changed":
            "a registered file has changed, or a file changed while it was fetched" => "register it again";
        SOURCE_TRUNCATED = 502 "source_truncated":
            "the transfer of the file ended early, and could not be continued" => "register it again, or upload the file";
        SOURCE_RESPONSE_INVALID = 502 "source_response_invalid":
            "the server's answer is malformed, compressed, or not the requested part" => "upload the file";
        SOURCE_TIMED_OUT = 504 "source_timed_out":
            "the server does not answer, or sends the file too slowly" => "register it again, or upload the file";
        SOURCE_UNAVAILABLE = 502 "source_unavailable":
            "the server cannot be reached, or answers with an error of its own" => "register it again later";
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
