//! Formats and results.

use interchange::loss::Loss;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A format for edited timelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EditFormat {
    /// OpenTimelineIO.
    Otio,
    /// Final Cut Pro X, FCPXML 1.10.
    Fcpxml,
    /// Final Cut Pro 7 XML, for Premiere Pro and Resolve.
    Fcp7xml,
    /// CMX 3600 edit decision list.
    Edl,
    /// A table of the clips.
    Csv,
}

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

/// How an export refers to media files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MediaReference {
    /// By file name; the editor searches for it.
    #[default]
    Name,
    /// By the path of a file registered in place; other files by their names.
    Path,
    /// By a signed link, valid for 7 days at most.
    Link,
}

impl EditFormat {
    /// Extension of the file and its media type.
    pub(crate) const fn file_type(self) -> (&'static str, &'static str) {
        match self {
            Self::Otio => ("otio", "application/json"),
            Self::Fcpxml => ("fcpxml", "application/xml"),
            Self::Fcp7xml => ("xml", "application/xml"),
            Self::Edl => ("edl", "text/plain; charset=utf-8"),
            Self::Csv => ("csv", "text/csv; charset=utf-8"),
        }
    }
}

impl NotesFormat {
    /// Extension of the file and its media type.
    pub(crate) const fn file_type(self) -> (&'static str, &'static str) {
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

/// An exported file.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportFile {
    /// Name of the file, with its extension.
    pub name: String,
    /// Its media type.
    pub media_type: &'static str,
    /// Its content.
    pub content: Vec<u8>,
    /// What the format could not hold.
    pub warnings: Vec<Loss>,
}

/// What an export would lose, and where it is.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ExportReport {
    /// Path of the export, for GET.
    pub href: String,
    /// What the format cannot hold; empty if nothing is lost.
    pub warnings: Vec<Loss>,
}
