//! Prepares a film: opens and probes the sources, and plans the calls of ffmpeg.

use std::collections::BTreeMap;
use std::path::PathBuf;

use media_time::{AssetTime, Window};
use media_v2::MediaAsset;
use primitives::Id;

use crate::composition::Subject;
use crate::cut::SourceCut;
use crate::film::Film;
use crate::film::batch::{self, PieceInput, PieceSource};
use crate::film::join;
use crate::film::packets::SourcePackets;
use crate::film::pieces::{Piece, PieceLayer, Pieces};
use crate::plan::Argument;
use crate::prepare::{OpenedSource, RenderPlanner, planned};
use crate::run::path_of;
use crate::source::ProbedSource;
use crate::{Error, Plan, PlannedSource};

/// A planned film, and the open files that it reads.
pub(crate) struct PreparedFilm {
    /// Its arguments are those of joining the pieces.
    pub(crate) plan: Plan,
    /// The files of the calls.
    pub(crate) paths: Vec<PathBuf>,
    /// The calls that render the pieces, in the order of the pieces.
    pub(crate) calls: Vec<PieceCall>,
    /// Number of frames of each different piece.
    pub(crate) frames: Vec<i64>,
    /// Indices of pieces, in the order of the film.
    pub(crate) order: Vec<usize>,
    /// The paths refer to these file handles, and are valid only while the handles are open.
    _files: Vec<OpenedSource>,
}

/// One call of ffmpeg, which renders some pieces.
pub(crate) struct PieceCall {
    pub(crate) arguments: Vec<Argument>,
    /// Number of pieces.
    pub(crate) pieces: usize,
    /// Number of frames of all of them.
    pub(crate) frames: i64,
}

/// The sources of a film by the index of their file.
#[derive(Default)]
struct FilmSources {
    opened: Vec<OpenedSource>,
    assets: Vec<MediaAsset>,
    /// The index of the file of each asset; `None` for an asset that cannot be shown.
    by_asset: BTreeMap<Id, Option<usize>>,
    warnings: Vec<String>,
}

impl RenderPlanner<'_> {
    /// Opens and probes the sources of `film`, and plans its calls of ffmpeg.
    ///
    /// # Errors
    /// As [`RenderPlanner::prepare`]; [`Error::TooManyOverlapping`].
    pub(crate) async fn film(self, film: &Film) -> Result<PreparedFilm, Error> {
        let composition = &film.composition;
        let pieces = Pieces::of(composition)?;
        let mut sources = self.film_sources(film, &pieces).await?;
        let paths: Vec<PathBuf> = sources.opened.iter().map(|opened| path_of(&opened.file)).collect();
        let cuts = self.film_cuts(film, &pieces, &sources, &paths).await?;
        let inputs = piece_inputs(film, &pieces, &sources, &cuts);
        let (canvas, rate) = (composition.canvas(self.profile), composition.rate);
        let calls = batch::batches(&inputs)
            .into_iter()
            .map(|batch| PieceCall {
                arguments: batch::arguments(batch, canvas, rate),
                pieces: batch.len(),
                frames: batch.iter().map(|piece| piece.frames).sum(),
            })
            .collect();
        let warnings = [film.warnings.clone(), std::mem::take(&mut sources.warnings)].concat();
        let arguments = join::arguments(self.profile, rate);
        let planned = planned_sources(&sources);
        let mut plan = Plan::new(
            self.version,
            self.profile,
            composition.window,
            Some(rate.as_f64()),
            planned,
            arguments,
        );
        (plan.pieces, plan.warnings) = (Some(pieces.different.len()), warnings);
        let frames = pieces.different.iter().map(|piece| piece.frames).collect();
        Ok(PreparedFilm { plan, paths, calls, frames, order: pieces.order, _files: sources.opened })
    }

    /// Opens the visible sources. Of a shot list, a source that cannot be shown is black.
    async fn film_sources(self, film: &Film, pieces: &Pieces) -> Result<FilmSources, Error> {
        let mut sources = FilmSources::default();
        for of in pieces.different.iter().flat_map(|piece| &piece.layers) {
            let asset = &film.composition.layers[of.layer].asset;
            if sources.by_asset.contains_key(&asset.id) {
                continue;
            }
            let index = match self.open(asset).await {
                Ok(opened) if opened.source.video.is_some() => {
                    sources.opened.push(opened);
                    sources.assets.push(asset.clone());
                    Some(sources.opened.len() - 1)
                }
                Ok(_) => {
                    sources.warnings.push(format!("{} has no video: its shots are black", asset.id));
                    None
                }
                Err(error) if is_black(film, &error) => {
                    sources
                        .warnings
                        .push(format!("{} cannot be shown, its shots are black: {error}", asset.id));
                    None
                }
                Err(error) => return Err(error),
            };
            sources.by_asset.insert(asset.id.clone(), index);
        }
        Ok(sources)
    }

    /// The cut of every layer of every piece; `None` for a layer that cannot be shown.
    async fn film_cuts(
        self,
        film: &Film,
        pieces: &Pieces,
        sources: &FilmSources,
        paths: &[PathBuf],
    ) -> Result<Vec<Vec<Option<SourceCut>>>, Error> {
        let layers = &film.composition.layers;
        let mut cuts: Vec<Vec<Option<SourceCut>>> =
            pieces.different.iter().map(|piece| vec![None; piece.layers.len()]).collect();
        for (file, (opened, path)) in sources.opened.iter().zip(paths).enumerate() {
            let source = &opened.source;
            let Some(video) = &source.video else { continue };
            let is_of_file = |of: &PieceLayer| sources.file_of(&layers[of.layer].asset.id) == Some(file);
            let used = used_windows(pieces, &is_of_file);
            if let Some(last) = used.iter().max_by_key(|window| window.end()) {
                self.check_end(path, source, opened.is_truncated, *last).await?;
            }
            let windows: Vec<_> = used.iter().map(|window| source.file_window(*window)).collect();
            let packets = SourcePackets::read(&self.tools.prober, path, source, video, &windows).await?;
            for (piece, cuts) in pieces.different.iter().zip(&mut cuts) {
                for (of, cut) in piece.layers.iter().zip(cuts).filter(|(of, _)| is_of_file(of)) {
                    *cut = Some(packets.cut(source.file_window(of.window)).await?);
                }
            }
        }
        Ok(cuts)
    }
}

