//! The formats of annotations, by name.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::frame_rate::FrameRate;
use crate::loss::Export;
use crate::notes::{
    Annotations, audacity, ctm, ffmetadata, jams, markers, midi, podcast_chapters, rttm, textgrid,
};

/// A format for the analysis of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NotesFormat {
    /// OpenTimelineIO: a clip of the recording with markers.
    Otio,
    /// A marker list for Resolve.
    MarkersEdl,
    /// The table of Reaper's region and marker manager.
    MarkersCsv,
    /// The table of Audition's markers.
    AuditionCsv,
    /// A label track of Audacity.
    Audacity,
    /// A Standard MIDI File: tempo map and click.
    Midi,
    /// Chapters of Podcasting 2.0.
    Chapters,
    /// Chapters for ffmpeg.
    Ffmetadata,
    /// JSON Annotated Music Specification.
    Jams,
    /// Rich Transcription Time Marked: who speaks when.
    Rttm,
    /// Time-marked conversation: words.
    Ctm,
    /// Praat's TextGrid.
    Textgrid,
}

impl NotesFormat {
    /// All formats.
    pub const ALL: [Self; 12] = [
        Self::Otio,
        Self::MarkersEdl,
        Self::MarkersCsv,
        Self::AuditionCsv,
        Self::Audacity,
        Self::Midi,
        Self::Chapters,
        Self::Ffmetadata,
        Self::Jams,
        Self::Rttm,
        Self::Ctm,
        Self::Textgrid,
    ];

    /// The name of the format in requests and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Otio => "otio",
            Self::MarkersEdl => "markers-edl",
            Self::MarkersCsv => "markers-csv",
            Self::AuditionCsv => "audition-csv",
            Self::Audacity => "audacity",
            Self::Midi => "midi",
            Self::Chapters => "chapters",
            Self::Ffmetadata => "ffmetadata",
            Self::Jams => "jams",
            Self::Rttm => "rttm",
            Self::Ctm => "ctm",
            Self::Textgrid => "textgrid",
        }
    }

    /// Extension of the file, without the dot, and its media type.
    #[must_use]
    pub const fn file_type(self) -> (&'static str, &'static str) {
        match self {
            Self::Otio => ("otio", "application/json"),
            Self::MarkersEdl => ("edl", "text/plain; charset=utf-8"),
            Self::MarkersCsv | Self::AuditionCsv => ("csv", "text/csv; charset=utf-8"),
            Self::Audacity => ("txt", "text/plain; charset=utf-8"),
            Self::Midi => ("mid", "audio/midi"),
            Self::Chapters => ("json", "application/json"),
            Self::Ffmetadata => ("ffmetadata", "text/plain; charset=utf-8"),
            Self::Jams => ("jams", "application/json"),
            Self::Rttm => ("rttm", "text/plain; charset=utf-8"),
            Self::Ctm => ("ctm", "text/plain; charset=utf-8"),
            Self::Textgrid => ("TextGrid", "text/plain; charset=utf-8"),
        }
    }
}

/// Formats annotations; `rate` is that of marker lists with frames.
#[must_use]
pub fn format(annotations: &Annotations, format: NotesFormat, rate: FrameRate) -> Export {
    match format {
        NotesFormat::Otio => markers::otio(annotations),
        NotesFormat::MarkersEdl => markers::resolve_edl(annotations, rate),
        NotesFormat::MarkersCsv => markers::reaper_csv(annotations),
        NotesFormat::AuditionCsv => markers::audition_csv(annotations),
        NotesFormat::Audacity => audacity::audacity(annotations),
        NotesFormat::Midi => midi::midi(annotations),
        NotesFormat::Chapters => podcast_chapters::podcast_chapters(annotations),
        NotesFormat::Ffmetadata => ffmetadata::ffmetadata(annotations),
        NotesFormat::Jams => jams::jams(annotations),
        NotesFormat::Rttm => rttm::rttm(annotations),
        NotesFormat::Ctm => ctm::ctm(annotations),
        NotesFormat::Textgrid => textgrid::textgrid(annotations),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_formats_are_those_of_requests() {
        for format in NotesFormat::ALL {
            assert_eq!(serde_json::to_value(format).unwrap(), format.name());
        }
    }
}
