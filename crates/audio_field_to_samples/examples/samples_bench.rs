//! Detects and cuts all hits and loops of a recording: `samples_bench FILE FOLDER` writes each slice to a synced file
//! in FOLDER, as the service writes blobs. Used by `tools/bench.sh`.

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use audio_field_to_samples::MAX_SAMPLES;
use audio_field_to_samples::cut::{Cut, cut};
use audio_field_to_samples::extract::{FeatureSet, extract};
use audio_field_to_samples::hits::{self, HitParams};
use audio_field_to_samples::loops::{self, LoopParams};

fn main() -> Result<(), Box<dyn Error>> {
    let [recording, folder] = std::env::args()
        .skip(1)
        .map(PathBuf::from)
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "give a recording and a folder")?;
    let features =
        extract(&File::open(&recording)?.into(), FeatureSet { rhythm: true, bands: true }, &|| false)?;
    let mut hits = hits::detect(&features.rhythm.onsets, &features.envelope, &HitParams::default());
    hits.truncate(MAX_SAMPLES);
    let loops = loops::detect(&features, &LoopParams::default());
    let fade = u64::from(features.format.rate / 1_000);
    let slices = hits
        .iter()
        .map(|hit| (hit.slice.clone(), false))
        .chain(loops.iter().map(|l| (l.slice.clone(), true)));
    let cuts: Vec<Cut> =
        slices.map(|(frames, keep_length)| Cut { frames, keep_length, fades: [fade, 10 * fade] }).collect();

    let (mut bytes, mut failure) = (0, None);
    let write = |cut: usize, piece: &[u8], last: bool| {
        let mut file =
            OpenOptions::new().create(true).append(true).open(folder.join(format!("{cut}.wav")))?;
        file.write_all(piece)?;
        if last { file.sync_all() } else { Ok(()) }
    };
    let made = cut(&File::open(&recording)?.into(), &cuts, &|| false, &mut |piece| {
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
