//! A container, and how its test files are made.

use std::path::{Path, PathBuf};

use super::codec::Codec;
use super::ffmpeg::ffmpeg;
use super::source::LENGTH_MS;

/// A container, ffmpeg's options to write it, and the codecs that are measured in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Family {
    pub(crate) container: &'static str,
    extension: &'static str,
    /// ffmpeg's video encoder and its options; `None` for audio only.
    video: Option<&'static str>,
    options: &'static str,
    /// ffmpeg's options before the audio and before the video of the source.
    offsets: (&'static str, &'static str),
    /// Delays of the presented audio and video relative to the coded source, in ms, in addition to the codec's delay.
    late_ms: (f64, f64),
    joint: Joint,
    pub(crate) codecs: &'static [Codec],
}

/// Post-processing of ffmpeg's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joint {
    /// None: the output is the test file.
    Whole,
    /// An initialisation segment and media segments, concatenated as a downloader does.
    Segments,
    /// Two files with one half of the source each, concatenated as by `cat`. The second is encoded with these further
    /// options.
    Halves(&'static str),
}

pub(crate) const fn video(
    container: &'static str,
    extension: &'static str,
    encoder: &'static str,
    codecs: &'static [Codec],
) -> Family {
    Family { video: Some(encoder), ..audio(container, extension, codecs) }
}

pub(crate) const fn audio(
    container: &'static str,
    extension: &'static str,
    codecs: &'static [Codec],
) -> Family {
    Family {
        container,
        extension,
        video: None,
        options: "",
        offsets: ("", ""),
        late_ms: (0.0, 0.0),
        joint: Joint::Whole,
        codecs,
    }
}

impl Family {
    pub(crate) const fn options(self, options: &'static str) -> Self {
        Self { options, ..self }
    }

    pub(crate) const fn offset(self, audio: &'static str, video: &'static str) -> Self {
        Self { offsets: (audio, video), ..self }
    }

    pub(crate) const fn late(self, audio_ms: f64, video_ms: f64) -> Self {
        Self { late_ms: (audio_ms, video_ms), ..self }
    }

    pub(crate) const fn joint(self, joint: Joint) -> Self {
        Self { joint, ..self }
    }
}

/// One container × codec.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) family: &'static Family,
    pub(crate) codec: Codec,
}

impl std::fmt::Display for Row {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} × {}", self.family.container, self.codec.name)
    }
}

impl Row {
    /// Length of the file from the first presented instant to the end of its audio, and to the end of both streams, in
    /// ms.
    pub(crate) fn lengths_ms(&self) -> (f64, f64) {
        let (audio, video) = self.lateness_ms();
        (LENGTH_MS + audio, LENGTH_MS + if self.has_video() { audio.max(video) } else { audio })
    }

    /// End of the part of the source in which instants are known, in ms: joined MP3 files do not declare the start of
    /// the second.
    pub(crate) fn known_until_ms(&self) -> f64 {
        let is_unknown = matches!(self.family.joint, Joint::Halves(_)) && self.family.extension == "mp3";
        if is_unknown { LENGTH_MS / 2.0 } else { LENGTH_MS }
    }

    pub(crate) fn has_video(&self) -> bool {
        self.family.video.is_some()
    }

    /// Delays of the presented audio and video relative to the coded source, in ms.
    pub(crate) fn lateness_ms(&self) -> (f64, f64) {
        let (audio, video) = self.codec.lateness_ms();
        (audio + self.family.late_ms.0, video + self.family.late_ms.1)
    }

    /// Encodes the coded source into `folder`, which must be empty.
    pub(crate) fn encode(&self, audio: &Path, video: &Path, folder: &Path) -> Result<PathBuf, String> {
        let path = |name: &str| folder.join(format!("{name}.{}", self.family.extension));
        let file = path("coded");
        match self.family.joint {
            Joint::Whole => self.run(audio, video, ("", ""), &file)?,
            Joint::Segments => {
                self.run(audio, video, ("", ""), &folder.join("segment.m3u8"))?;
                let segments = (0..).map(|index| folder.join(format!("segment{index}.m4s")));
                let segments = segments.take_while(|segment| segment.exists());
                join(std::iter::once(folder.join("init.mp4")).chain(segments), &file);
            }
            Joint::Halves(second) => {
                let half_s = LENGTH_MS / 2_000.0;
                self.run(audio, video, (&format!("-t {half_s}"), ""), &path("first"))?;
                self.run(audio, video, (&format!("-ss {half_s}"), second), &path("second"))?;
                join([path("first"), path("second")].into_iter(), &file);
            }
        }
        Ok(file)
    }

    /// Runs ffmpeg with further options before the audio and before the output.
    fn run(&self, audio: &Path, video: &Path, further: (&str, &str), output: &Path) -> Result<(), String> {
        let mut arguments: Vec<String> = Vec::new();
        if let Some(encoder) = self.family.video {
            add_input(&mut arguments, self.family.offsets.1, video);
            add_input(&mut arguments, self.family.offsets.0, audio);
            add_words(&mut arguments, "-map 0:v -map 1:a -c:v");
            add_words(&mut arguments, encoder);
        } else {
            add_input(&mut arguments, further.0, audio);
        }
        add_words(&mut arguments, "-c:a");
        add_words(&mut arguments, self.codec.encoder);
        add_words(&mut arguments, self.family.options);
        add_words(&mut arguments, further.1);
        arguments.push(output.to_str().unwrap().to_owned());
        ffmpeg(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).map(drop)
    }
}

fn add_words(arguments: &mut Vec<String>, text: &str) {
    arguments.extend(text.split_whitespace().map(str::to_owned));
}

fn add_input(arguments: &mut Vec<String>, options: &str, file: &Path) {
    add_words(arguments, options);
    arguments.extend(["-i".to_owned(), file.to_str().unwrap().to_owned()]);
}

fn join(parts: impl Iterator<Item = PathBuf>, file: &Path) {
    let parts: Vec<Vec<u8>> = parts.map(|part| std::fs::read(part).unwrap()).collect();
    std::fs::write(file, parts.concat()).unwrap();
}
