//! Enrolled voices: wire types, and which of them a speaker is.

use audio_speakers::{Embedding, SAME_VOICE};
use chrono::{DateTime, Utc};
use http_kit::Id;
use media_time::MediaTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most voices of one owner.
pub const MOST_VOICES: i64 = 1_000;
/// Longest name, in characters.
pub const LONGEST_NAME: usize = 100;
/// Longest recording of which a voice is made.
pub const LONGEST_ENROLMENT: MediaTime = MediaTime::from_millis(600_000);

/// `POST /voices`: a name and a recording in which one person speaks for at least 3 s. Of `artifact_id` and `window`
/// exactly one is given.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoiceRequest {
    /// In place of `X-Tenant-Id`.
    pub tenant_id: Option<String>,
    /// In place of `X-Env`.
    pub env: Option<String>,
    /// In place of `X-User-Id`.
    pub user_id: Option<String>,
    /// The name that timelines show, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// An artifact with sound, for example a phrase.
    pub artifact_id: Option<Id>,
    /// A part of a recording.
    pub window: Option<VoiceWindow>,
}

http_kit::context_fields!(VoiceRequest);

/// A part of a recording; at most its first 10 minutes are used.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoiceWindow {
    /// The recording.
    pub asset_id: Id,
    /// First millisecond.
    #[schema(minimum = 0)]
    pub start_ms: i64,
    /// First millisecond after; greater than `start_ms`.
    #[schema(minimum = 1)]
    pub end_ms: i64,
}

/// An enrolled voice. Its embedding is not shown.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EnrolledVoice {
    /// Its id.
    pub id: Id,
    /// The name that timelines show.
    pub name: String,
    /// Speech it was made of, in milliseconds.
    pub speech_ms: i64,
    /// When it was enrolled.
    pub created_at: DateTime<Utc>,
}

/// A voice to compare with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KnownVoice {
    pub(crate) name: String,
    pub(crate) embedding: Embedding,
}

/// The name of each speaker, in order: the most similar voice that is similar enough. Two speakers of one recording are
/// two people, so each name goes to the speaker most similar to it.
pub(crate) fn names(speakers: &[Embedding], known: &[KnownVoice]) -> Vec<Option<String>> {
    let mut pairs: Vec<(f32, usize, &str)> = Vec::new();
    for (speaker, embedding) in speakers.iter().enumerate() {
        let similar =
            known.iter().map(|voice| (embedding.similarity(&voice.embedding), speaker, voice.name.as_str()));
        pairs.extend(similar.filter(|(similarity, ..)| *similarity >= SAME_VOICE));
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(b.2)));
    let mut found: Vec<Option<String>> = vec![None; speakers.len()];
    for (_, speaker, name) in pairs {
        let is_taken = found.iter().flatten().any(|taken| taken == name);
        if found[speaker].is_none() && !is_taken {
            found[speaker] = Some(name.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A unit vector at this angle in a plane.
    fn at(degrees: f32) -> Embedding {
        let mut values = [0.0; 192];
        (values[0], values[1]) = (degrees.to_radians().cos(), degrees.to_radians().sin());
        Embedding::new(&values).unwrap()
    }

    fn known(name: &str, degrees: f32) -> KnownVoice {
        KnownVoice { name: name.to_owned(), embedding: at(degrees) }
    }

    #[test]
    fn a_speaker_is_named_by_the_most_similar_voice_or_by_none() {
        let ada_and_bob = [known("Ada", 0.0), known("Bob", 60.0)];
        let of = |degrees: &[f32]| {
            let speakers: Vec<Embedding> = degrees.iter().map(|degrees| at(*degrees)).collect();
            names(&speakers, &ada_and_bob).into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>()
        };
        assert_eq!(of(&[5.0, 58.0]), ["Ada", "Bob"]);
        assert_eq!(of(&[180.0, 110.0]), ["", "Bob"]);
        // The nearer of two speakers has the name, the other the next voice that is similar enough, or none.
        assert_eq!(of(&[20.0, 3.0]), ["Bob", "Ada"]);
        assert_eq!(of(&[-20.0, 3.0]), ["", "Ada"]);
        assert_eq!(names(&[at(0.0)], &[]), [None]);
    }
}
