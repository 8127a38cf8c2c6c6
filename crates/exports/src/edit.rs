//! Sequences as edited timelines.

use std::collections::BTreeMap;

use interchange::edit::{Clip, EditTimeline, Media, Track, TrackKind, layered};
use interchange::frame_rate::FrameRate;
use interchange::loss::{Loss, LossKind, Losses};
use interchange::text::prefix;
use media_time::Window;
use primitives::Id;

use crate::error::Error;

/// Maximum number of clips of an export.
pub(crate) const MAX_CLIPS: usize = 100_000;
/// Maximum number of tracks of an export.
pub(crate) const MAX_TRACKS: usize = 10_000;
/// Tracks that overlapping clips of one track are distributed over, at most.
const MAX_LAYERS: usize = 64;
/// Maximum length of a clip's name, in bytes.
const MAX_NAME: usize = 512;

/// The tracks of a sequence, with what exports read of its clips.
#[derive(Debug, Default)]
pub(crate) struct SequenceReader {
    tracks: Vec<ReadTrack>,
    /// The assets of the clips, by first occurrence.
    assets: Vec<Id>,
    indices: BTreeMap<Id, usize>,
    clip_count: usize,
    losses: Losses,
}

#[derive(Debug)]
struct ReadTrack {
    is_video: bool,
    label: String,
    /// In order of their start; `media` is the index of the asset.
    clips: Vec<Clip>,
}

impl SequenceReader {
    /// Adds a track above the others; the next clips are on it.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub(crate) fn add_track(&mut self, track: video_timeline::Track) -> Result<(), Error> {
        if self.tracks.len() == MAX_TRACKS {
            return Err(Error::TooLarge { limit: MAX_TRACKS, items: "tracks" });
        }
        let is_video = track.kind == video_timeline::TrackKind::Video;
        self.tracks.push(ReadTrack { is_video, label: track.label, clips: Vec::new() });
        Ok(())
    }

    /// Adds a clip to the last track.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub(crate) fn add_clip(&mut self, clip: &video_timeline::Clip) -> Result<(), Error> {
        if self.clip_count == MAX_CLIPS {
            return Err(Error::TooLarge { limit: MAX_CLIPS, items: "clips" });
        }
        self.clip_count += 1;
        let Some(track) = self.tracks.last_mut() else { return Ok(()) };
        let place = format!("track {}", track.label);
        let mut lost = |what| self.losses.count(what, place.clone(), 1, "clip");
        // A remote timeline may have clips that cannot be stored here.
        let is_played = clip.speed.is_finite() && clip.speed > 0.0 && clip.in_point <= clip.out_point;
        if !is_played {
            lost(LossKind::WindowInvalid);
            return Ok(());
        }
        if clip.opacity != 1.0 {
            lost(LossKind::OpacityOmitted);
        }
        let next = self.assets.len();
        let media = *self.indices.entry(clip.asset_id.clone()).or_insert(next);
        if media == next {
            self.assets.push(clip.asset_id.clone());
        }
        let clip = edit_clip(clip, media);
        if clip.name.len() > MAX_NAME {
            lost(LossKind::NameShortened);
        }
        track.clips.push(shortened(clip));
        Ok(())
    }

    /// The assets that the clips play.
    pub(crate) fn assets(&self) -> &[Id] {
        &self.assets
    }

    /// The edited timeline of the sequence. `indices` has the asset of each medium; `embedded_audio` is that of
    /// [`EditTimeline`].
    pub(crate) fn timeline(
        self,
        sequence: video_timeline::Sequence,
        media: Vec<Media>,
        indices: &BTreeMap<Id, usize>,
        embedded_audio: bool,
    ) -> (EditTimeline, Vec<Loss>) {
        let Self { tracks: read, assets, mut losses, .. } = self;
        let (mut video, mut audio) = (Vec::new(), Vec::new());
        for ReadTrack { is_video, label, clips } in read {
            let place = format!("track {label}");
            let mut known = Vec::with_capacity(clips.len());
            for clip in clips {
                match indices.get(&assets[clip.media]) {
                    Some(&media) => known.push(Clip { media, ..clip }),
                    None => losses.count(LossKind::MediaMissing, place.clone(), 1, "clip"),
                }
            }
            if is_video {
                let sounding = with_separate_audio(&known, &media, embedded_audio);
                let is_empty = |clip: &&Clip| !media[clip.media].has_video && !media[clip.media].has_audio();
                let empty = known.iter().filter(is_empty).count();
                losses.count(LossKind::VideoOmitted, place, empty, "clip");
                known.retain(|clip| media[clip.media].has_video);
                add(&mut video, TrackKind::Video, Some(&label), known, &mut losses);
                // Recordings without video on a video track keep their audio.
                add(&mut audio, TrackKind::Audio, Some(&label), sounding, &mut losses);
            } else {
                let count = known.len();
                known.retain(|clip| media[clip.media].has_audio());
                losses.count(LossKind::AudioOmitted, place, count - known.len(), "clip");
                add(&mut audio, TrackKind::Audio, Some(&label), known, &mut losses);
            }
        }
        let rate = sequence.fps.and_then(FrameRate::from_f64);
        if let Some(fps) = sequence.fps
            && rate.is_none()
        {
            losses.add(LossKind::RateChanged, format!("{fps} frames per second of the sequence"));
        }
        let rate = rate.or_else(|| first_rate(&video, &media)).unwrap_or(FrameRate::PAL);
        let tracks = video.into_iter().chain(audio).collect();
        (EditTimeline { name: sequence.name, rate, media, tracks, embedded_audio }, losses.finish())
    }
}

