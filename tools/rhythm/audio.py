"""From the notes of a song to samples at 44.1 kHz: tempo, instruments, production, codecs."""

import os
import pathlib
import subprocess
import tempfile

import mido
import numpy as np
import scipy.io.wavfile
import scipy.signal
from arrangement import DRUMS, VOICES

RATE = 44_100


def clock(rng, bpm, beats, phrases=None):
    """The time of each beat (s) as a function: steady, drifting, rubato or with a change of tempo; with the beats of a phrase,
    expressive: arcs over phrases, notes that linger, ends that slow down."""
    grid = np.arange(-2, beats + 16, 0.05)
    kind = "expressive" if phrases else rng.choice(["steady", "steady", "steady", "drift", "rubato", "change"])
    log = np.zeros(len(grid))
    if kind == "drift":
        log = rng.uniform(0.005, 0.06) * np.sin(2 * np.pi * grid / (rng.uniform(8, 40) * bpm / 60) + rng.uniform(0, 7))
    elif kind == "rubato":
        noise = np.convolve(rng.normal(0, 1, len(grid) + 400), np.hanning(int(rng.uniform(30, 160))), "same")[: len(grid)]
        log = noise / noise.std() * rng.uniform(0.02, 0.08)
    elif kind == "expressive":
        noise = np.convolve(rng.normal(0, 1, len(grid) + 400), np.hanning(int(rng.uniform(20, 120))), "same")[: len(grid)]
        log = noise / noise.std() * rng.uniform(0.02, 0.1)
        place = grid / phrases
        log += rng.uniform(0, 0.12) * np.sin(np.pi * (place % 1)) * rng.normal(1, 0.3, int(place.max()) + 4)[np.floor(place).astype(int) + 1]
        slower, span = rng.uniform(0, 0.5, int(place.max()) + 4) * (rng.random(int(place.max()) + 4) < 0.5), rng.uniform(1, 4)
        left = phrases - grid % phrases
        log -= slower[np.floor(place).astype(int) + 1] * np.clip(1 - left / span, 0, 1)
    elif kind == "change":
        log = np.where(grid > rng.uniform(0.2, 0.8) * beats, rng.uniform(-0.3, 0.3), 0)
    bpms = bpm * np.exp(log)
    times = np.concatenate([[0], np.cumsum(0.05 * 60 / bpms)])[:-1]
    return lambda beat: np.interp(beat, grid, times)


