//! The canvas of a render: filters that scale frames to it and convert colours and pixel formats. Pure functions, like
//! those of [`video_filters`](crate::video_filters).

use crate::colour::{ColourConversion, Matrix};
use crate::frame_format::FrameFormat;
use crate::profile::{Fit, FrameRate, Profile, VideoCodec};

/// Tags converted frames as BT.709 in limited range.
const TAGGED: &str = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709";
/// Options of every scaler, including those that only change the pixel format.
const SCALER: &str = "flags=bicubic+bitexact";

/// What frames are placed on: the size and pixel format of a profile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Canvas<'a> {
    pub(crate) profile: &'a Profile,
    pub(crate) fit: Fit,
}

#[cfg(test)]
impl<'a> Canvas<'a> {
    /// The canvas of a profile, which contains whole frames.
    pub(crate) const fn of(profile: &'a Profile) -> Self {
        Self { profile, fit: Fit::Contain }
    }
}

/// Filters that scale frames to the canvas, centred; on black, if they do not cover it. Transparent areas become black.
pub(crate) fn fitted(canvas: Canvas<'_>, frames: &FrameFormat) -> String {
    let profile = canvas.profile;
    let (width, height) = (profile.width, profile.height);
    let scaled = match (frames.has_alpha, frames.conversion) {
        (true, ColourConversion::Scale) => {
            let layer = converted_by_scale(canvas, frames, alpha_444(profile));
            format!("{layer},{}", on_black(pixel_format(profile)))
        }
        _ => scaled(canvas, frames, pixel_format(profile)),
    };
    match canvas.fit {
        Fit::Contain => format!("{scaled},pad={width}:{height}:-1:-1"),
        Fit::Cover => format!("{scaled},crop={width}:{height}"),
    }
}

/// Filters that scale and convert frames and keep the transparency of the source.
pub(crate) fn layer(canvas: Canvas<'_>, frames: &FrameFormat) -> String {
    let scaled = scaled(canvas, frames, alpha_format(canvas.profile));
    match canvas.fit {
        Fit::Contain => scaled,
        Fit::Cover => format!("{scaled},crop={}:{}", canvas.profile.width, canvas.profile.height),
    }
}

/// Filters that scale frames to fit into the canvas, in square pixels and even sizes, and convert them to BT.709 in
/// limited range and the pixel format `target`.
fn scaled(canvas: Canvas<'_>, frames: &FrameFormat, target: &str) -> String {
    match frames.conversion {
        ColourConversion::Scale => converted_by_scale(canvas, frames, target),
        ColourConversion::Gamut | ColourConversion::ToneMap => converted_by_zscale(canvas, frames, target),
    }
}

/// Conversion by the scale filter. Other matrices are converted through RGB at the size of the canvas: from YCbCr to
/// YCbCr, the scaler has errors of up to five steps.
fn converted_by_scale(canvas: Canvas<'_>, frames: &FrameFormat, target: &str) -> String {
    let from = frames.colour.matrix.map_or_else(String::new, |matrix| {
        format!(":in_color_matrix={}:in_range={}", matrix.in_scale(), frames.colour.range())
    });
    let over = match frames.colour.matrix {
        None | Some(Matrix::Bt709) => String::new(),
        Some(_) => format!(",format={},scale={SCALER}", rgb(canvas.profile, frames.has_alpha)),
    };
    let size = sized(canvas);
    format!("{size}{from}{over}:out_color_matrix=bt709:out_range=tv,format={target},setsar=1,{TAGGED}")
}

