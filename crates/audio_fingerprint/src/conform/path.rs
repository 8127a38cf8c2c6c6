//! The assignment of hops to placements that explains an edit best (Viterbi).

use std::ops::Range;

use super::presence::Presence;

/// What is left of a hop that is explained entirely: bounded, so that a loud hop does not outweigh many.
const LEAST_REST: f32 = 0.001;
/// Independent values of a hop, halved: the weight of its evidence.
const WEIGHT: f32 = 4.0;
/// Evidence for an unknown source: as if it explained 3 % of the power. In a pause, a source explains nothing, and is not
/// contradicted either; this much longer pauses are unknown.
const UNKNOWN: f32 = 0.12;
/// Cost of a lower gain than the placement's that its neighbours have, too, as in fades, and the least such gain.
const FADED: f32 = 0.25;
const LEAST_FADED: f32 = 0.25;
/// Cost of any other gain: the source then has to explain more than 35 % of a hop.
const OTHER_GAIN: f32 = 1.72;
/// Cost of a cut, in the same unit (nats).
const CUT: f32 = 24.0;
/// Hops of the shortest unknown stretch, and of the shortest shots between two placements that alternate: 0.4 s.
const SHORTEST: usize = 80;

/// Hops of the shortest shot between unknown stretches: 0.3 s, the shortest query.
const SHORTEST_ALONE: usize = 60;
/// Hops of the longest unknown stretch in a shot: 5 s.
const LONGEST_PAUSE: usize = 1_000;

/// Consecutive hops of one placement, or of none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Index of the placement; `None` if the source is unknown.
    pub(super) presence: Option<usize>,
}

/// A state in one hop: unknown (0) or the placement before.
#[derive(Clone, Copy)]
struct State {
    placement: usize,
    score: f32,
    /// The state of the previous hop.
    from: usize,
}

/// Segments that cover `hops` hops without gaps.
pub(super) fn best_path(presences: &[Presence], hops: usize) -> Vec<Segment> {
    let mut order: Vec<usize> = (0..presences.len()).collect();
    order.sort_by_key(|index| presences[*index].placement.first_hop);
    let (mut waiting, mut active) = (order.into_iter().peekable(), Vec::<usize>::new());
    let mut steps: Vec<Vec<(u32, u32)>> = Vec::with_capacity(hops);
    let mut states = vec![State { placement: 0, score: 0.0, from: 0 }];
    let evidence = Evidence::new(presences, hops);
    for hop in 0..hops {
        while let Some(index) = waiting.next_if(|index| presences[*index].placement.first_hop <= hop) {
            active.push(index);
        }
        active.retain(|index| presences[*index].placement.end_hop > hop);
        let best = best_of(&states);
        // Scores grow with the recording; only their differences matter.
        let highest = best.score;
        let candidates = std::iter::once(0).chain(active.iter().map(|index| index + 1));
        let next = candidates.map(|placement| {
            let same = states.iter().find(|state| state.placement == placement);
            let stay = same.map_or(f32::MIN, |state| state.score);
            let (score, from) = if stay >= highest - CUT || hop == 0 && placement == 0 {
                (stay, placement)
            } else {
                (highest - CUT, best.placement)
            };
            State { placement, score: score - highest + evidence.of(placement, hop), from }
        });
        states = next.collect();
        steps.push(states.iter().map(|state| (state.placement as u32, state.from as u32)).collect());
    }
    let segments = segments(&steps, best_of(&states).placement);
    let segments = without_gaps(without_fragments(segments), &evidence);
    without_alternations(segments, &evidence)
}

fn best_of(states: &[State]) -> State {
    let none = State { placement: 0, score: f32::MIN, from: 0 };
    states.iter().fold(none, |best, state| if state.score > best.score { *state } else { best })
}

/// The evidence for states in hops.
struct Evidence<'a> {
    presences: &'a [Presence],
    /// The hops in which the edit is silent, of those that have a placement.
    silent: Vec<bool>,
}

impl<'a> Evidence<'a> {
    fn new(presences: &'a [Presence], hops: usize) -> Self {
        let mut silent = vec![false; hops];
        // Where there are several placements, that of the first one counts.
        for presence in presences.iter().rev() {
            let hops = presence.placement.first_hop..presence.placement.end_hop.min(hops);
            for hop in hops {
                if let Some(sums) = presence.at(hop) {
                    silent[hop] = sums.is_silent();
                }
            }
        }
        Self { presences, silent }
    }

    /// Evidence in nats for a state in a hop. Silence of the edit is evidence against sources that are not silent, and against
    /// an unknown one: those that are silent, too, have foreseen it.
    fn of(&self, placement: usize, hop: usize) -> f32 {
        let Some(presence) = placement.checked_sub(1) else {
            return if self.silent[hop] { -UNKNOWN } else { UNKNOWN };
        };
        let presence = &self.presences[presence];
        presence.at(hop).map_or(0.0, |sums| {
            let nats = |rest: f32| -WEIGHT * rest.max(LEAST_REST).ln();
            let faded = presence.local_gain(hop).clamp(LEAST_FADED * presence.gain, presence.gain);
            let [own, faded] = [presence.gain, faded].map(|gain| nats(sums.rest(gain)));
            own.max(faded - FADED).max(nats(1.0 - sums.explained()) - OTHER_GAIN)
        })
    }
}

