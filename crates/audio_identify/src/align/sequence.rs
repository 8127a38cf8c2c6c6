//! An alignment as a sequence: a track for each recording, with clips at their times. Pure functions.

use audio_fingerprint::AlignedPart;
use audio_signal::rounded;
use media_time::{AssetTime, MediaTime, TimelineTime};
use media_v2::{AssetKind, MediaAsset, Meta};
use video_timeline::{
    NewClip, NewFurtherTrack, NewProject, NewSequence, NewTimeline, NewTrack, ProjectTarget, TrackKind,
};

use super::model::NewAlignedSequence;

/// Drift over a clip from which its speed is changed: less is not audible.
const MAX_DRIFT: MediaTime = MediaTime::from_millis(5);
/// Frame rate of sequences without video, whose exports round to frames: 1 ms.
const AUDIO_FPS: f64 = 1_000.0;
/// Maximum length of a label, in characters.
const MAX_LABEL: usize = 200;

/// A recording with its place.
pub(crate) struct PlacedRecording {
    pub(crate) asset: MediaAsset,
    /// Length of its audio.
    pub(crate) duration: MediaTime,
    /// Empty for the reference, and for unrelated recordings.
    pub(crate) parts: Vec<AlignedPart>,
}

/// A clip in the time of the reference.
#[derive(Debug, PartialEq)]
struct Piece {
    start: MediaTime,
    end: MediaTime,
    reference_start: MediaTime,
    speed: f64,
}

/// A sequence with the whole reference on its first track, and each related recording on one of its own. Time 0 is the
/// start of the earliest recording.
pub(crate) fn sequence(
    reference: &PlacedRecording,
    others: &[PlacedRecording],
    new: NewAlignedSequence,
) -> NewTimeline {
    let end = length(reference);
    let whole = Piece { start: MediaTime::ZERO, end, reference_start: MediaTime::ZERO, speed: 1.0 };
    let mut tracks = vec![(reference, vec![whole])];
    let related = others.iter().filter(|other| !other.parts.is_empty());
    tracks.extend(related.map(|other| (other, pieces(other))));
    let starts = tracks.iter().flat_map(|(_, pieces)| pieces).map(|piece| piece.reference_start);
    let zero = starts.min().unwrap_or_default();
    let has_video = tracks.iter().any(|(placed, _)| placed.asset.kind == AssetKind::Video);
    let NewAlignedSequence { project_id, title } = new;
    let title = title.unwrap_or_else(|| format!("Aligned to {}", label(&reference.asset)));
    let reference_id = reference.asset.id.as_str().into();
    let meta = Meta::from_iter([("reference_asset_id".to_owned(), reference_id)]);
    let mut tracks = tracks.into_iter().map(|(placed, pieces)| track(&placed.asset, pieces, zero));
    // The reference is always there.
    let first = tracks.next().unwrap_or_else(|| track(&reference.asset, Vec::new(), zero));
    NewTimeline {
        sequence: NewSequence {
            name: title.clone(),
            fps: (!has_video).then_some(AUDIO_FPS),
            meta: meta.clone(),
            ..NewSequence::default()
        },
        project: match project_id {
            Some(id) => ProjectTarget::Existing(id),
            None => ProjectTarget::New(NewProject { title, render_profile: None, meta }),
        },
        track: first.track,
        clips: first.clips,
        further_tracks: tracks.collect(),
    }
}

fn length(placed: &PlacedRecording) -> MediaTime {
    placed.asset.duration.unwrap_or(placed.duration)
}

/// The clips of a recording: all of it, each part from its start to that of the next one. What is before the first part is
/// placed by the first one's clock.
fn pieces(placed: &PlacedRecording) -> Vec<Piece> {
    let ends = placed.parts.iter().skip(1).map(|part| part.other.start()).chain([length(placed)]);
    let starts = std::iter::once(MediaTime::ZERO).chain(placed.parts.iter().skip(1).map(|p| p.other.start()));
    let piece = |((part, start), end): ((&AlignedPart, MediaTime), MediaTime)| {
        let speed = 1.0 + part.drift_ppm * 1e-6;
        let drift = MediaTime::from_secs_f64((end - start).as_secs_f64() * (speed - 1.0).abs());
        let speed = if drift > MAX_DRIFT { rounded(speed, 9) } else { 1.0 };
        Piece { start, end, reference_start: part.reference_time(start), speed }
    };
    placed.parts.iter().zip(starts).zip(ends).map(piece).filter(|piece| piece.start < piece.end).collect()
}

fn track(asset: &MediaAsset, pieces: Vec<Piece>, zero: MediaTime) -> NewFurtherTrack {
    let kind = if asset.kind == AssetKind::Video { TrackKind::Video } else { TrackKind::Audio };
    let label = label(asset);
    let clip = |piece: Piece| {
        let (start, end) = (AssetTime::at(piece.start), AssetTime::at(piece.end));
        let at = TimelineTime::at(piece.reference_start - zero);
        let mut clip = NewClip::window(asset.id.clone(), start, end, at);
        clip.speed = piece.speed;
        clip.meta = Meta::from_iter([("label".to_owned(), label.clone().into())]);
        clip
    };
    let clips = pieces.into_iter().map(clip).collect();
    NewFurtherTrack { track: NewTrack { kind, label, position: None, meta: Meta::new() }, clips }
}

