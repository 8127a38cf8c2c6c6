use audio_signal::{WaveformBits, WaveformParams, WaveformWindow};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_kit::codes::{ARTIFACT_NOT_FOUND, ASSET_NOT_FOUND, INVALID_QUERY, QUEUE_FULL};
use http_kit::openapi::Binary;
use http_kit::{Path, Problem, Query, RequestContext, path_id};
use media_time::MediaTime;
use serde::{Deserialize, Serialize};

use crate::codes::{
    DECODER_UNAVAILABLE, NO_AUDIO_STREAM, SOURCE_CHANGED, SOURCE_NOT_ALLOWED, SOURCE_UNREADABLE,
    UNDECODABLE_MEDIA, WAVEFORM_TOO_DETAILED,
};
use crate::range::is_known;
use crate::waveform_windows::WindowRequest;
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
    /// Number of samples per pair of lowest and highest value; not with a window.
    #[param(minimum = 2, maximum = 16_777_216, default = 256)]
    samples_per_pixel: Option<u32>,
    /// Bits per value of the peaks.
    #[serde(default)]
    #[param(inline)]
    bits: Bits,
    /// Return the peaks of each channel instead of those of their mix.
    #[serde(default)]
    #[param(default = false)]
    split_channels: bool,
    /// Start of a window of the recording in ms; 0 if only other parameters of a window are given.
    #[serde(rename = "start_ms")]
    #[param(value_type = Option<f64>, minimum = 0)]
    start: Option<MediaTime>,
    /// End (exclusive) of the window in ms; the end of the recording if it is later or absent.
    #[serde(rename = "end_ms")]
    #[param(value_type = Option<f64>, minimum = 0)]
    end: Option<MediaTime>,
    /// Maximum number of points of the window.
    #[param(minimum = 1, maximum = 10_000, default = 1_000)]
    points: Option<u32>,
}

/// The peaks of the whole recording, or the points of a window.
#[derive(utoipa::ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes the answers for OpenAPI")]
pub(crate) enum WaveformAnswer {
    /// Without a window.
    Whole(WaveformJson),
    /// With `start_ms`, `end_ms` or `points`.
    Window(WaveformWindowJson),
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

/// The points of a window. With `b` blocks of `block_frames` between `start_frame` and `end_frame`, point `i` of `length`
/// begins at block `i × b / length`, rounded down; its values are exactly those of its frames.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct WaveformWindowJson {
    /// Audio sample rate in Hz.
    sample_rate: u32,
    /// Number of channels in `data` and `rms`; 1 for the mix.
    channels: usize,
    /// Bits per value: 8 or 16.
    bits: u8,
    /// Start of the first point in ms.
    start_ms: MediaTime,
    /// End (exclusive) of the last point in ms.
    end_ms: MediaTime,
    /// First frame of the first point: that of the block that contains the requested start.
    start_frame: u64,
    /// Frame after the last point: after the block that contains the requested end, or the end of the recording.
    end_frame: u64,
    /// Number of frames per block.
    block_frames: u64,
    /// Number of points: as many as requested, or the number of blocks if this is smaller.
    length: usize,
    /// Lowest and highest value of each channel, point by point.
    data: Vec<i16>,
    /// Root mean square of each channel, point by point; 32 768 (16 bits) or 128 (8 bits) is full scale.
    rms: Vec<u16>,
}

impl WaveformWindowJson {
    fn new(window: WaveformWindow, bits: WaveformBits) -> Self {
        let WaveformWindow { rate, channels, frames, block_frames, mut peaks, mut rms } = window;
        if bits == WaveformBits::Eight {
            peaks.iter_mut().for_each(|peak| *peak = bits.of(*peak));
            rms.iter_mut().for_each(|rms| *rms /= 256);
        }
        Self {
            sample_rate: rate,
            channels,
            bits: bits.count(),
            start_ms: MediaTime::from_frames(frames.start, rate),
            end_ms: MediaTime::from_frames(frames.end, rate),
            start_frame: frames.start,
            end_frame: frames.end,
            block_frames,
            length: rms.len() / channels.max(1),
            data: peaks,
            rms,
        }
    }
}

http_kit::error_responses!(AssetWaveformErrors:
    ASSET_NOT_FOUND, SOURCE_CHANGED, INVALID_QUERY, NO_AUDIO_STREAM, UNDECODABLE_MEDIA, WAVEFORM_TOO_DETAILED,
    SOURCE_NOT_ALLOWED, SOURCE_UNREADABLE, QUEUE_FULL, DECODER_UNAVAILABLE,
);

