//! Enrolled voices: request and response types, and matching of speakers to voices.

use audio_speakers::{Embedding, SAME_VOICE};
use chrono::{DateTime, Utc};
use media_time::MediaTime;
use primitives::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Maximum number of voices of one owner.
pub const MAX_VOICES: i64 = 1_000;
/// Maximum length of a name, in characters.
pub const MAX_NAME_CHARS: usize = 100;
/// Minimum difference in similarity between the best voice and another person's voice.
const NAME_MARGIN: f32 = 0.05;
/// Maximum duration of the audio that a voice is computed from.
pub const MAX_ENROLMENT: MediaTime = MediaTime::from_millis(600_000);

/// Body of `POST /voices`: a name and a recording in which one person speaks for at least 3 s. Exactly one of
/// `artifact_id` and `window` is required.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoiceRequest {
    /// Alternative to the header `X-Tenant-Id`.
    pub tenant_id: Option<String>,
    /// Alternative to the header `X-Env`.
    pub env: Option<String>,
    /// Alternative to the header `X-User-Id`.
    pub user_id: Option<String>,
    /// The name displayed in timelines, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// An artifact with audio, for example a phrase.
    pub artifact_id: Option<Id>,
    /// A window of a recording.
    pub window: Option<VoiceWindow>,
}

http_kit::context_fields!(VoiceRequest);

/// A window of a recording; at most its first 10 minutes are used.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoiceWindow {
    /// The recording with the voice.
    pub asset_id: Id,
    /// The audio stream, as an index among the recording's audio streams; the container's default one if absent.
    pub audio_stream: Option<u32>,
    /// Start time in milliseconds, inclusive.
    #[schema(minimum = 0)]
    pub start_ms: i64,
    /// End in milliseconds, exclusive; greater than `start_ms`.
    #[schema(minimum = 1)]
    pub end_ms: i64,
}

/// An enrolled voice. Its embedding is not exposed.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EnrolledVoice {
    /// Id of the voice.
    pub id: Id,
    /// The name displayed in timelines.
    pub name: String,
    /// Duration of the speech it was computed from, in milliseconds.
    pub speech_ms: i64,
    /// Time of the enrolment.
    pub created_at: DateTime<Utc>,
}

/// An enrolled voice to compare speakers with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KnownVoice {
    pub(crate) name: String,
    pub(crate) embedding: Embedding,
}

/// The name of each speaker, in order: that of the most similar voice, if it is similar enough and no voice with
/// another name is about as similar. Two speakers of one recording are different people, so each name goes only to the
/// most similar speaker; the other gets no name, not the name of its second-best voice.
pub(crate) fn names(speakers: &[Embedding], known: &[KnownVoice]) -> Vec<Option<String>> {
    let matches: Vec<Option<(f32, &str)>> =
        speakers.iter().map(|speaker| most_similar(speaker, known)).collect();
    let name = |speaker: usize| {
        let (similarity, name) = matches[speaker]?;
        let is_more_similar = |other: usize| {
            matches[other].is_some_and(|(theirs, their_name)| {
                their_name == name && (theirs > similarity || (theirs >= similarity && other < speaker))
            })
        };
        (!(0..matches.len()).any(is_more_similar)).then(|| name.to_owned())
    };
    (0..matches.len()).map(name).collect()
}

/// The voice most similar to a speaker, with the similarity; `None` if it is not similar enough, or if another person's
/// voice is about as similar.
fn most_similar<'a>(speaker: &Embedding, known: &'a [KnownVoice]) -> Option<(f32, &'a str)> {
    let compared: Vec<(f32, &KnownVoice)> =
        known.iter().map(|voice| (speaker.similarity(&voice.embedding), voice)).collect();
    // Ties go to the first name.
    let order =
        |a: &&(f32, &KnownVoice), b: &&(f32, &KnownVoice)| a.0.total_cmp(&b.0).then(b.1.name.cmp(&a.1.name));
    let (most, best) = *compared.iter().max_by(order).filter(|(most, _)| *most >= SAME_VOICE)?;
    let is_rival = |(similarity, voice): &(f32, &KnownVoice)| {
        voice.name != best.name
            && *similarity > most - NAME_MARGIN
            // A voice of the same person under another name is ignored.
            && voice.embedding.similarity(&best.embedding) < SAME_VOICE
    };
    (!compared.iter().any(is_rival)).then_some((most, best.name.as_str()))
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
    fn speaker_gets_the_name_of_the_most_similar_voice() {
        let ada_and_bob = [known("Ada", 0.0), known("Bob", 60.0)];
        let of = |degrees: &[f32]| {
            let speakers: Vec<Embedding> = degrees.iter().map(|degrees| at(*degrees)).collect();
            names(&speakers, &ada_and_bob).into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>()
        };
        assert_eq!(of(&[5.0, 58.0]), ["Ada", "Bob"]);
        assert_eq!(of(&[180.0, 110.0]), ["", "Bob"]);
        // The more similar of two speakers gets the name. The other gets none, although the next voice is similar
        // enough.
        assert_eq!(of(&[20.0, 3.0]), ["", "Ada"]);
        assert_eq!(of(&[-20.0, 3.0]), ["", "Ada"]);
        assert_eq!(of(&[3.0, 3.0]), ["Ada", ""]);
        // A speaker between two voices gets neither name.
        assert_eq!(of(&[31.0, 58.0]), ["", "Bob"]);
        assert_eq!(names(&[at(0.0)], &[]), [None]);
        // A person enrolled under two names gets the more similar one.
        let twice = [known("Ada", 0.0), known("Countess", 3.0), known("Bob", 60.0)];
        assert_eq!(names(&[at(2.0)], &twice), [Some("Countess".to_owned())]);
    }
}