impl FilmSources {
    fn file_of(&self, asset_id: &Id) -> Option<usize> {
        self.by_asset.get(asset_id).copied().flatten()
    }
}

/// Whether a source with this error is shown as black.
fn is_black(film: &Film, error: &Error) -> bool {
    let is_about_source = matches!(error, Error::UndecodableMedia(_) | Error::UnsupportedContainer(_));
    is_about_source && matches!(film.composition.subject, Subject::ShotList(_))
}

fn used_windows(pieces: &Pieces, is_used: &impl Fn(&PieceLayer) -> bool) -> Vec<Window<AssetTime>> {
    let all = pieces.different.iter().flat_map(|piece| &piece.layers);
    all.filter(|of| is_used(of)).map(|of| of.window).collect()
}

fn piece_inputs<'a>(
    film: &Film,
    pieces: &Pieces,
    sources: &'a FilmSources,
    cuts: &[Vec<Option<SourceCut>>],
) -> Vec<PieceInput<'a>> {
    let layer = |of: &PieceLayer, cut: &Option<SourceCut>| {
        let layer = &film.composition.layers[of.layer];
        let file = sources.file_of(&layer.asset.id)?;
        let source: &ProbedSource = &sources.opened[file].source;
        let (speed, opacity) = (layer.clip.speed, layer.clip.opacity);
        // Without a frame in the window it is not shown.
        let cut = (*cut).filter(|cut| cut.first_frame.is_some())?;
        Some(PieceSource { file, source, cut, speed, opacity })
    };
    let input = |(piece, cuts): (&Piece, &Vec<Option<SourceCut>>)| PieceInput {
        frames: piece.frames,
        layers: piece.layers.iter().zip(cuts).filter_map(|(of, cut)| layer(of, cut)).collect(),
    };
    pieces.different.iter().zip(cuts).map(input).collect()
}

/// The files of the plan, without first frames: each piece has its own.
fn planned_sources(sources: &FilmSources) -> Vec<PlannedSource> {
    let planned = |(opened, asset): (&OpenedSource, &MediaAsset)| planned(asset, &opened.source, None);
    sources.opened.iter().zip(&sources.assets).map(planned).collect()
}
