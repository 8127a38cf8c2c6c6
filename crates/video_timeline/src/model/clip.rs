use http_kit::Id;
use media_time::MediaTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Meta, check, present};
use crate::error::Error;

/// A window of an asset, placed on a track. Clips of a track may overlap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Clip {
    /// Made by the timeline.
    pub id: Id,
    /// The track it is on.
    pub track_id: Id,
    /// The asset that plays.
    pub asset_id: Id,
    /// The artifact of the asset that it stands for.
    pub artifact_id: Option<Id>,
    /// Source time at which it begins, in ms: 0 or later, before `out_ms`.
    pub in_ms: MediaTime,
    /// Source time at which it ends, in ms; not played itself.
    pub out_ms: MediaTime,
    /// Where on the timeline it begins, in ms: 0 or later.
    pub start_ms_on_timeline: MediaTime,
    /// Source time per timeline time: above 0; 2 plays twice as fast.
    pub speed: f64,
    /// Gain in dB.
    pub volume_db: f64,
    /// From 0 (invisible) to 1.
    pub opacity: f64,
    /// The caller's own data.
    #[schema(value_type = Object)]
    pub meta: Meta,
}

/// What a new clip is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClip {
    /// The asset that is to play.
    pub asset_id: Id,
    /// The artifact of the asset that it stands for.
    #[serde(default)]
    pub artifact_id: Option<Id>,
    /// Source time at which it begins, in ms: 0 or later, before `out_ms`.
    #[schema(value_type = f64, minimum = 0, maximum = 1_125_899_906_842.624)]
    pub in_ms: MediaTime,
    /// Source time at which it ends, in ms.
    #[schema(value_type = f64, minimum = 0, maximum = 1_125_899_906_842.624)]
    pub out_ms: MediaTime,
    /// Where on the timeline it begins, in ms: 0 or later.
    #[schema(value_type = f64, minimum = 0, maximum = 1_125_899_906_842.624)]
    pub start_ms_on_timeline: MediaTime,
    /// Source time per timeline time: above 0.
    #[serde(default = "one", deserialize_with = "one_or_null")]
    #[schema(exclusive_minimum = 0, default = one)]
    pub speed: f64,
    /// Gain in dB.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(minimum = -200, maximum = 60, default = 0.0)]
    pub volume_db: f64,
    /// From 0 to 1.
    #[serde(default = "one", deserialize_with = "one_or_null")]
    #[schema(minimum = 0, maximum = 1, default = one)]
    pub opacity: f64,
    /// The caller's own data.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(value_type = Object)]
    pub meta: Meta,
}

http_kit::field_default!(one, one_or_null: f64 = 1.0);

/// What to change of a clip; absent fields stay. Its track changes by a move.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClipPatch {
    /// The new asset.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Id)]
    pub asset_id: Option<Id>,
    /// The new artifact; `null` for none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Id>)]
    pub artifact_id: Option<Option<Id>>,
    /// The new source begin, in ms.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = f64, minimum = 0, maximum = 1_125_899_906_842.624)]
    pub in_ms: Option<MediaTime>,
    /// The new source end, in ms.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = f64, minimum = 0, maximum = 1_125_899_906_842.624)]
    pub out_ms: Option<MediaTime>,
    /// The new begin on the timeline, in ms.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = f64, minimum = 0, maximum = 1_125_899_906_842.624)]
    pub start_ms_on_timeline: Option<MediaTime>,
    /// The new speed.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = f64, exclusive_minimum = 0)]
    pub speed: Option<f64>,
    /// The new gain in dB.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = f64, minimum = -200, maximum = 60)]
    pub volume_db: Option<f64>,
    /// The new opacity.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = f64, minimum = 0, maximum = 1)]
    pub opacity: Option<f64>,
    /// Replaces the whole object.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Object)]
    pub meta: Option<Meta>,
}

