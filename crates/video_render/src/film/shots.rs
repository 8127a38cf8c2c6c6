//! A shot list as a film.

use std::collections::{BTreeMap, BTreeSet};

use audio_to_video_origin::{ShotList, VideoShot, continues};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use media_time::{AssetTime, LocalTime, MediaTime, TimelineTime, Window};
use media_v2::{Artifact, MediaAsset, MediaError, MediaService};
use primitives::{Id, Scope};
use scheduling::WorkError;
use video_timeline::Clip;

use crate::captions::PlayedWindow;
use crate::composition::{Composition, Layer, Subject, rate_of};
use crate::film::{Film, MAX_SHOTS, Sound, SoundSources};
use crate::{Error, FilmAudio, Fit, Profile};

/// Number of sources that are checked at once.
const CHECKS: usize = 16;

/// How a shot list is rendered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShotListFilm<'a> {
    pub(crate) id: &'a Id,
    /// Its audio; `None` for the default.
    pub(crate) audio: Option<FilmAudio>,
    pub(crate) fit: Fit,
    pub(crate) profile: &'a Profile,
}

/// The assets and artifacts that the film needs, as far as they exist and can be read.
#[derive(Default)]
struct Found {
    assets: BTreeMap<Id, MediaAsset>,
    artifacts: BTreeMap<Id, Artifact>,
    warnings: Vec<String>,
}

/// The film of a shot list: later shots cover earlier ones, and what is gone is black or silent, with a warning.
///
/// # Errors
/// [`Error::TooManyShots`], [`Error::EmptyShotList`], an unreadable list, or a failure of the media store.
pub(crate) async fn of_shot_list(
    media: &MediaService,
    scope: &Scope,
    list: ShotList,
    request: ShotListFilm<'_>,
) -> Result<Film, Error> {
    let count = list.meta.count;
    if count > MAX_SHOTS {
        return Err(Error::TooManyShots { count, limit: MAX_SHOTS });
    }
    let unreadable =
        |source| audio_to_video_origin::Error::ShotListUnreadable { artifact_id: request.id.clone(), source };
    // A list that a caller registered may be larger than it says.
    let shots = tokio::task::spawn_blocking(move || list.shots()).await;
    let shots =
        shots.map_err(|source| WorkError::Broken { queue: "shot_lists", source })?.map_err(unreadable)?;
    if shots.len() > MAX_SHOTS {
        return Err(Error::TooManyShots { count: shots.len(), limit: MAX_SHOTS });
    }
    let has_samples = || shots.iter().all(|shot| shot.sample_id().is_some());
    let default = || if has_samples() { FilmAudio::Samples } else { FilmAudio::Source };
    let audio = request.audio.unwrap_or_else(default);
    let found = find(media, scope, &shots, audio).await?;
    let end = shots.iter().map(|shot| shot.target_start + shot.target_duration).max();
    let window = end.and_then(|end| Window::new(TimelineTime::ZERO, end).ok());
    let window = window.filter(|window| !window.is_empty()).ok_or(Error::EmptyShotList)?;
    let layers: Vec<Layer> =
        (1..).zip(&shots).filter_map(|(number, shot)| layer(number, shot, &found)).collect();
    let composition = Composition {
        subject: Subject::ShotList(request.id.clone()),
        window,
        rate: rate_of(request.profile, None, &layers),
        fit: request.fit,
        layers,
        captions: None,
    };
    let (sources, sounds) = sounds(media, &shots, &found, audio).await?;
    let of_samples = match audio {
        FilmAudio::Samples => shots.iter().filter_map(|shot| origin_of_sample(shot, &found)).collect(),
        FilmAudio::Source | FilmAudio::None => Vec::new(),
    };
    Ok(Film { composition, sources: sources.list, sounds, of_samples, warnings: found.warnings })
}

