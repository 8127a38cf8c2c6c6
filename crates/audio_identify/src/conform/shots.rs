//! The shots of an edit as those of a shot list. Pure functions.

use std::collections::BTreeMap;

use audio_fingerprint::{Match, Origin, Shot};
use audio_signal::rounded;
use audio_to_video_origin::VideoShot;
use media_time::{AssetTime, MediaTime, TimelineTime, Window};
use media_v2::Meta;
use primitives::Id;
use serde_json::{Value, json};

/// Version of the edit lists: changes when the same recordings may give other shots.
pub(crate) const VERSION: &str = "conform_v2";
/// Matches that are placed have at most this multiple of the edit's length together, which bounds memory.
const MAX_COVERAGE: i64 = 4;
/// Time that is compared before and after each match, on both sides together.
const REACH: MediaTime = MediaTime::from_millis(8_000);
/// Longest unknown stretch in a shot: in pauses of a source, audio that is laid over it is alone.
const MAX_BRIDGE: MediaTime = MediaTime::from_millis(5_000);
/// Difference of the offsets of parts of one shot: 1 ms.
const MAX_SHIFT: MediaTime = MediaTime::from_millis(1);
/// Name of shots whose source is known, and of the others.
const SOURCE: &str = "source";
const UNKNOWN: &str = "unknown";

/// A recording that shots show.
#[derive(Clone, Debug)]
pub(crate) struct ShotSource {
    pub(crate) asset_id: Id,
    /// Its length, where known: windows end there.
    pub(crate) duration: Option<MediaTime>,
}

/// The joined matches to place: the best ones, as far as memory allows.
pub(crate) fn bounded(mut matches: Vec<Match>, edit: MediaTime) -> Vec<Match> {
    let mut rest = MAX_COVERAGE * edit.as_micros() + 64 * REACH.as_micros();
    matches.sort_by_key(|found| {
        (u32::MAX - found.score, found.query.start(), found.source_id, found.source.start())
    });
    matches.retain(|found| {
        let needed = found.query.duration().as_micros() + REACH.as_micros();
        let fits = needed <= rest;
        rest -= if fits { needed } else { 0 };
        fits
    });
    matches
}

/// The shots, where two of one source at one offset are one if only a short unknown stretch is between them.
pub(crate) fn bridged(shots: Vec<Shot>) -> Vec<Shot> {
    let mut joined: Vec<Shot> = Vec::with_capacity(shots.len());
    for shot in shots {
        let bridge = match joined.as_slice() {
            [.., first, gap] => bridge(first, gap, &shot),
            _ => None,
        };
        match bridge {
            Some(bridge) => {
                joined.truncate(joined.len() - 2);
                joined.push(bridge);
            }
            None => joined.push(shot),
        }
    }
    joined
}

/// One shot from `first` to `last`, if `last` continues it after an unknown `gap`. Its levels are those of both parts.
fn bridge(first: &Shot, gap: &Shot, last: &Shot) -> Option<Shot> {
    let (a, b) = (first.origin.as_ref()?, last.origin.as_ref()?);
    let since = (last.edit.start() - first.edit.start()).as_secs_f64() * a.speed;
    let shift = (b.start - a.start - MediaTime::from_secs_f64(since)).as_micros().abs();
    let is_unknown = gap.origin.is_none() && gap.edit.duration() <= MAX_BRIDGE;
    if !is_unknown || a.source_id != b.source_id || shift > MAX_SHIFT.as_micros() {
        return None;
    }
    let (before, after) = (first.edit.duration().as_secs_f64(), last.edit.duration().as_secs_f64());
    let power = |decibels: f64| 10f64.powf(decibels / 10.0);
    let residual =
        (before * power(a.residual_db) + after * power(b.residual_db)) / (before + after).max(1e-6);
    let longer = if before >= after { a } else { b };
    let origin = Origin {
        start: a.start,
        residual_db: 10.0 * residual.max(1e-12).log10(),
        fade_in: a.fade_in,
        fade_out: b.fade_out,
        confidence: a.confidence.max(b.confidence),
        ..longer.clone()
    };
    let edit = Window::new(first.edit.start(), last.edit.end()).ok()?;
    Some(Shot { edit, origin: Some(origin) })
}

