//! Loudness compared with EBU's test signals, ffmpeg's `ebur128` filter and the `ebur128` crate.

#![expect(clippy::expect_used, reason = "a failed step fails the test")]

use std::fs::File;
use std::path::Path;
use std::process::Command;

use audio_signal::{LoudnessMeter, LoudnessProfile, TruePeakMeter};
use media_decode::Decoder;
use media_time::{MediaTime, Window};
use proptest::prelude::*;
use symphonia::core::audio::{Channels, Position};
use test_kit::files::corpus;

const STEREO: Channels = Channels::Positioned(Position::FRONT_LEFT.union(Position::FRONT_RIGHT));
const MONO: Channels = Channels::Positioned(Position::FRONT_CENTER);

fn surround() -> Channels {
    let front = Position::FRONT_LEFT | Position::FRONT_RIGHT | Position::FRONT_CENTER;
    Channels::Positioned(front | Position::LFE1 | Position::REAR_LEFT | Position::REAR_RIGHT)
}

fn measured(rate: u32, channels: &Channels, samples: &[f32], chunk: usize) -> LoudnessProfile {
    let mut meter = LoudnessMeter::new(rate, channels).expect("a usual format");
    for chunk in samples.chunks(chunk * channels.count()) {
        meter.push(chunk);
    }
    meter.finish()
}

/// Interleaved sines: for each of `parts` a peak level in dBFS and a duration in seconds; channels are scaled by
/// `gains`.
fn sines(rate: u32, frequency: f64, parts: &[(f64, f64)], gains: &[f64]) -> Vec<f32> {
    let mut samples = Vec::new();
    for &(level_dbfs, seconds) in parts {
        for n in 0..(seconds * f64::from(rate)) as u32 {
            let phase = std::f64::consts::TAU * frequency * f64::from(n) / f64::from(rate);
            let sample = 10_f64.powf(level_dbfs / 20.0) * phase.sin();
            samples.extend(gains.iter().map(|gain| (gain * sample) as f32));
        }
    }
    samples
}

/// Noise with a slow swell, from a linear congruential generator.
fn noise(frames: usize, channels: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state as i32 as f32 / i32::MAX as f32
    };
    let swell = |frame: usize| 0.1 + 0.2 * (1.0 + (frame as f32 / 40_000.0).sin());
    (0..frames * channels).map(|i| swell(i / channels) * next()).collect()
}

#[test]
fn ebu_tech_3341_cases() {
    // Test cases 1 to 4: sines of 1 kHz in stereo, ±0.1 LU.
    let cases: [(&[(f64, f64)], f64); 4] = [
        (&[(-23.0, 20.0)], -23.0),
        (&[(-33.0, 20.0)], -33.0),
        (&[(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)], -23.0),
        (&[(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)], -23.0),
    ];
    for (parts, expected) in cases {
        let found = measured(48_000, &STEREO, &sines(48_000, 1_000.0, parts, &[1.0; 2]), 4_096);
        let lufs = found.integrated_lufs().expect("sound");
        assert!((lufs - expected).abs() < 0.1, "{parts:?}: {lufs} LUFS");
    }
}

#[test]
fn ebu_tech_3341_surround_case() {
    // Test case 6: 1 kHz at -28 dBFS left and right, -24 centre, -30 in the surrounds.
    let gain = |dbfs: f64| 10_f64.powf(dbfs / 20.0);
    let gains = [gain(-28.0), gain(-28.0), gain(-24.0), gain(0.0), gain(-30.0), gain(-30.0)];
    let found = measured(48_000, &surround(), &sines(48_000, 1_000.0, &[(0.0, 20.0)], &gains), 4_096);
    let lufs = found.integrated_lufs().expect("sound");
    assert!((lufs + 23.0).abs() < 0.1, "{lufs} LUFS");
}

