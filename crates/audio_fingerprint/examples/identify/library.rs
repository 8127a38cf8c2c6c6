//! A library of recordings, made by `tools/identify/library.py`, and its index.

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use audio_fingerprint::{FINGERPRINT_VERSION, Fingerprinter, Landmark, MemoryIndex, RATE, Sources};

use crate::audio::{Random, is_quiet, to_wave};

pub(crate) const SECOND: usize = RATE as usize;
/// Ways in which a recording is changed so that it is another one, to fill a large library: none, backwards, faster by
/// four semitones (beyond what is searched), both.
const CHANGES: usize = 4;
const FASTER: f64 = 1.259_92;
/// Source ids of recordings under one change.
const IDS: usize = 1_000_000;

pub(crate) struct Library {
    pub(crate) names: Vec<String>,
    pub(crate) recordings: Vec<Vec<i16>>,
    /// Recordings that are indexed as they are.
    pub(crate) indexed: Vec<usize>,
    pub(crate) index: MemoryIndex,
    /// Where queries are written, for other programs.
    pub(crate) written: Option<PathBuf>,
}

/// Recordings that are never indexed: pieces of the same artists as the others.
pub(crate) fn is_unknown(recording: usize) -> bool {
    recording % 4 == 3
}

/// Whether a recording is of speech or songs that a synthesiser makes of a few samples, which others have, too.
pub(crate) fn is_synthesised(name: &str) -> bool {
    name.starts_with("speech_") || name.starts_with("song_")
}

impl Library {
    /// The recordings of `directory`, and an index of `hours` hours of them; after all of them, of changed ones.
    pub(crate) fn load(directory: &Path, hours: f64) -> Self {
        let mut files: Vec<_> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "s16"))
            .collect();
        files.sort();
        let (mut names, mut recordings) = (Vec::new(), Vec::new());
        for file in &files {
            let bytes = std::fs::read(file).unwrap();
            recordings
                .push(bytes.as_chunks::<2>().0.iter().map(|bytes| i16::from_le_bytes(*bytes)).collect());
            names.push(file.file_stem().unwrap().to_string_lossy().into_owned());
        }
        let (indexed, index) = (Vec::new(), MemoryIndex::new());
        let mut library = Self { names, recordings, indexed, index, written: None };
        library.fill(directory, hours);
        library
    }

    /// Indexes recordings in a random order until there are `hours` hours.
    fn fill(&mut self, directory: &Path, hours: f64) {
        let (mut random, mut seconds, mut rows) = (Random(3), 0.0, 0);
        let mut order: Vec<usize> = (0..self.recordings.len()).filter(|id| !is_unknown(*id)).collect();
        for last in (1..order.len()).rev() {
            order.swap(last, random.below(last + 1));
        }
        for (change, &recording) in (0..CHANGES).flat_map(|change| order.iter().map(move |id| (change, id))) {
            if seconds >= 3_600.0 * hours {
                break;
            }
            seconds += self.length(recording, change) as f64 / f64::from(RATE);
            let cache = format!("{}.v{FINGERPRINT_VERSION}.{change}", self.names[recording]);
            let landmarks = cached(&directory.join(cache), || fingerprint(&self.changed(recording, change)));
            rows += landmarks.len();
            self.index.add((change * IDS + recording) as i64, &landmarks);
            if change == 0 {
                self.indexed.push(recording);
            }
        }
        println!(
            "{:.1} h indexed of {} recordings ({} as they are): {rows} landmarks, {:.1} a second; {:.2} MB an hour at 8 bytes",
            seconds / 3_600.0,
            self.recordings.len(),
            self.indexed.len(),
            rows as f64 / seconds,
            rows as f64 * 8e-6 / (seconds / 3_600.0),
        );
    }

    fn length(&self, recording: usize, change: usize) -> usize {
        let length = self.recordings[recording].len();
        if change >= 2 { (length as f64 / FASTER) as usize } else { length }
    }

    /// Sample `at` of a changed recording; 0 outside.
    fn sample(&self, recording: usize, change: usize, at: i64) -> f32 {
        let (samples, length) = (&self.recordings[recording], self.length(recording, change) as i64);
        if !(0..length).contains(&at) {
            return 0.0;
        }
        let at = if change % 2 == 1 { length - 1 - at } else { at } as usize;
        if change < 2 {
            return f32::from(samples[at]) / 32_768.0;
        }
        let position = at as f64 * FASTER;
        let (whole, part) = (position as usize, position.fract() as f32);
        let next = samples.get(whole + 1).copied().unwrap_or_default();
        (f32::from(samples[whole]) * (1.0 - part) + f32::from(next) * part) / 32_768.0
    }

    pub(crate) fn changed(&self, recording: usize, change: usize) -> Vec<f32> {
        (0..self.length(recording, change)).map(|at| self.sample(recording, change, at as i64)).collect()
    }

    /// `length` samples of a recording.
    pub(crate) fn part(&self, recording: usize, start: usize, length: usize) -> Vec<f32> {
        (start..start + length).map(|at| self.sample(recording, 0, at as i64)).collect()
    }

    /// Writes the names of the recordings that are indexed as they are, if queries are written.
    pub(crate) fn write_names(&self) {
        let Some(directory) = &self.written else { return };
        std::fs::create_dir_all(directory).unwrap();
        let names: Vec<&str> = self.indexed.iter().map(|id| self.names[*id].as_str()).collect();
        std::fs::write(directory.join("indexed"), names.join("\n")).unwrap();
    }

    /// Writes samples of a table for other programs, if they are wanted.
    pub(crate) fn write(&self, table: &str, name: &str, samples: &[f32]) {
        let Some(directory) = &self.written else { return };
        let directory = directory.join(table.replace('/', " a "));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(format!("{name}.wav")), to_wave(samples)).unwrap();
    }

    pub(crate) fn name(&self, source: i64) -> String {
        let source = source as usize;
        let name = self.names.get(source % IDS).map_or("made", String::as_str);
        format!("{name} ({})", source / IDS)
    }

    /// A random place of `length` samples in one of `recordings` whose first third of a second is not quiet.
    pub(crate) fn place(&self, recordings: &[usize], length: usize, random: &mut Random) -> Place {
        loop {
            let recording = recordings[random.below(recordings.len())];
            let Some(room) = self.recordings[recording].len().checked_sub(length + SECOND / 2) else {
                continue;
            };
            let start = random.below(room);
            if !is_quiet(&self.part(recording, start, SECOND / 3)) {
                return Place { recording, start };
            }
        }
    }
}

