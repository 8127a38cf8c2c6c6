"""Recordings as mono float samples at 16 kHz: read, resampled, written, and speech by espeak-ng."""

import io
import subprocess
import wave

import numpy as np

RATE = 16_000


def read(source):
    """A 16-bit WAV: a path, or a file object."""
    with wave.open(source) as file:
        raw, rate, channels = file.readframes(file.getnframes()), file.getframerate(), file.getnchannels()
    samples = np.frombuffer(raw, "<i2").astype(np.float32).reshape(-1, channels).mean(axis=1) / 32768
    return resampled(samples, rate)


def decode(path):
    """Any recording, by ffmpeg."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.float32).copy()


def resampled(samples, rate):
    """Samples of another rate."""
    if rate == RATE:
        return samples
    command = ["ffmpeg", "-v", "error", "-f", "f32le", "-ar", str(rate), "-i", "-", "-ar", str(RATE), "-f", "f32le", "-"]
    output = subprocess.run(command, input=samples.astype("<f4").tobytes(), check=True, capture_output=True).stdout
    return np.frombuffer(output, np.float32).copy()


def write(path, samples):
    """A 16-bit WAV."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((np.clip(samples, -1, 1) * 32767).round().astype("<i2").tobytes())


def spoken(voice, text, speed=160, pitch=50):
    """Text by a voice of espeak-ng: words a minute, pitch 0 to 99."""
    command = ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", text]
    return read(io.BytesIO(subprocess.run(command, check=True, capture_output=True).stdout))
