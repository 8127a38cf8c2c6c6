//! Reasons to doubt a decoding.

/// A reason to doubt a decoding.
///
/// A doubted decoding of this process is repeated by ffmpeg. If both agree in duration and loudness, doubts about
/// timestamps and duration are dropped; if they differ, ffmpeg's result is used and the doubts remain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suspicion {
    /// Packets start before the end of the previous ones.
    TimestampsOverlap,
    /// Timestamps jump further than is plausible.
    TimestampsJump,
    /// Integer samples exceed +6 dBFS.
    PeakOverFullScale,
    /// The loudness exceeds 0 LUFS.
    LoudnessOverFullScale,
    /// The duration differs from the declared one.
    LengthDiffers,
    /// ffmpeg's decoding differs in duration or loudness.
    DecodersDisagree,
}

impl Suspicion {
    /// Name of the reason in a timeline's meta.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TimestampsOverlap => "timestamps_overlap",
            Self::TimestampsJump => "timestamps_jump",
            Self::PeakOverFullScale => "peak_over_full_scale",
            Self::LoudnessOverFullScale => "loudness_over_full_scale",
            Self::LengthDiffers => "length_differs",
            Self::DecodersDisagree => "decoders_disagree",
        }
    }

    /// Whether the doubt is dropped when another decoder delivers the same.
    pub(crate) const fn is_cleared_by_agreement(self) -> bool {
        matches!(self, Self::TimestampsOverlap | Self::TimestampsJump | Self::LengthDiffers)
    }
}
