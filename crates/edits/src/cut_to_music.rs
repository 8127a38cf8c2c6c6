//! Windows of sources for the beats or bars of music. Pure functions.

use audio_to_video_origin::VideoShot;
use media_time::{AssetTime, MediaTime, TimelineTime, Window};
use media_v2::Meta;
use primitives::Id;
use serde_json::json;

use crate::dealing::{Dealer, DealtWindow};
use crate::semantics::{Beat, Loudness};
use crate::{Error, Every, MAX_SHOTS, MissingBeats, SourceOrder};

/// Version of the edit: changes when the same timelines and request may give other shots.
pub(crate) const VERSION: &str = "cut_to_music_v1";
/// Minimum duration of an interval between cuts.
const MIN_INTERVAL: MediaTime = MediaTime::from_millis(100);

/// The music of an edit.
#[derive(Debug)]
pub(crate) struct Music {
    pub(crate) asset_id: Id,
    /// The part to use; not empty.
    pub(crate) window: Window<AssetTime>,
    /// In ascending order.
    pub(crate) beats: Vec<Beat>,
    pub(crate) loudness: Loudness,
}

/// A recording to show.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) asset_id: Id,
    /// The part to show.
    pub(crate) window: Window<AssetTime>,
    /// Read for the order `energy` only.
    pub(crate) loudness: Loudness,
}

/// The parameters of the edit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MusicRule {
    pub(crate) every: Every,
    pub(crate) order: SourceOrder,
    pub(crate) seed: i64,
}

/// The shots of the edit: contiguous, one for each interval.
///
/// # Errors
/// [`Error::BeatsRequired`], [`Error::TooManyShots`], [`Error::SourcesTooShort`].
pub(crate) fn shots(music: &Music, sources: &[Source], rule: MusicRule) -> Result<Vec<VideoShot>, Error> {
    let intervals = intervals(&music.beats, music.window, rule.every)
        .ok_or_else(|| Error::BeatsRequired { asset_id: music.asset_id.clone(), missing: missing(music) })?;
    if intervals.len() > MAX_SHOTS {
        return Err(Error::TooManyShots { shots: intervals.len() });
    }
    let windows = match rule.order {
        SourceOrder::Given => dealt(&intervals, sources, None)?,
        SourceOrder::Shuffled => dealt(&intervals, sources, Some(rule.seed))?,
        SourceOrder::Energy => by_energy(&intervals, music, sources)?,
    };
    let shot = |(index, (interval, dealt)): (usize, (&Window<AssetTime>, DealtWindow))| VideoShot {
        source_asset_id: sources[dealt.source].asset_id.clone(),
        source_start: dealt.window.start(),
        source_end: dealt.window.end(),
        target_start: TimelineTime::at(interval.start() - music.window.start()),
        target_duration: interval.duration(),
        meta: meta(music, *interval, format!("{} {}", rule.every.label(), index + 1)),
    };
    Ok(intervals.iter().zip(windows).enumerate().map(shot).collect())
}

/// Why music without a cut point has none.
fn missing(music: &Music) -> MissingBeats {
    if music.beats.is_empty() {
        MissingBeats::Everywhere
    } else if music.beats.iter().any(|beat| music.window.contains(beat.time)) {
        MissingBeats::Bars
    } else {
        MissingBeats::InWindow
    }
}

