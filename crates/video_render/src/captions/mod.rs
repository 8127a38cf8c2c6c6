//! Captions that are burned into the pictures of a render.
//!
//! The words of a recording are shown where its audio plays: [`placed`] moves them into the time of the render, and
//! [`interchange::captions`] divides them into captions. ffmpeg's filter `ass` (libass) draws them from a [`script`].

mod placed;
pub(crate) mod script;

use audio_semantic_timeline::{CaptionParameters, Transcript, in_force, stored_summary};
use interchange::captions::{CaptionLimits, captions};
use interchange::words::TimedText;
use media_time::{LocalTime, MediaTime, Window};
use media_v2::MediaService;
use primitives::{Id, Scope};
use scheduling::WorkError;
use serde_json::{Value, json};

use crate::model::BurnedCaptions;
use crate::profile::FrameRate;
use crate::target::RenderTarget;
use crate::tools::Tools;
use crate::{Error, Profile};

pub(crate) use self::placed::PlayedWindow;

/// Part of the keys of renders with captions. Increment it when the same captions would be drawn differently.
const VERSION: &str = "captions_v1";

/// The captions of a render.
#[derive(Clone, Debug)]
pub(crate) struct Captions {
    /// The semantic timeline of the words.
    pub(crate) artifact_id: Id,
    /// In order, without overlap.
    pub(crate) list: Vec<ShownCaption>,
    /// Height of the font in pixels.
    font_size: u32,
    /// See [`Tools::caption_fonts`].
    fonts: String,
}

/// A text and when it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShownCaption {
    /// In the render.
    pub(crate) window: Window<LocalTime>,
    /// One or more lines.
    pub(crate) text: String,
}

/// Reads captions: the services and parameters that this needs.
pub(crate) struct CaptionReader<'a> {
    pub(crate) media: &'a MediaService,
    pub(crate) tools: &'a Tools,
    pub(crate) scope: &'a Scope,
    pub(crate) limits: CaptionLimits,
}

impl CaptionReader<'_> {
    /// The words of the timeline `artifact_id`, or of its newest correction, where their recording plays in `target`.
    ///
    /// # Errors
    /// [`Error::CaptionsOfArtifact`], [`Error::MissingFilter`], [`Error::MissingFont`]; errors of reading the timeline.
    pub(crate) async fn read(
        self,
        artifact_id: &Id,
        target: &RenderTarget,
        profile: &Profile,
    ) -> Result<Captions, Error> {
        let Self { media, tools, scope, limits } = self;
        let fonts = tools.caption_fonts().await?.to_owned();
        let artifact_id = in_force(media, scope, artifact_id).await?;
        let summary = stored_summary(media, scope, &artifact_id).await?;
        let transcript = Transcript::of_transcribed(&summary)?;
        if transcript.artifact_id.is_some() {
            return Err(Error::CaptionsOfArtifact(artifact_id));
        }
        let played = target.played(&transcript.asset_id);
        let duration_ms = target.duration().as_millis_ceil();
        // Hours of words take seconds to divide.
        scheduling::begin_heavy_work()?;
        let divided = tokio::task::spawn_blocking(move || {
            let words = placed::placed(&transcript.timed_text().words, &played);
            captions(&TimedText { words, duration_ms, language: transcript.language }, &limits)
        });
        let divided = divided.await.map_err(|source| WorkError::Broken { queue: "captions", source })?;
        let shown = |caption: interchange::captions::Caption| {
            let [start, end] = [caption.start_ms, caption.end_ms].map(LocalTime::from_millis);
            let window = Window::new(start, end).ok().filter(|window| !window.is_empty())?;
            Some(ShownCaption { window, text: caption.text() })
        };
        Ok(Captions {
            artifact_id,
            list: divided.into_iter().filter_map(shown).collect(),
            font_size: font_size(profile, limits.max_chars),
            fonts,
        })
    }
}

impl Captions {
    /// Everything that determines the captions.
    pub(crate) fn identity(&self) -> Value {
        let list: Vec<Value> = self
            .list
            .iter()
            .map(|shown| {
                json!([shown.window.start().as_micros(), shown.window.end().as_micros(), shown.text])
            })
            .collect();
        json!({
            "version": VERSION,
            "artifact_id": self.artifact_id,
            "fonts": self.fonts,
            "font_size": self.font_size,
            "captions": list,
        })
    }

    /// What the caller should know: that there is no caption.
    pub(crate) fn warning(&self) -> Option<String> {
        let warning =
            || format!("no words of {} are spoken in the render: it has no captions", self.artifact_id);
        self.list.is_empty().then(warning)
    }

    /// The frames `[first, end)` of a render in which a caption is shown: those that begin meanwhile.
    pub(crate) fn frames(&self, index: usize, rate: FrameRate) -> (i64, i64) {
        let window = self.list[index].window;
        (rate.frames_before(window.start().since_zero()), rate.frames_before(window.end().since_zero()))
    }
}

/// Height of the font, in pixels: 1/18 of the picture's, but so that a line of `max_chars` characters fits into it. A
/// character is about 0.55 of the height wide.
fn font_size(profile: &Profile, max_chars: usize) -> u32 {
    let of_width = 0.9 * f64::from(profile.width) / (0.55 * max_chars as f64);
    (f64::from(profile.height) / 18.0).min(of_width).round().max(10.0) as u32
}

impl BurnedCaptions {
    /// The limits, with defaults.
    ///
    /// # Errors
    /// [`Error::CaptionLimit`] for one outside its range.
    pub(crate) fn limits(&self) -> Result<CaptionLimits, Error> {
        let parameters = CaptionParameters {
            max_chars: self.max_chars,
            max_lines: self.max_lines,
            max_words: self.max_words,
            max_cps: self.max_cps,
            min_duration_ms: self.min_duration_ms,
            max_gap_ms: self.max_gap_ms,
        };
        Ok(parameters.limits()?)
    }
}

impl RenderTarget {
    /// Length of the render.
    fn duration(&self) -> MediaTime {
        let (start, end) = self.bounds();
        end - start
    }

    /// Where the audio of an asset plays; where its pictures are shown, if the render is silent.
    fn played(&self, asset_id: &Id) -> Vec<PlayedWindow> {
        match self {
            Self::Asset(of) if of.asset.id == *asset_id => {
                vec![PlayedWindow { source: of.window, start: LocalTime::ZERO, speed: 1.0 }]
            }
            Self::Asset(_) => Vec::new(),
            Self::Timeline(composition) => composition.played(asset_id),
            Self::Film(film) if film.sounds.is_empty() => film.composition.played(asset_id),
            Self::Film(film) => film.played(asset_id),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Captions from (start, end, text), in ms.
    pub(crate) fn captions(list: &[(i64, i64, &str)]) -> Captions {
        let shown = |(start, end, text): &(i64, i64, &str)| ShownCaption {
            window: Window::new(LocalTime::from_millis(*start), LocalTime::from_millis(*end)).unwrap(),
            text: (*text).to_owned(),
        };
        Captions {
            artifact_id: "words".parse().unwrap(),
            list: list.iter().map(shown).collect(),
            font_size: 60,
            fonts: String::new(),
        }
    }

    #[test]
    fn lines_fit_into_the_picture() {
        let size = |profile, chars| font_size(Profile::named(profile).unwrap(), chars);
        assert_eq!(size("1080p_30_web", 42), 60);
        assert_eq!(size("social_9_16_h264", 42), 42, "a tall picture is narrow");
        assert_eq!(size("social_9_16_h264", 16), 107, "few characters are no larger than 1/18 of the height");
        assert_eq!(size("draft_480p_fast", 200), 10);
    }
}
