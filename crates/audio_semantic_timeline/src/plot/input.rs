//! The input of a plot.

use audio_signal::Waveform;

use crate::model::Summary;

/// The input of a plot.
#[derive(Clone, Copy, Debug)]
pub struct PlotInput<'a> {
    /// Name of the recording.
    pub name: &'a str,
    /// The timeline. One registered by a caller may have any values: times outside its duration are not drawn.
    pub summary: &'a Summary,
    /// Peaks from the start, with all channels mixed; `None` if the recording cannot be read. Ideally with the
    /// resolution of [`waveform_params`](super::waveform_params).
    pub waveform: Option<&'a Waveform>,
}
