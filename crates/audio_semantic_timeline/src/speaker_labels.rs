//! Labels of speakers in texts and exports.

use std::collections::HashMap;

use interchange::words::TimedWord;

use crate::model::Word;
use crate::speakers::Speaker;

/// Labels of a timeline's speakers: the name of the matching voice, else the id.
#[derive(Clone, Debug, Default)]
pub struct SpeakerLabels<'a> {
    names: HashMap<&'a str, &'a str>,
}

impl<'a> SpeakerLabels<'a> {
    /// The labels of `speakers`, as a timeline or transcript has them.
    #[must_use]
    pub fn of(speakers: Option<&'a [Speaker]>) -> Self {
        let speakers = speakers.unwrap_or_default().iter();
        let names = speakers.filter_map(|speaker| Some((speaker.id.as_str(), speaker.name.as_deref()?)));
        Self { names: names.collect() }
    }

    /// The label of a speaker: the name, or the id without one.
    #[must_use]
    pub fn label(&self, id: &str) -> String {
        self.names.get(id).copied().unwrap_or(id).to_owned()
    }

    /// The word as input for the writers of [`interchange`], with the label of its speaker.
    #[must_use]
    pub fn timed_word(&self, word: &Word) -> TimedWord {
        TimedWord {
            text: word.word.clone(),
            start_ms: word.start_ms,
            end_ms: word.end_ms,
            speaker: word.more.get("speaker_id").and_then(|id| id.as_str()).map(|id| self.label(id)),
            confidence: word.confidence,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_are_names_and_else_ids() {
        let speaker = |id: &str, name: Option<&str>| Speaker {
            id: id.to_owned(),
            name: name.map(str::to_owned),
            speech_ms: 1,
            confidence: 1.0,
        };
        let speakers = [speaker("S1", Some("Ada")), speaker("S2", None)];
        let labels = SpeakerLabels::of(Some(&speakers));
        assert_eq!(["S1", "S2", "S3"].map(|id| labels.label(id)), ["Ada", "S2", "S3"]);
        let word: Word = serde_json::from_value(
            json!({"word": "Hark", "start_ms": 5, "end_ms": 9, "confidence": 0.5, "speaker_id": "S1"}),
        )
        .unwrap();
        let expected = TimedWord {
            text: "Hark".to_owned(),
            start_ms: 5,
            end_ms: 9,
            speaker: Some("Ada".to_owned()),
            confidence: Some(0.5),
        };
        assert_eq!(labels.timed_word(&word), expected);
        assert_eq!(SpeakerLabels::of(None).timed_word(&word).speaker.as_deref(), Some("S1"));
    }
}
