//! Prepares the input of the plans, and turns their windows into pieces. Pure functions.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use http_kit::FieldError;
use library::Place;
use media_time::{AssetTime, MediaTime, Window};
use media_v2::Meta;
use primitives::Id;

use crate::cut_to_music::{Music, Source};
use crate::model::{CutToMusic, EditSource, Excerpt, RemoveSilence, Violations};
use crate::remove_silence::{self, SilenceRule};
use crate::semantics::{Analysed, Loudness, Rhythm, Speech};
use crate::shots::Piece;
use crate::{Error, fillers, phrase, supercut};

/// The pieces of a recording that remain without silences, and without fillers if requested.
pub(crate) fn without_silence(
    request: &RemoveSilence,
    analysed: &Analysed<Speech>,
    duration: Option<MediaTime>,
) -> Vec<Piece> {
    let Speech { end, silences, words, .. } = &analysed.data;
    let end = duration.map_or(*end, |duration| AssetTime::at(duration).min(*end));
    let fillers = words.iter().filter(|word| fillers::is_filler(&word.text, word.language.as_deref()));
    let fillers: Vec<_> = fillers.filter(|_| request.fillers).map(|word| word.window).collect();
    let rule = SilenceRule { margin: request.margin, min_silence: request.min_silence };
    let windows = remove_silence::remaining(end, silences, &fillers, rule);
    let piece = |(number, window)| {
        let mut meta = supercut::labelled(&format!("part {number}"));
        meta.extend(analysed.marks.clone());
        Piece { asset_id: request.asset_id.clone(), window, meta }
    };
    (1..).zip(windows).map(piece).collect()
}

/// The window of each source, up to the end of its recording.
pub(crate) fn source_windows(
    request: &CutToMusic,
    durations: &HashMap<Id, Option<MediaTime>>,
) -> Result<Vec<Window<AssetTime>>, Error> {
    let starts = request.sources.iter().map(|source| (&source.asset_id, source.start));
    check_starts(starts, "/sources", durations)?;
    let mut errors = Vec::new();
    let mut windows = Vec::with_capacity(request.sources.len());
    for (index, source) in request.sources.iter().enumerate() {
        let end = durations.get(&source.asset_id).copied().flatten().map(AssetTime::at);
        let Some(end) = end.into_iter().chain(source.end).min() else {
            let detail = "the duration of the recording is unknown; give the end".to_owned();
            errors.push(FieldError { pointer: format!("/sources/{index}/end_ms"), detail });
            continue;
        };
        windows.push(Window::starting_at(source.start, end - source.start));
    }
    if errors.is_empty() { Ok(windows) } else { Err(Error::Invalid(errors)) }
}

/// Rejects windows that start at or after the end of their recording.
pub(crate) fn check_starts<'a>(
    starts: impl Iterator<Item = (&'a Id, AssetTime)>,
    list: &str,
    durations: &HashMap<Id, Option<MediaTime>>,
) -> Result<(), Error> {
    let mut violations = Violations::default();
    for (index, (asset_id, start)) in starts.enumerate() {
        let duration = durations.get(asset_id).copied().flatten();
        let is_inside = duration.is_none_or(|duration| start < AssetTime::at(duration));
        let pointer = || format!("{list}/{index}/start_ms");
        violations.require(is_inside, pointer, "must be before the end of the recording");
    }
    violations.result()
}

/// The part of the music that is used.
pub(crate) fn music(request: &CutToMusic, rhythm: Rhythm) -> Result<Music, Error> {
    let end = request.end.unwrap_or(rhythm.end).min(rhythm.end);
    let Some(window) = Window::new(request.start, end).ok().filter(|window| !window.is_empty()) else {
        let detail = "must be before the end of the music".to_owned();
        return Err(Error::Invalid(vec![FieldError { pointer: "/start_ms".to_owned(), detail }]));
    };
    let Rhythm { beats, loudness, .. } = rhythm;
    Ok(Music { asset_id: request.music_asset_id.clone(), window, beats, loudness })
}

pub(crate) fn sources_of(
    request: &CutToMusic,
    windows: Vec<Window<AssetTime>>,
    loudness: &HashMap<Id, Loudness>,
) -> Vec<Source> {
    let source = |(source, window): (&EditSource, Window<AssetTime>)| Source {
        asset_id: source.asset_id.clone(),
        window,
        loudness: loudness.get(&source.asset_id).cloned().unwrap_or_default(),
    };
    request.sources.iter().zip(windows).map(source).collect()
}

pub(crate) fn excerpt(excerpt: Excerpt) -> Option<Piece> {
    let window = Window::new(excerpt.start, excerpt.end).ok()?;
    let label = format!("{} at {} ms", excerpt.asset_id, excerpt.start.since_zero().as_millis_f64());
    Some(Piece { asset_id: excerpt.asset_id, window, meta: supercut::labelled(&label) })
}

/// The places where a phrase is said, labelled with the words as they are written there.
pub(crate) fn said(q: &str, asset_ids: &[Id], speech: &[Analysed<Speech>]) -> Vec<Piece> {
    let q = phrase::normalised(q);
    let of_asset = |(asset_id, analysed): (&Id, &Analysed<Speech>)| {
        let words = &analysed.data.words;
        let piece = |range: Range<usize>| {
            let said = words.get(range)?;
            let window = Window::new(said.first()?.window.start(), said.last()?.window.end()).ok()?;
            let text: Vec<&str> = said.iter().map(|word| word.text.trim()).collect();
            let mut meta = supercut::labelled(&text.join(" "));
            meta.extend(analysed.marks.clone());
            Some(Piece { asset_id: asset_id.clone(), window, meta })
        };
        phrase::occurrences(words, &q).into_iter().filter_map(piece).collect::<Vec<_>>()
    };
    asset_ids.iter().zip(speech).flat_map(of_asset).collect()
}

/// The places that a search has found, labelled with the words as they are written there. `marks` are those of the
/// timelines.
pub(crate) fn found(places: Vec<Place>, marks: &HashMap<Id, Meta>) -> Vec<Piece> {
    let piece = |place: Place| {
        let [start, end] = [place.found.start_ms, place.found.end_ms].map(AssetTime::from_millis);
        let window = Window::new(start, end).ok().filter(|window| !window.is_empty())?;
        let mut meta = supercut::labelled(&place.found.text);
        meta.extend(marks.get(&place.timeline_artifact_id).cloned().unwrap_or_default());
        Some(Piece { asset_id: place.asset_id, window, meta })
    };
    places.into_iter().filter_map(piece).collect()
}

/// Sorted and without duplicates.
pub(crate) fn distinct<'a>(ids: impl Iterator<Item = &'a Id>) -> Vec<Id> {
    ids.collect::<BTreeSet<_>>().into_iter().cloned().collect()
}

/// In the given order, without duplicates.
pub(crate) fn in_order(ids: Vec<Id>) -> Vec<Id> {
    let mut seen = BTreeSet::new();
    ids.into_iter().filter(|id| seen.insert(id.clone())).collect()
}
