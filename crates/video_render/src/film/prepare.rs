//! Prepares a film: opens and probes the sources, and plans the calls of ffmpeg.

use std::collections::BTreeMap;
use std::path::PathBuf;

use media_v2::MediaAsset;
use primitives::Id;

use crate::captions::Captions;
use crate::composition::Subject;
use crate::cut::SourceCut;
use crate::film::Film;
use crate::film::batch::{self, PieceInput, PieceSource};
use crate::film::join;
use crate::film::pieces::{Piece, PieceLayer, Pieces};
use crate::packets::SourcePackets;
use crate::plan::Argument;
use crate::prepare::{OpenedSource, RenderPlanner, planned};
use crate::run::path_of;
use crate::{Error, Plan};

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
    /// The script of its captions, the source behind the paths.
    pub(crate) script: Option<String>,
    /// Number of pieces.
    pub(crate) pieces: usize,
    /// Number of frames of all of them.
    pub(crate) frames: i64,
}

/// A source of a film, with the layers that show it.
struct FilmSource {
    asset: MediaAsset,
    opened: OpenedSource,
    layers: Vec<PlacedLayer>,
}

/// A layer of a piece.
#[derive(Clone, Copy, Debug)]
struct PlacedLayer {
    /// Index of the piece.
    piece: usize,
    /// Position in the piece.
    position: usize,
    of: PieceLayer,
}

/// The cut of a layer and the index of its file; `None` for a layer that is not shown.
type FilmCut = Option<(usize, SourceCut)>;

impl RenderPlanner<'_> {
    /// Opens and probes the sources of `film`, and plans its calls of ffmpeg.
    ///
    /// # Errors
    /// As [`RenderPlanner::prepare`]; [`Error::TooManyOverlapping`].
    pub(crate) async fn film(self, film: &Film) -> Result<PreparedFilm, Error> {
        let composition = &film.composition;
        let pieces = Pieces::of(composition)?;
        let (sources, warnings) = self.film_sources(film, &pieces).await?;
        let paths: Vec<PathBuf> = sources.iter().map(|source| path_of(&source.opened.file)).collect();
        let cuts = self.film_cuts(&pieces, &sources, &paths).await?;
        let inputs = piece_inputs(film, &pieces, &sources, &cuts);
        let (canvas, rate) = (composition.canvas(self.profile), composition.rate);
        let mut different = pieces.different.as_slice();
        let calls = batch::batches(&inputs)
            .into_iter()
            .map(|batch| {
                let (of_batch, rest) = different.split_at(batch.len());
                different = rest;
                let captions = composition.captions.as_ref();
                let script = captions.and_then(|captions| captions.script_of_pieces(self.profile, of_batch));
                PieceCall {
                    arguments: batch::arguments(batch, canvas, rate, script.as_ref().map(|_| paths.len())),
                    script,
                    pieces: batch.len(),
                    frames: batch.iter().map(|piece| piece.frames).sum(),
                }
            })
            .collect();
        let without_captions = composition.captions.as_ref().and_then(Captions::warning);
        let warnings = [film.warnings.clone(), warnings, Vec::from_iter(without_captions)].concat();
        let arguments = join::arguments(self.profile, rate, 0.0);
        // Without first frames: each piece has its own.
        let planned = sources.iter().map(|of| planned(&of.asset, &of.opened.source, None)).collect();
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
        let _files = sources.into_iter().map(|source| source.opened).collect();
        Ok(PreparedFilm { plan, paths, calls, frames, order: pieces.order, _files })
    }

    /// Opens the visible sources. Of a shot list, a source that cannot be shown is black, with a warning.
    async fn film_sources(
        self,
        film: &Film,
        pieces: &Pieces,
    ) -> Result<(Vec<FilmSource>, Vec<String>), Error> {
        let (mut sources, mut warnings) = (Vec::new(), Vec::new());
        for (asset, layers) in layers_by_asset(film, pieces) {
            match self.film_source(film, asset, &layers).await {
                Ok(opened) if opened.source.video.is_some() => {
                    sources.push(FilmSource { asset: asset.clone(), opened, layers });
                }
                Ok(_) => warnings.push(format!("{} has no video: its shots are black", asset.id)),
                Err(error) if is_black(film, &error) => {
                    warnings.push(format!("{} cannot be shown, its shots are black: {error}", asset.id));
                }
                Err(error) => return Err(error),
            }
        }
        Ok((sources, warnings))
    }

    /// Opens a source and checks that it reaches the ends of its windows.
    async fn film_source(
        self,
        film: &Film,
        asset: &MediaAsset,
        layers: &[PlacedLayer],
    ) -> Result<OpenedSource, Error> {
        let opened = self.open(asset).await?;
        let source = &opened.source;
        if let Some(last) = layers.iter().map(|layer| layer.of.window).max_by_key(|window| window.end()) {
            self.check_end(&path_of(&opened.file), source, opened.is_truncated, last).await?;
        }
        // Of a shot list, the last frame is held.
        if matches!(film.composition.subject, Subject::Sequence { .. }) {
            for of in layers.iter().map(|layer| layer.of) {
                film.composition.layers[of.layer].check_probed(source.duration, of.window)?;
            }
        }
        Ok(opened)
    }

    /// The cut of every layer of every piece.
    async fn film_cuts(
        self,
        pieces: &Pieces,
        sources: &[FilmSource],
        paths: &[PathBuf],
    ) -> Result<Vec<Vec<FilmCut>>, Error> {
        let mut cuts: Vec<Vec<FilmCut>> =
            pieces.different.iter().map(|piece| vec![None; piece.layers.len()]).collect();
        for (file, (FilmSource { opened, layers, .. }, path)) in sources.iter().zip(paths).enumerate() {
            let source = &opened.source;
            let Some(video) = &source.video else { continue };
            let windows: Vec<_> = layers.iter().map(|layer| source.file_window(layer.of.window)).collect();
            let packets = SourcePackets::read(&self.tools.prober, path, source, video, &windows).await?;
            for (layer, window) in layers.iter().zip(windows) {
                cuts[layer.piece][layer.position] = Some((file, packets.cut(window).await?));
            }
        }
        Ok(cuts)
    }
}

