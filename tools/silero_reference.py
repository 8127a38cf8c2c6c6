#!/usr/bin/env python3
"""Write what ONNX Runtime says of a short synthetic recording, for the speech detector's tests.

    python3 -m venv venv && venv/bin/pip install numpy==2.4.6 onnxruntime==1.31.1
    venv/bin/python tools/silero_reference.py [MODEL.onnx]

Writes fixtures/silero_reference.wav (3 s, 16 kHz, mono: vowels, noise, a chirp and silence) and
fixtures/silero_reference.json (the probability of each 512 samples). Without a path the model is the one that the
`silero` crate carries, found in cargo's registry.
"""

import json
import sys
import wave
from pathlib import Path

import numpy as np
import onnxruntime

RATE, FRAME, CONTEXT = 16_000, 512, 64
FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"


def bundled_model() -> Path:
    registry = Path.home() / ".cargo/registry/src"
    found = sorted(registry.glob("*/silero-0.6.0/models/silero_vad.onnx"))
    if not found:
        sys.exit("the silero crate is not in cargo's registry: run `cargo fetch`, or name the model's file")
    return found[0]


def vowel(seconds: float, pitch: tuple[float, float], formants: tuple[float, ...]) -> np.ndarray:
    """Glottal pulses of gliding pitch (Hz) through resonances at `formants` (Hz)."""
    count = int(seconds * RATE)
    phase = np.cumsum(np.linspace(*pitch, count) / RATE)
    out = np.diff(np.floor(phase), prepend=0.0)
    for formant in formants:
        radius = np.exp(-np.pi * 90 / RATE)
        a1, a2 = 2 * radius * np.cos(2 * np.pi * formant / RATE), -radius * radius
        filtered = np.zeros(count + 2)
        for n in range(count):
            filtered[n + 2] = out[n] + a1 * filtered[n + 1] + a2 * filtered[n]
        out = filtered[2:]
    return 0.4 * out / np.abs(out).max() * np.hanning(count) ** 0.3


def recording() -> np.ndarray:
    """The recording as 16-bit samples."""
    noise = np.random.default_rng(6).standard_normal
    time = np.arange(int(0.5 * RATE)) / RATE
    parts = [
        np.zeros(int(0.2 * RATE)),
        vowel(0.30, (110, 130), (730, 1090, 2440, 3400)),
        0.05 * noise(int(0.08 * RATE)),
        vowel(0.25, (130, 115), (270, 2290, 3010, 3700)),
        vowel(0.30, (115, 95), (570, 840, 2410, 3300)),
        0.10 * noise(int(0.3 * RATE)),
        0.30 * np.sin(2 * np.pi * (200 * time + 3_000 * time**2)),
        np.zeros(int(0.27 * RATE)),
        vowel(0.35, (210, 180), (660, 1720, 2410, 3500)),
        0.02 * noise(int(0.05 * RATE)),
        vowel(0.30, (180, 230), (300, 870, 2240, 3300)),
    ]
    samples = np.concatenate(parts)
    samples = np.pad(samples, (0, 3 * RATE - len(samples))) + 0.001 * noise(3 * RATE)
    return np.round(32_767 * np.clip(samples, -1, 1)).astype("<i2")


def probabilities(model: Path, samples: np.ndarray) -> list[float]:
    """One probability per frame, the last one padded with zeros."""
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    frames = -(-len(samples) // FRAME)
    audio = np.pad(samples.astype(np.float32) / 32_768, (CONTEXT, frames * FRAME - len(samples)))
    state, out = np.zeros((2, 1, 128), np.float32), []
    for start in range(0, frames * FRAME, FRAME):
        window = audio[None, start : start + CONTEXT + FRAME]
        result, state = session.run(None, {"input": window, "state": state, "sr": np.array(RATE)})
        out.append(round(float(result[0, 0]), 6))
    return out


def main() -> None:
    model = Path(sys.argv[1]) if len(sys.argv) > 1 else bundled_model()
    samples = recording()
    with wave.open(str(FIXTURES / "silero_reference.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    found = {"onnxruntime": onnxruntime.__version__, "probabilities": probabilities(model, samples)}
    (FIXTURES / "silero_reference.json").write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
