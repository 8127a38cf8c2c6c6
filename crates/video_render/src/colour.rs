//! Colour of a video stream, and its conversion to the colour space of all renders: BT.709, limited range.

use serde::Deserialize;

use crate::pixel_format::PixelFormat;

/// Largest height of standard-definition frames, in pixels: the active lines of 625-line video.
const SD_HEIGHT: u32 = 576;
/// Smallest width of high-definition frames, in pixels: that of 720p.
const HD_WIDTH: u32 = 1280;

/// The colour fields of a stream as ffprobe reports them; absent or `unknown` when the stream is untagged.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ColourTags {
    color_range: Option<String>,
    color_space: Option<String>,
    color_transfer: Option<String>,
    color_primaries: Option<String>,
}

impl ColourTags {
    pub(crate) fn range(&self) -> &str {
        self.color_range.as_deref().unwrap_or_default()
    }

    pub(crate) fn space(&self) -> &str {
        self.color_space.as_deref().unwrap_or_default()
    }

    pub(crate) fn transfer(&self) -> &str {
        self.color_transfer.as_deref().unwrap_or_default()
    }

    pub(crate) fn primaries(&self) -> &str {
        self.color_primaries.as_deref().unwrap_or_default()
    }

    /// Tags from range, space, transfer and primaries; an empty string means untagged.
    #[cfg(test)]
    pub(crate) fn of([range, space, transfer, primaries]: [&str; 4]) -> Self {
        let tag = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Self {
            color_range: tag(range),
            color_space: tag(space),
            color_transfer: tag(transfer),
            color_primaries: tag(primaries),
        }
    }
}

/// The colour interpretation of a stream's code values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colour {
    /// The matrix of YCbCr; `None` for RGB.
    pub(crate) matrix: Option<Matrix>,
    pub(crate) is_full_range: bool,
    pub(crate) primaries: Primaries,
    pub(crate) transfer: Transfer,
}

/// YCbCr matrix coefficients (ITU-T H.273 §8.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Matrix {
    Bt709,
    Bt601,
    Fcc,
    Smpte240m,
    Bt2020,
    Bt2020Constant,
    YCgCo,
    ICtCp,
}

/// Colour primaries, distinguished where the conversion differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Primaries {
    /// BT.709 and the primaries of SD (SMPTE 170M, BT.470), which are treated as equal, as players do.
    Standard,
    Bt2020,
    DciP3,
    DisplayP3,
}

/// Transfer characteristics, distinguished where the conversion differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transfer {
    /// BT.709, sRGB and the other curves of SDR, which displays treat as equal.
    Sdr,
    /// Perceptual quantizer of SMPTE ST 2084.
    Pq,
    /// Hybrid log-gamma of ARIB STD-B67.
    Hlg,
}

impl Matrix {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "bt709" => Self::Bt709,
            "smpte170m" | "bt470bg" => Self::Bt601,
            "fcc" => Self::Fcc,
            "smpte240m" => Self::Smpte240m,
            "bt2020nc" => Self::Bt2020,
            "bt2020c" => Self::Bt2020Constant,
            "ycgco" => Self::YCgCo,
            "ictcp" => Self::ICtCp,
            _ => return None,
        })
    }

    /// Name in the scale filter; `bt709` for matrices that the filter does not support.
    pub(crate) const fn in_scale(self) -> &'static str {
        match self {
            Self::Bt709 | Self::YCgCo | Self::ICtCp => "bt709",
            Self::Bt601 => "bt601",
            Self::Fcc => "fcc",
            Self::Smpte240m => "smpte240m",
            Self::Bt2020 | Self::Bt2020Constant => "bt2020",
        }
    }

    /// Name in the zscale filter.
    pub(crate) const fn in_zscale(self) -> &'static str {
        match self {
            Self::Bt709 => "bt709",
            Self::Bt601 => "smpte170m",
            Self::Fcc => "fcc",
            Self::Smpte240m => "smpte240m",
            Self::Bt2020 => "bt2020nc",
            Self::Bt2020Constant => "bt2020c",
            Self::YCgCo => "ycgco",
            Self::ICtCp => "ictcp",
        }
    }

    pub(crate) const fn is_unknown_to_scale(self) -> bool {
        matches!(self, Self::Bt2020Constant | Self::YCgCo | Self::ICtCp)
    }

    const fn is_bt2020(self) -> bool {
        matches!(self, Self::Bt2020 | Self::Bt2020Constant | Self::ICtCp)
    }
}

impl Primaries {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "" | "unknown" | "reserved" => return None,
            "bt2020" => Self::Bt2020,
            "smpte431" => Self::DciP3,
            "smpte432" => Self::DisplayP3,
            _ => Self::Standard,
        })
    }

    /// Name in the zscale filter.
    pub(crate) const fn in_zscale(self) -> &'static str {
        match self {
            Self::Standard => "bt709",
            Self::Bt2020 => "bt2020",
            Self::DciP3 => "smpte431",
            Self::DisplayP3 => "smpte432",
        }
    }
}

impl Transfer {
    fn named(name: &str) -> Self {
        match name {
            "smpte2084" => Self::Pq,
            "arib-std-b67" => Self::Hlg,
            _ => Self::Sdr,
        }
    }

    /// Name in the zscale filter.
    pub(crate) const fn in_zscale(self) -> &'static str {
        match self {
            Self::Sdr => "bt709",
            Self::Pq => "smpte2084",
            Self::Hlg => "arib-std-b67",
        }
    }
}

/// The conversion of a stream to BT.709.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColourConversion {
    /// Matrix and range, by the scale filter.
    Scale,
    /// Primaries too, by zscale.
    Gamut,
    /// HDR to SDR, by zscale and tonemap.
    ToneMap,
}

