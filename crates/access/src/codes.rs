//! The error codes of authentication.

http_kit::error_codes! {
    Request {
        UNAUTHORIZED = 401 "unauthorized":
            "credentials are missing or invalid" => "send `Authorization: Bearer …`";
        LINK_INVALID = 403 "link_invalid":
            "a signed link was changed, or has expired" => "request a new link";
        HOST_NOT_ALLOWED = 403 "host_not_allowed":
            "the `Host` is not a name of this service"
            => "use localhost, or have the operator set `--public-url`";
        CROSS_SITE_REQUEST = 403 "cross_site_request":
            "a page of an origin that is not allowed sent a write"
            => "have the operator add the origin to `--cors-origin`";
        ISSUER_UNAVAILABLE = 503 "issuer_unavailable":
            "the token issuer's keys cannot be read" => "retry; ask the operator if it persists";
    }
}
