//! Fades at the edges of shots.

use super::path::Segment;
use super::presence::Presence;

/// Hops over which a gain is measured: 20 ms.
const WINDOW: usize = 4;
/// Hops at an edge that are searched: 3 s.
const REACH: usize = 600;
/// Part of the shot's gain from which a fade is complete.
const COMPLETE: f32 = 0.85;
/// Shorter fades are cuts: 40 ms, in hops.
const SHORTEST: usize = 8;

/// Lengths of the fades of a shot, in hops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fade {
    pub(super) rise: usize,
    pub(super) fall: usize,
}

/// The fades at the start and the end of a segment.
pub(super) fn fades(segment: &Segment, presences: &[Presence]) -> Fade {
    let Some(presence) = segment.presence.map(|index| &presences[index]) else { return Fade::default() };
    let length = segment.end - segment.start;
    let reach = REACH.min(length / 2);
    let gain = |start: usize| {
        let sums = presence.total(start..start + WINDOW);
        (!sums.is_silent() && sums.source > 0.0).then(|| (sums.product / sums.source).max(0.0))
    };
    // The shot's gain, from its middle half.
    let middle = presence.total(segment.start + length / 4..segment.end - length / 4);
    if middle.source <= 0.0 || middle.product <= 0.0 {
        return Fade::default();
    }
    let complete = COMPLETE * middle.product / middle.source;
    let is_complete = |start: usize| gain(start).is_some_and(|gain| gain >= complete);
    let from_start = (0..reach).find(|hop| is_complete(segment.start + hop));
    let from_end = (0..reach).find(|hop| is_complete((segment.end - hop).saturating_sub(WINDOW)));
    let fade = |hops: Option<usize>| hops.filter(|hops| *hops >= SHORTEST).unwrap_or(0);
    Fade { rise: fade(from_start), fall: fade(from_end) }
}
