//! Trim, split and move as pure functions of a clip.

use media_time::{AssetTime, TimelineTime};
use primitives::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Clip, check};
use crate::error::Error;

/// Moves the start and end of a clip in its source. The remaining part keeps its time on the timeline, so a later
/// `in_ms` also moves the start on the timeline. Absent fields are unchanged.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrimClip {
    /// The new start in the source, in ms.
    #[serde(rename = "in_ms", default)]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 1_125_899_906_842.624)]
    pub(crate) in_point: Option<AssetTime>,
    /// The new end in the source, in ms, exclusive.
    #[serde(rename = "out_ms", default)]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 1_125_899_906_842.624)]
    pub(crate) out_point: Option<AssetTime>,
}

/// Splits a clip in two at an instant of the timeline.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SplitClip {
    /// Instant on the timeline in ms, strictly inside the clip.
    #[serde(rename = "at_ms")]
    #[schema(value_type = f64, minimum = 0, maximum = 1_125_899_906_842.624)]
    pub(crate) at: TimelineTime,
}

/// Moves a clip; absent fields are unchanged.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoveClip {
    /// The new track, of any sequence of the same owner.
    #[serde(default)]
    pub(crate) track_id: Option<Id>,
    /// The new start on the timeline, in ms.
    #[serde(rename = "start_ms_on_timeline", default)]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 1_125_899_906_842.624)]
    pub(crate) timeline_start: Option<TimelineTime>,
}

/// The two parts of a split clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct SplitResult {
    /// The first part, which keeps the clip's id.
    pub(crate) left: Clip,
    /// The second part; it starts, on the timeline and in the source, where `left` ends.
    pub(crate) right: Clip,
}

impl TrimClip {
    pub(crate) fn apply(&self, clip: &Clip) -> Result<Clip, Error> {
        let (in_point, out_point) =
            (self.in_point.unwrap_or(clip.in_point), self.out_point.unwrap_or(clip.out_point));
        check::time(in_point, "", "in_ms")?;
        let start = clip.on_timeline(in_point);
        check::require(
            !start.is_negative(),
            "",
            "in_ms",
            "the clip would begin before the timeline does; move it first",
        )?;
        let trimmed = Clip { in_point, out_point, timeline_start: start, ..clip.clone() };
        trimmed.check("")?;
        Ok(trimmed)
    }
}

impl SplitClip {
    /// Splits the source at the microsecond that plays at `at`; the right part starts where the left one then ends,
    /// so they join exactly.
    pub(crate) fn apply(&self, clip: &Clip) -> Result<SplitResult, Error> {
        let cut = clip.in_source(self.at);
        let inside = clip.in_point < cut && cut < clip.out_point;
        check::require(inside, "", "at_ms", "expected an instant inside the clip, not at its edges")?;
        let left = Clip { out_point: cut, ..clip.clone() };
        let right = Clip {
            id: Id::for_write("clip", 0),
            in_point: cut,
            timeline_start: left.end_on_timeline(),
            ..clip.clone()
        };
        left.check("")?;
        right.check("")?;
        Ok(SplitResult { left, right })
    }
}

