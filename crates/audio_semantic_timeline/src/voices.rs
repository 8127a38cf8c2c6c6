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
/// By how much a speaker is more similar to the voice it is named by than to another person's.
const NAME_MARGIN: f32 = 0.05;
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
    /// The audio stream, by its index among the audio streams of the recording; the container's default one when not given.
    pub audio_stream: Option<u32>,
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

/// The name of each speaker, in order: that of the most similar voice, where it is similar enough and no voice of
/// another name is about as similar. Two speakers of one recording are two people, so a name goes to the speaker most
/// similar to it, and the other has none: the voice that comes second is not its own.
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

/// The voice most similar to a speaker, and how similar it is; none where it is not similar enough, or where another
/// person's is about as similar.
fn most_similar<'a>(speaker: &Embedding, known: &'a [KnownVoice]) -> Option<(f32, &'a str)> {
    let compared: Vec<(f32, &KnownVoice)> =
        known.iter().map(|voice| (speaker.similarity(&voice.embedding), voice)).collect();
    // Of equal ones the first by name.
    let order =
        |a: &&(f32, &KnownVoice), b: &&(f32, &KnownVoice)| a.0.total_cmp(&b.0).then(b.1.name.cmp(&a.1.name));
    let (most, best) = *compared.iter().max_by(order).filter(|(most, _)| *most >= SAME_VOICE)?;
    let is_rival = |(similarity, voice): &(f32, &KnownVoice)| {
        voice.name != best.name
            && *similarity > most - NAME_MARGIN
            // The same person under another name is no rival.
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
    fn a_speaker_is_named_by_the_most_similar_voice_or_by_none() {
        let ada_and_bob = [known("Ada", 0.0), known("Bob", 60.0)];
        let of = |degrees: &[f32]| {
            let speakers: Vec<Embedding> = degrees.iter().map(|degrees| at(*degrees)).collect();
            names(&speakers, &ada_and_bob).into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>()
        };
        assert_eq!(of(&[5.0, 58.0]), ["Ada", "Bob"]);
        assert_eq!(of(&[180.0, 110.0]), ["", "Bob"]);
        // The nearer of two speakers has the name. The other has none, though the next voice is similar enough.
        assert_eq!(of(&[20.0, 3.0]), ["", "Ada"]);
        assert_eq!(of(&[-20.0, 3.0]), ["", "Ada"]);
        assert_eq!(of(&[3.0, 3.0]), ["Ada", ""]);
        // Between both voices neither is the speaker's.
        assert_eq!(of(&[31.0, 58.0]), ["", "Bob"]);
        assert_eq!(names(&[at(0.0)], &[]), [None]);
        // One person enrolled under two names has the more similar one.
        let twice = [known("Ada", 0.0), known("Countess", 3.0), known("Bob", 60.0)];
        assert_eq!(names(&[at(2.0)], &twice), [Some("Countess".to_owned())]);
    }
}
