//! Made signals: noises for voices, which reach the other microphone at a lower level.

use super::*;
use crate::SPEECH_FRAME;

/// A linear congruential generator (Knuth's MMIX): noise from −1 to 1.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}

/// Frames in which each voice speaks.
struct Scene {
    frames: usize,
    /// Who speaks when, and with which gain.
    voices: Vec<(Range<usize>, f32)>,
    /// Gain of voice `n` in microphone `m`.
    reach: fn(voice: usize, microphone: usize) -> f32,
    microphones: usize,
}

impl Scene {
    /// A detector that finds speech in every channel that a voice reaches.
    fn attributed(&self) -> Attributed {
        let mut attribution = Attribution::new(self.microphones);
        let mut noises: Vec<Noise> = (0..=self.voices.len() as u64).map(|seed| Noise(seed + 1)).collect();
        for frame in 0..self.frames {
            let mut channels = vec![vec![0.0; SPEECH_FRAME]; self.microphones];
            let mut speech = vec![0.05; self.microphones];
            for (voice, (spoken, gain)) in self.voices.iter().enumerate() {
                let samples: Vec<f32> = (0..SPEECH_FRAME).map(|_| noises[voice].next() * gain).collect();
                if !spoken.contains(&frame) {
                    continue;
                }
                for (microphone, channel) in channels.iter_mut().enumerate() {
                    let reach = (self.reach)(voice, microphone);
                    if reach > 0.0 {
                        channel.iter_mut().zip(&samples).for_each(|(own, sample)| *own += sample * reach);
                        speech[microphone] = 0.95;
                    }
                }
            }
            let own_noise = noises.last_mut().unwrap();
            channels.iter_mut().flatten().for_each(|sample| *sample += own_noise.next() * 1e-4);
            let channels: Vec<&[f32]> = channels.iter().map(Vec::as_slice).collect();
            attribution.push(&speech, FrameLevels::of(&channels));
        }
        attribution.finish()
    }
}

/// −15 dB.
const BLEED: f32 = 0.178;

fn at_the_next_microphone(voice: usize, microphone: usize) -> f32 {
    if voice == microphone { 1.0 } else { BLEED }
}

/// Asserts that the turns are these, within five frames at either end.
#[track_caller]
fn assert_turns(attributed: &Attributed, expected: &[&[(usize, usize)]]) {
    assert_eq!(attributed.turns.len(), expected.len());
    for (turns, expected) in attributed.turns.iter().zip(expected) {
        assert_eq!(turns.len(), expected.len(), "{attributed:?}");
        for (turn, (start, end)) in turns.iter().zip(*expected) {
            let is_near = turn.start.abs_diff(*start) <= 5 && turn.end.abs_diff(*end) <= 5;
            assert!(is_near, "{turn:?} for {start} to {end}");
        }
    }
}

/// Channels that lead, from which frame on.
fn leads(attributed: &Attributed) -> Vec<(usize, usize)> {
    attributed.changes.iter().map(|change| (change.frame, change.channel)).collect()
}

#[test]
fn cross_talk_is_attributed_to_the_louder_microphone() {
    let voices = vec![(10..100, 0.3), (120..200, 0.3), (220..280, 0.1)];
    let reach = |voice: usize, microphone: usize| at_the_next_microphone(voice % 2, microphone);
    let attributed = Scene { frames: 300, voices, reach, microphones: 2 }.attributed();
    assert_turns(&attributed, &[&[(10, 100), (220, 280)], &[(120, 200)]]);
    let leads = leads(&attributed);
    assert_eq!(leads.iter().map(|(_, channel)| *channel).collect::<Vec<_>>(), [0, 1, 0]);
    assert!((103..=106).contains(&leads[1].0) && (203..=206).contains(&leads[2].0), "{leads:?}");
}