/// Names the music, and its instant at the start of the shot.
fn meta(music: &Music, interval: Window<AssetTime>, label: String) -> Meta {
    let members = [
        ("label", json!(label)),
        ("music_asset_id", json!(music.asset_id)),
        ("music_start_ms", json!(interval.start())),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The intervals between the cut points in `window`, from its start to its end; `None` without a cut point.
fn intervals(beats: &[Beat], window: Window<AssetTime>, every: Every) -> Option<Vec<Window<AssetTime>>> {
    let is_bar = matches!(every, Every::Bar | Every::TwoBars);
    let step = if matches!(every, Every::TwoBeats | Every::TwoBars) { 2 } else { 1 };
    let points = beats.iter().filter(|beat| !is_bar || beat.is_downbeat).map(|beat| beat.time);
    let mut points = points.filter(|point| window.contains(*point)).step_by(step).peekable();
    points.peek()?;
    let (mut intervals, mut start) = (Vec::new(), window.start());
    for point in points {
        // A shorter interval is part of its neighbour.
        if point - start >= MIN_INTERVAL && window.end() - point >= MIN_INTERVAL {
            intervals.push(Window::starting_at(start, point - start));
            start = point;
        }
    }
    intervals.push(Window::starting_at(start, window.end() - start));
    Some(intervals)
}

/// The next window of the next source for each interval.
fn dealt(
    intervals: &[Window<AssetTime>],
    sources: &[Source],
    shuffled: Option<i64>,
) -> Result<Vec<DealtWindow>, Error> {
    let windows: Vec<_> = sources.iter().map(|source| source.window).collect();
    let mut dealer = Dealer::new(&windows, shuffled);
    let deal = |interval: &Window<AssetTime>| {
        let length = interval.duration();
        dealer.deal(length).ok_or(Error::SourcesTooShort(length))
    };
    intervals.iter().map(deal).collect()
}

/// As many windows as intervals, dealt in the given order with the length of the longest interval; the interval with
/// the n-th highest loudness gets the start of the window with the n-th highest loudness. Equal ones keep their
/// order.
fn by_energy(
    intervals: &[Window<AssetTime>],
    music: &Music,
    sources: &[Source],
) -> Result<Vec<DealtWindow>, Error> {
    let longest = intervals.iter().map(|interval| interval.duration()).max().unwrap_or_default();
    let longest = vec![Window::starting_at(AssetTime::ZERO, longest); intervals.len()];
    let windows = dealt(&longest, sources, None)?;
    let of_windows = ranked(windows.iter().map(|dealt| sources[dealt.source].loudness.mean(dealt.window)));
    let of_intervals = ranked(intervals.iter().map(|interval| music.loudness.mean(*interval)));
    let mut matched = windows.clone();
    for (interval, window) in of_intervals.into_iter().zip(of_windows) {
        let DealtWindow { source, window } = windows[window];
        let window = Window::starting_at(window.start(), intervals[interval].duration());
        matched[interval] = DealtWindow { source, window };
    }
    Ok(matched)
}

/// The indices of the values, highest first.
fn ranked(values: impl Iterator<Item = f64>) -> Vec<usize> {
    let values: Vec<f64> = values.collect();
    let mut indices: Vec<usize> = (0..values.len()).collect();
    indices.sort_by(|one, other| values[*other].total_cmp(&values[*one]));
    indices
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn at(ms: i64) -> AssetTime {
        AssetTime::from_millis(ms)
    }

    fn window(start: i64, end: i64) -> Window<AssetTime> {
        Window::new(at(start), at(end)).unwrap()
    }

    /// Bars of four beats at 120 bpm, from 250 ms; louder from 4 s on.
    fn music(start: i64, end: i64) -> Music {
        let beat = |index: i64| Beat { time: at(250 + 500 * index), is_downbeat: index % 4 == 0 };
        Music {
            asset_id: "music".parse().unwrap(),
            window: window(start, end),
            beats: (0..40).map(beat).collect(),
            loudness: Loudness::of([(window(0, 4_000), -30.0), (window(4_000, 20_000), -10.0)]),
        }
    }

    fn source(name: &str, start: i64, end: i64, lufs: f64) -> Source {
        let loudness = Loudness::of([(window(0, 60_000), lufs)]);
        Source { asset_id: name.parse().unwrap(), window: window(start, end), loudness }
    }

    fn rule(every: Every, order: SourceOrder) -> MusicRule {
        MusicRule { every, order, seed: 3 }
    }

    fn cuts(start: i64, end: i64, every: Every) -> Vec<i64> {
        let intervals = intervals(&music(0, 1).beats, window(start, end), every).unwrap();
        intervals.iter().map(|interval| interval.start().since_zero().as_millis_round()).collect()
    }

    #[test]
    fn cut_points_are_beats_or_bars() {
        assert_eq!(cuts(0, 2_000, Every::Beat), [0, 250, 750, 1_250, 1_750]);
        assert_eq!(cuts(0, 2_000, Every::TwoBeats), [0, 250, 1_250]);
        assert_eq!(cuts(0, 7_000, Every::Bar), [0, 250, 2_250, 4_250, 6_250]);
        assert_eq!(cuts(0, 7_000, Every::TwoBars), [0, 250, 4_250]);
        assert_eq!(cuts(200, 800, Every::Beat), [200], "intervals shorter than 100 ms are part of others");
        assert_eq!(intervals(&[], window(0, 1_000), Every::Beat), None);
        let metreless = [Beat { time: at(500), is_downbeat: false }];
        assert_eq!(intervals(&metreless, window(0, 1_000), Every::Bar), None);
    }

    #[test]
    fn music_without_cut_points_is_refused_with_what_it_lacks() {
        let sources = [source("a", 0, 60_000, -20.0)];
        let lacks =
            |music: Music, every: Every| match shots(&music, &sources, rule(every, SourceOrder::Given)) {
                Err(Error::BeatsRequired { missing, .. }) => missing,
                other => panic!("{other:?}"),
            };
        let silent = Music { beats: Vec::new(), ..music(0, 5_000) };
        assert_eq!(lacks(silent, Every::Bar), MissingBeats::Everywhere);
        assert_eq!(lacks(music(300, 700), Every::Beat), MissingBeats::InWindow);
        assert_eq!(lacks(music(300, 1_800), Every::Bar), MissingBeats::Bars);
        assert!(!MissingBeats::Everywhere.to_string().contains("every"));
    }

    #[test]
    fn shots_name_the_music_and_its_time() {
        let sources = [source("a", 0, 60_000, -20.0), source("b", 1_000, 60_000, -20.0)];
        let shots = shots(&music(1_000, 5_000), &sources, rule(Every::Bar, SourceOrder::Given)).unwrap();
        let seen: Vec<_> = shots
            .iter()
            .map(|shot| {
                (
                    shot.source_asset_id.as_str(),
                    shot.source_start,
                    shot.target_start,
                    &shot.meta["music_start_ms"],
                )
            })
            .collect();
        let target = TimelineTime::from_millis;
        assert_eq!(
            seen,
            [
                ("a", at(0), target(0), &json!(1_000)),
                ("b", at(1_000), target(1_250), &json!(2_250)),
                ("a", at(1_250), target(3_250), &json!(4_250)),
            ]
        );
        assert!(shots.iter().all(|shot| shot.meta["music_asset_id"] == "music"));
        assert_eq!(shots[2].meta["label"], "bar 3");
    }

    #[test]
    fn loud_windows_accompany_loud_intervals() {
        let sources = [source("loud", 0, 60_000, -5.0), source("soft", 0, 60_000, -40.0)];
        let shots = shots(&music(0, 8_250), &sources, rule(Every::Bar, SourceOrder::Energy)).unwrap();
        let seen: Vec<_> = shots.iter().map(|shot| shot.source_asset_id.as_str()).collect();
        assert_eq!(seen, ["soft", "soft", "loud", "loud", "loud"], "the music gets louder at 4 s");
    }

    #[test]
    fn sources_must_be_as_long_as_an_interval() {
        let sources = [source("a", 0, 1_999, -20.0)];
        let refused = shots(&music(250, 8_250), &sources, rule(Every::Bar, SourceOrder::Given));
        assert!(
            matches!(refused, Err(Error::SourcesTooShort(length)) if length == MediaTime::from_millis(2_000))
        );
    }

    proptest! {
        #[test]
        fn shots_cover_the_music_and_stay_in_their_sources(
            start in 0i64..5_000, length in 1i64..15_000, every in 0usize..4, order in 0usize..3, seed in any::<i64>(),
            ends in prop::collection::vec(15_001i64..60_000, 1..5),
        ) {
            let every = [Every::Beat, Every::TwoBeats, Every::Bar, Every::TwoBars][every];
            let order = [SourceOrder::Given, SourceOrder::Shuffled, SourceOrder::Energy][order];
            let rule = MusicRule { every, order, seed };
            let music = music(start, start + length);
            let source = |(index, end): (usize, &i64)| source(&format!("s{index}"), 0, *end, -(index as f64));
            let sources: Vec<_> = ends.iter().enumerate().map(source).collect();
            let Ok(made) = shots(&music, &sources, rule) else {
                prop_assert!(intervals(&music.beats, music.window, every).is_none());
                return Ok(());
            };
            let mut end = TimelineTime::ZERO;
            for shot in &made {
                prop_assert_eq!(shot.target_start, end);
                prop_assert_eq!(shot.source_end - shot.source_start, shot.target_duration);
                let source = sources.iter().find(|source| source.asset_id == shot.source_asset_id).unwrap();
                prop_assert!(source.window.start() <= shot.source_start && shot.source_end <= source.window.end());
                end += shot.target_duration;
            }
            prop_assert_eq!(end.since_zero(), music.window.duration());
            prop_assert_eq!(made, shots(&music, &sources, rule).unwrap(), "the same seed gives the same shots");
        }
    }
}