#[test]
fn ebu_tech_3342_ranges() {
    // Test cases 1 to 4: ±1 LU.
    let cases: [(&[(f64, f64)], f64); 4] = [
        (&[(-20.0, 20.0), (-30.0, 20.0)], 10.0),
        (&[(-20.0, 20.0), (-15.0, 20.0)], 5.0),
        (&[(-40.0, 20.0), (-20.0, 20.0)], 20.0),
        (&[(-50.0, 20.0), (-35.0, 20.0), (-20.0, 20.0), (-35.0, 20.0), (-50.0, 20.0)], 15.0),
    ];
    for (parts, expected) in cases {
        let found = measured(48_000, &STEREO, &sines(48_000, 1_000.0, parts, &[1.0; 2]), 4_096);
        let range = found.range_lu().expect("sound");
        assert!((range - expected).abs() < 0.2, "{parts:?}: {range} LU");
    }
}

#[test]
fn loudness_equals_the_ebur128_crate_at_any_rate() {
    for (rate, channels) in [(22_050, &MONO), (44_100, &STEREO), (48_000, &surround()), (96_000, &STEREO)] {
        let samples = noise(60 * rate as usize, channels.count());
        let mode = ebur128::Mode::I | ebur128::Mode::LRA;
        let mut reference = ebur128::EbuR128::new(channels.count() as u32, rate, mode).expect("a format");
        reference.add_frames_f32(&samples).expect("whole frames");
        let found = measured(rate, channels, &samples, 1_000);
        let (lufs, expected) =
            (found.integrated_lufs().expect("sound"), reference.loudness_global().expect("I"));
        assert!((lufs - expected).abs() < 0.01, "{rate} Hz: {lufs} LUFS, ebur128 {expected}");
        // The crate computes the short-term loudness every second, this crate every 100 ms.
        let (range, expected) = (found.range_lu().expect("sound"), reference.loudness_range().expect("LRA"));
        assert!((range - expected).abs() < 0.5, "{rate} Hz: {range} LU, ebur128 {expected}");
    }
}

fn of_file(path: &Path) -> LoudnessProfile {
    let mut decoder = Decoder::open(File::open(path).expect("the recording")).expect("a recording");
    let mut meter =
        LoudnessMeter::new(decoder.format().rate, &decoder.format().layout).expect("a usual format");
    while let Some(block) = decoder.next_block().expect("sound") {
        meter.push(block.samples);
    }
    meter.finish()
}

#[test]
fn loudness_of_ebu_recordings() {
    let Some(corpus) = corpus("loudness") else { return };
    for name in ["ebu_3341-1", "ebu_3342-1"] {
        let truth = std::fs::read(corpus.join(name).with_extension("json")).expect("the truth");
        let truth: serde_json::Value = serde_json::from_slice(&truth).expect("JSON");
        let found = of_file(&corpus.join(name).with_extension("flac"));
        if let Some(expected) = truth["integrated_lufs"].as_f64() {
            let lufs = found.integrated_lufs().expect("sound");
            assert!((lufs - expected).abs() < 0.1, "{name}: {lufs} LUFS instead of {expected}");
        }
        if let Some(expected) = truth["lra_lu"].as_f64() {
            let range = found.range_lu().expect("sound");
            assert!((range - expected).abs() < 0.1, "{name}: {range} LU instead of {expected}");
        }
    }
}

/// Runs ffmpeg and returns its standard error.
fn ffmpeg(arguments: &[&str]) -> String {
    let output =
        Command::new("ffmpeg").args(["-nostdin", "-nostats", "-hide_banner", "-y"]).args(arguments).output();
    let output = output.expect("these tests compare with ffmpeg: install the package `ffmpeg`");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "ffmpeg {arguments:?} failed: {stderr}");
    stderr
}

