//! Formats and results.

use std::borrow::Cow;

use audio_semantic_timeline::TranscriptFormat;
use interchange::captions::CaptionLimits;
use interchange::frame_rate::FrameRate;
use interchange::loss::Loss;
pub use interchange::notes::NotesFormat;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

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

impl MediaReference {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Name, Self::Path, Self::Link];

    /// The name of the kind in requests and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Path => "path",
            Self::Link => "link",
        }
    }
}

impl EditFormat {
    /// All formats.
    pub const ALL: [Self; 5] = [Self::Otio, Self::Fcpxml, Self::Fcp7xml, Self::Edl, Self::Csv];

    /// The name of the format in requests and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Otio => "otio",
            Self::Fcpxml => "fcpxml",
            Self::Fcp7xml => "fcp7xml",
            Self::Edl => "edl",
            Self::Csv => "csv",
        }
    }

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

/// A format for the analysis of a recording or clip: of its events, beats and words together, or of the words alone, as
/// transcripts have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnalysisExportFormat {
    /// Events, beats and words.
    Notes(NotesFormat),
    /// The words.
    Words(TranscriptFormat),
}

/// How an analysis is exported.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnalysisExport {
    /// The format.
    pub format: AnalysisExportFormat,
    /// Frame rate of marker lists; that of the recording, or 25, by default.
    pub fps: Option<FrameRate>,
    /// Limits of captions.
    pub limits: CaptionLimits,
}

impl AnalysisExportFormat {
    const COUNT: usize = NotesFormat::ALL.len() + TranscriptFormat::ALL.len();

    /// The names of all formats.
    const NAMES: [&'static str; Self::COUNT] = {
        let mut names = [""; Self::COUNT];
        let mut index = 0;
        while index < Self::COUNT {
            names[index] = match index.checked_sub(NotesFormat::ALL.len()) {
                None => NotesFormat::ALL[index].name(),
                Some(index) => TranscriptFormat::ALL[index].name(),
            };
            index += 1;
        }
        names
    };

    /// The format with this name.
    fn named(name: &str) -> Option<Self> {
        let notes = NotesFormat::ALL.into_iter().find(|format| format.name() == name);
        let words = TranscriptFormat::ALL.into_iter().find(|format| format.name() == name);
        notes.map(Self::Notes).or(words.map(Self::Words))
    }

    /// The name of the format in requests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Notes(format) => format.name(),
            Self::Words(format) => format.name(),
        }
    }

    /// Extension of the file and its media type.
    pub(crate) const fn file_type(self) -> (&'static str, &'static str) {
        match self {
            Self::Notes(format) => format.file_type(),
            Self::Words(format) => (format.extension(), format.media_type()),
        }
    }
}

impl<'de> Deserialize<'de> for AnalysisExportFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| D::Error::unknown_variant(&name, &Self::NAMES))
    }
}

impl Serialize for AnalysisExportFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl PartialSchema for AnalysisExportFormat {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A format for an analysis, or for its words."))
            .enum_values(Some(Self::NAMES))
            .into()
    }
}

impl ToSchema for AnalysisExportFormat {
    fn name() -> Cow<'static, str> {
        "AnalysisExportFormat".into()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_formats_are_those_of_requests() {
        for format in EditFormat::ALL {
            assert_eq!(serde_json::to_value(format).unwrap(), format.name());
        }
        for media in MediaReference::ALL {
            assert_eq!(serde_json::to_value(media).unwrap(), media.name());
        }
        for name in AnalysisExportFormat::NAMES {
            let format: AnalysisExportFormat = serde_json::from_value(name.into()).unwrap();
            assert_eq!((serde_json::to_value(format).unwrap(), format.name()), (name.into(), name));
        }
    }

    #[test]
    fn formats_of_analyses_include_those_of_transcripts() {
        let format = |name: &str| serde_json::from_value::<AnalysisExportFormat>(name.into());
        assert_eq!(format("srt").unwrap(), AnalysisExportFormat::Words(TranscriptFormat::Srt));
        assert_eq!(format("midi").unwrap(), AnalysisExportFormat::Notes(NotesFormat::Midi));
        let refused = format("fcpxml").unwrap_err().to_string();
        assert!(refused.contains("`midi`") && refused.contains("`srt`"), "{refused}");
    }
}
