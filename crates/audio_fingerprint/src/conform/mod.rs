//! The edit list of a finished edit: which part of which source is where.

mod edges;
mod path;
mod presence;

use media_time::{MediaTime, Window};

use self::edges::{Fade, fades};
use self::path::{Segment, best_path};
use self::presence::{HOP, Placement, Presence};
use crate::recording::{Middle, refine_middle};
use crate::samples::{Samples, Sources};
use crate::{Match, RATE, link};

/// Part of an edit, from one source or from none that is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Shot {
    /// The part of the edit.
    pub edit: Window<MediaTime>,
    /// Where it is from; `None` for an unknown stretch.
    pub origin: Option<Origin>,
}

/// The source of a shot.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    /// Identifier of the source in the index.
    pub source_id: i64,
    /// Time in the source at the shot's start.
    pub start: MediaTime,
    /// Speed of the edit relative to the source.
    pub speed: f64,
    /// Level in the edit relative to the source, in dB.
    pub gain_db: f64,
    /// Level of other audio (music, a voice, noise) relative to that of the source, in dB.
    pub residual_db: f64,
    /// Time from the shot's start in which its level rises; in it, the previous shot may be present, too. Zero for a cut.
    pub fade_in: MediaTime,
    /// Time before the shot's end in which its level falls.
    pub fade_out: MediaTime,
    /// Probability that the shot's match is not chance.
    pub confidence: f64,
}

/// Hops at the edges of a shot that are no part of its levels: 20 ms.
const EDGE: usize = 4;
/// Samples by which a match is extended on either side, to find its edges: 4 s.
const REACH: i64 = 4 * RATE as i64;

/// Correlation of the samples from which a match is placed although its phases alone are no proof: those of periodic music
/// correlate as well at each period.
const SAME_SAMPLES: f64 = 0.7;
/// Shortest part of a match that is placed on its own: 1 s.
const SHORTEST_PART: MediaTime = MediaTime::from_millis(1_000);

/// Finds the shots of `edit` by `matches` of its blocks in the sources, whose query times are those of the whole edit.
///
/// Every match is refined to the sample; then the edit's hops of 5 ms are assigned to the matches that explain them best,
/// with a cost for each cut. Shots cover the edit without gaps. Where two sources are present at once (a dissolve), the
/// cut is where they are equally loud, and both shots have a fade. Memory: 20 bytes for each hop and match that is
/// placed there.
///
/// # Errors
/// When the edit or a source cannot be read.
pub fn conform<E: Samples, S: Sources<Error = E::Error>>(
    edit: &mut E,
    sources: &mut S,
    matches: &[Match],
) -> Result<Vec<Shot>, E::Error> {
    let mut presences = Vec::new();
    for found in link(matches.to_vec()) {
        place_parts(edit, sources, &found, &mut presences)?;
    }
    let hops = edit.len().div_ceil(HOP as u64) as usize;
    let segments = best_path(&presences, hops);
    let shots: Vec<(Segment, Fade)> =
        segments.iter().map(|segment| (*segment, fades(segment, &presences))).collect();
    Ok(shots.iter().map(|(segment, fade)| shot(segment, fade, &presences, edit.len())).collect())
}

/// Adds the place of a match to those that are known, and those of its halves that are not explained by it: two shots of
/// one take whose offsets differ by less than landmarks show are one match.
fn place_parts<E: Samples, S: Sources<Error = E::Error>>(
    edit: &mut E,
    sources: &mut S,
    found: &Match,
    presences: &mut Vec<Presence>,
) -> Result<(), E::Error> {
    let mut waiting = vec![*found];
    while let Some(part) = waiting.pop() {
        let known = match place(edit, sources, &part)? {
            Some(placement) => {
                let is_known =
                    |other: &Presence| other.placement.is_same(&placement) && other.covers(&placement);
                let known = presences.iter().position(is_known);
                if known.is_none() {
                    presences.push(Presence::measure(edit, sources, placement)?);
                }
                Some(known.unwrap_or(presences.len() - 1))
            }
            None => None,
        };
        // What is not placed is mostly chance: only its halves are tried.
        if known.is_none() && part != *found {
            continue;
        }
        let is_explained = |half: &Match| known.is_some_and(|known| presences[known].explains(half.query));
        waiting.extend(halves(&part).into_iter().flatten().filter(|half| !is_explained(half)));
    }
    Ok(())
}

/// Both halves of a match; `None` if they are too short to be placed.
fn halves(found: &Match) -> Option<[Match; 2]> {
    let half = MediaTime::from_micros(found.query.duration().as_micros() / 2);
    (half >= SHORTEST_PART).then(|| {
        [found.query.start(), found.query.start() + half].map(|start| {
            let length = MediaTime::from_secs_f64(half.as_secs_f64() * found.speed);
            Match {
                query: Window::starting_at(start, half),
                source: Window::starting_at(found.source_at(start), length),
                ..*found
            }
        })
    })
}

/// The exact place of a match in its source; `None` if it cannot be confirmed by correlation.
fn place<E: Samples, S: Sources<Error = E::Error>>(
    edit: &mut E,
    sources: &mut S,
    found: &Match,
) -> Result<Option<Placement>, E::Error> {
    let is_placed = |middle: &Middle| middle.is_certain() || middle.refined.correlation.abs() >= SAME_SAMPLES;
    let middle = refine_middle(edit, sources, found)?.filter(is_placed);
    let Some(Middle { refined, query_start, source_start }) = middle else {
        return Ok(None);
    };
    let (start, end) = (found.query.start().to_samples(RATE), found.query.end().to_samples(RATE));
    let length = edit.len().cast_signed();
    let hop = |sample: i64| (sample.clamp(0, length) as usize).div_ceil(HOP);
    Ok(Some(Placement {
        source_id: found.source_id,
        offset: source_start as f64 + refined.source_start - query_start as f64 * refined.speed,
        speed: refined.speed,
        first_hop: hop(start - REACH),
        end_hop: hop(end + REACH),
        matched: (hop(start), hop(end)),
        confidence: found.confidence,
    }))
}

fn shot(segment: &Segment, fade: &Fade, presences: &[Presence], samples: u64) -> Shot {
    let time = |hop: usize| MediaTime::from_samples(((hop * HOP) as i64).min(samples.cast_signed()), RATE);
    let edit = Window::starting_at(time(segment.start), time(segment.end) - time(segment.start));
    let origin = segment.presence.map(|index| {
        let presence = &presences[index];
        let Placement { source_id, offset, speed, confidence, .. } = presence.placement;
        // Without the hops at the edges, which may belong to the neighbours.
        let edge = EDGE.min((segment.end - segment.start) / 4);
        let level = presence.level(segment.start + edge..segment.end - edge);
        Origin {
            source_id,
            start: MediaTime::from_secs_f64(
                (offset + (segment.start * HOP) as f64 * speed) / f64::from(RATE),
            ),
            speed,
            gain_db: level.gain_db,
            residual_db: level.residual_db,
            fade_in: time(fade.rise),
            fade_out: time(fade.fall),
            confidence,
        }
    });
    Shot { edit, origin }
}