/// The visible assets, in the order of their first frame, and the layers that show them.
fn layers_by_asset<'a>(film: &'a Film, pieces: &Pieces) -> Vec<(&'a MediaAsset, Vec<PlacedLayer>)> {
    let mut assets: Vec<(&MediaAsset, Vec<PlacedLayer>)> = Vec::new();
    let mut indices: BTreeMap<&Id, usize> = BTreeMap::new();
    for (index, piece) in pieces.different.iter().enumerate() {
        for (position, of) in piece.layers.iter().enumerate() {
            let asset = &film.composition.layers[of.layer].asset;
            let place = *indices.entry(&asset.id).or_insert(assets.len());
            if place == assets.len() {
                assets.push((asset, Vec::new()));
            }
            assets[place].1.push(PlacedLayer { piece: index, position, of: *of });
        }
    }
    assets
}

/// Whether a source with this error is shown as black.
fn is_black(film: &Film, error: &Error) -> bool {
    let is_about_source = matches!(error, Error::UndecodableMedia(_) | Error::UnsupportedContainer(_));
    is_about_source && matches!(film.composition.subject, Subject::ShotList(_))
}

fn piece_inputs<'a>(
    film: &Film,
    pieces: &Pieces,
    sources: &'a [FilmSource],
    cuts: &[Vec<FilmCut>],
) -> Vec<PieceInput<'a>> {
    let layer = |of: &PieceLayer, cut: &FilmCut| {
        let clip = &film.composition.layers[of.layer].clip;
        // Without a frame in the window it is not shown.
        let (file, cut) = cut.filter(|(_, cut)| cut.first_frame.is_some())?;
        let source = &sources[file].opened.source;
        Some(PieceSource { file, source, cut, speed: clip.speed, opacity: clip.opacity })
    };
    let input = |(piece, cuts): (&Piece, &Vec<FilmCut>)| PieceInput {
        frames: piece.frames,
        layers: piece.layers.iter().zip(cuts).filter_map(|(of, cut)| layer(of, cut)).collect(),
    };
    pieces.different.iter().zip(cuts).map(input).collect()
}
