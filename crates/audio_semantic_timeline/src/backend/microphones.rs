//! Speakers of recordings in which each channel is one microphone.

use audio_signal::{Control, MicrophoneSpeech, microphone_speech, rounded};
use media_decode::Decoder;
use media_time::MediaTime;
use serde_json::{Map, Value, json};

use super::Measured;
use crate::Error;
use crate::speaker_turns::TurnIndex;
use crate::speakers::{DetectedSpeaker, Speaker, SpeakerTurn};

/// Detects the speech of each microphone. Blocks; decodes to the end.
pub(super) fn detect(decoder: Decoder, control: &Control<'_>) -> Result<MicrophoneSpeech, Error> {
    Ok(microphone_speech(decoder, control)?)
}

/// Assigns the microphones to the events and words of a timeline.
pub(super) fn apply(speech: &MicrophoneSpeech, measured: &mut Measured) {
    measured.speaker_turns = turns(speech);
    TurnIndex::new(&measured.speaker_turns).mark(&mut measured.events);
    for word in measured.events.iter_mut().flat_map(|event| &mut event.meta.words) {
        // Words are transcribed from the leading channel, so a word in an overlap is of that microphone.
        let is_overlapped = word.more.get("overlap").is_some_and(|overlap| *overlap == Value::Bool(true));
        let middle = MediaTime::from_millis(i64::midpoint(word.start_ms, word.end_ms));
        if let Some(leader) = speech.leader_at(middle).filter(|_| is_overlapped) {
            word.more.insert("speaker_id".to_owned(), speaker_id(leader).into());
        }
    }
    measured.speakers = Some(speakers(speech, &measured.speaker_turns));
    let mut notes = Map::from_iter([("channels".to_owned(), speech.channels.into())]);
    if speech.channels == 1 {
        let warning = "the recording has one channel: all speech is of one microphone";
        notes.insert("warning".to_owned(), warning.into());
    }
    measured.analysis.insert("channel_speech".to_owned(), json!(notes));
}

/// `CH1` for the first channel.
fn speaker_id(channel: usize) -> String {
    format!("CH{}", channel + 1)
}

/// The turns in whole milliseconds; turns that become empty are dropped.
fn turns(speech: &MicrophoneSpeech) -> Vec<SpeakerTurn> {
    let turn = |turn: &audio_signal::MicrophoneTurn| SpeakerTurn {
        speaker_id: speaker_id(turn.channel),
        start_ms: turn.window.start().as_millis_round(),
        end_ms: turn.window.end().as_millis_round(),
    };
    speech.turns.iter().map(turn).filter(|turn| turn.start_ms < turn.end_ms).collect()
}

/// The microphones with speech, by channel.
fn speakers(speech: &MicrophoneSpeech, turns: &[SpeakerTurn]) -> Vec<DetectedSpeaker> {
    let speaker = |channel: usize| {
        let id = speaker_id(channel);
        let own: Vec<&SpeakerTurn> = turns.iter().filter(|turn| turn.speaker_id == id).collect();
        let speech_ms: i64 = own.iter().map(|turn| turn.end_ms - turn.start_ms).sum();
        let alone_ms = speech_ms - own.iter().map(|turn| overlapped_ms(turn, turns)).sum::<i64>();
        (speech_ms > 0).then(|| DetectedSpeaker {
            speaker: Speaker {
                id,
                name: None,
                speech_ms,
                confidence: rounded(alone_ms as f64 / speech_ms as f64, 4),
            },
            embedding: None,
        })
    };
    (0..speech.channels).filter_map(speaker).collect()
}

/// How much of a turn other speakers overlap, in ms. `turns` are ordered by start.
fn overlapped_ms(turn: &SpeakerTurn, turns: &[SpeakerTurn]) -> i64 {
    let end = turns.partition_point(|other| other.start_ms < turn.end_ms);
    let (mut covered, mut overlapped) = (turn.start_ms, 0);
    for other in turns[..end].iter().filter(|other| other.speaker_id != turn.speaker_id) {
        let from = other.start_ms.max(covered);
        let until = other.end_ms.min(turn.end_ms);
        if from < until {
            overlapped += until - from;
            covered = until;
        }
    }
    overlapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_of_several_turns_counts_once() {
        let turn = |channel: usize, start_ms: i64, end_ms: i64| SpeakerTurn {
            speaker_id: speaker_id(channel),
            start_ms,
            end_ms,
        };
        let own = turn(0, 1_000, 5_000);
        let turns = [
            turn(1, 0, 1_500),
            own.clone(),
            turn(2, 1_200, 2_000),
            turn(1, 4_000, 6_000),
            turn(0, 5_500, 7_000),
        ];
        assert_eq!(overlapped_ms(&own, &turns), 500 + 500 + 1_000);
        assert_eq!(overlapped_ms(&own, std::slice::from_ref(&own)), 0);
    }
}