/// Rounds a level to decimals; −0 is 0.
fn level(decibels: f64, decimals: i32) -> f64 {
    rounded(decibels, decimals) + 0.0
}

/// The shots of a shot list, contiguous over the edit. Stretches without a source show the edit itself. `levels` has the
/// level of each shot in the edit, in dBFS.
pub(crate) fn video_shots(
    shots: &[Shot],
    levels: &[f64],
    edit: &ShotSource,
    sources: &BTreeMap<i64, ShotSource>,
) -> Vec<VideoShot> {
    let shots = shots.iter().zip(levels).filter(|(shot, _)| shot.edit.duration() > MediaTime::ZERO);
    let shot = |(shot, dbfs): (&Shot, &f64)| {
        let known = shot.origin.as_ref().and_then(|origin| {
            let source = sources.get(&origin.source_id)?;
            let length = shot.edit.duration().as_secs_f64() * origin.speed;
            let meta = source_meta(origin, *dbfs);
            window(shot, source, origin.start, MediaTime::from_secs_f64(length), meta)
        });
        known.or_else(|| {
            let meta = json!({"role": UNKNOWN, "level_dbfs": level(*dbfs, 1)});
            window(shot, edit, shot.edit.start(), shot.edit.duration(), object(meta))
        })
    };
    shots.filter_map(shot).collect()
}

/// The meta of a shot with a source. `unknown_db` is the level of other audio over the source, relative to it: music, a
/// voice-over, noise.
fn source_meta(origin: &Origin, level_dbfs: f64) -> Meta {
    object(json!({
        "role": SOURCE,
        "level_dbfs": level(level_dbfs, 1),
        "gain_db": level(origin.gain_db, 2),
        "unknown_db": level(origin.residual_db, 1),
        "fade_in_ms": origin.fade_in,
        "fade_out_ms": origin.fade_out,
        "speed": rounded(origin.speed, 6),
        "confidence": origin.confidence,
    }))
}

fn object(value: Value) -> Meta {
    match value {
        Value::Object(object) => object,
        _ => Meta::new(),
    }
}

