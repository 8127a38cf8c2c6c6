//! The error codes of every call, and those that several crates answer with.

crate::error_codes! {
    Request {
        INVALID_CONTEXT = 400 "invalid_context":
            "tenant or environment is missing, empty, `t_unknown` or not a valid id, or a context header is repeated"
            => "send each header once";
        MALFORMED_REQUEST = 400 "malformed_request":
            "not an HTTP/1.1 request; the connection is closed" => "correct the request";
        URI_TOO_LONG = 414 "uri_too_long": "path and query are too long" => "shorten them";
        HEADERS_TOO_LARGE = 431 "headers_too_large":
            "the headers exceed 64 KiB or number more than 100" => "send fewer or shorter headers";
        CONTEXT_MISMATCH = 403 "context_mismatch":
            "header, body and credentials name different owners"
            => "send equal values, or leave them out of the body";
        SCOPE_INSUFFICIENT = 403 "scope_insufficient":
            "the credentials do not allow this call" => "use a key or token of a higher scope";
        MALFORMED_JSON = 400 "malformed_json":
            "the body is not valid JSON" => "correct the body; `detail` names the position";
        UNREADABLE_BODY = 400 "unreadable_body": "the body is truncated" => "send it again";
        BAD_REQUEST = 400 "bad_request":
            "a refusal without a code of its own, such as an unknown file below `/docs`; its status may be any 4xx"
            => "see `detail`";
        UNSUPPORTED_MEDIA_TYPE = 415 "unsupported_media_type":
            "the body is not `application/json`" => "set `Content-Type`";
        BODY_TOO_LARGE = 413 "body_too_large":
            "the body exceeds the call's [limit](#limits)" => "send it in parts";
        INVALID_BODY = 422 "invalid_body": "fields are unknown, missing or out of range" => "see `errors`";
        INVALID_QUERY = 422 "invalid_query":
            "parameters are unknown or out of range" => "see `errors` or `detail`";
        INVALID_CURSOR = 422 "invalid_cursor":
            "the cursor is not of this list" => "send `next_cursor` unchanged";
        ROUTE_NOT_FOUND = 404 "route_not_found": "no such path" => "see `/openapi.json`";
        NOT_FOUND = 404 "not_found": "the path cannot be decoded" => "correct the path";
        METHOD_NOT_ALLOWED = 405 "method_not_allowed":
            "the path does not accept the method" => "see `Allow`, `/openapi.json`";
        REQUEST_TIMEOUT = 408 "request_timeout":
            "the body arrived too slowly, or a layer in front of the service timed out" => "send it again";
        INVALID_IDEMPOTENCY_KEY = 422 "invalid_idempotency_key":
            "the key is not a valid id" => "use 1 to 128 of the characters above";
        IDEMPOTENCY_MISMATCH = 422 "idempotency_mismatch":
            "the key was used for another call" => "use a new key";
        IDEMPOTENCY_IN_PROGRESS = 409 "idempotency_in_progress":
            "the first call with the key is still running" => "retry later";
    }
    Objects {
        ASSET_NOT_FOUND = 404 "asset_not_found": "no such asset" => "check `ids`, tenant and environment";
        ARTIFACT_NOT_FOUND = 404 "artifact_not_found":
            "no such artifact" => "check `ids`, tenant and environment";
    }
    Media {
        RANGE_NOT_SATISFIABLE = 416 "range_not_satisfiable":
            "the range begins after the end of the content" => "see `Content-Range` for the size";
    }
    Service {
        STORAGE_FULL = 507 "storage_full":
            "no space is left" => "retry after `Retry-After`; operator: free space";
        STORAGE_UNAVAILABLE = 503 "storage_unavailable":
            "files or the object store cannot be read or written"
            => "retry after `Retry-After`; operator: check the store";
        DATABASE_UNAVAILABLE = 503 "database_unavailable":
            "Postgres does not answer" => "retry after `Retry-After`";
        QUEUE_FULL = 503 "queue_full": "the queue for this work is full" => "retry after `Retry-After`";
        BUSY = 503 "busy":
            "too many large bodies are being read, the tenant has too many requests in flight, or file descriptors or \
             memory are used up"
            => "retry after `Retry-After`";
        SHUTTING_DOWN = 503 "shutting_down": "the service is stopping" => "retry after `Retry-After`";
        INTERNAL = 500 "internal": "a defect of the service" => "report it with the `request_id`";
    }
}
