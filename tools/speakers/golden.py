#!/usr/bin/env python3
"""Prints the values that the tests of audio_speakers compare with: filter bank energies of kaldi-native-fbank and, given the
directory of the speaker models, an embedding by onnxruntime.

    golden.py [MODELS]      (needs numpy, kaldi-native-fbank and, for embeddings, onnxruntime)"""
import sys
from pathlib import Path

import kaldi_native_fbank as knf
import numpy as np

SAMPLES = 16_000
BANDS = (0, 1, 10, 20, 40, 60, 79)
FRAMES = (0, 1, 50, 97)


def signal():
    """The same in Rust: integers, so that every bit is the same."""
    i = np.arange(SAMPLES, dtype=np.int64)
    return ((i * i * 7 + i * 13) % 2001 - 1000).astype(np.float32) / np.float32(4000)


def features(samples):
    options = knf.FbankOptions()
    options.frame_opts.dither = 0.0
    options.frame_opts.samp_freq = 16_000
    options.mel_opts.num_bins = 80
    bank = knf.OnlineFbank(options)
    bank.accept_waveform(16_000, samples.tolist())
    bank.input_finished()
    return np.stack([bank.get_frame(frame) for frame in range(bank.num_frames_ready)])


def embedding(values, models):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(Path(models, "speaker-embedding.onnx")), providers=["CPUExecutionProvider"])
    centred = (values - values.mean(axis=0, dtype=np.float64)).astype(np.float32)
    output = session.run(None, {session.get_inputs()[0].name: centred[None]})[0].ravel()
    return output / np.linalg.norm(output)


def main():
    values = features(signal())
    print(f"frames: {len(values)}")
    for frame in FRAMES:
        print(f"    ({frame}, [" + ", ".join(f"{values[frame][band]:.4f}" for band in BANDS) + "]),")
    if len(sys.argv) > 1:
        print("embedding: [" + ", ".join(f"{value:.5f}" for value in embedding(values, sys.argv[1])[:8]) + "]")


if __name__ == "__main__":
    main()
