use std::path::PathBuf;

use audio_semantic_timeline::TranscriptFormat;
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use exports::{EditFormat, MediaReference, NotesFormat};
use primitives::Id;

use super::ServiceArguments;

#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// Id of a project, a sequence, the artifact of a shot list or an analysis, or a clip.
    pub(crate) id: Id,
    /// The format: of an edited timeline, of an analysis, or of its words.
    #[arg(long, value_enum)]
    pub(crate) format: ExportFormat,
    /// What the id is of; without it, all that have the format are tried.
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) of: Option<ExportSubject>,
    /// How an edited timeline refers to its media: by name (the default), by path, or by a signed link.
    #[arg(long, value_enum)]
    pub(crate) media: Option<ExportMedia>,
    /// Write to this file instead of standard output.
    #[arg(short = 'o', long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) service: ServiceArguments,
}

/// Subject of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportSubject {
    /// The first sequence of a project.
    Project,
    /// A sequence.
    Sequence,
    /// A shot list, by its artifact.
    ShotList,
    /// A semantic timeline, by its artifact.
    Analysis,
    /// The semantic timeline of a clip.
    Clip,
}

/// How an edited timeline refers to its media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExportMedia(MediaReference);

/// All kinds, in the order of the help.
const MEDIA: [ExportMedia; MediaReference::ALL.len()] = {
    let [first, second, third] = MediaReference::ALL;
    [ExportMedia(first), ExportMedia(second), ExportMedia(third)]
};

/// The name of a format of any subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExportFormat(&'static str);

/// Formats in the order of the help: of edited timelines, of analyses, of words. `json` of words is not an export.
const FORMATS: [ExportFormat; 23] = [
    ExportFormat(EditFormat::Otio.name()),
    ExportFormat(EditFormat::Fcpxml.name()),
    ExportFormat(EditFormat::Fcp7xml.name()),
    ExportFormat(EditFormat::Edl.name()),
    ExportFormat(EditFormat::Csv.name()),
    ExportFormat(NotesFormat::MarkersEdl.name()),
    ExportFormat(NotesFormat::MarkersCsv.name()),
    ExportFormat(NotesFormat::AuditionCsv.name()),
    ExportFormat(NotesFormat::Audacity.name()),
    ExportFormat(NotesFormat::Midi.name()),
    ExportFormat(NotesFormat::Chapters.name()),
    ExportFormat(NotesFormat::Ffmetadata.name()),
    ExportFormat(NotesFormat::Jams.name()),
    ExportFormat(NotesFormat::Rttm.name()),
    ExportFormat(NotesFormat::Ctm.name()),
    ExportFormat(NotesFormat::Textgrid.name()),
    ExportFormat(TranscriptFormat::Srt.name()),
    ExportFormat(TranscriptFormat::Vtt.name()),
    ExportFormat(TranscriptFormat::Ttml.name()),
    ExportFormat(TranscriptFormat::Ass.name()),
    ExportFormat(TranscriptFormat::Txt.name()),
    ExportFormat(TranscriptFormat::PodcastTranscript.name()),
    ExportFormat(TranscriptFormat::OpenaiJson.name()),
];

impl ValueEnum for ExportFormat {
    fn value_variants<'a>() -> &'a [Self] {
        &FORMATS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0))
    }
}

impl ExportFormat {
    pub(crate) const fn name(self) -> &'static str {
        self.0
    }

    /// Whether edited timelines have the format.
    pub(crate) fn is_of_edits(self) -> bool {
        EditFormat::ALL.iter().any(|format| format.name() == self.0)
    }

    /// Whether it is a format of events, beats and words.
    pub(crate) fn is_of_notes(self) -> bool {
        NotesFormat::ALL.iter().any(|format| format.name() == self.0)
    }
}

impl ExportSubject {
    /// Whether it is an edited timeline, which refers to media files.
    pub(crate) const fn is_edit(self) -> bool {
        matches!(self, Self::Project | Self::Sequence | Self::ShotList)
    }

    /// The names of its formats, in the order of the help.
    pub(crate) fn formats(self) -> Vec<&'static str> {
        let has = |format: &ExportFormat| {
            let (of_edits, of_notes) = (format.is_of_edits(), format.is_of_notes());
            // The others are of words.
            if self.is_edit() { of_edits } else { of_notes || !of_edits }
        };
        FORMATS.iter().filter(|format| has(format)).map(|format| format.name()).collect()
    }

    /// Its name in messages.
    pub(crate) const fn with_article(self) -> &'static str {
        match self {
            Self::Project => "a project",
            Self::Sequence => "a sequence",
            Self::ShotList => "a shot list",
            Self::Analysis => "an analysis",
            Self::Clip => "a clip",
        }
    }
}

impl ValueEnum for ExportMedia {
    fn value_variants<'a>() -> &'a [Self] {
        &MEDIA
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

impl ExportMedia {
    /// The value in requests.
    pub(crate) const fn name(self) -> &'static str {
        self.0.name()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn formats_of_exports_are_those_of_the_service() {
        // `json` of words is the timeline, not an export.
        let words = TranscriptFormat::ALL.iter().filter(|format| **format != TranscriptFormat::Json);
        let words = words.map(|format| format.name());
        let edits = EditFormat::ALL.iter().map(|format| format.name());
        let notes = NotesFormat::ALL.iter().map(|format| format.name());
        let expected: BTreeSet<&str> = edits.chain(notes).chain(words).collect();
        let known: BTreeSet<&str> = FORMATS.iter().map(|format| format.name()).collect();
        assert_eq!((known, FORMATS.len()), (expected.clone(), expected.len()), "each once");
    }
}