async fn find(
    media: &MediaService,
    scope: &Scope,
    shots: &[VideoShot],
    audio: FilmAudio,
) -> Result<Found, Error> {
    let shown: BTreeSet<Id> = shots.iter().map(|shot| shot.source_asset_id.clone()).collect();
    let (mut music, mut samples) = (BTreeSet::new(), BTreeSet::new());
    match audio {
        FilmAudio::Samples => samples.extend(shots.iter().filter_map(VideoShot::sample_id)),
        FilmAudio::Source => music.extend(shots.iter().filter_map(|shot| Some(shot.music()?.0))),
        FilmAudio::None => {}
    }
    let ids: Vec<Id> = shown.union(&music).cloned().collect();
    let (assets, artifacts) = {
        let mut conn = media.pool().acquire().await?;
        let assets = media_v2::store::find_assets(&mut conn, scope, &ids).await?;
        let samples: Vec<Id> = samples.iter().cloned().collect();
        (assets, media_v2::store::find_artifacts(&mut conn, scope, &samples).await?)
    };
    // What is gone must not be part of the render's key: it may come back.
    let mut found = Found::default();
    let mut reasons: BTreeMap<Id, String> = BTreeMap::new();
    let checks =
        assets.into_iter().map(async |asset| Ok((gone(media.check_source(asset.content()).await)?, asset)));
    for (reason, asset) in checked(checks.collect()).await? {
        match reason {
            None => _ = found.assets.insert(asset.id.clone(), asset),
            Some(reason) => _ = reasons.insert(asset.id, reason),
        }
    }
    let checks = artifacts
        .into_iter()
        .map(async |sample| Ok((gone(media.check_source(sample.content()).await)?, sample)));
    for (reason, sample) in checked(checks.collect()).await? {
        match reason {
            None => _ = found.artifacts.insert(sample.id.clone(), sample),
            Some(reason) => _ = reasons.insert(sample.id, reason),
        }
    }
    let mut warn = |id: &Id, what: &str| {
        let reason = reasons.get(id).map_or("it does not exist", String::as_str);
        found.warnings.push(format!("{id}: {what}: {reason}"));
    };
    for id in shown.iter().filter(|id| !found.assets.contains_key(*id)) {
        warn(id, "its shots are black");
    }
    for id in music.iter().filter(|id| !found.assets.contains_key(*id)) {
        warn(id, "the music is silent");
    }
    for id in samples.iter().filter(|id| !found.artifacts.contains_key(*id)) {
        warn(id, "the sample is silent");
    }
    Ok(found)
}

/// Runs checks of sources, some at once: each may be a request to an object store.
async fn checked<T>(checks: Vec<impl Future<Output = Result<T, Error>>>) -> Result<Vec<T>, Error> {
    stream::iter(checks).buffered(CHECKS).try_collect().await
}

