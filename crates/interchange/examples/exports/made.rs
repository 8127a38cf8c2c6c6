//! Timelines and annotations from a seed.

use interchange::edit::{Clip, EditTimeline, Media, SourceTimecode, Track, TrackKind};
use interchange::frame_rate::FrameRate;
use interchange::notes::{Annotations, Beat, Event, Turn};
use interchange::words::TimedWord;
use media_time::{MediaTime, Window};

/// The rate of recordings without video.
pub(crate) const RATE: FrameRate = FrameRate::PAL;

const RATES: [(u32, u32); 10] = [
    (24_000, 1_001),
    (24, 1),
    (25, 1),
    (30_000, 1_001),
    (30, 1),
    (50, 1),
    (60_000, 1_001),
    (60, 1),
    (120, 1),
    (25, 2),
];

/// Names with markup, quotes, other scripts, and characters that separate fields.
const NAMES: [&str; 6] = [
    "talk.mp4",
    "a&b <c> \"d\".mov",
    "Übung – 録音.mkv",
    "semi;colon,comma|bar.mp4",
    "talk.wav",
    "x'y%20z.mxf",
];

/// A generator of pseudorandom numbers: splitmix64 (Steele, Lea, Flood 2014).
pub(crate) struct Made {
    state: u64,
}

impl Made {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number in `[from, to)`.
    fn between(&mut self, from: i64, to: i64) -> i64 {
        from + (self.next() % (to - from).unsigned_abs()) as i64
    }

    fn rate(&mut self) -> FrameRate {
        let (numerator, denominator) = RATES[self.between(0, RATES.len() as i64) as usize];
        FrameRate::new(numerator, denominator).unwrap_or(RATE)
    }

    fn media(&mut self, index: usize) -> Media {
        let name = NAMES[index % NAMES.len()].to_owned();
        let is_audio = name.ends_with(".wav");
        let rate = (!is_audio).then(|| self.rate());
        let timecode_rate = rate.unwrap_or(RATE);
        let start = self.between(0, 2) * self.between(0, 72_000_000_000);
        Media {
            id: format!("asset_{index}"),
            url: (!self.next().is_multiple_of(3)).then(|| format!("file:///media/{index}.mp4")),
            name,
            duration: Some(MediaTime::from_micros(7_200_000_000)),
            has_video: rate.is_some(),
            rate,
            start_timecode: Some(SourceTimecode {
                time: timecode_rate.time(timecode_rate.frames(MediaTime::from_micros(start))),
                drop_frame: timecode_rate.is_ntsc().then(|| self.next().is_multiple_of(2)),
            }),
            audio_channels: Some([2, 1, 6][index % 3]),
            sample_rate: Some(48_000),
        }
    }

    pub(crate) fn timeline(&mut self) -> EditTimeline {
        let media: Vec<Media> = (0..5).map(|index| self.media(index)).collect();
        let mut tracks = Vec::new();
        for kind in [TrackKind::Video, TrackKind::Video, TrackKind::Audio, TrackKind::Audio] {
            let letter = if kind == TrackKind::Video { 'V' } else { 'A' };
            let name = format!("{letter}{}", tracks.len() % 2 + 1);
            tracks.push(Track { name, kind, clips: self.clips(kind, &media) });
        }
        EditTimeline {
            name: "Cut \"A\" & more".to_owned(),
            rate: self.rate(),
            media,
            tracks,
            embedded_audio: self.next().is_multiple_of(2),
        }
    }

    fn clips(&mut self, kind: TrackKind, media: &[Media]) -> Vec<Clip> {
        let mut clips = Vec::new();
        let mut at = 0;
        for number in 0..self.between(1, 40) {
            at += self.between(0, 2) * self.between(0, 3_000_000);
            let duration = self.between(1_000, 4_000_000);
            let mut index = self.between(0, media.len() as i64) as usize;
            while kind == TrackKind::Video && !media[index].has_video {
                index = (index + 1) % media.len();
            }
            let speed = [1.0, 1.0, 1.0, 0.5, 2.0, 1.25][self.between(0, 6) as usize];
            clips.push(Clip {
                name: format!("clip {number} of {}", media[index].name),
                media: index,
                target: Window::starting_at(MediaTime::from_micros(at), MediaTime::from_micros(duration)),
                source_start: MediaTime::from_micros(self.between(0, 3_600_000_000)),
                speed,
                gain_db: [0.0, 0.0, -6.0, 3.5][number as usize % 4],
                metadata: vec![("clip_id".to_owned(), format!("clip_{number}"))],
            });
            at += duration;
        }
        clips
    }

    pub(crate) fn annotations(&mut self) -> Annotations {
        let index = self.between(0, NAMES.len() as i64) as usize;
        let media = self.media(index);
        let mut events = Vec::new();
        let mut words = Vec::new();
        let mut at = 0;
        for number in 0..self.between(1, 30) {
            let duration = self.between(100, 60_000);
            let kind = ["speech", "music", "silence", "other"][self.between(0, 4) as usize];
            let is_speech = kind == "speech";
            if is_speech {
                let text = ["Good \"day\".", "Ça va?", "one=two;", "#three\\", "録音", "a\tb"]
                    [self.between(0, 6) as usize];
                words.push(TimedWord {
                    text: text.to_owned(),
                    start_ms: at,
                    end_ms: at + duration,
                    speaker: None,
                    confidence: Some(0.5),
                });
            }
            events.push(Event {
                kind: kind.to_owned(),
                window: Window::starting_at(MediaTime::from_millis(at), MediaTime::from_millis(duration)),
                confidence: Some(0.75),
                text: words.last().filter(|_| is_speech).map(|word| word.text.clone()),
                speaker: (is_speech && number % 2 == 0).then(|| "Ada Lovelace".to_owned()),
            });
            at += duration;
        }
        let duration = MediaTime::from_millis(at);
        // Of some recordings only the main speakers of events are known.
        let speech = events.iter().filter(|event: &&Event| event.kind == "speech");
        let turns = if self.next().is_multiple_of(2) { speech.flat_map(turns).collect() } else { Vec::new() };
        Annotations {
            media,
            source_start: MediaTime::ZERO,
            duration,
            events,
            turns,
            beats: self.beats(at * 1_000),
            words,
            tempo: Some((120.0, 0.5)),
        }
    }

    fn beats(&mut self, end: i64) -> Vec<Beat> {
        let metre = self.between(2, 8) as u32;
        let period = self.between(250_000, 20_000_000);
        let has_pauses = self.next().is_multiple_of(2);
        let mut position = self.between(1, i64::from(metre) + 1) as u32;
        let mut at = self.between(0, 2) * self.between(1, 5_000_000);
        let mut beats = Vec::new();
        while at < end {
            beats.push(Beat { time: MediaTime::from_micros(at), position: Some(position), confidence: None });
            position = position % metre + 1;
            at += period + self.between(-period / 20, period / 20);
            if has_pauses && self.next().is_multiple_of(8) {
                at += self.between(0, 60_000_000);
            }
        }
        beats
    }
}

/// Two speakers in a window of speech, who overlap.
fn turns(event: &Event) -> [Turn; 2] {
    let (start, end) = (event.window.start(), event.window.end());
    let third = MediaTime::from_micros(event.window.duration().as_micros() / 3);
    [("Ada Lovelace", start, end - third), ("S2", start + third, end)].map(|(speaker, start, end)| Turn {
        window: Window::starting_at(start, end - start),
        speaker: speaker.to_owned(),
    })
}