impl Colour {
    /// The colour by the tags of a stream. Untagged YCbCr is BT.601 in SD and BT.709 in HD, as in players.
    pub(crate) fn new(tags: &ColourTags, pixels: &PixelFormat, (width, height): (u32, u32)) -> Self {
        let transfer = Transfer::named(tags.transfer());
        let tagged = Matrix::named(tags.space());
        let is_bt2020 = transfer != Transfer::Sdr || tagged.is_some_and(Matrix::is_bt2020);
        let primaries = Primaries::named(tags.primaries()).unwrap_or(match is_bt2020 {
            true => Primaries::Bt2020,
            false => Primaries::Standard,
        });
        let untagged = match (primaries, width >= HD_WIDTH || height > SD_HEIGHT) {
            (Primaries::Bt2020, _) => Matrix::Bt2020,
            (_, true) => Matrix::Bt709,
            (_, false) => Matrix::Bt601,
        };
        let is_full_range = match tags.range() {
            "pc" => true,
            "tv" => pixels.is_yuvj,
            _ => pixels.is_yuvj || pixels.is_grey,
        };
        let matrix = (!pixels.is_rgb).then(|| tagged.unwrap_or(untagged));
        Self { matrix, is_full_range, primaries, transfer }
    }

    pub(crate) fn conversion(&self) -> ColourConversion {
        let needs_zscale =
            self.primaries != Primaries::Standard || self.matrix.is_some_and(Matrix::is_unknown_to_scale);
        match self.transfer {
            Transfer::Pq | Transfer::Hlg => ColourConversion::ToneMap,
            Transfer::Sdr if needs_zscale => ColourConversion::Gamut,
            Transfer::Sdr => ColourConversion::Scale,
        }
    }

    /// Name of the range in the scale, setparams and zscale filters.
    pub(crate) const fn range(&self) -> &'static str {
        if self.is_full_range { "pc" } else { "tv" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SD: (u32, u32) = (720, 576);
    const HD: (u32, u32) = (1280, 720);

    fn colour(pixels: &str, tags: [&str; 4], size: (u32, u32)) -> Colour {
        Colour::new(&ColourTags::of(tags), &PixelFormat::named(pixels), size)
    }

    #[test]
    fn untagged_streams_are_bt601_in_sd_and_bt709_in_hd() {
        for (size, matrix) in [
            ((640, 360), Matrix::Bt601),
            ((720, 480), Matrix::Bt601),
            (SD, Matrix::Bt601),
            ((720, 578), Matrix::Bt709),
            // 720p, cropped to 2.40:1.
            ((1280, 534), Matrix::Bt709),
            (HD, Matrix::Bt709),
        ] {
            for unknown in ["", "unknown", "reserved"] {
                let found = colour("yuv420p", [unknown; 4], size);
                assert_eq!(found.matrix, Some(matrix), "{size:?}");
                assert_eq!((found.is_full_range, found.conversion()), (false, ColourConversion::Scale));
            }
        }
    }

    #[test]
    fn tags_take_precedence_over_the_frame_size() {
        let hd_bt601 = colour("yuv420p", ["tv", "smpte170m", "smpte170m", "smpte170m"], HD);
        assert_eq!(hd_bt601.matrix, Some(Matrix::Bt601));
        assert_eq!(hd_bt601.conversion(), ColourConversion::Scale, "SD primaries are not converted");
        let sd_bt709 = colour("yuv420p", ["tv", "bt709", "bt709", "bt709"], SD);
        assert_eq!(sd_bt709.matrix, Some(Matrix::Bt709));
    }

    #[test]
    fn rgb_has_no_matrix() {
        for name in ["gbrp", "rgb24", "bgra", "pal8", "argb", "0rgb"] {
            assert_eq!(colour(name, ["pc", "gbr", "", ""], HD).matrix, None, "{name}");
        }
        assert_eq!(colour("gbrp10le", ["tv", "gbr", "smpte2084", "bt2020"], HD).matrix, None);
    }

    #[test]
    fn full_range_is_tagged_or_implied_by_the_pixel_format() {
        for (pixels, range, is_full) in [
            ("yuv420p", "pc", true),
            ("yuv420p", "tv", false),
            ("yuvj420p", "", true),
            ("gray", "", true),
            ("gray", "tv", false),
        ] {
            let found = colour(pixels, [range, "", "", ""], SD);
            assert_eq!(found.is_full_range, is_full, "{pixels} {range}");
        }
    }

    #[test]
    fn wide_gamut_and_hdr_need_zscale() {
        let conversion = |tags| colour("yuv420p10le", tags, HD).conversion();
        for (tags, expected) in [
            (["tv", "bt2020nc", "bt2020-10", "bt2020"], ColourConversion::Gamut),
            (["tv", "bt2020nc", "", ""], ColourConversion::Gamut),
            (["tv", "bt709", "iec61966-2-1", "smpte432"], ColourConversion::Gamut),
            (["pc", "ycgco", "", ""], ColourConversion::Gamut),
            (["tv", "bt2020nc", "smpte2084", "bt2020"], ColourConversion::ToneMap),
            (["tv", "", "arib-std-b67", ""], ColourConversion::ToneMap),
            (["tv", "bt709", "bt709", "bt709"], ColourConversion::Scale),
        ] {
            assert_eq!(conversion(tags), expected, "{tags:?}");
        }
        let hlg = colour("yuv420p10le", ["", "", "arib-std-b67", ""], HD);
        assert_eq!((hlg.matrix, hlg.primaries), (Some(Matrix::Bt2020), Primaries::Bt2020));
    }
}
