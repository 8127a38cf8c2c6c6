use audio_signal::{WaveformBits, WaveformParams};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_kit::codes::{ARTIFACT_NOT_FOUND, ASSET_NOT_FOUND, INVALID_QUERY, QUEUE_FULL};
use http_kit::openapi::Binary;
use http_kit::{Path, Problem, Query, RequestContext, path_id};
use serde::Deserialize;

use crate::codes::{
    DECODER_UNAVAILABLE, NO_AUDIO_STREAM, SOURCE_CHANGED, SOURCE_NOT_ALLOWED, SOURCE_UNREADABLE,
    UNDECODABLE_MEDIA, WAVEFORM_TOO_DETAILED,
};
use crate::range::is_known;
use crate::{Content, MediaService};

/// Output format of the peaks.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(default = "json")]
pub(crate) enum WaveformFormat {
    /// audiowaveform's JSON, version 2.
    #[default]
    Json,
    /// audiowaveform's binary format (`.dat`).
    Dat,
}

/// Resolution of the peaks.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(default = "16")]
pub(crate) enum Bits {
    /// 8 bits: −128 to 127.
    #[serde(rename = "8")]
    Eight,
    /// 16 bits: −32 768 to 32 767.
    #[default]
    #[serde(rename = "16")]
    Sixteen,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WaveformQuery {
    /// Output format of the peaks.
    #[serde(default)]
    #[param(inline)]
    format: WaveformFormat,
    /// Number of samples per pair of lowest and highest value.
    #[serde(default = "samples_per_pixel")]
    #[param(minimum = 2, maximum = 16_777_216, default = 256)]
    samples_per_pixel: u32,
    /// Bits per value of the peaks.
    #[serde(default)]
    #[param(inline)]
    bits: Bits,
    /// Return the peaks of each channel instead of those of their mix.
    #[serde(default)]
    #[param(default = false)]
    split_channels: bool,
}

/// Peaks in audiowaveform's JSON, version 2.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "describes for OpenAPI what `audio_signal::Waveform::to_json` writes")]
pub(crate) struct WaveformJson {
    /// Version of the format: 2.
    version: u32,
    /// Number of channels in `data`; 1 for the mix.
    channels: u32,
    /// Audio sample rate in Hz.
    sample_rate: u32,
    /// Number of samples per pair of lowest and highest value.
    samples_per_pixel: u32,
    /// Bits per value: 8 or 16.
    bits: u32,
    /// Number of pairs per channel.
    length: u64,
    /// Lowest and highest value of each channel, pixel by pixel.
    data: Vec<i32>,
}

fn samples_per_pixel() -> u32 {
    WaveformParams::default().samples_per_pixel
}

http_kit::error_responses!(AssetWaveformErrors:
    ASSET_NOT_FOUND, SOURCE_CHANGED, INVALID_QUERY, NO_AUDIO_STREAM, UNDECODABLE_MEDIA, WAVEFORM_TOO_DETAILED,
    SOURCE_NOT_ALLOWED, SOURCE_UNREADABLE, QUEUE_FULL, DECODER_UNAVAILABLE,
);

/// The waveform of a recording
///
/// Peaks in the formats of BBC audiowaveform, for peaks.js, waveform-data.js and wavesurfer.js. They are computed on
/// the first call and cached.
#[utoipa::path(
    get, path = "/media-v2/assets/{id}/waveform", operation_id = "get_asset_waveform", tag = "media_v2",
    params(
        ("id" = String, Path, description = "asset"),
        WaveformQuery,
        ("If-None-Match" = Option<String>, Header, description = "ETags that the caller already has"),
    ),
    responses(
        (status = 200, description = "The peaks.", content(
            (WaveformJson = "application/json"),
            (inline(Binary) = "application/octet-stream"),
        )),
        (status = 304, description = "The caller's copy is current."),
        AssetWaveformErrors,
    )
)]
pub(crate) async fn asset_waveform(
    State(service): State<MediaService>,
    context: RequestContext,
    Path(id): Path<String>,
    Query(query): Query<WaveformQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asset = service.recording(&context.scope, &path_id(&id, ASSET_NOT_FOUND)?).await?;
    serve(&service, &context, asset.content(), &query, &headers).await
}

http_kit::error_responses!(ArtifactWaveformErrors:
    ARTIFACT_NOT_FOUND, INVALID_QUERY, NO_AUDIO_STREAM, UNDECODABLE_MEDIA, WAVEFORM_TOO_DETAILED,
    SOURCE_NOT_ALLOWED, SOURCE_UNREADABLE, QUEUE_FULL, DECODER_UNAVAILABLE,
);

/// The waveform of an artifact
///
/// Peaks of the artifact's audio, with the same parameters and formats as for a recording.
#[utoipa::path(
    get, path = "/media-v2/artifacts/{id}/waveform", operation_id = "get_artifact_waveform", tag = "media_v2",
    params(
        ("id" = String, Path, description = "artifact"),
        WaveformQuery,
        ("If-None-Match" = Option<String>, Header, description = "ETags that the caller already has"),
    ),
    responses(
        (status = 200, description = "The peaks.", content(
            (WaveformJson = "application/json"),
            (inline(Binary) = "application/octet-stream"),
        )),
        (status = 304, description = "The caller's copy is current."),
        ArtifactWaveformErrors,
    )
)]
pub(crate) async fn artifact_waveform(
    State(service): State<MediaService>,
    context: RequestContext,
    Path(id): Path<String>,
    Query(query): Query<WaveformQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let artifact = service.artifact(&context.scope, &path_id(&id, ARTIFACT_NOT_FOUND)?).await?;
    serve(&service, &context, artifact.content(), &query, &headers).await
}

async fn serve(
    service: &MediaService,
    context: &RequestContext,
    content: Content<'_>,
    query: &WaveformQuery,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let blob = service.waveform(&context.scope, content, query.params()?).await?;
    let (format, bits) = (query.format, query.bits());
    let (name, media_type) = match format {
        WaveformFormat::Json => ("json", "application/json"),
        WaveformFormat::Dat => ("dat", "application/octet-stream"),
    };
    let etag = format!("\"{}-{}.{name}\"", blob.to_hex(), bits.count());
    // A new version of the service may compute different peaks: clients may cache them, but must revalidate.
    let common = [
        (header::ETAG, etag.as_str()),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::VARY, "x-tenant-id, x-env"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    if is_known(headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    let write = move |waveform: audio_signal::Waveform| match format {
        WaveformFormat::Json => waveform.to_json(bits).into_bytes(),
        WaveformFormat::Dat => waveform.to_dat(bits),
    };
    let body = service.read_waveform(blob, write).await?;
    Ok((common, [(header::CONTENT_TYPE, media_type)], body).into_response())
}

impl WaveformQuery {
    fn params(&self) -> Result<WaveformParams, Problem> {
        let accepted = WaveformParams::SAMPLES_PER_PIXEL;
        if accepted.contains(&self.samples_per_pixel) {
            let Self { samples_per_pixel, split_channels, .. } = *self;
            return Ok(WaveformParams { samples_per_pixel, split_channels });
        }
        let detail = format!("samples_per_pixel must be {} to {}", accepted.start(), accepted.end());
        Err(Problem::new(INVALID_QUERY, detail))
    }

    const fn bits(&self) -> WaveformBits {
        match self.bits {
            Bits::Eight => WaveformBits::Eight,
            Bits::Sixteen => WaveformBits::Sixteen,
        }
    }
}
