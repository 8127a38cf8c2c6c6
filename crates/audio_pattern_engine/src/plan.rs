use std::collections::BTreeMap;

use http_kit::FieldError;
use media_time::{Bpm, LocalTime, MediaTime, TimelineTime};
use media_v2::pipeline_hash;
use primitives::Id;
use serde_json::json;

use crate::humanise::SplitMix64;
use crate::template::{STEPS_PER_BAR, STEPS_PER_BEAT, Template, TemplatePart};
use crate::{Error, Meta, PatternClip, PatternRequest, PatternTimeline};

/// Version of the rules and the templates; part of the hash of a pattern.
pub const BACKEND_VERSION: &str = "audio_pattern_engine_v1";
/// Duration of each clip. A pattern depends on its request alone, so the durations of the samples are not looked
/// up; playback ends with the sample.
pub const DEFAULT_CLIP_DURATION: MediaTime = MediaTime::from_millis(500);
/// Maximum number of bars in a pattern.
pub const MAX_BARS: u32 = 1_024;

/// A checked request with its defaults filled in: all inputs of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    template: &'static Template,
    bpm: Bpm,
    swing_pct: f64,
    bars: u32,
    seed: Option<i64>,
    samples: BTreeMap<String, Id>,
}

impl Plan {
    /// Checks a request and fills in defaults.
    ///
    /// # Errors
    /// [`Error::UnknownTemplate`]; [`Error::Invalid`] naming every field that is out of range and
    /// every role that the template does not have.
    pub(crate) fn of(request: &PatternRequest) -> Result<Self, Error> {
        let template = Template::find(&request.template_id)
            .ok_or_else(|| Error::UnknownTemplate(request.template_id.chars().take(64).collect()))?;
        let mut errors = Vec::new();
        let mut reject = |pointer: String, detail: String| errors.push(FieldError { pointer, detail });

        let bpm = Bpm::new(request.bpm.unwrap_or(template.bpm));
        if let Err(error) = &bpm {
            reject("/bpm".to_owned(), error.to_string());
        }
        // Adding zero turns -0 into 0, so that both have the same hash.
        let swing_pct = request.swing_pct.unwrap_or(template.swing_pct) + 0.0;
        if !(0.0..=100.0).contains(&swing_pct) {
            reject("/swing_pct".to_owned(), "expected 0 to 100 per cent".to_owned());
        }
        let bars = u32::try_from(request.bars.unwrap_or(1)).ok().filter(|bars| (1..=MAX_BARS).contains(bars));
        if bars.is_none() {
            reject("/bars".to_owned(), format!("expected 1 to {MAX_BARS}"));
        }
        for role in request.sample_map.keys().filter(|role| !template.has_role(role)) {
            let roles: Vec<&str> = template.parts.iter().map(|part| part.role).collect();
            let detail = format!("{} has the roles {}", template.template_id, roles.join(", "));
            reject(format!("/sample_map/{}", role.replace('~', "~0").replace('/', "~1")), detail);
        }
        match (bpm, bars) {
            (Ok(bpm), Some(bars)) if errors.is_empty() => {
                let (seed, samples) = (request.seed, request.sample_map.clone());
                Ok(Self { template, bpm, swing_pct, bars, seed, samples })
            }
            _ => Err(Error::Invalid(errors)),
        }
    }

    /// The artifacts of the samples.
    pub(crate) fn artifacts(&self) -> Vec<Id> {
        self.samples.values().cloned().collect()
    }

    /// Builds the pattern with its clips.
    pub(crate) fn timeline(&self) -> PatternTimeline {
        PatternTimeline {
            pattern_id: self.pattern_id(),
            bpm: self.bpm.get(),
            swing_pct: self.swing_pct,
            clips: self.clips(),
            meta: self.meta(),
        }
    }