/// The clips whose audio is on audio tracks: neither muted ones, nor those that are video and have their audio embedded.
pub(crate) fn with_separate_audio(clips: &[Clip], media: &[Media], embedded_audio: bool) -> Vec<Clip> {
    let is_separate = |clip: &&Clip| {
        let file = &media[clip.media];
        file.has_audio() && !clip.is_silent() && !(embedded_audio && file.has_video)
    };
    clips.iter().filter(is_separate).cloned().collect()
}

/// The frame rate of the first clip whose file has one.
pub(crate) fn first_rate(video: &[Track], media: &[Media]) -> Option<FrameRate> {
    let clips = video.iter().flat_map(|track| &track.clips);
    let rates = clips.filter_map(|clip| Some((clip.target.start(), media.get(clip.media)?.rate?)));
    rates.min_by_key(|(start, _)| *start).map(|(_, rate)| rate)
}

/// Distributes clips over tracks without overlap and adds those.
pub(crate) fn add(
    tracks: &mut Vec<Track>,
    kind: TrackKind,
    label: Option<&str>,
    clips: Vec<Clip>,
    losses: &mut Losses,
) {
    let (layers, omitted) = layered(kind, label, clips, MAX_LAYERS);
    let place = label.map_or_else(String::new, |label| format!("track {label}"));
    losses.count(LossKind::LayerOmitted, place, omitted, "clip");
    tracks.extend(layers);
}

/// The clip with a name of at most [`MAX_NAME`] bytes.
pub(crate) fn shortened(clip: Clip) -> Clip {
    if clip.name.len() <= MAX_NAME {
        clip
    } else {
        Clip { name: prefix(&clip.name, MAX_NAME).to_owned(), ..clip }
    }
}