/// A shot of the window of a source that starts at `start`, within the source; `None` if nothing of it is.
fn window(
    shot: &Shot,
    source: &ShotSource,
    start: MediaTime,
    length: MediaTime,
    meta: Meta,
) -> Option<VideoShot> {
    let last = source.duration.unwrap_or(MediaTime::MAX);
    let (from, to) = (start.max(MediaTime::ZERO), (start + length).min(last));
    (from < to).then(|| VideoShot {
        source_asset_id: source.asset_id.clone(),
        source_start: AssetTime::at(from),
        source_end: AssetTime::at(to),
        target_start: TimelineTime::at(shot.edit.start()),
        target_duration: shot.edit.duration(),
        meta,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: i64) -> MediaTime {
        MediaTime::from_millis(millis)
    }

    fn shot(start: i64, end: i64, source: Option<(i64, i64)>) -> Shot {
        let origin = source.map(|(source_id, start)| Origin {
            source_id,
            start: ms(start),
            speed: 1.0,
            gain_db: -6.0206,
            residual_db: -12.34,
            fade_in: ms(0),
            fade_out: ms(400),
            confidence: 0.999_99,
        });
        Shot { edit: Window::new(ms(start), ms(end)).unwrap(), origin }
    }

    fn sources() -> BTreeMap<i64, ShotSource> {
        let source = |id: &str, duration| ShotSource { asset_id: id.parse().unwrap(), duration };
        BTreeMap::from([(1, source("rushes", Some(ms(10_000)))), (2, source("unprobed", None))])
    }

    fn edit() -> ShotSource {
        ShotSource { asset_id: "film".parse().unwrap(), duration: Some(ms(7_000)) }
    }

    #[test]
    fn unknown_stretches_show_the_edit_itself() {
        let shots =
            [shot(0, 2_000, Some((1, 3_000))), shot(2_000, 5_000, None), shot(5_000, 7_000, Some((2, 0)))];
        let list = video_shots(&shots, &[-20.0, -18.04, -21.0], &edit(), &sources());
        let rows: Vec<_> = list
            .iter()
            .map(|shot| {
                let times = [shot.source_start.since_zero(), shot.target_start.since_zero()];
                (shot.source_asset_id.as_str(), times.map(MediaTime::as_millis_round))
            })
            .collect();
        assert_eq!(rows, [("rushes", [3_000, 0]), ("film", [2_000, 2_000]), ("unprobed", [0, 5_000])]);
        assert!(
            list.windows(2)
                .all(|pair| pair[0].target_start + pair[0].target_duration == pair[1].target_start)
        );
        assert_eq!(Value::Object(list[1].meta.clone()), json!({"role": "unknown", "level_dbfs": -18.0}));
        let expected = json!({
            "role": "source", "level_dbfs": -20.0, "gain_db": -6.02, "unknown_db": -12.3, "fade_in_ms": 0,
            "fade_out_ms": 400, "speed": 1.0, "confidence": 0.999_99,
        });
        assert_eq!(Value::Object(list[0].meta.clone()), expected);
    }

    #[test]
    fn pauses_of_a_source_under_other_audio_are_part_of_its_shot() {
        let continued = [
            shot(0, 2_000, Some((1, 3_000))),
            shot(2_000, 2_500, None),
            shot(2_500, 4_000, Some((1, 5_500))),
            shot(4_000, 4_700, None),
            shot(4_700, 6_000, Some((1, 7_700))),
        ];
        let joined = bridged(continued.to_vec());
        assert_eq!(joined.len(), 1, "{joined:?}");
        let origin = joined[0].origin.as_ref().unwrap();
        assert_eq!((joined[0].edit, origin.start), (Window::new(ms(0), ms(6_000)).unwrap(), ms(3_000)));
        assert!((origin.residual_db + 12.34).abs() < 1e-9 && origin.fade_out == ms(400), "{origin:?}");

        let [first, gap, last, ..] = continued;
        for (what, changed) in [
            ("another place", [first.clone(), gap.clone(), shot(2_500, 4_000, Some((1, 5_502)))]),
            ("another source", [first.clone(), gap.clone(), shot(2_500, 4_000, Some((2, 5_500)))]),
            (
                "too long a gap",
                [first.clone(), shot(2_000, 7_100, None), shot(7_100, 8_000, Some((1, 10_100)))],
            ),
            ("a shot between", [first.clone(), shot(2_000, 2_500, Some((2, 0))), last.clone()]),
        ] {
            assert_eq!(bridged(changed.to_vec()), changed, "{what}");
        }
    }

    #[test]
    fn windows_are_inside_their_sources() {
        let shots = [shot(0, 2_000, Some((1, -5))), shot(2_000, 4_000, Some((1, 9_000)))];
        let list = video_shots(&shots, &[0.0; 2], &edit(), &sources());
        let windows: Vec<_> =
            list.iter().map(|shot| (shot.source_start.as_micros(), shot.source_end.as_micros())).collect();
        assert_eq!(windows, [(0, 1_995_000), (9_000_000, 10_000_000)]);
        // A source that does not have the window at all is no source.
        let list = video_shots(&[shot(0, 2_000, Some((1, 10_500)))], &[0.0], &edit(), &sources());
        assert_eq!(list[0].meta["role"], "unknown");
    }

    #[test]
    fn number_of_placed_matches_is_bounded() {
        let found = |score: u32| Match {
            source_id: 1,
            query: Window::starting_at(ms(0), ms(9_000)),
            source: Window::starting_at(ms(i64::from(score)), ms(9_000)),
            speed: 1.0,
            pitch: 1.0,
            score,
            expected_by_chance: 1e-9,
            confidence: 1.0,
        };
        let matches: Vec<Match> = (0..500).map(found).collect();
        let kept = bounded(matches, ms(10_000));
        assert!((10..100).contains(&kept.len()), "{}", kept.len());
        assert!(kept.iter().all(|found| found.score > 400), "the best ones");
    }
}