    /// A request without a default field and a request that states the default have the same id.
    fn pattern_id(&self) -> Id {
        let hash = pipeline_hash(&json!({
            "backend_version": BACKEND_VERSION,
            "template_id": self.template.template_id,
            "bpm": self.bpm.get(),
            "swing_pct": self.swing_pct,
            "bars": self.bars,
            "seed": self.seed,
            "sample_map": self.samples,
        }));
        #[expect(clippy::expect_used, reason = "hex digits after a fixed word are an id")]
        let id = format!("pattern_{hash}").parse().expect("hex digits after a fixed word");
        id
    }

    fn clips(&self) -> Vec<PatternClip> {
        let mut generator = self.seed.map(SplitMix64::new);
        let mut clips = Vec::new();
        for bar in 0..self.bars {
            for part in self.template.parts {
                for step in part.steps {
                    let (start, velocity) = self.hit(bar * STEPS_PER_BAR + step, part, generator.as_mut());
                    clips.extend(self.samples.get(part.role).map(|artifact_id| PatternClip {
                        artifact_id: artifact_id.clone(),
                        start,
                        duration: DEFAULT_CLIP_DURATION,
                        source_offset: LocalTime::ZERO,
                        gain_db: gain_db(velocity),
                        label: part.role.to_owned(),
                    }));
                }
            }
        }
        // The sort is stable: clips with equal starts keep the order of the parts.
        clips.sort_by_key(|clip| clip.start);
        clips
    }

    /// Time and velocity of the hit on `step`, counted from the start of the pattern. The generator advances for silent
    /// roles too, so that giving one a sample does not move the hits of others.
    fn hit(&self, step: u32, part: &TemplatePart, generator: Option<&mut SplitMix64>) -> (TimelineTime, f64) {
        let start = TimelineTime::at(self.bpm.at_beat(self.beat_of(step)));
        let Some(generator) = generator else { return (start, part.velocity) };
        let shift = generator.shift(self.bpm.at_beat(1.0 / f64::from(STEPS_PER_BEAT)));
        let last = TimelineTime::at(self.length() - MediaTime::from_micros(1));
        ((start + shift).clamp(TimelineTime::ZERO, last), generator.soften(part.velocity))
    }

    /// Position of a step in beats; odd steps are delayed by `swing_pct / 100` of half a step. Positions are computed
    /// from the start of the pattern, not as sums of rounded steps, so that no drift accumulates.
    fn beat_of(&self, step: u32) -> f64 {
        let late = if step % 2 == 1 { self.swing_pct / 100.0 * 0.5 } else { 0.0 };
        (f64::from(step) + late) / f64::from(STEPS_PER_BEAT)
    }

    fn length(&self) -> MediaTime {
        self.bpm.at_beat(f64::from(self.bars * STEPS_PER_BAR) / f64::from(STEPS_PER_BEAT))
    }

    fn meta(&self) -> Meta {
        let silent = self.template.parts.iter().filter(|part| !self.samples.contains_key(part.role));
        let silent_roles: Vec<&str> = silent.map(|part| part.role).collect();
        let facts = [
            ("template_id", json!(self.template.template_id)),
            ("backend_version", json!(BACKEND_VERSION)),
            ("bpm", json!(self.bpm.get())),
            ("swing_pct", json!(self.swing_pct)),
            ("bars", json!(self.bars)),
            ("seed", json!(self.seed)),
            ("steps_per_bar", json!(STEPS_PER_BAR)),
            ("length_ms", json!(self.length())),
            ("silent_roles", json!(silent_roles)),
        ];
        facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// Gain of a velocity in dB: `20·log10(velocity)`; 0 for velocities from 1, -60 below 0.01.
#[must_use]
pub fn gain_db(velocity: f64) -> f64 {
    if velocity >= 1.0 {
        0.0
    } else if velocity < 0.01 {
        -60.0
    } else {
        20.0 * velocity.log10()
    }
}

#[cfg(test)]
mod tests;
