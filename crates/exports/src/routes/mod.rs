//! HTTP: each subject has a GET, which answers with the file, and a POST, which reports what the file loses.

mod edit;
mod notes;

use std::collections::BTreeMap;
use std::convert::Infallible;

use access::BaseUrl;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::HeaderName;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::request::Parts;
use http_kit::{Json, Problem, content_disposition};
use primitives::AccessLevel;
use serde::Serialize;
use utoipa::openapi::schema::{KnownFormat, SchemaFormat, SchemaType};
use utoipa::openapi::{ContentBuilder, ObjectBuilder, RefOr, ResponseBuilder, Type};
use utoipa_axum::router::OpenApiRouter;

use crate::model::{ExportFile, ExportReport};
use crate::service::Exports;

/// Header with the number of warnings.
const WARNINGS: HeaderName = HeaderName::from_static("harkback-warnings");

/// The services of the routes.
#[derive(Clone, Debug)]
struct ExportRoutes {
    exports: Exports,
    base: BaseUrl,
}

/// The export routes, below those of what is exported. Links to media begin with `base`.
pub fn router(exports: Exports, base: BaseUrl) -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(edit::router())
        .merge(notes::router())
        .with_state(ExportRoutes { exports, base })
}

/// The base URL of links, the path of the export, and what its caller may do.
struct Location {
    base: String,
    path: String,
    level: AccessLevel,
}

impl FromRequestParts<ExportRoutes> for Location {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, routes: &ExportRoutes) -> Result<Self, Infallible> {
        let base = routes.base.of_request(&parts.uri, &parts.headers);
        let level = parts.extensions.get::<AccessLevel>().copied().unwrap_or_default();
        Ok(Self { base, path: parts.uri.path().to_owned(), level })
    }
}

/// The report of an export that GET answers with `query`.
fn report(
    file: ExportFile,
    location: &Location,
    query: &impl Serialize,
) -> Result<Json<ExportReport>, Problem> {
    let query = serde_urlencoded::to_string(query).map_err(Problem::internal)?;
    Ok(Json(ExportReport { href: format!("{}?{query}", location.path), warnings: file.warnings }))
}

impl IntoResponse for ExportFile {
    fn into_response(self) -> Response {
        let headers = [
            (CONTENT_TYPE, self.media_type.to_owned()),
            (CONTENT_DISPOSITION, content_disposition(false, Some(&self.name))),
            (WARNINGS, self.warnings.len().to_string()),
        ];
        (headers, self.content).into_response()
    }
}

/// The OpenAPI response of a file in one of these media types.
fn file_response(media_types: &[&str]) -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
    let response = ResponseBuilder::new().description("The file");
    let response = media_types.iter().fold(response, |response, media_type| {
        let schema = match *media_type {
            "application/json" => ObjectBuilder::new().schema_type(SchemaType::AnyValue),
            "audio/midi" => ObjectBuilder::new()
                .schema_type(Type::String)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary))),
            _ => ObjectBuilder::new().schema_type(Type::String),
        };
        response.content(*media_type, ContentBuilder::new().schema(Some(schema)).build())
    });
    [("200".to_owned(), response.build().into())].into()
}