#[test]
fn two_voices_at_once_are_two_turns() {
    let voices = vec![(10..150, 0.3), (80..220, 0.25)];
    let attributed =
        Scene { frames: 240, voices, reach: at_the_next_microphone, microphones: 2 }.attributed();
    assert_turns(&attributed, &[&[(10, 150)], &[(80, 220)]]);
    let softer = vec![(10..150, 0.3), (80..220, 0.15)];
    let softer = Scene { frames: 240, voices: softer, reach: at_the_next_microphone, microphones: 2 };
    assert_turns(&softer.attributed(), &[&[(10, 150)], &[(80, 220)]]);
}

#[test]
fn end_of_a_voice_is_no_turn_of_the_other_microphone() {
    let (mut noise, mut attribution) = (Noise(1), Attribution::new(2));
    for frame in 0..60 {
        let own: Vec<f32> = (0..SPEECH_FRAME + 48).map(|_| noise.next() * 0.3).collect();
        // Later by 3 ms, so that the samples are not alike.
        let other: Vec<f32> = own[..SPEECH_FRAME].iter().map(|sample| sample * BLEED).collect();
        let levels = FrameLevels::of(&[&own[48..], &other]);
        attribution.push(&[if frame < 40 { 0.95 } else { 0.1 }, 0.95], levels);
    }
    let attributed = attribution.finish();
    assert_turns(&attributed, &[&[(0, 40)], &[]]);
    assert_eq!(leads(&attributed), [(0, 0)]);
}

#[test]
fn same_signal_in_two_channels_is_one_speaker() {
    let voices = vec![(10..150, 0.3)];
    let attributed = Scene { frames: 200, voices, reach: |_, _| 1.0, microphones: 2 }.attributed();
    assert_turns(&attributed, &[&[(10, 150)], &[]]);
    assert_eq!(leads(&attributed).len(), 1);
}

#[test]
fn one_microphone_has_all_speech() {
    let voices = vec![(10..60, 0.3), (100..150, 0.01)];
    let attributed = Scene { frames: 200, voices, reach: |_, _| 1.0, microphones: 1 }.attributed();
    assert_turns(&attributed, &[&[(10, 60), (100, 150)]]);
}

#[test]
fn microphones_of_a_panel_are_distinguished() {
    // Each voice reaches the microphones beside it, and hardly those further away.
    let reach = |voice: usize, microphone: usize| match voice.abs_diff(microphone) {
        0 => 1.0,
        1 => BLEED,
        _ => 0.02,
    };
    let voices = (0..6).map(|voice| (voice * 40..voice * 40 + 30, 0.2)).collect();
    let attributed = Scene { frames: 250, voices, reach, microphones: 6 }.attributed();
    let expected: Vec<[(usize, usize); 1]> = (0..6).map(|voice| [(voice * 40, voice * 40 + 30)]).collect();
    let expected: Vec<&[(usize, usize)]> = expected.iter().map(|turns| &turns[..]).collect();
    assert_turns(&attributed, &expected);
}

#[test]
fn short_pauses_are_closed_and_short_noises_dropped() {
    let voices = vec![(10..50, 0.3), (55..90, 0.3), (120..123, 0.3)];
    let reach = |_: usize, microphone: usize| if microphone == 0 { 1.0 } else { 0.0 };
    let attributed = Scene { frames: 150, voices, reach, microphones: 2 }.attributed();
    assert_turns(&attributed, &[&[(10, 90)], &[]]);
    assert_eq!(leads(&attributed), [(0, 0)], "the lead begins before the turn");
}

#[test]
fn silence_has_neither_turns_nor_leads() {
    let attributed = Scene { frames: 50, voices: Vec::new(), reach: |_, _| 0.0, microphones: 3 }.attributed();
    assert_eq!(attributed, Attributed { turns: vec![Vec::new(); 3], changes: Vec::new() });
}

#[test]
fn pairs_of_channels_have_distinct_indices() {
    let mut indices: Vec<usize> = (0..5).flat_map(|high| (0..high).map(move |low| pair(low, high))).collect();
    indices.sort_unstable();
    assert_eq!(indices, (0..10).collect::<Vec<_>>());
    assert_eq!(pair(1, 3), pair(3, 1));
}
