use std::path::PathBuf;

use audio_speakers::{Diarization, Diarizer, ModelError, SpeakerCount, SpeakerError, SpeakerModels, catalog};

const RATE: usize = 16_000;

/// The model directory; `None`, with a message, if it lacks the models.
fn directory() -> Option<PathBuf> {
    test_kit::models_directory(&catalog::FILES.map(|file| file.file_name))
}

/// A pulse train through three resonances that glide between vowels: voiced enough for the networks, without files.
fn voice(pitch: f32, shift: f32, seconds: usize) -> Vec<f32> {
    const VOWELS: [[f32; 3]; 4] =
        [[730., 1_090., 2_440.], [270., 2_290., 3_010.], [300., 870., 2_240.], [530., 1_840., 2_480.]];
    let (mut phase, mut out) = (0f32, Vec::with_capacity(seconds * RATE));
    let mut memory = [[0f32; 2]; 3];
    for n in 0..seconds * RATE {
        let t = n as f32 / RATE as f32;
        phase += pitch * (1.0 + 0.08 * (t * 3.1).sin()) / RATE as f32;
        let pulse = if phase >= 1.0 { 1.0 } else { 0.0 };
        phase -= pulse;
        let (from, to) = (VOWELS[(t * 4.0) as usize % 4], VOWELS[((t * 4.0) as usize + 1) % 4]);
        let mix = (t * 4.0).fract();
        let mut x = pulse;
        for (f, state) in memory.iter_mut().enumerate() {
            let hertz = (from[f] + (to[f] - from[f]) * mix) * shift;
            let r = (-std::f32::consts::PI * 90.0 / RATE as f32).exp();
            let y = x + 2.0 * r * (std::f32::consts::TAU * hertz / RATE as f32).cos() * state[0]
                - r * r * state[1];
            *state = [y, state[0]];
            x = y;
        }
        // Syllables, with a pause in each second.
        let envelope =
            (t * 4.0 * std::f32::consts::PI).sin().abs() * if t.fract() < 0.85 { 1.0 } else { 0.0 };
        out.push(x * envelope);
    }
    let peak = out.iter().fold(1e-9f32, |peak, x| peak.max(x.abs()));
    out.iter().map(|x| 0.4 * x / peak).collect()
}

fn dialogue() -> Vec<f32> {
    let (low, high) = (voice(105.0, 0.95, 6), voice(220.0, 1.18, 6));
    [low.clone(), high.clone(), low, high].concat()
}

fn diarize(models: &SpeakerModels, samples: &[f32], count: SpeakerCount, piece: usize) -> Diarization {
    let mut diarizer = Diarizer::new(models, count);
    samples.chunks(piece).for_each(|piece| diarizer.push(piece).unwrap());
    diarizer.finish(&|| false).unwrap()
}

#[test]
fn diarization_does_not_depend_on_threads_nor_on_the_pieces_pushed() {
    let Some(directory) = directory() else { return };
    let (one, two) =
        (SpeakerModels::load(&directory, 1).unwrap(), SpeakerModels::load(&directory, 2).unwrap());
    let samples = dialogue();
    let count = SpeakerCount::default();
    let first = diarize(&one, &samples, count, samples.len());
    assert!(!first.turns().is_empty());
    assert_eq!(first, diarize(&two, &samples, count, 4_096));
    assert_eq!(first, diarize(&one, &samples, count, 977));
}

#[test]
fn turns_are_ordered_within_the_recording_and_speakers_numbered_by_appearance() {
    let Some(directory) = directory() else { return };
    let models = SpeakerModels::load(&directory, 1).unwrap();
    let samples = dialogue();
    let found = diarize(&models, &samples, SpeakerCount::new(Some(2), Some(2)).unwrap(), 4_096);
    assert_eq!(found.voices().len(), 2);
    assert!(found.turns().windows(2).all(|pair| pair[0].window.start() <= pair[1].window.start()));
    assert_eq!(found.turns()[0].speaker, 0);
    let length = (samples.len() / RATE) as f64;
    assert!(found.turns().iter().all(|turn| turn.window.start().as_secs_f64() >= 0.0 && turn.window.end().as_secs_f64() <= length));
    for voice in found.voices() {
        assert!(voice.alone <= voice.speech && (0.0..=1.0).contains(&voice.confidence));
    }
}