/// Conversion by the zscale filter: frames are scaled to the canvas in ten bits, transparent areas become black, then
/// colours are converted to BT.709.
fn converted_by_zscale(canvas: Canvas<'_>, frames: &FrameFormat, target: &str) -> String {
    let (size, range) = (sized(canvas), frames.colour.range());
    let (opaque, alpha) = match frames.colour.matrix {
        Some(_) => ("yuv444p10le", "yuva444p10le"),
        None => ("gbrp10le", "gbrap10le"),
    };
    let stored = match frames.has_alpha {
        true => format!("format={alpha},setparams=range={range},{}", on_black(opaque)),
        false => format!("format={opaque}"),
    };
    // Newer scalers reject frames that are tagged with a matrix that they do not support.
    let untagged = match frames.colour.matrix.is_some_and(Matrix::is_unknown_to_scale) {
        true => "setparams=colorspace=unknown,",
        false => "",
    };
    let colours = to_bt709(frames);
    let pixels = pixel_format(canvas.profile);
    let converted =
        format!("{untagged}{size}:in_range={range}:out_range={range},{stored},setsar=1,{colours}");
    format!("{converted},format={pixels},scale={SCALER},format={target},{TAGGED}")
}

/// Conversion to BT.709 by zscale. HDR is tone-mapped in linear light, in which 1 equals 100 cd/m².
fn to_bt709(frames: &FrameFormat) -> String {
    let colour = frames.colour;
    let matrix = colour.matrix.map_or_else(String::new, |matrix| format!("min={}:", matrix.in_zscale()));
    let (transfer, primaries) = (colour.transfer.in_zscale(), colour.primaries.in_zscale());
    let from = format!("zscale={matrix}rin={}:tin={transfer}:pin={primaries}", colour.range());
    match frames.conversion {
        ColourConversion::ToneMap => format!(
            "{from}:t=linear:p=bt709:npl=100,format=gbrpf32le,tonemap=tonemap=hable:desat=0,\
             zscale=rin=tv:tin=linear:pin=bt709:m=bt709:r=tv:t=bt709:p=bt709"
        ),
        _ => format!("{from}:m=bt709:r=tv:t=bt709:p=bt709"),
    }
}

/// Filters that put frames with straight alpha on black, in the pixel format `opaque`.
fn on_black(opaque: &str) -> String {
    format!("premultiply=inplace=1,scale={SCALER},format={opaque}")
}

/// The scale filter to the size of the canvas; more options may be appended.
fn sized(canvas: Canvas<'_>) -> String {
    let (width, height) = (canvas.profile.width, canvas.profile.height);
    let (of_height, of_width) = (format!("2*round({height}*dar/2)"), format!("2*round({width}/dar/2)"));
    match canvas.fit {
        Fit::Contain => {
            format!("scale=w='max(2,min({width},{of_height}))':h='max(2,min({height},{of_width}))':{SCALER}")
        }
        Fit::Cover => format!("scale=w='max({width},{of_height})':h='max({height},{of_width})':{SCALER}"),
    }
}

/// A source of `count` black frames of the canvas.
pub(crate) fn empty_canvas(profile: &Profile, rate: FrameRate, count: i64) -> String {
    let (width, height) = (profile.width, profile.height);
    let pixels = pixel_format(profile);
    format!("color=c=black:s={width}x{height}:r={rate},trim=end_frame={count},format={pixels},{TAGGED}")
}

/// The pixel format of the encoder's input.
pub(crate) fn pixel_format(profile: &Profile) -> &'static str {
    match profile.video {
        VideoCodec::H264 { .. } => "yuv420p",
        VideoCodec::ProRes => "yuv422p10le",
    }
}

/// The encoder's pixel format with an alpha channel.
fn alpha_format(profile: &Profile) -> &'static str {
    match profile.video {
        VideoCodec::H264 { .. } => "yuva420p",
        VideoCodec::ProRes => "yuva422p10le",
    }
}

/// The encoder's pixel format with alpha and without chroma subsampling, as the premultiply filter requires.
fn alpha_444(profile: &Profile) -> &'static str {
    match profile.video {
        VideoCodec::H264 { .. } => "yuva444p",
        VideoCodec::ProRes => "yuva444p10le",
    }
}

