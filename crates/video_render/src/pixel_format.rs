//! Properties of ffmpeg's pixel formats, by their names.

/// Properties of a pixel format that conversion depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PixelFormat {
    /// RGB, to which no matrix applies.
    pub(crate) is_rgb: bool,
    /// Greyscale without chroma; full range when untagged.
    pub(crate) is_grey: bool,
    /// YCbCr whose name implies full range (`yuvj…`).
    pub(crate) is_yuvj: bool,
    pub(crate) has_alpha: bool,
}

impl PixelFormat {
    pub(crate) fn named(name: &str) -> Self {
        const RGB: [&str; 10] =
            ["rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "x2rgb", "x2bgr", "bayer"];
        const ALPHA: [&str; 11] =
            ["yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya8", "ya16", "ayuv", "vuya", "pal8"];
        let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
        Self {
            is_rgb: begins(&RGB) || begins(&["pal8", "xyz"]),
            is_grey: begins(&["gray", "mono", "ya8", "ya16"]),
            is_yuvj: begins(&["yuvj"]),
            has_alpha: begins(&ALPHA),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixel_format_properties_are_derived_from_names() {
        let kinds = |name| {
            let PixelFormat { is_rgb, is_grey, is_yuvj, has_alpha } = PixelFormat::named(name);
            [is_rgb, is_grey, is_yuvj, has_alpha].map(u8::from)
        };
        for (name, expected) in [
            ("yuv420p", [0, 0, 0, 0]),
            ("nv12", [0, 0, 0, 0]),
            ("uyvy422", [0, 0, 0, 0]),
            ("yuvj422p", [0, 0, 1, 0]),
            ("yuva444p12le", [0, 0, 0, 1]),
            ("gbrp", [1, 0, 0, 0]),
            ("gbrap16le", [1, 0, 0, 1]),
            ("bgr0", [1, 0, 0, 0]),
            ("rgba64be", [1, 0, 0, 1]),
            ("pal8", [1, 0, 0, 1]),
            ("gray10le", [0, 1, 0, 0]),
            ("ya8", [0, 1, 0, 1]),
            ("", [0, 0, 0, 0]),
        ] {
            assert_eq!(kinds(name), expected, "{name}");
        }
    }
}