#[test]
fn loudness_equals_ffmpeg_for_mono_stereo_and_surround() {
    let folder = tempfile::tempdir().expect("a folder for recordings");
    let swell = "volume=0.25+0.2*sin(t/3):eval=frame";
    let tones = "aevalsrc=0.1*sin(440*2*PI*t)|0.1*sin(554*2*PI*t)|0.2*sin(659*2*PI*t)|0.9*sin(50*2*PI*t)\
                 |0.15*sin(880*2*PI*t)|0.05*sin(1109*2*PI*t)";
    let recordings = [
        ("mono", format!("anoisesrc=r=44100:c=pink:d=40:seed=1,{swell}")),
        ("stereo", format!("aevalsrc=0.3*random(0)|0.2*random(1):s=48000:d=40,{swell}")),
        ("surround", format!("{tones}:s=48000:d=40:c=5.1,{swell}")),
        ("side", format!("{tones}:s=32000:d=40:c=5.1(side),{swell}")),
    ];
    for (name, source) in recordings {
        let path = folder.path().join(name).with_extension("wav");
        let file = path.to_str().expect("a printable path");
        ffmpeg(&["-f", "lavfi", "-i", &source, "-c:a", "pcm_s24le", file]);
        let stderr = ffmpeg(&["-i", file, "-af", "ebur128", "-f", "null", "-"]);
        let summary = stderr.split("Summary:").nth(1).expect("a summary");
        let value = |label: &str| number_after(summary, label);
        let found = of_file(&path);
        let (lufs, expected) = (found.integrated_lufs().expect("sound"), value("I:"));
        assert!((lufs - expected).abs() <= 0.1, "{name}: {lufs} LUFS, ffmpeg {expected}");
        // ffmpeg also counts the first 3 s, with windows that are not yet full.
        let (range, expected) = (found.range_lu().expect("sound"), value("LRA:"));
        assert!((range - expected).abs() <= 0.3, "{name}: {range} LU, ffmpeg {expected}");
    }
}