/// The reason why a source cannot be read, if it is the source's.
fn gone(checked: Result<(), MediaError>) -> Result<Option<String>, Error> {
    match checked {
        Ok(()) => Ok(None),
        Err(error) if error.is_about_source() => Ok(Some(error.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// A shot as a clip of the timeline that the list describes; `None` if there is nothing to show.
fn layer(number: usize, shot: &VideoShot, found: &Found) -> Option<Layer> {
    let asset = found.assets.get(&shot.source_asset_id)?.clone();
    let is_valid = !shot.source_start.is_negative() && !shot.target_start.is_negative();
    let window = shown(shot).filter(|_| is_valid)?;
    let clip = Clip {
        id: format!("shot_{number}").parse().ok()?,
        track_id: "shots".parse().ok()?,
        asset_id: asset.id.clone(),
        artifact_id: shot.sample_id(),
        in_point: window.start(),
        out_point: window.start() + shot.target_duration,
        timeline_start: shot.target_start,
        speed: 1.0,
        volume_db: 0.0,
        opacity: 1.0,
        meta: serde_json::Map::new(),
    };
    let held_from = (window.duration() < shot.target_duration).then(|| window.end());
    Some(Layer { clip, asset, is_visible: true, held_from })
}

/// The window of the source that plays: no longer than the shot.
fn shown(shot: &VideoShot) -> Option<Window<AssetTime>> {
    let length = (shot.source_end - shot.source_start).min(shot.target_duration);
    (length > MediaTime::ZERO).then(|| Window::starting_at(shot.source_start, length))
}

async fn sounds(
    media: &MediaService,
    shots: &[VideoShot],
    found: &Found,
    audio: FilmAudio,
) -> Result<(SoundSources, Vec<Sound>), Error> {
    let (mut sources, mut sounds) = (SoundSources::default(), Vec::new());
    for shot in shots {
        sounds.extend(match audio {
            FilmAudio::None => None,
            FilmAudio::Samples => sample(&mut sources, shot, found),
            FilmAudio::Source => recording(&mut sources, media, shot, found).await?,
        });
    }
    Ok((sources, joined(sounds)))
}

/// The sample of a shot, from the clip's offset on.
fn sample(sources: &mut SoundSources, shot: &VideoShot, found: &Found) -> Option<Sound> {
    let source = sources.artifact(found.artifacts.get(&shot.sample_id()?)?);
    let window = Window::starting_at(AssetTime::at(shot.source_offset()), shot.target_duration);
    sound(shot, source, window, shot.gain_db())
}

/// The recording from which the sample of a shot was cut, and where in it what plays comes from.
fn origin_of_sample(shot: &VideoShot, found: &Found) -> Option<(Id, PlayedWindow)> {
    found.artifacts.get(&shot.sample_id()?)?;
    let source = Window::starting_at(shot.origin_start(), shot.target_duration);
    let start = LocalTime::at(shot.target_start.since_zero());
    let is_valid = !source.is_empty() && !start.is_negative();
    is_valid.then(|| (shot.source_asset_id.clone(), PlayedWindow { source, start, speed: 1.0 }))
}

/// The audio of the recording that is shown, or the music of the edit.
async fn recording(
    sources: &mut SoundSources,
    media: &MediaService,
    shot: &VideoShot,
    found: &Found,
) -> Result<Option<Sound>, Error> {
    let played = match shot.music() {
        Some((id, start)) => Some((id, Window::starting_at(start, shot.target_duration))),
        None => shown(shot).map(|window| (shot.source_asset_id.clone(), window)),
    };
    let Some((id, window)) = played else { return Ok(None) };
    let Some(asset) = found.assets.get(&id) else { return Ok(None) };
    Ok(sound(shot, sources.asset(media, asset).await?, window, 0.0))
}

/// Sounds that continue the one before are one sound: cut into pieces at the sample grid, music would click.
fn joined(sounds: Vec<Sound>) -> Vec<Sound> {
    let mut joined: Vec<Sound> = Vec::with_capacity(sounds.len());
    for sound in sounds {
        let before = joined.last_mut().filter(|before| {
            let ends = before.start + before.duration();
            before.source == sound.source
                && before.gain_db == sound.gain_db
                && continues(ends, sound.start)
                && continues(before.window.end(), sound.window.start())
        });
        match before {
            Some(before) => {
                let length = sound.start + sound.duration() - before.start;
                before.window = Window::starting_at(before.window.start(), length);
            }
            None => joined.push(sound),
        }
    }
    joined
}

fn sound(shot: &VideoShot, source: usize, window: Window<AssetTime>, gain_db: f64) -> Option<Sound> {
    let start = LocalTime::at(shot.target_start.since_zero());
    let is_valid = !window.is_empty() && !start.is_negative();
    is_valid.then_some(Sound { source, window, start, speed: 1.0, gain_db })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shot() -> VideoShot {
        let shot = json!({
            "source_asset_id": "talk", "source_start_ms": 1_000, "source_end_ms": 1_500, "target_start_ms": 250,
            "target_duration_ms": 400, "meta": {},
        });
        serde_json::from_value(shot).unwrap()
    }

    #[test]
    fn shown_window_is_at_most_as_long_as_the_shot() {
        let ms = AssetTime::from_millis;
        assert_eq!(shown(&shot()), Window::new(ms(1_000), ms(1_400)).ok());
        let mut short = shot();
        short.source_end = ms(1_100);
        assert_eq!(shown(&short), Window::new(ms(1_000), ms(1_100)).ok());
        short.source_end = ms(900);
        assert_eq!(shown(&short), None);
    }

    #[test]
    fn sounds_that_continue_are_one_sound() {
        let sound = |source: usize, from: i64, start: i64, length: i64| Sound {
            source,
            window: Window::starting_at(AssetTime::from_micros(from), MediaTime::from_micros(length)),
            start: LocalTime::from_micros(start),
            speed: 1.0,
            gain_db: 0.0,
        };
        let music = vec![sound(0, 1_000, 0, 333), sound(0, 1_334, 333, 333), sound(0, 1_667, 666, 334)];
        assert_eq!(joined(music), [sound(0, 1_000, 0, 1_000)]);
        let apart = vec![
            sound(0, 0, 0, 100),
            sound(1, 100, 100, 100),
            sound(0, 150, 200, 100),
            sound(0, 250, 310, 9),
        ];
        assert_eq!(joined(apart.clone()), apart);
    }
}