fn edit_clip(clip: &video_timeline::Clip, media: usize) -> Clip {
    let mut metadata = vec![("clip_id".to_owned(), clip.id.to_string())];
    metadata.extend(clip.artifact_id.iter().map(|id| ("artifact_id".to_owned(), id.to_string())));
    let label = clip.meta.get("label").and_then(|label| label.as_str()).map(str::to_owned);
    Clip {
        name: label.unwrap_or_else(|| clip.id.to_string()),
        media,
        target: Window::starting_at(clip.timeline_start.since_zero(), clip.duration_on_timeline()),
        source_start: clip.in_point.since_zero(),
        speed: clip.speed,
        gain_db: clip.volume_db,
        metadata,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn file(id: &str, has_video: bool, rate: Option<FrameRate>, channels: u32) -> Media {
        Media {
            id: id.to_owned(),
            name: id.to_owned(),
            url: None,
            duration: None,
            has_video,
            rate,
            start_timecode: None,
            audio_channels: Some(channels),
            sample_rate: None,
        }
    }

    fn clip(asset: &str, change: Value) -> video_timeline::Clip {
        let mut clip = json!({
            "id": "clip_1", "track_id": "track_1", "asset_id": asset, "artifact_id": null, "in_ms": 0, "out_ms": 1_000,
            "start_ms_on_timeline": 0, "speed": 1.0, "volume_db": 0.0, "opacity": 1.0, "meta": {},
        });
        clip.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        serde_json::from_value(clip).unwrap()
    }

    /// Kind and name of a track, and the media of its clips.
    type TrackOfClips = (TrackKind, String, Vec<usize>);

    /// Kind, name and media of the tracks' clips, and the losses, of two tracks with the same clips.
    fn exported(
        clips: &[video_timeline::Clip],
        fps: Value,
        embedded_audio: bool,
    ) -> (Vec<TrackOfClips>, Vec<String>) {
        let mut reader = SequenceReader::default();
        for (kind, label) in [("video", "Film"), ("audio", "Music")] {
            let track = json!({
                "id": "track_1", "sequence_id": "s", "kind": kind, "label": label, "position": 0, "meta": {},
            });
            reader.add_track(serde_json::from_value(track).unwrap()).unwrap();
            for clip in clips {
                reader.add_clip(clip).unwrap();
            }
        }
        let media = vec![
            file("film", true, Some(FrameRate::PAL), 2),
            file("still", true, None, 0),
            file("song", false, None, 2),
            file("text", false, None, 0),
        ];
        let indices = (0..).zip(&media).map(|(index, file)| (file.id.parse().unwrap(), index)).collect();
        let sequence = json!({
            "id": "s", "project_id": "p", "name": "Cut", "fps": fps, "position": 0, "meta": {},
        });
        let sequence = serde_json::from_value(sequence).unwrap();
        let (timeline, losses) = reader.timeline(sequence, media, &indices, embedded_audio);
        let tracks = timeline.tracks.into_iter();
        let tracks = tracks
            .map(|track| (track.kind, track.name, track.clips.iter().map(|clip| clip.media).collect()))
            .collect();
        let losses = losses.into_iter().map(|loss| format!("{:?}: {}", loss.what, loss.place)).collect();
        (tracks, losses)
    }

    #[test]
    fn clips_are_on_tracks_of_what_their_files_have() {
        let at = |asset: &str, start: i64| clip(asset, json!({"start_ms_on_timeline": start}));
        let clips =
            [at("film", 0), at("still", 1_000), at("song", 2_000), at("text", 3_000), at("none", 4_000)];
        let (tracks, losses) = exported(&clips, json!(25), false);
        let row = |kind, label: &str, media: &[usize]| (kind, label.to_owned(), media.to_vec());
        let own = row(TrackKind::Audio, "Music", &[0, 2]);
        let video = row(TrackKind::Video, "Film", &[0, 1]);
        assert_eq!(tracks, [video.clone(), row(TrackKind::Audio, "Film", &[0, 2]), own.clone()]);
        assert_eq!(
            losses,
            [
                "MediaMissing: track Film, 1 clip",
                "VideoOmitted: track Film, 1 clip",
                "MediaMissing: track Music, 1 clip",
                "AudioOmitted: track Music, 2 clips"
            ]
        );
        let (tracks, _) = exported(&clips, json!(25), true);
        assert_eq!(tracks, [video, row(TrackKind::Audio, "Film", &[2]), own]);
    }

    #[test]
    fn properties_of_clips_that_are_not_exported_are_losses() {
        let long =
            clip("film", json!({"meta": {"label": "é".repeat(300)}, "volume_db": -6.0, "opacity": 0.5}));
        let (tracks, losses) = exported(&[long.clone(), long], json!(0.5), true);
        let names: Vec<&str> = tracks.iter().map(|(_, name, _)| name.as_str()).collect();
        assert_eq!(names, ["Film", "Film 2", "Music", "Music 2"], "clips that overlap");
        let of_tracks = ["Film", "Music"].into_iter().flat_map(|track| {
            ["OpacityOmitted", "NameShortened"].map(|what| format!("{what}: track {track}, 2 clips"))
        });
        let rate = "RateChanged: 0.5 frames per second of the sequence".to_owned();
        assert_eq!(losses, of_tracks.chain([rate]).collect::<Vec<_>>());
    }

    #[test]
    fn muted_clips_of_video_tracks_have_no_separate_audio() {
        let kinds = |volume_db: f64| {
            let (tracks, _) = exported(&[clip("film", json!({"volume_db": volume_db}))], json!(25), false);
            tracks.into_iter().map(|(kind, label, _)| (kind, label)).collect::<Vec<_>>()
        };
        let [film, own, music] = [
            (TrackKind::Video, "Film".to_owned()),
            (TrackKind::Audio, "Film".to_owned()),
            (TrackKind::Audio, "Music".to_owned()),
        ];
        assert_eq!(kinds(-200.0), [film.clone(), music.clone()]);
        assert_eq!(kinds(-20.0), [film, own, music]);
    }

    #[test]
    fn number_of_tracks_is_limited() {
        let track = json!({
            "id": "track_1", "sequence_id": "s", "kind": "video", "label": "V", "position": 0, "meta": {},
        });
        let track: video_timeline::Track = serde_json::from_value(track).unwrap();
        let mut reader = SequenceReader::default();
        for _ in 0..MAX_TRACKS {
            reader.add_track(track.clone()).unwrap();
        }
        assert!(matches!(
            reader.add_track(track),
            Err(Error::TooLarge { limit: MAX_TRACKS, items: "tracks" })
        ));
    }
}