impl MoveClip {
    pub(crate) fn apply(&self, clip: &Clip) -> Result<Clip, Error> {
        let moved = Clip {
            track_id: self.track_id.clone().unwrap_or_else(|| clip.track_id.clone()),
            timeline_start: self.timeline_start.unwrap_or(clip.timeline_start),
            ..clip.clone()
        };
        moved.check("")?;
        Ok(moved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NewClip;
    use media_time::MediaTime;
    use proptest::prelude::*;

    fn clip(in_us: i64, length_us: i64, start_us: i64, speed: f64) -> Clip {
        let (time, start) = (AssetTime::from_micros, TimelineTime::from_micros(start_us));
        let asset = "asset_1".parse().unwrap();
        let new = NewClip { speed, ..NewClip::window(asset, time(in_us), time(in_us + length_us), start) };
        new.on_track("track_1".parse().unwrap(), 0)
    }

    fn clips() -> impl Strategy<Value = Clip> {
        let hours = 0i64..20_000_000_000;
        (hours.clone(), 1_000i64..20_000_000_000, hours, 0.05f64..20.0)
            .prop_map(|(in_us, length, start, speed)| clip(in_us, length, start, speed))
    }

    proptest! {
        #[test]
        fn split_parts_join_exactly(clip in clips(), share in 0.0f64..1.0) {
            let length = clip.duration_on_timeline().as_micros();
            let at = clip.timeline_start + MediaTime::from_micros((length as f64 * share) as i64);
            let Ok(SplitResult { left, right }) = (SplitClip { at }).apply(&clip) else {
                // Rejected only when the cut falls on an edge, to the microsecond.
                let step = (1.0 / clip.speed).ceil() as i64 + 1;
                let near = |edge: TimelineTime| (at - edge).as_micros().abs() <= step;
                prop_assert!(near(clip.timeline_start) || near(clip.end_on_timeline()));
                return Ok(());
            };
            prop_assert_eq!((left.in_point, right.out_point), (clip.in_point, clip.out_point));
            prop_assert_eq!(left.out_point, right.in_point);
            prop_assert_eq!(left.end_on_timeline(), right.timeline_start);
            prop_assert_eq!(left.timeline_start, clip.timeline_start);
            // Each part's duration is rounded separately: at most one microsecond in total.
            prop_assert!((right.end_on_timeline() - clip.end_on_timeline()).as_micros().abs() <= 1);
            // The cut is at the requested instant, within half a source microsecond.
            let off = (right.timeline_start - at).as_micros().abs() as f64;
            prop_assert!(off <= 0.5 / clip.speed + 0.5 + 1e-6, "{off} µs");
        }

        #[test]
        fn trim_keeps_the_rest_in_place(clip in clips(), head in 0.0f64..0.5, tail in 0.5f64..1.0) {
            let length = (clip.out_point - clip.in_point).as_micros() as f64;
            let within = |share: f64| clip.in_point + MediaTime::from_micros((length * share) as i64);
            let trim = TrimClip { in_point: Some(within(head)), out_point: Some(within(tail)) };
            prop_assume!(trim.in_point < trim.out_point);
            let Ok(trimmed) = trim.apply(&clip) else { return Ok(()) };
            // The source instant at its new start still plays at the same timeline instant.
            let played_at = clip.on_timeline(trimmed.in_point);
            prop_assert_eq!(trimmed.timeline_start, played_at);
            let back = TrimClip { in_point: Some(clip.in_point), out_point: Some(clip.out_point) };
            prop_assert_eq!(back.apply(&trimmed).unwrap(), clip);
        }
    }

    proptest! {
        #[test]
        fn source_and_timeline_instants_map_to_each_other(clip in clips(), share in 0.0f64..=1.0) {
            let played = clip.duration_on_timeline().as_micros() as f64;
            let at = clip.timeline_start + MediaTime::from_micros((played * share) as i64);
            let back = clip.on_timeline(clip.in_source(at));
            // Rounding in the source, half a microsecond, is stretched by the speed.
            let off = (back - at).as_micros().abs() as f64;
            prop_assert!(off <= 0.5 / clip.speed + 0.5 + 1e-6, "{off} µs");
            prop_assert_eq!(clip.on_timeline(clip.in_point), clip.timeline_start);
            prop_assert_eq!(clip.on_timeline(clip.out_point), clip.end_on_timeline());
            prop_assert_eq!(clip.in_source(clip.timeline_start), clip.in_point);
        }
    }

    #[test]
    fn split_scales_source_time_by_speed() {
        let clip = clip(1_000_000, 4_000_000, 10_000_000, 2.0);
        let split = SplitClip { at: TimelineTime::from_millis(10_500) }.apply(&clip).unwrap();
        assert_eq!(split.left.out_point, AssetTime::from_millis(2_000));
        assert_eq!(split.right.timeline_start, TimelineTime::from_millis(10_500));
        assert_eq!(split.right.end_on_timeline(), TimelineTime::from_millis(12_000));
        assert_ne!(split.left.id, split.right.id);
    }

    #[test]
    fn split_rejects_edges_and_outside_instants() {
        let clip = clip(1_000_000, 1_000_000, 5_000_000, 1.0);
        for at in [0, 5_000, 6_000, 7_000] {
            assert!(SplitClip { at: TimelineTime::from_millis(at) }.apply(&clip).is_err(), "{at}");
        }
        assert!(SplitClip { at: TimelineTime::from_micros(5_000_001) }.apply(&clip).is_ok());
    }

    #[test]
    fn trim_rejects_a_start_before_the_timeline() {
        let clip = clip(1_000_000, 1_000_000, 500_000, 1.0);
        let trim = TrimClip { in_point: Some(AssetTime::from_millis(400)), out_point: None };
        assert!(matches!(trim.apply(&clip), Err(Error::Invalid { pointer, .. }) if pointer == "/in_ms"));
    }

    #[test]
    fn clip_rejects_invalid_speeds() {
        for speed in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE, 1e300] {
            assert!(clip(0, 1_000_000, 0, speed).check("").is_err(), "{speed}");
        }
    }
}
