//! What a format could not hold of the model.

use media_time::MediaTime;
use serde::Serialize;

/// A property that the format cannot hold, or holds only approximately.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Loss {
    /// What was lost: `rounded_to_frame`, `clip_too_short`, `track_omitted`, `speed_omitted`, `marker_omitted`, ….
    pub what: &'static str,
    /// Where: the track, clip or marker; the number of places if it occurs at several.
    #[serde(rename = "where")]
    pub place: String,
    /// The greatest error in time, in ms, if the loss is one of time.
    #[serde(rename = "loss_ms")]
    #[schema(value_type = Option<f64>)]
    pub time: Option<MediaTime>,
}

/// A file in an exchange format, with all that the format could not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    /// The content of the file.
    pub content: Vec<u8>,
    /// In order of first occurrence; empty if nothing was lost.
    pub losses: Vec<Loss>,
}

/// Collects losses; those of one kind at one place become one, with their number and the greatest error.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    entries: Vec<(Loss, usize)>,
}

impl Losses {
    pub(crate) fn add(&mut self, what: &'static str, place: impl Into<String>) {
        self.record(what, place.into(), None);
    }

    /// Records an error of time; zero is none.
    pub(crate) fn add_time(&mut self, what: &'static str, place: impl Into<String>, error: MediaTime) {
        let error = error.max(-error);
        if error > MediaTime::ZERO {
            self.record(what, place.into(), Some(error));
        }
    }

    fn record(&mut self, what: &'static str, place: String, time: Option<MediaTime>) {
        match self.entries.iter_mut().find(|(loss, _)| loss.what == what && loss.place == place) {
            Some((loss, count)) => {
                loss.time = loss.time.max(time);
                *count += 1;
            }
            None => self.entries.push((Loss { what, place, time }, 1)),
        }
    }

    pub(crate) fn finish(self) -> Vec<Loss> {
        let entries = self.entries.into_iter();
        entries
            .map(|(mut loss, count)| {
                if count > 1 {
                    loss.place = format!("{}, {count} times", loss.place);
                }
                loss
            })
            .collect()
    }
}
