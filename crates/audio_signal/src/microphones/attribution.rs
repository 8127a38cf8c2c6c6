//! Decides which channels speak, by the probability of speech and the level of each. Pure functions on frames of 32 ms.

use std::ops::Range;

use super::LeadChange;

/// A channel is a candidate from the first of these probabilities on, and until the second.
const SPEECH_ON: f32 = 0.5;
const SPEECH_OFF: f32 = 0.35;
/// Beside the loudest channel, another one speaks too if it is at most the first number of dB softer, and until it is the
/// second number softer; else what it has is cross-talk. A microphone at a speaker has a voice 12 to 25 dB louder than one
/// at the next speaker.
const OVERLAP_ON_DB: f32 = 9.0;
const OVERLAP_OFF_DB: f32 = 12.0;
/// A channel takes the lead if it is louder than the leading one by more than this, in dB.
const LEAD_DB: f32 = 3.0;
/// Channels whose samples correlate at least this much have the same signal, at any level: mono as stereo.
const SAME_SIGNAL: f32 = 0.9;
/// Of channels whose levels differ by at most this, in dB, the first is the loudest.
const TIE_DB: f32 = 0.5;
/// Share of a new frame in the smoothed levels: a time constant of 27 ms.
const SMOOTHING: f32 = 0.7;
/// Pauses up to this many frames (256 ms) are closed, and then turns of fewer than this many (160 ms) dropped.
const MAX_CLOSED_GAP: usize = 8;
const MIN_TURN: usize = 5;
/// A channel leads this many frames (512 ms) before its turn, if no other one speaks: the detector reacts with a delay, and
/// a transcriber needs the whole first word.
const LEAD_IN: usize = 16;
/// For this many frames (0.5 s) after its voice, a microphone that is clearly louder than the others has what they have: the
/// detectors of the channels do not end at the same frame.
const HOLD: usize = 16;
/// Energy of silence, so that levels are finite: −100 dBFS.
const SILENCE: f32 = 1e-10;

/// Energies of the channels in a frame, and how much their samples are alike.
#[derive(Clone, Debug)]
pub(super) struct FrameLevels {
    /// Mean square of each channel.
    energies: Vec<f32>,
    /// Mean product of each pair of channels, at [`pair`].
    products: Vec<f32>,
}

impl FrameLevels {
    /// Measures equally many samples of each channel.
    pub(super) fn of(channels: &[&[f32]]) -> Self {
        let mean = |a: &[f32], b: &[f32]| {
            let sum: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
            sum / a.len().max(1) as f32
        };
        let energies = channels.iter().map(|samples| mean(samples, samples)).collect();
        let mut products = Vec::with_capacity(channels.len() * channels.len().saturating_sub(1) / 2);
        for (index, samples) in channels.iter().enumerate() {
            products.extend(channels[..index].iter().map(|other| mean(samples, other)));
        }
        Self { energies, products }
    }

    /// Moves towards the levels of a new frame.
    fn smooth(&mut self, new: &Self) {
        let toward = |values: &mut [f32], new: &[f32]| {
            values.iter_mut().zip(new).for_each(|(value, new)| *value += SMOOTHING * (new - *value));
        };
        toward(&mut self.energies, &new.energies);
        toward(&mut self.products, &new.products);
    }

    /// The level of a channel in dBFS.
    fn level_db(&self, channel: usize) -> f32 {
        10.0 * self.energies[channel].max(SILENCE).log10()
    }

    /// The correlation of two different channels, −1 to 1.
    fn correlation(&self, a: usize, b: usize) -> f32 {
        let product = self.products[pair(a, b)];
        product / (self.energies[a] * self.energies[b]).sqrt().max(SILENCE)
    }
}

/// Index of a pair of different channels.
const fn pair(a: usize, b: usize) -> usize {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    high * (high - 1) / 2 + low
}

/// The speech of each channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributed {
    /// Frames of the turns of each channel, in order.
    pub(super) turns: Vec<Vec<Range<usize>>>,
    /// Which channel leads from which frame on; empty without speech.
    pub(super) changes: Vec<LeadChange>,
}

/// What was decided for a frame: one bit for each channel that speaks, and the leading one.
#[derive(Clone, Copy, Debug)]
struct Decision {
    active: u32,
    leader: Option<u8>,
}

/// Attributes speech to channels, frame by frame.
#[derive(Debug)]
pub(super) struct Attribution {
    /// Smoothed levels; `None` before the first frame.
    levels: Option<FrameLevels>,
    /// Whether each channel has speech, its own or another's, and whether it is its own.
    is_candidate: Vec<bool>,
    is_active: Vec<bool>,
    leader: Option<usize>,
    /// The last leader, and the number of frames since it led.
    last_leader: Option<(usize, usize)>,
    decisions: Vec<Decision>,
}

