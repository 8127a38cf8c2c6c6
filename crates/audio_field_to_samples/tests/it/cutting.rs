//! Tests of cutting: slices equal the decoded samples.

use std::io::Cursor;

use audio_field_to_samples::cut::{Cut, CutError, Piece, Slice, cut};
use audio_field_to_samples::{SliceLabel, SliceMeasure, SliceTraits};
use audio_signal::Control;
use proptest::prelude::*;
use test_kit::ffprobe;

use crate::support::{decoded, file, wav};

/// Cuts a recording and joins the pieces of each slice.
fn cut_all(source: Vec<u8>, cuts: &[Cut]) -> (Vec<Slice>, Vec<Vec<u8>>) {
    let mut files = vec![Vec::new(); cuts.len()];
    let mut whole = vec![false; cuts.len()];
    let slices =
        cut(&Cursor::new(source).into(), cuts, &Control::none(), &mut |Piece { cut, bytes, last }| {
            assert!(!whole[cut], "nothing follows the last piece");
            files[cut].extend_from_slice(&bytes);
            whole[cut] = last;
            true
        });
    assert!(whole.iter().all(|whole| *whole));
    (slices.unwrap(), files)
}

fn label(role: &'static str, beats: Option<u32>) -> SliceLabel {
    let (asset_id, text) = ("asset_0198c5a2f0b17c3e9a5d0198c5a2f0b1".parse().unwrap(), role.to_owned());
    SliceLabel { asset_id, audio_stream: None, role, text, beats }
}

/// The content of the chunk `id`, before the samples.
fn chunk<'a>(file: &'a [u8], id: &[u8; 4]) -> Option<&'a [u8]> {
    let mut rest = &file[12..];
    loop {
        let length = u32::from_le_bytes(rest[4..8].try_into().unwrap()) as usize;
        match &rest[..4] {
            found if found == id => return Some(&rest[8..8 + length]),
            b"data" => return None,
            _ => rest = &rest[8 + length + length % 2..],
        }
    }
}

#[test]
fn headers_record_the_exact_start_in_the_recording() {
    let source = wav(8_000, &noise(10_000));
    let cuts = [
        Cut {
            frames: 4_321..6_321,
            keep_length: true,
            fades: [8, 8],
            label: label("loop", Some(4)),
            measure: SliceMeasure::Level,
        },
        Cut {
            frames: 1_000..3_000,
            keep_length: false,
            fades: [8, 8],
            label: label("hit", None),
            measure: SliceMeasure::Level,
        },
    ];
    let (slices, files) = cut_all(source.clone(), &cuts);
    assert_eq!(files, cut_all(source, &cuts).1, "deterministic");
    let folder = tempfile::tempdir().unwrap();
    for ((slice, file), cut) in slices.iter().zip(&files).zip(&cuts) {
        let declared = u32::from_le_bytes(file[4..8].try_into().unwrap());
        assert_eq!(declared as usize, file.len() - 8);
        let (start, role) = (slice.frames.start, cut.label.role);
        assert!(start <= cut.frames.start, "at a zero crossing, which is known only when cutting");
        let path = folder.path().join(format!("{role}.wav"));
        std::fs::write(&path, file).unwrap();
        let tags = ffprobe(&["-of", "default=nw=1", "-show_entries", "format_tags", path.to_str().unwrap()]);
        let window = [start, slice.frames.end].map(|frame| format!("{:.3}", frame as f64 / 8.0));
        for expected in [
            format!("TAG:time_reference={start}"),
            // The names that ffmpeg gives to originator and description.
            "TAG:encoded_by=harkback".to_owned(),
            "TAG:originator_reference=0198c5a2f0b17c3e9a5d0198c5a2f0b1".to_owned(),
            format!("TAG:comment={role} of {}, {} to {} ms", cut.label.asset_id, window[0], window[1]),
        ] {
            assert!(tags.contains(&expected), "{expected}: {tags:?}");
        }
        let xml = std::str::from_utf8(chunk(file, b"iXML").unwrap()).unwrap();
        let document = roxmltree::Document::parse(xml).unwrap();
        let text = |name: &str| document.descendants().find(|node| node.has_tag_name(name)).unwrap().text();
        assert_eq!((text("KIND"), text("ASSET_ID")), (Some(role), Some(cut.label.asset_id.as_str())));
        assert_eq!(text("START_FRAME"), Some(start.to_string().as_str()));
        assert_eq!(chunk(file, b"cue ").unwrap().len(), 28);
        let sampler = chunk(file, b"smpl").map(|smpl| u32::from_le_bytes(smpl[48..52].try_into().unwrap()));
        assert_eq!(sampler, (role == "loop").then_some(1_999));
        let tempo = chunk(file, b"acid").map(|acid| f32::from_le_bytes(acid[20..24].try_into().unwrap()));
        assert_eq!(tempo, (role == "loop").then_some(960.0), "four beats in 2 000 frames at 8 kHz");
    }
}

