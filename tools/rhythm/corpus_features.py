"""`corpus_features.py FOLDER OUT…`: the net's inputs and the truth of the recordings of a folder, as songs.py writes them."""

import pathlib
import subprocess
import sys

import numpy as np
from features import features


def decoded(path, rate=44_100):
    command = ["ffmpeg", "-v", "error", "-threads", "1", "-i", str(path), "-ac", "1", "-ar", str(rate), "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32)


def truth(path, suffix):
    path = path.with_suffix(suffix)
    return [line.split() for line in path.read_text().splitlines() if line.strip()] if path.exists() else []


if __name__ == "__main__":
    folder, out = map(pathlib.Path, sys.argv[1:3])
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(p for p in folder.iterdir() if p.suffix in (".flac", ".wav", ".ogg", ".mp3", ".oga", ".opus")):
        beats, onsets = truth(path, ".beats"), truth(path, ".onsets")
        np.savez(
            out / f"{path.stem}.npz",
            features=features(decoded(path)),
            frames_per_second=44_100 / 220 / 4,
            beats=np.array([float(row[0]) for row in beats]),
            positions=np.array([int(row[1]) if len(row) > 1 else 0 for row in beats]),
            onsets=np.array(sorted(float(row[0]) for row in onsets)),
        )