impl Attribution {
    /// At the start of a recording of at most 32 channels.
    pub(super) fn new(channels: usize) -> Self {
        Self {
            levels: None,
            is_candidate: vec![false; channels],
            is_active: vec![false; channels],
            leader: None,
            last_leader: None,
            decisions: Vec::new(),
        }
    }

    /// Adds a frame: the probability of speech in each channel, and the levels.
    pub(super) fn push(&mut self, speech: &[f32], new: FrameLevels) {
        let levels = match self.levels.take() {
            Some(mut levels) => {
                levels.smooth(&new);
                levels
            }
            None => new,
        };
        for (is_candidate, speech) in self.is_candidate.iter_mut().zip(speech) {
            *is_candidate = *speech >= if *is_candidate { SPEECH_OFF } else { SPEECH_ON };
        }
        self.leader = self.next_leader(&levels);
        self.last_leader = match (self.leader, self.last_leader) {
            (Some(leader), _) => Some((leader, 0)),
            (None, last) => last.map(|(leader, frames)| (leader, frames + 1)),
        };
        for channel in 0..self.is_active.len() {
            self.is_active[channel] = self.speaks(channel, &levels);
        }
        let bits = self.is_active.iter().enumerate().map(|(channel, active)| u32::from(*active) << channel);
        let leader = self.leader.and_then(|leader| u8::try_from(leader).ok());
        self.decisions.push(Decision { active: bits.sum(), leader });
        self.levels = Some(levels);
    }

    /// The loudest candidate; the previous leader while no other one is clearly louder.
    fn next_leader(&self, levels: &FrameLevels) -> Option<usize> {
        let candidates = (0..self.is_candidate.len()).filter(|channel| self.is_candidate[*channel]);
        let louder = |best: usize, channel: usize| {
            if levels.level_db(channel) > levels.level_db(best) + TIE_DB { channel } else { best }
        };
        let loudest = candidates.reduce(louder)?;
        if let Some((ended, frames)) = self.last_leader
            && !self.is_candidate[ended]
            && frames < HOLD
            && levels.level_db(ended) - levels.level_db(loudest) > OVERLAP_ON_DB
        {
            return None;
        }
        let kept = self.leader.filter(|leader| {
            self.is_candidate[*leader] && levels.level_db(loudest) - levels.level_db(*leader) <= LEAD_DB
        });
        Some(kept.unwrap_or(loudest))
    }

    /// Whether the speech in a channel is its own.
    fn speaks(&self, channel: usize, levels: &FrameLevels) -> bool {
        let Some(leader) = self.leader.filter(|_| self.is_candidate[channel]) else { return false };
        if channel == leader {
            return true;
        }
        let most = if self.is_active[channel] { OVERLAP_OFF_DB } else { OVERLAP_ON_DB };
        levels.level_db(leader) - levels.level_db(channel) <= most
            && levels.correlation(channel, leader).abs() < SAME_SIGNAL
    }

    /// The turns and the leading channels.
    pub(super) fn finish(self) -> Attributed {
        let Self { is_active, decisions, .. } = self;
        let turns = (0..is_active.len()).map(|channel| turns_of(&decisions, channel)).collect();
        Attributed { turns, changes: changes_of(&decisions) }
    }
}

/// The turns of a channel.
fn turns_of(decisions: &[Decision], channel: usize) -> Vec<Range<usize>> {
    let mut turns: Vec<Range<usize>> = Vec::new();
    let active = decisions.iter().enumerate().filter(|(_, decision)| (decision.active >> channel) & 1 == 1);
    for (frame, _) in active {
        match turns.last_mut() {
            Some(last) if frame - last.end <= MAX_CLOSED_GAP => last.end = frame + 1,
            _ => turns.push(frame..frame + 1),
        }
    }
    turns.retain(|turn| turn.len() >= MIN_TURN);
    turns
}

/// The changes of the leading channel. A lead of fewer than [`MIN_TURN`] frames is none, unless there is no longer one.
fn changes_of(decisions: &[Decision]) -> Vec<LeadChange> {
    let mut runs: Vec<(usize, Range<usize>)> = Vec::new();
    for (frame, decision) in decisions.iter().enumerate() {
        let Some(leader) = decision.leader.map(usize::from) else { continue };
        match runs.last_mut() {
            Some((channel, run)) if *channel == leader && frame - run.end <= MAX_CLOSED_GAP => {
                run.end = frame + 1;
            }
            _ => runs.push((leader, frame..frame + 1)),
        }
    }
    if runs.iter().any(|(_, run)| run.len() >= MIN_TURN) {
        runs.retain(|(_, run)| run.len() >= MIN_TURN);
    }
    let mut changes: Vec<LeadChange> = Vec::new();
    let mut end = 0;
    for (channel, run) in runs {
        if changes.last().is_none_or(|last| last.channel != channel) {
            let frame = run.start.saturating_sub(LEAD_IN).max(end).min(run.start);
            changes.push(LeadChange { frame, channel });
        }
        end = run.end;
    }
    changes
}

#[cfg(test)]
mod tests;
