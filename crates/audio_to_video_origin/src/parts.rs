//! Divides clips at the pieces of their audio sources. Pure functions.

use media_time::{AssetTime, LocalTime, MediaTime, TimelineTime, Window};

use crate::ClipOffset;
use crate::plan::Clip;

/// A part of a clip that plays one stretch of the recording: the whole clip, or one piece of its audio source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClipPart {
    /// Start in the recording.
    pub(crate) recording_start: AssetTime,
    /// Start in the audio source.
    pub(crate) source_offset: LocalTime,
    pub(crate) target_start: TimelineTime,
    pub(crate) duration: MediaTime,
}

/// The parts of a clip whose audio source starts at `start` in the recording, or consists of `pieces` of the window that
/// starts there. The last piece goes on for as long as the clip.
pub(crate) fn parts(clip: &Clip, start: AssetTime, pieces: Option<&[ClipOffset]>) -> Vec<ClipPart> {
    let Some(pieces) = pieces else {
        return vec![ClipPart {
            recording_start: clip.source_offset.with_zero_at(start),
            source_offset: clip.source_offset,
            target_start: clip.start,
            duration: clip.duration,
        }];
    };
    let played = Window::starting_at(clip.source_offset, clip.duration);
    let (mut parts, mut local) = (Vec::new(), LocalTime::ZERO);
    for (index, piece) in pieces.iter().enumerate() {
        let end = local + piece.duration;
        let end = if index + 1 == pieces.len() { end.max(played.end()) } else { end };
        if let Some(part) = Window::starting_at(local, end - local).intersect(played) {
            parts.push(ClipPart {
                recording_start: start + piece.offset + (part.start() - local),
                source_offset: part.start(),
                target_start: clip.start + (part.start() - clip.source_offset),
                duration: part.duration(),
            });
        }
        local = end;
    }
    parts
}

/// The number of [`parts`] of a clip.
pub(crate) fn part_count(clip: &Clip, pieces: Option<&[ClipOffset]>) -> usize {
    let Some([pieces @ .., _]) = pieces else { return 1 };
    let (from, until) = (clip.source_offset, clip.source_offset + clip.duration);
    let (mut local, mut count) = (LocalTime::ZERO, 0);
    for piece in pieces {
        let end = local + piece.duration;
        count += usize::from(local < until && from < end);
        local = end;
    }
    // The last piece goes on.
    count + usize::from(local < until)
}

#[cfg(test)]
mod tests {
    use media_time::Instant;

    use super::*;

    fn ms<T: Instant>(millis: i64) -> T {
        T::at(MediaTime::from_millis(millis))
    }

    #[test]
    fn clips_are_divided_at_the_pieces_of_their_sources() {
        let piece =
            |(offset, duration): (i64, i64)| ClipOffset { offset: ms(offset), duration: ms(duration) };
        let pieces = [(500, 100), (0, 50), (300, 30)].map(piece);
        let found = |source_offset: i64, duration: i64| {
            let (start, label, gain_db) = (ms(7_000), None, 0.0);
            let (source_offset, duration) = (ms(source_offset), ms(duration));
            let clip = Clip { source: 0, track: None, start, duration, source_offset, label, gain_db };
            let part = |part: ClipPart| {
                let times = [
                    part.recording_start.since_zero(),
                    part.source_offset.since_zero(),
                    part.target_start.since_zero(),
                    part.duration,
                ];
                times.map(MediaTime::as_millis_round)
            };
            assert_eq!(part_count(&clip, Some(&pieces)), parts(&clip, ms(10_000), Some(&pieces)).len());
            parts(&clip, ms(10_000), Some(&pieces)).into_iter().map(part).collect::<Vec<_>>()
        };
        let all = [[10_500, 0, 7_000, 100], [10_000, 100, 7_100, 50], [10_300, 150, 7_150, 30]];
        assert_eq!(found(0, 180), all);
        assert_eq!(found(40, 70), [[10_540, 40, 7_000, 60], [10_000, 100, 7_060, 10]]);
        assert_eq!(found(160, 100), [[10_310, 160, 7_000, 100]], "the last piece goes on");
        assert_eq!(found(900, 10), [[11_050, 900, 7_000, 10]]);
    }
}
