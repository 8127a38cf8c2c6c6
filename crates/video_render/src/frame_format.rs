//! The format of a video stream's frames, from ffprobe's fields, and the processing that it requires before scaling and
//! encoding.

use serde::Deserialize;

use crate::Error;
use crate::colour::{Colour, ColourConversion, ColourTags};
use crate::components::Components;
use crate::pixel_format::PixelFormat;

/// The largest frame that is decoded, in pixels: 8K DCI. ffmpeg holds about a dozen frames at once.
pub(crate) const MAX_PIXELS: u32 = 8_192 * 4_320;

/// The fields of a stream as ffprobe reports them; absent or `unknown` when the stream is untagged.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FrameTags {
    pix_fmt: Option<String>,
    field_order: Option<String>,
    #[serde(flatten)]
    colour: ColourTags,
    tags: ContainerTags,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerTags {
    alpha_mode: Option<String>,
}

impl FrameTags {
    /// Stream entries of ffprobe that are read here, in the syntax of `-show_entries`.
    pub(crate) const STREAM_ENTRIES: &str =
        "pix_fmt,field_order,color_range,color_space,color_transfer,color_primaries";
    /// Entries of `stream_tags` that are read here.
    pub(crate) const TAG_ENTRIES: &str = "alpha_mode";
}

/// Processing of frames before they are scaled and encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameFormat {
    pub(crate) colour: Colour,
    pub(crate) conversion: ColourConversion,
    pub(crate) has_alpha: bool,
    /// Whether frames may be interlaced. The deinterlacer leaves frames unchanged that are not flagged.
    pub(crate) is_deinterlaced: bool,
    /// The decoder, if ffmpeg's default one would lose the alpha channel.
    pub(crate) decoder: Option<&'static str>,
}

impl FrameFormat {
    pub(crate) fn new(tags: &FrameTags, codec: &str, size: (u32, u32)) -> Self {
        let pixels = PixelFormat::named(tags.pix_fmt.as_deref().unwrap_or_default());
        let colour = Colour::new(&tags.colour, &pixels, size);
        let decoder = match (codec, tags.tags.alpha_mode.as_deref()) {
            ("vp8", Some("1")) => Some("libvpx"),
            ("vp9", Some("1")) => Some("libvpx-vp9"),
            _ => None,
        };
        Self {
            colour,
            conversion: colour.conversion(),
            has_alpha: pixels.has_alpha || decoder.is_some(),
            is_deinterlaced: may_be_interlaced(tags.field_order.as_deref(), codec, &pixels, size),
            decoder,
        }
    }

    /// Whether the format needs filters or decoders that some builds of ffmpeg lack.
    pub(crate) fn needs_optional_components(&self) -> bool {
        self.conversion != ColourConversion::Scale || self.decoder.is_some()
    }

    /// The processing that an ffmpeg with `components` supports. Without zscale, wide gamut is converted by its matrix
    /// only; without libvpx, the frames of VP8 and VP9 are opaque.
    ///
    /// # Errors
    /// [`Error::MissingFilter`] for HDR, whose colours would be wrong without tone mapping.
    pub(crate) fn with(mut self, components: &Components) -> Result<Self, Error> {
        let missing = ["zscale", "tonemap"].into_iter().find(|filter| !components.has(filter));
        match (self.conversion, missing) {
            (ColourConversion::ToneMap, Some(filter)) => {
                return Err(Error::MissingFilter { filter, purpose: "tone mapping of HDR video" });
            }
            (ColourConversion::Gamut, Some("zscale")) => self.conversion = ColourConversion::Scale,
            _ => {}
        }
        if self.decoder.is_some_and(|decoder| !components.has(decoder)) {
            (self.decoder, self.has_alpha) = (None, false);
        }
        Ok(self)
    }
}