/// The value that follows `label` in ffmpeg's output.
fn number_after(text: &str, label: &str) -> f64 {
    let after = text.split_once(label).expect("a line of the output").1;
    after.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn true_peak_and_maxima_equal_ffmpeg() {
    let folder = tempfile::tempdir().expect("a folder for recordings");
    let swell = "volume=0.25+0.2*sin(t/3):eval=frame";
    let tones = "aevalsrc=0.1*sin(440*2*PI*t)|0.1*sin(554*2*PI*t)|0.2*sin(659*2*PI*t)|0.9*sin(50*2*PI*t)\
                 |0.15*sin(880*2*PI*t)|0.05*sin(1109*2*PI*t)";
    let recordings = [
        // Limited noise, whose peaks are between its samples.
        (
            "noise",
            format!("anoisesrc=r=44100:c=white:d=20:seed=1:a=0.9,lowpass=9000,alimiter=limit=0.7,{swell}"),
        ),
        ("stereo", format!("aevalsrc=0.3*random(0)|0.2*random(1):s=48000:d=20,lowpass=8000,{swell}")),
        ("surround", format!("{tones}:s=48000:d=20:c=5.1,{swell}")),
        // Samples at 45° miss all peaks: 3 dB below them.
        (
            "quarter",
            "aevalsrc=0.5*sin(PI/2*t*48000+PI/4):s=48000:d=5,afade=d=1,afade=t=out:st=4:d=1".to_owned(),
        ),
    ];
    for (name, source) in recordings {
        let path = folder.path().join(name).with_extension("wav");
        let file = path.to_str().expect("a printable path");
        ffmpeg(&["-f", "lavfi", "-i", &source, "-c:a", "pcm_s24le", file]);
        let values = folder.path().join(name).with_extension("txt");
        let filter = format!("ebur128=peak=true:metadata=1,ametadata=mode=print:file={}", values.display());
        let stderr = ffmpeg(&["-i", file, "-af", &filter, "-f", "null", "-"]);
        let summary = stderr.split("True peak:").nth(1).expect("a summary");
        let expected = number_after(summary, "Peak:");

        let mut decoder = Decoder::open(File::open(&path).expect("the recording")).expect("a recording");
        let mut meter = TruePeakMeter::new(decoder.format().channels());
        while let Some(block) = decoder.next_block().expect("sound") {
            meter.push(block.samples);
        }
        let peak = 20.0 * f64::from(meter.finish()).log10();
        assert!((peak - expected).abs() <= 0.15, "{name}: {peak} dBTP, ffmpeg {expected}");

        let values = std::fs::read_to_string(values).expect("the values");
        let maximum = |label: &str| {
            let values = values.lines().filter_map(|line| line.strip_prefix(label)?.parse::<f64>().ok());
            values.reduce(f64::max).expect("a value")
        };
        let found = of_file(&path);
        let (momentary, expected) = (found.momentary_max_lufs().expect("sound"), maximum("lavfi.r128.M="));
        assert!((momentary - expected).abs() <= 0.1, "{name}: {momentary} LUFS, ffmpeg {expected}");
        let (short_term, expected) = (found.short_term_max_lufs().expect("sound"), maximum("lavfi.r128.S="));
        assert!((short_term - expected).abs() <= 0.1, "{name}: {short_term} LUFS, ffmpeg {expected}");
    }
}

#[test]
fn maxima_need_a_whole_window() {
    let lufs = |seconds: f64| {
        let found = measured(48_000, &STEREO, &sines(48_000, 1_000.0, &[(-23.0, seconds)], &[1.0; 2]), 4_096);
        (found.momentary_max_lufs(), found.short_term_max_lufs())
    };
    assert_eq!(lufs(0.3), (None, None));
    let (momentary, short_term) = lufs(2.9);
    assert!((momentary.expect("sound") + 23.0).abs() < 0.1 && short_term.is_none());
    assert!((lufs(3.5).1.expect("sound") + 23.0).abs() < 0.1);
}

#[test]
fn rates_too_low_for_the_shelf_have_a_loudness() {
    let channels = Channels::Positioned(Position::FRONT_CENTER);
    let at = |rate: u32| {
        let found = measured(rate, &channels, &sines(rate, 300.0, &[(-12.0, 5.0)], &[1.0]), 100);
        found.integrated_lufs().expect("sound")
    };
    // The standard's high-pass filter is not normalised, which raises the level at low rates slightly.
    for rate in [2_000, 3_363, 3_400, 4_000] {
        assert!((0.0..1.1).contains(&(at(rate) - at(48_000))), "{} LUFS at {rate} Hz", at(rate));
    }
}

#[test]
fn silence_has_no_loudness() {
    let found = measured(48_000, &STEREO, &[0.0; 2 * 48_000], 480);
    assert_eq!((found.integrated_lufs(), found.range_lu()), (None, None));
    let second = Window::new(MediaTime::ZERO, MediaTime::from_millis(1_000)).expect("a window");
    assert_eq!(found.window_lufs(second), None);
    let nothing = measured(48_000, &STEREO, &[], 480);
    assert_eq!((nothing.integrated_lufs(), nothing.window_lufs(second)), (None, None));
}

#[test]
fn spans_and_windows_measure_their_own_time_only() {
    let samples = sines(44_100, 1_000.0, &[(-20.0, 2.0), (-200.0, 1.0), (-30.0, 0.5)], &[1.0]);
    let found = measured(44_100, &MONO, &samples, 777);
    let ms = MediaTime::from_millis;
    // A sine of 1 kHz is weighted by +0.69 dB, which the formula subtracts again; its mean square is 3.01 dB
    // below its peak.
    let loud = found.window_lufs(Window::new(ms(500), ms(1_995)).expect("a window")).expect("sound");
    assert!((loud + 23.01).abs() < 0.05, "{loud} LUFS");
    let windows = found.windows(ms(1_000), ms(3_500));
    assert_eq!(windows.len(), 4);
    assert_eq!(windows[3].0, Window::new(ms(3_000), ms(3_500)).expect("a window"));
    let quiet = windows[3].1.expect("sound");
    assert!((quiet + 33.01).abs() < 0.1, "{quiet} LUFS");
    assert!(found.windows(MediaTime::ZERO, ms(3_500)).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn loudness_does_not_depend_on_chunks(
        rate in prop::sample::select(vec![8_000_u32, 11_025, 44_100, 48_000]), chunk in 1_usize..2_000,
    ) {
        let samples = noise(9_999, 2);
        prop_assert_eq!(measured(rate, &STEREO, &samples, chunk), measured(rate, &STEREO, &samples, 9_999));
    }
}
