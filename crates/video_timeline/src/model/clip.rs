use media_time::{AssetTime, MediaTime, TimelineTime, Window};
use primitives::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Meta, check, present};
use crate::error::Error;

/// A window of an asset, placed on a track. Clips of a track may overlap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Clip {
    /// Id, assigned by the timeline.
    pub id: Id,
    /// The track that contains it.
    pub track_id: Id,
    /// The asset that it plays.
    pub asset_id: Id,
    /// The artifact of the asset that it represents.
    pub artifact_id: Option<Id>,
    /// Start in the source, in ms: 0 or later, before `out_ms`.
    #[serde(rename = "in_ms")]
    pub in_point: AssetTime,
    /// End in the source in ms, exclusive.
    #[serde(rename = "out_ms")]
    pub out_point: AssetTime,
    /// Start on the timeline, in ms: 0 or later.
    #[serde(rename = "start_ms_on_timeline")]
    pub timeline_start: TimelineTime,
    /// Playback speed, source time per timeline time: above 0; 2 plays twice as fast.
    pub speed: f64,
    /// Audio gain in dB.
    pub volume_db: f64,
    /// From 0 (invisible) to 1 (opaque).
    pub opacity: f64,
    /// Free-form data of the caller: a JSON object of at most 64 KiB.
    #[schema(value_type = Object)]
    pub meta: Meta,
}

/// The fields of a new clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClip {
    /// The asset to play.
    pub asset_id: Id,
    /// The artifact of the asset that it represents.
    #[serde(default)]
    pub artifact_id: Option<Id>,
    /// Start in the source, in ms: 0 or later, before `out_ms`.
    #[serde(rename = "in_ms")]
    #[schema(value_type = f64, minimum = 0, maximum = 1_125_899_906_842.624)]
    pub in_point: AssetTime,
    /// End in the source in ms, exclusive.
    #[serde(rename = "out_ms")]
    #[schema(value_type = f64, minimum = 0, maximum = 1_125_899_906_842.624)]
    pub out_point: AssetTime,
    /// Start on the timeline, in ms: 0 or later.
    #[serde(rename = "start_ms_on_timeline")]
    #[schema(value_type = f64, minimum = 0, maximum = 1_125_899_906_842.624)]
    pub timeline_start: TimelineTime,
    /// Playback speed, source time per timeline time: above 0.
    #[serde(default = "one", deserialize_with = "one_or_null")]
    #[schema(exclusive_minimum = 0, default = one)]
    pub speed: f64,
    /// Audio gain in dB.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(minimum = -200, maximum = 60, default = 0.0)]
    pub volume_db: f64,
    /// From 0 (invisible) to 1 (opaque).
    #[serde(default = "one", deserialize_with = "one_or_null")]
    #[schema(minimum = 0, maximum = 1, default = one)]
    pub opacity: f64,
    /// Free-form data of the caller: a JSON object of at most 64 KiB.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(value_type = Object)]
    pub meta: Meta,
}

http_kit::field_default!(one, one_or_null: f64 = 1.0);

/// Changes to a clip; absent fields are unchanged. A move changes the track.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClipPatch {
    /// The new asset to play.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Id)]
    pub(crate) asset_id: Option<Id>,
    /// The new artifact to represent; `null` for none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Id>)]
    pub(crate) artifact_id: Option<Option<Id>>,
    /// The new start in the source, in ms.
    #[serde(rename = "in_ms", default, deserialize_with = "present")]
    #[schema(value_type = f64, minimum = 0, maximum = 1_125_899_906_842.624)]
    pub(crate) in_point: Option<AssetTime>,
    /// The new end in the source, in ms, exclusive.
    #[serde(rename = "out_ms", default, deserialize_with = "present")]
    #[schema(value_type = f64, minimum = 0, maximum = 1_125_899_906_842.624)]
    pub(crate) out_point: Option<AssetTime>,
    /// The new start on the timeline, in ms.
    #[serde(rename = "start_ms_on_timeline", default, deserialize_with = "present")]
    #[schema(value_type = f64, minimum = 0, maximum = 1_125_899_906_842.624)]
    pub(crate) timeline_start: Option<TimelineTime>,
    /// The new playback speed, above 0.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = f64, exclusive_minimum = 0)]
    pub(crate) speed: Option<f64>,
    /// The new audio gain in dB.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = f64, minimum = -200, maximum = 60)]
    pub(crate) volume_db: Option<f64>,
    /// The new opacity, from 0 to 1.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = f64, minimum = 0, maximum = 1)]
    pub(crate) opacity: Option<f64>,
    /// Replaces the whole meta object.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Object)]
    pub(crate) meta: Option<Meta>,
}

impl Clip {
    /// Duration on the timeline: source duration divided by speed, to the nearest microsecond.
    #[must_use]
    pub fn duration_on_timeline(&self) -> MediaTime {
        self.to_timeline(self.out_point - self.in_point)
    }

