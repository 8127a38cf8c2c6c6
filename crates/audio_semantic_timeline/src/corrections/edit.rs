//! Edits with the fields of their operation.

use super::{EditOp, TimelineEdit};
use crate::model::EventKind;

/// Maximum length of a word in characters.
const MAX_WORD_CHARS: usize = 200;

/// A span in milliseconds, half open and not empty, within the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
}

/// An edit whose fields are those of its operation, and within the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edit<'a> {
    Split { at_ms: i64 },
    Merge { at_ms: i64, kind: Option<EventKind> },
    Relabel { span: Span, kind: Option<EventKind>, speaker_id: Option<&'a str> },
    ShiftBeats { span: Span, offset_ms: i64 },
    DoubleTempo,
    HalveTempo { at_ms: Option<i64> },
    SetWord { span: Span, word: &'a str },
}

impl EditOp {
    /// The operation's name in JSON.
    const fn name(self) -> &'static str {
        match self {
            Self::Split => "split",
            Self::Merge => "merge",
            Self::Relabel => "relabel",
            Self::ShiftBeats => "shift_beats",
            Self::DoubleTempo => "double_tempo",
            Self::HalveTempo => "halve_tempo",
            Self::SetWord => "set_word",
        }
    }

    /// The required and the optional fields.
    const fn fields(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Split => (&["at_ms"], &[]),
            Self::Merge => (&["at_ms"], &["kind"]),
            Self::Relabel => (&["start_ms", "end_ms"], &["kind", "speaker_id"]),
            Self::ShiftBeats => (&["offset_ms"], &["start_ms", "end_ms"]),
            Self::DoubleTempo => (&[], &[]),
            Self::HalveTempo => (&[], &["at_ms"]),
            Self::SetWord => (&["start_ms", "end_ms", "word"], &[]),
        }
    }
}

impl<'a> Edit<'a> {
    /// Checks an edit of a timeline of `duration_ms`.
    pub(super) fn of(edit: &'a TimelineEdit, duration_ms: i64) -> Result<Self, String> {
        check_fields(edit)?;
        let inside = |at_ms: i64| {
            let is_inside = (0..duration_ms).contains(&at_ms);
            if is_inside { Ok(at_ms) } else { Err(format!("`at_ms` is {at_ms}, outside [0, {duration_ms})")) }
        };
        let span = || {
            let span =
                Span { start_ms: edit.start_ms.unwrap_or(0), end_ms: edit.end_ms.unwrap_or(duration_ms) };
            let is_inside = 0 <= span.start_ms && span.start_ms < span.end_ms && span.end_ms <= duration_ms;
            let refused = || {
                let Span { start_ms, end_ms } = span;
                format!("[{start_ms}, {end_ms}) is empty or not within [0, {duration_ms})")
            };
            if is_inside { Ok(span) } else { Err(refused()) }
        };
        Ok(match edit.op {
            EditOp::Split => Self::Split { at_ms: inside(edit.at_ms.unwrap_or(-1))? },
            EditOp::Merge => Self::Merge { at_ms: inside(edit.at_ms.unwrap_or(-1))?, kind: edit.kind },
            EditOp::Relabel => {
                let speaker_id = edit.speaker_id.as_deref();
                if edit.kind.is_none() && speaker_id.is_none() {
                    return Err("`relabel` requires `kind` or `speaker_id`".to_owned());
                }
                Self::Relabel { span: span()?, kind: edit.kind, speaker_id }
            }
            EditOp::ShiftBeats => {
                let offset_ms = edit.offset_ms.unwrap_or(0);
                if offset_ms == 0 || offset_ms.unsigned_abs() > duration_ms.unsigned_abs() {
                    return Err(format!(
                        "`offset_ms` is {offset_ms}: use a value other than 0, within the duration"
                    ));
                }
                Self::ShiftBeats { span: span()?, offset_ms }
            }
            EditOp::DoubleTempo => Self::DoubleTempo,
            EditOp::HalveTempo => Self::HalveTempo { at_ms: edit.at_ms.map(inside).transpose()? },
            EditOp::SetWord => {
                Self::SetWord { span: span()?, word: word(edit.word.as_deref().unwrap_or_default())? }
            }
        })
    }
}

/// Checks that an edit has the fields of its operation, and no others.
fn check_fields(edit: &TimelineEdit) -> Result<(), String> {
    let (required, optional) = edit.op.fields();
    let name = edit.op.name();
    let given = [
        ("at_ms", edit.at_ms.is_some()),
        ("start_ms", edit.start_ms.is_some()),
        ("end_ms", edit.end_ms.is_some()),
        ("offset_ms", edit.offset_ms.is_some()),
        ("kind", edit.kind.is_some()),
        ("speaker_id", edit.speaker_id.is_some()),
        ("word", edit.word.is_some()),
    ];
    for (field, is_given) in given {
        if !is_given && required.contains(&field) {
            return Err(format!("`{name}` requires `{field}`"));
        }
        if is_given && !required.contains(&field) && !optional.contains(&field) {
            return Err(format!("`{name}` has no field `{field}`: remove it"));
        }
    }
    Ok(())
}

/// A word without the white space around it; empty to remove words.
fn word(text: &str) -> Result<&str, String> {
    let word = text.trim();
    if word.chars().count() > MAX_WORD_CHARS {
        return Err(format!("`word` has more than {MAX_WORD_CHARS} characters: shorten it"));
    }
    if word.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
        return Err("`word` has spaces or control characters: use one edit for each word".to_owned());
    }
    Ok(word)
}
