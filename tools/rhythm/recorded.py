"""Recorded songs whose beats are known: `recorded.py ROOT OUT` writes the features of those of Frets on Fire (Debian's
fretsonfire-songs-muldjord and -sectoid, unpacked in ROOT), whose MIDI files have the tempo of the recordings."""

import pathlib
import sys

import mido
import numpy as np
from corpus_features import decoded
from features import features

RATE = 44_100
# Of the recordings after their MIDI files (s), by the onset function; one song's tempo does not hold.
LATE = {"sectoid": 0.032, "muldjord": 0.005}
UNUSED = {"armygeddon"}


def main():
    root, out = map(pathlib.Path, sys.argv[1:3])
    out.mkdir(parents=True, exist_ok=True)
    for folder in sorted(path.parent for path in root.glob("usr/share/games/fretsonfire/data/songs/**/notes.mid")):
        if folder.name in UNUSED:
            continue
        midi = mido.MidiFile(folder / "notes.mid")
        changes, at, time, tempo, metres = [], 0, 0.0, 500_000, []
        for message in mido.merge_tracks(midi.tracks):
            time += message.time * tempo / 1e6 / midi.ticks_per_beat
            at += message.time
            if message.type == "set_tempo":
                tempo = message.tempo
            if message.type == "time_signature":
                metres.append((at, message.numerator, message.denominator))
            changes.append((at, time))
        x = decoded(folder / "song.ogg")
        guitar = decoded(folder / "guitar.ogg")
        n = min(len(x), len(guitar))
        x = (x[:n] + guitar[:n]) / 2
        delay = [float(line.split("=")[1]) for line in (folder / "song.ini").read_text(errors="ignore").splitlines() if line.strip().startswith("delay")]
        ticks, times = map(np.array, zip(*changes))
        grid = np.arange(0, ticks[-1], midi.ticks_per_beat)
        beats = np.interp(grid, ticks, times) + (delay[0] / 1000 if delay else 0) + LATE[folder.parent.name]
        print(folder.name, len(beats), f"{60 / np.median(np.diff(beats)):.1f} BPM", metres, delay, f"{n / RATE:.0f} s")
        np.savez(out / f"fof_{folder.name.replace(' ', '-')}.npz", features=features(x, RATE), frames_per_second=RATE / 220 / 4, beats=beats[beats < n / RATE], positions=(np.arange(len(beats)) % 4 + 1)[beats < n / RATE], onsets=[])


if __name__ == "__main__":
    main()