/// Whether frames may be interlaced. ffprobe reports the field order of the first frame only, and none for some
/// containers.
fn may_be_interlaced(
    field_order: Option<&str>,
    codec: &str,
    pixels: &PixelFormat,
    (width, height): (u32, u32),
) -> bool {
    // bwdif rejects planes with fewer than three lines or columns.
    const MIN_SIZE: u32 = 16;
    let is_large_enough = width.min(height) >= MIN_SIZE;
    let is_flagged = match field_order {
        Some("tt" | "bb" | "tb" | "bt") => true,
        // Streams of these codecs may mix progressive and interlaced frames.
        Some("progressive") => matches!(codec, "h264" | "mpeg2video" | "vc1"),
        _ => !pixels.is_rgb,
    };
    is_flagged && is_large_enough
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(codec: &str, json: &str) -> FrameFormat {
        FrameFormat::new(&serde_json::from_str(json).unwrap(), codec, (1920, 1080))
    }

    fn components(names: &[&str]) -> Components {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    const PQ: &str = r#"{"pix_fmt": "yuv420p10le", "color_range": "tv", "color_space": "bt2020nc",
        "color_transfer": "smpte2084", "color_primaries": "bt2020", "field_order": "progressive"}"#;

    #[test]
    fn hdr_without_tone_mapping_names_the_missing_filter() {
        let hdr = format("hevc", PQ);
        assert!(hdr.needs_optional_components());
        assert_eq!(hdr.with(&components(&["zscale", "tonemap"])).unwrap(), hdr);
        for (available, missing) in [(&["zscale"][..], "tonemap"), (&["tonemap"], "zscale")] {
            let error = hdr.with(&components(available)).unwrap_err();
            assert!(matches!(error, Error::MissingFilter { filter, .. } if filter == missing), "{error:?}");
        }
    }

    #[test]
    fn wide_gamut_falls_back_to_the_matrix_without_zscale() {
        let wide = format("hevc", r#"{"color_space": "bt2020nc", "color_primaries": "bt2020"}"#);
        assert_eq!(wide.with(&components(&["zscale"])).unwrap().conversion, ColourConversion::Gamut);
        assert_eq!(wide.with(&components(&[])).unwrap().conversion, ColourConversion::Scale);
    }

    #[test]
    fn alpha_of_vp9_needs_libvpx() {
        let vp9 = format("vp9", r#"{"pix_fmt": "yuv420p", "tags": {"alpha_mode": "1"}}"#);
        assert_eq!((vp9.has_alpha, vp9.decoder), (true, Some("libvpx-vp9")));
        let opaque = vp9.with(&components(&["libvpx"])).unwrap();
        assert_eq!((opaque.has_alpha, opaque.decoder), (false, None));
        let plain = format("vp9", r#"{"pix_fmt": "yuv420p"}"#);
        assert!(!plain.has_alpha && !plain.needs_optional_components());
        assert!(format("qtrle", r#"{"pix_fmt": "argb"}"#).has_alpha);
    }

    #[test]
    fn interlaced_and_unknown_field_orders_are_deinterlaced() {
        for (codec, pixels, order, expected) in [
            ("mpeg2video", "yuv420p", r#""tt""#, true),
            ("dvvideo", "yuv420p", r#""tb""#, true),
            ("prores", "yuv422p10le", r#""bt""#, true),
            ("mpeg4", "yuv420p", "null", true),
            ("h264", "yuv420p", r#""progressive""#, true),
            ("prores", "yuv422p10le", r#""progressive""#, false),
            ("vp9", "yuv420p", r#""progressive""#, false),
            ("qtrle", "rgb24", "null", false),
        ] {
            let json = format!(r#"{{"pix_fmt": "{pixels}", "field_order": {order}}}"#);
            assert_eq!(format(codec, &json).is_deinterlaced, expected, "{codec} {order}");
        }
        let tiny = FrameFormat::new(&FrameTags::default(), "mpeg4", (64, 8));
        assert!(!tiny.is_deinterlaced, "bwdif would refuse it");
    }
}