/// The name of a recording's file, or its id.
fn label(asset: &MediaAsset) -> String {
    let name = asset.content().file_name.filter(|name| !name.is_empty()).map(str::to_owned);
    name.unwrap_or_else(|| asset.id.to_string()).chars().take(MAX_LABEL).collect()
}

#[cfg(test)]
mod tests {
    use media_time::Window;
    use serde_json::json;

    use super::*;

    fn asset(id: &str, kind: &str, duration_ms: i64) -> MediaAsset {
        let asset = json!({
            "id": id, "tenant_id": "t", "env": "dev", "user_id": null, "kind": kind, "source_uri": "blob://a",
            "duration_ms": duration_ms, "fps": null, "start_timecode": null, "audio_channels": 1, "sample_rate": 48_000,
            "codec_info": "wave: pcm_s16le", "audio_streams": [], "size_bytes": null, "content_sha256": null, "tags": [],
            "source_ref": null, "created_at": "2026-01-01T00:00:00Z", "meta": {"file_name": format!("{id}.wav")},
        });
        serde_json::from_value(asset).unwrap()
    }

    fn placed(id: &str, kind: &str, duration_ms: i64, parts: &[(i64, i64, i64, f64)]) -> PlacedRecording {
        let part = |(start, end, offset, drift_ppm): &(i64, i64, i64, f64)| AlignedPart {
            other: Window::new(MediaTime::from_millis(*start), MediaTime::from_millis(*end)).unwrap(),
            offset: MediaTime::from_millis(*offset),
            drift_ppm: *drift_ppm,
            confidence: 1.0,
            agreement: 1.0,
        };
        let duration = MediaTime::from_millis(duration_ms);
        PlacedRecording {
            asset: asset(id, kind, duration_ms),
            duration,
            parts: parts.iter().map(part).collect(),
        }
    }

    /// Start, end and timeline start of clips in ms, and their speeds.
    fn clips(clips: &[NewClip]) -> Vec<([i64; 3], f64)> {
        let ms = |time: MediaTime| time.as_millis_round();
        clips
            .iter()
            .map(|clip| {
                let times = [
                    clip.in_point.since_zero(),
                    clip.out_point.since_zero(),
                    clip.timeline_start.since_zero(),
                ];
                (times.map(ms), clip.speed)
            })
            .collect()
    }

    #[test]
    fn tracks_begin_at_the_earliest_recording_and_leave_out_unrelated_ones() {
        let reference = placed("camera", "video", 60_000, &[]);
        let others = [
            placed("early", "audio", 90_000, &[(10_000, 70_000, -8_000, 0.0)]),
            placed("late", "audio", 20_000, &[(0, 20_000, 30_000, 0.0)]),
            placed("elsewhere", "audio", 20_000, &[]),
        ];
        let made = sequence(&reference, &others, NewAlignedSequence::default());
        assert_eq!((made.sequence.name.as_str(), made.sequence.fps), ("Aligned to camera.wav", None));
        assert_eq!((made.track.kind, made.track.label.as_str()), (TrackKind::Video, "camera.wav"));
        assert_eq!(clips(&made.clips), [([0, 60_000, 8_000], 1.0)]);
        let labels: Vec<&str> = made.further_tracks.iter().map(|track| track.track.label.as_str()).collect();
        assert_eq!(labels, ["early.wav", "late.wav"]);
        assert_eq!(clips(&made.further_tracks[0].clips), [([0, 90_000, 0], 1.0)]);
        assert_eq!(clips(&made.further_tracks[1].clips), [([0, 20_000, 38_000], 1.0)]);
    }

    #[test]
    fn stopped_recorders_have_a_clip_for_each_part() {
        let reference = placed("a", "audio", 90_000, &[]);
        let parts = [(300, 27_600, 2_000, 0.0), (28_200, 63_000, 22_000, 0.0)];
        let made =
            sequence(&reference, &[placed("b", "audio", 63_000, &parts)], NewAlignedSequence::default());
        assert_eq!(made.sequence.fps, Some(AUDIO_FPS), "exports round to frames");
        let expected = [([0, 28_200, 2_000], 1.0), ([28_200, 63_000, 50_200], 1.0)];
        assert_eq!(clips(&made.further_tracks[0].clips), expected);
    }

    #[test]
    fn drift_that_is_audible_becomes_a_speed() {
        let reference = placed("a", "audio", 3_600_000, &[]);
        let speed = |duration_ms: i64| {
            let other = placed("b", "audio", duration_ms, &[(0, duration_ms, 0, 100.0)]);
            sequence(&reference, &[other], NewAlignedSequence::default()).further_tracks[0].clips[0].speed
        };
        assert_eq!((speed(20_000), speed(3_600_000)), (1.0, 1.0001));
    }

    #[test]
    fn sequences_are_created_in_an_existing_project() {
        let reference = placed("a", "audio", 1_000, &[]);
        let project_id: primitives::Id = "project_1".parse().unwrap();
        let new =
            NewAlignedSequence { project_id: Some(project_id.clone()), title: Some("Concert".to_owned()) };
        let made = sequence(&reference, &[], new);
        assert_eq!(
            (made.project, made.sequence.name),
            (ProjectTarget::Existing(project_id), "Concert".to_owned())
        );
        assert!(made.further_tracks.is_empty());
    }
}