impl Clip {
    /// How long it lasts on the timeline: source length over speed, to the nearest microsecond.
    #[must_use]
    pub fn duration_on_timeline(&self) -> MediaTime {
        self.to_timeline(self.out_ms - self.in_ms)
    }

    /// Where on the timeline it ends; not played itself.
    #[must_use]
    pub fn end_on_timeline(&self) -> MediaTime {
        self.start_ms_on_timeline + self.duration_on_timeline()
    }

    /// A length of source time as it lasts on the timeline, to the nearest microsecond.
    ///
    /// Speed is a real number: here and in [`Clip::to_source`] alone a float meets a timeline. Up to
    /// [`check::END_OF_TIME`] a time is exact as a float.
    pub(super) fn to_timeline(&self, source: MediaTime) -> MediaTime {
        rounded(source.as_micros() as f64 / self.speed)
    }

    /// A length of timeline time as it lasts in the source, to the nearest microsecond.
    pub(super) fn to_source(&self, timeline: MediaTime) -> MediaTime {
        rounded(timeline.as_micros() as f64 * self.speed)
    }

    /// Checks every rule of a clip; `at` is the JSON pointer of the object it was read from.
    pub(crate) fn check(&self, at: &str) -> Result<(), Error> {
        check::time(self.in_ms, at, "in_ms")?;
        check::time(self.out_ms, at, "out_ms")?;
        check::require(self.in_ms < self.out_ms, at, "out_ms", "expected more than in_ms")?;
        check::time(self.start_ms_on_timeline, at, "start_ms_on_timeline")?;
        check::require(self.speed.is_finite() && self.speed > 0.0, at, "speed", "expected more than 0")?;
        let ends = self.end_on_timeline();
        check::require(ends <= check::END_OF_TIME, at, "speed", "the clip would last beyond 35 years")?;
        let lasts = ends > self.start_ms_on_timeline;
        check::require(lasts, at, "speed", "the clip would last less than a microsecond")?;
        check::require((-200.0..=60.0).contains(&self.volume_db), at, "volume_db", "expected -200 to 60 dB")?;
        check::require((0.0..=1.0).contains(&self.opacity), at, "opacity", "expected 0 to 1")?;
        check::meta(&self.meta, at)
    }
}

impl NewClip {
    /// A clip of `[in_ms, out_ms)` of an asset at `start_ms_on_timeline`; all else as by default.
    #[must_use]
    pub fn window(
        asset_id: Id,
        in_ms: MediaTime,
        out_ms: MediaTime,
        start_ms_on_timeline: MediaTime,
    ) -> Self {
        Self {
            asset_id,
            artifact_id: None,
            in_ms,
            out_ms,
            start_ms_on_timeline,
            speed: 1.0,
            volume_db: 0.0,
            opacity: 1.0,
            meta: Meta::new(),
        }
    }

    /// The `index`-th clip that a write puts on this track.
    pub(crate) fn on_track(self, track_id: Id, index: usize) -> Clip {
        Clip {
            id: Id::for_write("clip", index),
            track_id,
            asset_id: self.asset_id,
            artifact_id: self.artifact_id,
            in_ms: self.in_ms,
            out_ms: self.out_ms,
            start_ms_on_timeline: self.start_ms_on_timeline,
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
            in_ms: self.in_ms.unwrap_or(clip.in_ms),
            out_ms: self.out_ms.unwrap_or(clip.out_ms),
            start_ms_on_timeline: self.start_ms_on_timeline.unwrap_or(clip.start_ms_on_timeline),
            speed: self.speed.unwrap_or(clip.speed),
            volume_db: self.volume_db.unwrap_or(clip.volume_db),
            opacity: self.opacity.unwrap_or(clip.opacity),
            meta: self.meta.unwrap_or(clip.meta),
        }
    }
}

/// To the nearest microsecond; beyond the end of time saturates.
fn rounded(micros: f64) -> MediaTime {
    MediaTime::from_micros(micros.round() as i64)
}