/// An RGB format with at least as many bits as the encoder's pixel format.
fn rgb(profile: &Profile, has_alpha: bool) -> &'static str {
    match (&profile.video, has_alpha) {
        (VideoCodec::H264 { .. }, false) => "gbrp",
        (VideoCodec::H264 { .. }, true) => "gbrap",
        (VideoCodec::ProRes, false) => "gbrp12le",
        (VideoCodec::ProRes, true) => "gbrap12le",
    }
}

/// Name of the encoder's pixel format in the overlay filter.
pub(crate) fn overlay_format(profile: &Profile) -> &'static str {
    match profile.video {
        VideoCodec::H264 { .. } => "yuv420",
        VideoCodec::ProRes => "yuv422p10",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame_format::FrameTags;

    fn frames(json: &str) -> FrameFormat {
        FrameFormat::new(&serde_json::from_str::<FrameTags>(json).unwrap(), "x", (1280, 720))
    }

    fn fitted_to(profile: &str, json: &str) -> String {
        fitted(Canvas::of(Profile::named(profile).unwrap()), &frames(json))
    }

    const HD: &str = "1080p_30_web";

    #[test]
    fn matrix_and_range_are_converted_by_the_scaler() {
        let rest = "setsar=1,setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709,\
            pad=1920:1080:-1:-1";
        for (json, options) in [
            (r#"{"pix_fmt": "yuv420p"}"#, ":in_color_matrix=bt709:in_range=tv"),
            (
                r#"{"pix_fmt": "yuvj420p", "color_space": "bt470bg"}"#,
                ":in_color_matrix=bt601:in_range=pc,format=gbrp,scale=flags=bicubic+bitexact",
            ),
            (r#"{"pix_fmt": "gbrp", "color_space": "gbr", "color_range": "pc"}"#, ""),
        ] {
            let expected = format!(
                "flags=bicubic+bitexact{options}:out_color_matrix=bt709:out_range=tv,format=yuv420p,{rest}"
            );
            let found = fitted_to(HD, json);
            assert!(found.ends_with(&expected), "{json}: {found}");
        }
    }

    #[test]
    fn transparent_areas_are_black_on_the_canvas_and_kept_in_layers() {
        let alpha = r#"{"pix_fmt": "rgba"}"#;
        let found = fitted_to("master_4k_prores", alpha);
        assert!(
            found.contains(",format=yuva444p10le,") && found.contains(",premultiply=inplace=1,"),
            "{found}"
        );
        assert!(found.contains(",format=yuv422p10le,pad="), "{found}");
        let layer = layer(Canvas::of(Profile::named(HD).unwrap()), &frames(alpha));
        assert!(layer.contains(",format=yuva420p,") && !layer.contains("premultiply"), "{layer}");
    }

    #[test]
    fn hdr_is_tone_mapped_and_wide_gamut_converted() {
        let pq = r#"{"pix_fmt": "yuv420p10le", "color_range": "tv", "color_space": "bt2020nc",
            "color_transfer": "smpte2084", "color_primaries": "bt2020"}"#;
        let found = fitted_to(HD, pq);
        let mapped = ",format=yuv444p10le,setsar=1,zscale=min=bt2020nc:rin=tv:tin=smpte2084:pin=bt2020:t=linear:p=bt709:npl=100,\
            format=gbrpf32le,tonemap=tonemap=hable:desat=0,\
            zscale=rin=tv:tin=linear:pin=bt709:m=bt709:r=tv:t=bt709:p=bt709,format=yuv420p,";
        assert!(found.contains(mapped), "{found}");
        let p3 = r#"{"pix_fmt": "gbrp10le", "color_primaries": "smpte432"}"#;
        let found = fitted_to(HD, p3);
        let converted =
            ",format=gbrp10le,setsar=1,zscale=rin=tv:tin=bt709:pin=smpte432:m=bt709:r=tv:t=bt709:p=bt709,";
        assert!(found.contains(converted), "{found}");
    }
}
