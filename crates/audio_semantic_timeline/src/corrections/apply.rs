//! Applies edits to a timeline. A pure function.

use std::collections::BTreeSet;

use super::edit::Edit;
use super::{CorrectedPart, TimelineEdit, beats, events, words};
use crate::model::Summary;
use crate::registered;

/// Why an edit cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("edit {index}: {detail}")]
pub struct EditError {
    /// Index of the edit.
    pub index: usize,
    /// The rule that it violates.
    pub detail: String,
}

impl EditError {
    /// JSON pointer to the edit in the request.
    #[must_use]
    pub fn pointer(&self) -> String {
        format!("/edits/{}", self.index)
    }
}

/// Applies `edits` in order, all or none; also returns the parts that they set. Events cover `[0, duration_ms)` without
/// gaps before and after. Nothing that is set has a confidence, because it was not measured: the `confidence` of an
/// event whose kind was set is null, and so is that of a word.
///
/// # Errors
/// [`EditError`] for the first edit that has wrong fields, is outside the timeline or does not apply to it; for the last
/// one if the result is no complete timeline, because `timeline` is none.
pub fn apply(
    mut timeline: Summary,
    edits: &[TimelineEdit],
) -> Result<(Summary, BTreeSet<CorrectedPart>), EditError> {
    let mut parts = BTreeSet::new();
    for (index, edit) in edits.iter().enumerate() {
        let applied =
            Edit::of(edit, timeline.duration_ms).and_then(|edit| apply_one(&mut timeline, edit, &mut parts));
        applied.map_err(|detail| EditError { index, detail })?;
    }
    match registered::violation(&timeline) {
        None => Ok((timeline, parts)),
        Some(violation) => {
            let detail = format!("the corrected timeline is incomplete: {violation}");
            Err(EditError { index: edits.len().saturating_sub(1), detail })
        }
    }
}

fn apply_one(
    timeline: &mut Summary,
    edit: Edit<'_>,
    parts: &mut BTreeSet<CorrectedPart>,
) -> Result<(), String> {
    match edit {
        Edit::Split { at_ms } => {
            events::split(timeline, at_ms);
            parts.insert(CorrectedPart::Events);
        }
        Edit::Merge { at_ms, kind } => {
            events::merge(timeline, at_ms, kind)?;
            parts.insert(CorrectedPart::Events);
        }
        Edit::Relabel { span, kind, speaker_id } => {
            events::relabel(timeline, span, kind, speaker_id)?;
            parts.insert(CorrectedPart::Events);
            parts.extend(speaker_id.map(|_| CorrectedPart::Speakers));
        }
        Edit::ShiftBeats { span, offset_ms } => {
            beats::shift(timeline, span, offset_ms)?;
            parts.insert(CorrectedPart::Beats);
        }
        Edit::DoubleTempo => {
            beats::double_tempo(timeline)?;
            parts.extend([CorrectedPart::Beats, CorrectedPart::Tempo]);
        }
        Edit::HalveTempo { at_ms } => {
            beats::halve_tempo(timeline, at_ms)?;
            parts.extend([CorrectedPart::Beats, CorrectedPart::Tempo]);
        }
        Edit::SetWord { span, word } => {
            words::set_word(timeline, span, word)?;
            parts.insert(CorrectedPart::Words);
        }
    }
    Ok(())
}