fn noise(length: usize) -> Vec<f32> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn shortened_recordings_are_reported_as_changed() {
    let source = wav(8_000, &noise(1_000));
    let cuts = [Cut {
        frames: 500..1_001,
        keep_length: false,
        fades: [0, 0],
        label: label("hit", None),
        measure: SliceMeasure::Level,
    }];
    let result = cut(&Cursor::new(source).into(), &cuts, &Control::none(), &mut |_| true);
    assert!(matches!(result, Err(CutError::Changed)), "{result:?}");
}

#[test]
fn cutting_ends_when_the_receiver_is_closed() {
    let cuts = [Cut {
        frames: 500..900,
        keep_length: false,
        fades: [0, 0],
        label: label("hit", None),
        measure: SliceMeasure::Level,
    }];
    let source = Cursor::new(wav(8_000, &noise(1_000)));
    let result = cut(&source.into(), &cuts, &Control::none(), &mut |_| false);
    assert!(matches!(result, Err(CutError::Abandoned)), "{result:?}");
}

#[test]
fn surround_slices_keep_their_channels() {
    // Six channels, written by patching the channel count in the header of the mono file.
    let mut source = wav(8_000, &noise(6 * 2_000));
    source[22] = 6;
    source[28..32].copy_from_slice(&(8_000u32 * 12).to_le_bytes());
    source[32] = 12;
    let (format, original) = decoded(Cursor::new(source.clone()));
    assert_eq!(format.channels(), 6);
    let cuts = [Cut {
        frames: 100..1_900,
        keep_length: true,
        fades: [0, 0],
        label: label("loop", Some(4)),
        measure: SliceMeasure::Level,
    }];
    let (slices, files) = cut_all(source, &cuts);
    let (cut_format, samples) = decoded(Cursor::new(files[0].clone()));
    let frames = slices[0].frames.clone();
    assert_eq!((cut_format.layout, frames.end - frames.start), (format.layout, 1_800));
    assert_eq!(samples, original[frames.start as usize * 6..frames.end as usize * 6]);
}

#[test]
fn slices_are_passed_on_in_pieces() {
    let (format, original) = decoded(file("music_120bpm.wav"));
    let frames = original.len() as u64 / format.channels() as u64;
    let cuts = [Cut {
        frames: 0..frames,
        keep_length: false,
        fades: [0, 0],
        label: label("hit", None),
        measure: SliceMeasure::Level,
    }];
    let mut largest = 0;
    let mut count = 0;
    cut(&file("music_120bpm.wav").into(), &cuts, &Control::none(), &mut |piece| {
        largest = largest.max(piece.bytes.len());
        count += 1;
        true
    })
    .unwrap();
    assert!(count > 4 && largest < 1 << 20, "{count} pieces, the largest of {largest} bytes");
}