/// The path that ends in `last`, from each hop's states and the states they came from.
fn segments(steps: &[Vec<(u32, u32)>], last: usize) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut placement = last as u32;
    for (hop, states) in steps.iter().enumerate().rev() {
        let presence = (placement as usize).checked_sub(1);
        match segments.last_mut() {
            Some(segment) if segment.presence == presence => segment.start = hop,
            _ => segments.push(Segment { start: hop, end: hop + 1, presence }),
        }
        let from = states.iter().find(|state| state.0 == placement);
        placement = from.map_or(0, |state| state.1);
    }
    segments.reverse();
    segments
}

/// Replaces alternations between two placements that are too quick to be cuts by one cut: in a dissolve, both are present,
/// and each explains some hops better.
fn without_alternations(mut segments: Vec<Segment>, evidence: &Evidence<'_>) -> Vec<Segment> {
    let mut index = 0;
    while index + 3 < segments.len() {
        let four = &segments[index..index + 4];
        let is_short = |segment: &Segment| segment.end - segment.start < SHORTEST;
        let alternates = four[0].presence == four[2].presence && four[1].presence == four[3].presence;
        if !(alternates && four[1..3].iter().all(is_short)) {
            index += 1;
            continue;
        }
        let best = best_cut(four[1].start..four[2].end, [&four[0], &four[1]], evidence);
        segments[index].end = best;
        segments[index + 3].start = best;
        segments.drain(index + 1..index + 3);
        index = index.saturating_sub(1);
    }
    segments
}

/// The hop in `hops` from which the later one of two segments explains the edit better than the earlier one.
fn best_cut(hops: Range<usize>, [earlier, later]: [&Segment; 2], evidence: &Evidence<'_>) -> usize {
    let state = |segment: &Segment| segment.presence.map_or(0, |presence| presence + 1);
    let (mut advantage, mut best) = (0.0, (0.0, hops.end));
    for hop in hops.rev() {
        advantage += evidence.of(state(later), hop) - evidence.of(state(earlier), hop);
        if advantage > best.0 {
            best = (advantage, hop);
        }
    }
    best.1
}

/// Segments without shots between unknown stretches that are shorter than any proof of a source: recordings have sounds in
/// common.
fn without_fragments(segments: Vec<Segment>) -> Vec<Segment> {
    let mut kept: Vec<Segment> = Vec::with_capacity(segments.len());
    let mut rest = segments.into_iter().peekable();
    while let Some(mut segment) = rest.next() {
        let is_alone = |other: Option<&Segment>| other.is_none_or(|other| other.presence.is_none());
        if segment.end - segment.start < SHORTEST_ALONE && is_alone(kept.last()) && is_alone(rest.peek()) {
            segment.presence = None;
        }
        match kept.last_mut() {
            Some(last) if last.presence.is_none() && segment.presence.is_none() => last.end = segment.end,
            _ => kept.push(segment),
        }
    }
    kept
}

/// Replaces unknown stretches between two placements that are too short to be shots by a cut: where shots fade out and
/// in, other audio explains more than they do. Between two parts of one shot, longer ones are left out as well, unless they
/// contradict it: in its pauses, audio that is laid over it is alone.
fn without_gaps(mut segments: Vec<Segment>, evidence: &Evidence<'_>) -> Vec<Segment> {
    let presences = evidence.presences;
    let mut index = 0;
    while index + 1 < segments.len() {
        let (before, next) = (segments[index], segments[index + 1]);
        let Some(first) = before.presence else {
            index += 1;
            continue;
        };
        let continues = |segment: &Segment| {
            let same = |second: usize| presences[first].continues(&presences[second], segment.start);
            segment.presence.is_some_and(same)
        };
        if continues(&next) {
            segments[index].end = next.end;
            segments.remove(index + 1);
            continue;
        }
        let length = next.end - next.start;
        match segments.get(index + 2).copied().filter(|_| next.presence.is_none()) {
            Some(after)
                if continues(&after)
                    && (length < SHORTEST
                        || length <= LONGEST_PAUSE && is_pause(next.start..next.end, &presences[first])) =>
            {
                segments[index].end = after.end;
                segments.drain(index + 1..index + 3);
            }
            Some(after) if length < SHORTEST && after.presence.is_some() => {
                let cut = best_cut(next.start..next.end, [&before, &after], evidence);
                segments[index].end = cut;
                segments[index + 2].start = cut;
                segments.remove(index + 1);
            }
            _ => index += 1,
        }
    }
    segments
}

/// Does a source not contradict these hops of the edit?
fn is_pause(hops: Range<usize>, presence: &Presence) -> bool {
    let nats: f32 = hops
        .filter_map(|hop| presence.at(hop))
        .map(|sums| -WEIGHT * sums.rest(presence.gain).max(LEAST_REST).ln())
        .sum();
    nats >= -CUT
}
