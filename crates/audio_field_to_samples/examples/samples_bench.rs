//! Detects and cuts all hits and loops of a recording: `samples_bench FILE FOLDER` writes each slice to a synced file
//! in FOLDER, as the service writes blobs. Used by `tools/bench.sh`.

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::ops::Range;
use std::path::PathBuf;

use audio_field_to_samples::cut::{Cut, cut};
use audio_field_to_samples::extract::{FeatureSet, extract};
use audio_field_to_samples::hits::{self, HitParams};
use audio_field_to_samples::loops::{self, LoopParams};
use audio_field_to_samples::{MAX_SAMPLES, SliceLabel, SliceMeasure};
use audio_signal::Control;
use primitives::Id;

fn main() -> Result<(), Box<dyn Error>> {
    let [recording, folder] = std::env::args()
        .skip(1)
        .map(PathBuf::from)
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "give a recording and a folder")?;
    let features =
        extract(&File::open(&recording)?.into(), FeatureSet { rhythm: true, bands: true }, &Control::none())?;
    let mut hits = hits::detect(&features.rhythm.onsets, &features.envelope, &HitParams::default());
    hits.truncate(MAX_SAMPLES);
    let loops = loops::detect(&features, &LoopParams::default());
    let fade = u64::from(features.format.rate / 1_000);
    let asset_id: Id = "asset_1".parse()?;
    let cut_of = |frames: &Range<u64>, role: &'static str, beats: Option<u32>, measure| Cut {
        frames: frames.clone(),
        keep_length: beats.is_some(),
        fades: [fade, 10 * fade],
        label: SliceLabel {
            asset_id: asset_id.clone(),
            audio_stream: None,
            role,
            text: role.to_owned(),
            beats,
        },
        measure,
    };
    let hits_cuts =
        hits.iter().map(|hit| cut_of(&hit.slice, "hit", None, SliceMeasure::Hit(hit.sound.clone())));
    let loops_cuts =
        loops.iter().map(|found| cut_of(&found.slice, "loop", Some(4 * found.bars), SliceMeasure::Key));
    let cuts: Vec<Cut> = hits_cuts.chain(loops_cuts).collect();

    let (mut bytes, mut failure) = (0, None);
    let write = |cut: usize, piece: &[u8], last: bool| {
        let mut file =
            OpenOptions::new().create(true).append(true).open(folder.join(format!("{cut}.wav")))?;
        file.write_all(piece)?;
        if last { file.sync_all() } else { Ok(()) }
    };
    let made = cut(&File::open(&recording)?.into(), &cuts, &Control::none(), &mut |piece| {
        bytes += piece.bytes.len();
        failure = write(piece.cut, &piece.bytes, piece.last).err();
        failure.is_none()
    });
    if let Some(error) = failure {
        return Err(error.into());
    }
    println!("{} hits, {} loops, {} slices of {bytes} bytes", hits.len(), loops.len(), made?.len());
    Ok(())
}
