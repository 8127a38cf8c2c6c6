use std::collections::BTreeMap;

use http_kit::{FieldError, Id};
use media_time::{Bpm, MediaTime};
use media_v2::pipeline_hash;
use serde_json::json;

use crate::humanise::SplitMix64;
use crate::template::{Part, STEPS_PER_BAR, STEPS_PER_BEAT, Template};
use crate::{Error, Meta, PatternClip, PatternRequest, PatternTimeline};

/// Names the rules and the templates; part of the hash of a pattern.
pub const BACKEND_VERSION: &str = "audio_pattern_engine_v1";
/// How long each clip is. A pattern follows from its request alone, so it does not ask how long a
/// sample is; a player stops with the sample.
pub const DEFAULT_CLIP_DURATION: MediaTime = MediaTime::from_millis(500);
/// The most bars of a pattern.
pub const MAX_BARS: u32 = 1_024;

/// A checked request with its defaults filled in: all that decides a pattern.
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
    /// Checks a request.
    ///
    /// # Errors
    /// [`Error::UnknownTemplate`]; [`Error::Invalid`] naming every field that is out of range and
    /// every role that the template does not have.
    pub(crate) fn of(request: &PatternRequest) -> Result<Self, Error> {
        let template = Template::find(&request.template_id)
            .ok_or_else(|| Error::UnknownTemplate(request.template_id.chars().take(64).collect()))?;
        let mut errors = Vec::new();
        let mut refuse = |pointer: String, detail: String| errors.push(FieldError { pointer, detail });

        let bpm = Bpm::new(request.bpm.unwrap_or(template.bpm));
        if let Err(error) = &bpm {
            refuse("/bpm".to_owned(), error.to_string());
        }
        // Adding zero makes one zero of -0 and 0: both are the same swing, and the same hash.
        let swing_pct = request.swing_pct.unwrap_or(template.swing_pct) + 0.0;
        if !(0.0..=100.0).contains(&swing_pct) {
            refuse("/swing_pct".to_owned(), "expected 0 to 100 per cent".to_owned());
        }
        let bars = u32::try_from(request.bars.unwrap_or(1)).ok().filter(|bars| (1..=MAX_BARS).contains(bars));
        if bars.is_none() {
            refuse("/bars".to_owned(), format!("expected 1 to {MAX_BARS}"));
        }
        for role in request.sample_map.keys().filter(|role| !template.has_role(role)) {
            let roles: Vec<&str> = template.parts.iter().map(|part| part.role).collect();
            let detail = format!("{} has the roles {}", template.template_id, roles.join(", "));
            refuse(format!("/sample_map/{}", role.replace('~', "~0").replace('/', "~1")), detail);
        }
        match (bpm, bars) {
            (Ok(bpm), Some(bars)) if errors.is_empty() => {
                let (seed, samples) = (request.seed, request.sample_map.clone());
                Ok(Self { template, bpm, swing_pct, bars, seed, samples })
            }
            _ => Err(Error::Invalid(errors)),
        }
    }

    /// The artifacts that the samples are.
    pub(crate) fn artifacts(&self) -> Vec<Id> {
        self.samples.values().cloned().collect()
    }

    /// The pattern.
    pub(crate) fn timeline(&self) -> PatternTimeline {
        PatternTimeline {
            pattern_id: self.pattern_id(),
            bpm: self.bpm.get(),
            swing_pct: self.swing_pct,
            clips: self.clips(),
            meta: self.meta(),
        }
    }

    /// A request that leaves a default out and one that tells it are the same request.
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
        let id = format!("pattern_{hash}").parse().expect("an id");
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
                        start_ms: start,
                        duration_ms: DEFAULT_CLIP_DURATION,
                        source_offset_ms: MediaTime::ZERO,
                        gain_db: gain_db(velocity),
                        label: part.role.to_owned(),
                    }));
                }
            }
        }
        // Stable: what falls together stays in the order of the parts.
        clips.sort_by_key(|clip| clip.start_ms);
        clips
    }

    /// Time and velocity of a hit on the `step`th step from the begin of the pattern. A generator is
    /// drawn from for silent roles too, so that giving one a sample does not move the others.
    fn hit(&self, step: u32, part: &Part, generator: Option<&mut SplitMix64>) -> (MediaTime, f64) {
        let start = self.bpm.at_beat(self.beat_of(step));
        let Some(generator) = generator else { return (start, part.velocity) };
        let shift = generator.shift(self.bpm.at_beat(1.0 / f64::from(STEPS_PER_BEAT)));
        let last = self.length() - MediaTime::from_micros(1);
        ((start + shift).clamp(MediaTime::ZERO, last), generator.soften(part.velocity))
    }

    /// Where a step falls, in beats: an odd one late by `swing_pct / 100` of half a step. In beats
    /// from the begin, not in sums of rounded steps, so that nothing drifts.
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

/// The gain of a velocity: `20·log10(velocity)` dB; 0 from a velocity of 1 on, -60 below 0.01.
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
