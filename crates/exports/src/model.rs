//! Formats and results.

use interchange::loss::Loss;
pub use interchange::notes::NotesFormat;
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
    }
}