/// The samples of a 16-bit file of the corpus at 16 kHz; `None`, with a message, if it is absent.
fn corpus(name: &str) -> Option<Vec<f32>> {
    let bytes = std::fs::read(test_kit::files::corpus(name)?).unwrap();
    let data = bytes.windows(4).position(|window| window == b"data").unwrap() + 8;
    let samples = bytes[data..].as_chunks::<2>().0.iter();
    Some(samples.map(|sample| f32::from(i16::from_le_bytes(*sample)) / 32_768.0).collect())
}

#[test]
fn short_recordings_have_two_speakers_and_no_one_voice() {
    let Some(directory) = directory() else { return };
    let Some((first, second)) =
        corpus("asr/jfk.wav").zip(corpus("asr/sense_and_sensibility_01_austen_64kb-0870.wav"))
    else {
        return;
    };
    let models = SpeakerModels::load(&directory, 1).unwrap();
    let (first, second) = (&first[..5 * RATE], &second[..5 * RATE]);
    let mixed = [first, second].concat();
    let found = diarize(&models, &mixed, SpeakerCount::default(), 4_096);
    assert_eq!(found.voices().len(), 2, "{:?}", found.turns());
    assert!(matches!(models.voice_of(&mixed, &|| false), Err(SpeakerError::SeveralSpeakers(2))));
    // Less than 1.5 s of another person does not count as a speaker, and yet prevents the enrolment of a voice.
    let intruded = [&first[..4 * RATE], &second[..RATE * 14 / 10]].concat();
    assert!(matches!(models.voice_of(&intruded, &|| false), Err(SpeakerError::SeveralSpeakers(2))));
    for alone in [first, second] {
        assert_eq!(diarize(&models, alone, SpeakerCount::default(), 4_096).voices().len(), 1);
        assert!(models.voice_of(alone, &|| false).is_ok());
    }
}

#[test]
fn a_diarization_can_be_cancelled() {
    let Some(directory) = directory() else { return };
    let models = SpeakerModels::load(&directory, 1).unwrap();
    let mut diarizer = Diarizer::new(&models, SpeakerCount::default());
    diarizer.push(&dialogue()).unwrap();
    assert_eq!(diarizer.finish(&|| true), Err(SpeakerError::Cancelled));
}

#[test]
fn the_same_voice_is_similar_and_another_is_not() {
    let Some(directory) = directory() else { return };
    let models = SpeakerModels::load(&directory, 1).unwrap();
    let (low, high) = (voice(105.0, 0.95, 12), voice(220.0, 1.18, 12));
    let embedding = |samples: &[f32]| models.voice_of(samples, &|| false).unwrap().embedding;
    let (first, second, other) = (embedding(&low[..6 * RATE]), embedding(&low[6 * RATE..]), embedding(&high));
    assert!(first.similarity(&second) > first.similarity(&other) + 0.2);
}

#[test]
fn silence_noise_and_short_input_have_no_speakers() {
    let Some(directory) = directory() else { return };
    let models = SpeakerModels::load(&directory, 1).unwrap();
    let mut state = 1u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    let hiss: Vec<f32> = (0..12 * RATE).map(|_| 0.01 * noise()).collect();
    let out_of_range = vec![f32::NAN, f32::INFINITY, -9.0];
    for samples in [Vec::new(), vec![0.0; 12 * RATE], hiss, out_of_range, vec![0.1; 10]] {
        let found = diarize(&models, &samples, SpeakerCount::new(Some(3), None).unwrap(), 4_096);
        assert!(found.turns().is_empty() && found.voices().is_empty(), "{:?}", found.turns());
        assert!(matches!(models.voice_of(&samples, &|| false), Err(SpeakerError::TooLittleSpeech { .. })));
    }
}

#[test]
fn missing_or_altered_models_are_rejected() {
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(SpeakerModels::load(empty.path(), 1).err(), Some(ModelError::Missing(_))));
    let file = catalog::SEGMENTATION;
    let bytes = vec![0; usize::try_from(file.size).unwrap()];
    std::fs::write(empty.path().join(file.file_name), bytes).unwrap();
    assert!(matches!(SpeakerModels::check(empty.path()), Err(ModelError::Digest { .. })));
    let message = SpeakerModels::load(empty.path(), 1).err().unwrap().to_string();
    assert!(message.contains("harkback models pull speakers --from"), "{message}");
}