def synthesize(rng, root, song, time, start, seconds, font):
    """Samples of `seconds` from `start`."""
    events = []
    for channel, program in song.programs.items():
        events.append((0, 0, mido.Message("program_change", channel=channel, program=program)))
        events.append((0, 1, mido.Message("control_change", channel=channel, control=7, value=int(rng.integers(70, 120)))))
        if channel != DRUMS and program in VOICES + [40, 73, 65] and rng.random() < 0.7:
            events.append((0, 1, mido.Message("control_change", channel=channel, control=1, value=int(rng.integers(20, 110)))))
    onsets = []
    for begin, end, channel, pitch, velocity in song.notes:
        mean, spread = song.late.get(channel, (0, 0.004))
        on = float(time(begin)) + mean + rng.normal(0, spread) - start
        off = float(time(end)) + mean - start
        if on < -0.5 or on > seconds:
            continue
        onsets.append((on, velocity))
        on = max(on, 0) + 0.5
        events.append((on, 3, mido.Message("note_on", channel=channel, note=int(np.clip(pitch, 0, 127)), velocity=velocity)))
        events.append((min(max(off + 0.5, on + 0.03), seconds + 0.6), 2, mido.Message("note_off", channel=channel, note=int(np.clip(pitch, 0, 127)))))
    midi, track, last = mido.MidiFile(ticks_per_beat=1000), mido.MidiTrack(), 0
    midi.tracks.append(track)
    track.append(mido.MetaMessage("set_tempo", tempo=1_000_000, time=0))
    for at, _, message in sorted(events, key=lambda event: event[:2]):
        ms = round(at * 1000)
        track.append(message.copy(time=max(ms - last, 0)))
        last = max(ms, last)
    environment = dict(os.environ, LD_LIBRARY_PATH=":".join(map(str, root.glob("usr/lib/*-linux-gnu"))))
    with tempfile.TemporaryDirectory() as folder:
        path, sound = pathlib.Path(folder, "song.mid"), pathlib.Path(folder, "song.wav")
        midi.save(path)
        command = [root / "usr/bin/fluidsynth", "-niq", "-g", "0.4", "-R", str(int(rng.random() < 0.5)), "-C", "0", "-F", sound, "-r", str(RATE), font, path]
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=200)
        _, samples = scipy.io.wavfile.read(sound)
    samples = samples.astype(np.float32).mean(1) / 32768
    samples = samples[RATE // 2 : RATE // 2 + int(seconds * RATE)]
    return np.pad(samples, (0, max(0, int(seconds * RATE) - len(samples)))), np.array(sorted(onsets)).reshape(-1, 2)


def produced(rng, x):
    """As records are: equalised, in a room, compressed, noisy, coded, at some level."""
    x = x / (np.abs(x).max() + 1e-6)
    if rng.random() < 0.5:
        for _ in range(rng.integers(1, 4)):
            gain, hz, q = 10 ** (rng.uniform(-9, 9) / 40), np.exp(rng.uniform(np.log(60), np.log(10_000))), rng.uniform(0.5, 2)
            w = 2 * np.pi * hz / RATE
            alpha = np.sin(w) / (2 * q)
            b, a = [1 + alpha * gain, -2 * np.cos(w), 1 - alpha * gain], [1 + alpha / gain, -2 * np.cos(w), 1 - alpha / gain]
            x = scipy.signal.lfilter(np.array(b) / a[0], np.array(a) / a[0], x)
    if rng.random() < 0.35:
        length = int(rng.uniform(0.2, 1.5) * RATE)
        tail = rng.normal(0, 1, length) * 10 ** (-3 * np.arange(length) / length)
        wet = scipy.signal.oaconvolve(x, tail / np.sqrt((tail**2).sum()))[: len(x)]
        delay = int(rng.uniform(0.003, 0.03) * RATE)
        x = x + 10 ** (rng.uniform(-18, 0) / 20) * np.pad(wet, (delay, 0))[: len(x)]
    if rng.random() < 0.7:  # a compressor, then a limiter
        level = scipy.signal.sosfilt(scipy.signal.butter(1, 12 / (RATE / 2), output="sos"), np.abs(x)) + 1e-3
        x = x * (level / level.max()) ** -rng.uniform(0, 0.6)
        x = np.tanh(x / (np.percentile(np.abs(x), 99.5) + 1e-6) * rng.uniform(0.5, 2.0))
    if rng.random() < 0.2:
        cutoff = rng.choice([3400, 4000, 5500, 7000, 8000, 11000])
        x = scipy.signal.sosfilt(scipy.signal.butter(6, cutoff / (RATE / 2), output="sos"), x)
    if rng.random() < 0.35:
        noise = scipy.signal.lfilter([1], [1, -rng.uniform(0, 0.98)], rng.normal(0, 1, len(x)))
        x = x + noise / noise.std() * x.std() * 10 ** (-rng.uniform(8, 45) / 20)
    x = x / (np.abs(x).max() + 1e-6)
    if rng.random() < 0.12:
        n = int(rng.uniform(2, 12) * RATE)
        x[:n] *= np.linspace(0, 1, n) ** 2
    return x * 10 ** (-rng.choice([rng.uniform(0, 6), rng.uniform(0, 30)]) / 20)


def coded(rng, x):
    if rng.random() > 0.25:
        return x
    codec, suffix = [(["libmp3lame", "-b:a", f"{rng.choice([48, 64, 96, 128])}k"], "mp3"), (["libopus", "-b:a", f"{rng.choice([16, 24, 32, 64])}k"], "ogg")][rng.integers(2)]
    with tempfile.TemporaryDirectory() as folder:
        a, b, c = f"{folder}/a.wav", f"{folder}/b.{suffix}", f"{folder}/c.wav"
        scipy.io.wavfile.write(a, RATE, (x * 32767).astype(np.int16))
        for command in (["-i", a, "-c:a", *codec, b], ["-i", b, "-ar", str(RATE), "-ac", "1", c]):
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-threads", "1", *command], check=True)
        y = scipy.io.wavfile.read(c)[1].astype(np.float32) / 32768
    return np.pad(y, (0, max(0, len(x) - len(y))))[: len(x)]