/// A place queries are cut from.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) recording: usize,
    pub(crate) start: usize,
}

impl Sources for Library {
    type Error = Infallible;

    fn read(&mut self, source: i64, start: i64, out: &mut [f32]) -> Result<(), Infallible> {
        let source = source as usize;
        for (at, sample) in (start..).zip(out) {
            *sample = self.sample(source % IDS, source / IDS, at);
        }
        Ok(())
    }
}

pub(crate) fn fingerprint(samples: &[f32]) -> Vec<Landmark> {
    let mut fingerprinter = Fingerprinter::new();
    samples.chunks(4_096).for_each(|block| fingerprinter.push(block));
    fingerprinter.finish()
}

/// The landmarks in a file, which is made if it is not there.
fn cached(file: &Path, make: impl FnOnce() -> Vec<Landmark>) -> Vec<Landmark> {
    let number = |bytes: &[u8]| bytes.try_into().map(u32::from_le_bytes).unwrap();
    if let Ok(bytes) = std::fs::read(file) {
        let landmark = |b: &[u8; 8]| Landmark { hash: number(&b[..4]), frame: number(&b[4..]) };
        return bytes.as_chunks::<8>().0.iter().map(landmark).collect();
    }
    let landmarks = make();
    let bytes = landmarks.iter().flat_map(|l| [l.hash.to_le_bytes(), l.frame.to_le_bytes()]).flatten();
    std::fs::write(file, bytes.collect::<Vec<u8>>()).unwrap();
    landmarks
}
