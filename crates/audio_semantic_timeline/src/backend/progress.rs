//! Progress of an analysis with several passes.

use audio_signal::Progress;
use media_time::MediaTime;

/// Maps the progress of a pass to the range from `from` to `to` percent of the whole analysis.
pub(super) fn within(progress: Progress, from: i64, to: i64) -> Progress {
    let Some(expected) = progress.expected_duration else { return progress };
    let micros = |percent: i64, of: MediaTime| of.as_micros() / 100 * percent;
    let position = MediaTime::from_micros(micros(from, expected) + micros(to - from, progress.position));
    Progress { position, ..progress }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_of_a_pass_maps_to_its_share() {
        let at = |seconds| {
            let [position, expected] = [seconds, 100].map(|seconds| MediaTime::from_millis(seconds * 1_000));
            let progress = Progress { position, expected_duration: Some(expected) };
            within(progress, 20, 25).position.as_millis_round()
        };
        assert_eq!([at(0), at(50), at(100)], [20_000, 22_500, 25_000]);
    }
}