/// Chords of half a second, each of three tones with six partials.
fn chords(rate: u32, chords: &[[i32; 3]]) -> Vec<f32> {
    let tone = |pitch: i32, time: f32| {
        let hertz = 440.0 * ((pitch - 69) as f32 / 12.0).exp2();
        (1..7).map(|n| (std::f32::consts::TAU * hertz * n as f32 * time).sin() / n as f32).sum::<f32>()
    };
    let moment = |chord: &[i32; 3], n: u32| {
        let time = n as f32 / rate as f32;
        0.1 * (-2.0 * time).exp() * chord.iter().map(|pitch| tone(*pitch, time)).sum::<f32>()
    };
    chords.iter().flat_map(|chord| (0..rate / 2).map(move |n| moment(chord, n))).collect()
}

#[test]
fn key_and_brightness_are_measured_of_what_was_requested() {
    // A cadence in A minor, then a tone of 1 kHz.
    let rate = 22_050;
    let mut sound = chords(rate, &[[57, 60, 64], [62, 65, 69], [64, 68, 71], [57, 60, 64]]);
    let end = sound.len() as u64;
    let tone = |n: u32| 0.5 * (std::f32::consts::TAU * 1_000.0 * n as f32 / rate as f32).sin();
    sound.extend((0..rate / 2).map(tone));
    let cut = |frames: std::ops::Range<u64>, measure| Cut {
        frames,
        keep_length: false,
        fades: [0, 0],
        label: label("hit", None),
        measure,
    };
    let last = end + u64::from(rate) / 2;
    let cuts = [
        cut(0..end, SliceMeasure::Key),
        cut(end - 1_000..last, SliceMeasure::Hit(end..last)),
        cut(0..end, SliceMeasure::Level),
    ];
    let (slices, _) = cut_all(wav(rate, &sound), &cuts);
    let traits: Vec<_> = slices.iter().map(|slice| slice.traits).collect();
    assert_eq!(traits[0].key.map(|key| key.name()).as_deref(), Some("A minor"));
    let brightness = traits[1].hit.expect("a sound").brightness_hz;
    assert!((brightness - 1_000.0).abs() < 60.0, "{brightness} Hz");
    assert_eq!((traits[0].hit, traits[1].key, traits[2]), (None, None, SliceTraits::default()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn slices_equal_the_recording_between_their_fades(
        bounds in proptest::collection::vec((0u64..9_990, 1u64..4_000, any::<bool>(), 0u64..60, 0u64..60), 1..12),
    ) {
        let source = wav(8_000, &noise(10_000));
        let (_, original) = decoded(Cursor::new(source.clone()));
        let cut = |(start, length, keep_length, fade_in, fade_out): (u64, u64, bool, u64, u64)| {
            let frames = start..(start + length).min(10_000);
            Cut { frames, keep_length, fades: [fade_in, fade_out], label: label("hit", None), measure: SliceMeasure::Level }
        };
        let cuts: Vec<Cut> = bounds.into_iter().map(cut).collect();
        let (slices, files) = cut_all(source, &cuts);
        for ((cut, slice), file) in cuts.iter().zip(&slices).zip(files) {
            let (_, samples) = decoded(Cursor::new(file));
            let moved = cut.frames.start - slice.frames.start;
            prop_assert!(moved <= 40, "at most 5 ms");
            prop_assert_eq!(slice.frames.end, cut.frames.end - if cut.keep_length { moved } else { 0 });
            let expected = &original[slice.frames.start as usize..slice.frames.end as usize];
            prop_assert_eq!(samples.len(), expected.len());
            let [first, last] = slice.fades.map(|frames| frames as usize);
            prop_assert!(first + last <= samples.len());
            prop_assert_eq!(&samples[first..samples.len() - last], &expected[first..samples.len() - last]);
            let begins = slice.frames.start as usize;
            let crosses = original[begins] == 0.0
                || (begins > 0 && (original[begins - 1] < 0.0) != (original[begins] < 0.0));
            prop_assert!(crosses || moved == 0);
        }
    }
}
