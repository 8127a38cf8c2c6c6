//! Routes of the page's files.

use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Router};
use http::{HeaderMap, StatusCode, header};
use http_kit::codes::ROUTE_NOT_FOUND;
use http_kit::{Path, Problem};

use crate::files::{File, find};

/// Content security policy of the page: files of this service only, and media that the page itself has made. Scripts
/// cannot write markup (`require-trusted-types-for`), so that no name or word of a recording becomes code.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; \
    img-src 'self' blob:; media-src 'self' blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
/// Path of the document below `web/`.
const INDEX: &str = "index.html";

/// Marks an answer as a file of the page, whose bytes may be compressed.
#[derive(Clone, Copy, Debug)]
pub struct StaticFile;

/// Routes `GET /app`, `/app/` (which redirects to it) and the files below it.
pub fn router() -> Router {
    Router::new()
        .route("/app", get(index))
        // Relative, so that it is right behind a proxy that adds a prefix.
        .route("/app/", get(async || Redirect::permanent("../app")))
        .route("/app/{*path}", get(file))
}

async fn index(headers: HeaderMap) -> Response {
    serve(INDEX, &headers)
}

async fn file(Path(path): Path<String>, headers: HeaderMap) -> Response {
    serve(&path, &headers)
}

fn serve(path: &str, headers: &HeaderMap) -> Response {
    match find(path) {
        Some(file) if is_current(file, headers) => {
            (StatusCode::NOT_MODIFIED, common_headers(file)).into_response()
        }
        Some(file) => (Extension(StaticFile), common_headers(file), file.bytes).into_response(),
        None => Problem::new(ROUTE_NOT_FOUND, "the page has no such file; it is at /app").into_response(),
    }
}

/// Names of files do not change with their content, so browsers ask each time whether theirs is current.
fn common_headers(file: &'static File) -> [(header::HeaderName, &'static str); 4] {
    [
        (header::CONTENT_TYPE, file.media_type()),
        (header::ETAG, file.etag.as_str()),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    ]
}

fn is_current(file: &File, headers: &HeaderMap) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known.flat_map(|list| list.split(',')).any(|tag| tag.trim() == file.etag || tag.trim() == "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(path: &str, if_none_match: Option<&'static str>) -> Response {
        let mut headers = HeaderMap::new();
        if let Some(tag) = if_none_match {
            headers.insert(header::IF_NONE_MATCH, tag.parse().unwrap());
        }
        serve(path, &headers)
    }

    #[test]
    fn known_entity_tags_are_answered_without_the_file() {
        let tag = find(INDEX).unwrap().etag.as_str();
        assert_eq!(answer(INDEX, Some(tag)).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(answer(INDEX, Some("W/\"other\"")).status(), StatusCode::OK);
        assert_eq!(answer(INDEX, None).status(), StatusCode::OK);
    }

    #[test]
    fn paths_outside_of_the_table_are_unknown() {
        for path in ["", "missing.js", "../Cargo.toml", "/index.html", "INDEX.HTML"] {
            assert_eq!(answer(path, None).status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[test]
    fn the_policy_allows_nothing_inline_and_no_other_host() {
        assert!(!CONTENT_SECURITY_POLICY.contains("unsafe") && !CONTENT_SECURITY_POLICY.contains("http"));
    }
}