    /// End on the timeline, exclusive.
    #[must_use]
    pub fn end_on_timeline(&self) -> TimelineTime {
        self.timeline_start + self.duration_on_timeline()
    }

    /// The window of the asset that it plays.
    #[must_use]
    pub fn source(&self) -> Window<AssetTime> {
        Window::starting_at(self.in_point, self.out_point - self.in_point)
    }

    /// The instant at which an instant of the source plays, to the nearest microsecond; also for one outside the clip.
    #[must_use]
    pub fn on_timeline(&self, source: AssetTime) -> TimelineTime {
        self.timeline_start + self.to_timeline(source - self.in_point)
    }

    /// The instant of the source that plays at an instant, to the nearest microsecond; also for one outside the clip.
    #[must_use]
    pub fn in_source(&self, timeline: TimelineTime) -> AssetTime {
        self.in_point + self.to_source(timeline - self.timeline_start)
    }

    /// Converts a source duration to a duration on the timeline, to the nearest microsecond.
    ///
    /// Speed is a real number: only here and in [`Clip::to_source`] is a time computed in floating point. Times up to
    /// [`check::END_OF_TIME`] are exact as a float.
    fn to_timeline(&self, source: MediaTime) -> MediaTime {
        rounded(source.as_micros() as f64 / self.speed)
    }

    /// Converts a duration on the timeline to a source duration, to the nearest microsecond.
    fn to_source(&self, timeline: MediaTime) -> MediaTime {
        rounded(timeline.as_micros() as f64 * self.speed)
    }

    /// Validates the clip; `at` is the JSON pointer of the object it was read from.
    pub(crate) fn check(&self, at: &str) -> Result<(), Error> {
        check::time(self.in_point, at, "in_ms")?;
        check::time(self.out_point, at, "out_ms")?;
        check::require(self.in_point < self.out_point, at, "out_ms", "expected more than in_ms")?;
        check::time(self.timeline_start, at, "start_ms_on_timeline")?;
        check::require(self.speed.is_finite() && self.speed > 0.0, at, "speed", "expected more than 0")?;
        let ends = self.end_on_timeline();
        check::require(
            ends.since_zero() <= check::END_OF_TIME,
            at,
            "speed",
            "the clip would last beyond 35 years",
        )?;
        let lasts = ends > self.timeline_start;
        check::require(lasts, at, "speed", "the clip would last less than a microsecond")?;
        check::require((-200.0..=60.0).contains(&self.volume_db), at, "volume_db", "expected -200 to 60 dB")?;
        check::require((0.0..=1.0).contains(&self.opacity), at, "opacity", "expected 0 to 1")?;
        check::meta(&self.meta, at)
    }
}

impl NewClip {
    /// A clip of `[in_point, out_point)` of an asset at `timeline_start`, with defaults for the other fields.
    #[must_use]
    pub fn window(
        asset_id: Id,
        in_point: AssetTime,
        out_point: AssetTime,
        timeline_start: TimelineTime,
    ) -> Self {
        Self {
            asset_id,
            artifact_id: None,
            in_point,
            out_point,
            timeline_start,
            speed: 1.0,
            volume_db: 0.0,
            opacity: 1.0,
            meta: Meta::new(),
        }
    }

    /// The `index`-th clip that a write creates on this track.
    pub(crate) fn on_track(self, track_id: Id, index: usize) -> Clip {
        Clip {
            id: Id::for_write("clip", index),
            track_id,
            asset_id: self.asset_id,
            artifact_id: self.artifact_id,
            in_point: self.in_point,
            out_point: self.out_point,
            timeline_start: self.timeline_start,
            speed: self.speed,
            volume_db: self.volume_db,
            opacity: self.opacity,
            meta: self.meta,
        }
    }
}

impl ClipPatch {
    pub(crate) fn apply(self, clip: Clip) -> Clip {
        Clip {
            id: clip.id,
            track_id: clip.track_id,
            asset_id: self.asset_id.unwrap_or(clip.asset_id),
            artifact_id: self.artifact_id.unwrap_or(clip.artifact_id),
            in_point: self.in_point.unwrap_or(clip.in_point),
            out_point: self.out_point.unwrap_or(clip.out_point),
            timeline_start: self.timeline_start.unwrap_or(clip.timeline_start),
            speed: self.speed.unwrap_or(clip.speed),
            volume_db: self.volume_db.unwrap_or(clip.volume_db),
            opacity: self.opacity.unwrap_or(clip.opacity),
            meta: self.meta.unwrap_or(clip.meta),
        }
    }
}

/// Rounds to the nearest microsecond; saturates outside the range.
fn rounded(micros: f64) -> MediaTime {
    MediaTime::from_micros(micros.round() as i64)
}
