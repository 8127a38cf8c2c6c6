//! Recordings in which each channel is one microphone, with cross-talk 15 dB softer and 3 ms later.

#![expect(clippy::expect_used, reason = "a failed step fails the test")]

use audio_signal::{Control, LeadResampler, MicrophoneSpeech, MicrophoneTurn, microphone_speech};
use media_time::{MediaTime, Window};

use crate::synthetic_audio::wav;

const RATE: u32 = 16_000;
/// −15 dB.
const CROSS_TALK: f32 = 0.178;
/// 3 ms: a metre.
const DELAY: usize = 48;

/// The samples of `fixtures/silero_reference.wav`: 3 s, with speech from 0.2 to 1.4 s and from 2.2 to 2.9 s.
fn voice() -> Vec<f32> {
    let file = include_bytes!("../../../../fixtures/silero_reference.wav");
    let samples = file[44..].as_chunks::<2>().0;
    samples.iter().map(|&bytes| f32::from(i16::from_le_bytes(bytes)) / 32_768.0).collect()
}

/// Both channels, interleaved: the voice begins at these times, in ms, at its own microphone.
fn two_microphones(starts_ms: [usize; 2]) -> Vec<f32> {
    let voice = voice();
    let starts = starts_ms.map(|ms| ms * RATE as usize / 1_000);
    let length = voice.len() + starts[0].max(starts[1]) + DELAY;
    let mut channels = [vec![0.0; length], vec![0.0; length]];
    for (own, start) in starts.into_iter().enumerate() {
        for (at, sample) in voice.iter().enumerate() {
            channels[own][start + at] += sample;
            channels[1 - own][start + at + DELAY] += sample * CROSS_TALK;
        }
    }
    let [left, right] = channels;
    left.into_iter().zip(right).flat_map(|(left, right)| [left, right]).collect()
}

fn detected(interleaved: &[f32], channels: u16) -> MicrophoneSpeech {
    let decoder = wav(RATE, channels, interleaved).decoder().expect("a recording");
    microphone_speech(decoder, &Control::none()).expect("a recording")
}

fn turns(speech: &MicrophoneSpeech, channel: usize) -> Vec<Window> {
    let own = |turn: &&MicrophoneTurn| turn.channel == channel;
    speech.turns.iter().filter(own).map(|turn| turn.window).collect()
}

fn ms(ms: i64) -> MediaTime {
    MediaTime::from_millis(ms)
}

#[test]
fn each_voice_is_at_its_own_microphone() {
    let speech = detected(&two_microphones([0, 3_000]), 2);
    let (first, second) = (turns(&speech, 0), turns(&speech, 1));
    assert!(!first.is_empty() && !second.is_empty(), "{speech:?}");
    assert!(first.iter().all(|turn| turn.end() <= ms(3_050)), "cross-talk is no speech: {first:?}");
    assert!(second.iter().all(|turn| turn.start() >= ms(2_950)), "cross-talk is no speech: {second:?}");
    assert!(first[0].start() <= ms(350) && second[0].start() <= ms(3_350), "{speech:?}");
    assert_eq!(
        [ms(0), ms(800), ms(3_800), ms(9_000)].map(|time| speech.leader_at(time)),
        [0, 0, 1, 1].map(Some)
    );
    assert_eq!(speech, detected(&two_microphones([0, 3_000]), 2), "deterministic");
}

#[test]
fn voices_at_once_overlap() {
    let speech = detected(&two_microphones([0, 300]), 2);
    let overlap: i64 = turns(&speech, 0)
        .iter()
        .flat_map(|turn| turns(&speech, 1).into_iter().filter_map(|other| turn.intersect(other)))
        .map(|both| (both.end() - both.start()).as_millis_round())
        .sum();
    assert!(overlap >= 300, "{overlap} ms: {speech:?}");
}

#[test]
fn mono_as_stereo_is_one_microphone() {
    let both: Vec<f32> = voice().into_iter().flat_map(|sample| [sample, sample]).collect();
    let speech = detected(&both, 2);
    assert!(!turns(&speech, 0).is_empty() && turns(&speech, 1).is_empty(), "{speech:?}");
    let mono = detected(&voice(), 1);
    assert_eq!((mono.channels, &mono.turns), (1, &speech.turns));
}

#[test]
fn silence_has_no_speech_and_no_leader() {
    let speech = detected(&[0.0; 20_000], 2);
    assert_eq!((speech.turns.len(), speech.leader_at(ms(100))), (0, None));
    assert!(LeadResampler::new(RATE, &speech).expect("a usual rate").is_none());
}

#[test]
fn leading_channel_has_no_cross_talk() {
    let input = two_microphones([0, 3_000]);
    let speech = detected(&input, 2);
    let mut resampler = LeadResampler::new(RATE, &speech).expect("a usual rate").expect("speech");
    let mut out = Vec::new();
    for chunk in input.chunks(2_000) {
        resampler.push(chunk, &mut out);
    }
    resampler.finish(&mut out);
    assert_eq!(out.len(), input.len() / 2);
    for second in [0.4, 0.8, 3.4, 3.8] {
        let from = (second * f64::from(RATE)) as usize;
        let own = usize::from(second > 3.0);
        let energy =
            |samples: &mut dyn Iterator<Item = f32>| samples.map(|sample| sample * sample).sum::<f32>();
        let lead = energy(&mut out[from..from + 1_600].iter().copied());
        let expected = energy(&mut (from..from + 1_600).map(|frame| input[2 * frame + own]));
        assert!((lead / expected - 1.0).abs() < 0.1, "at {second} s: {lead}, {expected}");
    }
}