/// The waveform of a recording
///
/// Peaks in the formats of BBC audiowaveform, for peaks.js, waveform-data.js and wavesurfer.js. They are computed on
/// the first call and cached.
///
/// With `start_ms`, `end_ms` or `points`, the answer is a window of the recording at a resolution that fits: lowest, highest
/// and RMS values of at most `points` parts, read from levels that an analysis stores (or the first such call). Windows are
/// JSON only.
#[utoipa::path(
    get, path = "/media-v2/assets/{id}/waveform", operation_id = "get_asset_waveform", tag = "media_v2",
    params(
        ("id" = String, Path, description = "asset"),
        WaveformQuery,
        ("If-None-Match" = Option<String>, Header, description = "ETags that the caller already has"),
    ),
    responses(
        (status = 200, description = "The peaks.", content(
            (WaveformAnswer = "application/json"),
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
            (WaveformAnswer = "application/json"),
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
    if let Some(request) = query.window()? {
        return serve_window(service, context, content, request, query.bits(), headers).await;
    }
    let blob = service.waveform(&context.scope, content, query.params()?).await?;
    let (format, bits) = (query.format, query.bits());
    let (name, media_type) = match format {
        WaveformFormat::Json => ("json", "application/json"),
        WaveformFormat::Dat => ("dat", "application/octet-stream"),
    };
    let etag = format!("\"{}-{}.{name}\"", blob.to_hex(), bits.count());
    let common = common_headers(&etag);
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

async fn serve_window(
    service: &MediaService,
    context: &RequestContext,
    content: Content<'_>,
    request: WindowRequest,
    bits: WaveformBits,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let found = service.waveform_window(&context.scope, content, request).await?;
    let Some(window) = found else {
        return Err(Problem::new(INVALID_QUERY, "start_ms is not within the recording"));
    };
    let range = window.selection.bytes();
    let (hash, points) = (window.blob.to_hex(), request.points);
    let etag = format!("\"{hash}-{}-{}-{points}-{}.json\"", range.start, range.end, bits.count());
    let common = common_headers(&etag);
    if is_known(headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    let write = move |window| serde_json::to_vec(&WaveformWindowJson::new(window, bits));
    let body = service.read_waveform_window(window, write).await?.map_err(Problem::internal)?;
    Ok((common, [(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// A new version of the service may compute different peaks: clients may cache them, but must revalidate.
fn common_headers(etag: &str) -> [(header::HeaderName, &str); 4] {
    [
        (header::ETAG, etag),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::VARY, "x-tenant-id, x-env"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ]
}

impl WaveformQuery {
    fn params(&self) -> Result<WaveformParams, Problem> {
        let accepted = WaveformParams::SAMPLES_PER_PIXEL;
        let samples_per_pixel = self.samples_per_pixel.unwrap_or(WaveformParams::default().samples_per_pixel);
        if accepted.contains(&samples_per_pixel) {
            return Ok(WaveformParams { samples_per_pixel, split_channels: self.split_channels });
        }
        let detail = format!("samples_per_pixel must be {} to {}", accepted.start(), accepted.end());
        Err(Problem::new(INVALID_QUERY, detail))
    }

    /// The requested window; `None` for the whole recording.
    fn window(&self) -> Result<Option<WindowRequest>, Problem> {
        let Self { start, end, points, split_channels, .. } = *self;
        if start.is_none() && end.is_none() && points.is_none() {
            return Ok(None);
        }
        let request = WindowRequest {
            start: start.unwrap_or(MediaTime::ZERO),
            end: end.unwrap_or(MediaTime::MAX),
            points: points.unwrap_or(WindowRequest::DEFAULT_POINTS),
            split_channels,
        };
        let accepted = WindowRequest::POINTS;
        let detail = if !accepted.contains(&request.points) {
            format!("points must be {} to {}", accepted.start(), accepted.end())
        } else if request.start < MediaTime::ZERO || request.start >= request.end {
            "start_ms must be 0 or more, and less than end_ms".to_owned()
        } else if self.samples_per_pixel.is_some() {
            "samples_per_pixel: not with a window, whose resolution follows from points".to_owned()
        } else if matches!(self.format, WaveformFormat::Dat) {
            "format: windows are JSON only".to_owned()
        } else {
            return Ok(Some(request));
        };
        Err(Problem::new(INVALID_QUERY, detail))
    }

    const fn bits(&self) -> WaveformBits {
        match self.bits {
            Bits::Eight => WaveformBits::Eight,
            Bits::Sixteen => WaveformBits::Sixteen,
        }
    }
}
